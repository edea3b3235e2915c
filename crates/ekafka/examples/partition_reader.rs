//! Reads one partition from offset 42 on.
//!
//! `cargo run -p ekafka --example partition_reader [HOST:PORT,…]`; without an address it starts an embedded broker.
//!
//! > message at offset 42: key-42 = 42
//! > message at offset 49: key-49 = 49

mod playground;

use ekafka::{Reader, Record, Writer};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = playground::start(&[("partition-reader", 1)]).await?;
    let builder = Writer::builder().brokers(kafka.brokers());
    let writer = builder.topic("partition-reader").build()?;
    let texts = (0..50).map(|number: i32| (format!("key-{number}"), number.to_string()));
    let texts: Vec<(String, String)> = texts.collect();
    let records = texts.iter().map(|(key, value)| Record::new(value).key(key));
    writer.write(&records.collect::<Vec<_>>()).await?;

    let mut reader = Reader::builder()
        .brokers(kafka.brokers())
        .topic("partition-reader")
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
