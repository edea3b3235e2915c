//! Partitions that are read from a replica nearby in the place of the leader, who named it (KIP-392).

use std::time::{Duration, Instant};

use ekafka_conn::BrokerId;

use super::Ledger;
use super::entry::Place;
use crate::TopicPartition;

impl Ledger {
    /// Reads the partition from `broker` for a while.
    pub(super) fn read_nearby(
        &mut self,
        now: Instant,
        partition: &TopicPartition,
        broker: BrokerId,
    ) {
        if let Some(entry) = self.entries.get_mut(partition) {
            let until = now + REPLICA_LIFETIME;
            entry.replica = Some((broker, until));
            self.nearby.insert((until, partition.clone()));
        }
    }

    /// Reads the partition from its leader; returns the replica that was to be read.
    pub(super) fn forget_replica(&mut self, partition: &TopicPartition) -> Option<BrokerId> {
        let (broker, until) = self.entries.get_mut(partition)?.replica.take()?;
        self.nearby.remove(&(until, partition.clone()));
        Some(broker)
    }

    /// Has the leaders asked again whose replicas have been read for long: others may be better by now, and a replica
    /// that has fallen behind does not say so.
    pub(super) fn leave_replicas(&mut self, now: Instant) {
        while self.nearby.first().is_some_and(|(until, _)| *until <= now) {
            let Some((until, partition)) = self.nearby.pop_first() else {
                return;
            };
            let entry = self.entries.get_mut(&partition);
            let Some(entry) = entry.filter(|one| one.replica.is_some_and(|(_, at)| at == until))
            else {
                // It was taken away since.
                continue;
            };
            entry.replica = None;
            if let Place::Fetching(_) = entry.place {
                self.replace(&partition, |entry, place| entry.place = place);
            }
        }
    }
}

/// A replica is read for so long before the leader is asked again.
const REPLICA_LIFETIME: Duration = Duration::from_secs(300);
