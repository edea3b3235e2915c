//! OffsetCommit, versions 2 to 9, as from outside the group: asked of its coordinator.

use std::time::Duration;

use ekafka_conn::{LeaderEpoch, TopicPartition};
use ekafka_protocol::cold::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use ekafka_protocol::cold::{OffsetCommitRequest, OffsetCommitResponse};
use ekafka_protocol::{Request, VersionRange};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::{by_topic, group_id, text};

/// Offsets to set for a group.
#[derive(Debug, Clone)]
pub struct OffsetCommit {
    group: String,
    offsets: Vec<NewOffset>,
}

#[derive(Debug, Clone)]
pub(crate) struct NewOffset {
    partition: TopicPartition,
    offset: i64,
    leader_epoch: Option<LeaderEpoch>,
    metadata: String,
}

impl OffsetCommit {
    /// Sets offsets of this group.
    pub fn of(group: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            offsets: Vec::new(),
        }
    }

    /// The group shall go on at `offset`.
    #[must_use]
    pub fn offset(self, partition: TopicPartition, offset: i64) -> Self {
        self.offset_with(partition, offset, None, "")
    }

    /// The same, with the epoch of the record before and a text to keep beside the offset.
    #[must_use]
    pub fn offset_with(
        mut self,
        partition: TopicPartition,
        offset: i64,
        leader_epoch: Option<LeaderEpoch>,
        metadata: impl Into<String>,
    ) -> Self {
        self.offsets.push(NewOffset {
            partition,
            offset,
            leader_epoch,
            metadata: metadata.into(),
        });
        self
    }
}

impl Client {
    /// Sets the offsets at which a group without members goes on.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_admin::OffsetCommit;
    /// use ekafka_conn::TopicPartition;
    ///
    /// let commit = OffsetCommit::of("shop")
    ///     .offset(TopicPartition::new("orders", 0), 42)
    ///     .offset_with(TopicPartition::new("orders", 1), 7, None, "set by hand");
    /// client.offset_commit(commit).await?.all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when the coordinator does not answer; what became of each partition is in the result. A group with
    /// members refuses with `UNKNOWN_MEMBER_ID`.
    ///
    /// # Cancel safety
    /// Safe; the offsets may be set all the same.
    pub async fn offset_commit(
        &self,
        commit: OffsetCommit,
    ) -> Result<Outcomes<TopicPartition, ()>, AdminError> {
        let outcomes = self.call(&commit, &commit.offsets).await?;
        let partitions = commit.offsets.into_iter().map(|new| new.partition);
        Ok(Outcomes::new(partitions.zip(outcomes).collect()))
    }
}

impl Call for OffsetCommit {
    type Request = OffsetCommitRequest;
    type Item = NewOffset;
    type Value = ();

    fn versions(&self) -> VersionRange {
        // Later versions give ids of topics.
        OffsetCommitRequest::VERSIONS.intersect(VersionRange::new(2, 9))
    }

    fn place<'a>(&'a self, _new: &'a NewOffset) -> Place<'a> {
        Place::Group(&self.group)
    }

    fn subject(&self, new: &NewOffset) -> String {
        new.partition.to_string()
    }

    fn ask(
        &self,
        offsets: &[&NewOffset],
        _version: i16,
        _patience: Duration,
    ) -> Result<OffsetCommitRequest, &'static str> {
        let partitions = offsets.iter().map(|new| {
            let partition = OffsetCommitRequestPartition::default()
                .with_partition_index(new.partition.partition)
                .with_committed_offset(new.offset)
                .with_committed_leader_epoch(new.leader_epoch.unwrap_or(LeaderEpoch::UNKNOWN).0)
                .with_committed_metadata(Some(text(&new.metadata)));
            (&new.partition, partition)
        });
        let topics = by_topic(partitions).into_iter().map(|(name, partitions)| {
            OffsetCommitRequestTopic::default()
                .with_name(name)
                .with_partitions(partitions)
        });
        Ok(OffsetCommitRequest::default()
            .with_group_id(group_id(&self.group))
            .with_generation_id_or_member_epoch(-1)
            .with_retention_time_ms(-1)
            .with_topics(topics.collect()))
    }

    fn read(
        &self,
        offsets: &[&NewOffset],
        answer: OffsetCommitResponse,
        _version: i16,
    ) -> Vec<Told<()>> {
        let tell = |new: &&NewOffset| {
            let found = answer
                .topics
                .iter()
                .filter(|topic| **topic.name == *new.partition.topic)
                .flat_map(|topic| &topic.partitions)
                .find(|found| found.partition_index == new.partition.partition);
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, None, || ())
            })
        };
        offsets.iter().map(tell).collect()
    }
}
