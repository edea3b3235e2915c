//! A fetcher's cursors by topic, and what the broker already knows of them.
//!
//! Nothing here looks at every partition for an answer: those that an answer, the application or control
//! changed are on a list, and those whose lane is full on another.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ekafka_protocol::messages::{FetchPartition, FetchTopic, ForgottenTopic};
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
    /// Requests made, by which the order of topics and partitions turns.
    round: usize,
    /// Pages looked at by `settle` and `ask`.
    #[cfg(test)]
    looks: usize,
}

/// A topic's place in the book, and a partition.
type At = (usize, i32);

/// The cursors of one topic.
#[derive(Debug)]
struct Topic {
    /// As requests carry it.
    name: StrBytes,
    id: Uuid,
    pages: BTreeMap<i32, Page>,
}

/// One partition. Without a cursor it only remembers that the broker has to forget it.
#[derive(Debug, Default)]
struct Page {
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
        let index = self.topic(&cursor);
        let page = self.topics[index].pages.entry(partition).or_default();
        let is_nameless = cursor.topic_id.is_nil();
        if page.cursor.replace(cursor).is_none() {
            self.cursors += 1;
            self.nameless += usize::from(is_nameless);
        }
        self.note_change((index, partition));
    }

    /// Lets go of the cursor of a lane that has ended, if it is still here.
    pub(crate) fn drop_lane(&mut self, lane: &Lane) {
        let partition = lane.partition();
        let topics = self.by_name.get(&partition.topic);
        for index in topics.cloned().unwrap_or_default() {
            let pages = &self.topics[index].pages;
            let cursor = pages
                .get(&partition.partition)
                .and_then(|page| page.cursor.as_ref());
            if cursor.is_some_and(|cursor| cursor.lane.tag == lane.tag) {
                self.take((index, partition.partition));
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
        self.cursors > self.full.len() || full.any(|at| self.has_room(*at, limit))
    }

    /// Notices which lanes have filled up, and which have room again.
    pub(crate) fn settle(&mut self, limit: u64) {
        let full = std::mem::take(&mut self.full);
        #[cfg(test)]
        {
            self.looks += full.len() + self.changed.len();
        }
        for at in full {
            if self.has_room(at, limit) {
                self.mark_full(at, false);
                self.note_change(at);
            } else {
                self.full.push(at);
            }
        }
        for index in 0..self.changed.len() {
            let at = self.changed[index];
            let has_cursor = self.cursor(at).is_some();
            let is_full = self.look_up(at).is_some_and(|page| page.is_full);
            if has_cursor && !is_full && !self.has_room(at, limit) {
                self.mark_full(at, true);
                self.full.push(at);
            }
        }
    }

    /// Whether every topic that is read has an id.
    pub(crate) fn has_ids(&self) -> bool {
        self.nameless == 0
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
        for run in candidates.chunk_by(|one, other| one.0 == other.0) {
            let Some((index, _)) = run.first() else {
                continue;
            };
            let topic = &mut self.topics[*index];
            topic.ask(run, &terms, &mut asked);
        }
        asked
    }

    /// Notes the largest batch that came for any partition.
    pub(crate) fn note_size(&mut self, largest: usize) {
        let was_known = self.sizes.is_known();
        self.sizes.note(largest);
        if !was_known && self.sizes.is_known() {
            // Every partition is named once more, with a limit that cuts no batch.
            for at in self.every_page() {
                self.note_change(at);
            }
        }
    }

    /// The cursor an answer speaks of, by name or by id. It may be moved.
    pub(crate) fn find(&mut self, name: &str, id: Uuid, partition: i32) -> Option<&mut Cursor> {
        let at = self.locate(name, id, partition)?;
        self.note_change(at);
        let page = self.topics[at.0].pages.get_mut(&partition)?;
        page.cursor.as_mut()
    }

    /// Gives up the cursor an answer speaks of.
    pub(crate) fn remove(&mut self, name: &str, id: Uuid, partition: i32) -> Option<Cursor> {
        let at = self.locate(name, id, partition)?;
        self.take(at)
    }

    /// Gives up every cursor, and what the broker knows of them.
    pub(crate) fn take_all(&mut self) -> Vec<Cursor> {
        let topics = std::mem::take(self).topics.into_iter();
        let pages = topics.flat_map(|topic| topic.pages.into_values());
        pages.filter_map(|page| page.cursor).collect()
    }

    fn take(&mut self, at: At) -> Option<Cursor> {
        let page = self.topics[at.0].pages.get_mut(&at.1)?;
        let cursor = page.cursor.take()?;
        self.cursors -= 1;
        self.nameless -= usize::from(cursor.topic_id.is_nil());
        if std::mem::take(&mut page.is_full) {
            self.full.retain(|one| *one != at);
        }
        self.note_change(at);
        Some(cursor)
    }

    /// All pages in turned order, with nothing known to the broker: one without sessions serves the first
    /// partitions first.
    fn begin_anew(&mut self) -> Vec<At> {
        self.changed.clear();
        for topic in &mut self.topics {
            topic.pages.retain(|_, page| page.cursor.is_some());
            for page in topic.pages.values_mut() {
                page.sent = None;
                page.is_changed = false;
            }
        }
        let mut indexes: Vec<usize> = (0..self.topics.len()).collect();
        indexes.rotate_left(self.round % self.topics.len().max(1));
        let mut pages = Vec::with_capacity(self.cursors);
        for index in indexes {
            let partitions = &self.topics[index].pages;
            let turn = self.round % partitions.len().max(1);
            let (first, last) = (partitions.keys().take(turn), partitions.keys().skip(turn));
            pages.extend(last.chain(first).map(|partition| (index, *partition)));
        }
        pages
    }

    fn take_changed(&mut self) -> Vec<At> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        for at in &changed {
            if let Some(page) = self.topics[at.0].pages.get_mut(&at.1) {
                page.is_changed = false;
            }
        }
        changed
    }

    fn every_page(&self) -> Vec<At> {
        let topics = self.topics.iter().enumerate();
        let pages = topics.flat_map(|(index, topic)| {
            let partitions = topic.pages.keys();
            partitions.map(move |partition| (index, *partition))
        });
        pages.collect()
    }

    fn note_change(&mut self, at: At) {
        if let Some(page) = self.topics[at.0].pages.get_mut(&at.1)
            && !std::mem::replace(&mut page.is_changed, true)
        {
            self.changed.push(at);
        }
    }

    fn mark_full(&mut self, at: At, is_full: bool) {
        if let Some(page) = self.topics[at.0].pages.get_mut(&at.1) {
            page.is_full = is_full;
        }
    }

    fn has_room(&self, at: At, limit: u64) -> bool {
        let cursor = self.cursor(at);
        cursor.is_some_and(|cursor| cursor.lane.buffered() < limit)
    }

    fn cursor(&self, at: At) -> Option<&Cursor> {
        self.look_up(at)?.cursor.as_ref()
    }

    fn look_up(&self, at: At) -> Option<&Page> {
        self.topics.get(at.0)?.pages.get(&at.1)
    }

    fn locate(&self, name: &str, id: Uuid, partition: i32) -> Option<At> {
        let index = if name.is_empty() {
            *self.by_id.get(&id)?
        } else {
            *self.by_name.get(name)?.last()?
        };
        let pages = &self.topics.get(index)?.pages;
        pages.contains_key(&partition).then_some((index, partition))
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
            pages: BTreeMap::new(),
        });
        index
    }
}

impl Topic {
    /// Adds what has to be said of these pages of the topic.
    fn ask(&mut self, run: &[At], terms: &Terms, asked: &mut Asked) {
        let mut partitions = Vec::new();
        let mut forgotten = Vec::new();
        for (_, partition) in run {
            let Some(page) = self.pages.get_mut(partition) else {
                continue;
            };
            let wanted = page.wanted(*partition, terms);
            if wanted != page.sent {
                match wanted {
                    Some(wanted) => partitions.push(wanted),
                    None => forgotten.push(*partition),
                }
                page.sent = wanted;
            }
            if page.cursor.is_none() {
                self.pages.remove(partition);
            }
        }
        let (topic, topic_id) = (&self.name, self.id);
        if !partitions.is_empty() {
            asked.topics.push(FetchTopic {
                topic: topic.clone(),
                topic_id,
                partitions,
            });
        }
        if !forgotten.is_empty() {
            asked.forgotten.push(ForgottenTopic {
                topic: topic.clone(),
                topic_id,
                partitions: forgotten,
            });
        }
    }
}

impl Page {
    /// What the broker should hold for the partition now; `None` when it should not read it.
    fn wanted(&self, partition: i32, terms: &Terms) -> Option<FetchPartition> {
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
            partition,
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
