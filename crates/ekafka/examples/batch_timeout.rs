//! What kafka-go's batch timeout costs: three messages in one call take one second, three calls take three.
//!
//! `cargo run -p ekafka --example batch_timeout [HOST:PORT]`; without an address it starts an embedded broker. Fails when a
//! time is not as its documents promise.
//!
//! > one call of three messages: used time: 1…ms
//! > three calls of one message: used time: 3…ms

use std::error::Error;
use std::time::Duration;

use ekafka::{Dialer, Record, TopicConfig, WriterConfig};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

const TOPIC: &str = "batch-timeout-example";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let embedded = EmbeddedKafka::builder().start().await?;
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| embedded.addresses().remove(0));
    let any = Dialer::default().dial(&address).await?;
    let controller = any.controller().await?.address();
    let controller = Dialer::default().dial(&controller).await?;
    controller
        .create_topics(&[TopicConfig::new(TOPIC, 1, 1)])
        .await?;

    let writer = WriterConfig::kafka_go()
        .addr(address)
        .topic(TOPIC)
        .build()?;
    // The first call also looks for the topic and connects, which is not what is measured.
    writer.write(&[Record::new("warm up")]).await?;
    let messages = ["one", "two", "three"].map(Record::new);

    let begun = Instant::now();
    writer.write(&messages).await?;
    report("one call of three messages", begun.elapsed(), 1000..1500)?;

    let begun = Instant::now();
    for message in &messages {
        writer.write(std::slice::from_ref(message)).await?;
    }
    report("three calls of one message", begun.elapsed(), 3000..3800)?;

    writer.close().await?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what the example is for")]
fn report(what: &str, took: Duration, promised: std::ops::Range<u128>) -> Result<(), String> {
    let took = took.as_millis();
    println!("{what}: used time: {took}ms");
    if promised.contains(&took) {
        return Ok(());
    }
    Err(format!("{what} should take {promised:?} ms"))
}
