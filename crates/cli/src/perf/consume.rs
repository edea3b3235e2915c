//! `ekafka perf consume`.

use std::collections::BTreeMap;
use std::time::Instant;

use clap::Args;
use ekafka::{Reader, StartOffset};

use super::Workload;
use super::report::Meter;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::topics;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    workload: Workload,
    /// End after so many records [default: all that are there]
    #[arg(long)]
    records: Option<u64>,
}

pub(super) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    let topic = &arguments.workload.topic;
    let partitions = topics::partitions(connection, topic).await?;
    let offsets = topics::offsets(connection, &partitions).await?;
    let stored: i64 = offsets.values().map(|(first, next)| next - first).sum();
    let there = u64::try_from(stored).unwrap_or(0);
    if there < arguments.records.unwrap_or(1) {
        return Err(Failure::plain(format!("topic {topic} has {there} records"))
            .advise(format!("ekafka perf produce --topic {topic}")));
    }
    let total = arguments.records.unwrap_or(there);
    let mut reader = Reader::builder()
        .cluster(connection.cluster()?)
        .topic(topic)
        .partitions(partitions.iter().map(|partition| partition.id))
        .start_offset(StartOffset::First)
        .build()
        .map_err(|error| Failure::new("cannot read", &error))?;
    let mut meter = Meter::start()?;
    let ends = offsets
        .into_iter()
        .map(|(partition, (_, next))| (partition, next))
        .collect();
    let counted = count(&mut reader, total, ends, &mut meter).await;
    let json = arguments.workload.json;
    let told = counted.and_then(|counted| meter.finish("read", counted, json));
    reader.close().await;
    told
}

/// Reads `total` records, or up to the ends; how many there were, and the bytes of their values.
async fn count(
    reader: &mut Reader,
    total: u64,
    mut ends: BTreeMap<i32, i64>,
    meter: &mut Meter,
) -> Result<(u64, u64), Failure> {
    let failed = |error: &dyn std::error::Error| Failure::new("cannot read", error);
    let mut progress = Progress::new("records read", Some(total));
    let (mut records, mut bytes) = (0, 0);
    // Every byte of a key or value is behind its slice; touching the ends brings it in.
    let mut touched = 0_u64;
    while records < total && !ends.is_empty() {
        let begun = Instant::now();
        let batch = reader.next_batch().await.map_err(|error| failed(&error))?;
        meter.latencies().note(begun.elapsed());
        for record in &batch {
            let record = record.map_err(|error| failed(&error))?;
            let value = record.value.unwrap_or_default();
            let key = record.key.unwrap_or_default();
            touched += u64::from(value.last().copied().unwrap_or_default());
            touched += u64::from(key.last().copied().unwrap_or_default());
            records += 1;
            bytes += value.len() as u64;
        }
        let partition = batch.partition().partition;
        if ends
            .get(&partition)
            .is_some_and(|end| batch.next_offset() >= *end)
        {
            ends.remove(&partition);
        }
        progress.tell(records);
    }
    std::hint::black_box(touched);
    Ok((records, bytes))
}
