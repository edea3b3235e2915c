//! Rules about the source itself: who may depend on whom, how long a file may be, which files may wait.

pub(crate) mod sources;

use std::collections::BTreeSet;

use self::sources::{Source, all_files, root, rust_files};

/// Each crate of ours and which others it may name in `[dependencies]`.
const MAY_DEPEND_ON: [(&str, &[&str]); 8] = [
    ("protocol", &[]),
    ("conn", &["protocol"]),
    ("admin", &["conn", "protocol"]),
    ("writer", &["conn", "protocol"]),
    ("reader", &["conn", "protocol"]),
    ("ekafka", &["admin", "conn", "protocol", "reader", "writer"]),
    ("testkit", &["protocol"]),
    ("cli", &["ekafka", "testkit"]),
];

/// Lines of code, without blank lines and comments.
const LONGEST_FILE: usize = 500;

/// Files of conn, admin, writer and reader that may wait, look at the clock, open sockets or start tasks. Every other file
/// decides in plain code, with `now` as an argument.
const SHELLS: &[&str] = &[
    "crates/admin/src/calling.rs",
    "crates/admin/src/create_topics.rs",
    "crates/conn/src/broker.rs",
    "crates/conn/src/cluster.rs",
    "crates/conn/src/cluster/refreshing.rs",
    "crates/conn/src/cluster/routing.rs",
    "crates/conn/src/cluster/state.rs",
    "crates/conn/src/cluster/waiting.rs",
    "crates/conn/src/conn.rs",
    "crates/conn/src/conn/admin.rs",
    "crates/conn/src/conn/deadline.rs",
    "crates/conn/src/conn/read.rs",
    "crates/conn/src/conn/write.rs",
    "crates/conn/src/connection.rs",
    "crates/conn/src/connection/opening.rs",
    "crates/conn/src/connection/renewal.rs",
    "crates/conn/src/connection/task.rs",
    "crates/conn/src/dialer.rs",
    "crates/conn/src/sasl/msk_iam/clock.rs",
    "crates/conn/src/stream.rs",
    "crates/conn/src/transport.rs",
    "crates/conn/src/transport/tcp.rs",
    "crates/reader/src/consumer_group/generation.rs",
    "crates/reader/src/consumer_group/host.rs",
    "crates/reader/src/consumer_group/mod.rs",
    "crates/reader/src/control/mod.rs",
    "crates/reader/src/fetcher/mod.rs",
    "crates/reader/src/reader.rs",
    "crates/reader/src/reader/per_partition.rs",
    "crates/writer/src/sender/identity.rs",
    "crates/writer/src/sender/mod.rs",
    "crates/writer/src/sender/task.rs",
    "crates/writer/src/writer.rs",
    "crates/writer/src/writer/accept.rs",
    "crates/writer/src/writer/accept/single.rs",
    "crates/writer/src/writer/clock.rs",
    "crates/writer/src/writer/outside.rs",
];

/// What only a shell may name. Types such as `tokio::time::Instant` are no waiting.
const WAITING: [&str; 10] = [
    "Instant::now",
    "SystemTime::now",
    "tokio::net",
    "tokio::spawn",
    "spawn(",
    "::sleep(",
    "sleep_until(",
    "time::timeout",
    "time::interval",
    "timeout_at(",
];

#[test]
fn dependencies_point_down() {
    for (folder, allowed) in MAY_DEPEND_ON {
        let manifest = root().join("crates").join(folder).join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).expect("a manifest for each crate");
        let used = own_dependencies(&text);
        let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        let wrong: Vec<_> = used.difference(&allowed).collect();
        assert!(
            wrong.is_empty(),
            "crates/{folder} must not depend on {wrong:?}"
        );
    }
}

#[test]
fn every_crate_is_in_the_dependency_table() {
    let folders: BTreeSet<String> = std::fs::read_dir(root().join("crates"))
        .expect("a folder of crates")
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let listed = MAY_DEPEND_ON
        .iter()
        .map(|(folder, _)| (*folder).to_owned())
        .collect();
    assert_eq!(folders, listed);
}

#[test]
fn files_are_short() {
    let long: Vec<String> = rust_files()
        .filter(|file| !file.is_test() && !file.is_generated())
        .filter(|file| file.code_lines() > LONGEST_FILE)
        .map(|file| format!("{} has {} lines of code", file.path, file.code_lines()))
        .collect();
    assert!(long.is_empty(), "split by role: {long:#?}");
}

