//! What a consumer group can be told before it starts.

use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{Cluster, ConnConfig};
use tokio::sync::mpsc::unbounded_channel;

use super::ConsumerGroup;
use super::host::{Host, Settings};
use super::offers::Offers;
use crate::assignor::{Assignor, RangeAssignor, RoundRobinAssignor};
use crate::config::{GroupSettings, TopicWatch};
use crate::error::ReaderError;
use crate::membership::classic::Timing;
use crate::reset::StartOffset;

/// Sets a [`ConsumerGroup`] up. Nothing is dialled before the first generation is asked for.
///
/// ```
/// use std::time::Duration;
///
/// use ekafka_reader::ConsumerGroup;
///
/// let builder = ConsumerGroup::builder()
///     .group_id("shop")
///     .brokers(["localhost:9092"])
///     .topics(["orders"])
///     .session_timeout(Duration::from_secs(10));
/// ```
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use ekafka_conn::{Cluster, ConnConfig};
/// use ekafka_reader::assignor::RangeAssignor;
/// use ekafka_reader::{ConsumerGroup, StartOffset};
///
/// // Everything that can be set.
/// let group = ConsumerGroup::builder()
///     .group_id("shop")
///     .group_instance_id("shop-1")
///     .brokers(["localhost:9092"])
///     .connection(ConnConfig::default().client_id("shop"))
///     .topics(["orders"])
///     .assignors([Arc::new(RangeAssignor) as _])
///     .start_offset(StartOffset::First)
///     .heartbeat_interval(Duration::from_secs(3))
///     .session_timeout(Duration::from_secs(30))
///     .rebalance_timeout(Duration::from_secs(30))
///     .join_backoff(Duration::from_secs(5))
///     .retention_time(None)
///     .watch_partition_changes(true)
///     .partition_watch_interval(Duration::from_secs(5))
///     .timeout(Duration::from_secs(5))
///     .max_attempts(3)
///     .close_timeout(Duration::from_secs(10))
///     .build()?;
///
/// let cluster = Cluster::new(["localhost:9092"], ConnConfig::default())?;
/// let beside = ConsumerGroup::builder().group_id("shop").topics(["orders"]).cluster(cluster).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ConsumerGroupBuilder {
    id: String,
    instance_id: Option<String>,
    brokers: Vec<String>,
    cluster: Option<Cluster>,
    connection: ConnConfig,
    topics: Vec<String>,
    assignors: Vec<Arc<dyn Assignor>>,
    heartbeat_interval: Duration,
    partition_watch_interval: Duration,
    watch_partition_changes: bool,
    session_timeout: Duration,
    rebalance_timeout: Duration,
    join_backoff: Duration,
    retention_time: Option<Duration>,
    start_offset: StartOffset,
    timeout: Duration,
    max_attempts: u32,
    close_timeout: Duration,
}

impl Default for ConsumerGroupBuilder {
    fn default() -> Self {
        Self {
            id: String::new(),
            instance_id: None,
            brokers: Vec::new(),
            cluster: None,
            connection: ConnConfig::default(),
            topics: Vec::new(),
            assignors: vec![Arc::new(RangeAssignor), Arc::new(RoundRobinAssignor)],
            heartbeat_interval: Duration::from_secs(3),
            partition_watch_interval: Duration::from_secs(5),
            watch_partition_changes: false,
            session_timeout: Duration::from_secs(30),
            rebalance_timeout: Duration::from_secs(30),
            join_backoff: Duration::from_secs(5),
            retention_time: None,
            start_offset: StartOffset::First,
            timeout: Duration::from_secs(5),
            max_attempts: 3,
            close_timeout: Duration::from_secs(10),
        }
    }
}

impl ConsumerGroupBuilder {
    /// The group's name.
    /// Kafka: `group.id`. Default none; it is needed.
    #[must_use]
    pub fn group_id(mut self, group: impl Into<String>) -> Self {
        self.id = group.into();
        self
    }

    /// A name that survives restarts (KIP-345).
    /// Kafka: `group.instance.id`. Default none. Two members with one name: the older stops.
    #[must_use]
    pub fn group_instance_id(mut self, name: impl Into<String>) -> Self {
        self.instance_id = Some(name.into());
        self
    }

