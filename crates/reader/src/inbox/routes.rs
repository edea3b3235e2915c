//! Items for the streams of single partitions, when a reader was turned into such.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::{FetchedChunk, Inbox, Item, State, notices};
use crate::TopicPartition;
use crate::event::Event;
use crate::lane::Assignment;

/// One stream's share of the shelf.
#[derive(Debug, Default)]
pub(super) struct Route {
    items: VecDeque<Item>,
    /// Whose records it takes; `None` before any came.
    ownership: Option<Arc<Assignment>>,
    waker: Option<Waker>,
    is_closed: bool,
}

impl Inbox {
    /// Puts whatever comes of the partition aside from now on, and what has come already; returns the number
    /// under which it is taken.
    pub(crate) fn open_route(&self, partition: &TopicPartition) -> u64 {
        let mut state = self.lock();
        state.last_route += 1;
        let number = state.last_route;
        let queue = std::mem::take(&mut state.queue);
        let (items, rest) = queue
            .into_iter()
            .partition(|item| of_partition(item) == Some(partition));
        state.queue = rest;
        let route = Route {
            items,
            ..Route::default()
        };
        state.routes.insert(number, route);
        state.routed.insert(partition.clone(), number);
        number
    }

    /// The next item of a route; `None` when there will be no more.
    pub(crate) fn poll_route(&self, number: u64, context: &mut Context<'_>) -> Poll<Option<Item>> {
        let mut dropped = Vec::new();
        let mut state = self.lock();
        let Some(route) = state.routes.get_mut(&number) else {
            return Poll::Ready(None);
        };
        let next = loop {
            match route.items.pop_front() {
                Some(Item::Chunk(chunk)) if !chunk.lane.is_live() => dropped.push(chunk),
                Some(item) => break Poll::Ready(Some(item)),
                None if route.is_closed => break Poll::Ready(None),
                None => {
                    route.waker = Some(context.waker().clone());
                    break Poll::Pending;
                }
            }
        };
        drop(state);
        drop(dropped);
        next
    }

    /// Gives nothing more, and drops what was not taken: the partition is another's.
    pub(crate) fn close_route(&self, number: u64) {
        let mut state = self.lock();
        let closed = state.close_route(number);
        drop(state);
        closed.finish();
    }

    /// Forgets a route whose stream is gone. While its partition is still assigned, what comes stays here, so
    /// that it is neither handed out nor read on.
    pub(crate) fn forget_route(&self, number: u64) {
        let mut state = self.lock();
        let gone = match state.routes.get(&number) {
            Some(route) if route.is_closed => state.routes.remove(&number),
            _ => None,
        };
        drop(state);
        drop(gone);
    }

    /// Has the stream of a route woken by whatever comes next; false when it has ended.
    pub(crate) fn watch_route(&self, number: u64, context: &Context<'_>) -> bool {
        let mut state = self.lock();
        let route = state.routes.get_mut(&number);
        let Some(route) = route.filter(|route| !route.is_closed) else {
            return false;
        };
        route.waker = Some(context.waker().clone());
        true
    }

    /// Waits until the stream of a route may unpack one more batch, or has ended.
    pub(crate) fn poll_unpack(&self, number: u64, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        let is_closed = state
            .routes
            .get(&number)
            .is_none_or(|route| route.is_closed);
        if is_closed || state.budget.may_unpack() {
            return Poll::Ready(());
        }
        let waker = context.waker();
        if let Some(route) = state.routes.get_mut(&number) {
            route.waker = Some(waker.clone());
        }
        if !state.unpackers.iter().any(|one| one.will_wake(waker)) {
            state.unpackers.push(waker.clone());
        }
        Poll::Pending
    }

    /// Copies the parts of an answer that several streams will share, since a stream that stops would keep
    /// the whole answer in memory.
    pub(super) fn part(&self, mut chunks: Vec<FetchedChunk>) -> Vec<FetchedChunk> {
        let is_routed = !self.lock().routed.is_empty();
        let whole: usize = chunks.iter().map(|chunk| chunk.records.len()).sum();
        if is_routed {
            for chunk in &mut chunks {
                if chunk.records.len() < whole / 2 {
                    chunk.records = Bytes::copy_from_slice(&chunk.records);
                }
            }
        }
        chunks
    }
}

impl State {
    /// Puts an item where it belongs; whom to wake for it, if it is a stream.
    pub(super) fn put(&mut self, item: Item) -> Option<Waker> {
        let item = match item {
            Item::Error(error) => self.note(error)?,
            Item::Event {
                event: Event::Lost(partitions),
                ..
            } => self.note_lost(partitions)?,
            item => item,
        };
        let number = of_partition(&item).and_then(|partition| self.routed.get(partition));
        let route = number.and_then(|number| self.routes.get_mut(number));
        let (items, waker) = match route.and_then(|route| route.takes(&item).then_some(route)) {
            Some(route) => (&mut route.items, Some(&mut route.waker)),
            None => (&mut self.queue, None),
        };
        if let Item::Event { event, .. } = &item
            && (notices::absorb(items, event) || notices::is_said(items, event))
        {
            self.superseded += 1;
            return None;
        }
        items.push_back(item);
        waker.and_then(Option::take)
    }

    pub(super) fn take_route_wakers(&mut self) -> Vec<Waker> {
        let routes = self.routes.values_mut();
        routes.filter_map(|route| route.waker.take()).collect()
    }

    /// Ends every stream.
    pub(super) fn close_routes(&mut self) -> Vec<Closed> {
        let numbers: Vec<u64> = self.routes.keys().copied().collect();
        let closed = numbers.into_iter().map(|number| self.close_route(number));
        closed.collect()
    }

    /// What came for a next ownership goes back, behind the event that says so.
    fn close_route(&mut self, number: u64) -> Closed {
        self.routed.retain(|_, routed| *routed != number);
        let route = self.routes.get_mut(&number).map(|route| {
            route.is_closed = true;
            (std::mem::take(&mut route.items), route.waker.take())
        });
        let (items, waker) = route.unwrap_or_default();
        let is_next = |item: &Item| matches!(item, Item::Chunk(chunk) if chunk.lane.is_live());
        let (next, items): (VecDeque<_>, _) = items.into_iter().partition(is_next);
        self.queue.extend(next);
        Closed { items, waker }
    }
}

impl Route {
    /// Whether an item is for this stream, and not for the one after the partition was lost and won again.
    fn takes(&mut self, item: &Item) -> bool {
        let Item::Chunk(chunk) = item else {
            return true;
        };
        let assignment = &chunk.lane.assignment;
        let own = self.ownership.get_or_insert_with(|| Arc::clone(assignment));
        own.is_one_with(assignment)
    }
}

/// What a closed route leaves: it is dropped and woken without the lock.
#[derive(Debug)]
pub(super) struct Closed {
    items: VecDeque<Item>,
    waker: Option<Waker>,
}

impl Closed {
    pub(super) fn finish(self) {
        drop(self.items);
        if let Some(waker) = self.waker {
            waker.wake();
        }
    }
}

/// The partition whose stream takes the item; `None` for what concerns the whole reader.
fn of_partition(item: &Item) -> Option<&TopicPartition> {
    match item {
        Item::Chunk(chunk) => Some(chunk.lane.partition()),
        Item::Event { event, .. } => event.moved(),
        Item::Error(_) => None,
    }
}
