//! What goes into the next request to a broker.

use std::sync::Arc;

use bytes::Bytes;
use ekafka_conn::BrokerId;
use tokio::time::Instant;

use super::{Cargo, Core, Departure, Leaders, Sent, is_replaced};
use crate::accumulator::Taken;
use crate::sender::in_flight::{Next, Place};
use crate::stats::Attempt;

impl Core {
    /// Fills a request with the lanes whose turn it is.
    pub(super) fn compose(
        &mut self,
        broker: BrokerId,
        leaders: &impl Leaders,
        now: Instant,
    ) -> Option<Departure> {
        let request = self.next_id();
        let mut batches = self.spare_batches.pop().unwrap_or_default();
        let mut cargo = std::mem::take(&mut self.spare_cargo);
        // The first batch goes whatever its size.
        let mut left = usize::MAX;
        for _ in 0..self.plan.waiting(broker) {
            let Some(number) = self.plan.take_turn(broker) else {
                break;
            };
            if self.moved(number, broker, leaders) {
                self.unlist(number);
                self.list(number);
                continue;
            }
            match self.load(number, broker, left, now) {
                Load::Batch { id, bytes } => {
                    let space = if cargo.is_empty() {
                        self.rules.max_request
                    } else {
                        left
                    };
                    left = space.saturating_sub(bytes.len());
                    batches.push(Some((number, id)));
                    if let Some(lane) = &self.lanes[number] {
                        let partition = Arc::clone(&lane.partition);
                        cargo.push(Cargo { partition, bytes });
                    }
                    self.plan.requeue(broker, number);
                }
                Load::NoSpace => {
                    self.plan.keep_turn(broker, number);
                    break;
                }
                Load::NoIdentity => self.await_identity(number),
                Load::Nothing => self.unlist(number),
            }
        }
        if cargo.is_empty() {
            self.spare_batches.push(batches);
            self.spare_cargo = cargo;
            return None;
        }
        self.plan.handle_sent(broker);
        let at = now;
        let sent = Sent {
            broker,
            at,
            batches,
        };
        self.requests.insert(request, sent);
        Some(Departure {
            request,
            batches: cargo,
        })
    }

    pub(super) fn moved(&self, number: usize, broker: BrokerId, leaders: &impl Leaders) -> bool {
        let Some(lane) = &self.lanes[number] else {
            return true;
        };
        let leader = leaders.leader(&lane.partition.at).map(|(leader, _)| leader);
        leader != Some(broker) || is_replaced(&lane.partition, leaders)
    }

    /// Puts a lane's next batch on the wire to `broker`, if it has one of at most `space` bytes.
    pub(super) fn load(
        &mut self,
        number: usize,
        broker: BrokerId,
        space: usize,
        now: Instant,
    ) -> Load {
        let armed = self.lanes[number].as_ref().and_then(|lane| lane.armed);
        if armed.is_some_and(|armed| armed <= now) {
            // The timer comes a moment later, but what has expired is not sent any more.
            self.expire(number, now);
        }
        loop {
            let Some(lane) = &mut self.lanes[number] else {
                return Load::Nothing;
            };
            let depth = self.producer.depth(&lane.sequence, self.rules.depth);
            let depth = if self.rules.idempotent || self.rules.acks == 0 {
                depth
            } else {
                1
            };
            match lane.next(broker, depth, now) {
                Next::Resend => return self.board(number, 0, broker, space, now),
                Next::Board(index) => {
                    if !self.producer.is_ready(&lane.sequence) {
                        return self.hold(number, now);
                    }
                    self.note_sealable(number);
                    return self.board(number, index, broker, space, now);
                }
                Next::Wait(until) => {
                    if let Some(until) = until {
                        self.arm(number, until);
                    }
                    return Load::Nothing;
                }
                Next::Take => {}
            }
            if !self.producer.is_ready(&lane.sequence) {
                return self.hold(number, now);
            }
            let patience = self.shelf.patience();
            let contended = self.shelf.budget.is_contended();
            let taken = lane.partition.queue().take(space, patience, contended, now);
            match taken {
                Taken::TooBig => return Load::NoSpace,
                Taken::Nothing(wake) => {
                    if let Some(wake) = wake {
                        self.arm(number, wake);
                    }
                    self.arm_for_expiry(number, now);
                    return Load::Nothing;
                }
                Taken::Batch(batch) => self.admit(number, batch, now),
            }
        }
    }

    pub(super) fn board(
        &mut self,
        number: usize,
        index: usize,
        broker: BrokerId,
        space: usize,
        now: Instant,
    ) -> Load {
        let Some(lane) = &mut self.lanes[number] else {
            return Load::Nothing;
        };
        let Some(flight) = lane.flights.get_mut(index) else {
            return Load::Nothing;
        };
        if flight.sealed.len() > space {
            return Load::NoSpace;
        }
        let count = flight.count();
        let (producer, sequence) = (&self.producer, &mut lane.sequence);
        let Some(bytes) = flight.bytes(|| producer.stamp(sequence, count)) else {
            return self.hold(number, now);
        };
        flight.place = Place::OnWire(broker);
        flight.attempts += 1;
        lane.obstacle = None;
        let opened = flight.expires.checked_sub(self.rules.delivery_timeout);
        let age = now.saturating_duration_since(opened.unwrap_or(now));
        self.shelf.outside.counters.note_attempt(&Attempt {
            records: count as usize,
            bytes: flight.sealed.uncompressed_len(),
            sent_bytes: bytes.len(),
            age: (flight.attempts == 1).then_some(age),
        });
        if let Some(resolver) = &mut flight.resolver {
            resolver.set_on_wire(true);
        }
        let id = flight.id;
        self.arm_for_expiry(number, now);
        Load::Batch { id, bytes }
    }

    /// Nothing can be stamped: an identity is missing, or the lane's next epoch, with which it comes back by itself.
    fn hold(&mut self, number: usize, now: Instant) -> Load {
        self.arm_for_expiry(number, now);
        let in_doubt = self.lanes[number]
            .as_ref()
            .is_some_and(|lane| lane.sequence.is_in_doubt());
        if in_doubt {
            Load::Nothing
        } else {
            Load::NoIdentity
        }
    }
}

/// What a lane had for a request.
pub(super) enum Load {
    Batch {
        id: u64,
        bytes: Bytes,
    },
    /// Its next batch does not fit any more.
    NoSpace,
    /// Its next batch needs a producer identity.
    NoIdentity,
    Nothing,
}
