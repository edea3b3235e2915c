//! The shelf between the network and the application: fetched chunks, events and errors in order, the
//! byte budget, and the fetchers that wait for room or work.
//!
//! Chunks are bounded by the budget, events and errors by what they may be about: of two about the same that
//! the application has not taken, one is left.
//!
//! The one lock of a reader. Nothing is awaited, dropped or sent under it that could take it again: a
//! chunk that is thrown away leaves the lock first, because its permit comes back through the lock.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use ekafka_conn::BrokerId;
use tokio::sync::Notify;

use crate::TopicPartition;
use crate::error::{ReaderError, Subject};
use crate::event::Event;
use crate::lane::Lane;
use crate::stats::survey;
use crate::story::{self, Story};

use budget::Budget;
use routes::Route;
pub(crate) use slots::Sent;
use slots::Slot;

mod budget;
mod notices;
mod routes;
mod slots;
#[cfg(test)]
mod tests;

/// Records of one partition as one fetch brought them.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) lane: Arc<Lane>,
    /// Whole batches, as stored by the broker.
    pub(crate) records: Bytes,
    /// The offset asked for: records below it lie in the first batch and are skipped.
    pub(crate) offset: i64,
    /// Aborted transactions as (producer id, first offset); empty under read-uncommitted.
    pub(crate) aborted: Vec<(i64, i64)>,
    /// Returns the bytes to the budget when the chunk is used up.
    pub(crate) permit: Permit,
}

/// What the application takes next.
#[derive(Debug)]
pub(crate) enum Item {
    Chunk(Chunk),
    /// `ticket` is set when control waits for the answer.
    Event {
        event: Event,
        ticket: Option<u64>,
    },
    Error(ReaderError),
}

/// What an attempt to take found.
#[derive(Debug)]
pub(crate) struct Taken {
    /// `None` when there is nothing yet.
    pub(crate) item: Option<Item>,
    /// The event that this attempt answers.
    pub(crate) answered: Option<u64>,
    /// Whether nothing will ever follow.
    pub(crate) is_closed: bool,
}

/// Bytes of the budget, given back on drop.
#[derive(Debug)]
pub(crate) struct Permit {
    inbox: Arc<Inbox>,
    lane: Arc<Lane>,
    bytes: u64,
    messages: u64,
}

/// Bytes that an opened batch takes beside those it was unpacked from, given back on drop.
#[derive(Debug)]
pub(crate) struct Unpacked {
    inbox: Arc<Inbox>,
    bytes: u64,
}

/// The shared shelf.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// One permit when something was put on an empty queue.
    arrived: Notify,
    /// Where events and errors are told in text, if anybody listens.
    story: OnceLock<Story>,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Item>,
    /// What the errors in the queue are about, and for each the newest that came since.
    errors: HashMap<Subject, Option<ReaderError>>,
    /// Events and errors in whose place another one is told, since they were last asked for.
    superseded: u64,
    /// Queues of single partitions, by number.
    routes: HashMap<u64, Route>,
    /// The route of each partition that has one.
    routed: HashMap<TopicPartition, u64>,
    last_route: u64,
    /// Who waits for leave to unpack.
    unpackers: Vec<Waker>,
    budget: Budget,
    fetchers: HashMap<BrokerId, Slot>,
    /// Fetches sent so far.
    fetches: u64,
    /// The ticket of the event the application is acting on.
    unanswered: Option<u64>,
    /// Counts the application's attempts to take, and how often it woke from waiting.
    takes: u64,
    is_closed: bool,
}

impl Inbox {
    /// A shelf for so many bytes.
    pub(crate) fn new(limit: u64) -> Self {
        let state = State {
            queue: VecDeque::new(),
            errors: HashMap::new(),
            superseded: 0,
            routes: HashMap::new(),
            routed: HashMap::new(),
            last_route: 0,
            unpackers: Vec::new(),
            budget: Budget::new(limit),
            fetchers: HashMap::new(),
            fetches: 0,
            unanswered: None,
            takes: 0,
            is_closed: false,
        };
        Self {
            state: Mutex::new(state),
            arrived: Notify::new(),
            story: OnceLock::new(),
        }
    }

    /// Bounds the messages too; a fetch under way may bring more.
    pub(crate) fn with_capacity(self, messages: u64) -> Self {
        self.lock().budget.set_capacity(messages);
        self
    }

    /// Tells events and errors from now on.
    pub(crate) fn narrate(&self, story: Story) {
        // Set once, when the reader begins.
        let _ = self.story.set(story);
    }

