//! One partition's share of the shelf: the batch that takes records and those that wait for the sender.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use ekafka_protocol::records::RecordData;
use tokio::time::Instant;

use super::Stretch;
use super::batch::OpenBatch;
use crate::receipt::Receipt;

#[cfg(test)]
mod tests;

/// The batches of a partition that the sender has not taken, in order.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    open: Option<OpenBatch>,
    /// Batches that take no more records, oldest first.
    closed: VecDeque<OpenBatch>,
    /// Batches the sender has taken and that have no outcome yet.
    in_flight: usize,
    /// Whether the sender has been told, and has not looked since.
    listed: bool,
    /// Whether the sender knows of the open batch; it looks again by itself whenever something
    /// that kept the batch back has changed.
    announced: bool,
    /// How many of the closed batches the sender knows of.
    announced_closed: usize,
    /// Whether the open batch is to go out as it is.
    flush: bool,
    /// Why nothing is accepted any more.
    shut: Option<Shut>,
    /// Bytes appended since the sticky choice fell on this partition.
    sticky_bytes: usize,
    /// When the clock was last read for a record, in milliseconds since 1970.
    time: i64,
    /// Receipts of batches that may have no outcome yet, oldest first; what `flush` waits for.
    unresolved: VecDeque<Arc<Receipt>>,
}

/// Why a queue accepts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shut {
    /// The writer was closed, dropped or has failed.
    Writer,
    /// The topic was made anew; records go to the queues of its successor.
    Replaced,
}

/// When a batch that is not full goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// At once while the partition has nothing in flight; else it fills.
    Adaptive,
    /// As adaptive, but at most this long after its first record.
    Paced(Duration),
    /// This long after its first record.
    Linger(Duration),
}

/// What the sender gets when it asks for a batch.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "taken apart as soon as it is there"
)]
pub(crate) enum Taken {
    Batch(OpenBatch),
    /// The next batch has more bytes than asked for.
    TooBig,
    /// Nothing is ready; something will be at that time, if given.
    Nothing(Option<Instant>),
}

impl Queue {
    pub(crate) fn open(&mut self) -> Option<&mut OpenBatch> {
        self.open.as_mut()
    }

    /// Appends to the open batch, if there is one that takes the record as it is; says at which index.
    #[inline]
    pub(crate) fn append(&mut self, record: &RecordData<'_>, batch_size: usize) -> Option<u32> {
        if self.shut.is_some() {
            return None;
        }
        let open = self.open.as_mut()?;
        let index = open.count() as u32;
        if !matches!(open.append(record), Ok(true)) {
            return None;
        }
        if open.is_full(batch_size) {
            self.close_open();
        }
        Some(index)
    }

    pub(crate) fn set_open(&mut self, batch: OpenBatch) {
        while self
            .unresolved
            .front()
            .is_some_and(|receipt| receipt.is_done())
        {
            self.unresolved.pop_front();
        }
        self.unresolved
            .push_back(Arc::clone(batch.resolver().receipt()));
        debug_assert!(self.open.is_none(), "one open batch at a time");
        self.open = Some(batch);
        self.announced = false;
    }

    pub(crate) fn has_open(&self) -> bool {
        self.open.is_some()
    }

    /// Bytes of the open batch, none if there is none.
    #[inline]
    pub(crate) fn open_len(&self) -> usize {
        self.open.as_ref().map_or(0, OpenBatch::len)
    }

    /// The receipt of the batch opened last.
    #[inline]
    pub(crate) fn newest(&self) -> Option<&Arc<Receipt>> {
        self.unresolved.back()
    }

    /// Sets the tags of records that were just appended to one batch, the first of them at `index`.
    pub(crate) fn set_tags(&mut self, index: u32, tags: impl Iterator<Item = u64>) {
        let newest = match &mut self.open {
            Some(open) => Some(open),
            None => self.closed.back_mut(),
        };
        let Some(batch) = newest else { return };
        for (index, tag) in (index as usize..).zip(tags) {
            if tag != 0 {
                batch.set_tag(index, tag);
            }
        }
    }

    /// Lets the open batch grow on, if all places in flight are taken and it has not grown as far before.
    pub(super) fn stretch(&mut self, stretch: Stretch) -> bool {
        self.in_flight >= stretch.behind
            && self
                .open
                .as_mut()
                .is_some_and(|open| open.stretch(stretch.bytes))
    }

    /// Lets the open batch take no more records.
    pub(crate) fn close_open(&mut self) {
        self.flush = false;
        self.closed.extend(self.open.take());
    }

    pub(crate) fn shut(&self) -> Option<Shut> {
        self.shut
    }

    /// Refuses records from now on; what is buffered stays.
    pub(crate) fn set_shut(&mut self, shut: Shut) {
        self.shut = Some(shut);
    }

