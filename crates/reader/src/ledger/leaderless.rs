//! Partitions for which the cluster view has no leader: looked up at backoff rate, read as soon as there is one.

use std::time::Instant;

use ekafka_protocol::ErrorCode;

use super::{Leaders, Ledger, Notice};
use crate::TopicPartition;

impl Ledger {
    /// The topic's leaders were looked up; `code` says why a partition that still has none lacks it.
    pub(crate) fn handle_looked_up(
        &mut self,
        now: Instant,
        topic: &str,
        leaders: &dyn Leaders,
        mut code: impl FnMut(&TopicPartition) -> ErrorCode,
    ) -> Vec<Notice> {
        self.handle_new_view(leaders);
        let rules = self.rules;
        let mut notices = Vec::new();
        for partition in self.restless.iter().filter(|one| &*one.topic == topic) {
            let entry = self.entries.get_mut(partition);
            if let Some(entry) = entry.filter(|entry| entry.is_leaderless) {
                let failed = entry.fail(now, &rules, "finding the leader", code(partition));
                notices.extend(failed);
            }
        }
        notices
    }

    /// The view changed: partitions without a leader may have one now. Those that have none wait on.
    pub(crate) fn handle_new_view(&mut self, leaders: &dyn Leaders) {
        for partition in &self.restless {
            let entry = self.entries.get_mut(partition);
            let entry = entry.filter(|entry| entry.is_leaderless);
            if let Some(entry) = entry.filter(|_| leaders.leader(partition).is_some()) {
                entry.is_leaderless = false;
                entry.not_before = None;
            }
        }
    }
}
