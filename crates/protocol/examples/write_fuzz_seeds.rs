//! Writes the seeds of the fuzz targets: golden records, codecs' outputs, and the shortest message of each API.
//! `cargo xtask fuzz --seeds` runs it.
#![expect(clippy::unwrap_used, reason = "a job panics when it fails")]

use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use ekafka_protocol::ApiKey;
use ekafka_protocol::compression::{Codec, Compression, compress};
use kafka_protocol::messages::{ApiKey as KafkaApiKey, RequestKind, ResponseKind};

fn main() {
    write_record_seeds();
    write_codec_seeds();
    write_message_seeds();
}

fn folder(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(of)
}

fn write(target: &str, name: &str, seed: &[u8]) {
    let folder = folder("../../fuzz/corpus/seed").join(target);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), seed).unwrap();
}

fn write_record_seeds() {
    for entry in std::fs::read_dir(folder("tests/golden/records")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if path.extension().is_none_or(|extension| extension != "hex") || name.contains("big") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let digits: Vec<_> = text
            .chars()
            .filter_map(|digit| digit.to_digit(16))
            .collect();
        let bytes: Vec<_> = digits
            .chunks(2)
            .map(|pair| (pair[0] * 16 + pair[1]) as u8)
            .collect();
        let target = if name.starts_with("v2") {
            "batches"
        } else {
            "message_sets"
        };
        write(target, name, &bytes);
        if name == "v2-none" {
            let with_count = [&bytes[60..61], &bytes[61..]].concat();
            write("records", name, &with_count);
            write("round_trip", name, &with_count);
        }
    }
}

fn write_codec_seeds() {
    let text = b"a line of text that repeats, a line of text that ".repeat(4);
    let noise: Vec<u8> = (0..60u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for codec in &Codec::ALL[1..] {
        for (name, input) in [
            ("text", &text[..]),
            ("noise", &noise),
            ("empty", b""),
            ("zeros", &[0; 3_000]),
        ] {
            let mut output = BytesMut::new();
            compress(Compression::of(*codec), input, &mut output).unwrap();
            if *codec == Codec::Snappy {
                write("xerial", name, &output[16..]);
                // The first chunk is a raw block.
                write("snappy", name, output.get(20..).unwrap_or_default());
            } else {
                write(codec.name(), name, &output);
            }
        }
    }
}

const ZEROS: [u8; 64] = [0; 64];

/// The shortest message of each API in its newest version.
fn write_message_seeds() {
    for (index, api) in ApiKey::all().enumerate() {
        let newest = api.stable_versions().iter().count().saturating_sub(1);
        let Ok(kafka_api) = KafkaApiKey::try_from(api.0) else {
            continue;
        };
        let version = api.stable_versions().max;
        let head = [index as u8, newest as u8];
        // Zeros are absent fields and empty arrays; what the decoder leaves is not part of the message.
        let mut rest = Bytes::from_static(&ZEROS);
        if RequestKind::decode(kafka_api, &mut rest, version).is_ok() {
            write(
                "requests",
                &name(api),
                &[&head, &ZEROS[rest.len()..]].concat(),
            );
        }
        let mut rest = Bytes::from_static(&ZEROS);
        if ResponseKind::decode(kafka_api, &mut rest, version).is_ok() {
            write(
                "responses",
                &name(api),
                &[&head, &ZEROS[rest.len()..]].concat(),
            );
        }
    }
}

fn name(api: ApiKey) -> String {
    api.name().unwrap_or("unnamed").to_owned()
}