    /// Addresses to learn the cluster from, `host` or `host:port` (9092).
    /// Kafka: `bootstrap.servers`. Default none. One is enough; several survive the loss of one.
    #[must_use]
    pub fn brokers<I: IntoIterator<Item = impl Into<String>>>(mut self, brokers: I) -> Self {
        self.brokers = brokers.into_iter().map(Into::into).collect();
        self
    }

    /// A cluster handle to share with readers and writers, in the place of `brokers`.
    /// Kafka: none. Default: one of its own. Sharing saves connections and metadata requests.
    #[must_use]
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// How to connect: TLS, log-in, timeouts. Unused with `cluster`.
    /// Kafka: several. Default [`ConnConfig::default`].
    #[must_use]
    pub fn connection(mut self, connection: ConnConfig) -> Self {
        self.connection = connection;
        self
    }

    /// The topics whose partitions are shared.
    /// Kafka: `subscribe`. Default none; at least one is needed.
    #[must_use]
    pub fn topics<I: IntoIterator<Item = impl Into<String>>>(mut self, topics: I) -> Self {
        self.topics = topics.into_iter().map(Into::into).collect();
        self
    }

    /// How partitions are divided, in order of preference. Cooperative strategies need a [`Reader`](crate::Reader): a
    /// generation gives up everything when it ends.
    /// Kafka: `partition.assignment.strategy`. Default range, then round robin.
    #[must_use]
    pub fn assignors<I: IntoIterator<Item = Arc<dyn Assignor>>>(mut self, assignors: I) -> Self {
        self.assignors = assignors.into_iter().collect();
        self
    }

