//! Marks what was handled and commits it once a second, at a revocation and at the end.
//!
//! `cargo run -p ekafka --example interval_commit [HOST:PORT,…]`; without an address it starts an embedded broker.
//!
//! > before: None
//! > after close: Some(3)

mod playground;

use std::time::Duration;

use ekafka::{Reader, Record, TopicPartition, Writer};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = playground::start(&[("interval-commit", 1)]).await?;
    let builder = Writer::builder().brokers(kafka.brokers());
    let writer = builder.topic("interval-commit").build()?;
    writer.write(&["1", "2", "3"].map(Record::new)).await?;

    let group = Reader::builder()
        .brokers(kafka.brokers())
        .topic("interval-commit")
        .group_id("consumer-group-id")
        .commit_interval(Duration::from_secs(1));
    let mut reader = group.clone().build()?;
    for _ in 0..3 {
        let message = reader.fetch_message().await?;
        // Returns at once: the offset goes with the next tick.
        reader.commit_messages(&[message]).await?;
    }
    let partition = [TopicPartition::new("interval-commit", 0)];
    println!("before: {:?}", reader.committed(&partition).await?[0].1);
    reader.close().await?;
    let after = group.build()?.committed(&partition).await?;
    println!("after close: {:?}", after[0].1);
    Ok(())
}
