//! The settings of a reader that runs.

use std::time::Duration;

use ekafka_protocol::messages::IsolationLevel;

use super::Settings;
use crate::reset::{OutOfRange, StartOffset};

/// What a reader was set up with, defaults filled in; see [`Reader::config`](crate::Reader::config).
/// Each field is what the setter of [`ReaderBuilder`](crate::ReaderBuilder) with its name says.
///
/// ```no_run
/// # async fn example(reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// let config = reader.config();
/// println!("{:?} from {:?}", config.topics, config.start_offset);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderConfig {
    /// The topics.
    pub topics: Vec<String>,
    /// The pattern that topics are found by, if there is one; `topics` are empty then.
    pub topic_pattern: Option<String>,
    /// The partitions; empty with a group.
    pub partitions: Vec<i32>,
    /// The group, if there is one.
    pub group_id: Option<String>,
    /// The name that survives restarts, if there is one.
    pub group_instance_id: Option<String>,
    /// The strategies' names, in order of preference; empty without a group.
    pub assignors: Vec<String>,
    /// Where reading begins.
    pub start_offset: StartOffset,
    /// What follows a position outside the log.
    pub out_of_range: OutOfRange,
    /// Whether open and aborted transactions are read.
    pub isolation_level: IsolationLevel,
    /// Bytes.
    pub min_bytes: u32,
    /// Bytes.
    pub max_bytes: u32,
    /// Bytes.
    pub max_partition_bytes: u32,
    /// The longest wait of a broker.
    pub max_wait: Duration,
    /// Bytes.
    pub buffer_memory: u64,
    /// Messages; `None` for no bound.
    pub queue_capacity: Option<u64>,
    /// How often the partitions' ends are asked for; `None` for never.
    pub read_lag_interval: Option<Duration>,
    /// Whether a batch that cannot be read is passed over once it was reported.
    pub skip_corrupt_batches: bool,
    /// `None` commits at once.
    pub commit_interval: Option<Duration>,
    /// `None` without a group.
    pub session_timeout: Option<Duration>,
    /// `None` without a group.
    pub rebalance_timeout: Option<Duration>,
    /// `None` without a group.
    pub heartbeat_interval: Option<Duration>,
    /// How often metadata is read for changes; `None` for no more often than its age.
    pub partition_watch_interval: Option<Duration>,
    /// How long commits are kept; `None` for the broker's time.
    pub retention_time: Option<Duration>,
    /// `None` without a group, or without a limit.
    pub max_poll_interval: Option<Duration>,
    /// Failures in a row from which on each is told.
    pub max_attempts: u32,
    /// First and longest pause between attempts.
    pub retry_backoff: (Duration, Duration),
    /// The longest wait for an answer.
    pub request_timeout: Duration,
    /// The longest wait of `close`.
    pub close_timeout: Duration,
}

impl ReaderConfig {
    pub(crate) fn of(settings: &Settings) -> Self {
        let group = settings.group.as_ref();
        let fetch = &settings.fetch;
        let assignors = group.iter().flat_map(|group| &group.assignors);
        Self {
            topics: settings.topics.iter().map(ToString::to_string).collect(),
            topic_pattern: group.and_then(|group| group.watch.name.clone()),
            partitions: match group {
                Some(_) => Vec::new(),
                None => settings.partitions.clone(),
            },
            group_id: group.map(|group| group.id.to_string()),
            group_instance_id: group.and_then(|group| group.instance_id.clone()),
            assignors: assignors.map(|one| one.name().to_owned()).collect(),
            start_offset: settings.start,
            out_of_range: settings.rules.out_of_range,
            isolation_level: fetch.isolation_level,
            min_bytes: fetch.min_bytes.unsigned_abs(),
            max_bytes: fetch.max_bytes.unsigned_abs(),
            max_partition_bytes: fetch.max_partition_bytes.unsigned_abs(),
            max_wait: fetch.max_wait,
            buffer_memory: settings.buffer_memory,
            queue_capacity: settings.queue_capacity,
            read_lag_interval: settings.read_lag_interval,
            skip_corrupt_batches: settings.skip_corrupt_batches,
            commit_interval: group.and_then(|group| group.commit_interval),
            session_timeout: group.map(|group| group.timing.session),
            rebalance_timeout: group.map(|group| group.timing.rebalance),
            heartbeat_interval: group.map(|group| group.timing.heartbeat),
            max_poll_interval: group.and_then(|group| group.max_poll_interval),
            partition_watch_interval: group.and_then(|group| group.watch.interval),
            retention_time: group.and_then(|group| group.retention_time),
            max_attempts: settings.rules.max_attempts,
            retry_backoff: settings.rules.backoff,
            request_timeout: settings.request_timeout,
            close_timeout: settings.close_timeout,
        }
    }
}
