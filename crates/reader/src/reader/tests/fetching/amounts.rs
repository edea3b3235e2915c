//! How many bytes come for what is read.

use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::ApiKey;
use ekafka_protocol::messages::FetchRequest;

use super::super::setup::*;
use crate::error::ReaderError;

/// Bytes that came for each byte read, with batches of about `batch_bytes`.
async fn amplification(batch_bytes: usize, partitions: i32) -> f64 {
    let kafka = kafka().await;
    kafka.create_topic("t", partitions).unwrap();
    let count = i64::try_from(batch_bytes / 18).unwrap();
    let total = 12_000_000;
    let rounds = total / (batch_bytes * usize::try_from(partitions).unwrap());
    for _ in 0..rounds {
        for partition in 0..partitions {
            write(&kafka, "t", partition, count);
        }
    }
    let reader = builder(&kafka).topic("t").partitions(0..partitions);
    let mut reader = reader.build().unwrap();
    let batches = rounds * usize::try_from(partitions).unwrap();
    for _ in 0..batches {
        reader.next_batch().await.unwrap();
    }
    let stats = reader.stats();
    assert!(stats.received_bytes >= stats.fetched_bytes);
    stats.received_bytes as f64 / stats.fetched_bytes as f64
}

#[tokio::test(start_paused = true)]
async fn what_is_fetched_is_at_most_a_twentieth_more_than_what_is_read() {
    for batch_bytes in [16_000, 100_000, 500_000, 990_000] {
        for partitions in [1, 6] {
            let ratio = amplification(batch_bytes, partitions).await;
            assert!(ratio <= 1.05, "{batch_bytes} B x {partitions}: {ratio:.3}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s19_an_answer_cut_in_its_first_batch_is_asked_for_again_and_then_reported() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    let cut_at = |bytes: usize, times: usize| {
        kafka
            .on_next(ApiKey::FETCH)
            .edit::<FetchRequest>(move |answer| {
                for topic in &mut answer.responses {
                    for partition in &mut topic.partitions {
                        let records = partition.records.take().unwrap_or_default();
                        let end = bytes.min(records.len());
                        partition.records = Some(Bytes::copy_from_slice(&records[..end]));
                    }
                }
            })
            .times(times);
    };
    for bytes in [5, 11, 30, 80] {
        cut_at(bytes, 1);
        let mut reader = builder(&kafka).topic("t").build().unwrap();
        let expected: Vec<i64> = (0..10).collect();
        assert_eq!(offsets(&mut reader, 10).await, expected, "{bytes}");
        assert_eq!(kafka.pending_faults(), 0);
    }
    let at = 0;
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    cut_at(50, usize::MAX);
    let error = tokio::time::timeout(Duration::from_secs(60), reader.fetch_message()).await;
    let error = error.unwrap().unwrap_err();
    assert!(
        matches!(&error, ReaderError::Corrupt { offset, .. } if *offset == at),
        "{error}"
    );
    kafka.clear_faults();
    let message = loop {
        if let Ok(message) = reader.fetch_message().await {
            break message;
        }
    };
    assert_eq!(message.offset(), at);
}
