//! How subscriptions read.

use std::time::Duration;

use ekafka_reader::{ReaderBuilder, StartOffset};

use super::BrokerOptions;

/// How subscriptions read.
impl BrokerOptions {
    /// All of the readers' settings at once, in the place of what was said before. Addresses, connections, group and topics
    /// are set by the broker. Default: kafka-go's, but for a wait of 500 ms and watched partitions.
    #[must_use]
    pub fn reader_config(mut self, reader: ReaderBuilder) -> Self {
        self.reader = reader;
        self.is_reader_given = true;
        self
    }

    /// Messages fetched ahead. Default: as many as fit in the readers' memory.
    #[must_use]
    pub fn queue_capacity(self, messages: u64) -> Self {
        self.read(|reader| reader.queue_capacity(messages))
    }

    /// Bytes that a broker waits for before it answers. Kafka: `fetch.min.bytes`. Default: 1.
    #[must_use]
    pub fn min_bytes(self, bytes: u32) -> Self {
        self.read(|reader| reader.min_bytes(bytes))
    }

    /// Bytes of one answer. Kafka: `fetch.max.bytes`. Default: 1 MiB.
    #[must_use]
    pub fn max_bytes(self, bytes: u32) -> Self {
        self.read(|reader| reader.max_bytes(bytes).max_partition_bytes(bytes))
    }

    /// How long a broker waits for `min_bytes`. Kafka: `fetch.max.wait.ms`. Default: 500 ms.
    #[must_use]
    pub fn max_wait(self, wait: Duration) -> Self {
        self.read(|reader| reader.max_wait(wait))
    }

    /// How often [`Subscriber::lag`](crate::pubsub::Subscriber::lag) is looked up; zero never does. Default: 60 s.
    #[must_use]
    pub fn read_lag_interval(mut self, interval: Duration) -> Self {
        self.read_lag_interval = (!interval.is_zero()).then_some(interval);
        self
    }

    /// How often a member tells its group that it is alive. Default: 3 s.
    #[must_use]
    pub fn heartbeat_interval(self, interval: Duration) -> Self {
        self.read(|reader| reader.heartbeat_interval(interval))
    }

    /// Commits what was acknowledged this often, in the place of each at once. Default: zero, at once.
    #[must_use]
    pub fn commit_interval(self, interval: Duration) -> Self {
        self.read(|reader| reader.commit_interval(interval))
    }

    /// How often new partitions and topics are looked for. Default: 5 s.
    #[must_use]
    pub fn partition_watch_interval(self, interval: Duration) -> Self {
        self.read(|reader| reader.partition_watch_interval(interval))
    }

    /// Whether new partitions, and new topics of a pattern, are looked for that often. Default: yes.
    #[must_use]
    pub fn watch_partition_changes(self, watch: bool) -> Self {
        self.read(|reader| reader.watch_partition_changes(watch))
    }

    /// Silence after which a group counts a member as dead. Default: 30 s.
    #[must_use]
    pub fn session_timeout(self, timeout: Duration) -> Self {
        self.read(|reader| reader.session_timeout(timeout))
    }

    /// How long a group waits for its members to join. Default: 30 s.
    #[must_use]
    pub fn rebalance_timeout(self, timeout: Duration) -> Self {
        self.read(|reader| reader.rebalance_timeout(timeout))
    }

    /// How long the cluster keeps committed offsets. Default: as it is set to.
    #[must_use]
    pub fn retention_time(self, time: Duration) -> Self {
        self.read(|reader| reader.retention_time(Some(time)))
    }

    /// Where reading begins in a partition without a committed offset: -2 is the first message, -1 the end. Default: first.
    #[must_use]
    pub fn start_offset(self, offset: i64) -> Self {
        self.read(|reader| reader.start_offset(StartOffset::from(offset)))
    }

    fn read(mut self, change: impl FnOnce(ReaderBuilder) -> ReaderBuilder) -> Self {
        self.reader = change(self.reader);
        self
    }
}
