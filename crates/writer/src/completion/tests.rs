use std::sync::{Mutex, PoisonError};

use bytes::BytesMut;
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::{BatchBuilder, Header, RecordData};

use super::*;
use crate::error::{Cause, TopicPartition};
use crate::receipt::Receipt;

fn at() -> TopicPartition {
    TopicPartition {
        topic: "t".into(),
        partition: 3,
    }
}

fn bytes(compression: Compression) -> Bytes {
    let mut builder = BatchBuilder::new(BytesMut::new());
    for number in 0..3_i64 {
        builder
            .append(&RecordData {
                timestamp: number,
                key: (number == 1).then_some(&b"key"[..]),
                value: (number != 2).then_some(&b"value"[..]),
                headers: &[Header {
                    key: "h",
                    value: None,
                }],
            })
            .unwrap();
    }
    builder.seal(compression).unwrap().stamp(-1, -1, -1)
}

fn acknowledged(log_append_time: Option<i64>) -> Result<Ack, WriterError> {
    Ok(Ack {
        base_offset: Some(40),
        log_append_time,
    })
}

#[test]
fn records_come_back_as_they_were_written() {
    for codec in ["none", "lz4"] {
        let bytes = bytes(codec.parse().unwrap());
        let batch = CompletedBatch::new(at(), acknowledged(None), 3, Some(bytes), vec![0, 9]);
        assert_eq!((batch.topic(), batch.partition()), ("t", 3));
        assert_eq!((batch.len(), batch.base_offset()), (3, Some(40)));
        assert!(batch.error().is_none());
        let records: Vec<_> = batch.records().collect();
        assert_eq!(records.len(), 3);
        for (index, record) in (0..).zip(&records) {
            assert_eq!(record.offset(), Some(40 + index));
            assert_eq!(record.timestamp(), index);
            assert_eq!(record.key(), (index == 1).then_some(&b"key"[..]));
            assert_eq!(record.value(), (index != 2).then_some(&b"value"[..]));
            assert_eq!(record.headers().next().unwrap().key, "h");
            assert_eq!(record.tag(), if index == 1 { 9 } else { 0 });
        }
    }
}

#[test]
fn a_broker_that_sets_the_time_is_believed_and_an_error_has_no_offsets() {
    let bytes = bytes(Compression::NONE);
    let check = |result, offset, timestamp| {
        let batch = CompletedBatch::new(at(), result, 3, Some(bytes.clone()), Vec::new());
        let last = batch.records().last().unwrap();
        assert_eq!((last.offset(), last.timestamp()), (offset, timestamp));
    };
    check(acknowledged(Some(77)), Some(42), 77);
    let error = WriterError::NotWritten {
        at: at(),
        cause: Cause::Expired,
    };
    check(Err(error), None, 2);
}

/// Says what was told, and whether the receipt had its outcome by then.
#[test]
fn the_application_is_told_once_and_before_those_who_wait() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (receipt, mut resolver) = Receipt::new(at());
    let seen = Arc::clone(&told);
    let watched = Arc::clone(&receipt);
    let callback = Callback(Arc::new(move |batch: &CompletedBatch| {
        let mut told = seen.lock().unwrap_or_else(PoisonError::into_inner);
        told.push((batch.len(), batch.error().is_some(), watched.is_done()));
        panic!("the application's fault");
    }));
    let (teller, jobs) = Teller::new(callback, Arc::new(Pool::new(1)));
    resolver.set_count(5);
    resolver.set_teller(Some(teller.clone()));
    // Given up unresolved, by a bug: told all the same.
    drop(resolver);
    assert!(!receipt.is_done(), "it waits for the task");
    // The runtime ends before the task came to it.
    drop(jobs);
    assert!(receipt.is_done());
    let (_, later) = Receipt::new(at());
    teller.tell(later, acknowledged(None), None, None);
    let told = told.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*told, [(5, true, false), (0, false, true)]);
}
