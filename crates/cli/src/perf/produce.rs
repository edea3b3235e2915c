//! `ekafka perf produce`.

mod tasks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use ekafka::{Record, Writer};
use tokio::task::JoinSet;

use self::tasks::{send_each, send_on_time, write_slices};
use super::latencies::Timings;
use super::payload::{MOST_KEYS, Payload};
use super::report::{Done, Meter};
use super::schedule::Schedule;
use super::{Delivery, Workload};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::progress::Progress;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    workload: Workload,
    /// How many records to write
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// Bytes of each value
    #[arg(long, default_value_t = 100)]
    size: usize,
    /// Give records so many different keys of 8 bytes [default: no key]
    #[arg(long, default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(u64).range(..=MOST_KEYS))]
    keys: u64,
    /// One call per slice of records, or one call and one awaited handle per record
    #[arg(long, value_enum, default_value_t = Api::Slice)]
    api: Api,
    /// Records of one slice
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    slice: u64,
    /// Tasks that write at the same time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1024))]
    tasks: u64,
    /// Records per second, all tasks together; a slice is due with its first record [default: as many as are acknowledged]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    #[command(flatten)]
    delivery: Delivery,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Api {
    Slice,
    Handle,
}

/// What the tasks share.
struct Work {
    writer: Writer,
    payload: Payload,
    records: u64,
    /// How many records a task takes at a time.
    slice: u64,
    /// Absent when nothing holds the tasks back but the writer.
    schedule: Option<Schedule>,
    /// Records that some task has taken.
    taken: AtomicU64,
    /// Records that are acknowledged.
    done: AtomicU64,
}

pub(super) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    arguments.workload.prepare(connection).await?;
    let writer = arguments
        .delivery
        .writer(connection, &arguments.workload.topic)?;
    // Connections, producer id and metadata are not what is measured.
    let payload = Payload::new(arguments.size, arguments.keys);
    let warm = [Record::new(payload.value(0))];
    writer
        .write(&warm)
        .await
        .map_err(|error| Failure::new("cannot write", &error))?;
    let mut meter = Meter::start()?;
    let work = Arc::new(Work {
        writer,
        payload,
        records: arguments.records,
        slice: arguments.taken_at_once(),
        schedule: arguments
            .rate
            .map(|rate| Schedule::new(meter.started(), rate)),
        taken: AtomicU64::new(0),
        done: AtomicU64::new(0),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..arguments.tasks {
        let work = Arc::clone(&work);
        match (arguments.api, work.schedule) {
            (Api::Slice, _) => tasks.spawn(async move { write_slices(&work).await }),
            (Api::Handle, None) => tasks.spawn(async move { send_each(&work).await }),
            (Api::Handle, Some(schedule)) => {
                tasks.spawn(async move { send_on_time(&work, schedule).await })
            }
        };
    }
    let mut progress = Progress::new("records acknowledged", Some(arguments.records));
    while let Some(ended) = next_ended(&mut tasks, &mut progress, &work.done).await {
        meter.add(ended.map_err(|error| Failure::new("a task ended early", &error))??);
    }
    progress.clear();
    let done = Done {
        records: arguments.records,
        bytes: arguments.records.saturating_mul(arguments.size as u64),
        ..Done::default()
    };
    meter.finish("written", &done, arguments.workload.json)
}

type Ended = Result<Result<Timings, Failure>, tokio::task::JoinError>;

/// The next task that ended, with the progress told while waiting.
async fn next_ended(
    tasks: &mut JoinSet<Result<Timings, Failure>>,
    progress: &mut Progress,
    done: &AtomicU64,
) -> Option<Ended> {
    loop {
        let pause = tokio::time::sleep(Duration::from_millis(200));
        tokio::select! {
            ended = tasks.join_next() => return ended,
            () = pause => progress.tell(done.load(Ordering::Relaxed)),
        }
    }
}

impl Arguments {
    /// Single records with handles and a rate: each is due on its own.
    fn taken_at_once(&self) -> u64 {
        if self.api == Api::Handle && self.rate.is_some() {
            1
        } else {
            self.slice
        }
    }
}

impl Work {
    /// The next records for a task: the first one's number and how many.
    fn take(&self) -> Option<(usize, usize)> {
        let first = self.taken.fetch_add(self.slice, Ordering::Relaxed);
        let count = self.slice.min(self.records.saturating_sub(first));
        let numbers = (usize::try_from(first).ok()?, usize::try_from(count).ok()?);
        (count > 0).then_some(numbers)
    }

    fn record(&self, number: usize) -> Record<'_> {
        Record {
            key: self.payload.key(number),
            ..Record::new(self.payload.value(number))
        }
    }
}
