//! Writes a number of batches through a writer, to be run under callgrind: `writing write|send|await BATCHES`. A broker
//! runs in a process of its own, so that only the client is counted. The difference between two runs with different numbers is
//! the cost of the records alone; `cargo xtask bench instructions` takes it.

use std::collections::VecDeque;
use std::error::Error;
use std::io::Write;
use std::time::Duration;

use ekafka_benches::{Broker, RECORDS, SHAPES, record, values};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Delivery, Record, Writer};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match &arguments[..] {
        [what] if what == "broker" => runtime.block_on(serve()),
        [what, batches] => runtime.block_on(produce(what, batches.parse()?)),
        _ => Err("usage: writing write|send|await BATCHES".into()),
    }
}

/// A broker until this process is ended; says where it is.
async fn serve() -> Result<(), Box<dyn Error>> {
    let kafka = EmbeddedKafka::builder().nodes(1).start().await?;
    kafka.create_topic(TOPIC, 1)?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", kafka.bootstrap())?;
    output.flush()?;
    std::future::pending().await
}

async fn produce(what: &str, batches: usize) -> Result<(), Box<dyn Error>> {
    let broker = Broker::start(&[])?;
    // Batches end when they are full and never for another reason, so that every run has the same.
    let writer = Writer::builder()
        .brokers([&broker.address])
        .topic(TOPIC)
        .linger(Duration::from_secs(60))
        .batch_size(RECORDS)
        .build()?;
    let shape = SHAPES
        .into_iter()
        .find(|shape| shape.name == "100B")
        .ok_or("unknown shape")?;
    let values = values(shape);
    let records: Vec<_> = (0..RECORDS)
        .map(|index| Record::new(record(shape, &values, index).value.unwrap_or_default()))
        .collect();
    match what {
        "write" => {
            for _ in 0..batches {
                writer.write(&records).await?;
            }
        }
        "send" => {
            for _ in 0..batches {
                let mut newest = None;
                for record in &records {
                    newest = Some(writer.send(*record).await?);
                }
                if let Some(newest) = newest {
                    newest.await?;
                }
            }
        }
        "await" => send_and_await(&writer, &records, batches).await?,
        _ => return Err("unknown job".into()),
    }
    Ok(())
}

/// Sends one by one, and awaits every handle some batches later.
async fn send_and_await(
    writer: &Writer,
    records: &[Record<'_>],
    batches: usize,
) -> Result<(), Box<dyn Error>> {
    let mut handles: VecDeque<Delivery> = VecDeque::with_capacity(HANDLES);
    for _ in 0..batches {
        for record in records {
            handles.push_back(writer.send(*record).await?);
        }
        let first = if handles.len() < HANDLES { 0 } else { RECORDS };
        for oldest in handles.drain(..first) {
            oldest.await?;
        }
    }
    for handle in handles {
        handle.await?;
    }
    Ok(())
}

const TOPIC: &str = "t";
/// Of four batches, so that the oldest handle's batch is on its way.
const HANDLES: usize = 4 * RECORDS;
