//! The log of one partition: batches as they were sent, offsets, leader epochs, producers and transactions. Pure.

mod batch;
mod compaction;
mod producers;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::records::{Batch as ReadBatch, BatchIter, DecodeLimits, Records};

pub(crate) use batch::Batch;
pub(crate) use compaction::Compaction;
use compaction::Segment;
use producers::{Producers, Verdict};

/// One partition's records and everything derived from them.
#[derive(Debug)]
pub(crate) struct PartitionLog {
    /// Stored batches by offset, oldest first.
    batches: VecDeque<StoredBatch>,
    /// The first offset a reader may ask for; moves up by record deletion and retention.
    start_offset: i64,
    /// The offset the next record gets. Replication is immediate, so this is the high watermark as well.
    end_offset: i64,
    /// Bytes of all stored batches.
    size: u64,
    /// First offset of each leader epoch that has written, oldest first (KIP-101).
    epochs: Vec<(i32, i64)>,
    producers: Producers,
    /// First offset of each open transaction, by producer id.
    open: BTreeMap<i64, i64>,
    /// Transactions that were aborted, by their end.
    aborted: Vec<AbortedTransaction>,
    /// What compaction leaves out; none in a log that is not compacted.
    segment: Option<Segment>,
}

/// A batch in the log: a patched head and the rest of the bytes as received.
#[derive(Debug, Clone)]
pub(crate) struct StoredBatch {
    pub(crate) base_offset: i64,
    pub(crate) last_offset: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) head: Bytes,
    pub(crate) tail: Bytes,
}

/// A span of records that readers of committed data must skip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AbortedTransaction {
    pub(crate) producer_id: i64,
    pub(crate) first_offset: i64,
    pub(crate) last_offset: i64,
}

/// Where an append went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Appended {
    pub(crate) base_offset: i64,
    /// The broker's time when the topic stamps records itself, else -1.
    pub(crate) append_time: i64,
}

/// What the batches of one produce request are appended with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AppendTerms {
    pub(crate) leader_epoch: i32,
    /// The broker's time in ms since 1970, when the topic stamps records itself.
    pub(crate) append_time: Option<i64>,
    /// How the log is compacted, if it is.
    pub(crate) compaction: Option<Compaction>,
}

impl StoredBatch {
    pub(crate) fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// The batch and its records, if they can be read.
    fn open(&self) -> Option<(ReadBatch, Records)> {
        let bytes: Bytes = [&self.head, &self.tail]
            .into_iter()
            .flatten()
            .copied()
            .collect();
        open(bytes)
    }

    /// Offset and timestamp of each record; of the batch as a whole when its records cannot be read.
    fn stamps(&self) -> Vec<(i64, i64)> {
        let stamps: Option<Vec<_>> = self.open().and_then(|(_, records)| {
            records
                .iter()
                .map(|record| record.ok().map(|record| (record.offset, record.timestamp)))
                .collect()
        });
        stamps.unwrap_or_else(|| vec![(self.base_offset, self.max_timestamp)])
    }
}

impl PartitionLog {
    pub(crate) fn new() -> Self {
        Self {
            batches: VecDeque::new(),
            start_offset: 0,
            end_offset: 0,
            size: 0,
            epochs: Vec::new(),
            producers: Producers::default(),
            open: BTreeMap::new(),
            aborted: Vec::new(),
            segment: None,
        }
    }

    pub(crate) fn start_offset(&self) -> i64 {
        self.start_offset
    }

    pub(crate) fn end_offset(&self) -> i64 {
        self.end_offset
    }

    /// The last stable offset: readers of committed data stop before the first open transaction.
    pub(crate) fn stable_offset(&self) -> i64 {
        self.open.values().copied().min().unwrap_or(self.end_offset)
    }

