//! A cluster in memory, components that dial it, and what it has stored.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ekafka::{Component, Container, dial_fn};
use ekafka_testkit::{Builder, EmbeddedKafka};

/// Three nodes in memory; a request that no correct client sends fails the test.
pub(crate) async fn kafka() -> EmbeddedKafka {
    start(EmbeddedKafka::builder()).await
}

pub(crate) async fn start(builder: Builder) -> EmbeddedKafka {
    let builder = builder.initial_rebalance_delay(Duration::ZERO);
    builder.in_memory().seed(1).strict().start().await.unwrap()
}

/// The table `[kafka]` of a text, its brokers replaced by that cluster.
pub(crate) fn container(kafka: &EmbeddedKafka, text: &str) -> Container {
    let connector = kafka.connector();
    let container = ekafka::load_toml(text, "kafka").unwrap();
    container
        .brokers([kafka.bootstrap()])
        .dial_fn(dial_fn(move |host, port| connector.connect(host, port)))
}

pub(crate) fn component(kafka: &EmbeddedKafka, text: &str) -> Component {
    container(kafka, text).build()
}

/// Waits for what must happen within a minute of the test's clock.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(Duration::from_secs(60), future).await;
    in_time.expect("it happens within a minute")
}

/// Reads the values of a topic with `count` records, in order of partition and offset.
pub(crate) async fn values(kafka: &EmbeddedKafka, topic: &str, count: usize) -> Vec<String> {
    let messages = stored(kafka, topic, count).await;
    let text = |message: &ekafka::Message| {
        String::from_utf8(message.value().unwrap_or_default().to_vec()).unwrap()
    };
    messages.iter().map(text).collect()
}

/// Reads a topic with `count` records, in order of partition and offset.
pub(crate) async fn stored(
    kafka: &EmbeddedKafka,
    topic: &str,
    count: usize,
) -> Vec<ekafka::Message> {
    let connector = kafka.connector();
    let dial = dial_fn(move |host, port| connector.connect(host, port));
    let partitions = (0..).take_while(|partition| kafka.offsets(topic, *partition).is_ok());
    let mut reader = ekafka::Reader::builder()
        .brokers([kafka.bootstrap()])
        .connection(ekafka::ConnConfig::default().dial_fn(dial))
        .topic(topic)
        .partitions(partitions)
        .build()
        .unwrap();
    let mut messages = Vec::new();
    while messages.len() < count {
        messages.push(soon(reader.fetch_message()).await.unwrap());
    }
    messages.sort_by_key(|message| (message.partition(), message.offset()));
    messages
}

/// Collects lines that somebody prints.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
