//! Commits a message after it was handled: at least once. A crash before the commit repeats it.
//!
//! `cargo run -p ekafka --example explicit_commit [HOST:PORT,…]`; without an address it starts an embedded broker.
//!
//! > handled offset 0
//! > committed: Some(1)
//! > handled offset 2
//! > committed: Some(3)

mod playground;

use std::sync::Arc;

use ekafka::assignor::RangeAssignor;
use ekafka::{Reader, Record, StartOffset, TopicPartition, Writer};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = playground::start(&[("explicit-commit", 1)]).await?;
    let builder = Writer::builder().brokers(kafka.brokers());
    let writer = builder.topic("explicit-commit").build()?;
    writer.write(&["1", "2", "3"].map(Record::new)).await?;

    let mut reader = Reader::builder()
        .brokers(kafka.brokers())
        .topic("explicit-commit")
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
    let partition = [TopicPartition::new("explicit-commit", 0)];
    for _ in 0..3 {
        let message = reader.fetch_message().await?;
        println!("handled offset {}", message.offset());
        reader.commit_messages(&[message]).await?;
        println!("committed: {:?}", reader.committed(&partition).await?[0].1);
    }
    reader.close().await?;
    Ok(())
}
