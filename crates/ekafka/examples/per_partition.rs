//! One task for each partition: each handles and commits its own, and ends when its partition is taken away.
//!
//! `cargo run -p ekafka --example per_partition [HOST:PORT,…]`; without an address it starts an embedded broker.
//!
//! > 6 messages handled

mod playground;

use ekafka::{PartitionStream, Reader, ReaderError, Record, Writer};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = playground::start(&[("per-partition", 3)]).await?;
    let builder = Writer::builder().brokers(kafka.brokers());
    let writer = builder.topic("per-partition").build()?;
    for partition in 0..3 {
        let records = ["1", "2"].map(|text| Record::new(text).partition(partition));
        writer.write(&records).await?;
    }

    let builder = Reader::builder().brokers(kafka.brokers());
    let reader = builder.topic("per-partition").group_id("g").build()?;
    let mut partitions = reader.into_partitions();
    let mut tasks = tokio::task::JoinSet::new();
    let mut handled = 0;
    while handled < 6 {
        tokio::select! {
            Some(stream) = partitions.next() => {
                tasks.spawn(handle(stream?));
            }
            Some(done) = tasks.join_next() => handled += done??,
        }
    }
    partitions.close().await?;
    println!("{handled} messages handled");
    Ok(())
}

/// A real task goes on until the stream ends; this one stops after two messages.
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn handle(mut stream: PartitionStream) -> Result<usize, ReaderError> {
    let mut handled = 0;
    while let Some(message) = stream.next().await {
        println!("{} offset {}", stream.partition(), message.offset());
        stream.commit_messages(&[message]).await?;
        handled += 1;
        if handled == 2 {
            break;
        }
    }
    Ok(handled)
}
