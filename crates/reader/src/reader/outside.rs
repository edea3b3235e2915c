//! A reader as it is seen from outside: its statistics.

use std::sync::Arc;

use ekafka_conn::Cluster;

use crate::config::Settings;
use crate::inbox::Inbox;
use crate::stats::{Counters, ReaderStats};

/// What a snapshot is made of.
#[derive(Debug, Clone)]
pub(super) struct Outside {
    counters: Arc<Counters>,
    inbox: Arc<Inbox>,
    /// What does not change.
    fixed: Arc<ReaderStats>,
}

impl Outside {
    pub(super) fn new(
        settings: &Settings,
        cluster: &Cluster,
        inbox: &Arc<Inbox>,
        counters: &Arc<Counters>,
    ) -> Self {
        let partition = if settings.group.is_some() {
            "-1".to_owned()
        } else {
            let names: Vec<String> = settings.partitions.iter().map(i32::to_string).collect();
            names.join(",")
        };
        let fixed = ReaderStats {
            min_bytes: settings.fetch.min_bytes.unsigned_abs(),
            max_bytes: settings.fetch.max_bytes.unsigned_abs(),
            max_wait: settings.fetch.max_wait,
            queue_capacity: settings.queue_capacity.unwrap_or(0),
            client_id: cluster.config().client_name().to_owned(),
            topic: settings.topics.join(","),
            partition,
            ..ReaderStats::default()
        };
        Self {
            counters: Arc::clone(counters),
            inbox: Arc::clone(inbox),
            fixed: Arc::new(fixed),
        }
    }

    /// The last offset and its lag.
    pub(super) fn last_read(&self) -> (i64, i64) {
        (self.counters.last_read().1, self.counters.lag())
    }

    /// Takes the counts.
    pub(super) fn stats(&self) -> ReaderStats {
        let fixed = ReaderStats::clone(&self.fixed);
        ReaderStats {
            min_bytes: fixed.min_bytes,
            max_bytes: fixed.max_bytes,
            max_wait: fixed.max_wait,
            queue_length: self.inbox.messages(),
            queue_capacity: fixed.queue_capacity,
            client_id: fixed.client_id,
            topic: fixed.topic,
            partition: fixed.partition,
            buffered_bytes: self.inbox.used(),
            superseded: self.inbox.take_superseded(),
            ..self.counters.take()
        }
    }
}
