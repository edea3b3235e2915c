//! CreatePartitions, versions 0 to 3: asked of the controller.

use std::time::Duration;

use ekafka_conn::Refresh;
use ekafka_protocol::cold::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use ekafka_protocol::cold::{BrokerId, CreatePartitionsRequest, CreatePartitionsResponse};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::{milliseconds, topic_name};

/// Partitions to add to topics.
#[derive(Debug, Clone, Default)]
pub struct CreatePartitions {
    topics: Vec<Grown>,
    validate_only: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Grown {
    topic: String,
    count: i32,
    /// For each new partition, the brokers that hold it; empty leaves the choice to the broker.
    replicas: Vec<Vec<i32>>,
}

impl CreatePartitions {
    /// Adds partitions to no topic yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `topic` shall have `count` partitions in all.
    #[must_use]
    pub fn topic(self, topic: impl Into<String>, count: i32) -> Self {
        self.topic_on(topic, count, Vec::new())
    }

    /// The same, naming for each new partition the brokers that hold it, the preferred leader first.
    #[must_use]
    pub fn topic_on(
        mut self,
        topic: impl Into<String>,
        count: i32,
        replicas: Vec<Vec<i32>>,
    ) -> Self {
        self.topics.push(Grown {
            topic: topic.into(),
            count,
            replicas,
        });
        self
    }

    /// Only finds out whether it could be done. Default: off.
    #[must_use]
    pub fn validate_only(mut self, on: bool) -> Self {
        self.validate_only = on;
        self
    }
}

impl Client {
    /// Adds partitions to topics. Records with keys go to other partitions from then on.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_admin::CreatePartitions;
    ///
    /// // Six in all; or the new ones on brokers that are named, if it would work.
    /// client.create_partitions(CreatePartitions::new().topic("orders", 6)).await?.all()?;
    /// let seventh = CreatePartitions::new().topic_on("orders", 7, vec![vec![1]]).validate_only(true);
    /// client.create_partitions(seventh).await?.all()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when the controller does not answer; what became of each topic is in the result. A count that is
    /// not above the present one is refused with `INVALID_PARTITIONS`.
    ///
    /// # Cancel safety
    /// Safe; the partitions may be added all the same.
    pub async fn create_partitions(
        &self,
        grown: CreatePartitions,
    ) -> Result<Outcomes<String, ()>, AdminError> {
        let outcomes = self.call(&grown, &grown.topics).await?;
        let topics = grown.topics.into_iter().map(|grown| grown.topic);
        let outcomes: Vec<_> = topics.zip(outcomes).collect();
        for (topic, _) in &outcomes {
            self.cluster
                .invalidate(Refresh::Topic(topic.as_str().into()));
        }
        Ok(Outcomes::new(outcomes))
    }
}

impl Call for CreatePartitions {
    type Request = CreatePartitionsRequest;
    type Item = Grown;
    type Value = ();

    fn place<'a>(&'a self, _grown: &'a Grown) -> Place<'a> {
        Place::Controller
    }

    fn subject(&self, grown: &Grown) -> String {
        grown.topic.clone()
    }

    fn ask(
        &self,
        topics: &[&Grown],
        _version: i16,
        patience: Duration,
    ) -> Result<CreatePartitionsRequest, &'static str> {
        let topics = topics.iter().map(|grown| {
            let replicas = grown.replicas.iter().map(|ids| {
                let ids = ids.iter().copied().map(BrokerId).collect();
                CreatePartitionsAssignment::default().with_broker_ids(ids)
            });
            CreatePartitionsTopic::default()
                .with_name(topic_name(&grown.topic))
                .with_count(grown.count)
                .with_assignments((!grown.replicas.is_empty()).then(|| replicas.collect()))
        });
        Ok(CreatePartitionsRequest::default()
            .with_topics(topics.collect())
            .with_timeout_ms(milliseconds(patience))
            .with_validate_only(self.validate_only))
    }

    fn read(
        &self,
        topics: &[&Grown],
        answer: CreatePartitionsResponse,
        _version: i16,
    ) -> Vec<Told<()>> {
        let tell = |grown: &&Grown| {
            let found = answer
                .results
                .iter()
                .find(|found| **found.name == *grown.topic);
            found.map_or(Told::Nothing, |found| {
                Told::of(found.error_code, found.error_message.as_deref(), || ())
            })
        };
        topics.iter().map(tell).collect()
    }
}
