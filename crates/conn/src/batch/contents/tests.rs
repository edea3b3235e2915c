use bytes::{Bytes, BytesMut};
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::messages::AbortedTransaction;
use ekafka_protocol::records::{BatchBuilder, RecordData};

use super::Contents;

/// One batch at `base`, of these values, by this producer.
struct Stored {
    base: i64,
    producer: i64,
    values: &'static [&'static str],
    kind: Kind,
    compression: Compression,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Transactional,
    Abort,
    Commit,
}

fn stored(base: i64, values: &'static [&'static str]) -> Stored {
    Stored {
        base,
        producer: -1,
        values,
        kind: Kind::Plain,
        compression: Compression::NONE,
    }
}

fn in_transaction(base: i64, producer: i64, kind: Kind) -> Stored {
    Stored {
        producer,
        kind,
        ..stored(base, &["t"])
    }
}

impl Stored {
    fn bytes(&self) -> Vec<u8> {
        let control = matches!(self.kind, Kind::Abort | Kind::Commit);
        let mut batch = BatchBuilder::new(BytesMut::new())
            .transactional(self.kind != Kind::Plain)
            .control(control);
        let marker = [0, 0, 0, u8::from(self.kind == Kind::Commit)];
        for value in self.values {
            let mut record = RecordData {
                value: Some(value.as_bytes()),
                ..RecordData::default()
            };
            if control {
                record.key = Some(&marker);
                record.value = Some(&[0; 6]);
            }
            batch.append(&record).unwrap();
        }
        let mut bytes = batch
            .seal(self.compression)
            .unwrap()
            .stamp(self.producer, 0, 0)
            .to_vec();
        // The base offset is not covered by the checksum.
        bytes[..8].copy_from_slice(&self.base.to_be_bytes());
        bytes
    }
}

/// The offsets given out, and the offset at the end.
fn walk(from: i64, stored: &[Stored], aborted: &[(i64, i64)]) -> (Vec<i64>, i64) {
    let bytes: Vec<u8> = stored.iter().flat_map(Stored::bytes).collect();
    let aborted = aborted
        .iter()
        .map(|&(producer_id, first_offset)| AbortedTransaction {
            producer_id,
            first_offset,
        });
    let mut contents = Contents::new("topic", 0, 100, from, Bytes::from(bytes), aborted.collect());
    let mut offsets = Vec::new();
    while let Some(message) = contents.next_message().unwrap() {
        offsets.push(message.offset());
    }
    (offsets, contents.offset())
}

#[test]
fn records_before_the_offset_asked_for_are_skipped() {
    let log = [stored(10, &["a", "b", "c"]), stored(13, &["d"])];
    assert_eq!(walk(10, &log, &[]), (vec![10, 11, 12, 13], 14));
    assert_eq!(walk(12, &log, &[]), (vec![12, 13], 14));
    assert_eq!(walk(13, &log, &[]), (vec![13], 14));
}

#[test]
fn compressed_batches_are_opened() {
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        let log = [Stored {
            compression: codec.into(),
            ..stored(5, &["a", "a", "a"])
        }];
        assert_eq!(walk(6, &log, &[]), (vec![6, 7], 8));
    }
}

#[test]
fn gaps_of_compaction_are_stepped_over() {
    let log = [stored(0, &["a"]), stored(7, &["b", "c"])];
    assert_eq!(walk(0, &log, &[]), (vec![0, 7, 8], 9));
    assert_eq!(walk(3, &log, &[]), (vec![7, 8], 9));
}

#[test]
fn cut_off_batch_ends_quietly_and_is_fetched_again() {
    let mut bytes = stored(0, &["a", "b"]).bytes();
    let next = stored(2, &["c"]).bytes();
    bytes.extend_from_slice(&next[..next.len() - 1]);
    let mut contents = Contents::new("topic", 0, 3, 0, Bytes::from(bytes), Vec::new());
    assert!(contents.next_message().unwrap().is_some());
    assert!(contents.next_message().unwrap().is_some());
    assert!(contents.next_message().unwrap().is_none());
    assert_eq!(contents.offset(), 2);
}

#[test]
fn damaged_batch_is_an_error() {
    let mut bytes = stored(0, &["abcdef"]).bytes();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let mut contents = Contents::new("topic", 0, 1, 0, Bytes::from(bytes), Vec::new());
    assert!(contents.next_message().is_err());
}

#[test]
fn control_records_are_never_shown() {
    let log = [
        in_transaction(0, 7, Kind::Transactional),
        in_transaction(1, 7, Kind::Commit),
        stored(2, &["a"]),
    ];
    assert_eq!(walk(0, &log, &[]), (vec![0, 2], 3));
    let log = [stored(0, &["a"]), in_transaction(1, 7, Kind::Commit)];
    assert_eq!(walk(0, &log, &[]), (vec![0], 2));
}

#[test]
fn aborted_transactions_are_left_out_until_their_end() {
    let log = [
        in_transaction(0, 7, Kind::Transactional),
        in_transaction(1, 8, Kind::Transactional),
        stored(2, &["a"]),
        in_transaction(3, 7, Kind::Abort),
        in_transaction(4, 7, Kind::Transactional),
        in_transaction(5, 7, Kind::Commit),
        in_transaction(6, 8, Kind::Commit),
    ];
    assert_eq!(walk(0, &log, &[(7, 0)]), (vec![1, 2, 4], 7));
    // Without the list, as in read-uncommitted, all are shown.
    assert_eq!(walk(0, &log, &[]), (vec![0, 1, 2, 4], 7));
}
