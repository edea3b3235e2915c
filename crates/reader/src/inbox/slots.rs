//! Where the fetchers are while nobody works with them: at rest, or away with their fetch on the wire.

use std::collections::BTreeMap;
use std::sync::Arc;

use ekafka_conn::BrokerId;

use super::{Inbox, State};
use crate::fetcher::Fetcher;
use crate::lane::Lane;
use crate::ledger::Cursor;

/// What became of cursors that were sent to a fetcher.
#[derive(Debug)]
pub(crate) enum Sent {
    /// The fetcher was at rest; whoever sent them has to run it.
    Run(Box<Fetcher>),
    /// The fetcher sees it when its answer has come.
    Away,
    /// The broker has no fetcher yet: they wait for the one that is made.
    Unknown,
}

/// What a fetcher finds when it is about to ask.
#[derive(Debug, Default)]
pub(crate) struct Morning {
    /// What to let go of, because its lane has ended.
    pub(crate) dropped: Vec<Arc<Lane>>,
    /// What to read from now on, by the tag of its lane.
    pub(crate) cursors: BTreeMap<u64, Cursor>,
    /// Whether the answer to a fetch that it was called back from has not come yet.
    pub(crate) is_overdue: bool,
}

/// What the shelf keeps for one broker's fetcher.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// For the fetcher: lanes that ended while it had them.
    dropped: Vec<Arc<Lane>>,
    /// For the fetcher: what to read, by the tag of its lane.
    cursors: BTreeMap<u64, Cursor>,
    /// `None` while somebody works with it.
    fetcher: Option<Box<Fetcher>>,
    /// The number that its answer will bring, while a fetch is on the wire.
    awaited: Option<u64>,
    /// The number of a fetch from which the fetcher was called back.
    overdue: Option<u64>,
}

impl Slot {
    /// The fetcher that has nothing to do, or no room.
    fn at_rest(&self) -> Option<&Fetcher> {
        self.fetcher.as_deref().filter(|_| self.awaited.is_none())
    }

    fn take_resting(&mut self) -> Option<Box<Fetcher>> {
        self.fetcher.take_if(|_| self.awaited.is_none())
    }
}

impl Inbox {
    /// Sends cursors to a broker's fetcher.
    pub(crate) fn send(&self, broker: BrokerId, cursors: Vec<Cursor>) -> Sent {
        let mut state = self.lock();
        let known = state.fetchers.contains_key(&broker);
        let slot = state.fetchers.entry(broker).or_default();
        let cursors = cursors.into_iter();
        slot.cursors
            .extend(cursors.map(|cursor| (cursor.lane.tag, cursor)));
        match slot.take_resting() {
            Some(fetcher) => Sent::Run(fetcher),
            None if known => Sent::Away,
            None => Sent::Unknown,
        }
    }

    /// Tells a broker's fetcher, if there is one, that a lane has ended.
    pub(crate) fn send_drop(&self, broker: BrokerId, lane: Arc<Lane>) -> Option<Box<Fetcher>> {
        let mut state = self.lock();
        let slot = state.fetchers.get_mut(&broker)?;
        // A cursor that the fetcher has not seen yet it never will: pauses and seeks do not pile up here.
        if slot.cursors.remove(&lane.tag).is_none() {
            slot.dropped.push(lane);
        }
        slot.take_resting()
    }

    /// Ends a broker's fetcher and returns the cursors that were on their way to it.
    pub(crate) fn remove(&self, broker: BrokerId) -> Vec<Cursor> {
        let slot = self.lock().fetchers.remove(&broker);
        let cursors = slot.map(|slot| slot.cursors).unwrap_or_default();
        cursors.into_values().collect()
    }

    /// What arrived for a broker's fetcher, which is at work.
    pub(crate) fn mail(&self, broker: BrokerId) -> Morning {
        let mut state = self.lock();
        let Some(slot) = state.fetchers.get_mut(&broker) else {
            return Morning::default();
        };
        Morning {
            dropped: std::mem::take(&mut slot.dropped),
            cursors: std::mem::take(&mut slot.cursors),
            is_overdue: slot.overdue.is_some(),
        }
    }

