//! Writes without waiting, balanced by bytes, and is told what became of each record.
//!
//! `cargo run -p ekafka --example async_writer [HOST:PORT]`
//!
//! > …! written to topic-A
//! > …! written to topic-A
//! > …! written to topic-A
//! > closed

use std::error::Error;

use ekafka::balancer::LeastBytes;
use ekafka::{Acks, CompletedBatch, Record, WriterConfig};
use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn Error>> {
    let embedded = EmbeddedKafka::builder().start().await?;
    let brokers = match std::env::args().nth(1) {
        Some(address) => vec![address],
        None => embedded.addresses(),
    };
    let told = |batch: &CompletedBatch| {
        for record in batch.records() {
            let value = String::from_utf8_lossy(record.value().unwrap_or_default());
            match batch.error() {
                None => println!("{value} written to {}", batch.topic()),
                Some(error) => println!("{value} failed: {error}"),
            }
        }
    };
    let writer = WriterConfig::kafka_go()
        .brokers(brokers)
        .topic("topic-A")
        .allow_auto_topic_creation(true)
        .balancer(LeastBytes::new())
        .required_acks(Acks::All)
        .asynchronous(true)
        .completion(told)
        .build()?;
    let records = [
        Record::new("Hello World!").key("Key-A"),
        Record::new("One!").key("Key-B"),
        Record::new("Two!").key("Key-C"),
    ];
    writer.write(&records).await?;
    // Without this, what still waits for its batch to fill would be given up.
    writer.close().await?;
    println!("closed");
    Ok(())
}
