//! The result of a batch: set once, read by every record of the batch. A record's share of it is a reference to this
//! cell and an index, so a result per record costs no allocation and no channel.

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::completion::Teller;
use crate::error::{Cause, TopicPartition, WriterError};

#[cfg(test)]
mod tests;

/// A record on its way. Await it for the outcome; dropping it changes nothing, the record is written all the same.
///
/// ```no_run
/// # async fn example(writer: ekafka_writer::Writer) -> Result<(), ekafka_writer::WriterError> {
/// use ekafka_writer::Record;
///
/// let delivery = writer.send(Record::new("v")).await?;
/// if !delivery.is_done() {
///     println!("on its way");
/// }
/// let delivered = delivery.await?;
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
/// Dropping it, or a future that awaits `&mut` of it, loses nothing: the outcome stays with the batch.
#[derive(Debug)]
#[must_use = "the outcome is learnt by awaiting it; a record that failed is reported nowhere else"]
pub struct Delivery {
    /// Absent once the outcome was handed out.
    receipt: Option<Arc<Receipt>>,
    /// Position of the record in its batch.
    index: u32,
    /// Milliseconds since 1970 as sent; the broker may replace it.
    timestamp: i64,
    /// This handle's place among the receipt's wakers, once it has waited.
    place: Option<Place>,
}

/// A place among a receipt's wakers, counted from 1: a handle without one is no larger for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place(NonZeroU32);

impl Delivery {
    pub(crate) fn new(receipt: Arc<Receipt>, index: u32, timestamp: i64) -> Self {
        Self {
            receipt: Some(receipt),
            index,
            timestamp,
            place: None,
        }
    }

    /// Whether the outcome is known, so that awaiting returns at once.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.receipt
            .as_ref()
            .is_none_or(|receipt| receipt.outcome.get().is_some())
    }
}

impl Future for Delivery {
    type Output = Result<Delivered, WriterError>;

    /// # Panics
    /// When polled again after it was ready.
    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(receipt) = &this.receipt
            && let Some(Outcome::Whole(Ok(ack))) = receipt.outcome.get()
        {
            // What nearly every handle finds, as most are awaited after their batch is done.
            let (index, ack) = (i64::from(this.index), *ack);
            return Poll::Ready(Ok(Delivered {
                offset: ack.base_offset.map(|base| base + index),
                timestamp: ack.log_append_time.unwrap_or(this.timestamp),
                receipt: this.receipt.take().expect("present a moment ago"),
            }));
        }
        this.poll_otherwise(context)
    }
}

impl Delivery {
    /// Its batch has no outcome yet, or failed, or was split.
    #[inline(never)]
    fn poll_otherwise(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Delivered, WriterError>> {
        let receipt = self
            .receipt
            .as_ref()
            .expect("a delivery is not polled after it was ready");
        if receipt
            .poll_done(context.waker(), &mut self.place)
            .is_pending()
        {
            return Poll::Pending;
        }
        let result = receipt
            .result_of(self.index)
            .expect("done, so the outcome is set");
        let result = result.map(|(position, ack)| (position, ack.log_append_time));
        Poll::Ready(result.map(|(offset, log_append_time)| Delivered {
            offset,
            timestamp: log_append_time.unwrap_or(self.timestamp),
            receipt: self.receipt.take().expect("present a moment ago"),
        }))
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let (Some(receipt), Some(place)) = (&self.receipt, self.place) {
            receipt.forget(place);
        }
    }
}

/// Where a record was written.
///
/// ```no_run
/// # async fn example(delivery: ekafka_writer::Delivery) -> Result<(), ekafka_writer::WriterError> {
/// let delivered = delivery.await?;
/// let (topic, partition) = (delivered.topic(), delivered.partition());
/// println!("{topic}-{partition}, offset {:?}, at {} ms", delivered.offset(), delivered.timestamp());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Delivered {
    receipt: Arc<Receipt>,
    offset: Option<i64>,
    timestamp: i64,
}

impl Delivered {
    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.receipt.at.topic
    }

    /// The partition.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.receipt.at.partition
    }

    /// The offset; `None` when the broker did not tell it: with acks none, or when it had the batch already and no longer
    /// knew where.
    #[must_use]
    pub fn offset(&self) -> Option<i64> {
        self.offset
    }

    /// Milliseconds since 1970: the broker's append time where the topic is set to use it, else the record's own.
    #[must_use]
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }
}

/// What a broker said about a batch that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ack {
    /// Offset of the batch's first record; absent when the broker does not tell.
    pub(crate) base_offset: Option<i64>,
    /// Milliseconds since 1970, when the broker replaced the records' own times.
    pub(crate) log_append_time: Option<i64>,
}

