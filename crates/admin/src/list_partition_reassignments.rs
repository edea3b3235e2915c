//! ListPartitionReassignments, version 0 (KIP-455): asked of the controller.

use std::time::Duration;

use ekafka_conn::{BrokerId, TopicPartition};
use ekafka_protocol::cold::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use ekafka_protocol::cold::{
    BrokerId as WireId, ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::wire::{by_topic, milliseconds};

/// A partition that is being moved.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reassignment {
    /// The partition.
    pub partition: TopicPartition,
    /// Who holds it now, those that are being added or removed included.
    pub replicas: Vec<BrokerId>,
    /// Those that are still copying.
    pub adding: Vec<BrokerId>,
    /// Those that will give it up.
    pub removing: Vec<BrokerId>,
}

impl Client {
    /// The partitions that are being moved; without `among`, of all topics. Brokers from 2.4 on.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// for moving in client.list_partition_reassignments(None).await? {
    ///     println!("{}: {:?} are being added", moving.partition, moving.adding);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when the controller does not answer or refuses.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn list_partition_reassignments(
        &self,
        among: Option<Vec<TopicPartition>>,
    ) -> Result<Vec<Reassignment>, AdminError> {
        let call = ListPartitionReassignments { among };
        self.call_one(&call, ()).await
    }
}

struct ListPartitionReassignments {
    among: Option<Vec<TopicPartition>>,
}

impl Call for ListPartitionReassignments {
    type Request = ListPartitionReassignmentsRequest;
    type Item = ();
    type Value = Vec<Reassignment>;

    fn place<'a>(&'a self, (): &'a ()) -> Place<'a> {
        Place::Controller
    }

    fn ask(
        &self,
        _items: &[&()],
        _version: i16,
        patience: Duration,
    ) -> Result<ListPartitionReassignmentsRequest, &'static str> {
        let topics = self.among.as_ref().map(|partitions| {
            let numbers = partitions.iter().map(|known| (known, known.partition));
            let topics = by_topic(numbers).into_iter().map(|(name, numbers)| {
                ListPartitionReassignmentsTopics::default()
                    .with_name(name)
                    .with_partition_indexes(numbers)
            });
            topics.collect()
        });
        Ok(ListPartitionReassignmentsRequest::default()
            .with_timeout_ms(milliseconds(patience))
            .with_topics(topics))
    }

    fn read(
        &self,
        _items: &[&()],
        answer: ListPartitionReassignmentsResponse,
        _version: i16,
    ) -> Vec<Told<Vec<Reassignment>>> {
        let message = answer.error_message.as_deref();
        vec![Told::of(answer.error_code, message, || listed(&answer))]
    }
}

fn listed(answer: &ListPartitionReassignmentsResponse) -> Vec<Reassignment> {
    let ids = |ids: &[WireId]| ids.iter().map(|id| BrokerId(id.0)).collect();
    let moves = answer.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(move |found| Reassignment {
            partition: TopicPartition::new(&**topic.name, found.partition_index),
            replicas: ids(&found.replicas),
            adding: ids(&found.adding_replicas),
            removing: ids(&found.removing_replicas),
        })
    });
    let mut moves: Vec<Reassignment> = moves.collect();
    moves.sort_by(|left, right| left.partition.cmp(&right.partition));
    moves
}
