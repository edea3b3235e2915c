use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::{BatchBuilder, RecordData};

use super::*;
use crate::TopicPartition;
use crate::inbox::{FetchedChunk, Inbox, Item};
use crate::lane::Assignment;

/// A log written batch by batch.
#[derive(Default)]
struct Log {
    bytes: Vec<u8>,
    next: i64,
}

impl Log {
    /// `count` records; a transaction when `producer` is not negative.
    fn data(mut self, producer: i64, count: i64) -> Self {
        let batch = BatchBuilder::new(bytes::BytesMut::new()).transactional(producer >= 0);
        self.append(batch, producer, count, None);
        self
    }

    /// The marker that ends a transaction: type 0 aborts, 1 commits.
    fn marker(mut self, producer: i64, kind: u8) -> Self {
        let batch = BatchBuilder::new(bytes::BytesMut::new())
            .transactional(true)
            .control(true);
        self.append(batch, producer, 1, Some(kind));
        self
    }

    fn append(&mut self, mut batch: BatchBuilder, producer: i64, count: i64, kind: Option<u8>) {
        let key = kind.map(|kind| [0, 0, 0, kind]);
        for _ in 0..count {
            let record = RecordData {
                timestamp: 0,
                key: key.as_ref().map(<[u8; 4]>::as_slice),
                value: Some(&[0; 6]),
                headers: &[],
            };
            batch.append(&record).unwrap();
        }
        let mut sealed = batch.seal(Compression::NONE).unwrap();
        let mut bytes = sealed.stamp(producer, 0, 0).to_vec();
        bytes[..8].copy_from_slice(&self.next.to_be_bytes());
        self.bytes.extend(bytes);
        self.next += count;
    }

    /// The offsets handed out from `from` on, and where reading goes on.
    fn read(&self, from: i64, aborted: &[(i64, i64)]) -> (Vec<i64>, i64) {
        let (_, mut reader) = self.reader(from, aborted);
        let mut offsets = Vec::new();
        while let Some(batch) = reader.next().unwrap() {
            let records = batch.records.iter().map(|record| record.unwrap().offset);
            offsets.extend(records.filter(|offset| *offset >= batch.from));
        }
        (offsets, reader.reached())
    }

    /// A reader of the log from `from` on, and its lane.
    fn reader(&self, from: i64, aborted: &[(i64, i64)]) -> (Arc<Lane>, ChunkReader) {
        let lane = Lane::new(Arc::new(Assignment::new(TopicPartition::new("t", 0))), 1);
        let lane = Arc::new(lane);
        lane.start(from);
        let inbox = Arc::new(Inbox::new(1 << 20));
        let chunk = FetchedChunk {
            lane: Arc::clone(&lane),
            records: self.bytes.clone().into(),
            offset: from,
            aborted: aborted.to_vec(),
        };
        inbox.deliver(0, vec![chunk]);
        let Some(Item::Chunk(chunk)) = inbox.take().item else {
            panic!("no chunk");
        };
        (lane, ChunkReader::new(chunk, DecodeLimits::default()))
    }
}

const ABORT: u8 = 0;
const COMMIT: u8 = 1;

#[test]
fn t64_s21_control_batches_are_never_handed_out_and_the_position_passes_them() {
    let log = Log::default()
        .data(7, 2)
        .marker(7, COMMIT)
        .data(-1, 1)
        .marker(7, ABORT);
    assert_eq!(log.read(0, &[]), (vec![0, 1, 3], 5));
}

#[test]
fn t64_s21_aborted_records_are_skipped_and_the_producer_s_next_transaction_is_not() {
    let log = Log::default()
        .data(7, 2)
        .data(-1, 1)
        .data(8, 1)
        .marker(7, ABORT)
        .data(7, 2)
        .marker(8, COMMIT)
        .marker(7, COMMIT);
    assert_eq!(log.read(0, &[(7, 0)]), (vec![2, 3, 5, 6], 9));
}

#[test]
fn s21_the_list_of_aborted_transactions_may_come_in_any_order() {
    let log = Log::default()
        .data(7, 1)
        .data(8, 1)
        .marker(8, ABORT)
        .marker(7, ABORT)
        .data(7, 1)
        .marker(7, ABORT)
        .data(8, 1);
    let (offsets, next) = log.read(0, &[(7, 4), (8, 1), (7, 0)]);
    assert_eq!((offsets, next), (vec![6], 7));
    let (offsets, next) = log.read(0, &[(7, 0), (7, 4), (8, 1)]);
    assert_eq!((offsets, next), (vec![6], 7));
}

