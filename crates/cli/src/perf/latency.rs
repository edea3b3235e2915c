//! `ekafka perf latency`.

use std::cell::Cell;
use std::collections::VecDeque;
use std::time::Instant;

use clap::Args;
use ekafka::{Delivery as Handle, Reader, Record, StartOffset, Writer};

use super::latencies::Timings;
use super::payload::Payload;
use super::report::{Done, Meter};
use super::schedule::{Alarm, Schedule};
use super::{Delivery, Workload};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::topics;

/// Records written before the measurement begins: connections open, caches fill.
const WARM_UP: u64 = 200;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    workload: Workload,
    /// How many records to write
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    records: u64,
    /// Bytes of each value
    #[arg(long, default_value_t = 100)]
    size: usize,
    /// Measure until a reader in this process has the record, on one partition, instead of until it is acknowledged
    #[arg(long)]
    end_to_end: bool,
    /// Records per second, whether those before are done or not [default: each when the one before is done]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    rate: Option<u64>,
    #[command(flatten)]
    delivery: Delivery,
}

pub(super) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    arguments.workload.prepare(connection).await?;
    let topic = &arguments.workload.topic;
    let writer = arguments.delivery.writer(connection, topic)?;
    let run = Run {
        writer,
        payload: Payload::new(arguments.size, 0),
        records: arguments.records,
        partition: arguments.end_to_end.then_some(PARTITION),
        written: Cell::new(0),
    };
    let done = Done {
        records: arguments.records,
        bytes: arguments.records.saturating_mul(arguments.size as u64),
        ..Done::default()
    };
    let json = arguments.workload.json;
    if arguments.end_to_end {
        let mut reader = reader_at_end(connection, topic).await?;
        let measured = run.until_received(&mut reader, arguments.rate).await;
        // What was measured is told after the reader has ended, also when nothing was.
        let _ = reader.close().await;
        return measured?.finish("received one by one", &done, json);
    }
    let meter = run.until_acknowledged(arguments.rate).await?;
    meter.finish("acknowledged one by one", &done, json)
}

/// The partition of end-to-end runs: one, so that records come in the order in which they were written.
const PARTITION: i32 = 0;

/// A reader of records that are written from now on.
async fn reader_at_end(connection: &Connection, topic: &str) -> Result<Reader, Failure> {
    let mut partitions = topics::partitions(connection, topic).await?;
    partitions.retain(|partition| partition.id == PARTITION);
    let offsets = topics::offsets(connection, &partitions).await?;
    let (_, end) = offsets.get(&PARTITION).copied().unwrap_or_default();
    Reader::builder()
        .cluster(connection.cluster()?)
        .topic(topic)
        .partition(PARTITION)
        .start_offset(StartOffset::At(end))
        .build()
        .map_err(|error| Failure::new("cannot read", &error))
}

struct Run {
    writer: Writer,
    payload: Payload,
    records: u64,
    partition: Option<i32>,
    /// Records written so far, the warm-up too.
    written: Cell<u64>,
}

impl Run {
    async fn until_acknowledged(&self, rate: Option<u64>) -> Result<Meter, Failure> {
        for _ in 0..WARM_UP {
            self.write().await?;
        }
        let mut progress = Progress::new("records acknowledged", Some(self.records));
        let mut meter = Meter::start()?;
        if let Some(rate) = rate {
            let schedule = Schedule::new(meter.started(), rate);
            meter.add(self.send_all(schedule, true).await?);
            return Ok(meter);
        }
        for number in 0..self.records {
            let begun = Instant::now();
            self.write().await?;
            meter.latencies().note(begun.elapsed());
            progress.tell(number);
        }
        Ok(meter)
    }

    async fn until_received(
        &self,
        reader: &mut Reader,
        rate: Option<u64>,
    ) -> Result<Meter, Failure> {
        for _ in 0..WARM_UP {
            tokio::try_join!(self.write(), receive(reader))?;
        }
        let mut progress = Progress::new("records received", Some(self.records));
        let mut meter = Meter::start()?;
        if let Some(rate) = rate {
            let schedule = Schedule::new(meter.started(), rate);
            let receive_all = async {
                let mut timings = Timings::default();
                for number in 0..self.records {
                    receive(reader).await?;
                    timings.note(schedule.due(number).elapsed());
                    progress.tell(number);
                }
                Ok(timings)
            };
            let (_, timings) = tokio::try_join!(self.send_all(schedule, false), receive_all)?;
            meter.add(timings);
            return Ok(meter);
        }
        for number in 0..self.records {
            let begun = Instant::now();
            let received = async {
                receive(reader).await?;
                Ok(begun.elapsed())
            };
            let ((), latency) = tokio::try_join!(self.write(), received)?;
            meter.latencies().note(latency);
            progress.tell(number);
        }
        Ok(meter)
    }

    /// One record, acknowledged.
    async fn write(&self) -> Result<(), Failure> {
        let written = self.writer.write(&[self.record()]).await;
        written.map_err(|error| Failure::new("a record was not written", &error))
    }

    /// Sends each record at its time, whatever became of those before; what each took to be acknowledged.
    async fn send_all(&self, schedule: Schedule, is_timed: bool) -> Result<Timings, Failure> {
        let alarm = Alarm::new()?;
        let mut waiting: VecDeque<(Handle, Instant, Instant)> = VecDeque::new();
        let mut timings = Timings::default();
        let mut number = 0;
        while number < self.records || !waiting.is_empty() {
            let due = schedule.due(number);
            tokio::select! {
                biased;
                outcome = first(&mut waiting), if !waiting.is_empty() => {
                    outcome?;
                    if let Some((_, due, called)) = waiting.pop_front() && is_timed {
                        timings.note(due.elapsed());
                        timings.note_call(called.elapsed());
                    }
                }
                waited = alarm.wait_until(due), if number < self.records => {
                    waited?;
                    let called = Instant::now();
                    let sent = self.writer.send(self.record()).await;
                    let handle = sent.map_err(|error| Failure::new("a record was not accepted", &error))?;
                    waiting.push_back((handle, due, called));
                    number += 1;
                }
            }
        }
        Ok(timings)
    }

    fn record(&self) -> Record<'_> {
        let number = self.written.get();
        self.written.set(number.wrapping_add(1));
        Record {
            partition: self.partition,
            ..Record::new(
                self.payload
                    .value(usize::try_from(number).unwrap_or_default()),
            )
        }
    }
}

/// The outcome of the first; there must be one. Dropping the future loses nothing.
async fn first(waiting: &mut VecDeque<(Handle, Instant, Instant)>) -> Result<(), Failure> {
    let Some((handle, ..)) = waiting.front_mut() else {
        return Ok(());
    };
    let outcome = handle.await;
    outcome
        .map(drop)
        .map_err(|error| Failure::new("a record was not written", &error))
}

async fn receive(reader: &mut Reader) -> Result<(), Failure> {
    let received = reader.fetch_message().await;
    received
        .map(drop)
        .map_err(|error| Failure::new("a record was not received", &error))
}
