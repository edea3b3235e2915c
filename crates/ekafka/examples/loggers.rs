//! Readers and writers tell what they do: to a function of your own, or to any logging library.
//!
//! `cargo run -p ekafka --example loggers`
//!
//! >  INFO writer: …
//! > ERROR writer: …attempt 1 failed: …
//! > reader: …

use std::fmt::Arguments;
use std::sync::Arc;

use ekafka::{ApiKey, ErrorCode, Reader, Record, Writer};
use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("q1mi-topic", 1)?;
    // The library's own output, here as text; the loggers below hand their lines over to it.
    tracing_subscriber::fmt()
        .with_env_filter("loggers=info")
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .init();

    let writer = Writer::builder()
        .brokers(kafka.addresses())
        .topic("q1mi-topic")
        .logger(Arc::new(|line: Arguments<'_>| {
            tracing::info!("writer: {line}")
        }))
        .error_logger(Arc::new(|line: Arguments<'_>| {
            tracing::error!("writer: {line}");
        }))
        .build()?;
    let refused = ErrorCode::NOT_LEADER_OR_FOLLOWER;
    kafka.on_next(ApiKey::PRODUCE).error(refused);
    writer.write(&[Record::new("tried twice")]).await?;

    // A function of your own takes both.
    let print = Arc::new(|line: Arguments<'_>| println!("reader: {line}"));
    let mut reader = Reader::builder()
        .brokers(kafka.addresses())
        .topic("q1mi-topic")
        .partition(0)
        .logger(print.clone())
        .error_logger(print)
        .build()?;
    reader.fetch_message().await?;
    reader.close().await?;
    Ok(())
}