/// The cell that a batch's records share.
#[derive(Debug)]
pub(crate) struct Receipt {
    at: TopicPartition,
    outcome: OnceLock<Outcome>,
    /// Resolvers that have not resolved: one, or as many as the batch was split into.
    unresolved: AtomicU32,
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
enum Outcome {
    Whole(Result<Ack, WriterError>),
    /// A split batch: first index of each piece, ascending, and its result.
    Pieces(Vec<Piece>),
}

#[derive(Debug)]
struct Piece {
    start: u32,
    result: Result<Ack, WriterError>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Whoever waits at place 0, mostly the only one; empty where its handle was dropped.
    first: Option<Option<Waker>>,
    /// Who waits at the places from 1 on.
    others: Vec<Option<Waker>>,
    /// Resolved pieces of a batch that has others unresolved.
    pieces: Vec<Piece>,
}

impl Receipt {
    /// A receipt and the one right to resolve it.
    pub(crate) fn new(at: TopicPartition) -> (Arc<Self>, Resolver) {
        let receipt = Arc::new(Self {
            at,
            outcome: OnceLock::new(),
            unresolved: AtomicU32::new(1),
            waiting: Mutex::default(),
        });
        let resolver = Resolver {
            receipt: Arc::clone(&receipt),
            start: 0,
            on_wire: false,
            resolved: false,
            count: 0,
            tags: Vec::new(),
            teller: None,
        };
        (receipt, resolver)
    }

    /// Whether every record of the batch has its outcome.
    pub(crate) fn is_done(&self) -> bool {
        self.outcome.get().is_some()
    }

    /// The outcome of the record at `index`: its offset and the acknowledgement, once the batch is done.
    pub(crate) fn result_of(&self, index: u32) -> Option<Result<(Option<i64>, Ack), WriterError>> {
        let (start, result) = match self.outcome.get()? {
            Outcome::Whole(result) => (0, result),
            Outcome::Pieces(pieces) => {
                let behind = pieces.partition_point(|piece| piece.start <= index);
                let piece = pieces.get(behind.saturating_sub(1))?;
                (piece.start, &piece.result)
            }
        };
        let distance = i64::from(index - start);
        Some(match result {
            Ok(ack) => Ok((ack.base_offset.map(|base| base + distance), *ack)),
            Err(error) => Err(error.clone()),
        })
    }

    /// Whether all records of the batch were written, once it is done.
    pub(crate) fn is_all_written(&self) -> bool {
        match self.outcome.get() {
            Some(Outcome::Whole(result)) => result.is_ok(),
            Some(Outcome::Pieces(pieces)) => pieces.iter().all(|piece| piece.result.is_ok()),
            None => false,
        }
    }

    /// Waits until the batch is done. Cancel safe: leaves nothing behind.
    pub(crate) fn done(self: &Arc<Self>) -> Done {
        Done {
            receipt: Arc::clone(self),
            place: None,
        }
    }

    fn poll_done(&self, waker: &Waker, place: &mut Option<Place>) -> Poll<()> {
        if self.outcome.get().is_some() {
            return Poll::Ready(());
        }
        let mut waiting = self.lock();
        // Set while the lock was not held: whoever set it has already woken the others.
        if self.outcome.get().is_some() {
            return Poll::Ready(());
        }
        match place.and_then(|place| waiting.at(place)) {
            Some(Some(mine)) if mine.will_wake(waker) => {}
            Some(mine) => *mine = Some(waker.clone()),
            None => *place = Some(waiting.add(waker.clone())),
        }
        Poll::Pending
    }

    fn forget(&self, place: Place) {
        if self.outcome.get().is_some() {
            return;
        }
        let mut waiting = self.lock();
        if let Some(waker) = waiting.at(place) {
            *waker = None;
        }
        waiting.shrink();
    }

