//! How a generation begins: where its partitions stand, and how many each topic has.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use ekafka_conn::Refresh;
use ekafka_protocol::ErrorCode;

use super::{Given, Host, Turn};
use crate::TopicPartition;
use crate::consumer_group::generation::{Generation, Life, PartitionAssignment};
use crate::control::group::{error_of, is_about_coordinator};
use crate::control::{calls, requests};
use crate::membership::verdict::Failure;
use crate::reset::{Position, StartOffset};

impl Host {
    pub(super) fn ask_for_offsets(&mut self, now: Instant) {
        let desk = self.desk(now);
        let Turn::Asking(asking) = &mut self.turn else {
            return;
        };
        if asking.retry_at.take_if(|at| now >= *at).is_none() {
            return;
        }
        let known = &asking.known;
        let missing = asking
            .assigned
            .iter()
            .filter(|one| !known.contains_key(one));
        let missing: Vec<_> = missing.cloned().collect();
        if missing.is_empty() {
            return self.give();
        }
        let fetch = requests::fetch_offsets(desk, HashMap::new(), missing);
        let life = Arc::downgrade(&asking.life);
        self.calls.push(calls::unless_over(life, fetch));
    }

    pub(super) fn handle_offsets(
        &mut self,
        now: Instant,
        answers: Vec<(TopicPartition, Result<Option<Position>, ErrorCode>)>,
    ) {
        let mut failed = None;
        let Turn::Asking(asking) = &mut self.turn else {
            return;
        };
        for (partition, answer) in answers {
            match answer {
                Ok(position) if asking.assigned.contains(&partition) => {
                    asking.known.insert(partition, position);
                }
                Ok(_) => {}
                Err(code) => failed = Some((partition, code)),
            }
        }
        let Some((partition, code)) = failed else {
            asking.retry_at = Some(now);
            return self.ask_for_offsets(now);
        };
        asking.tries = asking.tries.saturating_add(1);
        let is_told = !code.is_retriable() || asking.tries >= self.settings.max_attempts;
        let timing = &self.settings.group.timing;
        let pause = if code.is_retriable() {
            timing.retry * (1 << asking.tries.min(3))
        } else {
            timing.join_backoff
        };
        asking.retry_at = Some(now + pause);
        if is_about_coordinator(code) {
            self.forget_coordinator();
        }
        if is_told {
            let id = &self.settings.group.id;
            let error = error_of(
                "asking for committed offsets",
                id,
                Some(partition),
                Failure::Code(code),
            );
            self.offers.report(error);
        }
    }

    /// Hands the generation to the application.
    fn give(&mut self) {
        let Turn::Asking(asking) = &mut self.turn else {
            return;
        };
        let Some(identity) = self.member.identity() else {
            return;
        };
        let topics = self.settings.topics.iter();
        let mut assignments: BTreeMap<String, Vec<PartitionAssignment>> = topics
            .map(|topic| (topic.to_string(), Vec::new()))
            .collect();
        for partition in &asking.assigned {
            let committed = asking.known.get(partition).copied().flatten();
            let of_topic = assignments.entry(partition.topic.to_string()).or_default();
            of_topic.push(PartitionAssignment {
                id: partition.partition,
                offset: committed.map_or(self.settings.start, |one| StartOffset::At(one.offset)),
            });
        }
        for partitions in assignments.values_mut() {
            partitions.sort_unstable_by_key(|one| one.id);
        }
        let life = Arc::new(Life::new());
        self.offers.put(Generation::new(
            identity.generation,
            Arc::clone(&self.settings.group.id),
            identity.member_id.clone(),
            assignments,
            Arc::clone(&life),
            self.sender.clone(),
        ));
        let id = identity.generation;
        let mut counts = self.counts();
        // A topic may have grown since it was divided.
        for (topic, divided) in &self.divided {
            if let Some(count) = counts.get_mut(topic.as_str()) {
                *count = *divided;
            }
        }
        self.turn = Turn::Given(Given { id, life, counts });
    }

    /// Ends the generation when a topic has grown, appeared or gone.
    pub(super) fn watch(&mut self, now: Instant) {
        let Some(interval) = self.settings.watch.filter(|_| now >= self.watch_at) else {
            return;
        };
        self.watch_at = now + interval;
        let Turn::Given(given) = &self.turn else {
            return;
        };
        if given.counts != self.counts() {
            self.end_generation(now);
            self.member.rejoin(now, "partitions have come or gone");
        }
        for topic in &self.settings.topics {
            self.cluster.invalidate(Refresh::Topic(Arc::clone(topic)));
        }
    }

    /// The numbers of partitions as last heard; a topic that does not exist has none.
    fn counts(&self) -> BTreeMap<Arc<str>, usize> {
        let view = self.cluster.view();
        let counts = self.settings.topics.iter().map(|topic| {
            let count = view.topic(topic).map_or(0, |topic| topic.partitions.len());
            (Arc::clone(topic), count)
        });
        counts.collect()
    }
}
