use std::time::Duration;

use ekafka_admin::Client;
use ekafka_conn::{Cluster, ConnConfig, TopicPartition, dial_fn};
use ekafka_testkit::EmbeddedKafka;

/// Nodes in memory, so that a paused clock decides how long everything takes.
pub(crate) async fn kafka(nodes: u16) -> EmbeddedKafka {
    let builder = EmbeddedKafka::builder().nodes(nodes).in_memory().strict();
    builder.start().await.expect("memory needs no ports")
}

pub(crate) fn client(kafka: &EmbeddedKafka) -> Client {
    let connector = kafka.connector();
    let dial = dial_fn(move |host, port| connector.connect(host, port));
    let config = ConnConfig::default().dial_fn(dial);
    let cluster = Cluster::new(kafka.addresses(), config).expect("addresses");
    Client::builder()
        .cluster(cluster)
        .timeout(Duration::from_secs(20))
        .build()
        .expect("a client")
}

pub(crate) fn at(topic: &str, partition: i32) -> TopicPartition {
    TopicPartition::new(topic, partition)
}
