//! Opening a connection and asking what is there.

use ekafka_protocol::messages::MetadataRequest;
use ekafka_protocol::{ApiKey, ErrorCode};

use crate::support::{Kafka, metadata, soon};

#[tokio::test]
async fn the_broker_tells_its_versions() {
    let kafka = Kafka::start().await;
    let connection = kafka.connect().await;
    for api in [
        ApiKey::PRODUCE,
        ApiKey::FETCH,
        ApiKey::METADATA,
        ApiKey::JOIN_GROUP,
    ] {
        let range = connection
            .broker_versions()
            .find(|(key, _)| *key == api)
            .map(|(_, range)| range);
        assert!(
            range.is_some_and(|range| range.max >= range.min),
            "{api}: {range:?}"
        );
    }
}

#[tokio::test]
async fn every_broker_knows_every_broker() {
    let kafka = Kafka::start().await;
    let connection = kafka.connect().await;
    let answer = connection
        .send(&MetadataRequest::default(), soon())
        .await
        .expect("metadata");
    let mut known: Vec<String> = answer
        .brokers
        .iter()
        .map(|broker| format!("{}:{}", &*broker.host, broker.port))
        .collect();
    known.sort_unstable();
    let mut named = kafka.brokers().to_vec();
    named.sort_unstable();
    assert_eq!(known, named);
    assert!(answer.topics.is_empty(), "no topic was asked for");
}

#[tokio::test]
async fn a_topic_has_the_partitions_it_was_created_with() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(5).await;
    let answer = metadata(&kafka.connect().await, &topic).await;
    assert_eq!(answer.topics[0].error_code, ErrorCode::NONE);
    assert_eq!(answer.topics[0].partitions.len(), 5);
}

#[tokio::test]
async fn looking_for_a_topic_does_not_create_it() {
    let kafka = Kafka::start().await;
    let connection = kafka.connect().await;
    let name = kafka.unique("nowhere");
    for _ in 0..2 {
        let answer = metadata(&connection, &name).await;
        assert_eq!(
            answer.topics[0].error_code,
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        );
    }
}
