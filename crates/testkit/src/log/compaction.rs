//! Compaction: of the records with one key the newest stays (`cleanup.policy=compact`). Pure.
//!
//! Tombstones stay as well, and so do batches of transactions, as they are.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use ekafka_protocol::Decoder;
use ekafka_protocol::compression::{Compression, compress};
use ekafka_protocol::records::{Batch, Records};

use super::batch::with_records;
use super::{PartitionLog, StoredBatch};

/// When a segment ends, so that it can be compacted, and whether that is worth while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compaction {
    /// How much newer than the first batch of a segment the others may be (`segment.ms`).
    pub(crate) segment_ms: i64,
    /// The largest segment, in bytes (`segment.bytes`).
    pub(crate) segment_bytes: u64,
    /// The least share of bytes not compacted yet (`min.cleanable.dirty.ratio`).
    pub(crate) min_dirty_ratio: f64,
}

/// The end of a log, to which batches are added and which is not compacted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    /// Of its first batch.
    timestamp: i64,
    /// Bytes of the log before it.
    before: u64,
    /// Bytes that the last compaction has left.
    clean: u64,
}

/// Where the newest record of each key is.
type Newest = HashMap<Vec<u8>, i64>;

impl PartitionLog {
    /// Begins a segment if `next` does not fit in the present one, and compacts what lies before it, at once: Kafka's
    /// cleaner comes by every 15 seconds.
    pub(super) fn roll(&mut self, next: &StoredBatch, terms: Compaction) {
        let mut clean = 0;
        if let Some(segment) = self.segment {
            let age = next.max_timestamp.saturating_sub(segment.timestamp);
            let bytes = self.size.saturating_sub(segment.before) + next.len() as u64;
            if age <= terms.segment_ms && bytes <= terms.segment_bytes {
                return;
            }
            clean = segment.clean;
        }
        let dirty = self.size.saturating_sub(clean);
        if dirty as f64 > self.size as f64 * terms.min_dirty_ratio {
            self.compact();
            clean = self.size;
        }
        self.segment = Some(Segment {
            timestamp: next.max_timestamp,
            before: self.size,
            clean,
        });
    }

    fn compact(&mut self) {
        let mut newest = Newest::new();
        for (_, records) in self.batches.iter().filter_map(StoredBatch::compactable) {
            for record in records.iter().flatten() {
                newest.extend(record.key.map(|key| (key.to_vec(), record.offset)));
            }
        }
        for batch in &mut self.batches {
            if let Some(compacted) = batch.compacted(&newest) {
                *batch = compacted;
            }
        }
        self.batches.retain(|batch| batch.len() > 0);
        self.size = self.batches.iter().map(|batch| batch.len() as u64).sum();
    }
}

impl StoredBatch {
    /// The batch and its records, unless they are part of a transaction, of an old format or cannot be read.
    fn compactable(&self) -> Option<(Batch, Records)> {
        self.open()
            .filter(|(batch, _)| batch.magic() == 2 && !batch.is_transactional())
    }

    /// What is left of it: no bytes where nothing is. `None` when it stays as it is.
    fn compacted(&self, newest: &Newest) -> Option<Self> {
        let (batch, records) = self.compactable()?;
        let (mut kept, mut count, mut max_timestamp) = (BytesMut::new(), 0, -1);
        let mut rest = records.bytes().clone();
        for record in &records {
            let record = record.ok()?;
            let bytes = rest.split_to(encoded_len(&rest)?);
            if record.key.and_then(|key| newest.get(key)) == Some(&record.offset) {
                kept.extend_from_slice(&bytes);
                count += 1;
                max_timestamp = record.timestamp.max(max_timestamp);
            }
        }
        let (head, tail) = match count {
            0 => (Bytes::new(), Bytes::new()),
            _ if kept.len() == records.bytes().len() => return None,
            _ => {
                let mut tail = BytesMut::new();
                compress(Compression::from(batch.codec()), &kept, &mut tail).ok()?;
                let head = with_records(batch.bytes(), &tail, count, max_timestamp);
                (head, tail.freeze())
            }
        };
        Some(Self {
            max_timestamp,
            head,
            tail,
            ..*self
        })
    }
}

/// Bytes of the record that `records` begin with: its length as a zigzag varint, and what that counts.
fn encoded_len(records: &Bytes) -> Option<usize> {
    let mut decoder = Decoder::new(records.clone(), false);
    let length = decoder.uvarint("length of a record").ok()? >> 1;
    let end = records.len() - decoder.left() + usize::try_from(length).ok()?;
    (end <= records.len()).then_some(end)
}
