//! `ekafka perf latency`.

use std::time::Instant;

use clap::Args;
use ekafka::Record;

use super::Workload;
use super::payload::Payload;
use super::report::Meter;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::produce::Delivering;
use crate::progress::Progress;

/// Records written before the measurement begins: connections open, caches fill.
const WARM_UP: usize = 200;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    workload: Workload,
    /// How many records to write
    #[arg(long, default_value_t = 10_000)]
    records: u64,
    /// Bytes of each value
    #[arg(long, default_value_t = 100)]
    size: usize,
    #[command(flatten)]
    delivery: Delivering,
}

pub(super) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    arguments.workload.prepare(connection).await?;
    let writer = arguments
        .delivery
        .writer(connection, &arguments.workload.topic)?;
    let payload = Payload::new(arguments.size);
    let write = async |number: usize| {
        let record = [Record::new(payload.value(number))];
        let written = writer.write(&record).await;
        written.map_err(|error| Failure::new("a record was not written", &error))
    };
    for number in 0..WARM_UP {
        write(number).await?;
    }
    let mut progress = Progress::new("records acknowledged", Some(arguments.records));
    let mut meter = Meter::start()?;
    for number in 0..arguments.records {
        let begun = Instant::now();
        write(usize::try_from(number).unwrap_or_default()).await?;
        meter.latencies().note(begun.elapsed());
        progress.tell(number);
    }
    progress.clear();
    let bytes = arguments.records.saturating_mul(arguments.size as u64);
    meter.finish(
        "acknowledged one by one",
        (arguments.records, bytes),
        arguments.workload.json,
    )
}
