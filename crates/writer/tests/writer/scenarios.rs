//! What must hold whatever brokers and connections do, one scenario after the other: the set-up and the exact outcome are in
//! the head of each test. Where chance takes part, 200 seeds; a failure names its seed.

mod ends;
mod identity;
mod lost;
mod order;
mod time;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::ApiKey;
use ekafka_protocol::messages::ProduceRequest;
use ekafka_protocol::records::{Batch, BatchIter, DecodeLimits};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

/// One batch of one request, as a broker received it.
struct Sent {
    node: i32,
    connection: u64,
    correlation_id: i32,
    at: Instant,
    topic: String,
    partition: i32,
    producer: i64,
    epoch: i16,
    sequence: i32,
    bytes: Bytes,
    values: Vec<String>,
}

/// Every batch that the brokers received, in order. The cluster must keep the bodies of requests.
fn sent(kafka: &EmbeddedKafka) -> Vec<Sent> {
    let mut sent = Vec::new();
    for request in kafka.requests_of(ApiKey::PRODUCE) {
        for topic in request.decode::<ProduceRequest>().unwrap().topic_data {
            for partition in topic.partition_data {
                let bytes = partition.records.unwrap();
                let batch = batch_of(bytes.clone());
                sent.push(Sent {
                    node: request.node,
                    connection: request.connection,
                    correlation_id: request.correlation_id,
                    at: request.at,
                    topic: format!("{}{}", topic.name, topic.topic_id),
                    partition: partition.index,
                    producer: batch.producer_id(),
                    epoch: batch.producer_epoch(),
                    sequence: batch.base_sequence(),
                    values: values_of(&batch),
                    bytes,
                });
            }
        }
    }
    sent
}

fn batch_of(bytes: Bytes) -> Batch {
    let mut batches = BatchIter::new(bytes, &DecodeLimits::default());
    batches.next().unwrap().unwrap()
}

fn values_of(batch: &Batch) -> Vec<String> {
    let records = batch.records(&DecodeLimits::default()).unwrap();
    let values = records
        .iter()
        .map(|record| record.unwrap().value.map(<[u8]>::to_vec));
    values
        .map(|value| String::from_utf8(value.unwrap_or_default()).unwrap())
        .collect()
}

/// A sequence number of a partition stands for the same bytes whenever it is sent.
fn expect_frozen(sent: &[Sent]) {
    let mut first = HashMap::new();
    for batch in sent {
        let stamp = (
            &batch.topic,
            batch.partition,
            batch.producer,
            batch.epoch,
            batch.sequence,
        );
        let before = first.entry(stamp).or_insert(&batch.bytes);
        assert_eq!(*before, &batch.bytes, "{stamp:?}");
    }
}

/// How often each of the values was found.
fn copies(values: &[String]) -> HashMap<&str, usize> {
    let mut copies = HashMap::new();
    for value in values {
        *copies.entry(value.as_str()).or_default() += 1;
    }
    copies
}

/// 100 ms, 20 % more or less.
const FIRST_BACKOFF: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(80)..=Duration::from_millis(120);
