//! The counters of one assigned partition that every room may read without a lock.
//!
//! An [`Assignment`] lasts while the partition belongs to this reader. A [`Lane`] lasts from one start
//! of reading to the next seek, pause or revoke: whatever was fetched for an older lane is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use crate::TopicPartition;

#[cfg(test)]
mod tests;

/// A partition that belongs to this reader, and what of it may be committed.
#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) partition: TopicPartition,
    /// Differs from every other ownership; shared with what [`renewed`](Self::renewed) makes.
    ownership: u64,
    /// The next offset to commit, -1 before anything is marked. Never falls.
    marked: AtomicI64,
    /// As `marked`, by calls that return a message and mark it at once.
    returned: AtomicI64,
    /// The leader epoch of the batch that the higher of the two points behind; -1 when unknown.
    marked_epoch: AtomicI32,
    /// What the coordinator holds, as far as this ownership has committed or asked; -1 before.
    saved: AtomicI64,
    /// Whether the partition was taken away, so that marking it is refused.
    ended: AtomicBool,
    /// How long the group's word is good; `None` without a group.
    lease: Option<Arc<Lease>>,
}

/// Until when a member may take its partitions for its own. Whoever slept through that, as a process does that was
/// stopped, hands nothing out before control has had its turn.
#[derive(Debug)]
pub(crate) struct Lease {
    origin: Instant,
    /// Microseconds after `origin`; the highest value before the end is set.
    until: AtomicU64,
}

impl Lease {
    pub(crate) fn new(origin: Instant) -> Self {
        let until = AtomicU64::new(u64::MAX);
        Self { origin, until }
    }

    /// Moves the end.
    pub(crate) fn set(&self, until: Instant) {
        let until = self.micros(until).saturating_add(1);
        self.until.store(until, Ordering::Release);
    }

    fn is_over(&self, now: Instant) -> bool {
        self.micros(now) >= self.until.load(Ordering::Acquire)
    }

    fn micros(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.origin);
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX - 1)
    }
}

impl Assignment {
    pub(crate) fn new(partition: TopicPartition) -> Self {
        Self {
            partition,
            ownership: OWNERSHIPS.fetch_add(1, Ordering::Relaxed),
            marked: AtomicI64::new(-1),
            returned: AtomicI64::new(-1),
            marked_epoch: AtomicI32::new(-1),
            saved: AtomicI64::new(-1),
            ended: AtomicBool::new(false),
            lease: None,
        }
    }

    /// Its own for as long as `lease` says.
    pub(crate) fn leased(partition: TopicPartition, lease: Arc<Lease>) -> Self {
        Self {
            lease: Some(lease),
            ..Self::new(partition)
        }
    }

    /// The same ownership of a log that holds other records than before: nothing of it is marked.
    pub(crate) fn renewed(&self) -> Self {
        Self {
            ownership: self.ownership,
            lease: self.lease.clone(),
            ..Self::new(self.partition.clone())
        }
    }

    /// Whether the partition was not taken away between the two.
    pub(crate) fn is_one_with(&self, other: &Self) -> bool {
        self.ownership == other.ownership
    }

    /// Marks everything below `next` as processed; false when the partition was taken away.
    #[inline]
    pub(crate) fn mark(&self, next: i64, leader_epoch: i32) -> bool {
        if self.is_ended() {
            return false;
        }
        if self.marked.fetch_max(next, Ordering::AcqRel) < next {
            self.note_epoch(leader_epoch);
        }
        true
    }

    /// As [`mark`](Self::mark), for the one door that hands out the partition: two stores in the place of a locked
    /// instruction, since nobody else writes `returned`.
    #[inline]
    pub(crate) fn mark_returned(&self, next: i64, leader_epoch: i32) -> bool {
        if self.is_ended() {
            return false;
        }
        if self.returned.load(Ordering::Relaxed) < next {
            self.returned.store(next, Ordering::Release);
            self.note_epoch(leader_epoch);
        }
        true
    }

    /// The next offset to commit and its leader epoch, when something is marked.
    pub(crate) fn marked(&self) -> Option<(i64, i32)> {
        let next = self.marked.load(Ordering::Acquire);
        let next = next.max(self.returned.load(Ordering::Acquire));
        (next >= 0).then(|| (next, self.marked_epoch.load(Ordering::Acquire)))
    }

    /// Epochs change with leaders, so that there is seldom something to write.
    #[inline]
    fn note_epoch(&self, leader_epoch: i32) {
        if self.marked_epoch.load(Ordering::Relaxed) < leader_epoch {
            self.marked_epoch.fetch_max(leader_epoch, Ordering::AcqRel);
        }
    }

