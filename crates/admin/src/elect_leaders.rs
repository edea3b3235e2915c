//! ElectLeaders, versions 0 to 2 (KIP-183, KIP-460): asked of the controller.

use std::time::Duration;

use ekafka_conn::{Refresh, TopicPartition};
use ekafka_protocol::cold::elect_leaders_request::TopicPartitions;
use ekafka_protocol::cold::{ElectLeadersRequest, ElectLeadersResponse};
use ekafka_protocol::{ErrorCode, Request, VersionRange};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::{by_topic, milliseconds};

/// Who may become leader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElectionType {
    /// The first of the partition's replicas, if it is in sync.
    Preferred,
    /// Any replica, when none is in sync: records may be lost. Brokers from 2.4 on.
    Unclean,
}

impl Client {
    /// Elects leaders anew. Whether each partition has another leader now; `false` when no election was needed.
    ///
    /// ```no_run
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_admin::ElectionType;
    /// use ekafka_conn::TopicPartition;
    ///
    /// let partitions = [TopicPartition::new("orders", 0)];
    /// for (partition, moved) in client.elect_leaders(ElectionType::Preferred, partitions).await? {
    ///     println!("{partition} has another leader: {}", moved?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when the controller does not answer; what became of each partition is in the result.
    ///
    /// # Cancel safety
    /// Safe; the leaders may be elected all the same.
    pub async fn elect_leaders(
        &self,
        election: ElectionType,
        partitions: impl IntoIterator<Item = TopicPartition>,
    ) -> Result<Outcomes<TopicPartition, bool>, AdminError> {
        let partitions: Vec<TopicPartition> = partitions.into_iter().collect();
        let outcomes = self.call(&ElectLeaders { election }, &partitions).await?;
        for partition in &partitions {
            self.cluster
                .invalidate(Refresh::Topic(partition.topic.clone()));
        }
        Ok(Outcomes::new(
            partitions.into_iter().zip(outcomes).collect(),
        ))
    }
}

struct ElectLeaders {
    election: ElectionType,
}

impl Call for ElectLeaders {
    type Request = ElectLeadersRequest;
    type Item = TopicPartition;
    type Value = bool;

    fn versions(&self) -> VersionRange {
        let first = i16::from(self.election == ElectionType::Unclean);
        ElectLeadersRequest::VERSIONS.intersect(VersionRange::new(first, i16::MAX))
    }

    fn place<'a>(&'a self, _partition: &'a TopicPartition) -> Place<'a> {
        Place::Controller
    }

    fn subject(&self, partition: &TopicPartition) -> String {
        partition.to_string()
    }

    fn is_final(&self, code: ErrorCode) -> bool {
        // No leader to be had now is the answer, although one may come.
        code == ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE
            || code == ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE
    }

    fn ask(
        &self,
        partitions: &[&TopicPartition],
        _version: i16,
        patience: Duration,
    ) -> Result<ElectLeadersRequest, &'static str> {
        let numbers = partitions.iter().map(|known| (*known, known.partition));
        let topics = by_topic(numbers).into_iter().map(|(name, numbers)| {
            TopicPartitions::default()
                .with_topic(name)
                .with_partitions(numbers)
        });
        Ok(ElectLeadersRequest::default()
            .with_election_type(self.election as i8)
            .with_topic_partitions(Some(topics.collect()))
            .with_timeout_ms(milliseconds(patience)))
    }

    fn read(
        &self,
        partitions: &[&TopicPartition],
        answer: ElectLeadersResponse,
        _version: i16,
    ) -> Vec<Told<bool>> {
        let tell = |wanted: &&TopicPartition| {
            if answer.error_code != 0 {
                return Told::Refused(ErrorCode(answer.error_code), None);
            }
            let found = answer
                .replica_election_results
                .iter()
                .filter(|topic| **topic.topic == *wanted.topic)
                .flat_map(|topic| &topic.partition_result)
                .find(|found| found.partition_id == wanted.partition);
            match found.map(|found| ErrorCode(found.error_code)) {
                // Some brokers leave out what needs no election.
                None | Some(ErrorCode::ELECTION_NOT_NEEDED) => Told::Done(false),
                Some(code) => {
                    let message = found.and_then(|found| found.error_message.as_deref());
                    Told::of(code.0, message, || true)
                }
            }
        };
        partitions.iter().map(tell).collect()
    }
}