    /// Waits until something may have arrived since the last call.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
        self.lock().takes += 1;
    }

    /// Wakes whoever waits for anything, to look again.
    pub(crate) fn remind(&self) {
        let wakers = self.lock().take_route_wakers();
        for waker in wakers {
            waker.wake();
        }
        self.arrived.notify_one();
    }

    /// Bytes buffered, unpacked or set aside.
    pub(crate) fn used(&self) -> u64 {
        self.lock().budget.held()
    }

    /// Messages in chunks that are not used up.
    pub(crate) fn messages(&self) -> u64 {
        self.lock().budget.messages()
    }

    /// Events and errors that were told as part of another one since the last call.
    pub(crate) fn take_superseded(&self) -> u64 {
        std::mem::take(&mut self.lock().superseded)
    }

    /// The next item for the application; asking answers the event taken before.
    pub(crate) fn take(&self) -> Taken {
        let mut state = self.lock();
        state.takes += 1;
        let answered = state.unanswered.take();
        let mut dropped = Vec::new();
        let item = loop {
            match state.queue.pop_front() {
                Some(Item::Chunk(chunk)) if !chunk.lane.is_live() => dropped.push(chunk),
                Some(Item::Error(error)) => break Some(state.newest(error)),
                item => break item,
            }
        };
        if let Some(Item::Event { ticket, .. }) = &item {
            state.unanswered = *ticket;
        }
        let is_closed = state.is_closed;
        drop(state);
        Taken {
            item,
            answered,
            is_closed,
        }
    }

    /// How often the application asked. One that waits asks again when it is [reminded](Self::remind).
    pub(crate) fn takes(&self) -> u64 {
        self.lock().takes
    }

    /// Puts an event or error at the end of the queue.
    pub(crate) fn push(&self, item: Item) {
        story::trace(&item);
        if let Some(story) = self.story.get() {
            story.tell_item(&item);
        }
        let waker = self.lock().put(item);
        match waker {
            Some(waker) => waker.wake(),
            None => self.arrived.notify_one(),
        }
    }

    /// Turns a revocation nobody answered into a loss: its offsets can no longer be committed.
    pub(crate) fn lose(&self, ticket: u64) {
        let mut state = self.lock();
        let mut lost = Vec::new();
        state.queue.retain_mut(|item| match item {
            Item::Event {
                event: Event::Revoked(partitions),
                ticket: of,
            } if *of == Some(ticket) => {
                lost = std::mem::take(partitions);
                false
            }
            _ => true,
        });
        if !lost.is_empty() {
            let event = Event::Lost(lost);
            state.put(Item::Event {
                event,
                ticket: None,
            });
        }
        if state.unanswered == Some(ticket) {
            state.unanswered = None;
        }
    }

    /// Throws away chunks whose lane is frozen.
    pub(crate) fn discard_frozen(&self) {
        let mut state = self.lock();
        let (keep, dropped): (VecDeque<Item>, VecDeque<Item>) = std::mem::take(&mut state.queue)
            .into_iter()
            .partition(|item| !matches!(item, Item::Chunk(chunk) if !chunk.lane.is_live()));
        state.queue = keep;
        drop(state);
        drop(dropped);
    }

    /// Nothing will be put in any more; what is queued can still be taken.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        // A fetcher that somebody works with ends when it comes back.
        let fetchers = std::mem::take(&mut state.fetchers);
        let routes = state.close_routes();
        drop(state);
        drop(fetchers);
        for route in routes {
            route.finish();
        }
        self.arrived.notify_one();
    }

    /// Sets bytes aside for an answer of at most `wanted`. 0 when there is no room.
    pub(crate) fn reserve(&self, wanted: u64) -> u64 {
        let state = &mut *self.lock();
        if state.is_closed {
            return 0;
        }
        state.budget.reserve(wanted, state.fetchers.len())
    }

    /// Gives back bytes set aside for an answer that did not come.
    pub(crate) fn unreserve(&self, bytes: u64) {
        self.lock().budget.unreserve(bytes);
    }

    /// Puts an answer's chunks in and replaces the bytes `reserved` for it by what they take.
    pub(crate) fn deliver(self: &Arc<Self>, reserved: u64, chunks: Vec<FetchedChunk>) {
        let chunks = self.part(chunks);
        let mut wakers = Vec::new();
        let mut state = self.lock();
        state.budget.unreserve(reserved);
        let was_empty = state.queue.is_empty();
        for fetched in chunks {
            let bytes = fetched.records.len() as u64;
            let (messages, is_packed) = survey(&fetched.records);
            state.budget.add(bytes, messages, is_packed);
            fetched.lane.add_buffered(bytes);
            let permit = Permit {
                inbox: Arc::clone(self),
                lane: Arc::clone(&fetched.lane),
                bytes,
                messages,
            };
            wakers.extend(state.put(Item::Chunk(Chunk {
                lane: fetched.lane,
                records: fetched.records,
                offset: fetched.offset,
                aborted: fetched.aborted,
                permit,
            })));
        }
        let wake = was_empty && !state.queue.is_empty();
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
        for waker in wakers {
            waker.wake();
        }
    }

    /// Charges `bytes` that a compressed batch was unpacked to.
    pub(crate) fn unpack(self: &Arc<Self>, bytes: u64) -> Unpacked {
        self.lock().budget.unpack(bytes);
        Unpacked {
            inbox: Arc::clone(self),
            bytes,
        }
    }

    /// Gives bytes back, and sends on the fetchers that waited for them.
    fn release(&self, give_back: impl FnOnce(&mut Budget)) {
        let mut state = self.lock();
        give_back(&mut state.budget);
        let runnable = state.take_runnable();
        let wakers = if state.budget.may_unpack() {
            std::mem::take(&mut state.unpackers)
        } else {
            Vec::new()
        };
        drop(state);
        for waker in wakers {
            waker.wake();
        }
        for fetcher in runnable {
            fetcher.run();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A chunk before it has its permit.
#[derive(Debug)]
pub(crate) struct FetchedChunk {
    pub(crate) lane: Arc<Lane>,
    pub(crate) records: Bytes,
    pub(crate) offset: i64,
    pub(crate) aborted: Vec<(i64, i64)>,
}

impl Permit {
    /// The shelf the bytes belong to.
    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (bytes, messages) = (self.bytes, self.messages);
        self.lane.remove_buffered(bytes);
        self.inbox.release(|budget| budget.remove(bytes, messages));
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        self.inbox.release(|budget| budget.repack(self.bytes));
    }
}
