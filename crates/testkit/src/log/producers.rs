//! What a partition remembers of each idempotent producer, and the checks made with it (KIP-98, KIP-360).

use std::collections::{BTreeMap, VecDeque};

use ekafka_protocol::ErrorCode;

use super::batch::Batch;

/// Batches remembered per producer: the answer to a resend is found among them.
const REMEMBERED: usize = 5;

/// The producers that have written to one partition, by producer id.
#[derive(Debug, Default)]
pub(crate) struct Producers {
    by_id: BTreeMap<i64, ProducerState>,
}

#[derive(Debug)]
struct ProducerState {
    epoch: i16,
    /// The newest batches of this epoch, oldest first.
    recent: VecDeque<Appended>,
}

#[derive(Debug, Clone, Copy)]
struct Appended {
    base_sequence: i32,
    last_sequence: i32,
    base_offset: i64,
    timestamp: i64,
}

/// What to do with a batch whose sequence has been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Store it.
    Append,
    /// It is here already, at this offset and with this append time.
    Duplicate { base_offset: i64, timestamp: i64 },
    /// Refuse it.
    Refuse(ErrorCode),
}

impl Producers {
    /// Judges one batch by its producer id, epoch and sequence.
    pub(crate) fn check(&self, batch: &Batch) -> Verdict {
        if batch.producer_id < 0 {
            return Verdict::Append;
        }
        if batch.producer_epoch < 0 || batch.base_sequence < 0 {
            return Verdict::Refuse(ErrorCode::INVALID_RECORD);
        }
        let Some(state) = self.by_id.get(&batch.producer_id) else {
            // A producer whose state is gone (records deleted, restart) is let in at any sequence, as Kafka does.
            return Verdict::Append;
        };
        if batch.producer_epoch < state.epoch {
            return Verdict::Refuse(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        if batch.producer_epoch > state.epoch {
            return match batch.base_sequence {
                0 => Verdict::Append,
                _ => Verdict::Refuse(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER),
            };
        }
        let same = |seen: &&Appended| {
            seen.base_sequence == batch.base_sequence && seen.last_sequence == batch.last_sequence()
        };
        if let Some(seen) = state.recent.iter().find(same) {
            return Verdict::Duplicate {
                base_offset: seen.base_offset,
                timestamp: seen.timestamp,
            };
        }
        match state.recent.back() {
            Some(last) if batch.base_sequence == next_sequence(last.last_sequence) => {
                Verdict::Append
            }
            Some(_) => Verdict::Refuse(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER),
            None => Verdict::Append,
        }
    }

    /// Remembers a batch that has been stored.
    pub(crate) fn remember(&mut self, batch: &Batch, base_offset: i64, timestamp: i64) {
        if batch.producer_id < 0 || batch.is_control() {
            return;
        }
        let state = self
            .by_id
            .entry(batch.producer_id)
            .or_insert_with(|| ProducerState {
                epoch: batch.producer_epoch,
                recent: VecDeque::new(),
            });
        if state.epoch != batch.producer_epoch {
            state.epoch = batch.producer_epoch;
            state.recent.clear();
        }
        if state.recent.len() == REMEMBERED {
            state.recent.pop_front();
        }
        let last_sequence = batch.last_sequence();
        state.recent.push_back(Appended {
            base_sequence: batch.base_sequence,
            last_sequence,
            base_offset,
            timestamp,
        });
    }

    /// Raises the epoch of a producer that wrote a transaction's end: what the older incarnation still sends is refused.
    pub(crate) fn fence(&mut self, producer_id: i64, epoch: i16) {
        if let Some(state) = self.by_id.get_mut(&producer_id)
            && epoch > state.epoch
        {
            state.epoch = epoch;
            state.recent.clear();
        }
    }

    /// Forgets everything, as a broker does that lost its producer state.
    pub(crate) fn forget(&mut self) {
        self.by_id.clear();
    }
}

/// Sequences wrap from `i32::MAX` to 0.
fn next_sequence(last: i32) -> i32 {
    last.checked_add(1).unwrap_or(0)
}
