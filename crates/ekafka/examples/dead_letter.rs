//! Messages that cannot be handled go to another topic, and are committed like the others: none is lost or blocks.
//!
//! `cargo run -p ekafka --example dead_letter`
//!
//! > offset 1 set aside: invalid digit found in string

use ekafka::{Header, Message, Reader, Record, Writer};
use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("orders", 1)?;
    kafka.create_topic("orders.failed", 1)?;
    let writer = Writer::builder().brokers(kafka.addresses()).topic("orders");
    let orders = ["3 apples", "some apples", "5 pears"].map(Record::new);
    writer.build()?.write(&orders).await?;

    let builder = Writer::builder().brokers(kafka.addresses());
    let failed = builder.topic("orders.failed").build()?;
    let builder = Reader::builder().brokers(kafka.addresses());
    let mut reader = builder.topic("orders").group_id("g").build()?;
    for _ in 0..orders.len() {
        let message = reader.fetch_message().await?;
        if let Err(error) = handle(&message) {
            let (why, offset) = (error.to_string(), message.offset().to_string());
            let mut headers = message.header_list()?;
            headers.push(Header {
                key: "error",
                value: Some(why.as_bytes()),
            });
            headers.push(Header {
                key: "offset",
                value: Some(offset.as_bytes()),
            });
            failed.write(&[message.record(&headers)]).await?;
            println!("offset {offset} set aside: {why}");
        }
        reader.commit_messages(&[message]).await?;
    }
    reader.close().await?;
    Ok(())
}

fn handle(message: &Message) -> Result<u32, Box<dyn std::error::Error>> {
    let text = std::str::from_utf8(message.value().unwrap_or_default())?;
    let count = text.split(' ').next().unwrap_or_default();
    Ok(count.parse()?)
}