    /// Appends checked batches in order. A batch that is already there gives its first offset again.
    pub(crate) fn append(
        &mut self,
        batches: &[Batch],
        terms: AppendTerms,
    ) -> Result<Appended, ErrorCode> {
        if terms.compaction.is_some() && batches.iter().any(lacks_a_key) {
            return Err(ErrorCode::INVALID_RECORD);
        }
        let mut first = None;
        for batch in batches {
            let appended = match self.producers.check(batch) {
                Verdict::Append => self.store(batch, terms),
                Verdict::Duplicate {
                    base_offset,
                    timestamp,
                } => Appended {
                    base_offset,
                    append_time: timestamp,
                },
                Verdict::Refuse(code) => return Err(code),
            };
            first.get_or_insert(appended);
        }
        Ok(first.unwrap_or(Appended {
            base_offset: self.end_offset,
            append_time: -1,
        }))
    }

    fn store(&mut self, batch: &Batch, terms: AppendTerms) -> Appended {
        let base_offset = self.end_offset;
        let head = batch.head(base_offset, terms.leader_epoch, terms.append_time);
        let appended = Appended {
            base_offset,
            append_time: terms.append_time.unwrap_or(-1),
        };
        let stored = StoredBatch {
            base_offset,
            last_offset: base_offset + i64::from(batch.last_offset_delta),
            max_timestamp: terms.append_time.unwrap_or(batch.max_timestamp),
            tail: batch.bytes.slice(head.len()..),
            head,
        };
        if batch.is_transactional() && !batch.is_control() {
            self.open.entry(batch.producer_id).or_insert(base_offset);
        }
        self.producers
            .remember(batch, base_offset, appended.append_time);
        if let Some(compaction) = terms.compaction {
            self.roll(&stored, compaction);
        }
        self.push(stored, terms.leader_epoch);
        appended
    }

    /// Puts bytes at the end of the log unchecked and unpatched, as `count` records: what a test plants.
    pub(crate) fn plant(
        &mut self,
        bytes: Bytes,
        count: i64,
        max_timestamp: i64,
        leader_epoch: i32,
    ) -> i64 {
        let base_offset = self.end_offset;
        let last_offset = base_offset + count.max(1) - 1;
        let stored = StoredBatch {
            base_offset,
            last_offset,
            max_timestamp,
            head: Bytes::new(),
            tail: bytes,
        };
        self.push(stored, leader_epoch);
        base_offset
    }

    fn push(&mut self, stored: StoredBatch, leader_epoch: i32) {
        if self
            .epochs
            .last()
            .is_none_or(|&(epoch, _)| epoch < leader_epoch)
        {
            self.epochs.push((leader_epoch, stored.base_offset));
        }
        self.size += stored.len() as u64;
        self.end_offset = stored.last_offset + 1;
        self.batches.push_back(stored);
    }

    /// Ends the open transaction of a producer with a control batch the caller has made.
    pub(crate) fn end_transaction(
        &mut self,
        marker: &Batch,
        committed: bool,
        terms: AppendTerms,
    ) -> i64 {
        self.producers
            .fence(marker.producer_id, marker.producer_epoch);
        let appended = self.store(marker, terms);
        if let Some(first_offset) = self.open.remove(&marker.producer_id)
            && !committed
        {
            let last_offset = appended.base_offset;
            self.aborted.push(AbortedTransaction {
                producer_id: marker.producer_id,
                first_offset,
                last_offset,
            });
        }
        appended.base_offset
    }

    /// The batches from the one that holds `offset` on, whose last offset is below `limit`.
    pub(crate) fn read_from(&self, offset: i64, limit: i64) -> impl Iterator<Item = &StoredBatch> {
        let first = self
            .batches
            .partition_point(|batch| batch.last_offset < offset);
        self.batches
            .range(first..)
            .take_while(move |batch| batch.last_offset < limit)
    }

    /// The aborted transactions that touch offsets `from..to`.
    pub(crate) fn aborted_between(
        &self,
        from: i64,
        to: i64,
    ) -> impl Iterator<Item = AbortedTransaction> {
        self.aborted
            .iter()
            .copied()
            .filter(move |aborted| aborted.last_offset >= from && aborted.first_offset < to)
    }

