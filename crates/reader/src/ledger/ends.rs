//! Where the partitions end, and how far the application is from there.

use std::collections::BTreeMap;

use ekafka_conn::BrokerId;

use super::{Leaders, Ledger, Question};
use crate::TopicPartition;
use crate::reset::Target;

impl Ledger {
    /// What to ask each leader to learn the ends of its partitions; answer with [`note_end`](Self::note_end).
    pub(crate) fn ends(&self, leaders: &dyn Leaders) -> BTreeMap<BrokerId, Vec<Question>> {
        let mut questions: BTreeMap<BrokerId, Vec<Question>> = BTreeMap::new();
        for (partition, entry) in &self.entries {
            if let Some(leader) = leaders.leader(partition) {
                questions.entry(leader.broker).or_default().push(Question {
                    partition: partition.clone(),
                    tag: entry.lane.tag,
                    target: Target::Last,
                    leader_epoch: leader.epoch,
                });
            }
        }
        questions
    }

    /// The partition can be read up to `end`.
    pub(crate) fn note_end(&self, partition: &TopicPartition, tag: u64, end: i64) {
        let entry = self.entries.get(partition);
        if let Some(entry) = entry.filter(|entry| entry.lane.tag == tag) {
            entry.lane.note_end(end);
        }
    }

    /// Sums of the tags and of the positions of all lanes that have begun: with equal tags, other positions mean that
    /// the application took something.
    pub(crate) fn progress(&self) -> (u64, i64) {
        let lanes = self.entries.values().map(|entry| &entry.lane);
        let begun = lanes.filter_map(|lane| Some((lane.tag, lane.position()?)));
        begun.fold((0, 0), |(tags, sum), (tag, position)| {
            (tags.wrapping_add(tag), sum.wrapping_add(position))
        })
    }

    /// How far `offset`, up to which the lane with this tag was counted, is from its end; of all partitions
    /// together when there is no such lane. `None` while no end is known.
    pub(crate) fn lag(&self, (tag, offset): (u64, i64)) -> Option<i64> {
        let known = self.entries.values().filter_map(|entry| {
            let (lane, end) = (&entry.lane, entry.lane.end());
            let offset = if lane.tag == tag {
                Some(offset)
            } else {
                lane.position()
            };
            let lag = end.saturating_sub(offset?).max(0);
            (end >= 0).then_some((lane.tag, lag))
        });
        let mut total = None;
        for (of, lag) in known {
            if of == tag {
                return Some(lag);
            }
            total = Some(total.unwrap_or(0) + lag);
        }
        total
    }

    /// The offset the application gets next; `None` while the start is not known.
    pub(crate) fn position(&self, partition: &TopicPartition) -> Option<i64> {
        self.entries.get(partition)?.lane.position()
    }
}
