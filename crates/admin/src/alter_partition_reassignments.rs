//! AlterPartitionReassignments, versions 0 and 1 (KIP-455): asked of the controller.

use std::time::Duration;

use ekafka_conn::{BrokerId, TopicPartition};
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use ekafka_protocol::cold::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, BrokerId as WireId,
};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::{by_topic, milliseconds};

impl Client {
    /// Moves partitions to other brokers, the preferred leader first; `None` ends a move under way and undoes it. The
    /// brokers then copy records; [`list_partition_reassignments`](Self::list_partition_reassignments) tells when they
    /// are done. Brokers from 2.4 on.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_conn::{BrokerId, TopicPartition};
    ///
    /// let to = [(TopicPartition::new("orders", 0), Some(vec![BrokerId(2), BrokerId(3)]))];
    /// client.alter_partition_reassignments(to).await?.all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when the controller does not answer; what became of each partition is in the result. Without a move
    /// to end, `NO_REASSIGNMENT_IN_PROGRESS`.
    ///
    /// # Cancel safety
    /// Safe; the moves may begin all the same.
    pub async fn alter_partition_reassignments(
        &self,
        moves: impl IntoIterator<Item = (TopicPartition, Option<Vec<BrokerId>>)>,
    ) -> Result<Outcomes<TopicPartition, ()>, AdminError> {
        let moves: Vec<_> = moves.into_iter().collect();
        let outcomes = self.call(&AlterPartitionReassignments, &moves).await?;
        let partitions = moves.into_iter().map(|(partition, _)| partition);
        Ok(Outcomes::new(partitions.zip(outcomes).collect()))
    }
}

struct AlterPartitionReassignments;

impl Call for AlterPartitionReassignments {
    type Request = AlterPartitionReassignmentsRequest;
    type Item = (TopicPartition, Option<Vec<BrokerId>>);
    type Value = ();

    fn place<'a>(&'a self, _move: &'a Self::Item) -> Place<'a> {
        Place::Controller
    }

    fn subject(&self, (partition, _): &Self::Item) -> String {
        partition.to_string()
    }

    fn ask(
        &self,
        moves: &[&Self::Item],
        _version: i16,
        patience: Duration,
    ) -> Result<AlterPartitionReassignmentsRequest, &'static str> {
        let partitions = moves.iter().map(|(known, replicas)| {
            let ids = replicas.as_ref();
            let ids = ids.map(|ids| ids.iter().map(|id| WireId(id.0)).collect());
            let partition = ReassignablePartition::default()
                .with_partition_index(known.partition)
                .with_replicas(ids);
            (known, partition)
        });
        let topics = by_topic(partitions).into_iter().map(|(name, partitions)| {
            ReassignableTopic::default()
                .with_name(name)
                .with_partitions(partitions)
        });
        Ok(AlterPartitionReassignmentsRequest::default()
            .with_timeout_ms(milliseconds(patience))
            .with_topics(topics.collect()))
    }

    fn read(
        &self,
        moves: &[&Self::Item],
        answer: AlterPartitionReassignmentsResponse,
        _version: i16,
    ) -> Vec<Told<()>> {
        let tell = |(wanted, _): &&Self::Item| {
            if answer.error_code != 0 {
                let message = answer.error_message.as_deref().map(str::to_owned);
                return Told::Refused(ErrorCode(answer.error_code), message);
            }
            let found = answer
                .responses
                .iter()
                .filter(|topic| **topic.name == *wanted.topic)
                .flat_map(|topic| &topic.partitions)
                .find(|found| found.partition_index == wanted.partition);
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, found.error_message.as_deref(), || ())
            })
        };
        moves.iter().map(tell).collect()
    }
}