#[test]
fn s21_a_range_of_nothing_but_aborted_records_moves_the_position() {
    let log = Log::default().data(7, 5).marker(7, ABORT);
    assert_eq!(log.read(0, &[(7, 0)]), (vec![], 6));
}

#[test]
fn records_before_the_offset_asked_for_are_skipped() {
    let log = Log::default().data(-1, 4).data(-1, 4);
    assert_eq!(log.read(6, &[]), (vec![6, 7], 8));
    assert_eq!(log.read(2, &[]).0, [2, 3, 4, 5, 6, 7]);
}

#[test]
fn t65_empty_batches_are_passed() {
    let mut log = Log::default().data(-1, 2);
    for _ in 0..2 {
        // A batch that compaction emptied keeps its header and its last offset.
        let header = empty_batch(log.next, 3);
        log.bytes.extend(header);
        log.next += 4;
    }
    assert_eq!(log.read(0, &[]), (vec![0, 1], 10));
}

/// A batch of no records whose last offset is `base + delta`.
fn empty_batch(base: i64, delta: i32) -> Vec<u8> {
    let log = Log {
        next: base,
        ..Log::default()
    }
    .data(-1, 1);
    let mut bytes = log.bytes;
    bytes.truncate(61);
    bytes[8..12].copy_from_slice(&49i32.to_be_bytes());
    bytes[23..27].copy_from_slice(&delta.to_be_bytes());
    bytes[57..61].copy_from_slice(&0i32.to_be_bytes());
    let crc = crc_of(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// CRC-32C, bit by bit.
fn crc_of(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

#[test]
fn s21_a_chunk_that_begins_with_a_marker_keeps_what_its_producer_commits_next() {
    let log = Log::default()
        .data(7, 2)
        .marker(7, ABORT)
        .data(7, 3)
        .marker(7, COMMIT);
    assert_eq!(log.read(2, &[(7, 0)]), (vec![3, 4, 5], 7));
}

#[test]
fn s36_an_opened_batch_counts_unpacked_until_it_is_handed_out() {
    let mut batch = BatchBuilder::new(bytes::BytesMut::new());
    let record = RecordData {
        timestamp: 0,
        key: None,
        value: Some(&[7; 10_000]),
        headers: &[],
    };
    batch.append(&record).unwrap();
    let mut sealed = batch.seal(Compression::from(Codec::Lz4)).unwrap();
    let bytes = sealed.stamp(-1, -1, -1).to_vec();
    let packed = bytes.len() as u64;
    let lane = Lane::new(Arc::new(Assignment::new(TopicPartition::new("t", 0))), 1);
    let lane = Arc::new(lane);
    lane.start(0);
    let inbox = Arc::new(Inbox::new(1 << 20));
    let chunk = FetchedChunk {
        lane,
        records: bytes.into(),
        offset: 0,
        aborted: Vec::new(),
    };
    inbox.deliver(0, vec![chunk]);
    let Some(Item::Chunk(chunk)) = inbox.take().item else {
        panic!("no chunk");
    };
    let mut reader = ChunkReader::new(chunk, DecodeLimits::default());
    assert_eq!(inbox.used(), packed);
    let open = reader.next().unwrap().unwrap();
    assert!(inbox.used() > packed + 10_000);
    drop(open);
    assert_eq!(inbox.used(), packed);
    drop(reader);
    assert_eq!(inbox.used(), 0);
}

#[test]
fn s25_the_epoch_of_skipped_batches_counts_for_the_position_behind_them() {
    let mut log = Log::default().data(7, 2);
    let marker = log.bytes.len();
    log = log.marker(7, COMMIT);
    log.bytes[12..16].copy_from_slice(&3_i32.to_be_bytes());
    log.bytes[marker + 12..marker + 16].copy_from_slice(&4_i32.to_be_bytes());
    let (lane, mut reader) = log.reader(0, &[]);
    assert!(reader.next().unwrap().is_some());
    assert_eq!(lane.read_epoch(), 3);
    assert!(reader.next().unwrap().is_none());
    assert_eq!((reader.reached(), lane.read_epoch()), (3, 4));
}
