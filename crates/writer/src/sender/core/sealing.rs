//! Batches that are being compressed. They keep their place in the lane while others work on their records, so that the
//! sender's state is free meanwhile, and get their outcome there whatever becomes of the work.

use std::sync::Arc;

use ekafka_protocol::EncodeError;
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::SealedBatch;
use tokio::time::Instant;

use super::Core;
use crate::accumulator::OpenBatch;
use crate::error::{Cause, WriterError};
use crate::sender::in_flight::{Flight, Place};

/// Records to be compressed, and where they belong.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) lane: usize,
    pub(crate) flight: u64,
    pub(crate) batch: SealedBatch,
}

impl Core {
    /// Puts a batch at the end of its lane. Where it is to be compressed it waits there for that.
    pub(super) fn admit(&mut self, number: usize, batch: OpenBatch, now: Instant) {
        let id = self.next_id();
        let compresses = self.compresses();
        let Some(lane) = &mut self.lanes[number] else {
            return;
        };
        match batch.seal() {
            Ok(closed) => {
                let age = now.saturating_duration_since(closed.opened);
                self.shelf.outside.counters.note_sealed(age);
                let ordinal = lane.admit();
                let place = if compresses {
                    self.jobs.push(Job {
                        lane: number,
                        flight: id,
                        batch: closed.sealed.share(),
                    });
                    Place::Sealing
                } else {
                    Place::Sealed
                };
                lane.flights.push_back(Flight {
                    id,
                    sealed: closed.sealed,
                    stamped: None,
                    resolver: Some(closed.resolver),
                    permit: closed.permit,
                    expires: closed.opened + self.rules.delivery_timeout,
                    ordinal,
                    attempts: 0,
                    place,
                    ambiguous: false,
                    cause: None,
                });
                self.arm_for_expiry(number, now);
            }
            Err((mut resolver, error)) => {
                lane.partition.queue().handle_resolved();
                let at = resolver.at().clone();
                let cause = Cause::Encode(Arc::new(error));
                let error = WriterError::NotWritten { at, cause };
                let count = resolver.count() as usize;
                let outside = &self.shelf.outside;
                outside.note_failed(&lane.partition, count, &error);
                match resolver.take_teller() {
                    Some(teller) => teller.tell(resolver, Err(error), None, None),
                    None => resolver.resolve(Err(error)),
                }
            }
        }
    }

    /// Swaps the jobs there are for an emptied list.
    pub(crate) fn swap_jobs(&mut self, jobs: &mut Vec<Job>) {
        std::mem::swap(&mut self.jobs, jobs);
    }

    /// The lane may have full batches to be compressed ahead.
    pub(super) fn note_sealable(&mut self, number: usize) {
        if self.compresses() {
            self.to_seal.push(number);
        }
    }

    /// Has full batches compressed before it is their turn to be sent, so that a request need not wait for that.
    pub(super) fn seal_ahead(&mut self, now: Instant) {
        while let Some(number) = self.to_seal.pop() {
            while let Some(lane) = &mut self.lanes[number] {
                if !lane.may_seal(self.rules.depth) {
                    break;
                }
                // The lock is free again before the batch is looked at.
                let full = lane.partition.queue().take_closed();
                let Some(batch) = full else { break };
                self.admit(number, batch, now);
            }
        }
    }

    /// The end of a job.
    pub(crate) fn handle_sealed(
        &mut self,
        number: usize,
        id: u64,
        result: Result<SealedBatch, EncodeError>,
    ) {
        // After a bug made the state anew, jobs of the old one still come in.
        let Some(lane) = self.lanes.get_mut(number).and_then(Option::as_mut) else {
            return;
        };
        let Some(index) = lane.position(id) else {
            return;
        };
        let flight = &mut lane.flights[index];
        flight.place = Place::Sealed;
        match result {
            Ok(batch) => {
                let raw = std::mem::replace(&mut flight.sealed, batch);
                self.shelf.pool.put(flight.sealed.take_spare());
                if let Some(buffer) = raw.recycle() {
                    self.shelf.pool.put(buffer);
                }
                if flight.resolver.is_none() {
                    // Given up meanwhile, before it had a number.
                    lane.flights.remove(index);
                    lane.partition.queue().handle_resolved();
                }
            }
            Err(error) => {
                flight.stamped = None;
                self.fail_for(number, id, Cause::Encode(Arc::new(error)));
            }
        }
        self.note_sealable(number);
        self.list(number);
    }

    fn compresses(&self) -> bool {
        self.rules.compression != Compression::NONE
    }
}
