//! Events and errors in line, bounded by what they may be about, however long the application takes none.
//!
//! Of two errors about the same the newer takes the place of the older. Two moves of a position with no records
//! between them become one. Partitions that are lost before the application heard of them are not told at all.
//! An event that control waits for is the only one of its kind.

use std::collections::hash_map::Entry;
use std::collections::{HashSet, VecDeque};

use super::{Item, State};
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::event::Event;

impl State {
    /// An error as it is queued; `None` when one about the same is, in whose place it will be taken.
    pub(super) fn note(&mut self, error: ReaderError) -> Option<Item> {
        match self.errors.entry(error.subject()) {
            Entry::Occupied(mut queued) => {
                queued.insert(Some(error));
                self.superseded += 1;
                None
            }
            Entry::Vacant(first) => {
                first.insert(None);
                Some(Item::Error(error))
            }
        }
    }

    /// The newest error about the same as one that was queued.
    pub(super) fn newest(&mut self, queued: ReaderError) -> Item {
        let newer = self.errors.remove(&queued.subject());
        Item::Error(newer.flatten().unwrap_or(queued))
    }

    /// A loss as it is queued: without the partitions whose assignment the application has not taken, which is
    /// taken back. `None` when nothing is left to tell.
    pub(super) fn note_lost(&mut self, lost: Vec<TopicPartition>) -> Option<Item> {
        let all: HashSet<&TopicPartition> = lost.iter().collect();
        let mut untold = HashSet::new();
        self.queue.retain_mut(|item| {
            let Item::Event {
                event: Event::Assigned(given),
                ..
            } = item
            else {
                return true;
            };
            let before = given.len();
            given.retain(|partition| {
                let is_lost = all.contains(partition);
                if is_lost {
                    untold.insert(partition.clone());
                }
                !is_lost
            });
            before == 0 || !given.is_empty()
        });
        if untold.is_empty() {
            return Some(lost_item(lost));
        }
        self.superseded += 1;
        let told = lost.into_iter().filter(|one| !untold.contains(one));
        let told: Vec<TopicPartition> = told.collect();
        (!told.is_empty()).then(|| lost_item(told))
    }
}

fn lost_item(partitions: Vec<TopicPartition>) -> Item {
    Item::Event {
        event: Event::Lost(partitions),
        ticket: None,
    }
}

/// Makes the move that was queued last one with a newer move of the same position; false when there is none, or
/// records of the partition are handed out between the two.
pub(super) fn absorb(items: &mut VecDeque<Item>, newer: &Event) -> bool {
    let Some(partition) = newer.moved() else {
        return false;
    };
    for item in items.iter_mut().rev() {
        match item {
            Item::Chunk(chunk) => {
                if chunk.lane.is_live() && chunk.lane.partition() == partition {
                    return false;
                }
            }
            Item::Error(_) => {}
            Item::Event { event, .. } => match event.moved() {
                Some(of) if of == partition => {
                    *event = joined(event, newer);
                    return true;
                }
                Some(_) => {}
                // The partition may have changed hands.
                None => return false,
            },
        }
    }
    false
}

/// Whether the newer event says again what the last item in line says: that there are no partitions.
pub(super) fn is_said(items: &VecDeque<Item>, newer: &Event) -> bool {
    let is_empty = |event: &Event| matches!(event, Event::Assigned(given) if given.is_empty());
    let last = items.back();
    is_empty(newer) && matches!(last, Some(Item::Event { event, .. }) if is_empty(event))
}

/// Two moves as one: from where the first began to where the second went.
fn joined(first: &Event, second: &Event) -> Event {
    let (
        Event::OutOfRange { from, .. } | Event::Truncated { from, .. },
        Event::OutOfRange { partition, to, .. } | Event::Truncated { partition, to, .. },
    ) = (first, second)
    else {
        return second.clone();
    };
    let (partition, from, to) = (partition.clone(), *from, *to);
    match (first, second) {
        (Event::OutOfRange { .. }, Event::OutOfRange { .. }) => Event::OutOfRange {
            partition,
            from,
            to,
        },
        _ => Event::Truncated {
            partition,
            from,
            to,
        },
    }
}
