//! A cluster in the process, a writer that dials it through memory, and what the cluster has stored.

use std::time::Duration;

use ekafka_conn::{ConnConfig, dial_fn};
use ekafka_protocol::records::{BatchIter, DecodeLimits};
use ekafka_testkit::{Builder, EmbeddedKafka};
use ekafka_writer::{Writer, WriterConfig};

/// A record as the broker has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Three nodes in memory; a request that no correct client sends fails the test.
pub(crate) async fn kafka() -> EmbeddedKafka {
    start(EmbeddedKafka::builder()).await
}

pub(crate) async fn start(builder: Builder) -> EmbeddedKafka {
    builder.in_memory().seed(1).strict().start().await.unwrap()
}

/// A writer's configuration for that cluster.
pub(crate) fn config(kafka: &EmbeddedKafka) -> WriterConfig {
    let connector = kafka.connector();
    let dial = dial_fn(move |host, port| connector.connect(host, port));
    Writer::builder()
        .brokers([kafka.bootstrap()])
        .connection(ConnConfig::default().dial_fn(dial))
        .request_timeout(REQUEST_TIMEOUT)
        .delivery_timeout(DELIVERY_TIMEOUT)
}

/// Everything a partition holds, in order.
pub(crate) fn stored(kafka: &EmbeddedKafka, topic: &str, partition: i32) -> Vec<Stored> {
    let limits = DecodeLimits::default();
    let mut found = Vec::new();
    for batch in BatchIter::new(kafka.log(topic, partition).unwrap(), &limits) {
        for record in batch.unwrap().records(&limits).unwrap().iter() {
            let record = record.unwrap();
            let headers = record.headers().map(|header| {
                let header = header.unwrap();
                (
                    header.key_str().unwrap().to_owned(),
                    header.value.map(<[u8]>::to_vec),
                )
            });
            found.push(Stored {
                offset: record.offset,
                timestamp: record.timestamp,
                key: record.key.map(<[u8]>::to_vec),
                value: record.value.map(<[u8]>::to_vec),
                headers: headers.collect(),
            });
        }
    }
    found
}

/// The values a partition holds, as text, in order.
pub(crate) fn values(kafka: &EmbeddedKafka, topic: &str, partition: i32) -> Vec<String> {
    let values = stored(kafka, topic, partition).into_iter();
    values
        .map(|record| String::from_utf8(record.value.unwrap()).unwrap())
        .collect()
}

pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
pub(crate) const DELIVERY_TIMEOUT: Duration = Duration::from_secs(20);