#[test]
fn names_say_what_a_file_is() {
    let vague = [
        "util", "utils", "common", "misc", "helpers", "helper", "manager",
    ];
    let wrong: Vec<String> = rust_files()
        .map(|file| file.path)
        .filter(|path| {
            let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').collect();
            let doubled = parts
                .windows(2)
                .any(|pair| pair[0] == pair[1] && pair[0] != "benches");
            doubled || parts.iter().any(|part| vague.contains(part))
        })
        .collect();
    assert!(wrong.is_empty(), "rename: {wrong:#?}");
}

#[test]
fn only_shells_wait() {
    let watched = [
        "crates/admin/src/",
        "crates/conn/src/",
        "crates/writer/src/",
        "crates/reader/src/",
    ];
    let pure = |file: &Source| {
        watched.iter().any(|folder| file.path.starts_with(folder))
            && !file.is_test()
            && !SHELLS.contains(&file.path.as_str())
    };
    let wrong = found(rust_files().filter(pure), |file| {
        WAITING
            .into_iter()
            .filter(|word| file.names(word))
            .collect()
    });
    assert!(
        wrong.is_empty(),
        "decide in plain code, or list the file as a shell: {wrong:#?}"
    );
}

#[test]
fn listed_shells_exist() {
    let gone: Vec<_> = SHELLS
        .iter()
        .filter(|path| !root().join(path).exists())
        .collect();
    assert!(gone.is_empty(), "no longer there: {gone:?}");
}

#[test]
fn protocol_neither_waits_nor_looks_at_the_clock() {
    let words = [
        "tokio::",
        "Instant::now",
        "SystemTime::now",
        "std::net",
        "std::fs",
        "std::thread",
    ];
    let pure = |file: &Source| file.path.starts_with("crates/protocol/src/") && !file.is_test();
    let wrong = found(rust_files().filter(pure), |file| {
        words.into_iter().filter(|word| file.names(word)).collect()
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    // Put together from pieces, so that this file does not find itself.
    let words = [
        concat!("/wor", "k/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("crates", ".io/api"),
        concat!("index.", "crates.io"),
        concat!("static.", "crates.io"),
        concat!("repo1.", "maven"),
        concat!("repo.", "maven"),
        concat!("proxy.", "golang.org"),
        concat!("pypi", ".org"),
        concat!("registry.", "npmjs"),
    ];
    let wrong = found(all_files(), |file| {
        words
            .into_iter()
            .filter(|word| file.text.contains(word))
            .collect()
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_test_is_skipped_and_no_code_is_missing() {
    let skipped = concat!("#[ig", "nore");
    let words = [
        skipped,
        concat!("todo", "!("),
        concat!("unimpl", "emented!("),
    ];
    let wrong = found(rust_files(), |file| {
        words
            .into_iter()
            .filter(|word| file.text.contains(word))
            .collect()
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn outside_dependencies_give_their_reason() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).expect("a root manifest");
    let section = section(&text, "[workspace.dependencies]");
    let bare: Vec<&str> = section
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with("ekafka"))
        .filter(|line| !line.contains(" # "))
        .collect();
    assert!(
        bare.is_empty(),
        "say beside the version what it is for: {bare:#?}"
    );
}

#[test]
fn architecture_fits_in_250_lines() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("the map");
    assert!(text.lines().count() <= 250);
}

/// Each file with the words that `search` finds in it.
fn found<'a>(
    files: impl Iterator<Item = Source>,
    search: impl Fn(&Source) -> Vec<&'a str>,
) -> Vec<String> {
    let mut all = Vec::new();
    for file in files {
        all.extend(
            search(&file)
                .into_iter()
                .map(|word| format!("{} names `{word}`", file.path)),
        );
    }
    all
}

/// The `ekafka-…` crates in the `[dependencies]` of a manifest, without the prefix.
fn own_dependencies(manifest: &str) -> BTreeSet<String> {
    section(manifest, "[dependencies]")
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter_map(|name| match name {
            "ekafka" => Some("ekafka"),
            _ => name.strip_prefix("ekafka-"),
        })
        .map(str::to_owned)
        .collect()
}

/// What stands between a heading of a manifest and the next one.
fn section<'a>(manifest: &'a str, heading: &str) -> &'a str {
    let after = manifest
        .split_once(&format!("\n{heading}\n"))
        .map_or("", |(_, after)| after);
    after.split("\n[").next().unwrap_or_default()
}
