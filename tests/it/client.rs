//! The administrative client's calls, on any broker.

mod configs;
mod groups;
mod offsets;
mod placement;
mod quotas;
mod topics;

use ekafka_admin::Client;
use ekafka_conn::TopicPartition;

use crate::support::Kafka;

fn client(kafka: &Kafka) -> Client {
    Client::builder()
        .brokers(kafka.brokers())
        .build()
        .expect("a client")
}

fn at(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}
