//! Closes the reader when the process is told to end, so that the group need not wait for its session to run out.
//!
//! `cargo run -p ekafka --example shutdown [HOST:PORT,…]`; without an address it starts an embedded broker.
//!
//! > handled offset 0, send SIGTERM to end
//! > closed; members left: 0

mod playground;

use ekafka::{Client, Reader, Record, Writer};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = playground::start(&[("shutdown", 1)]).await?;
    let builder = Writer::builder().brokers(kafka.brokers());
    let writer = builder.topic("shutdown").build()?;
    writer.write(&[Record::new("1")]).await?;

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let builder = Reader::builder().brokers(kafka.brokers());
    let mut reader = builder.topic("shutdown").group_id("shutdown").build()?;
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
    let client = Client::builder().brokers(kafka.brokers()).build()?;
    let group = client
        .describe_groups(["shutdown"])
        .await?
        .all()?
        .remove(0)
        .1;
    println!("closed; members left: {}", group.members.len());
    Ok(())
}
