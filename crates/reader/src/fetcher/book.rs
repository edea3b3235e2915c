//! A fetcher's cursors by topic, and what the broker already knows of them.
//!
//! Nothing here looks at every partition for an answer: those that an answer, the application or control
//! changed are on a list, and those whose lane is full on another. A partition's page is found by one look
//! into its topic's table and keeps its place, so that thousands of idle ones do not make it slower to reach.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hint::black_box;
use std::sync::Arc;

use ekafka_protocol::messages::{FetchPartition, FetchTopic, FetchedTopic, ForgottenTopic};
use ekafka_protocol::{StrBytes, Uuid};

use super::BatchSizes;
use crate::lane::Lane;
use crate::ledger::Cursor;

#[cfg(test)]
mod tests;

/// The cursors one fetcher reads.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Never shrinks, so that an index stays what it is.
    topics: Vec<Topic>,
    /// A topic that was deleted and made again has two ids, and two places in `topics`.
    by_name: HashMap<Arc<str>, Vec<usize>>,
    by_id: HashMap<Uuid, usize>,
    /// Never shrinks; those that no topic has are in `free`.
    pages: Vec<Page>,
    free: Vec<At>,
    /// Pages that the next request may have to name or to forget.
    changed: Vec<At>,
    /// Pages with a cursor whose lane was full when last looked at.
    full: Vec<At>,
    /// Pages with a cursor.
    cursors: usize,
    /// Those of topics without an id.
    nameless: usize,
    /// How large batches are in general, for partitions of which none has come yet.
    sizes: BatchSizes,
    /// Whether a partition came while the broker may know it of another topic of that name. A request without ids would
    /// name and forget the same partition.
    is_mixed: bool,
    /// Requests made, by which the order of topics and partitions turns.
    round: usize,
    /// Pages looked at by anything.
    #[cfg(test)]
    looks: usize,
}

/// A page's place in the book.
pub(crate) type At = usize;

/// The cursors of one topic.
#[derive(Debug)]
struct Topic {
    /// As requests carry it.
    name: StrBytes,
    id: Uuid,
    /// By partition.
    pages: HashMap<i32, At>,
}

/// One partition. Without a cursor it only remembers that the broker has to forget it.
#[derive(Debug, Default)]
struct Page {
    /// In `topics`.
    topic: usize,
    partition: i32,
    cursor: Option<Cursor>,
    /// What the broker's session holds; `None` when it does not know the partition.
    sent: Option<FetchPartition>,
    /// Whether it is on the list of those that changed.
    is_changed: bool,
    /// Whether it is on the list of those that are full.
    is_full: bool,
}

/// What holds for each partition of one request.
#[derive(Debug, Clone, Copy)]
struct Terms {
    /// Bytes of one partition at most.
    partition_max: i32,
    /// For partitions whose own batch sizes are unknown.
    sizes: BatchSizes,
}

/// The partitions of one request.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) topics: Vec<FetchTopic>,
    pub(crate) forgotten: Vec<ForgottenTopic>,
    /// Cursors that were not asked for because their lane is full.
    pub(crate) left_out: usize,
}

impl Book {
    /// Takes a cursor in; one that comes again replaces its predecessor.
    pub(crate) fn add(&mut self, cursor: Cursor) {
        let partition = cursor.lane.partition().partition;
        let topic = self.topic(&cursor);
        let named = self.by_name.get(&cursor.lane.partition().topic);
        let mut others = named.into_iter().flatten().filter(|one| **one != topic);
        self.is_mixed |= others.any(|one| self.topics[*one].pages.contains_key(&partition));
        let at = self.place(topic, partition);
        let is_nameless = cursor.topic_id.is_nil();
        if self.pages[at].cursor.replace(cursor).is_none() {
            self.cursors += 1;
            self.nameless += usize::from(is_nameless);
        }
        self.note_change(at);
    }

