//! Chunks to batches of records: skips control batches, aborted transactions, and what lies before the
//! offset asked for. Decompresses one batch at a time, when it is wanted.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use ekafka_protocol::DecodeError;
use ekafka_protocol::compression::Codec;
use ekafka_protocol::records::{
    Batch, BatchIter, ControlKind, ControlRecord, DecodeLimits, Records,
};

use super::extent::end_and_next;
use crate::inbox::{Chunk, Permit, Unpacked};
use crate::lane::Lane;

#[cfg(test)]
mod tests;

/// Reads the batches of one chunk.
#[derive(Debug)]
pub(crate) struct ChunkReader {
    pub(crate) lane: Arc<Lane>,
    batches: BatchIter,
    /// All bytes of the chunk.
    bytes: Bytes,
    /// Where in them the batch begins that was taken last.
    at: usize,
    limits: DecodeLimits,
    /// Records below it were not asked for, or have been handed out.
    from: i64,
    /// One behind the last batch read, skipped or not.
    reached: i64,
    aborted: Aborted,
    /// Frees the bytes of the chunk when the reader goes.
    permit: Permit,
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
    /// Frees what the batch was unpacked to; `None` when it was not compressed.
    pub(crate) unpacked: Option<Unpacked>,
}

impl ChunkReader {
    pub(crate) fn new(chunk: Chunk, limits: DecodeLimits) -> Self {
        // What a lane before this one still handed out after it was frozen is not handed out again.
        let handed_out = chunk.lane.position().unwrap_or(chunk.offset);
        let from = chunk.offset.max(handed_out);
        Self {
            lane: chunk.lane,
            batches: BatchIter::new(chunk.records.clone(), &limits),
            bytes: chunk.records,
            at: 0,
            limits,
            from,
            reached: from,
            aborted: Aborted::new(chunk.aborted),
            permit: chunk.permit,
        }
    }

    /// The next batch to hand out; `None` at the end, when `reached` is the next offset.
    pub(crate) fn next(&mut self) -> Result<Option<OpenBatch>, DecodeError> {
        loop {
            self.at = self.bytes.len() - self.batches.remainder();
            let Some(batch) = self.batches.next().transpose()? else {
                return Ok(None);
            };
            let end = batch.last_offset().saturating_add(1);
            let epoch = batch.leader_epoch();
            // Markers count wherever they lie: the broker's list begins at the offset that was asked for.
            let is_hidden = self.is_hidden(&batch)?;
            if end > self.from && !is_hidden {
                let records = batch.records(&self.limits)?;
                self.lane.note_read_epoch(epoch);
                self.reached = self.reached.max(end);
                let bytes = records.bytes().len() as u64;
                let is_packed = batch.codec() != Codec::None;
                return Ok(Some(OpenBatch {
                    unpacked: is_packed.then(|| self.permit.inbox().unpack(bytes)),
                    records,
                    from: self.from,
                    end,
                    leader_epoch: epoch,
                }));
            }
            if end > self.from {
                // The position comes to lie behind it, in its epoch.
                self.lane.note_read_epoch(epoch);
            }
            self.reached = self.reached.max(end);
        }
    }

    /// The offset behind the batch that was taken last, by the header of the next or its own; `None` when
    /// neither is above `offset`.
    pub(crate) fn end_of_batch(&self, offset: i64) -> Option<i64> {
        let bytes = self.bytes.get(self.at..)?;
        let (end, next) = end_and_next(bytes);
        let behind = |offset: i64| move |end: &i64| *end > offset;
        let next = next.filter(behind(offset));
        next.or_else(|| end.filter(behind(offset)))
    }

    /// One behind the last batch that was read or skipped.
    pub(crate) fn reached(&self) -> i64 {
        self.reached
    }

    fn is_hidden(&mut self, batch: &Batch) -> Result<bool, DecodeError> {
        if batch.is_control() {
            let producer = batch.producer_id();
            // The chunk may begin with the marker: its transaction must not be taken for the producer's next.
            if self.aborted.covers(producer, batch.last_offset()) && is_abort(batch, &self.limits)?
            {
                self.aborted.ends(producer);
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
