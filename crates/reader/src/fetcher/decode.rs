//! Chunks to batches of records: skips control batches, aborted transactions, and what lies before the
//! offset asked for. Decompresses one batch at a time, when it is wanted.

use std::collections::HashSet;
use std::sync::Arc;

use ekafka_protocol::DecodeError;
use ekafka_protocol::records::{
    Batch, BatchIter, ControlKind, ControlRecord, DecodeLimits, Records,
};

use crate::inbox::{Chunk, Permit};
use crate::lane::Lane;

#[cfg(test)]
mod tests;

/// Reads the batches of one chunk.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    pub(crate) lane: Arc<Lane>,
    batches: BatchIter,
    limits: DecodeLimits,
    /// Records below it were not asked for.
    from: i64,
    /// One behind the last batch read, skipped or not.
    reached: i64,
    aborted: Aborted,
    /// Frees the bytes of the chunk when the reader goes.
    _permit: Permit,
}

/// A batch whose records may be handed out.
#[derive(Debug)]
pub(crate) struct OpenBatch {
    pub(crate) records: Records,
    /// Records below it were not asked for.
    pub(crate) from: i64,
    /// The offset behind the batch.
    pub(crate) end: i64,
    pub(crate) leader_epoch: i32,
}

impl ChunkReader {
    pub(crate) fn new(chunk: Chunk, limits: DecodeLimits) -> Self {
        Self {
            lane: chunk.lane,
            batches: BatchIter::new(chunk.records, &limits),
            limits,
            from: chunk.offset,
            reached: chunk.offset,
            aborted: Aborted::new(chunk.aborted),
            _permit: chunk.permit,
        }
    }

    /// The next batch to hand out; `None` at the end, when `reached` is the next offset.
    pub(crate) fn next(&mut self) -> Result<Option<OpenBatch>, DecodeError> {
        while let Some(batch) = self.batches.next().transpose()? {
            let end = batch.last_offset().saturating_add(1);
            let is_wanted = end > self.from && !self.is_hidden(&batch)?;
            if is_wanted {
                let records = batch.records(&self.limits)?;
                self.lane.note_read_epoch(batch.leader_epoch());
                self.reached = self.reached.max(end);
                return Ok(Some(OpenBatch {
                    records,
                    from: self.from,
                    end,
                    leader_epoch: batch.leader_epoch(),
                }));
            }
            self.reached = self.reached.max(end);
        }
        Ok(None)
    }

    /// One behind the last batch that was read or skipped.
    pub(crate) fn reached(&self) -> i64 {
        self.reached
    }

    fn is_hidden(&mut self, batch: &Batch) -> Result<bool, DecodeError> {
        if batch.is_control() {
            if self.aborted.concerns(batch.producer_id()) && is_abort(batch, &self.limits)? {
                self.aborted.ends(batch.producer_id());
            }
            return Ok(true);
        }
        Ok(batch.is_transactional()
            && self
                .aborted
                .covers(batch.producer_id(), batch.last_offset()))
    }
}

/// Whether a control batch ends its transaction by aborting it.
fn is_abort(batch: &Batch, limits: &DecodeLimits) -> Result<bool, DecodeError> {
    let records = batch.records(limits)?;
    let Some(record) = records.iter().next().transpose()? else {
        return Ok(false);
    };
    Ok(ControlRecord::parse(&record)?.kind == ControlKind::Abort)
}

/// The aborted transactions of a chunk (KIP-98). The broker lists each with its first offset; it ends
/// at the abort marker of its producer.
#[derive(Debug, Default)]
struct Aborted {
    /// (first offset, producer id), latest first; those not yet reached.
    ahead: Vec<(i64, i64)>,
    /// Producers whose aborted transaction has begun.
    open: HashSet<i64>,
}

impl Aborted {
    fn new(transactions: Vec<(i64, i64)>) -> Self {
        let turned = transactions
            .into_iter()
            .map(|(producer, first)| (first, producer));
        let mut ahead: Vec<(i64, i64)> = turned.collect();
        ahead.sort_unstable_by(|one, other| other.cmp(one));
        let open = HashSet::new();
        Self { ahead, open }
    }

    /// Whether the producer has an aborted transaction at all.
    fn concerns(&self, producer: i64) -> bool {
        self.open.contains(&producer) || self.ahead.iter().any(|(_, id)| *id == producer)
    }

    /// Whether a batch of the producer that ends at `last_offset` belongs to an aborted transaction.
    fn covers(&mut self, producer: i64, last_offset: i64) -> bool {
        while let Some((_, id)) = self.ahead.pop_if(|(first, _)| *first <= last_offset) {
            self.open.insert(id);
        }
        self.open.contains(&producer)
    }

    fn ends(&mut self, producer: i64) {
        self.open.remove(&producer);
    }
}
