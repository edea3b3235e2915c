//! Marks what was handled and commits it once a second, at a revocation and at the end.
//!
//! `cargo run -p ekafka --example interval_commit`
//!
//! > before: None
//! > after close: Some(3)

use std::time::Duration;

use ekafka::{Reader, Record, TopicPartition, Writer};
use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("test", 1)?;
    let builder = Writer::builder().brokers(kafka.addresses());
    let writer = builder.topic("test").build()?;
    writer.write(&["1", "2", "3"].map(Record::new)).await?;

    let group = Reader::builder()
        .brokers(kafka.addresses())
        .topic("test")
        .group_id("consumer-group-id")
        .commit_interval(Duration::from_secs(1));
    let mut reader = group.clone().build()?;
    for _ in 0..3 {
        let message = reader.fetch_message().await?;
        // Returns at once: the offset goes with the next tick.
        reader.commit_messages(&[message]).await?;
    }
    let partition = [TopicPartition::new("test", 0)];
    println!("before: {:?}", reader.committed(&partition).await?[0].1);
    reader.close().await?;
    let after = group.build()?.committed(&partition).await?;
    println!("after close: {:?}", after[0].1);
    Ok(())
}
