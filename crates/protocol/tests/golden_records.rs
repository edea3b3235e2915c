//! Batches and message sets written by Kafka's own classes, read and, where the bytes are
//! determined, written again. `golden/records/Generate.java` made them.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::path::Path;

use bytes::{Bytes, BytesMut};
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::records::{
    Batch, BatchBuilder, BatchIter, ControlKind, ControlRecord, DecodeLimits, Header,
    MessageFormat, MessageSetBuilder, RecordData, TimestampType,
};

const TIME: i64 = 1_700_000_000_000;
const STORED: i64 = 1_700_000_009_999;
const CODECS: [Codec; 5] = Codec::ALL;

fn golden(name: &str) -> Bytes {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/records/{name}.hex"));
    let text: String = std::fs::read_to_string(path)
        .unwrap()
        .split_whitespace()
        .collect();
    (0..text.len() / 2)
        .map(|index| u8::from_str_radix(&text[2 * index..2 * index + 2], 16).unwrap())
        .collect()
}

fn only_batch(bytes: Bytes) -> Batch {
    let mut batches = BatchIter::new(bytes, &DecodeLimits::default());
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    assert_eq!(batches.remainder(), 0);
    batch
}

fn log_lines(length: usize) -> String {
    let mut text: String = (0..=length / 10)
        .map(|line| format!("line {line} of a log; "))
        .collect();
    text.truncate(length);
    text
}

const HEADERS: [Header<'static>; 4] = [
    Header {
        key: "dup",
        value: Some(b"1"),
    },
    Header {
        key: "dup",
        value: Some(b"2"),
    },
    Header {
        key: "null",
        value: None,
    },
    Header {
        key: "",
        value: Some(b""),
    },
];

/// What the generator appends, from offset 40 on.
fn records(magic: i8, text: &str) -> [RecordData<'_>; 5] {
    let record = |timestamp, key, value| RecordData {
        timestamp,
        key,
        value,
        headers: &[],
    };
    let fourth = match magic {
        2 => RecordData {
            headers: &HEADERS,
            ..record(TIME + 1000, Some(b"k"), Some(b"with headers"))
        },
        _ => record(TIME + 1000, Some(b"k"), Some(b"without headers")),
    };
    [
        record(TIME, Some(b"key"), Some(b"value")),
        record(TIME + 5, None, Some(b"")),
        record(TIME - 3, Some(b""), None),
        fourth,
        record(TIME + 1001, Some(b"long"), Some(text.as_bytes())),
    ]
}

fn check(name: &str, magic: i8, codec: Codec, text_len: usize, time: impl Fn(i64) -> i64) {
    let limits = DecodeLimits::default();
    let text = log_lines(text_len);
    let mut expected = records(magic, &text).into_iter().zip(40..);
    for batch in BatchIter::new(golden(name), &limits) {
        let batch = batch.unwrap();
        assert_eq!((batch.magic(), batch.codec()), (magic, codec), "{name}");
        for record in &batch.records(&limits).unwrap() {
            let record = record.unwrap();
            let (written, offset) = expected.next().unwrap();
            assert_eq!(record.offset, offset, "{name}");
            assert_eq!(record.timestamp, time(written.timestamp), "{name}");
            assert_eq!(
                (record.key, record.value),
                (written.key, written.value),
                "{name}"
            );
            let headers: Vec<_> = record
                .headers()
                .map(|header| header.unwrap())
                .map(|header| Header {
                    key: header.key_str().unwrap(),
                    value: header.value,
                })
                .collect();
            assert_eq!(headers, written.headers, "{name}");
        }
        assert_eq!(
            batch.last_offset(),
            if codec == Codec::None && magic < 2 {
                batch.base_offset()
            } else {
                44
            }
        );
    }
    assert!(expected.next().is_none(), "{name}");
}

#[test]
fn every_format_and_codec_is_read() {
    for codec in CODECS {
        for magic in [0, 1, 2] {
            if codec == Codec::Zstd && magic < 2 {
                continue;
            }
            let name = format!("v{magic}-{codec}");
            check(
                &name,
                magic,
                codec,
                300,
                |time| if magic == 0 { -1 } else { time },
            );
            if magic > 0 {
                check(
                    &format!("{name}-log-append-time"),
                    magic,
                    codec,
                    300,
                    |_| STORED,
                );
            }
        }
        if codec != Codec::None {
            check(&format!("v2-{codec}-big"), 2, codec, 80_000, |time| time);
        }
    }
}