    /// Offset and timestamp of the first record stamped at or after `timestamp`.
    pub(crate) fn record_at_time(&self, timestamp: i64) -> Option<(i64, i64)> {
        let mut later = self
            .batches
            .iter()
            .filter(|batch| batch.max_timestamp >= timestamp);
        let here =
            |(offset, stamp): &(i64, i64)| *stamp >= timestamp && *offset >= self.start_offset;
        later.find_map(|batch| batch.stamps().into_iter().find(here))
    }

    /// Offset and timestamp of the first record with the greatest timestamp.
    pub(crate) fn record_of_max_time(&self) -> Option<(i64, i64)> {
        let newest = self.batches.iter().map(|batch| batch.max_timestamp).max()?;
        self.record_at_time(newest)
    }

    /// Where the given leader epoch ended: the newest epoch not above it and the first offset after that (KIP-101).
    pub(crate) fn end_of_epoch(&self, asked: i32, current: i32) -> (i32, i64) {
        if asked == current {
            return (current, self.end_offset);
        }
        let after = self.epochs.partition_point(|&(epoch, _)| epoch <= asked);
        let end = self
            .epochs
            .get(after)
            .map_or(self.end_offset, |&(_, start)| start);
        match after.checked_sub(1).and_then(|at| self.epochs.get(at)) {
            Some(&(epoch, _)) if asked < current => (epoch, end),
            // An epoch older than everything here, or one this leader has never heard of.
            None if asked < current && !self.epochs.is_empty() => (asked, self.start_offset),
            _ => (-1, -1),
        }
    }

    /// The leader epoch that wrote `offset`, or -1.
    pub(crate) fn epoch_at(&self, offset: i64) -> i32 {
        let after = self.epochs.partition_point(|&(_, start)| start <= offset);
        after
            .checked_sub(1)
            .and_then(|at| self.epochs.get(at))
            .map_or(-1, |&(epoch, _)| epoch)
    }

    /// Moves the log start up to `offset` and drops batches wholly below it.
    pub(crate) fn delete_before(&mut self, offset: i64) {
        self.start_offset = self.start_offset.max(offset.min(self.end_offset));
        while let Some(oldest) = self.batches.front()
            && oldest.last_offset < self.start_offset
        {
            self.size -= oldest.len() as u64;
            self.batches.pop_front();
        }
        self.aborted
            .retain(|aborted| aborted.last_offset >= self.start_offset);
    }

    /// Drops the oldest batches until at most `bytes` are left; the newest batch always stays.
    pub(crate) fn retain_bytes(&mut self, bytes: u64) {
        while self.size > bytes
            && self.batches.len() > 1
            && let Some(next) = self.batches.get(1).map(|batch| batch.base_offset)
        {
            self.delete_before(next);
        }
    }

    /// Cuts the log so that it ends at `offset`, as an unclean leader election does. A batch across the cut goes as a whole.
    pub(crate) fn truncate(&mut self, offset: i64) {
        while let Some(newest) = self.batches.back()
            && newest.last_offset >= offset
        {
            self.size -= newest.len() as u64;
            self.end_offset = newest.base_offset;
            self.batches.pop_back();
        }
        self.start_offset = self.start_offset.min(self.end_offset);
        self.epochs.retain(|&(_, start)| start < self.end_offset);
        self.aborted
            .retain(|aborted| aborted.last_offset < self.end_offset);
        self.open.retain(|_, first| *first < self.end_offset);
        self.producers.forget();
    }

    /// Forgets the producers' sequences, as a broker does whose producer state has expired.
    pub(crate) fn forget_producers(&mut self) {
        self.producers.forget();
    }
}

fn open(bytes: Bytes) -> Option<(ReadBatch, Records)> {
    let limits = DecodeLimits::default();
    let batch = BatchIter::new(bytes, &limits).next()?.ok()?;
    let records = batch.records(&limits).ok()?;
    Some((batch, records))
}

/// Whether there is a record that compaction could not tell from others.
fn lacks_a_key(batch: &Batch) -> bool {
    let opened = open(batch.bytes.clone());
    opened.is_some_and(|(_, records)| records.iter().flatten().any(|record| record.key.is_none()))
}
