//! Reads a number of batches through a reader, to be run under callgrind: `reading next_batch|fetch_message|group BATCHES`,
//! the last one message at a time with commits at an interval. A broker runs in a process of its own, so that only the client
//! is counted. The difference between two runs with different numbers is the cost of the records alone; `cargo xtask bench
//! instructions` takes it.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::Duration;

use bytes::BytesMut;
use ekafka_benches::{Broker, RECORDS, SHAPES, record, values};
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::BatchBuilder;
use ekafka_reader::{Message, Reader};
use ekafka_testkit::EmbeddedKafka;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match &arguments[..] {
        [what, batches] if what == "broker" => runtime.block_on(serve(batches.parse()?)),
        [what, batches] => runtime.block_on(consume(what, batches.parse()?)),
        _ => Err("usage: reading next_batch|fetch_message|group BATCHES".into()),
    }
}

/// A broker with so many batches until this process is ended; says where it is.
async fn serve(batches: usize) -> Result<(), Box<dyn Error>> {
    let kafka = EmbeddedKafka::builder().nodes(1);
    let kafka = kafka
        .initial_rebalance_delay(Duration::ZERO)
        .start()
        .await?;
    kafka.create_topic(TOPIC, 1)?;
    let shape = SHAPES
        .into_iter()
        .find(|shape| shape.name == "100B")
        .ok_or("unknown shape")?;
    let values = values(shape);
    let mut builder = BatchBuilder::new(BytesMut::new());
    for index in 0..RECORDS {
        builder.append(&record(shape, &values, index))?;
    }
    let mut sealed = builder.seal(Compression::NONE)?;
    let bytes = sealed.stamp(-1, -1, -1).to_vec();
    let count = i64::try_from(RECORDS)?;
    for index in 0..batches {
        let mut bytes = BytesMut::from(&*bytes);
        let first = i64::try_from(index * RECORDS)?;
        bytes
            .get_mut(..8)
            .ok_or("no offset")?
            .copy_from_slice(&first.to_be_bytes());
        kafka.plant(TOPIC, 0, bytes.freeze(), count, 0)?;
    }
    let mut output = std::io::stdout();
    writeln!(output, "{}", kafka.bootstrap())?;
    output.flush()?;
    std::future::pending().await
}

/// Reads all there is, and touches every key and value.
async fn consume(what: &str, batches: usize) -> Result<(), Box<dyn Error>> {
    let broker = Broker::start(&[batches.to_string()])?;
    let builder = Reader::builder().brokers([&broker.address]).topic(TOPIC);
    let records = batches * RECORDS;
    let mut touched = 0;
    match what {
        "next_batch" => {
            let mut reader = builder.build()?;
            let mut read = 0;
            while read < records {
                for record in &reader.next_batch().await? {
                    let record = record?;
                    touched += ends(record.key, record.value);
                    read += 1;
                }
            }
        }
        "fetch_message" => {
            let mut reader = builder.build()?;
            for _ in 0..records {
                touched += touch(&reader.fetch_message().await?);
            }
        }
        "group" => {
            // No tick comes: a run takes as long as the machine is busy.
            let builder = builder.group_id("g").commit_interval(HOUR);
            let mut reader = builder.build()?;
            for _ in 0..records {
                touched += touch(&reader.read_message().await?);
            }
        }
        _ => return Err("unknown job".into()),
    }
    black_box(touched);
    Ok(())
}

fn touch(message: &Message) -> u64 {
    ends(message.key(), message.value())
}

/// Every byte of a key or value is behind its slice; touching the ends brings it in.
fn ends(key: Option<&[u8]>, value: Option<&[u8]>) -> u64 {
    let last = |bytes: Option<&[u8]>| bytes.and_then(|bytes| bytes.last().copied());
    u64::from(last(key).unwrap_or_default()) + u64::from(last(value).unwrap_or_default())
}

const TOPIC: &str = "t";
const HOUR: Duration = Duration::from_secs(3_600);
