use bytes::{Bytes, BytesMut};
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::{BatchBuilder, RecordData};

use super::{AppendTerms, Batch, PartitionLog};

fn batch(count: usize) -> Vec<Batch> {
    let mut builder = BatchBuilder::new(BytesMut::new());
    for _ in 0..count {
        builder
            .append(&RecordData {
                timestamp: 1,
                ..RecordData::default()
            })
            .unwrap();
    }
    let bytes: Bytes = builder
        .seal(Compression::default())
        .unwrap()
        .stamp(-1, -1, -1);
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
