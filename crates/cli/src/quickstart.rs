//! `ekafka quickstart`: real records from a writer through a broker to a consumer group, shown as it happens.

mod story;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;
use ekafka::TopicConfig;
use ekafka_testkit::EmbeddedKafka;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::topics;

use self::story::Story;

#[derive(Args)]
pub(crate) struct Arguments {
    /// How many records to write and read
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
}

/// Runs on the brokers that were named, else on an embedded cluster of three nodes.
pub(crate) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    let mut connection = connection.clone();
    // Held until the end: the embedded brokers stop when it is dropped.
    let mut embedded = None;
    if connection.brokers.is_empty() {
        let begun = Instant::now();
        let kafka = EmbeddedKafka::builder()
            .default_replication(3)
            .auto_create(false)
            .start();
        let kafka = kafka
            .await
            .map_err(|error| Failure::new("cannot start the embedded broker", &error))?;
        say!(
            "broker    three embedded nodes in {:.1?}: {}",
            begun.elapsed(),
            kafka.bootstrap()
        );
        connection.brokers = kafka.addresses();
        embedded = Some(kafka);
    } else {
        say!("broker    {}", connection.brokers.join(","));
    }
    let topic = name();
    topics::create(&connection, TopicConfig::new(&topic, 3, -1)).await?;
    say!("topic     {topic} with 3 partitions");
    let told = Story::new(&connection, &topic, arguments.records)
        .tell()
        .await;
    if embedded.is_none() {
        // Whoever's cluster it is should find it as it was.
        let deleted = topics::delete(&connection, &[&topic]).await?.all();
        deleted.map_err(|error| Failure::new("cannot clean up", &error))?;
        say!("topic     {topic} deleted");
    }
    told
}

/// A name that is not there yet.
fn name() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    format!("quickstart-{:x}", now.as_millis())
}
