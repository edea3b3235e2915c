//! The shelf between the network and the application: fetched chunks, events and errors in order, the
//! byte budget, and the fetchers that wait for room or work.
//!
//! The one lock of a reader. Nothing is awaited, dropped or sent under it that could take it again: a
//! chunk that is thrown away leaves the lock first, because its permit comes back through the lock.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use ekafka_conn::BrokerId;
use tokio::sync::Notify;

use crate::error::ReaderError;
use crate::event::Event;
use crate::fetcher::Fetcher;
use crate::lane::Lane;
use crate::ledger::Cursor;
use crate::stats::count_records;
use crate::story::Story;

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

/// The shared shelf.
#[derive(Debug)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    /// One permit when something was put on an empty queue.
    arrived: Notify,
    /// Bytes that may be buffered and asked for together.
    limit: u64,
    /// Messages fetched and not used up, from which on nothing is asked for.
    capacity: u64,
    /// Where events and errors are told in text, if anybody listens.
    story: OnceLock<Story>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Item>,
    /// Bytes buffered or reserved for answers under way.
    used: u64,
    /// Messages in chunks that are not used up.
    messages: u64,
    fetchers: HashMap<BrokerId, Slot>,
    /// The ticket of the event the application is acting on.
    unanswered: Option<u64>,
    /// Counts the application's attempts to take.
    takes: u64,
    /// Whether the application waits for an item.
    is_awaited: bool,
    is_closed: bool,
}

/// What the shelf keeps for one broker's fetcher.
#[derive(Debug, Default)]
struct Slot {
    /// Cursors on their way to the fetcher.
    mail: Vec<Cursor>,
    /// The fetcher, while it has nothing to do or no room.
    parked: Option<Box<Fetcher>>,
}