    fn resolve_piece(&self, start: u32, result: Result<Ack, WriterError>) {
        let mut waiting = self.lock();
        let is_last = self.unresolved.fetch_sub(1, Ordering::AcqRel) == 1;
        if !is_last {
            waiting.pieces.push(Piece { start, result });
            return;
        }
        let mut pieces = std::mem::take(&mut waiting.pieces);
        let outcome = if pieces.is_empty() {
            Outcome::Whole(result)
        } else {
            pieces.push(Piece { start, result });
            pieces.sort_by_key(|piece| piece.start);
            Outcome::Pieces(pieces)
        };
        let first = self.outcome.set(outcome);
        debug_assert!(first.is_ok(), "only the last resolver sets the outcome");
        let Waiting { first, others, .. } = std::mem::take(&mut *waiting);
        drop(waiting);
        let wakers = first.into_iter().chain(others).flatten();
        wakers.for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in here is left half done by a panic.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn at(&mut self, place: Place) -> Option<&mut Option<Waker>> {
        match place.0.get() as usize {
            1 => self.first.as_mut(),
            place => self.others.get_mut(place - 2),
        }
    }

    /// Takes a place that nobody has.
    fn add(&mut self, waker: Waker) -> Place {
        if self.first.is_none() {
            self.first = Some(Some(waker));
            return Place(NonZeroU32::MIN);
        }
        self.others.push(Some(waker));
        // A batch has fewer records than that, and a call that waits holds one of them.
        Place(NonZeroU32::MIN.saturating_add(self.others.len() as u32))
    }

    /// Gives up the last places when nobody waits there: handles polled once and dropped, over and
    /// over, must not grow the list.
    fn shrink(&mut self) {
        while self.others.last().is_some_and(Option::is_none) {
            self.others.pop();
        }
        if self.others.is_empty() && self.first.as_ref().is_some_and(Option::is_none) {
            self.first = None;
        }
    }
}

/// The one right to resolve a batch, or a piece of a split one. Dropping it unresolved, as a panic or the end of the
/// runtime would, resolves it as failed: no record waits for ever.
#[derive(Debug)]
pub(crate) struct Resolver {
    receipt: Arc<Receipt>,
    /// Index in the original batch of the first record this covers.
    start: u32,
    /// Whether any attempt may have reached a broker; decides what a drop reports.
    on_wire: bool,
    resolved: bool,
    /// Records it covers, set when they are final.
    count: u32,
    /// The application's tags of those records, unless all are zero.
    tags: Vec<u64>,
    /// Who tells the application before the receipt, if it wants to know.
    teller: Option<Teller>,
}

impl Resolver {
    /// Tells those who wait at the receipt.
    pub(crate) fn resolve(mut self, result: Result<Ack, WriterError>) {
        self.resolved = true;
        self.receipt.resolve_piece(self.start, result);
    }

    /// Cuts the piece in two: `self` keeps the first `count` records, the result has the others.
    pub(crate) fn split_off(&mut self, count: u32) -> Self {
        self.receipt.unresolved.fetch_add(1, Ordering::AcqRel);
        let rest = Self {
            receipt: Arc::clone(&self.receipt),
            start: self.start + count,
            on_wire: self.on_wire,
            resolved: false,
            count: self.count.saturating_sub(count),
            tags: self.tags.split_off(self.tags.len().min(count as usize)),
            teller: self.teller.clone(),
        };
        self.count = self.count.min(count);
        rest
    }

    /// Has the application told first.
    pub(crate) fn set_teller(&mut self, teller: Option<Teller>) {
        self.teller = teller;
    }

    /// Who tells the application, if anyone; it is then for the caller to tell instead of resolving.
    pub(crate) fn take_teller(&mut self) -> Option<Teller> {
        self.teller.take()
    }

    /// Sets the tag of the record at `index`; those before it without one have 0.
    pub(crate) fn set_tag(&mut self, index: usize, tag: u64) {
        if self.tags.len() <= index {
            self.tags.resize(index + 1, 0);
        }
        self.tags[index] = tag;
    }

    pub(crate) fn take_tags(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.tags)
    }

    pub(crate) fn set_count(&mut self, count: u32) {
        self.count = count;
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Notes whether a broker may have the batch.
    pub(crate) fn set_on_wire(&mut self, on_wire: bool) {
        self.on_wire = on_wire;
    }

    pub(crate) fn at(&self) -> &TopicPartition {
        &self.receipt.at
    }

    pub(crate) fn receipt(&self) -> &Arc<Receipt> {
        &self.receipt
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        if self.resolved {
            return;
        }
        let at = self.receipt.at.clone();
        let error = WriterError::Fatal {
            at,
            cause: Cause::Closed,
            maybe_written: self.on_wire,
        };
        let Some(teller) = self.teller.take() else {
            self.receipt.resolve_piece(self.start, Err(error));
            return;
        };
        let heir = Self {
            receipt: Arc::clone(&self.receipt),
            tags: self.take_tags(),
            teller: None,
            ..*self
        };
        self.resolved = true;
        teller.tell(heir, Err(error), None, None);
    }
}

/// Future of [`Receipt::done`].
#[derive(Debug)]
pub(crate) struct Done {
    receipt: Arc<Receipt>,
    place: Option<Place>,
}

impl Future for Done {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        this.receipt.poll_done(context.waker(), &mut this.place)
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.receipt.forget(place);
        }
    }
}
