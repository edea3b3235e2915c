//! ListOffsets, versions 1 to 10: asked of each partition's leader, all partitions of a leader together.

use std::time::{Duration, SystemTime};

use ekafka_conn::{IsolationLevel, LeaderEpoch, TopicPartition, milliseconds_since_1970};
use ekafka_protocol::cold::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ekafka_protocol::cold::{BrokerId, ListOffsetsRequest, ListOffsetsResponse};
use ekafka_protocol::{Request, VersionRange};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::by_topic;

/// Which offset of a partition is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OffsetSpec {
    /// The lowest offset there is.
    First,
    /// The offset behind the last record; with [`IsolationLevel::ReadCommitted`] the last stable offset.
    Last,
    /// The first record of that time or later, in milliseconds since 1970.
    Time(i64),
    /// The record with the greatest timestamp (KIP-734); brokers from 3.0 on.
    MaxTime,
    /// The lowest offset on the broker's own disks, where older records are in tiered storage (KIP-405); from 3.4 on.
    FirstLocal,
    /// The highest offset in tiered storage (KIP-1005); from 3.9 on.
    LastTiered,
}

impl From<SystemTime> for OffsetSpec {
    /// Times before 1970 count as 1970.
    fn from(time: SystemTime) -> Self {
        Self::Time(milliseconds_since_1970(time).max(0))
    }
}

/// Offsets to find.
#[derive(Debug, Clone, Default)]
pub struct ListOffsets {
    wanted: Vec<Wanted>,
    isolation: IsolationLevel,
}

#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    partition: TopicPartition,
    spec: OffsetSpec,
    /// How often the partition was asked about before; a request may name it only once.
    turn: usize,
}

impl ListOffsets {
    /// Finds these offsets. A partition may be asked about several times.
    pub fn new(wanted: impl IntoIterator<Item = (TopicPartition, OffsetSpec)>) -> Self {
        let mut turns = std::collections::HashMap::new();
        let wanted = wanted.into_iter().map(|(partition, spec)| {
            let turn: &mut usize = turns.entry(partition.clone()).or_default();
            *turn += 1;
            Wanted {
                partition,
                spec,
                turn: *turn - 1,
            }
        });
        Self {
            wanted: wanted.collect(),
            isolation: IsolationLevel::default(),
        }
    }

    /// What [`OffsetSpec::Last`] means. Default: read uncommitted, the high watermark.
    #[must_use]
    pub fn isolation_level(mut self, isolation: IsolationLevel) -> Self {
        self.isolation = isolation;
        self
    }
}

impl<I: IntoIterator<Item = (TopicPartition, OffsetSpec)>> From<I> for ListOffsets {
    fn from(wanted: I) -> Self {
        Self::new(wanted)
    }
}

/// An offset that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundOffset {
    /// The offset; `None` when no record fits.
    pub offset: Option<i64>,
    /// The record's timestamp in milliseconds since 1970, where the question was about one.
    pub timestamp: Option<i64>,
    /// The epoch in which the record was written, where the broker tells.
    pub leader_epoch: Option<LeaderEpoch>,
}

impl Client {
    /// Finds offsets of partitions: the ends, or by time.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_admin::{ListOffsets, OffsetSpec};
    /// use ekafka_conn::{IsolationLevel, TopicPartition};
    ///
    /// let partition = TopicPartition::new("orders", 0);
    /// let ends = [(partition.clone(), OffsetSpec::First), (partition, OffsetSpec::Last)];
    /// let committed = ListOffsets::new(ends).isolation_level(IsolationLevel::ReadCommitted);
    /// for ((partition, which), found) in client.list_offsets(committed).await?.all()? {
    ///     println!("{partition} {which:?}: {:?}", found.offset);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no leader answers; what became of each partition is in the result. One that does not exist is
    /// refused with `UNKNOWN_TOPIC_OR_PARTITION`.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn list_offsets(
        &self,
        wanted: impl Into<ListOffsets>,
    ) -> Result<Outcomes<(TopicPartition, OffsetSpec), FoundOffset>, AdminError> {
        let call = wanted.into();
        let outcomes = self.call(&call, &call.wanted).await?;
        let keys = call.wanted.into_iter();
        let keys = keys.map(|wanted| (wanted.partition, wanted.spec));
        Ok(Outcomes::new(keys.zip(outcomes).collect()))
    }
}

impl Call for ListOffsets {
    type Request = ListOffsetsRequest;
    type Item = Wanted;
    type Value = FoundOffset;

    fn versions(&self) -> VersionRange {
        let isolation = match self.isolation {
            IsolationLevel::ReadUncommitted => 0,
            IsolationLevel::ReadCommitted => FIRST_WITH_ISOLATION,
        };
        let specs = self.wanted.iter().map(|wanted| first_version(wanted.spec));
        let needed = specs.fold(isolation, i16::max);
        ListOffsetsRequest::VERSIONS.intersect(VersionRange::new(needed, i16::MAX))
    }

    fn place<'a>(&'a self, wanted: &'a Wanted) -> Place<'a> {
        Place::Leader(&wanted.partition)
    }

    fn lane(&self, wanted: &Wanted) -> usize {
        wanted.turn
    }

    fn ask(
        &self,
        wanted: &[&Wanted],
        _version: i16,
        _patience: Duration,
    ) -> Result<ListOffsetsRequest, &'static str> {
        let partitions = wanted.iter().map(|wanted| {
            let partition = ListOffsetsPartition::default()
                .with_partition_index(wanted.partition.partition)
                .with_current_leader_epoch(-1)
                .with_timestamp(timestamp(wanted.spec));
            (&wanted.partition, partition)
        });
        let topics = by_topic(partitions).into_iter().map(|(name, partitions)| {
            ListOffsetsTopic::default()
                .with_name(name)
                .with_partitions(partitions)
        });
        Ok(ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_isolation_level(self.isolation as i8)
            .with_topics(topics.collect()))
    }

    fn read(
        &self,
        wanted: &[&Wanted],
        answer: ListOffsetsResponse,
        _version: i16,
    ) -> Vec<Told<FoundOffset>> {
        let tell = |wanted: &&Wanted| {
            let found = answer
                .topics
                .iter()
                .filter(|topic| **topic.name == *wanted.partition.topic)
                .flat_map(|topic| &topic.partitions)
                .find(|found| found.partition_index == wanted.partition.partition);
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, None, || FoundOffset {
                    offset: (found.offset >= 0).then_some(found.offset),
                    timestamp: (found.timestamp >= 0).then_some(found.timestamp),
                    leader_epoch: Some(LeaderEpoch(found.leader_epoch)).filter(|e| e.0 >= 0),
                })
            })
        };
        wanted.iter().map(tell).collect()
    }
}

/// As the request carries it.
fn timestamp(spec: OffsetSpec) -> i64 {
    match spec {
        OffsetSpec::Time(time) => time.max(0),
        OffsetSpec::Last => -1,
        OffsetSpec::First => -2,
        OffsetSpec::MaxTime => -3,
        OffsetSpec::FirstLocal => -4,
        OffsetSpec::LastTiered => -5,
    }
}

/// The first version that knows it.
fn first_version(spec: OffsetSpec) -> i16 {
    match spec {
        OffsetSpec::First | OffsetSpec::Last | OffsetSpec::Time(_) => 1,
        OffsetSpec::MaxTime => 7,
        OffsetSpec::FirstLocal => 8,
        OffsetSpec::LastTiered => 9,
    }
}

const FIRST_WITH_ISOLATION: i16 = 2;
