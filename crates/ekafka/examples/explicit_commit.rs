//! Commits a message after it was handled: at least once. A crash before the commit repeats it.
//!
//! `cargo run -p ekafka --example explicit_commit`
//!
//! > handled offset 0
//! > committed: Some(1)
//! > handled offset 2
//! > committed: Some(3)

use std::sync::Arc;

use ekafka::assignor::RangeAssignor;
use ekafka::{Reader, Record, StartOffset, TopicPartition, Writer};
use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("test", 1)?;
    let builder = Writer::builder().brokers(kafka.addresses());
    let writer = builder.topic("test").build()?;
    writer.write(&["1", "2", "3"].map(Record::new)).await?;

    let mut reader = Reader::builder()
        .brokers(kafka.addresses())
        .topic("test")
        .group_id("consumer-group-id")
        .start_offset(StartOffset::First)
        .max_bytes(10_000_000)
        .assignors([Arc::new(RangeAssignor) as _])
        .logger(Arc::new(|line: std::fmt::Arguments<'_>| {
            println!("log: {line}")
        }))
        .error_logger(Arc::new(|line: std::fmt::Arguments<'_>| {
            println!("error: {line}")
        }))
        .build()?;
    let partition = [TopicPartition::new("test", 0)];
    for _ in 0..3 {
        let message = reader.fetch_message().await?;
        println!("handled offset {}", message.offset());
        reader.commit_messages(&[message]).await?;
        println!("committed: {:?}", reader.committed(&partition).await?[0].1);
    }
    reader.close().await?;
    Ok(())
}