    /// Keeps a fetcher whose fetch goes on the wire now; its answer has to bring the number. `None` when
    /// the reader is closed.
    pub(crate) fn send_off(&self, fetcher: Box<Fetcher>) -> Option<u64> {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            drop(fetcher);
            return None;
        }
        state.fetches += 1;
        let number = state.fetches;
        let slot = state.fetchers.entry(fetcher.broker()).or_default();
        slot.awaited = Some(number);
        slot.fetcher = Some(fetcher);
        Some(number)
    }

    /// The fetcher whose answer has come; `None` when it was called back, or is gone.
    pub(crate) fn answered(&self, broker: BrokerId, number: u64) -> Option<Box<Fetcher>> {
        let mut state = self.lock();
        let slot = state.fetchers.get_mut(&broker)?;
        slot.overdue.take_if(|overdue| *overdue == number);
        slot.awaited.take_if(|awaited| *awaited == number)?;
        slot.fetcher.take()
    }

    /// Calls a fetcher back from its fetch when there are cursors for it, so that it asks for them by
    /// another connection. Its answer will count for nothing. One such answer may be due at a time.
    pub(crate) fn call_back(&self, broker: BrokerId) -> Option<Box<Fetcher>> {
        let mut state = self.lock();
        let slot = state.fetchers.get_mut(&broker)?;
        if !slot.is_recallable() {
            return None;
        }
        slot.overdue = slot.awaited.take();
        slot.fetcher.take()
    }

    /// Whether [`call_back`](Self::call_back) would yield a fetcher.
    pub(crate) fn can_call_back(&self, broker: BrokerId) -> bool {
        let state = self.lock();
        let slot = state.fetchers.get(&broker);
        slot.is_some_and(Slot::is_recallable)
    }

    /// Leaves the fetcher here until there is room or work; returns it at once if there is already. A
    /// fetcher that reads nothing any more ends.
    pub(crate) fn park(&self, fetcher: Box<Fetcher>) -> Option<Box<Fetcher>> {
        let mut state = self.lock();
        let has_room = state.has_room(&fetcher);
        let is_closed = state.is_closed;
        let slot = state.fetchers.entry(fetcher.broker()).or_default();
        let is_done = is_closed || (slot.cursors.is_empty() && fetcher.is_done());
        if is_done {
            state.fetchers.remove(&fetcher.broker());
            drop(state);
            drop(fetcher);
            return None;
        }
        if slot.has_mail() || (has_room && fetcher.is_hungry()) {
            return Some(fetcher);
        }
        slot.fetcher = Some(fetcher);
        None
    }
}

impl State {
    fn has_room(&self, fetcher: &Fetcher) -> bool {
        let fetchers = self.fetchers.len();
        self.budget.has_room(fetcher.wanted(), fetchers)
    }

    /// The fetchers at rest that have both room and something to ask for.
    #[expect(clippy::vec_box, reason = "they move on as they are")]
    pub(super) fn take_runnable(&mut self) -> Vec<Box<Fetcher>> {
        let brokers = self.fetchers.iter().filter(|(_, slot)| {
            let resting = slot.at_rest();
            resting.is_some_and(|one| self.has_room(one) && one.is_hungry())
        });
        let brokers: Vec<BrokerId> = brokers.map(|(broker, _)| *broker).collect();
        let mut runnable = Vec::new();
        for broker in brokers {
            let slot = self.fetchers.get_mut(&broker);
            runnable.extend(slot.and_then(Slot::take_resting));
        }
        runnable
    }
}

impl Slot {
    fn has_mail(&self) -> bool {
        !self.dropped.is_empty() || !self.cursors.is_empty()
    }

    fn is_recallable(&self) -> bool {
        let has_cursors = !self.cursors.is_empty();
        has_cursors && self.overdue.is_none() && self.awaited.is_some() && self.fetcher.is_some()
    }
}
