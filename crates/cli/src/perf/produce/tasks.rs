//! The loops that write: by slices, by handles as fast as may be, by handles each at its time.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::Instant;

use ekafka::{Delivery, WriteErrors, WriterError};

use super::Work;
use crate::failure::Failure;
use crate::perf::latencies::Timings;
use crate::perf::schedule::{Alarm, Schedule};

/// One of so many handles is timed: reading the clock twice costs more than a record.
const TIMED_HANDLE: usize = 64;

/// Handles that one task has alive at most: with more, the loop itself misses the cache more often than the writer.
const HANDLES: usize = 2 * 1024;

pub(super) async fn write_slices(work: &Work) -> Result<Timings, Failure> {
    let mut timings = Timings::default();
    let mut records = Vec::new();
    let alarm = work.schedule.map(|_| Alarm::new()).transpose()?;
    while let Some((first, count)) = work.take() {
        records.clear();
        records.extend((first..first + count).map(|number| work.record(number)));
        let mut due = None;
        if let (Some(schedule), Some(alarm)) = (&work.schedule, &alarm) {
            let at = schedule.due(first as u64);
            alarm.wait_until(at).await?;
            due = Some(at);
        }
        let begun = Instant::now();
        work.writer
            .write(&records)
            .await
            .map_err(|error| refused(&error))?;
        if due.is_some() {
            timings.note_call(begun.elapsed());
        }
        timings.note(due.unwrap_or(begun).elapsed());
        work.done.fetch_add(count as u64, Ordering::Relaxed);
    }
    Ok(timings)
}

pub(super) async fn send_each(work: &Work) -> Result<Timings, Failure> {
    let mut timings = Timings::default();
    let mut handles: VecDeque<Delivery> = VecDeque::with_capacity(HANDLES);
    // When the timed ones among them were sent.
    let mut begun: VecDeque<Instant> = VecDeque::new();
    let (mut sent, mut known, mut told) = (0_usize, 0_usize, 0_usize);
    while let Some((first, count)) = work.take() {
        for number in first..first + count {
            if sent.is_multiple_of(TIMED_HANDLE) {
                begun.push_back(Instant::now());
            }
            match work.writer.send(work.record(number)).await {
                Ok(handle) => handles.push_back(handle),
                Err(error) => return Err(lost(&error)),
            }
            sent += 1;
            if handles.len() == HANDLES
                && let Some(handle) = handles.pop_front()
            {
                // Not by `map_err`, here and above: moving a result as a whole costs more than awaiting a known outcome.
                if let Err(error) = handle.await {
                    return Err(lost(&error));
                }
                settle_timed(known, &mut begun, &mut timings);
                known += 1;
            }
        }
        let newly = known - std::mem::replace(&mut told, known);
        work.done.fetch_add(newly as u64, Ordering::Relaxed);
    }
    for handle in handles {
        handle.await.map_err(|error| lost(&error))?;
        settle_timed(known, &mut begun, &mut timings);
        known += 1;
    }
    work.done
        .fetch_add((known - told) as u64, Ordering::Relaxed);
    Ok(timings)
}

/// Notes how long a handle took if it is the next of those that are timed.
#[inline]
fn settle_timed(known: usize, begun: &mut VecDeque<Instant>, timings: &mut Timings) {
    if known.is_multiple_of(TIMED_HANDLE)
        && let Some(begun) = begun.pop_front()
    {
        timings.note(begun.elapsed());
    }
}

/// Each record at its time, and each outcome as soon as it is there.
pub(super) async fn send_on_time(work: &Work, schedule: Schedule) -> Result<Timings, Failure> {
    let alarm = Alarm::new()?;
    let mut waiting = Waiting::default();
    while let Some((number, _)) = work.take() {
        let due = schedule.due(number as u64);
        loop {
            tokio::select! {
                biased;
                waited = alarm.wait_until(due) => break waited?,
                outcome = waiting.first(), if !waiting.handles.is_empty() => waiting.settle(work, outcome)?,
            }
        }
        let called = Instant::now();
        let sent = work.writer.send(work.record(number)).await;
        let handle = sent.map_err(|error| lost(&error))?;
        waiting.handles.push_back(Handle {
            handle,
            due,
            called,
        });
        // When records come late there is no time to wait, but outcomes that are there count from now.
        while waiting.handles.len() > HANDLES || waiting.is_first_done() {
            let outcome = waiting.first().await;
            waiting.settle(work, outcome)?;
        }
    }
    while !waiting.handles.is_empty() {
        let outcome = waiting.first().await;
        waiting.settle(work, outcome)?;
    }
    Ok(waiting.timings)
}

/// Handles whose outcome is not known, in the order of the calls.
#[derive(Default)]
struct Waiting {
    handles: VecDeque<Handle>,
    timings: Timings,
}

struct Handle {
    handle: Delivery,
    due: Instant,
    called: Instant,
}

impl Waiting {
    /// The outcome of the first handle; there must be one. Dropping the future loses nothing.
    async fn first(&mut self) -> Result<(), WriterError> {
        match self.handles.front_mut() {
            Some(first) => (&mut first.handle).await.map(drop),
            None => Ok(()),
        }
    }

    fn is_first_done(&self) -> bool {
        self.handles
            .front()
            .is_some_and(|first| first.handle.is_done())
    }

    /// Takes the first handle away, whose outcome this is.
    fn settle(&mut self, work: &Work, outcome: Result<(), WriterError>) -> Result<(), Failure> {
        outcome.map_err(|error| lost(&error))?;
        if let Some(first) = self.handles.pop_front() {
            self.timings.note(first.due.elapsed());
            self.timings.note_call(first.called.elapsed());
            work.done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
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
