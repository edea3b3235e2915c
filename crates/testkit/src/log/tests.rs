use bytes::{Bytes, BytesMut};
use ekafka_protocol::ErrorCode;
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::records::{BatchBuilder, RecordData};

use super::{AppendTerms, Batch, Compaction, PartitionLog};

fn batch(count: usize) -> Vec<Batch> {
    let record = RecordData {
        timestamp: 1,
        ..RecordData::default()
    };
    sealed(&vec![record; count], Compression::default())
}

fn sealed(records: &[RecordData<'_>], compression: Compression) -> Vec<Batch> {
    let mut builder = BatchBuilder::new(BytesMut::new());
    for record in records {
        builder.append(record).unwrap();
    }
    let bytes: Bytes = builder.seal(compression).unwrap().stamp(-1, -1, -1);
    Batch::split(&bytes).unwrap()
}

fn log(batches: &[(usize, i32)]) -> PartitionLog {
    let mut log = PartitionLog::new();
    for (count, leader_epoch) in batches {
        log.append(
            &batch(*count),
            AppendTerms {
                leader_epoch: *leader_epoch,
                append_time: None,
                compaction: None,
            },
        )
        .unwrap();
    }
    log
}

#[test]
fn reading_starts_with_the_batch_that_holds_the_offset() {
    let log = log(&[(2, 0), (3, 0), (1, 0)]);
    for (offset, limit, expected) in [
        (0, 6, vec![0, 2, 5]),
        (1, 6, vec![0, 2, 5]),
        (2, 6, vec![2, 5]),
        (4, 5, vec![2]),
        (6, 6, vec![]),
    ] {
        let found: Vec<i64> = log
            .read_from(offset, limit)
            .map(|batch| batch.base_offset)
            .collect();
        assert_eq!(found, expected, "{offset}..{limit}");
    }
}

#[test]
fn epochs_end_where_the_next_one_begins() {
    let log = log(&[(2, 1), (2, 1), (1, 4)]);
    for (asked, expected) in [
        (0, (0, 0)),
        (1, (1, 4)),
        (3, (1, 4)),
        (4, (4, 5)),
        (6, (6, 5)),
        (7, (-1, -1)),
    ] {
        assert_eq!(log.end_of_epoch(asked, 6), expected, "{asked}");
    }
}

#[test]
fn deletion_and_retention_drop_whole_batches_and_truncation_their_end() {
    let mut deleted = log(&[(2, 0), (2, 0), (2, 0)]);
    deleted.delete_before(3);
    assert_eq!(
        (deleted.start_offset(), deleted.read_from(3, 6).count()),
        (3, 2)
    );
    let mut retained = log(&[(2, 0), (2, 0), (2, 0)]);
    retained.retain_bytes(1);
    assert_eq!((retained.start_offset(), retained.end_offset()), (4, 6));
    let mut cut = log(&[(2, 0), (2, 1), (2, 2)]);
    cut.truncate(3);
    assert_eq!((cut.end_offset(), cut.end_of_epoch(1, 3)), (2, (0, 2)));
}

const COMPACTION: Compaction = Compaction {
    segment_ms: 100,
    segment_bytes: 1 << 20,
    min_dirty_ratio: 0.5,
};

/// Adds a batch that begins at `timestamp`, with a record for each letter: its key, and as value something that lz4 makes smaller.
fn put(log: &mut PartitionLog, compaction: Compaction, timestamp: i64, keys: &str) {
    let records = keys.as_bytes().iter().zip(timestamp..);
    let records: Vec<_> = records
        .map(|(key, timestamp)| RecordData {
            key: Some(std::slice::from_ref(key)),
            value: Some(&[b'v'; 100]),
            timestamp,
            ..RecordData::default()
        })
        .collect();
    let terms = AppendTerms {
        leader_epoch: 3,
        append_time: None,
        compaction: Some(compaction),
    };
    log.append(&sealed(&records, Compression::LZ4), terms)
        .unwrap();
}

/// What is left: key, offset, timestamp.
fn left(log: &PartitionLog) -> Vec<(char, i64, i64)> {
    let mut left = Vec::new();
    for stored in log.read_from(0, i64::MAX) {
        let (batch, records) = stored.open().expect("a batch with a right checksum");
        assert_eq!(batch.codec(), Codec::Lz4);
        assert_eq!(batch.leader_epoch(), 3);
        assert_eq!(batch.last_offset(), stored.last_offset);
        assert_eq!(batch.max_timestamp(), stored.max_timestamp);
        for record in &records {
            let record = record.unwrap();
            let key = char::from(record.key.unwrap()[0]);
            left.push((key, record.offset, record.timestamp));
        }
    }
    left
}

#[test]
fn when_a_segment_ends_the_newest_record_of_each_key_stays_where_it_was() {
    let mut log = PartitionLog::new();
    put(&mut log, COMPACTION, 0, "aab");
    put(&mut log, COMPACTION, 50, "ab");
    put(&mut log, COMPACTION, 99, "bc");
    assert_eq!(left(&log).len(), 7, "all in the segment that is written");
    put(&mut log, COMPACTION, 201, "a");
    let expected = [('a', 3, 50), ('b', 5, 99), ('c', 6, 100), ('a', 7, 201)];
    assert_eq!(left(&log), expected);
    assert_eq!(log.record_at_time(0), Some((3, 50)));
    assert_eq!((log.start_offset(), log.end_offset()), (0, 8));
}

#[test]
fn a_full_segment_ends_as_well() {
    let small = Compaction {
        segment_bytes: 200,
        ..COMPACTION
    };
    let mut log = PartitionLog::new();
    for _ in 0..20 {
        put(&mut log, small, 0, "a");
    }
    assert!(left(&log).len() <= 3, "{:?}", left(&log));
}

#[test]
fn a_log_of_which_little_is_new_is_left_as_it_is() {
    let mut log = PartitionLog::new();
    put(&mut log, COMPACTION, 0, "abcdefghij");
    put(&mut log, COMPACTION, 200, "a");
    put(&mut log, COMPACTION, 400, "b");
    assert_eq!(left(&log).len(), 12, "less than half is new");
    let eager = Compaction {
        min_dirty_ratio: 0.01,
        ..COMPACTION
    };
    put(&mut log, eager, 600, "c");
    let expected: String = left(&log).iter().map(|(key, ..)| key).collect();
    assert_eq!(expected, "cdefghijabc");
}

#[test]
fn compaction_leaves_transactions_and_what_cannot_be_read() {
    let mut log = PartitionLog::new();
    let planted = Bytes::from_static(b"no batch at all");
    log.plant(planted.clone(), 1, 0, 3);
    put(&mut log, COMPACTION, 0, "a");
    let committed = Batch::marker(7, 0, true, 1);
    let terms = AppendTerms {
        leader_epoch: 3,
        append_time: None,
        compaction: Some(COMPACTION),
    };
    log.end_transaction(&committed, true, terms);
    put(&mut log, COMPACTION, 1, "a");
    put(&mut log, COMPACTION, 200, "a");
    let offsets = log.read_from(0, 9).map(|batch| batch.base_offset);
    assert_eq!(offsets.collect::<Vec<_>>(), [0, 2, 3, 4]);
}

#[test]
fn a_compacted_log_takes_no_record_without_a_key() {
    let terms = AppendTerms {
        leader_epoch: 0,
        append_time: None,
        compaction: Some(COMPACTION),
    };
    let refused = PartitionLog::new().append(&batch(1), terms);
    assert_eq!(refused, Err(ErrorCode::INVALID_RECORD));
}
