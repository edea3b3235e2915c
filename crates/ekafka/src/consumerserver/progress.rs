//! Which messages are done, and up to where that can be committed.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Per partition, what was begun in order of offsets, and whether it is done.
#[derive(Debug)]
pub(super) struct Progress<M> {
    partitions: HashMap<Place, VecDeque<Entry<M>>>,
}

/// A topic's name and a partition's number.
pub(super) type Place = (Arc<str>, i32);

#[derive(Debug)]
struct Entry<M> {
    offset: i64,
    /// There once it is done.
    done: Option<M>,
}

impl<M> Progress<M> {
    pub(super) fn new() -> Self {
        Self {
            partitions: HashMap::new(),
        }
    }

    /// A message was taken. When the partition is read again from an earlier offset, what was begun before does not count.
    pub(super) fn begin(&mut self, place: &Place, offset: i64) {
        let entries = self.partitions.entry(place.clone()).or_default();
        if entries.back().is_some_and(|last| last.offset >= offset) {
            entries.clear();
        }
        entries.push_back(Entry { offset, done: None });
    }

    /// A message is done. Returns the last one of those from the first on that are all done: it can be committed.
    pub(super) fn finish(&mut self, place: &Place, offset: i64, message: M) -> Option<M> {
        let entries = self.partitions.get_mut(place)?;
        let index = entries
            .binary_search_by_key(&offset, |entry| entry.offset)
            .ok()?;
        entries.get_mut(index)?.done = Some(message);
        let mut last = None;
        while entries.front().is_some_and(|entry| entry.done.is_some()) {
            last = entries.pop_front().and_then(|entry| entry.done);
        }
        last
    }

    /// A message that was taken will not be handled here.
    pub(super) fn forget(&mut self, place: &Place) {
        self.partitions.remove(place);
    }
}