    /// The coordinator holds this offset.
    pub(crate) fn note_saved(&self, next: i64) {
        self.saved.fetch_max(next, Ordering::AcqRel);
    }

    /// Whether the coordinator holds so much, as far as known.
    pub(crate) fn is_saved(&self, next: i64) -> bool {
        self.saved.load(Ordering::Acquire) >= next
    }

    /// Refuses marks from now on.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    #[inline]
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
    /// The offset the application gets next; [`UNRESOLVED`] until the start is known, and from then on written
    /// by the door alone. Shared with the lane before when reading goes on where that one stopped.
    position: Arc<AtomicI64>,
    /// Whether nothing more may be handed out.
    is_frozen: AtomicBool,
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
    /// A lane that begins where its start will say.
    pub(crate) fn new(assignment: Arc<Assignment>, tag: u64) -> Self {
        let position = Arc::new(AtomicI64::new(UNRESOLVED));
        Self {
            assignment,
            tag,
            read_epoch: AtomicI32::new(-1),
            position,
            is_frozen: AtomicBool::new(false),
            end: AtomicI64::new(-1),
            high_watermark: AtomicI64::new(-1),
            buffered: AtomicU64::new(0),
        }
    }

    /// A lane that goes on where this one has stopped.
    ///
    /// Handing out a record is a look at `is_frozen` and a store to `position`, for the sake of speed not one locked step.
    /// So a record may still be handed out, by a door that looked just before, after [`freeze`](Self::freeze) has returned
    /// the offset of that record, and the next lane is fetched from there. By the shared position the door, when it
    /// comes to the next lane's records, knows what it has handed out and leaves it out.
    pub(crate) fn successor(&self, tag: u64) -> Self {
        Self {
            position: Arc::clone(&self.position),
            ..Self::new(Arc::clone(&self.assignment), tag)
        }
    }

    pub(crate) fn partition(&self) -> &TopicPartition {
        &self.assignment.partition
    }

    /// Sets the first offset; does nothing once it is known or the lane is frozen.
    pub(crate) fn start(&self, offset: i64) {
        if self.is_live() {
            let _ = self.position.compare_exchange(
                UNRESOLVED,
                offset.max(0),
                Ordering::AcqRel,
                Ordering::Acquire,
            );
        }
    }

    /// Hands out everything below `to`; for the door. False when the lane was frozen: what follows must be dropped.
    #[inline]
    pub(crate) fn advance(&self, to: i64) -> bool {
        if !self.is_live() {
            return false;
        }
        if self.position.load(Ordering::Relaxed) < to {
            self.position.store(to, Ordering::Release);
        }
        true
    }

    /// Ends the lane and returns the offset that was next, if the start was ever known.
    pub(crate) fn freeze(&self) -> Option<i64> {
        self.is_frozen.store(true, Ordering::SeqCst);
        self.position()
    }

    #[inline]
    pub(crate) fn is_live(&self) -> bool {
        !self.is_frozen.load(Ordering::Acquire)
    }

    /// Whether the partition may be another's by now, and nobody has looked.
    pub(crate) fn is_doubtful(&self, now: Instant) -> bool {
        let lease = self.assignment.lease.as_ref();
        lease.is_some_and(|lease| lease.is_over(now))
    }

    /// The offset the application gets next, frozen or not.
    pub(crate) fn position(&self) -> Option<i64> {
        let position = self.position.load(Ordering::Acquire);
        (position != UNRESOLVED).then_some(position)
    }

    /// Notes where the broker says the log ends, for everybody and for this reader.
    pub(crate) fn note_ends(&self, high_watermark: i64, end: i64) {
        self.high_watermark.store(high_watermark, Ordering::Relaxed);
        self.end.store(end, Ordering::Relaxed);
    }

    /// Notes that the log can be read up to `end` at least.
    pub(crate) fn note_end(&self, end: i64) {
        self.end.fetch_max(end, Ordering::Relaxed);
    }

    /// One behind the last offset that can be read, as last told; -1 before the first fetch.
    pub(crate) fn end(&self) -> i64 {
        self.end.load(Ordering::Relaxed)
    }

    /// How far `offset` is from the end, as last told.
    pub(crate) fn lag(&self, offset: i64) -> i64 {
        self.end().saturating_sub(offset).max(0)
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

/// Ownerships that this process has had.
static OWNERSHIPS: AtomicU64 = AtomicU64::new(0);
/// The position of a lane whose start is being looked up.
const UNRESOLVED: i64 = i64::MAX;
