//! `ekafka perf produce`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use ekafka::{Record, WriteErrors, Writer, WriterError};
use tokio::task::JoinSet;

use super::Workload;
use super::payload::Payload;
use super::report::Meter;
use crate::connection::Connection;
use crate::failure::Failure;
use crate::produce::Delivering;
use crate::progress::Progress;

/// One of so many handles is timed: reading the clock twice costs more than a record.
const TIMED_HANDLE: usize = 64;

/// Handles that one task has under way at most.
const HANDLES: usize = 16 * 1024;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    workload: Workload,
    /// How many records to write
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Bytes of each value
    #[arg(long, default_value_t = 100)]
    size: usize,
    /// One call per slice of records, or one call and one awaited handle per record
    #[arg(long, value_enum, default_value_t = Api::Slice)]
    api: Api,
    /// Records of one slice
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    slice: u64,
    /// Tasks that write at the same time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1024))]
    tasks: u64,
    #[command(flatten)]
    delivery: Delivering,
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
    slice: u64,
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
    let warm = [Record::new("warm-up")];
    writer
        .write(&warm)
        .await
        .map_err(|error| Failure::new("cannot write", &error))?;
    let work = Arc::new(Work {
        writer,
        payload: Payload::new(arguments.size),
        records: arguments.records,
        slice: arguments.slice,
        taken: AtomicU64::new(0),
        done: AtomicU64::new(0),
    });
    let mut meter = Meter::start()?;
    let mut tasks = JoinSet::new();
    for _ in 0..arguments.tasks {
        let work = Arc::clone(&work);
        match arguments.api {
            Api::Slice => tasks.spawn(async move { write_slices(&work).await }),
            Api::Handle => tasks.spawn(async move { send_each(&work).await }),
        };
    }
    let mut progress = Progress::new("records acknowledged", Some(arguments.records));
    while let Some(ended) = next_ended(&mut tasks, &mut progress, &work.done).await {
        let timed = ended.map_err(|error| Failure::new("a task ended early", &error))??;
        timed
            .into_iter()
            .for_each(|duration| meter.latencies().note(duration));
    }
    progress.clear();
    let bytes = arguments.records.saturating_mul(arguments.size as u64);
    meter.finish(
        "written",
        (arguments.records, bytes),
        arguments.workload.json,
    )
}

type Ended = Result<Result<Vec<Duration>, Failure>, tokio::task::JoinError>;

/// The next task that ended, with the progress told while waiting.
async fn next_ended(
    tasks: &mut JoinSet<Result<Vec<Duration>, Failure>>,
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

impl Work {
    /// The next records for a task: the first one's number and how many.
    fn take(&self) -> Option<(usize, usize)> {
        let first = self.taken.fetch_add(self.slice, Ordering::Relaxed);
        let count = self.slice.min(self.records.saturating_sub(first));
        let numbers = (usize::try_from(first).ok()?, usize::try_from(count).ok()?);
        (count > 0).then_some(numbers)
    }
}

async fn write_slices(work: &Work) -> Result<Vec<Duration>, Failure> {
    let mut timed = Vec::new();
    let mut records = Vec::new();
    while let Some((first, count)) = work.take() {
        records.clear();
        records
            .extend((first..first + count).map(|number| Record::new(work.payload.value(number))));
        let begun = Instant::now();
        work.writer
            .write(&records)
            .await
            .map_err(|error| refused(&error))?;
        timed.push(begun.elapsed());
        work.done.fetch_add(count as u64, Ordering::Relaxed);
    }
    Ok(timed)
}

async fn send_each(work: &Work) -> Result<Vec<Duration>, Failure> {
    let mut timed = Vec::new();
    let mut handles = std::collections::VecDeque::with_capacity(HANDLES);
    while let Some((first, count)) = work.take() {
        for number in first..first + count {
            let begun = (number % TIMED_HANDLE == 0).then(Instant::now);
            let record = Record::new(work.payload.value(number));
            let handle = work
                .writer
                .send(record)
                .await
                .map_err(|error| lost(&error))?;
            handles.push_back((handle, begun));
            if handles.len() == HANDLES
                && let Some((handle, begun)) = handles.pop_front()
            {
                handle.await.map_err(|error| lost(&error))?;
                timed.extend(begun.map(|begun| begun.elapsed()));
                work.done.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    for (handle, begun) in handles {
        handle.await.map_err(|error| lost(&error))?;
        timed.extend(begun.map(|begun| begun.elapsed()));
        work.done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(timed)
}

fn refused(errors: &WriteErrors) -> Failure {
    Failure::new(
        format_args!("{} of {} records of a call", errors.count(), errors.len()),
        errors,
    )
}

fn lost(error: &WriterError) -> Failure {
    Failure::new("a record was not written", error)
}
