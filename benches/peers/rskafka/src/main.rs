//! rskafka: whole batches by `PartitionClient::produce`, two of them (or one) in flight for each partition, and a stream per
//! partition.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use futures::StreamExt;
use peer_line::{BEFORE_STAMPS, Error, Line, Meter, Payload, WARM_UP, age, no_mode, touch};
use rskafka::client::ClientBuilder;
use rskafka::client::consumer::{StartOffset, StreamConsumer, StreamConsumerBuilder};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::record::Record;
use tokio::task::JoinSet;

fn main() -> ExitCode {
    peer_line::run(|line| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            match line.mode.as_str() {
                "produce" => produce(line).await,
                "consume" => consume(line).await,
                "latency" => latency(line).await,
                "receive" => receive(line).await,
                "end-to-end" => end_to_end(line).await,
                _ => Err(no_mode(line)),
            }
        })
    })
}

async fn clients(line: &Line) -> Result<Vec<Arc<PartitionClient>>, Error> {
    let brokers = line.brokers.split(',').map(str::to_owned).collect();
    let client = ClientBuilder::new(brokers).build().await?;
    let mut clients = Vec::new();
    for partition in line.used() {
        let handling = UnknownTopicHandling::Retry;
        let one = client.partition_client(line.topic.as_str(), partition, handling);
        clients.push(Arc::new(one.await?));
    }
    Ok(clients)
}

fn compression(line: &Line) -> Result<Compression, Error> {
    Ok(match line.codec.as_str() {
        "none" => Compression::NoCompression,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        other => return Err(format!("unknown codec {other}").into()),
    })
}

fn record(value: &[u8]) -> Record {
    Record {
        key: None,
        value: Some(value.to_vec()),
        headers: BTreeMap::new(),
        timestamp: Utc::now(),
    }
}

async fn produce(line: &Line) -> Result<(), Error> {
    let (clients, compression) = (clients(line).await?, compression(line)?);
    for client in &clients {
        client
            .produce(vec![record(b"warm-up")], compression)
            .await?;
    }
    let payload = Arc::new(Payload::new(line.size));
    // A slice makes a batch below 1,000,000 bytes with the framing of its records.
    let slice = line.batch_or(900_000) / (line.size + 16);
    let (taken, total, size) = (Arc::new(AtomicUsize::new(0)), line.records, line.size);
    let meter = Meter::start()?;
    let mut tasks = JoinSet::new();
    let in_flight = line.in_flight.clamp(1, 2);
    for client in clients.iter().cycle().take(clients.len() * in_flight) {
        let (client, payload, taken) = (client.clone(), payload.clone(), taken.clone());
        tasks.spawn(async move {
            let mut written = 0;
            loop {
                let first = taken.fetch_add(slice, Ordering::Relaxed);
                if first >= total {
                    return Ok::<_, Error>(written);
                }
                let numbers = first..total.min(first + slice);
                written += numbers.len();
                let records = numbers
                    .map(|number| record(payload.value(number)))
                    .collect();
                client.produce(records, compression).await?;
            }
        });
    }
    let mut written = 0;
    while let Some(ended) = tasks.join_next().await {
        written += ended??;
    }
    meter.finish("rskafka", written, written * size, clients.len())
}

async fn latency(line: &Line) -> Result<(), Error> {
    let clients = clients(line).await?;
    let payload = Payload::new(line.size);
    let write = async |number: usize| -> Result<(), Error> {
        let records = vec![record(payload.value(number))];
        let client = &clients[number % clients.len()];
        client.produce(records, Compression::NoCompression).await?;
        Ok(())
    };
    for number in 0..WARM_UP {
        write(number).await?;
    }
    let mut meter = Meter::start()?;
    for number in 0..line.records {
        let begun = Instant::now();
        write(number).await?;
        meter.note(begun.elapsed());
    }
    meter.finish("rskafka", line.records, line.records * line.size, WARM_UP)
}

fn stream(line: &Line, client: Arc<PartitionClient>) -> StreamConsumer {
    let mut builder = StreamConsumerBuilder::new(client, StartOffset::Earliest);
    if !line.defaults {
        // Its own default fetches 52 MB at a time.
        builder = builder.with_max_batch_size(1 << 20);
    }
    builder.build()
}

async fn consume(line: &Line) -> Result<(), Error> {
    let meter = Meter::start()?;
    let clients = clients(line).await?;
    let streams = clients.into_iter().map(|client| stream(line, client));
    let mut all = futures::stream::select_all(streams);
    let (mut records, mut bytes, mut touched) = (0, 0, 0);
    while records < line.records {
        let next = tokio::time::timeout(Duration::from_secs(30), all.next()).await?;
        let (came, _) = next.ok_or("the stream ended")??;
        records += 1;
        bytes += came.record.value.as_ref().map_or(0, Vec::len);
        touched += touch(came.record.key.as_deref()) + touch(came.record.value.as_deref());
    }
    std::hint::black_box(touched);
    meter.finish("rskafka", records, bytes, 0)
}

async fn receive(line: &Line) -> Result<(), Error> {
    let clients = clients(line).await?;
    let streams = clients.into_iter().map(|client| stream(line, client));
    let mut all = futures::stream::select_all(streams);
    let mut meter = Meter::start()?;
    for number in 0..BEFORE_STAMPS + line.records {
        let next = tokio::time::timeout(Duration::from_secs(30), all.next()).await?;
        let (came, _) = next.ok_or("the stream ended")??;
        if number >= BEFORE_STAMPS {
            meter.note(age(came.record.value.as_deref())?);
        }
    }
    meter.finish("rskafka", line.records, line.records * line.size, 0)
}

async fn end_to_end(line: &Line) -> Result<(), Error> {
    let writers = clients(line).await?;
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
    for client in clients(line).await? {
        let (mut stream, sender) = (stream(line, client), sender.clone());
        tokio::spawn(async move {
            while let Some(came) = stream.next().await {
                if came.is_err() || sender.send(Instant::now()).is_err() {
                    return;
                }
            }
        });
    }
    let payload = Payload::new(line.size);
    let mut pass = async |number: usize| -> Result<Duration, Error> {
        let begun = Instant::now();
        let records = vec![record(payload.value(number))];
        let writer = &writers[number % writers.len()];
        writer.produce(records, Compression::NoCompression).await?;
        let came = received.recv().await.ok_or("the streams ended")?;
        Ok(came.saturating_duration_since(begun))
    };
    for number in 0..WARM_UP {
        pass(number).await?;
    }
    let mut meter = Meter::start()?;
    for number in 0..line.records {
        meter.note(pass(number).await?);
    }
    meter.finish("rskafka", line.records, line.records * line.size, WARM_UP)
}
