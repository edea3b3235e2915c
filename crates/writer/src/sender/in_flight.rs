//! What the sender has taken from one partition's queue, in order: on the wire, or waiting to be sent again. Pure.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use ekafka_conn::BrokerId;
use ekafka_protocol::records::SealedBatch;
use tokio::time::Instant;

use super::outcome::Stored;
use super::sequence::{Sequence, Stamp};
use crate::accumulator::{Partition, Permit, Pool};
use crate::completion::Freight;
use crate::error::{Cause, WriterError};
use crate::receipt::{Ack, Resolver};

#[cfg(test)]
mod tests;

/// One partition's way through the sender.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) partition: Arc<Partition>,
    /// Batches without an outcome, in the order of their records.
    pub(crate) flights: VecDeque<Flight>,
    /// Batches that have come into the lane, ever; halves count as two.
    admitted: u64,
    pub(crate) sequence: Sequence,
    /// Whether it stands in a list of lanes that may have something to send.
    pub(crate) listed: bool,
    /// Whether it stands in the list of lanes that wait for a producer identity.
    pub(crate) unidentified: bool,
    /// When the timer looks at it next.
    pub(crate) armed: Option<Instant>,
    /// What kept its batches from being sent, for those that expire before they are tried.
    pub(crate) obstacle: Option<Cause>,
}

/// A batch between the shelf and its outcome. Once sent it is frozen: same records, same bytes, until it is resolved.
#[derive(Debug)]
pub(crate) struct Flight {
    pub(crate) id: u64,
    pub(crate) sealed: SealedBatch,
    /// The identity it was last given and the bytes with it; kept through every retry.
    pub(crate) stamped: Option<(Stamp, Bytes)>,
    /// Absent when its records were given up while it is on the wire.
    pub(crate) resolver: Option<Resolver>,
    /// Rides along, and gives its room back when the batch is done.
    pub(crate) permit: Permit,
    /// When its records are given up.
    pub(crate) expires: Instant,
    /// How many batches came into its lane before it.
    pub(crate) ordinal: u64,
    /// Requests that carried it.
    pub(crate) attempts: u32,
    pub(crate) place: Place,
    /// Whether an earlier attempt may have been stored. Never cleared: no later refusal disproves it.
    pub(crate) ambiguous: bool,
    /// Why the last attempt failed.
    pub(crate) cause: Option<Cause>,
}

/// Where a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Its records are being compressed.
    Sealing,
    /// Ready to be sent for the first time.
    Sealed,
    OnWire(BrokerId),
    /// To be sent again.
    Waiting {
        until: Instant,
        /// The leader epoch that led it to the wrong broker: a newer one ends the wait.
        stale_epoch: Option<i32>,
    },
}

/// What a lane can send now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Its first batch, again.
    Resend,
    /// The batch at that index, for the first time.
    Board(usize),
    /// The next batch of its queue.
    Take,
    /// Nothing before an answer, or before that time.
    Wait(Option<Instant>),
}

impl Lane {
    pub(crate) fn new(partition: Arc<Partition>) -> Self {
        Self {
            partition,
            flights: VecDeque::new(),
            admitted: 0,
            sequence: Sequence::default(),
            listed: false,
            unidentified: false,
            armed: None,
            obstacle: None,
        }
    }

    /// What may go to `broker` without any chance that records change places: a batch that failed goes first and alone; a
    /// new one only follows batches that are all on their way to the same broker. At most `depth` batches lie between the
    /// oldest without an outcome and the newest on the wire, both counted: so many does a broker recognise when one of them
    /// comes again.
    pub(crate) fn next(&self, broker: BrokerId, depth: usize, now: Instant) -> Next {
        let Some(first) = self.flights.front() else {
            return Next::Take;
        };
        match first.place {
            Place::Waiting { until, .. } if until <= now => return Next::Resend,
            Place::Waiting { until, .. } => return Next::Wait(Some(until)),
            Place::OnWire(_) | Place::Sealing | Place::Sealed => {}
        }
        let is_under_way = |flight: &&Flight| flight.place == Place::OnWire(broker);
        let under_way = self.flights.iter().take_while(is_under_way).count();
        let has_depth = |ordinal: u64| ordinal - first.ordinal < depth as u64;
        match self.flights.get(under_way) {
            None if has_depth(self.admitted) => Next::Take,
            Some(next) if next.place == Place::Sealed && has_depth(next.ordinal) => {
                Next::Board(under_way)
            }
            _ => Next::Wait(None),
        }
    }

