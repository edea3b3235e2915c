//! The fuzz targets' bodies on their seeds, which `cargo xtask fuzz --seeds` writes.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::path::{Path, PathBuf};

#[path = "../../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a library of its own for cargo-fuzz")]
mod fuzz;

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = folder("../../fuzz/corpus/seed").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

#[test]
fn every_target_has_seeds_that_pass() {
    for (target, body) in fuzz::TARGETS {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{target}");
        for seed in seeds {
            body(&seed);
        }
    }
}

#[test]
fn every_target_takes_cut_and_flipped_seeds() {
    for (_, body) in fuzz::TARGETS {
        body(&[]);
    }
    for (target, body) in fuzz::TARGETS {
        for mut seed in seeds(target) {
            for at in 0..seed.len().min(300) {
                body(&seed[..at]);
                for flip in [0x01, 0x80, 0xff] {
                    seed[at] ^= flip;
                    body(&seed);
                    seed[at] ^= flip;
                }
            }
        }
    }
}
