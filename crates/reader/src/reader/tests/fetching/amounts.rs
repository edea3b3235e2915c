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

/// How many fetches it takes to read forty batches of ten, while each answer is cut `at` so many bytes into its last
/// batch; one that has a single batch only every other time.
async fn fetches_to_read(max_bytes: u32, at: Option<usize>) -> usize {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    for _ in 0..40 {
        write(&kafka, "t", 0, 10);
    }
    if let Some(at) = at {
        let answers = std::sync::atomic::AtomicUsize::new(0);
        let cut = move |whole: &[u8]| {
            let turn = answers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let last = last_batch(whole);
            let end = last + at.min(whole.len() - last);
            if last == 0 && turn % 2 == 1 {
                whole.len()
            } else {
                end
            }
        };
        let fetches = kafka.on_next(ApiKey::FETCH);
        let fetches = fetches.edit::<FetchRequest>(move |answer| {
            for topic in &mut answer.responses {
                for partition in &mut topic.partitions {
                    let records = partition.records.take().unwrap_or_default();
                    partition.records = Some(records.slice(..cut(&records)));
                }
            }
        });
        drop(fetches.times(usize::MAX));
    }
    let reader = builder(&kafka).topic("t").max_bytes(max_bytes);
    let mut reader = reader.max_partition_bytes(max_bytes).build().unwrap();
    let expected: Vec<i64> = (0..400).collect();
    assert_eq!(offsets(&mut reader, 400).await, expected, "{at:?}");
    assert_eq!(reader.stats().errors, 0, "{at:?}");
    kafka.requests_of(ApiKey::FETCH).len()
}

/// Where the last whole batch begins.
fn last_batch(records: &[u8]) -> usize {
    let mut last = 0;
    let mut next = 0;
    while let Some(length) = records.get(next + 8..next + 12) {
        let length = i32::from_be_bytes(length.try_into().unwrap());
        let end = next + 12 + usize::try_from(length).unwrap();
        if end > records.len() {
            break;
        }
        (last, next) = (next, end);
    }
    last
}

#[tokio::test(start_paused = true)]
async fn s19_answers_cut_anywhere_bring_each_record_once_for_at_most_three_times_the_fetches() {
    // Less than a batch, some batches, everything.
    for max_bytes in [1, 100, 1_000, 1 << 20] {
        let least = fetches_to_read(max_bytes, None).await;
        for at in [0, 1, 5, 11, 12, 13, 30, 60, 61, 62, 100, 150] {
            let fetches = fetches_to_read(max_bytes, Some(at)).await;
            let most = 3 * least;
            assert!(
                fetches <= most,
                "{max_bytes} B, cut at {at}: {fetches} for {least}"
            );
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
