//! What a reader can be told before it starts.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{Cluster, ConnConfig, Logger, Loggers};
use ekafka_protocol::StrBytes;
use ekafka_protocol::messages::IsolationLevel;
use ekafka_protocol::records::DecodeLimits;

use crate::assignor::{Assignor, RangeAssignor, RoundRobinAssignor};
use crate::error::ReaderError;
use crate::fetcher::FetchSettings;
use crate::ledger::Rules;
use crate::membership::classic::Timing;
use crate::reader::Reader;
use crate::reset::{OutOfRange, StartOffset};

mod in_force;
#[cfg(test)]
mod tests;
mod watching;

pub use in_force::ReaderConfig;
pub(crate) use watching::TopicWatch;
use watching::Watching;

/// Sets a [`Reader`] up. Nothing is dialled before the first record is asked for.
///
/// ```
/// use std::time::Duration;
///
/// use ekafka_reader::{OutOfRange, Reader, StartOffset};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ekafka_reader::ReaderError> {
/// let reader = Reader::builder()
///     .brokers(["broker-1:9092", "broker-2:9092"])
///     .topics(["orders", "returns"])
///     .group_id("shop")
///     .start_offset(StartOffset::First)
///     .out_of_range(OutOfRange::Error)
///     .commit_interval(Duration::from_secs(1))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use ekafka_conn::{Cluster, ConnConfig};
/// use ekafka_reader::assignor::CooperativeStickyAssignor;
/// use ekafka_reader::{IsolationLevel, OutOfRange, Reader, StartOffset};
///
/// // Everything that can be set; most readers need the first three.
/// let member = Reader::builder()
///     .brokers(["broker-1:9092"])
///     .group_id("shop")
///     .topic_pattern("orders-.*")
///     .connection(ConnConfig::default().client_id("shop"))
///     .group_instance_id("shop-1")
///     .assignors([Arc::new(CooperativeStickyAssignor) as _])
///     .rack("zone-a")
///     // Where it begins.
///     .start_offset(StartOffset::First)
///     .out_of_range(OutOfRange::Earliest)
///     .isolation_level(IsolationLevel::ReadCommitted)
///     // What is fetched, and how much is kept ahead.
///     .min_bytes(1)
///     .max_bytes(1 << 20)
///     .max_partition_bytes(1 << 20)
///     .max_wait(Duration::from_millis(500))
///     .buffer_memory(32 << 20)
///     .queue_capacity(10_000)
///     .max_decompressed(64 << 20)
///     .check_crcs(true)
///     .skip_corrupt_batches(false)
///     // The group.
///     .commit_interval(Duration::from_secs(1))
///     .session_timeout(Duration::from_secs(30))
///     .rebalance_timeout(Duration::from_secs(30))
///     .heartbeat_interval(Duration::from_secs(3))
///     .join_backoff(Duration::from_secs(5))
///     .max_poll_interval(Some(Duration::from_secs(300)))
///     .retention_time(None)
///     .watch_partition_changes(true)
///     .partition_watch_interval(Duration::from_secs(5))
///     // What goes wrong.
///     .request_timeout(Duration::from_secs(30))
///     .retry_backoff(Duration::from_millis(100), Duration::from_secs(1))
///     .max_attempts(3)
///     .close_timeout(Duration::from_secs(10))
///     .logger(Arc::new(|line: std::fmt::Arguments<'_>| println!("{line}")))
///     .error_logger(Arc::new(|line: std::fmt::Arguments<'_>| eprintln!("{line}")));
/// member.build()?;
///
/// // Without a group, some partitions of a topic or one, over connections that others use, too.
/// let cluster = Cluster::new(["broker-1:9092"], ConnConfig::default())?;
/// let two = Reader::builder().cluster(cluster.clone()).topic("orders").partitions([0, 3])
///     .read_lag_interval(Some(Duration::from_secs(60)))
///     .build()?;
/// let one = Reader::builder().cluster(cluster).topic("orders").partition(0).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ReaderBuilder {
    brokers: Vec<String>,
    cluster: Option<Cluster>,
    connection: ConnConfig,
    topics: Vec<String>,
    partitions: Vec<i32>,
    group: Option<String>,
    group_instance_id: Option<String>,
    assignors: Vec<Arc<dyn Assignor>>,
    start_offset: StartOffset,
    out_of_range: OutOfRange,
    isolation_level: IsolationLevel,
    min_bytes: u32,
    max_bytes: u32,
    max_partition_bytes: u32,
    max_wait: Duration,
    buffer_memory: u64,
    max_decompressed: usize,
    check_crcs: bool,
    skip_corrupt_batches: bool,
    commit_interval: Option<Duration>,
    session_timeout: Duration,
    rebalance_timeout: Duration,
    heartbeat_interval: Duration,
    join_backoff: Duration,
    max_poll_interval: Option<Duration>,
    retention_time: Option<Duration>,
    watching: Watching,
    retry_backoff: (Duration, Duration),
    max_attempts: u32,
    request_timeout: Duration,
    close_timeout: Duration,
    rack: String,
    queue_capacity: Option<u64>,
    read_lag_interval: Option<Duration>,
    loggers: Loggers,
}

