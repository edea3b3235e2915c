//! A member of a consumer group; `read_message` commits each message before it returns it (at most once).
//!
//! `cargo run -p ekafka --example group_reader`
//!
//! > message at topic/partition/offset topic-A/…/0: … = …

use ekafka::{Reader, Record, Writer};
use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("topic-A", 3)?;
    let builder = Writer::builder().brokers(kafka.addresses());
    let writer = builder.topic("topic-A").build()?;
    let records = ["a", "b", "c", "d", "e"].map(|text| Record::new(text).key(text));
    writer.write(&records).await?;

    let mut reader = Reader::builder()
        .brokers(kafka.addresses())
        .group_id("consumer-group-id")
        .topic("topic-A")
        .max_bytes(10_000_000)
        .build()?;
    for _ in 0..records.len() {
        let message = reader.read_message().await?;
        println!(
            "message at topic/partition/offset {}/{}/{}: {} = {}",
            message.topic(),
            message.partition(),
            message.offset(),
            String::from_utf8_lossy(message.key().unwrap_or_default()),
            String::from_utf8_lossy(message.value().unwrap_or_default()),
        );
    }
    reader.close().await?;
    Ok(())
}
