//! Batches that get no more tries: too late, refused for good, or the writer has come to its end.

use std::sync::Arc;

use tokio::time::Instant;

use super::Core;
use crate::accumulator::{OpenBatch, Partition, Shelf};
use crate::error::{Cause, TopicPartition, Undelivered, WriterError};

impl Core {
    /// The writer has failed for good: everything is told so, and all that comes later.
    pub(crate) fn fail(&mut self, cause: Cause) {
        self.shelf.fail(cause.clone());
        tracing::warn!(%cause, "the writer has failed");
        if let Some(story) = &self.shelf.outside.story {
            story.tell_fault(format!("the writer has failed: {cause}"));
        }
        let fatal = cause.clone();
        self.end(|at, maybe_written| WriterError::Fatal {
            at,
            cause: fatal.clone(),
            maybe_written,
        });
        self.failed = Some(cause);
    }

    /// Ends everything that has no outcome; says how much that was.
    pub(crate) fn abandon(&mut self) -> Undelivered {
        self.shelf.shut();
        let abandoned = self.end(|at, maybe_written| {
            let cause = Cause::Closed;
            if maybe_written {
                WriterError::MaybeWritten { at, cause }
            } else {
                WriterError::NotWritten { at, cause }
            }
        });
        self.failed = Some(Cause::Closed);
        abandoned
    }

    /// Gives up the batches of a lane that have waited for longer than the delivery timeout.
    pub(super) fn expire(&mut self, number: usize, now: Instant) {
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let expired = lane.flights.iter().filter(|flight| flight.expires <= now);
        let expired: Vec<_> = expired
            .map(|flight| (flight.id, flight.cause.clone()))
            .collect();
        for (id, cause) in expired {
            self.fail_for(number, id, cause.unwrap_or(Cause::Expired));
        }
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let limit = now.checked_sub(self.rules.delivery_timeout);
        let cause = lane.obstacle.clone().unwrap_or(Cause::Expired);
        while let Some(limit) = limit {
            let Some(batch) = take(&lane.partition, Some(limit)) else {
                break;
            };
            refuse(&self.shelf, &lane.partition, batch, cause.clone());
        }
        self.renew();
    }

    /// Gives up everything a lane has that is not on the wire.
    pub(super) fn give_up_lane(&mut self, number: usize, cause: &Cause) {
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let waiting = lane.flights.iter().filter(|flight| !flight.is_on_wire());
        let waiting: Vec<_> = waiting.map(|flight| flight.id).collect();
        for id in waiting {
            self.fail_for(number, id, cause.clone());
        }
        let Some(lane) = &self.lanes[number] else {
            return;
        };
        while let Some(batch) = take(&lane.partition, None) {
            refuse(&self.shelf, &lane.partition, batch, cause.clone());
        }
        self.renew();
    }

    /// Resolves what came into a queue after the writer had failed.
    pub(super) fn abandon_queue(&mut self, number: usize) {
        let Some(lane) = &self.lanes[number] else {
            return;
        };
        let cause = self.failed.clone().unwrap_or(Cause::Closed);
        while let Some(batch) = take(&lane.partition, None) {
            refuse(&self.shelf, &lane.partition, batch, cause.clone());
        }
    }

    /// Ends a batch with the error its history calls for. On the wire it only loses its records: what the broker will say
    /// still decides about the sequence. While it is being compressed it does too, and goes when that is done.
    pub(super) fn fail_for(&mut self, number: usize, id: u64, cause: Cause) {
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let Some(flight) = lane
            .position(id)
            .and_then(|index| lane.flights.get_mut(index))
        else {
            return;
        };
        let error = flight.failure(cause);
        if !flight.is_waiting() {
            if let Some(error) = error {
                let count = flight.count() as usize;
                self.shelf
                    .outside
                    .note_failed(&lane.partition, count, &error);
                flight.resolve_early(error);
            }
            return;
        }
        self.remove(number, id, error);
    }

    pub(super) fn remove(&mut self, number: usize, id: u64, error: Option<WriterError>) {
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        let Some(flight) = lane
            .position(id)
            .and_then(|index| lane.flights.remove(index))
        else {
            return;
        };
        let (count, reusable) = (flight.count(), !flight.ambiguous);
        if let Some((stamp, _)) = &flight.stamped {
            lane.sequence.handle_unused(*stamp, count, reusable);
        }
        lane.partition.queue().handle_resolved();
        if let Some(error) = error {
            self.shelf
                .outside
                .note_failed(&lane.partition, count as usize, &error);
            flight.resolve(Err(error), &self.shelf.pool);
        }
        self.note_doubt(number);
        self.list(number);
    }

    pub(super) fn end(
        &mut self,
        error: impl Fn(TopicPartition, bool) -> WriterError,
    ) -> Undelivered {
        let mut abandoned = Undelivered::default();
        for lane in self.lanes.iter_mut().flatten() {
            for flight in &mut lane.flights {
                let maybe_written = flight.ambiguous || flight.is_on_wire();
                let Some(resolver) = &flight.resolver else {
                    continue;
                };
                let count = flight.sealed.count();
                abandoned.add(resolver.at(), count, maybe_written);
                let error = error(resolver.at().clone(), maybe_written);
                self.shelf
                    .outside
                    .note_failed(&lane.partition, count, &error);
                flight.resolve_early(error);
            }
            lane.flights.retain(|flight| !flight.is_waiting());
            end_queue(&self.shelf, &lane.partition, &error, &mut abandoned);
        }
        let shelf = Arc::clone(&self.shelf);
        shelf.each_topic(|topic| {
            for partition in &topic.partitions().list {
                end_queue(&shelf, partition, &error, &mut abandoned);
            }
        });
        abandoned
    }
}

/// Resolves a batch that was never sent.
fn refuse(shelf: &Shelf, partition: &Partition, batch: OpenBatch, cause: Cause) {
    let at = partition.at.clone();
    let error = WriterError::NotWritten { at, cause };
    shelf.outside.refuse(partition, batch, error);
}

/// Takes the oldest batch of a queue. The lock is free again when this returns: what follows wakes waiting callers.
fn take(partition: &Partition, limit: Option<Instant>) -> Option<OpenBatch> {
    partition.queue().take_opened_until(limit)
}

/// Resolves what waits in a queue, and counts it.
fn end_queue(
    shelf: &Shelf,
    partition: &Partition,
    error: impl Fn(TopicPartition, bool) -> WriterError,
    abandoned: &mut Undelivered,
) {
    while let Some(batch) = take(partition, None) {
        abandoned.add(&partition.at, batch.count(), false);
        let error = error(partition.at.clone(), false);
        shelf.outside.refuse(partition, batch, error);
    }
}
