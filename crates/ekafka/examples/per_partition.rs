//! One task for each partition: each handles and commits its own, and ends when its partition is taken away.
//!
//! `cargo run -p ekafka --example per_partition`
//!
//! > 6 messages handled

use ekafka::{PartitionStream, Reader, ReaderError, Record, Writer};
use ekafka_testkit::EmbeddedKafka;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what the example is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let kafka = EmbeddedKafka::builder().start().await?;
    kafka.create_topic("test", 3)?;
    let builder = Writer::builder().brokers(kafka.addresses());
    let writer = builder.topic("test").build()?;
    for partition in 0..3 {
        let records = ["1", "2"].map(|text| Record::new(text).partition(partition));
        writer.write(&records).await?;
    }

    let builder = Reader::builder().brokers(kafka.addresses());
    let reader = builder.topic("test").group_id("g").build()?;
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
