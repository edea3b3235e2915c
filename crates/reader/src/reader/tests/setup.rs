//! A cluster in memory, records to read, and readers on it.

use std::time::Duration;

use ekafka_conn::{Cluster, ConnConfig, Message, dial_fn};
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::records::{BatchBuilder, RecordData};
use ekafka_testkit::{Builder, EmbeddedKafka};

use crate::config::ReaderBuilder;
use crate::reader::Reader;

/// One node, deterministic, and strict about what clients send.
pub(super) async fn kafka() -> EmbeddedKafka {
    kafka_of(1).await
}

pub(super) async fn kafka_of(nodes: u16) -> EmbeddedKafka {
    kafka_with(nodes, |builder| builder).await
}

/// As [`kafka_of`], set up further.
pub(super) async fn kafka_with(
    nodes: u16,
    further: impl FnOnce(Builder) -> Builder,
) -> EmbeddedKafka {
    let builder = EmbeddedKafka::builder().nodes(nodes).in_memory().strict();
    let builder = builder.initial_rebalance_delay(Duration::ZERO);
    further(builder.keep_bodies(true)).start().await.unwrap()
}

/// One node that keeps the bodies of requests, so that tests can look into them.
pub(super) async fn kafka_with_bodies() -> EmbeddedKafka {
    let builder = EmbeddedKafka::builder().in_memory().strict();
    let builder = builder.initial_rebalance_delay(Duration::ZERO);
    builder.keep_bodies(true).start().await.unwrap()
}

pub(super) fn cluster(kafka: &EmbeddedKafka) -> Cluster {
    let connector = kafka.connector();
    let dial = dial_fn(move |host, port| connector.connect(host, port));
    Cluster::new([kafka.bootstrap()], ConnConfig::default().dial_fn(dial)).unwrap()
}

pub(super) fn builder(kafka: &EmbeddedKafka) -> ReaderBuilder {
    Reader::builder().cluster(cluster(kafka))
}

/// Writes one batch of `count` records: key `k<offset>`, value `v<offset>`.
pub(super) fn write(kafka: &EmbeddedKafka, topic: &str, partition: i32, count: i64) {
    write_as(kafka, topic, partition, count, Codec::None);
}

pub(super) fn write_as(
    kafka: &EmbeddedKafka,
    topic: &str,
    partition: i32,
    count: i64,
    codec: Codec,
) {
    let (_, first) = kafka.offsets(topic, partition).unwrap();
    let mut bytes = batch(first, count, codec);
    set_epoch(kafka, topic, partition, &mut bytes);
    kafka
        .plant(topic, partition, bytes.into(), count, 999 + first + count)
        .unwrap();
}

/// Stamps a batch with the epoch of the partition's leader, as that leader would.
pub(super) fn set_epoch(kafka: &EmbeddedKafka, topic: &str, partition: i32, batch: &mut [u8]) {
    let epoch = kafka.leader_epoch(topic, partition).unwrap();
    batch[12..16].copy_from_slice(&epoch.to_be_bytes());
}

/// One batch as a broker stores it.
pub(super) fn batch(first: i64, count: i64, codec: Codec) -> Vec<u8> {
    let mut batch = BatchBuilder::new(bytes::BytesMut::new());
    for offset in first..first + count {
        let (key, value) = (format!("k{offset}"), format!("v{offset}"));
        let record = RecordData {
            timestamp: 1_000 + offset,
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            headers: &[],
        };
        batch.append(&record).unwrap();
    }
    let mut sealed = batch.seal(Compression::from(codec)).unwrap();
    let mut bytes = sealed.stamp(-1, -1, -1).to_vec();
    bytes[..8].copy_from_slice(&first.to_be_bytes());
    bytes
}

/// The offsets of the next `count` messages; each must carry the value that was written.
pub(super) async fn offsets(reader: &mut Reader, count: usize) -> Vec<i64> {
    let mut offsets = Vec::new();
    for _ in 0..count {
        let message = fetch(reader).await;
        let value = format!("v{}", message.offset());
        assert_eq!(message.value(), Some(value.as_bytes()));
        offsets.push(message.offset());
    }
    offsets
}

pub(super) async fn fetch(reader: &mut Reader) -> Message {
    let patience = Duration::from_secs(120);
    let message = tokio::time::timeout(patience, reader.fetch_message()).await;
    message.expect("a message within two minutes").unwrap()
}

/// Nothing comes for five seconds.
pub(super) async fn assert_silent(reader: &mut Reader) {
    let early = tokio::time::timeout(Duration::from_secs(5), reader.recv()).await;
    assert!(early.is_err(), "{early:?}");
}

/// Puts a batch into the log whose checksum does not match.
pub(super) fn plant_damaged(kafka: &EmbeddedKafka, topic: &str, partition: i32, count: i64) {
    let (_, first) = kafka.offsets(topic, partition).unwrap();
    let mut bytes = batch(first, count, Codec::None);
    let last = bytes.len() - 1;
    bytes[last] ^= 0x55;
    kafka
        .plant(topic, partition, bytes.into(), count, 1_000)
        .unwrap();
}
