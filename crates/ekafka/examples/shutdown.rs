//! Closes the reader when the process is told to end, so that the group need not wait for its session to run out.
//!
//! `cargo run -p ekafka --example shutdown`
//!
//! > handled offset 0, send SIGTERM to end
//! > closed; the broker was told 1 time(s)

use ekafka::{ApiKey, Reader, Record, Writer};
use ekafka_testkit::EmbeddedKafka;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("test", 1)?;
    let builder = Writer::builder().brokers(kafka.addresses());
    let writer = builder.topic("test").build()?;
    writer.write(&[Record::new("1")]).await?;

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let builder = Reader::builder().brokers(kafka.addresses());
    let mut reader = builder.topic("test").group_id("g").build()?;
    loop {
        tokio::select! {
            message = reader.fetch_message() => {
                let message = message?;
                reader.commit_messages(std::slice::from_ref(&message)).await?;
                println!("handled offset {}, send SIGTERM to end", message.offset());
            }
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    // Commits what is marked and leaves the group.
    reader.close().await?;
    let told = kafka.requests_of(ApiKey::LEAVE_GROUP).len();
    println!("closed; the broker was told {told} time(s)");
    Ok(())
}