    /// Whether there is something that the sender does not know of; if not, there is nothing to [`poke`](Self::poke) it for.
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        !self.announced || self.closed.len() > self.announced_closed
    }

    /// Whether the sender must be told now. At most one telling is under way.
    #[inline]
    pub(crate) fn poke(&mut self, patience: Patience, contended: bool) -> bool {
        if self.listed || !self.is_worth_looking(patience, contended) {
            return false;
        }
        self.listed = true;
        true
    }

    /// The sender looks: it has to be told again of what comes later.
    pub(crate) fn handle_look(&mut self) {
        self.listed = false;
        self.announced = self.open.is_some();
        self.announced_closed = self.closed.len();
    }

    /// Marks what is buffered to go out now.
    pub(crate) fn flush(&mut self) {
        self.flush = self.open.is_some();
        self.announced = false;
    }

    /// Receipts of everything that has no outcome yet.
    pub(crate) fn unresolved(&self) -> impl Iterator<Item = &Arc<Receipt>> {
        self.unresolved.iter().filter(|receipt| !receipt.is_done())
    }

    /// Hands the next batch over, if one is ready and has at most `max_bytes` before compression.
    pub(crate) fn take(
        &mut self,
        max_bytes: usize,
        patience: Patience,
        contended: bool,
        now: Instant,
    ) -> Taken {
        let next = match self.closed.front() {
            Some(closed) => closed,
            None => match &self.open {
                None => return Taken::Nothing(None),
                Some(open) => match self.ripe_at(open, patience, contended) {
                    Ripe::Now => open,
                    Ripe::At(time) if time <= now => open,
                    Ripe::At(time) => return Taken::Nothing(Some(time)),
                    Ripe::Later => return Taken::Nothing(None),
                },
            },
        };
        if next.len() > max_bytes {
            return Taken::TooBig;
        }
        if self.closed.is_empty() {
            self.close_open();
        }
        match self.pop() {
            Some(batch) => {
                self.in_flight += 1;
                Taken::Batch(batch)
            }
            None => Taken::Nothing(None),
        }
    }

    /// Hands the next batch over if it takes no more records.
    pub(crate) fn take_closed(&mut self) -> Option<OpenBatch> {
        let batch = self.pop()?;
        self.in_flight += 1;
        Some(batch)
    }

    /// A batch that was taken has its outcome.
    pub(crate) fn handle_resolved(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A batch that was taken became several.
    pub(crate) fn handle_split(&mut self) {
        self.in_flight += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_none() && self.closed.is_empty()
    }

    /// When the oldest batch was opened.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.closed
            .front()
            .or(self.open.as_ref())
            .map(OpenBatch::opened)
    }

    /// Takes the oldest batch if it was opened before `limit`; `None` as limit takes any.
    pub(crate) fn take_opened_until(&mut self, limit: Option<Instant>) -> Option<OpenBatch> {
        if limit.is_some_and(|limit| self.oldest().is_none_or(|opened| opened > limit)) {
            return None;
        }
        if self.closed.is_empty() {
            self.close_open();
        }
        self.pop()
    }

    /// When the clock was last read for a record, in milliseconds since 1970; 0 for never.
    #[inline]
    pub(crate) fn time(&self) -> i64 {
        self.time
    }

    /// Notes what the clock says.
    pub(crate) fn set_time(&mut self, now: i64) -> i64 {
        self.time = now;
        now
    }

    /// Counts bytes appended by the sticky choice; says whether it is time to choose again.
    #[inline]
    pub(crate) fn count_sticky(&mut self, bytes: usize, bound: usize) -> bool {
        self.sticky_bytes += bytes;
        let over = self.sticky_bytes >= bound;
        if over {
            self.sticky_bytes = 0;
        }
        over
    }

    /// How much stands before a new record: batches waiting or on their way.
    pub(crate) fn backlog(&self) -> usize {
        self.closed.len() + self.in_flight
    }

    fn pop(&mut self) -> Option<OpenBatch> {
        self.announced_closed = self.announced_closed.saturating_sub(1);
        self.closed.pop_front()
    }

    fn is_worth_looking(&self, patience: Patience, contended: bool) -> bool {
        if self.closed.len() > self.announced_closed {
            return true;
        }
        match &self.open {
            Some(open) if !self.announced => {
                !matches!(self.ripe_at(open, patience, contended), Ripe::Later)
            }
            _ => false,
        }
    }

    fn ripe_at(&self, open: &OpenBatch, patience: Patience, contended: bool) -> Ripe {
        if self.flush || contended || self.shut.is_some() || open.is_stretched() {
            return Ripe::Now;
        }
        match patience {
            Patience::Adaptive | Patience::Paced(_) if self.in_flight == 0 => Ripe::Now,
            Patience::Adaptive => Ripe::Later,
            Patience::Paced(wait) => Ripe::At(open.opened() + wait),
            Patience::Linger(Duration::ZERO) => Ripe::Now,
            Patience::Linger(linger) => Ripe::At(open.opened() + linger),
        }
    }
}

/// When an open batch goes out.
enum Ripe {
    Now,
    At(Instant),
    /// When the batch before it has its outcome, or when it is full.
    Later,
}
