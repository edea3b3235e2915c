//! Messages that cannot be handled go to another topic, and are committed like the others: none is lost or blocks.
//!
//! `cargo run -p ekafka --example dead_letter [HOST:PORT,…]`; without an address it starts an embedded broker.
//!
//! > offset 1 set aside: invalid digit found in string

mod playground;

use ekafka::{Header, Message, Reader, Record, Writer};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = playground::start(&[("orders", 1), ("orders.failed", 1)]).await?;
    let writer = Writer::builder().brokers(kafka.brokers()).topic("orders");
    let orders = ["3 apples", "some apples", "5 pears"].map(Record::new);
    writer.build()?.write(&orders).await?;

    let builder = Writer::builder().brokers(kafka.brokers());
    let failed = builder.topic("orders.failed").build()?;
    let builder = Reader::builder().brokers(kafka.brokers());
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