#[test]
fn uncompressed_bytes_are_those_that_kafka_writes() {
    let text = log_lines(300);
    let mut open = BatchBuilder::new(BytesMut::new());
    for record in records(2, &text) {
        open.append(&record).unwrap();
    }
    let mut ours = open
        .seal(Compression::NONE)
        .unwrap()
        .stamp(-1, -1, -1)
        .to_vec();
    // The broker's part of the header, which no checksum covers.
    ours[..8].copy_from_slice(&40i64.to_be_bytes());
    assert_eq!(ours, golden("v2-none"));

    for (format, name) in [
        (MessageFormat::V0, "v0-none"),
        (MessageFormat::V1, "v1-none"),
    ] {
        let mut set = MessageSetBuilder::new(format, Compression::NONE);
        for (record, offset) in records(0, &text).iter().zip(40..) {
            set.append(offset, record).unwrap();
        }
        assert_eq!(set.finish().unwrap(), golden(name));
    }
}

#[test]
fn a_producers_identity_is_where_kafka_puts_it() {
    let mut open = BatchBuilder::new(BytesMut::new());
    let record = RecordData {
        timestamp: 5,
        key: Some(b"a"),
        value: Some(b"idempotent"),
        headers: &[],
    };
    open.append(&record).unwrap();
    let mut ours = open
        .seal(Compression::NONE)
        .unwrap()
        .stamp(4711, 3, 12)
        .to_vec();
    ours[..8].copy_from_slice(&7i64.to_be_bytes());
    assert_eq!(ours, golden("v2-idempotent"));

    let batch = only_batch(golden("v2-transactional"));
    assert!(batch.is_transactional() && !batch.is_control());
    assert_eq!(
        (
            batch.producer_id(),
            batch.producer_epoch(),
            batch.base_sequence()
        ),
        (4712, 1, 0)
    );
    assert_eq!(batch.leader_epoch(), 9);
}

#[test]
fn transaction_markers_are_understood() {
    for (name, kind, coordinator_epoch) in [
        ("v2-commit-marker", ControlKind::Commit, 33),
        ("v2-abort-marker", ControlKind::Abort, 34),
    ] {
        let batch = only_batch(golden(name));
        assert!(batch.is_control() && batch.is_transactional());
        let records = batch.records(&DecodeLimits::default()).unwrap();
        let record = records.iter().next().unwrap().unwrap();
        let marker = ControlRecord {
            version: 0,
            kind,
            coordinator_epoch,
        };
        assert_eq!(ControlRecord::parse(&record), Ok(marker));

        let (key, value) = marker.encode();
        let mut open = BatchBuilder::new(BytesMut::new())
            .transactional(true)
            .control(true);
        let record = RecordData {
            timestamp: TIME,
            key: Some(&key),
            value: Some(&value),
            headers: &[],
        };
        open.append(&record).unwrap();
        let ours = open.seal(Compression::NONE).unwrap().stamp(4712, 1, -1);
        // Offset and leader epoch are the broker's.
        assert_eq!(ours[16..], golden(name)[16..]);
    }
}

#[test]
fn who_set_the_time_is_known() {
    let limits = DecodeLimits::default();
    for name in ["v1-none", "v1-gzip", "v2-lz4"] {
        for (suffix, expected) in [
            ("", TimestampType::CreateTime),
            ("-log-append-time", TimestampType::LogAppendTime),
        ] {
            let bytes = golden(&format!("{name}{suffix}"));
            let batch = BatchIter::new(bytes, &limits).next().unwrap().unwrap();
            assert_eq!(batch.timestamp_type(), expected, "{name}{suffix}");
        }
    }
}

#[test]
fn one_fetch_may_mix_everything() {
    let limits = DecodeLimits::default();
    let names = [
        "v0-gzip",
        "v1-none",
        "v2-zstd",
        "v0-lz4",
        "v2-abort-marker",
        "v1-snappy",
        "v2-none",
    ];
    let mixed: Vec<u8> = names.iter().flat_map(|name| golden(name)).collect();
    let count: usize = BatchIter::new(mixed.into(), &limits)
        .map(|batch| {
            batch
                .unwrap()
                .records(&limits)
                .unwrap()
                .iter()
                .map(Result::unwrap)
                .count()
        })
        .sum();
    assert_eq!(count, 6 * 5 + 1);
}