impl Inbox {
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Notify::new(),
            limit,
            capacity: u64::MAX,
            story: OnceLock::new(),
        }
    }

    /// Bounds the messages too; a fetch under way may bring more.
    pub(crate) fn with_capacity(mut self, messages: u64) -> Self {
        self.capacity = messages.max(1);
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
    }

    /// Bytes buffered or set aside.
    pub(crate) fn used(&self) -> u64 {
        self.lock().used
    }

    /// Messages in chunks that are not used up.
    pub(crate) fn messages(&self) -> u64 {
        self.lock().messages
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
                item => break item,
            }
        };
        if let Some(Item::Event { ticket, .. }) = &item {
            state.unanswered = *ticket;
        }
        state.is_awaited = item.is_none();
        let is_closed = state.is_closed;
        drop(state);
        Taken {
            item,
            answered,
            is_closed,
        }
    }

    /// The next chunk ahead of any change of what is assigned, without answering the event before.
    pub(crate) fn take_chunk(&self) -> Option<Chunk> {
        let mut state = self.lock();
        let is_change = |item: &Item| {
            matches!(
                item,
                Item::Event {
                    event: Event::Assigned(_) | Event::Revoked(_) | Event::Lost(_),
                    ..
                }
            )
        };
        let items = state.queue.iter().take_while(|item| !is_change(item));
        let at = items.enumerate().find_map(|(at, item)| match item {
            Item::Chunk(chunk) if chunk.lane.is_live() => Some(at),
            _ => None,
        });
        match at.and_then(|at| state.queue.remove(at)) {
            Some(Item::Chunk(chunk)) => Some(chunk),
            _ => None,
        }
    }

    /// How often the application asked, and whether it is waiting right now.
    pub(crate) fn attention(&self) -> (u64, bool) {
        let state = self.lock();
        (state.takes, state.is_awaited)
    }

    /// Puts an event or error at the end of the queue.
    pub(crate) fn push(&self, item: Item) {
        if let Some(story) = self.story.get() {
            story.tell_item(&item);
        }
        self.lock().queue.push_back(item);
        self.arrived.notify_one();
    }

    /// Turns a revocation nobody answered into a loss: its offsets can no longer be committed.
    pub(crate) fn lose(&self, ticket: u64) {
        let mut state = self.lock();
        for item in &mut state.queue {
            if let Item::Event { event, ticket: of } = item
                && *of == Some(ticket)
                && let Event::Revoked(partitions) = event
            {
                *event = Event::Lost(std::mem::take(partitions));
                *of = None;
            }
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
        // A fetcher whose answer is still under way ends when it comes.
        let fetchers = std::mem::take(&mut state.fetchers);
        drop(state);
        drop(fetchers);
        self.arrived.notify_one();
    }

    /// Sends cursors to a broker's fetcher, and returns the fetcher if it was waiting for them.
    /// `Err` when the broker has no fetcher yet: the cursors stay for the one that is made.
    pub(crate) fn send(
        &self,
        broker: BrokerId,
        cursors: Vec<Cursor>,
    ) -> Result<Option<Box<Fetcher>>, ()> {
        let mut state = self.lock();
        let known = state.fetchers.contains_key(&broker);
        let slot = state.fetchers.entry(broker).or_default();
        slot.mail.extend(cursors);
        if known {
            Ok(slot.parked.take())
        } else {
            Err(())
        }
    }

    /// Ends a broker's fetcher and returns the cursors that were on their way to it.
    pub(crate) fn remove(&self, broker: BrokerId) -> Vec<Cursor> {
        let slot = self.lock().fetchers.remove(&broker);
        slot.map(|slot| slot.mail).unwrap_or_default()
    }

    /// The cursors that arrived for a broker's fetcher.
    pub(crate) fn mail(&self, broker: BrokerId) -> Vec<Cursor> {
        let mut state = self.lock();
        let slot = state.fetchers.get_mut(&broker);
        slot.map(|slot| std::mem::take(&mut slot.mail))
            .unwrap_or_default()
    }

    /// Sets bytes aside for an answer: at most `wanted`, and a fair share among the fetchers, since one
    /// that waits for a silent broker holds its share. 0 when there is no room.
    pub(crate) fn reserve(&self, wanted: u64) -> u64 {
        let mut state = self.lock();
        if state.is_closed {
            return 0;
        }
        let share = self.share(&state, wanted);
        if !self.has_room(&state, wanted) {
            return 0;
        }
        state.used += share;
        share
    }

    /// Gives back bytes set aside for an answer that did not come.
    pub(crate) fn unreserve(&self, bytes: u64) {
        let mut state = self.lock();
        state.used = state.used.saturating_sub(bytes);
    }

    /// Leaves the fetcher here until there is room or work; returns it at once if there is already. A
    /// fetcher that reads nothing any more ends.
    pub(crate) fn park(&self, fetcher: Box<Fetcher>) -> Option<Box<Fetcher>> {
        let mut state = self.lock();
        let has_room = self.has_room(&state, fetcher.wanted());
        let is_closed = state.is_closed;
        let slot = state.fetchers.entry(fetcher.broker()).or_default();
        let is_done = is_closed || (slot.mail.is_empty() && fetcher.is_done());
        if is_done {
            state.fetchers.remove(&fetcher.broker());
            drop(state);
            drop(fetcher);
            return None;
        }
        if !slot.mail.is_empty() || (has_room && fetcher.is_hungry()) {
            return Some(fetcher);
        }
        slot.parked = Some(fetcher);
        None
    }

    /// Puts an answer's chunks in and replaces the bytes `reserved` for it by what they take.
    pub(crate) fn deliver(self: &Arc<Self>, reserved: u64, chunks: Vec<FetchedChunk>) {
        let mut state = self.lock();
        state.used = state.used.saturating_sub(reserved);
        let was_empty = state.queue.is_empty();
        for fetched in chunks {
            let bytes = fetched.records.len() as u64;
            let messages = count_records(&fetched.records);
            state.used += bytes;
            state.messages += messages;
            fetched.lane.add_buffered(bytes);
            let permit = Permit {
                inbox: Arc::clone(self),
                lane: Arc::clone(&fetched.lane),
                bytes,
                messages,
            };
            state.queue.push_back(Item::Chunk(Chunk {
                lane: fetched.lane,
                records: fetched.records,
                offset: fetched.offset,
                aborted: fetched.aborted,
                permit,
            }));
        }
        let wake = was_empty && !state.queue.is_empty();
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
    }

    fn release(&self, lane: &Lane, bytes: u64, messages: u64) {
        lane.remove_buffered(bytes);
        let mut state = self.lock();
        state.used = state.used.saturating_sub(bytes);
        state.messages = state.messages.saturating_sub(messages);
        let brokers = state.fetchers.iter().filter(|(_, slot)| {
            let parked = slot.parked.as_deref();
            parked.is_some_and(|one| self.has_room(&state, one.wanted()) && one.is_hungry())
        });
        let brokers: Vec<BrokerId> = brokers.map(|(broker, _)| *broker).collect();
        let mut runnable = Vec::new();
        for broker in brokers {
            let slot = state.fetchers.get_mut(&broker);
            runnable.extend(slot.and_then(|slot| slot.parked.take()));
        }
        drop(state);
        for fetcher in runnable {
            fetcher.run();
        }
    }

    /// What a fetcher that wants so many bytes gets.
    fn share(&self, state: &State, wanted: u64) -> u64 {
        let fetchers = state.fetchers.len().max(1) as u64;
        let fair = (self.limit / (2 * fetchers)).max(SMALLEST_SHARE);
        wanted.min(fair).max(1)
    }

    /// Whether the share is free. One answer is always let in, however small the budget.
    fn has_room(&self, state: &State, wanted: u64) -> bool {
        let room = self.limit.saturating_sub(state.used);
        state.used == 0 || (room >= self.share(state, wanted) && state.messages < self.capacity)
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

impl Drop for Permit {
    fn drop(&mut self) {
        self.inbox.release(&self.lane, self.bytes, self.messages);
    }
}

/// Less than this is not worth a fetch.
const SMALLEST_SHARE: u64 = 16 * 1024;