    /// Whether another batch may be sealed before those ahead of it have left: at most `ahead` of them, and none behind
    /// one that is to be sent again.
    pub(crate) fn may_seal(&self, ahead: usize) -> bool {
        let is_unsent = |flight: &&Flight| matches!(flight.place, Place::Sealing | Place::Sealed);
        let unsent = self.flights.iter().rev().take_while(is_unsent).count();
        let failed = |flight: &Flight| matches!(flight.place, Place::Waiting { .. });
        unsent < ahead && !self.flights.iter().any(failed)
    }

    /// The place in line of a batch that comes in now.
    pub(crate) fn admit(&mut self) -> u64 {
        self.admitted += 1;
        self.admitted - 1
    }

    /// One batch became two: what follows moves on by one.
    pub(crate) fn handle_split(&mut self, index: usize) {
        self.admitted += 1;
        for flight in self.flights.iter_mut().skip(index) {
            flight.ordinal += 1;
        }
    }

    pub(crate) fn position(&self, id: u64) -> Option<usize> {
        self.flights.iter().position(|flight| flight.id == id)
    }
}

impl Flight {
    pub(crate) fn count(&self) -> u32 {
        self.sealed.count() as u32
    }

    /// Whether nobody has it but its lane.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.place, Place::Waiting { .. } | Place::Sealed)
    }

    pub(crate) fn is_on_wire(&self) -> bool {
        matches!(self.place, Place::OnWire(_))
    }

    /// The bytes for the wire, stamped before or now; stamping computes the checksum.
    pub(crate) fn bytes(&mut self, stamp: impl FnOnce() -> Option<Stamp>) -> Option<Bytes> {
        if let Some((_, bytes)) = &self.stamped {
            return Some(bytes.clone());
        }
        let stamp = stamp()?;
        let bytes = self
            .sealed
            .stamp(stamp.producer_id, stamp.epoch, stamp.sequence);
        self.stamped = Some((stamp, bytes.clone()));
        Some(bytes)
    }

    /// Drops the stamp: the next attempt gets another. Only for batches known not to be stored.
    pub(crate) fn take_stamp(&mut self) -> Option<Stamp> {
        debug_assert!(!self.ambiguous, "what may be stored keeps its stamp");
        self.stamped.take().map(|(stamp, _)| stamp)
    }

    /// The attempt has ended, with or without an answer; what follows decides how long it waits.
    pub(crate) fn land(&mut self, stored: Stored) {
        self.ambiguous |= stored == Stored::Maybe;
        self.place = Place::Waiting {
            until: self.expires,
            stale_epoch: None,
        };
        if let Some(resolver) = &mut self.resolver {
            resolver.set_on_wire(self.ambiguous);
        }
    }

    /// Tells the outcome of a batch that is not on the wire any more, and gives its buffer back.
    pub(crate) fn resolve(mut self, result: Result<Ack, WriterError>, pool: &Pool) {
        let mut resolver = self.resolver.take();
        let teller = resolver.as_mut().and_then(Resolver::take_teller);
        if let (Some(resolver), Some(teller)) = (resolver.take_if(|_| teller.is_some()), teller) {
            let bytes = self.bytes(|| Some(Stamp::NONE));
            let freight = Freight {
                sealed: self.sealed,
                permit: self.permit,
            };
            teller.tell(resolver, result, bytes, Some(freight));
            return;
        }
        // The bytes handed to the connection are gone by now, so the buffer is ours alone again. Whoever is woken finds it.
        drop(self.stamped);
        if let Some(buffer) = self.sealed.recycle() {
            pool.put(buffer);
        }
        drop(self.permit);
        if let Some(resolver) = resolver {
            resolver.resolve(result);
        }
    }

    /// Tells the outcome of the records of a batch that stays on the wire.
    pub(crate) fn resolve_early(&mut self, error: WriterError) {
        let Some(mut resolver) = self.resolver.take() else {
            return;
        };
        match resolver.take_teller() {
            None => resolver.resolve(Err(error)),
            Some(teller) => {
                let bytes = self.bytes(|| Some(Stamp::NONE));
                teller.tell(resolver, Err(error), bytes, None);
            }
        }
    }

    /// The error for records that are given up for `cause`, classed by what is known of earlier attempts.
    pub(crate) fn failure(&self, cause: Cause) -> Option<WriterError> {
        let at = self.resolver.as_ref()?.at().clone();
        Some(if self.ambiguous || self.is_on_wire() {
            WriterError::MaybeWritten { at, cause }
        } else {
            WriterError::NotWritten { at, cause }
        })
    }
}