impl Default for ReaderBuilder {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            cluster: None,
            connection: ConnConfig::default(),
            topics: Vec::new(),
            partitions: Vec::new(),
            group: None,
            group_instance_id: None,
            assignors: vec![Arc::new(RangeAssignor), Arc::new(RoundRobinAssignor)],
            start_offset: StartOffset::First,
            out_of_range: OutOfRange::Earliest,
            isolation_level: IsolationLevel::ReadUncommitted,
            min_bytes: 1,
            max_bytes: 1 << 20,
            max_partition_bytes: 1 << 20,
            max_wait: Duration::from_millis(500),
            buffer_memory: 8 << 20,
            max_decompressed: 64 << 20,
            check_crcs: true,
            skip_corrupt_batches: false,
            commit_interval: None,
            session_timeout: Duration::from_secs(30),
            rebalance_timeout: Duration::from_secs(30),
            heartbeat_interval: Duration::from_secs(3),
            join_backoff: Duration::from_secs(5),
            max_poll_interval: Some(Duration::from_secs(300)),
            retention_time: None,
            watching: Watching::default(),
            retry_backoff: (Duration::from_millis(100), Duration::from_secs(1)),
            max_attempts: 3,
            request_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(10),
            rack: String::new(),
            queue_capacity: None,
            read_lag_interval: None,
            loggers: Loggers::default(),
        }
    }
}

impl ReaderBuilder {
    /// Addresses to learn the cluster from, `host` or `host:port` (9092).
    /// Kafka: `bootstrap.servers`. Default none. One is enough; several survive the loss of one.
    #[must_use]
    pub fn brokers<I: IntoIterator<Item = impl Into<String>>>(mut self, brokers: I) -> Self {
        self.brokers = brokers.into_iter().map(Into::into).collect();
        self
    }

    /// A cluster handle to share with other readers and writers, in the place of `brokers`.
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

