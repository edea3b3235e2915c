//! OffsetDelete, version 0 (KIP-496): asked of the group's coordinator.

use std::time::Duration;

use ekafka_conn::TopicPartition;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use ekafka_protocol::cold::{OffsetDeleteRequest, OffsetDeleteResponse};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::{by_topic, group_id};

impl Client {
    /// Deletes offsets that a group has committed, for topics that none of its members reads.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// # let join = ekafka_admin::OffsetCommit::of("shop").offset(ekafka_conn::TopicPartition::new("orders", 0), 5);
    /// # client.offset_commit(join).await?.all()?;
    /// use ekafka_conn::TopicPartition;
    ///
    /// client.offset_delete("shop", [TopicPartition::new("orders", 0)]).await?.all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when the coordinator does not answer; what became of each partition is in the result. A topic that
    /// a member reads is refused with `GROUP_SUBSCRIBED_TO_TOPIC`.
    ///
    /// # Cancel safety
    /// Safe; the offsets may be deleted all the same.
    pub async fn offset_delete(
        &self,
        group: impl Into<String>,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<Outcomes<TopicPartition, ()>, AdminError> {
        let call = OffsetDelete {
            group: group.into(),
        };
        let partitions: Vec<TopicPartition> = partitions.into_iter().collect();
        let outcomes = self.call(&call, &partitions).await?;
        Ok(Outcomes::new(
            partitions.into_iter().zip(outcomes).collect(),
        ))
    }
}

struct OffsetDelete {
    group: String,
}

impl Call for OffsetDelete {
    type Request = OffsetDeleteRequest;
    type Item = TopicPartition;
    type Value = ();

    fn place<'a>(&'a self, _partition: &'a TopicPartition) -> Place<'a> {
        Place::Group(&self.group)
    }

    fn subject(&self, partition: &TopicPartition) -> String {
        partition.to_string()
    }

    fn ask(
        &self,
        partitions: &[&TopicPartition],
        _version: i16,
        _patience: Duration,
    ) -> Result<OffsetDeleteRequest, &'static str> {
        let partitions = partitions.iter().map(|known| {
            let number = known.partition;
            let partition = OffsetDeleteRequestPartition::default().with_partition_index(number);
            (*known, partition)
        });
        let topics = by_topic(partitions).into_iter().map(|(name, partitions)| {
            OffsetDeleteRequestTopic::default()
                .with_name(name)
                .with_partitions(partitions)
        });
        Ok(OffsetDeleteRequest::default()
            .with_group_id(group_id(&self.group))
            .with_topics(topics.collect()))
    }

    fn read(
        &self,
        partitions: &[&TopicPartition],
        answer: OffsetDeleteResponse,
        _version: i16,
    ) -> Vec<Told<()>> {
        let tell = |wanted: &&TopicPartition| {
            if answer.error_code != 0 {
                return Told::Refused(ErrorCode(answer.error_code), None);
            }
            let found = answer
                .topics
                .iter()
                .filter(|topic| **topic.name == *wanted.topic)
                .flat_map(|topic| &topic.partitions)
                .find(|found| found.partition_index == wanted.partition);
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, None, || ())
            })
        };
        partitions.iter().map(tell).collect()
    }
}
