//! Reads one partition from offset 42 on.
//!
//! `cargo run -p ekafka --example partition_reader`

use ekafka::{Reader, Record, Writer};
use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("topic-A", 1)?;
    let builder = Writer::builder().brokers(kafka.addresses());
    let writer = builder.topic("topic-A").build()?;
    let values: Vec<String> = (0..50).map(|number: i32| number.to_string()).collect();
    let records: Vec<Record<'_>> = values
        .iter()
        .map(|value| Record::new(value.as_bytes()))
        .collect();
    writer.write(&records).await?;

    let mut reader = Reader::builder()
        .brokers(kafka.addresses())
        .topic("topic-A")
        .partition(0)
        .max_bytes(10_000_000)
        .build()?;
    reader.set_offset(42).await?;
    for _ in 42..50 {
        let message = reader.read_message().await?;
        println!(
            "message at offset {}: {} = {}",
            message.offset(),
            String::from_utf8_lossy(message.key().unwrap_or_default()),
            String::from_utf8_lossy(message.value().unwrap_or_default()),
        );
    }
    reader.close().await?;
    Ok(())
}
