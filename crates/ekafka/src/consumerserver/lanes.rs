//! Which messages may be handled now, when some have to wait for others.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Messages waiting in lanes. Of each lane one is handled at a time, of all lanes so many.
#[derive(Debug)]
pub(super) struct Lanes<L, M> {
    /// Those with a message being handled, and what waits behind it.
    busy: HashMap<L, VecDeque<M>>,
    /// Lanes that could start if there were room, in order of arrival.
    ready: VecDeque<(L, M)>,
    running: usize,
    waiting: usize,
    limit: usize,
}

impl<L: Clone + Eq + Hash, M> Lanes<L, M> {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            busy: HashMap::new(),
            ready: VecDeque::new(),
            running: 0,
            waiting: 0,
            limit,
        }
    }

    /// Whether another message should be taken: so that a lane that is slow does not keep others from work, some may wait.
    pub(super) fn has_room(&self) -> bool {
        self.running + self.waiting < self.limit.saturating_mul(AHEAD)
    }

    pub(super) fn running(&self) -> usize {
        self.running
    }

    /// Adds a message behind those of its lane.
    pub(super) fn add(&mut self, lane: L, message: M) {
        self.waiting += 1;
        match self.busy.get_mut(&lane) {
            Some(behind) => behind.push_back(message),
            None => {
                self.busy.insert(lane.clone(), VecDeque::new());
                self.ready.push_back((lane, message));
            }
        }
    }

    /// The next message to handle, if there is room for one.
    pub(super) fn start(&mut self) -> Option<(L, M)> {
        if self.running == self.limit {
            return None;
        }
        let next = self.ready.pop_front()?;
        self.running += 1;
        self.waiting -= 1;
        Some(next)
    }

    /// The message that was being handled in a lane is done.
    pub(super) fn finish(&mut self, lane: &L) {
        self.running -= 1;
        match self.busy.get_mut(lane).and_then(VecDeque::pop_front) {
            Some(next) => self.ready.push_back((lane.clone(), next)),
            None => {
                self.busy.remove(lane);
            }
        }
    }

    /// Lets everything that waits go.
    pub(super) fn clear(&mut self) {
        for (lane, _) in std::mem::take(&mut self.ready) {
            self.busy.remove(&lane);
        }
        for behind in self.busy.values_mut() {
            behind.clear();
        }
        self.waiting = 0;
    }
}

/// Messages taken for each handler that may run.
const AHEAD: usize = 8;
