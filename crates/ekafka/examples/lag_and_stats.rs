//! How far a reader is behind, as messages, reader and statistics tell it.
//!
//! `cargo run -p ekafka --example lag_and_stats [HOST:PORT,…]`; without an address it starts an embedded broker.
//!
//! > asked of the leader: 3
//! > {"Topic":"lag-and-stats","Partition":0,"Offset":0,"HighWaterMark":3,"Key":null,"Value":"MQ==","Headers":null,"Time":"…Z"}
//! > message 3, reader 2
//! > {"Dials":1,"Fetches":1,"Messages":1,…"Offset":1,"Lag":2,…"Partition":"0","DeprecatedFetchesWithTypo":1}
//! > offset -1, lag -1
//! > {"Dials":1,"Fetches":1,"Messages":1,…"Rebalances":1,…"Offset":1,"Lag":2,…"Partition":"-1","DeprecatedFetchesWithTypo":1}

mod playground;

use ekafka::{Reader, Record, Writer};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = playground::start(&[("lag-and-stats", 1)]).await?;
    let builder = Writer::builder().brokers(kafka.brokers());
    let writer = builder.topic("lag-and-stats").build()?;
    writer.write(&["1", "2", "3"].map(Record::new)).await?;

    let builder = Reader::builder()
        .brokers(kafka.brokers())
        .topic("lag-and-stats");
    let mut alone = builder.clone().build()?;
    println!("asked of the leader: {}", alone.read_lag().await?);
    let message = alone.fetch_message().await?;
    println!("{}", serde_json::to_string(&message)?);
    let lag = alone.lag().unwrap_or(-1);
    println!("message {}, reader {lag}", message.lag());
    println!("{}", serde_json::to_string(&alone.stats())?);
    alone.close().await?;

    // In a group, only the statistics know.
    let mut member = builder.group_id("g").build()?;
    member.fetch_message().await?;
    let (offset, lag) = (member.offset(), member.lag());
    println!("offset {}, lag {}", offset.unwrap_or(-1), lag.unwrap_or(-1));
    println!("{}", serde_json::to_string(&member.stats())?);
    member.close().await?;
    Ok(())
}