    /// Time between heartbeats, by which a member also learns of rebalances.
    /// Kafka: `heartbeat.interval.ms`. Default 3 s.
    #[must_use]
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat_interval = interval;
        self
    }

    /// How often the numbers of partitions are compared, with `watch_partition_changes`.
    /// Kafka: none. Default 5 s. Less costs metadata requests.
    #[must_use]
    pub fn partition_watch_interval(mut self, interval: Duration) -> Self {
        self.partition_watch_interval = interval;
        self
    }

    /// Whether a generation ends when the number of partitions of a topic changes; a topic that does not exist has none.
    /// Kafka: none. Default no: partitions that are added are divided at the next rebalance.
    #[must_use]
    pub fn watch_partition_changes(mut self, watch: bool) -> Self {
        self.watch_partition_changes = watch;
        self
    }

    /// The group drops a member that was silent for so long.
    /// Kafka: `session.timeout.ms`. Default 30 s. Less finds dead members sooner and drops slow ones.
    #[must_use]
    pub fn session_timeout(mut self, timeout: Duration) -> Self {
        self.session_timeout = timeout;
        self
    }

    /// The time members have to finish their work when partitions are divided anew.
    /// Kafka: `rebalance.timeout.ms`. Default 30 s.
    #[must_use]
    pub fn rebalance_timeout(mut self, timeout: Duration) -> Self {
        self.rebalance_timeout = timeout;
        self
    }

    /// Pause before joining again after an error that does not heal by itself.
    /// Kafka: none. Default 5 s.
    #[must_use]
    pub fn join_backoff(mut self, backoff: Duration) -> Self {
        self.join_backoff = backoff;
        self
    }

    /// How long the coordinator keeps committed offsets. Commits then go in versions 2 to 4, the last that can say so.
    /// Kafka: `retention_time_ms` of `OffsetCommit`. Default none: what the broker is set to, a week.
    #[must_use]
    pub fn retention_time(mut self, time: Option<Duration>) -> Self {
        self.retention_time = time;
        self
    }

    /// Where a partition begins for which nothing is committed: first or last.
    /// Kafka: `auto.offset.reset`. Default first.
    #[must_use]
    pub fn start_offset(mut self, start: StartOffset) -> Self {
        self.start_offset = start;
        self
    }

    /// How long one call to the coordinator may take, besides what it waits for other members.
    /// Kafka: `request.timeout.ms`. Default 5 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Failures in a row from which on each is told by [`next`](ConsumerGroup::next), if they may heal. Others are told
    /// at once.
    /// Kafka: none. Default 3. The member goes on trying whatever the number.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// How long `close` waits for the functions and the leave.
    /// Kafka: `close(timeout)`. Default 10 s.
    #[must_use]
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Checks everything and makes the member.
    ///
    /// # Errors
    /// [`ReaderError::Config`] with every fault.
    pub fn build(mut self) -> Result<ConsumerGroup, ReaderError> {
        let mut faults = self.faults();
        let cluster = match self.cluster.take() {
            Some(cluster) => Some(cluster),
            None if self.brokers.is_empty() => None,
            None => match Cluster::new(self.brokers.clone(), self.connection.clone()) {
                Ok(cluster) => Some(cluster),
                Err(error) => {
                    faults.push(error.to_string());
                    None
                }
            },
        };
        match cluster {
            Some(cluster) if faults.is_empty() => Ok(self.checked(cluster)),
            _ => {
                let faults = faults.into();
                Err(ReaderError::Config { faults })
            }
        }
    }

    fn faults(&self) -> Vec<String> {
        let times = [
            self.session_timeout,
            self.rebalance_timeout,
            self.retention_time.unwrap_or_default(),
        ];
        let mut assignors = self.assignors.iter();
        let checks = [
            (
                self.brokers.is_empty() && self.cluster.is_none(),
                "brokers or cluster is needed",
            ),
            (self.id.is_empty(), "the id is empty"),
            (self.topics.is_empty(), "a topic is needed"),
            (
                self.topics.iter().any(String::is_empty),
                "a topic has no name",
            ),
            (self.assignors.is_empty(), "an assignor is needed"),
            (
                assignors.any(|assignor| assignor.is_cooperative()),
                "a cooperative assignor needs a Reader",
            ),
            (
                !matches!(self.start_offset, StartOffset::First | StartOffset::Last),
                "the start offset is neither first nor last",
            ),
            (self.heartbeat_interval.is_zero(), "heartbeat_interval is 0"),
            (
                self.heartbeat_interval >= self.session_timeout,
                "heartbeat_interval is not below session_timeout",
            ),
            (self.rebalance_timeout.is_zero(), "rebalance_timeout is 0"),
            (
                self.watch_partition_changes && self.partition_watch_interval.is_zero(),
                "partition_watch_interval is 0",
            ),
            (self.timeout.is_zero(), "timeout is 0"),
            (
                times
                    .iter()
                    .any(|time| time.as_millis() > i32::MAX.unsigned_abs().into()),
                "a timeout is above 24 days",
            ),
        ];
        let failed = checks.into_iter().filter(|(failed, _)| *failed);
        failed.map(|(_, fault)| fault.to_owned()).collect()
    }

    fn checked(self, cluster: Cluster) -> ConsumerGroup {
        let watch = self.partition_watch_interval;
        let settings = Settings {
            topics: self.topics.iter().map(|one| one.as_str().into()).collect(),
            start: self.start_offset,
            watch: self.watch_partition_changes.then_some(watch),
            max_attempts: self.max_attempts.max(1),
            group: GroupSettings {
                id: self.id.into(),
                instance_id: self.instance_id,
                assignors: self.assignors,
                timing: Timing {
                    session: self.session_timeout,
                    rebalance: self.rebalance_timeout,
                    heartbeat: self.heartbeat_interval,
                    retry: RETRY_BACKOFF,
                    join_backoff: self.join_backoff,
                },
                rack: None,
                commit_interval: None,
                max_poll_interval: None,
                retention_time: self.retention_time,
                watch: TopicWatch::default(),
                call_timeout: self.timeout,
            },
        };
        for topic in &settings.topics {
            cluster.track(topic);
        }
        let (sender, notes) = unbounded_channel();
        let offers = Arc::new(Offers::default());
        let host = Host::new(
            cluster,
            settings,
            notes,
            sender.clone(),
            Arc::clone(&offers),
        );
        ConsumerGroup {
            offers,
            notes: sender,
            unstarted: Some(Box::new(host)),
            task: None,
            close_timeout: self.close_timeout,
        }
    }
}

/// First pause after an error that heals by itself.
const RETRY_BACKOFF: Duration = Duration::from_millis(100);
