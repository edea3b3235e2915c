//! A member of a consumer group; `read_message` commits each message before it returns it (at most once).
//!
//! `cargo run -p ekafka --example group_reader [HOST:PORT,…]`; without an address it starts an embedded broker.
//!
//! > message at topic/partition/offset group-reader/…/0: … = …

mod playground;

use ekafka::{Reader, Record, Writer};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = playground::start(&[("group-reader", 3)]).await?;
    let builder = Writer::builder().brokers(kafka.brokers());
    let writer = builder.topic("group-reader").build()?;
    let records = ["a", "b", "c", "d", "e"].map(|text| Record::new(text).key(text));
    writer.write(&records).await?;

    let mut reader = Reader::builder()
        .brokers(kafka.brokers())
        .group_id("consumer-group-id")
        .topic("group-reader")
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
