//! OffsetFetch, versions 2 to 9: asked of the group's coordinator.

use std::time::Duration;

use ekafka_conn::{LeaderEpoch, TopicPartition};
use ekafka_protocol::cold::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use ekafka_protocol::cold::{OffsetFetchRequest, OffsetFetchResponse, TopicName};
use ekafka_protocol::{ErrorCode, Request, StrBytes, VersionRange};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::{AdminError, refused};
use crate::outcomes::Outcomes;
use crate::wire::{by_topic, group_id};

/// Which committed offsets of a group to read.
#[derive(Debug, Clone)]
pub struct OffsetFetch {
    group: String,
    /// None means all.
    partitions: Option<Vec<TopicPartition>>,
    require_stable: bool,
}

impl OffsetFetch {
    /// All offsets that the group has committed.
    pub fn all_of(group: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            partitions: None,
            require_stable: false,
        }
    }

    /// Only those of these partitions. Default: all.
    #[must_use]
    pub fn partitions(mut self, partitions: impl IntoIterator<Item = TopicPartition>) -> Self {
        self.partitions = Some(partitions.into_iter().collect());
        self
    }

    /// Waits for transactions that are about to commit other offsets (KIP-447); brokers from 2.5 on. Default: off.
    #[must_use]
    pub fn require_stable(mut self, on: bool) -> Self {
        self.require_stable = on;
        self
    }
}

impl From<&str> for OffsetFetch {
    fn from(group: &str) -> Self {
        Self::all_of(group)
    }
}

/// An offset that a group has committed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommittedOffset {
    /// The offset of the next record to read.
    pub offset: i64,
    /// The epoch of the last record read, where it was committed too.
    pub leader_epoch: Option<LeaderEpoch>,
    /// Text that was committed with it; usually empty.
    pub metadata: String,
}

impl Client {
    /// The offsets that a group has committed; `None` for a partition without one.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// # let join = ekafka_admin::OffsetCommit::of("shop").offset(ekafka_conn::TopicPartition::new("orders", 0), 5);
    /// # client.offset_commit(join).await?.all()?;
    /// use ekafka_admin::OffsetFetch;
    /// use ekafka_conn::TopicPartition;
    ///
    /// let some = OffsetFetch::all_of("shop").partitions([TopicPartition::new("orders", 0)]).require_stable(true);
    /// for (partition, committed) in client.offset_fetch(some).await?.all()? {
    ///     println!("{partition}: {:?}", committed.map(|committed| committed.offset));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when the coordinator does not answer or refuses the group; a refusal of one partition is in the
    /// result. A group that does not exist has no offsets.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn offset_fetch(
        &self,
        wanted: impl Into<OffsetFetch>,
    ) -> Result<Outcomes<TopicPartition, Option<CommittedOffset>>, AdminError> {
        self.call_one(&wanted.into(), ()).await
    }
}

/// An offset as an answer of any version has it.
struct Listed<'a> {
    topic: &'a TopicName,
    partition: i32,
    offset: i64,
    leader_epoch: i32,
    metadata: Option<&'a StrBytes>,
    code: ErrorCode,
}

impl Call for OffsetFetch {
    type Request = OffsetFetchRequest;
    type Item = ();
    type Value = Outcomes<TopicPartition, Option<CommittedOffset>>;

    fn versions(&self) -> VersionRange {
        let first = if self.require_stable {
            FIRST_STABLE
        } else {
            FIRST_WITH_ALL
        };
        OffsetFetchRequest::VERSIONS.intersect(VersionRange::new(first, LAST_BY_NAME))
    }

    fn place<'a>(&'a self, (): &'a ()) -> Place<'a> {
        Place::Group(&self.group)
    }