    /// Lets go of the cursor of a lane that has ended, if it is still here.
    pub(crate) fn drop_lane(&mut self, lane: &Lane) {
        let partition = lane.partition();
        let topics = self.by_name.get(&partition.topic);
        for index in topics.cloned().unwrap_or_default() {
            let at = self.topics[index].pages.get(&partition.partition).copied();
            let is_its = |at: &At| {
                let cursor = self.pages[*at].cursor.as_ref();
                cursor.is_some_and(|cursor| cursor.lane.tag == lane.tag)
            };
            if let Some(at) = at.filter(is_its) {
                self.take(at);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cursors == 0
    }

    /// Whether a lane has fewer than `limit` unread bytes. Exact after [`settle`](Self::settle), and as the
    /// application reads on after it.
    pub(crate) fn has_hungry(&self, limit: u64) -> bool {
        let mut full = self.full.iter();
        self.cursors > self.full.len() || full.any(|at| self.pages[*at].has_room(limit))
    }

    /// Notices which lanes have filled up, and which have room again.
    pub(crate) fn settle(&mut self, limit: u64) {
        let full = std::mem::take(&mut self.full);
        #[cfg(test)]
        {
            self.looks += full.len() + self.changed.len();
        }
        for at in full {
            if self.pages[at].has_room(limit) {
                self.pages[at].is_full = false;
                self.note_change(at);
            } else {
                self.full.push(at);
            }
        }
        for at in &self.changed {
            let page = &mut self.pages[*at];
            if page.cursor.is_some() && !page.is_full && !page.has_room(limit) {
                page.is_full = true;
                self.full.push(*at);
            }
        }
    }

    /// Whether every topic that is read has an id.
    pub(crate) fn has_ids(&self) -> bool {
        self.nameless == 0
    }

    /// Whether the next request must be a full one.
    pub(crate) fn is_mixed(&self) -> bool {
        self.is_mixed
    }

    /// The partitions to name in the next request: all in a full one, else those that changed. Lanes that
    /// were full when the book was settled are left out.
    pub(crate) fn ask(&mut self, is_full: bool, partition_max: i32) -> Asked {
        self.round = self.round.wrapping_add(1);
        let terms = Terms {
            partition_max,
            sizes: self.sizes,
        };
        let candidates = if is_full {
            self.begin_anew()
        } else {
            self.take_changed()
        };
        #[cfg(test)]
        {
            self.looks += candidates.len();
        }
        let mut asked = Asked {
            left_out: self.full.len(),
            ..Asked::default()
        };
        for at in candidates {
            self.ask_for(at, &terms, &mut asked);
        }
        asked
    }

    /// Notes the largest batch that came for any partition.
    pub(crate) fn note_size(&mut self, largest: usize) {
        let was_known = self.sizes.is_known();
        self.sizes.note(largest);
        if !was_known && self.sizes.is_known() {
            // Every partition is named once more, with a limit that cuts no batch.
            for at in 0..self.pages.len() {
                if self.pages[at].cursor.is_some() {
                    self.note_change(at);
                }
            }
        }
    }

    /// Where the partitions that an answer speaks of are, by name or by id.
    ///
    /// What of each is needed next is touched here: of many partitions little is in the processor's cache, and so
    /// the waits for memory overlap.
    pub(crate) fn locate(&self, answered: &FetchedTopic) -> Vec<Option<At>> {
        let topics = self.answered(answered);
        let partitions = answered.partitions.iter();
        let places = partitions.map(|one| {
            let pages = topics.iter().filter_map(|topic| {
                let pages = &self.topics[*topic].pages;
                pages.get(&one.partition_index).copied()
            });
            let mut read = pages.filter(|at| {
                let cursor = self.pages[*at].cursor.as_ref();
                black_box(cursor.map(|cursor| cursor.lane.buffered())).is_some()
            });
            read.next()
        });
        places.collect()
    }

    /// The cursor at a place. It may be moved.
    pub(crate) fn find(&mut self, at: At) -> Option<&mut Cursor> {
        self.note_change(at);
        self.pages[at].cursor.as_mut()
    }

    /// Gives up the cursor at a place.
    pub(crate) fn take(&mut self, at: At) -> Option<Cursor> {
        let page = &mut self.pages[at];
        let cursor = page.cursor.take()?;
        self.cursors -= 1;
        self.nameless -= usize::from(cursor.topic_id.is_nil());
        if std::mem::take(&mut page.is_full) {
            self.full.retain(|one| *one != at);
        }
        self.note_change(at);
        Some(cursor)
    }

    /// Gives up every cursor, and what the broker knows of them.
    pub(crate) fn take_all(&mut self) -> Vec<Cursor> {
        let pages = std::mem::take(self).pages.into_iter();
        pages.filter_map(|page| page.cursor).collect()
    }

    /// All pages in turned order, with nothing known to the broker: one without sessions serves the first
    /// partitions first.
    fn begin_anew(&mut self) -> Vec<At> {
        self.is_mixed = false;
        for at in std::mem::take(&mut self.changed) {
            self.pages[at].is_changed = false;
            self.release_empty(at);
        }
        let mut indexes: Vec<usize> = (0..self.topics.len()).collect();
        indexes.rotate_left(self.round % self.topics.len().max(1));
        let mut pages = Vec::with_capacity(self.cursors);
        for index in indexes {
            let mut partitions: Vec<(&i32, &At)> = self.topics[index].pages.iter().collect();
            partitions.sort_unstable();
            let turn = self.round % partitions.len().max(1);
            partitions.rotate_left(turn);
            pages.extend(partitions.into_iter().map(|(_, at)| *at));
        }
        for at in &pages {
            self.pages[*at].sent = None;
        }
        pages
    }

    fn take_changed(&mut self) -> Vec<At> {
        let mut changed = std::mem::take(&mut self.changed);
        for at in &changed {
            self.pages[*at].is_changed = false;
        }
        changed.sort_unstable_by_key(|at| (self.pages[*at].topic, self.pages[*at].partition));
        changed
    }

    /// Adds what has to be said of a page; those of one topic come one after another.
    fn ask_for(&mut self, at: At, terms: &Terms, asked: &mut Asked) {
        let page = &mut self.pages[at];
        let topic = &self.topics[page.topic];
        let wanted = page.wanted(terms);
        if wanted != page.sent {
            page.sent = wanted;
            match wanted {
                Some(wanted) => topic.name(wanted, asked),
                None => topic.forget(page.partition, asked),
            }
        }
        self.release_empty(at);
    }

    fn note_change(&mut self, at: At) {
        #[cfg(test)]
        {
            self.looks += 1;
        }
        if !std::mem::replace(&mut self.pages[at].is_changed, true) {
            self.changed.push(at);
        }
    }

    /// The topic that an answer speaks of, by its id, or those of its name.
    fn answered(&self, topic: &FetchedTopic) -> &[usize] {
        if topic.topic.is_empty() {
            let one = self.by_id.get(&topic.topic_id);
            one.map_or(&[], std::slice::from_ref)
        } else {
            self.by_name.get(&*topic.topic).map_or(&[], Vec::as_slice)
        }
    }

    /// The partition's page, which is made if there is none.
    fn place(&mut self, topic: usize, partition: i32) -> At {
        let entry = match self.topics[topic].pages.entry(partition) {
            Entry::Occupied(known) => return *known.get(),
            Entry::Vacant(entry) => entry,
        };
        let at = self.free.pop().unwrap_or(self.pages.len());
        entry.insert(at);
        let page = Page {
            topic,
            partition,
            ..Page::default()
        };
        if at == self.pages.len() {
            self.pages.push(page);
        } else {
            self.pages[at] = page;
        }
        at
    }

    /// Frees a page that has neither a cursor nor anything to tell the broker.
    fn release_empty(&mut self, at: At) {
        let page = &self.pages[at];
        if page.cursor.is_none() {
            self.topics[page.topic].pages.remove(&page.partition);
            self.free.push(at);
        }
    }

    fn topic(&mut self, cursor: &Cursor) -> usize {
        let name = &cursor.lane.partition().topic;
        let named = self.by_name.entry(Arc::clone(name)).or_default();
        let same = |index: &&usize| self.topics[**index].id == cursor.topic_id;
        if let Some(known) = named.iter().find(same) {
            return *known;
        }
        let index = self.topics.len();
        named.push(index);
        self.by_id.insert(cursor.topic_id, index);
        self.topics.push(Topic {
            name: StrBytes::from_string(name.to_string()),
            id: cursor.topic_id,
            pages: HashMap::new(),
        });
        index
    }
}

impl Topic {
    fn name(&self, partition: FetchPartition, asked: &mut Asked) {
        match asked.topics.last_mut() {
            Some(last) if last.topic_id == self.id && last.topic == self.name => {
                last.partitions.push(partition);
            }
            _ => asked.topics.push(FetchTopic {
                topic: self.name.clone(),
                topic_id: self.id,
                partitions: vec![partition],
            }),
        }
    }

    fn forget(&self, partition: i32, asked: &mut Asked) {
        match asked.forgotten.last_mut() {
            Some(last) if last.topic_id == self.id && last.topic == self.name => {
                last.partitions.push(partition);
            }
            _ => asked.forgotten.push(ForgottenTopic {
                topic: self.name.clone(),
                topic_id: self.id,
                partitions: vec![partition],
            }),
        }
    }
}

impl Page {
    fn has_room(&self, limit: u64) -> bool {
        let cursor = self.cursor.as_ref();
        cursor.is_some_and(|cursor| cursor.lane.buffered() < limit)
    }

    /// What the broker should hold for the partition now; `None` when it should not read it.
    fn wanted(&self, terms: &Terms) -> Option<FetchPartition> {
        let cursor = self.cursor.as_ref()?;
        if self.is_full {
            return None;
        }
        let sizes = if cursor.sizes.is_known() {
            cursor.sizes
        } else {
            terms.sizes
        };
        let wanted = FetchPartition {
            partition: self.partition,
            current_leader_epoch: cursor.leader_epoch,
            fetch_offset: cursor.offset,
            partition_max_bytes: sizes.limit(terms.partition_max),
            ..FetchPartition::default()
        };
        // A better limit alone is no reason to name an idle partition again, except the first time.
        let is_limited = |sent: &FetchPartition| sent.partition_max_bytes < terms.partition_max;
        let kept = self.sent.filter(is_limited).filter(|sent| {
            FetchPartition {
                partition_max_bytes: wanted.partition_max_bytes,
                ..*sent
            } == wanted
        });
        Some(kept.unwrap_or(wanted))
    }
}
