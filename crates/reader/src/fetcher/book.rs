//! A fetcher's cursors by topic, and what the broker already knows of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ekafka_protocol::messages::{FetchPartition, FetchTopic, ForgottenTopic};
use ekafka_protocol::{StrBytes, Uuid};

use super::BatchSizes;
use crate::ledger::Cursor;

#[cfg(test)]
mod tests;

/// The cursors one fetcher reads.
#[derive(Debug, Default)]
pub(crate) struct Book {
    topics: Vec<Topic>,
    /// How large batches are in general, for partitions of which none has come yet.
    sizes: BatchSizes,
    /// Requests made, by which the order of topics and partitions turns.
    round: usize,
}

/// The cursors of one topic.
#[derive(Debug)]
struct Topic {
    name: Arc<str>,
    /// The same name as requests carry it.
    wire_name: StrBytes,
    id: Uuid,
    pages: BTreeMap<i32, Page>,
}

/// One partition. Without a cursor it only remembers that the broker has to forget it.
#[derive(Debug, Default)]
struct Page {
    cursor: Option<Cursor>,
    /// What the broker's session holds; `None` when it does not know the partition.
    sent: Option<FetchPartition>,
}

/// What holds for each partition of one request.
#[derive(Debug, Clone, Copy)]
struct Terms {
    /// Whether the broker knows nothing yet.
    is_full: bool,
    /// Bytes of one partition at most.
    partition_max: i32,
    /// A lane with as many unread bytes is left out.
    lane_limit: u64,
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
    /// Takes cursors in; one that comes again replaces its predecessor.
    pub(crate) fn add(&mut self, cursors: Vec<Cursor>) {
        for cursor in cursors {
            let partition = cursor.lane.partition().partition;
            let topic = self.topic(&cursor);
            topic.pages.entry(partition).or_default().cursor = Some(cursor);
        }
    }

    /// Lets go of the cursors whose lane is frozen.
    pub(crate) fn drop_frozen(&mut self) {
        for topic in &mut self.topics {
            for page in topic.pages.values_mut() {
                page.cursor.take_if(|cursor| !cursor.lane.is_live());
            }
        }
    }

    pub(crate) fn has_live(&self) -> bool {
        self.cursors().any(|cursor| cursor.lane.is_live())
    }

    /// Whether a lane has fewer than `limit` unread bytes.
    pub(crate) fn has_hungry(&self, limit: u64) -> bool {
        self.cursors()
            .any(|cursor| cursor.lane.is_live() && cursor.lane.buffered() < limit)
    }

    /// Whether every topic has an id.
    pub(crate) fn has_ids(&self) -> bool {
        self.topics.iter().all(|topic| !topic.id.is_nil())
    }

    /// The partitions to name in the next request: all in a full one, else those that changed.
    pub(crate) fn ask(&mut self, is_full: bool, partition_max: i32, lane_limit: u64) -> Asked {
        let mut asked = Asked::default();
        self.round = self.round.wrapping_add(1);
        let count = self.topics.len().max(1);
        self.topics.rotate_left(usize::from(count > 1));
        let terms = Terms {
            is_full,
            partition_max,
            lane_limit,
            sizes: self.sizes,
        };
        for topic in &mut self.topics {
            topic.ask(&terms, self.round, &mut asked);
        }
        self.topics.retain(|topic| !topic.pages.is_empty());
        asked
    }

    /// Notes the largest batch that came for any partition.
    pub(crate) fn note_size(&mut self, largest: usize) {
        self.sizes.note(largest);
    }

    /// The cursor an answer speaks of, by name or by id.
    pub(crate) fn find(&mut self, name: &str, id: Uuid, partition: i32) -> Option<&mut Cursor> {
        self.page(name, id, partition)?.cursor.as_mut()
    }

    /// Gives up the cursor an answer speaks of.
    pub(crate) fn remove(&mut self, name: &str, id: Uuid, partition: i32) -> Option<Cursor> {
        self.page(name, id, partition)?.cursor.take()
    }

    /// Gives up every cursor, and what the broker knows of them.
    pub(crate) fn take_all(&mut self) -> Vec<Cursor> {
        let topics = std::mem::take(&mut self.topics).into_iter();
        let pages = topics.flat_map(|topic| topic.pages.into_values());
        pages.filter_map(|page| page.cursor).collect()
    }

    fn page(&mut self, name: &str, id: Uuid, partition: i32) -> Option<&mut Page> {
        let mut topics = self.topics.iter_mut();
        let topic = if name.is_empty() {
            topics.find(|topic| topic.id == id)
        } else {
            topics.find(|topic| &*topic.name == name)
        };
        topic?.pages.get_mut(&partition)
    }

    fn topic(&mut self, cursor: &Cursor) -> &mut Topic {
        let name = &cursor.lane.partition().topic;
        let known = self
            .topics
            .iter()
            .position(|topic| topic.name == *name && topic.id == cursor.topic_id);
        let index = known.unwrap_or_else(|| {
            self.topics.push(Topic {
                name: Arc::clone(name),
                wire_name: StrBytes::from_string(name.to_string()),
                id: cursor.topic_id,
                pages: BTreeMap::new(),
            });
            self.topics.len() - 1
        });
        &mut self.topics[index]
    }

    fn cursors(&self) -> impl Iterator<Item = &Cursor> {
        let pages = self.topics.iter().flat_map(|topic| topic.pages.values());
        pages.filter_map(|page| page.cursor.as_ref())
    }
}

impl Topic {
    fn ask(&mut self, terms: &Terms, round: usize, asked: &mut Asked) {
        let mut partitions = Vec::new();
        let mut forgotten = Vec::new();
        for (&partition, page) in &mut self.pages {
            if terms.is_full {
                page.sent = None;
            }
            let wanted = page.wanted(partition, terms);
            if wanted.is_none() && page.cursor.is_some() {
                asked.left_out += 1;
            }
            if wanted == page.sent {
                continue;
            }
            match wanted {
                Some(wanted) => partitions.push(wanted),
                None => forgotten.push(partition),
            }
            page.sent = wanted;
        }
        self.pages.retain(|_, page| page.cursor.is_some());
        if !partitions.is_empty() {
            // A broker without sessions serves the first partitions first.
            let turn = round % partitions.len();
            partitions.rotate_left(turn);
            asked.topics.push(FetchTopic {
                topic: self.wire_name.clone(),
                topic_id: self.id,
                partitions,
            });
        }
        if !forgotten.is_empty() {
            asked.forgotten.push(ForgottenTopic {
                topic: self.wire_name.clone(),
                topic_id: self.id,
                partitions: forgotten,
            });
        }
    }
}

impl Page {
    /// What the broker should hold for the partition now; `None` when it should not read it.
    fn wanted(&self, partition: i32, terms: &Terms) -> Option<FetchPartition> {
        let cursor = self.cursor.as_ref()?;
        if cursor.lane.buffered() >= terms.lane_limit {
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
