//! The low-level door: topics through the controller, records through the leader of a partition.
//!
//! `cargo run -p ekafka --example low_level [HOST:PORT]`; without an address it starts an embedded broker.
//!
//! > wrote 14 bytes to …
//! > read one! at offset 0
//! > read two! at offset 1
//! > read three! at offset 2
//! > topics: {…"low-level-example"…}

use std::collections::BTreeSet;
use std::time::Duration;

use ekafka::{ConnError, Dialer, Record, TopicConfig};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

const TOPIC: &str = "low-level-example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let embedded = EmbeddedKafka::builder().start().await?;
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| embedded.addresses().remove(0));
    Ok(tour(&address).await?)
}

#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn tour(address: &str) -> Result<(), ConnError> {
    let dialer = Dialer::default();

    // Any broker knows the controller; topics are made there.
    let any = dialer.dial(address).await?;
    let controller = dialer.dial(&any.controller().await?.address()).await?;
    controller
        .create_topics(&[TopicConfig::new(TOPIC, 1, 1)])
        .await?;

    // Any broker knows the leader of a partition; records are written and read there.
    let mut leader = dialer.dial_leader(address, TOPIC, 0).await?;
    leader.set_deadline(Instant::now() + Duration::from_secs(10));
    let records = [
        Record::new("one!"),
        Record::new("two!"),
        Record::new("three!"),
    ];
    println!(
        "wrote {} bytes to {}",
        leader.write_messages(&records).await?,
        leader.broker().address()
    );

    let mut batch = leader.read_batch(1, 1_000_000).await;
    while let Some(message) = batch.read_message()? {
        let value = String::from_utf8_lossy(message.value().unwrap_or_default());
        println!("read {value} at offset {}", message.offset());
    }
    batch.close()?;

    let partitions = any.read_partitions(&[]).await?;
    let topics: BTreeSet<String> = partitions.into_iter().map(|found| found.topic).collect();
    println!("topics: {topics:?}");
    leader.close()
}
