//! How far a reader is behind, as messages, reader and statistics tell it.
//!
//! `cargo run -p ekafka --example lag_and_stats`

use ekafka::{Reader, Record, Writer};
use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("test", 1)?;
    let builder = Writer::builder().brokers(kafka.addresses());
    let writer = builder.topic("test").build()?;
    writer.write(&["1", "2", "3"].map(Record::new)).await?;

    let builder = Reader::builder().brokers(kafka.addresses()).topic("test");
    let mut alone = builder.clone().build()?;
    println!("asked of the leader: {}", alone.read_lag().await?);
    let message = alone.fetch_message().await?;
    println!("{}", serde_json::to_string(&message)?);
    println!("message {}, reader {:?}", message.lag(), alone.lag());
    println!("{}", serde_json::to_string(&alone.stats())?);
    alone.close().await?;

    // In a group, only the statistics know.
    let mut member = builder.group_id("g").build()?;
    member.fetch_message().await?;
    println!("offset {:?}, lag {:?}", member.offset(), member.lag());
    println!("{}", serde_json::to_string(&member.stats())?);
    member.close().await?;
    Ok(())
}