    fn ask(
        &self,
        _items: &[&()],
        version: i16,
        _patience: Duration,
    ) -> Result<OffsetFetchRequest, &'static str> {
        let named = self.partitions.as_ref().map(|partitions| {
            let numbers = partitions.iter().map(|known| (known, known.partition));
            by_topic(numbers)
        });
        let request = OffsetFetchRequest::default().with_require_stable(self.require_stable);
        if version < FIRST_OF_SEVERAL {
            let topics = named.map(|topics| {
                let topics = topics.into_iter().map(|(name, numbers)| {
                    OffsetFetchRequestTopic::default()
                        .with_name(name)
                        .with_partition_indexes(numbers)
                });
                topics.collect()
            });
            return Ok(request
                .with_group_id(group_id(&self.group))
                .with_topics(topics));
        }
        let topics = named.map(|topics| {
            let topics = topics.into_iter().map(|(name, numbers)| {
                OffsetFetchRequestTopics::default()
                    .with_name(name)
                    .with_partition_indexes(numbers)
            });
            topics.collect()
        });
        let group = OffsetFetchRequestGroup::default()
            .with_group_id(group_id(&self.group))
            .with_member_epoch(-1)
            .with_member_id(None)
            .with_topics(topics);
        Ok(request.with_groups(vec![group]))
    }

    fn read(
        &self,
        _items: &[&()],
        answer: OffsetFetchResponse,
        version: i16,
    ) -> Vec<Told<Self::Value>> {
        let listed = if version < FIRST_OF_SEVERAL {
            Some((ErrorCode(answer.error_code), of_one(&answer)))
        } else {
            of_several(&answer, &self.group)
        };
        let Some((code, listed)) = listed else {
            return vec![Told::Nothing];
        };
        // An open transaction, or the whole group: ask again or refuse as a whole.
        let unstable = listed
            .iter()
            .map(|listed| listed.code)
            .find(|code| *code == ErrorCode::UNSTABLE_OFFSET_COMMIT);
        let code = unstable.unwrap_or(code);
        vec![Told::of(code.0, None, || self.outcomes(&listed))]
    }
}

impl OffsetFetch {
    fn outcomes(&self, listed: &[Listed<'_>]) -> Outcomes<TopicPartition, Option<CommittedOffset>> {
        let outcome = |listed: &Listed<'_>| {
            let partition = TopicPartition::new(&***listed.topic, listed.partition);
            let outcome = match listed.code {
                ErrorCode::NONE => Ok((listed.offset >= 0).then(|| CommittedOffset {
                    offset: listed.offset,
                    leader_epoch: Some(LeaderEpoch(listed.leader_epoch)).filter(|e| e.0 >= 0),
                    metadata: listed.metadata.map(StrBytes::to_string).unwrap_or_default(),
                })),
                code => Err(refused(
                    OffsetFetchRequest::API,
                    partition.to_string(),
                    code,
                    None,
                )),
            };
            (partition, outcome)
        };
        let mut outcomes: Vec<_> = listed.iter().map(outcome).collect();
        match &self.partitions {
            None => outcomes.sort_by(|left, right| left.0.cmp(&right.0)),
            Some(order) => outcomes
                .sort_by_cached_key(|(known, _)| order.iter().position(|wanted| wanted == known)),
        }
        Outcomes::new(outcomes)
    }
}

fn of_one(answer: &OffsetFetchResponse) -> Vec<Listed<'_>> {
    let topics = answer.topics.iter();
    let listed = topics.flat_map(|topic| {
        topic.partitions.iter().map(|partition| Listed {
            topic: &topic.name,
            partition: partition.partition_index,
            offset: partition.committed_offset,
            leader_epoch: partition.committed_leader_epoch,
            metadata: partition.metadata.as_ref(),
            code: ErrorCode(partition.error_code),
        })
    });
    listed.collect()
}

fn of_several<'a>(
    answer: &'a OffsetFetchResponse,
    group: &str,
) -> Option<(ErrorCode, Vec<Listed<'a>>)> {
    let found = answer
        .groups
        .iter()
        .find(|found| *found.group_id.0 == *group)?;
    let listed = found.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| Listed {
            topic: &topic.name,
            partition: partition.partition_index,
            offset: partition.committed_offset,
            leader_epoch: partition.committed_leader_epoch,
            metadata: partition.metadata.as_ref(),
            code: ErrorCode(partition.error_code),
        })
    });
    Some((ErrorCode(found.error_code), listed.collect()))
}

/// The first version that can ask for all offsets.
const FIRST_WITH_ALL: i16 = 2;
/// The first version that can wait for transactions.
const FIRST_STABLE: i16 = 7;
/// The first version that asks about several groups.
const FIRST_OF_SEVERAL: i16 = 8;
/// The last version that names topics instead of giving their ids.
const LAST_BY_NAME: i16 = 9;
