//! The counters of one assigned partition that every room may read without a lock.
//!
//! An [`Assignment`] lasts while the partition belongs to this reader. A [`Lane`] lasts from one start
//! of reading to the next seek, pause or revoke: whatever was fetched for an older lane is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering};

use crate::TopicPartition;

#[cfg(test)]
mod tests;

/// A partition that belongs to this reader, and what of it may be committed.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) partition: TopicPartition,
    /// The next offset to commit, -1 before anything is marked. Never falls.
    marked: AtomicI64,
    /// The leader epoch of the batch that `marked` points behind; -1 when unknown.
    marked_epoch: AtomicI32,
    /// Whether the partition was taken away, so that marking it is refused.
    ended: AtomicBool,
}

impl Assignment {
    pub(crate) fn new(partition: TopicPartition) -> Self {
        Self {
            partition,
            marked: AtomicI64::new(-1),
            marked_epoch: AtomicI32::new(-1),
            ended: AtomicBool::new(false),
        }
    }

    /// Marks everything below `next` as processed; false when the partition was taken away.
    pub(crate) fn mark(&self, next: i64, leader_epoch: i32) -> bool {
        if self.ended.load(Ordering::Acquire) {
            return false;
        }
        if self.marked.fetch_max(next, Ordering::AcqRel) < next {
            self.marked_epoch.fetch_max(leader_epoch, Ordering::AcqRel);
        }
        true
    }

    /// The next offset to commit and its leader epoch, when something is marked.
    pub(crate) fn marked(&self) -> Option<(i64, i32)> {
        let next = self.marked.load(Ordering::Acquire);
        (next >= 0).then(|| (next, self.marked_epoch.load(Ordering::Acquire)))
    }

    /// Refuses marks from now on.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

/// One run of reading a partition, from a known position on.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) assignment: Arc<Assignment>,
    /// Differs from every other lane of the reader.
    pub(crate) tag: u64,
    /// The offset the application gets next; bitwise inverted (negative) once the lane is frozen, and
    /// [`UNRESOLVED`] until the start is known.
    position: AtomicI64,
    /// One behind the last offset that can be read, as last fetched: the high watermark, or the last
    /// stable offset under read-committed; -1 before.
    end: AtomicI64,
    /// The partition's high watermark as last fetched; -1 before.
    high_watermark: AtomicI64,
    /// Leader epoch of the batch that the application is in, or of the record before the start; -1 when
    /// unknown.
    read_epoch: AtomicI32,
    /// Bytes fetched and not yet handed back, for this lane.
    buffered: AtomicU64,
}

impl Lane {
    pub(crate) fn new(assignment: Arc<Assignment>, tag: u64) -> Self {
        Self {
            assignment,
            tag,
            read_epoch: AtomicI32::new(-1),
            position: AtomicI64::new(UNRESOLVED),
            end: AtomicI64::new(-1),
            high_watermark: AtomicI64::new(-1),
            buffered: AtomicU64::new(0),
        }
    }

    pub(crate) fn partition(&self) -> &TopicPartition {
        &self.assignment.partition
    }

    /// Sets the first offset; does nothing once it is known or the lane is frozen.
    pub(crate) fn start(&self, offset: i64) {
        let _ = self.position.compare_exchange(
            UNRESOLVED,
            offset.max(0),
            Ordering::AcqRel,
            Ordering::Acquire,
        );
    }

    /// Hands out everything below `to`. False when the lane was frozen: what follows must be dropped.
    ///
    /// One atomic step, so that a position read by `freeze` covers exactly what was handed out: were it
    /// a check and a store, a pause between the two would resume before a record already delivered.
    pub(crate) fn advance(&self, to: i64) -> bool {
        let from = self.position.load(Ordering::Relaxed);
        from >= 0
            && (to <= from
                || self
                    .position
                    .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
                    .is_ok())
    }

    /// Ends the lane and returns the offset that was next, if the start was ever known.
    pub(crate) fn freeze(&self) -> Option<i64> {
        let mut from = self.position.load(Ordering::Acquire);
        while from >= 0 {
            match self
                .position
                .compare_exchange(from, !from, Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => break,
                Err(now) => from = now,
            }
        }
        self.position()
    }

    pub(crate) fn is_live(&self) -> bool {
        self.position.load(Ordering::Acquire) >= 0
    }

    /// The offset the application gets next, frozen or not.
    pub(crate) fn position(&self) -> Option<i64> {
        let position = self.position.load(Ordering::Acquire);
        let position = if position < 0 { !position } else { position };
        (position != UNRESOLVED).then_some(position)
    }

    /// Notes where the broker says the log ends, for everybody and for this reader.
    pub(crate) fn note_ends(&self, high_watermark: i64, end: i64) {
        self.high_watermark.store(high_watermark, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
    }

    /// One behind the last offset that can be read, as last fetched; -1 before the first fetch.
    pub(crate) fn end(&self) -> i64 {
        self.end.load(Ordering::Relaxed)
    }

    /// The high watermark, as last fetched; -1 before the first fetch.
    pub(crate) fn high_watermark(&self) -> i64 {
        self.high_watermark.load(Ordering::Relaxed)
    }

    /// Notes the leader epoch of what the application reads now.
    pub(crate) fn note_read_epoch(&self, epoch: i32) {
        if epoch >= 0 {
            self.read_epoch.store(epoch, Ordering::Relaxed);
        }
    }

    /// Leader epoch of the last record before the position, or a later one the application is at.
    pub(crate) fn read_epoch(&self) -> i32 {
        self.read_epoch.load(Ordering::Relaxed)
    }

    pub(crate) fn buffered(&self) -> u64 {
        self.buffered.load(Ordering::Relaxed)
    }

    pub(crate) fn add_buffered(&self, bytes: u64) {
        self.buffered.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn remove_buffered(&self, bytes: u64) {
        self.buffered.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The position of a lane whose start is being looked up.
const UNRESOLVED: i64 = i64::MAX;
