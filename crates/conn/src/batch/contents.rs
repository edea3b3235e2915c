//! Walking the records of a fetched partition: old ones skipped, control records and aborted
//! transactions left out (KIP-98).

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use ekafka_protocol::DecodeError;
use ekafka_protocol::messages::AbortedTransaction;
use ekafka_protocol::records::{
    self, BatchIter, ControlKind, ControlRecord, DecodeLimits, RecordSpans,
};

use crate::message::{Message, MessageBatch};

/// What is left of a fetch.
pub(super) struct Contents {
    topic: Arc<str>,
    partition: i32,
    high_water_mark: i64,
    limits: DecodeLimits,
    batches: BatchIter,
    open: Option<OpenBatch>,
    /// Nothing below is given out; behind the last batch that is done with.
    offset: i64,
    aborted: Aborted,
}

/// A record batch being read.
struct OpenBatch {
    shared: Arc<MessageBatch>,
    spans: RecordSpans,
    last_offset: i64,
}

impl Contents {
    pub(super) fn new(
        topic: &str,
        partition: i32,
        high_water_mark: i64,
        offset: i64,
        records: Bytes,
        aborted: Vec<AbortedTransaction>,
    ) -> Self {
        let limits = DecodeLimits::default();
        Self {
            topic: topic.into(),
            partition,
            high_water_mark,
            limits,
            batches: BatchIter::new(records, &limits),
            open: None,
            offset,
            aborted: Aborted::new(aborted),
        }
    }

    /// The offset behind everything read or skipped.
    pub(super) fn offset(&self) -> i64 {
        self.offset
    }

    pub(super) fn next_message(&mut self) -> Result<Option<Message>, DecodeError> {
        loop {
            if let Some(open) = &mut self.open {
                for span in open.spans.by_ref() {
                    let span = span?;
                    if span.offset >= self.offset {
                        self.offset = span.offset.saturating_add(1);
                        return Ok(Some(Message::new(Arc::clone(&open.shared), span)));
                    }
                }
                // Compaction may have taken the last records.
                self.offset = self.offset.max(open.last_offset.saturating_add(1));
                self.open = None;
            }
            match self.batches.next() {
                None => return Ok(None),
                Some(batch) => self.open_batch(&batch?)?,
            }
        }
    }

    /// Opens a batch, unless it holds nothing for the caller.
    fn open_batch(&mut self, batch: &records::Batch) -> Result<(), DecodeError> {
        let last_offset = batch.last_offset();
        if last_offset < self.offset {
            return Ok(());
        }
        if !self.aborted.shows(batch, &self.limits)? {
            self.offset = last_offset.saturating_add(1);
            return Ok(());
        }
        let spans = batch.records(&self.limits)?.into_spans()?;
        let shared = MessageBatch {
            topic: Arc::clone(&self.topic),
            partition: self.partition,
            high_water_mark: self.high_water_mark,
            leader_epoch: batch.leader_epoch(),
            timestamp_type: spans.timestamp_type(),
            bytes: spans.bytes().clone(),
            origin: None,
        };
        self.open = Some(OpenBatch {
            shared: Arc::new(shared),
            spans,
            last_offset,
        });
        Ok(())
    }
}

/// Which producers' transactions are being left out.
struct Aborted {
    /// Not begun yet, the last one first.
    coming: Vec<AbortedTransaction>,
    /// Producers whose transaction has begun and not met its end.
    producers: Vec<i64>,
}

impl Aborted {
    fn new(mut coming: Vec<AbortedTransaction>) -> Self {
        coming.sort_by_key(|transaction| std::cmp::Reverse(transaction.first_offset));
        Self {
            coming,
            producers: Vec::new(),
        }
    }

    /// Whether the caller may see the batch. To be asked about every batch, in order.
    fn shows(
        &mut self,
        batch: &records::Batch,
        limits: &DecodeLimits,
    ) -> Result<bool, DecodeError> {
        while let Some(begun) = self
            .coming
            .pop_if(|transaction| transaction.first_offset <= batch.last_offset())
        {
            self.producers.push(begun.producer_id);
        }
        if batch.is_control() {
            self.end_transaction(batch, limits)?;
            return Ok(false);
        }
        Ok(!batch.is_transactional() || !self.producers.contains(&batch.producer_id()))
    }

    fn end_transaction(
        &mut self,
        batch: &records::Batch,
        limits: &DecodeLimits,
    ) -> Result<(), DecodeError> {
        if self.producers.is_empty() {
            return Ok(());
        }
        for record in &batch.records(limits)? {
            if ControlRecord::parse(&record?)?.kind == ControlKind::Abort {
                self.producers
                    .retain(|producer| *producer != batch.producer_id());
            }
        }
        Ok(())
    }
}
