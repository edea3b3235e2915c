//! A topic of the embedded cluster, its partitions and its configuration. Pure.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use ekafka_protocol::ErrorCode;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::log::{Compaction, PartitionLog};

/// One topic.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) id: Uuid,
    /// By partition number.
    pub(crate) partitions: Vec<Partition>,
    pub(crate) config: TopicConfig,
}

/// One partition and who may touch it.
#[derive(Debug)]
pub(crate) struct Partition {
    /// -1 while no replica is up.
    pub(crate) leader: i32,
    /// Grows with each change of leader (KIP-101).
    pub(crate) leader_epoch: i32,
    pub(crate) replicas: Vec<i32>,
    pub(crate) in_sync: Vec<i32>,
    pub(crate) log: PartitionLog,
    /// Where the logs of followers end that are held back, by node id.
    pub(crate) held_back: BTreeMap<i32, i64>,
    /// Fetches that wait for records here; emptied by each wake-up.
    waiting: Vec<Arc<Notify>>,
}

impl Partition {
    pub(crate) fn new(replicas: Vec<i32>, leader: i32, log: PartitionLog) -> Self {
        Self {
            leader,
            leader_epoch: 0,
            in_sync: replicas.clone(),
            replicas,
            log,
            held_back: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    /// Compares the leader epoch a client believes in (-1 for none) with the real one (KIP-320).
    pub(crate) fn check_epoch(&self, believed: i32) -> Result<(), ErrorCode> {
        match believed {
            epoch if epoch < 0 || epoch == self.leader_epoch => Ok(()),
            epoch if epoch < self.leader_epoch => Err(ErrorCode::FENCED_LEADER_EPOCH),
            _ => Err(ErrorCode::UNKNOWN_LEADER_EPOCH),
        }
    }

    /// Where the log of the replica on this node ends.
    pub(crate) fn end_on(&self, node: i32) -> i64 {
        let end = self.log.end_offset();
        let held_back = self.held_back.get(&node).filter(|_| node != self.leader);
        held_back.map_or(end, |held| end.min(*held))
    }

    /// Wakes whoever waits for a change of this partition, once.
    pub(crate) fn wake(&mut self) {
        for waiting in self.waiting.drain(..) {
            waiting.notify_one();
        }
    }

    /// Asks for one wake-up at the next change.
    pub(crate) fn wake_on_change(&mut self, waker: &Arc<Notify>) {
        if !self
            .waiting
            .iter()
            .any(|waiting| Arc::ptr_eq(waiting, waker))
        {
            self.waiting.push(Arc::clone(waker));
        }
    }
}

/// The topic configurations someone has set, by Kafka's names. What has an effect is read through the methods.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TopicConfig {
    pub(crate) set: BTreeMap<String, String>,
}

impl TopicConfig {
    /// Whether the broker stamps records itself (`message.timestamp.type=LogAppendTime`).
    pub(crate) fn stamps_records(&self) -> bool {
        self.set
            .get("message.timestamp.type")
            .is_some_and(|value| value == "LogAppendTime")
    }

    /// The largest batch taken, in bytes (`max.message.bytes`).
    pub(crate) fn max_message_bytes(&self) -> Option<usize> {
        self.set.get("max.message.bytes")?.parse().ok()
    }

    /// Bytes kept per partition (`retention.bytes`); none keeps everything.
    pub(crate) fn retention_bytes(&self) -> Option<u64> {
        self.set.get("retention.bytes")?.parse().ok()
    }

    /// Replicas that must be in sync for acks = all (`min.insync.replicas`).
    pub(crate) fn min_in_sync(&self) -> usize {
        self.set
            .get("min.insync.replicas")
            .and_then(|value| value.parse().ok())
            .unwrap_or(1)
    }

    /// How the partitions are compacted, if they are (`cleanup.policy`, `segment.ms`, `segment.bytes`,
    /// `min.cleanable.dirty.ratio`).
    pub(crate) fn compaction(&self) -> Option<Compaction> {
        let policies = self.set.get("cleanup.policy")?;
        let is_compacted = policies.split(',').any(|policy| policy.trim() == "compact");
        is_compacted.then_some(())?;
        Some(Compaction {
            segment_ms: self.number("segment.ms")?,
            segment_bytes: self.number("segment.bytes")?,
            min_dirty_ratio: self.number("min.cleanable.dirty.ratio")?,
        })
    }