    /// The topic to read.
    /// Kafka: `subscribe`. Default none; at least one topic is needed.
    #[must_use]
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topics = vec![topic.into()];
        self
    }

    /// The topics to read, in any order and each once however often it is named; more than one needs a group.
    /// Kafka: `subscribe`. Default none.
    #[must_use]
    pub fn topics<I: IntoIterator<Item = impl Into<String>>>(mut self, topics: I) -> Self {
        self.topics = topics.into_iter().map(Into::into).collect();
        self
    }

    /// The partition to read without a group.
    /// Kafka: `assign`. Default 0.
    #[must_use]
    pub fn partition(self, partition: i32) -> Self {
        self.partitions([partition])
    }

    /// The partitions to read without a group.
    /// Kafka: `assign`. Default 0 alone.
    #[must_use]
    pub fn partitions(mut self, partitions: impl IntoIterator<Item = i32>) -> Self {
        self.partitions = partitions.into_iter().collect();
        self
    }

    /// Shares the topics' partitions with the other members of this group, and commits offsets to it.
    /// Kafka: `group.id`. Default none: partitions are read by number, nothing is committed.
    #[must_use]
    pub fn group_id(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// A name that survives restarts, so that a member back within the session timeout gets its
    /// partitions back without a rebalance (KIP-345).
    /// Kafka: `group.instance.id`. Default none. Two members with one name: the older stops.
    #[must_use]
    pub fn group_instance_id(mut self, name: impl Into<String>) -> Self {
        self.group_instance_id = Some(name.into());
        self
    }

    /// How partitions are divided, in order of preference.
    /// Kafka: `partition.assignment.strategy`. Default range, then round robin.
    #[must_use]
    pub fn assignors<I: IntoIterator<Item = Arc<dyn Assignor>>>(mut self, assignors: I) -> Self {
        self.assignors = assignors.into_iter().collect();
        self
    }

    /// Where to begin; with a group, only where nothing is committed.
    /// Kafka: `auto.offset.reset` at the start. Default first.
    #[must_use]
    pub fn start_offset(mut self, start: StartOffset) -> Self {
        self.start_offset = start;
        self
    }

    /// What to do when the position is outside the log.
    /// Kafka: `auto.offset.reset`. Default earliest: nothing that is still there is skipped.
    #[must_use]
    pub fn out_of_range(mut self, policy: OutOfRange) -> Self {
        self.out_of_range = policy;
        self
    }

    /// Whether records of open and aborted transactions are handed out.
    /// Kafka: `isolation.level`. Default read-uncommitted. Read-committed waits for open transactions.
    #[must_use]
    pub fn isolation_level(mut self, level: IsolationLevel) -> Self {
        self.isolation_level = level;
        self
    }

    /// A broker may wait for so many bytes before it answers.
    /// Kafka: `fetch.min.bytes`. Default 1 byte. More saves requests and costs up to `max_wait`.
    #[must_use]
    pub fn min_bytes(mut self, bytes: u32) -> Self {
        self.min_bytes = bytes;
        self
    }

    /// Bytes of one answer of one broker; the first batch comes whole anyway (KIP-74).
    /// Kafka: `fetch.max.bytes`. Default 1 MiB. More helps over slow links and takes memory.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u32) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Bytes of one partition in one answer; a partition with as many unread bytes is not asked for.
    /// Kafka: `max.partition.fetch.bytes`. Default 1 MiB.
    #[must_use]
    pub fn max_partition_bytes(mut self, bytes: u32) -> Self {
        self.max_partition_bytes = bytes;
        self
    }

    /// How long a broker may wait for `min_bytes`.
    /// Kafka: `fetch.max.wait.ms`. Default 500 ms. Less costs requests while nothing is written.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Bytes fetched ahead of the application: answers under way, batches as they came, and the one that
    /// messages are taken from as it was unpacked. What was handed out is the application's. A batch that
    /// unpacks to more is still read, alone; one that does not fit as it came is an error.
    /// Kafka: none (`queued.max.messages.kbytes` of librdkafka). Default 8 MiB. Less than an answer
    /// (`max_bytes`) for each broker costs round trips.
    #[must_use]
    pub fn buffer_memory(mut self, bytes: u64) -> Self {
        self.buffer_memory = bytes;
        self
    }

    /// Bytes one compressed batch may unpack to; a larger one is an error.
    /// Kafka: none. Default 64 MiB.
    #[must_use]
    pub fn max_decompressed(mut self, bytes: usize) -> Self {
        self.max_decompressed = bytes;
        self
    }

    /// Whether the checksum of each batch is compared.
    /// Kafka: `check.crcs`. Default yes; without it damage in memory or transit goes unnoticed.
    #[must_use]
    pub fn check_crcs(mut self, check: bool) -> Self {
        self.check_crcs = check;
        self
    }

    /// Passes over a batch that cannot be read, after it was fetched twice and reported as
    /// [`ReaderError::Corrupt`] with its offset. Its records are lost to this reader.
    /// Kafka: none. Default no: the reader stays at the batch, reports it at the pace of `retry_backoff`, and
    /// waits for a seek.
    #[must_use]
    pub fn skip_corrupt_batches(mut self, skip: bool) -> Self {
        self.skip_corrupt_batches = skip;
        self
    }

    /// Commits marked offsets so often, in the place of waiting for each commit.
    /// Kafka: `auto.commit.interval.ms`. Default none: every commit call waits for the coordinator.
    /// A crash repeats what was marked since the last tick.
    #[must_use]
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.commit_interval = (!interval.is_zero()).then_some(interval);
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

    /// Time between heartbeats, by which a member also learns of rebalances.
    /// Kafka: `heartbeat.interval.ms`. Default 3 s.
    #[must_use]
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.heartbeat_interval = interval;
        self
    }

    /// Pause before joining again after an error that does not heal by itself.
    /// Kafka: none. Default 5 s.
    #[must_use]
    pub fn join_backoff(mut self, backoff: Duration) -> Self {
        self.join_backoff = backoff;
        self
    }

    /// A member that takes nothing for so long leaves the group, and joins again when it takes the next; one that waits
    /// counts as taking. With a `group_instance_id` it only falls silent: its session ends. `None` never leaves.
    /// Kafka: `max.poll.interval.ms`. Default 5 min.
    #[must_use]
    pub fn max_poll_interval(mut self, interval: Option<Duration>) -> Self {
        self.max_poll_interval = interval;
        self
    }

    /// How long the coordinator keeps committed offsets. Commits then go in versions 2 to 4, the last that can say so, and
    /// without leader epochs.
    /// Kafka: `retention_time_ms` of `OffsetCommit`. Default none: what the broker is set to, a week.
    #[must_use]
    pub fn retention_time(mut self, time: Option<Duration>) -> Self {
        self.retention_time = time;
        self
    }

    /// First and longest pause between attempts for one partition.
    /// Kafka: `retry.backoff.ms`, `retry.backoff.max.ms`. Default 100 ms and 1 s.
    #[must_use]
    pub fn retry_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.retry_backoff = (first, longest);
        self
    }

    /// Failures in a row from which on each is handed to the application.
    /// Kafka: none. Default 3. The reader goes on trying whatever the number.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// How long a broker may take for an answer.
    /// Kafka: `request.timeout.ms`. Default 30 s.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How long `close` waits for the last commit and the leave.
    /// Kafka: `close(timeout)`. Default 10 s.
    #[must_use]
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Where the application runs; brokers that know racks may send it to a nearer replica.
    /// Kafka: `client.rack`. Default none.
    #[must_use]
    pub fn rack(mut self, rack: impl Into<String>) -> Self {
        self.rack = rack.into();
        self
    }

    /// Messages fetched ahead from which on nothing is asked for, beside `buffer_memory`. A fetch brings
    /// whole batches, so more may wait.
    /// Kafka: none. Default none. Few cost a round trip for each handful of messages.
    #[must_use]
    pub fn queue_capacity(mut self, messages: u64) -> Self {
        self.queue_capacity = Some(messages);
        self
    }

    /// Asks the leaders so often where their partitions end, so that the lag in the
    /// [statistics](crate::ReaderStats::lag) holds while nothing is fetched. `None` and 0 never ask.
    /// Kafka: none. Default none: the lag is as of the last fetch. Not with a group, whose messages tell their lag.
    #[must_use]
    pub fn read_lag_interval(mut self, interval: Option<Duration>) -> Self {
        self.read_lag_interval = interval.filter(|interval| !interval.is_zero());
        self
    }

    /// Takes what happens, in lines of text, and errors where there is no `error_logger`.
    /// Kafka: none. Default none; `tracing` is told anyway.
    #[must_use]
    pub fn logger(mut self, logger: Arc<dyn Logger>) -> Self {
        self.loggers.logger = Some(logger);
        self
    }

    /// Takes what goes wrong, in lines of text.
    /// Kafka: none. Default: the `logger`.
    #[must_use]
    pub fn error_logger(mut self, logger: Arc<dyn Logger>) -> Self {
        self.loggers.error_logger = Some(logger);
        self
    }

    /// Checks everything and makes the reader.
    ///
    /// ```
    /// use ekafka_reader::{Reader, ReaderError};
    ///
    /// let faulty = Reader::builder().group_id("").max_bytes(0).build();
    /// if let Err(ReaderError::Config { faults }) = faulty {
    ///     assert!(faults.len() >= 3, "no topic and no brokers either: {faults:?}");
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ReaderError::Config`] with every fault.
    pub fn build(mut self) -> Result<Reader, ReaderError> {
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
            Some(cluster) if faults.is_empty() => Ok(Reader::new(cluster, self.checked())),
            _ => {
                let faults = faults.into();
                Err(ReaderError::Config { faults })
            }
        }
    }

    fn faults(&self) -> Vec<String> {
        let with_group = self.group.is_some();
        let checks = [
            (
                self.brokers.is_empty() && self.cluster.is_none(),
                "no brokers",
            ),
            (
                self.topics.iter().any(String::is_empty),
                "a topic has an empty name",
            ),
            (
                !with_group && self.topics.iter().collect::<BTreeSet<_>>().len() > 1,
                "several topics need a group",
            ),
            (
                with_group && !self.partitions.is_empty(),
                "a group chooses the partitions itself",
            ),
            (
                self.partitions.iter().any(|partition| *partition < 0),
                "a partition is negative",
            ),
            (
                self.group.as_deref() == Some(""),
                "the group has an empty name",
            ),
            (
                with_group && self.assignors.is_empty(),
                "a group needs an assignor",
            ),
            (
                with_group && self.read_lag_interval.is_some(),
                "read_lag_interval is for readers without a group",
            ),
            (
                !with_group && self.commit_interval.is_some(),
                "commit_interval needs a group",
            ),
            (
                !with_group && self.group_instance_id.is_some(),
                "group_instance_id needs a group",
            ),
            (self.max_bytes == 0, "max_bytes is 0"),
            (self.max_partition_bytes == 0, "max_partition_bytes is 0"),
            (
                self.min_bytes > self.max_bytes,
                "min_bytes is above max_bytes",
            ),
            (
                self.max_bytes.max(self.max_partition_bytes) > i32::MAX.unsigned_abs(),
                "max_bytes or max_partition_bytes is above 2 GiB",
            ),
            (self.buffer_memory == 0, "buffer_memory is 0"),
            (self.queue_capacity == Some(0), "queue_capacity is 0"),
            (
                matches!(self.start_offset, StartOffset::At(..0)),
                "the start offset is negative",
            ),
            (self.heartbeat_interval.is_zero(), "heartbeat_interval is 0"),
            (
                self.heartbeat_interval >= self.session_timeout,
                "heartbeat_interval is not below session_timeout",
            ),
            (self.rebalance_timeout.is_zero(), "rebalance_timeout is 0"),
            (
                self.retry_backoff.0 > self.retry_backoff.1,
                "the first retry backoff is above the longest",
            ),
            (self.retry_backoff.0.is_zero(), "the retry backoff is 0"),
            (
                self.longest_time().as_millis() > i32::MAX.unsigned_abs().into(),
                "a timeout is above 24 days",
            ),
        ];
        let failed = checks.into_iter().filter(|(failed, _)| *failed);
        let mut faults: Vec<_> = failed.map(|(_, fault)| fault.to_owned()).collect();
        faults.extend(self.watching.faults(!self.topics.is_empty(), with_group));
        faults
    }

    /// The longest of the times that travel as milliseconds.
    fn longest_time(&self) -> Duration {
        let retention = self.retention_time.unwrap_or_default();
        let group = self.session_timeout.max(self.rebalance_timeout);
        group.max(self.max_wait).max(retention)
    }

    fn checked(self) -> Settings {
        let bytes = |bytes: u32| i32::try_from(bytes).unwrap_or(i32::MAX);
        let partitions = if self.partitions.is_empty() {
            vec![0]
        } else {
            self.partitions
        };
        Settings {
            fetch: Arc::new(FetchSettings {
                min_bytes: bytes(self.min_bytes),
                max_bytes: bytes(self.max_bytes),
                max_partition_bytes: bytes(self.max_partition_bytes),
                max_wait: self.max_wait,
                request_timeout: self.request_timeout,
                isolation_level: self.isolation_level,
                rack: StrBytes::from_string(self.rack.clone()),
                budget: self.buffer_memory,
            }),
            limits: DecodeLimits {
                max_decompressed: self.max_decompressed,
                check_crcs: self.check_crcs,
            },
            start: self.start_offset,
            rules: Rules {
                start: self.start_offset.start(),
                out_of_range: self.out_of_range,
                backoff: self.retry_backoff,
                max_attempts: self.max_attempts.max(1),
            },
            buffer_memory: self.buffer_memory,
            skip_corrupt_batches: self.skip_corrupt_batches,
            queue_capacity: self.queue_capacity,
            read_lag_interval: self.read_lag_interval,
            loggers: self.loggers,
            topics: {
                let topics: BTreeSet<String> = self.topics.into_iter().collect();
                topics.into_iter().map(Into::into).collect()
            },
            partitions,
            group: self.group.map(|id| GroupSettings {
                id: id.into(),
                instance_id: self.group_instance_id,
                assignors: self.assignors,
                timing: Timing {
                    session: self.session_timeout,
                    rebalance: self.rebalance_timeout,
                    heartbeat: self.heartbeat_interval,
                    retry: self.retry_backoff.0,
                    join_backoff: self.join_backoff,
                },
                rack: (!self.rack.is_empty()).then_some(self.rack),
                commit_interval: self.commit_interval,
                max_poll_interval: self.max_poll_interval,
                retention_time: self.retention_time,
                watch: self.watching.checked(),
                call_timeout: self.request_timeout.min(LONGEST_GROUP_CALL),
            }),
            request_timeout: self.request_timeout,
            close_timeout: self.close_timeout,
        }
    }
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) fetch: Arc<FetchSettings>,
    pub(crate) limits: DecodeLimits,
    pub(crate) start: StartOffset,
    pub(crate) rules: Rules,
    /// Bytes.
    pub(crate) buffer_memory: u64,
    /// Whether a batch that cannot be read is passed over once it was reported.
    pub(crate) skip_corrupt_batches: bool,
    /// Messages; `None` for no bound beside the bytes.
    pub(crate) queue_capacity: Option<u64>,
    /// How often the partitions' ends are asked for; `None` for never.
    pub(crate) read_lag_interval: Option<Duration>,
    pub(crate) loggers: Loggers,
    pub(crate) topics: Vec<Arc<str>>,
    /// Read without a group; never empty.
    pub(crate) partitions: Vec<i32>,
    pub(crate) group: Option<GroupSettings>,
    pub(crate) request_timeout: Duration,
    pub(crate) close_timeout: Duration,
}

/// The part that concerns a group.
#[derive(Debug, Clone)]
pub(crate) struct GroupSettings {
    pub(crate) id: Arc<str>,
    pub(crate) instance_id: Option<String>,
    /// In order of preference; never empty.
    pub(crate) assignors: Vec<Arc<dyn Assignor>>,
    pub(crate) timing: Timing,
    pub(crate) rack: Option<String>,
    pub(crate) commit_interval: Option<Duration>,
    pub(crate) max_poll_interval: Option<Duration>,
    /// How long committed offsets are kept; `None` for the broker's own time.
    pub(crate) retention_time: Option<Duration>,
    /// Which topics, and how often they are looked at.
    pub(crate) watch: TopicWatch,
    /// For one call to the coordinator, besides what it waits for others.
    pub(crate) call_timeout: Duration,
}

/// The coordinator answers group calls that do not wait for others at once; after so long another try is better.
const LONGEST_GROUP_CALL: Duration = Duration::from_secs(10);