    /// What was set, or Kafka's default.
    fn number<T: FromStr>(&self, name: &str) -> Option<T> {
        let default = || KNOWN_CONFIGS.iter().find(|known| known.name == name);
        let set = self.set.get(name).map(String::as_str);
        set.or_else(|| default().map(|known| known.default))?
            .parse()
            .ok()
    }

    /// Sets one value after checking its name and form.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), ErrorCode> {
        let known = KNOWN_CONFIGS
            .iter()
            .find(|known| known.name == name)
            .ok_or(ErrorCode::INVALID_CONFIG)?;
        if !known.kind.accepts(value) {
            return Err(ErrorCode::INVALID_CONFIG);
        }
        self.set.insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}

/// A topic configuration Kafka knows.
#[derive(Debug)]
pub(crate) struct KnownConfig {
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    pub(crate) kind: ConfigKind,
}

/// The form of a configuration's value, with Kafka's number for it in DescribeConfigs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConfigKind {
    Boolean = 1,
    Text = 2,
    Int = 3,
    Long = 5,
    Double = 6,
    List = 7,
}

impl ConfigKind {
    fn accepts(self, value: &str) -> bool {
        match self {
            Self::Boolean => matches!(value, "true" | "false"),
            Self::Int => value.parse::<i32>().is_ok(),
            Self::Long => value.parse::<i64>().is_ok(),
            Self::Double => value.parse::<f64>().is_ok(),
            Self::Text | Self::List => true,
        }
    }
}

/// Names are legal when they are 1 to 249 of `[a-zA-Z0-9._-]` and neither `.` nor `..`.
pub(crate) fn check_topic_name(name: &str) -> Result<(), ErrorCode> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_sound = !name.is_empty()
        && name.len() <= 249
        && name != "."
        && name != ".."
        && name.bytes().all(legal);
    if is_sound {
        Ok(())
    } else {
        Err(ErrorCode::INVALID_TOPIC_EXCEPTION)
    }
}

const fn known(name: &'static str, default: &'static str, kind: ConfigKind) -> KnownConfig {
    KnownConfig {
        name,
        default,
        kind,
    }
}

/// Topic configurations with Kafka 4.1's defaults.
pub(crate) const KNOWN_CONFIGS: &[KnownConfig] = &[
    known("cleanup.policy", "delete", ConfigKind::List),
    known("compression.type", "producer", ConfigKind::Text),
    known("delete.retention.ms", "86400000", ConfigKind::Long),
    known("file.delete.delay.ms", "60000", ConfigKind::Long),
    known("flush.messages", "9223372036854775807", ConfigKind::Long),
    known("flush.ms", "9223372036854775807", ConfigKind::Long),
    known("index.interval.bytes", "4096", ConfigKind::Int),
    known(
        "max.compaction.lag.ms",
        "9223372036854775807",
        ConfigKind::Long,
    ),
    known("max.message.bytes", "1048588", ConfigKind::Int),
    known(
        "message.timestamp.after.max.ms",
        "3600000",
        ConfigKind::Long,
    ),
    known(
        "message.timestamp.before.max.ms",
        "9223372036854775807",
        ConfigKind::Long,
    ),
    known("message.timestamp.type", "CreateTime", ConfigKind::Text),
    known("min.cleanable.dirty.ratio", "0.5", ConfigKind::Double),
    known("min.compaction.lag.ms", "0", ConfigKind::Long),
    known("min.insync.replicas", "1", ConfigKind::Int),
    known("preallocate", "false", ConfigKind::Boolean),
    known("retention.bytes", "-1", ConfigKind::Long),
    known("retention.ms", "604800000", ConfigKind::Long),
    known("segment.bytes", "1073741824", ConfigKind::Int),
    known("segment.index.bytes", "10485760", ConfigKind::Int),
    known("segment.jitter.ms", "0", ConfigKind::Long),
    known("segment.ms", "604800000", ConfigKind::Long),
    known(
        "unclean.leader.election.enable",
        "false",
        ConfigKind::Boolean,
    ),
];
