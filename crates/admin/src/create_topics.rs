//! CreateTopics, versions 2 to 7: asked of the controller.

use std::time::Duration;

use ekafka_conn::TopicConfig;
use ekafka_protocol::cold::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use ekafka_protocol::cold::create_topics_response::CreatableTopicResult;
use ekafka_protocol::cold::{BrokerId, CreateTopicsRequest, CreateTopicsResponse};
use ekafka_protocol::{StrBytes, Uuid};
use tokio::time::Instant;

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::outcomes::Outcomes;
use crate::wire::{milliseconds, text, topic_name};

/// Topics to create.
#[derive(Debug, Clone, Default)]
pub struct CreateTopics {
    topics: Vec<TopicConfig>,
    validate_only: bool,
}

impl CreateTopics {
    /// Creates these topics.
    pub fn new(topics: impl IntoIterator<Item = TopicConfig>) -> Self {
        Self {
            topics: topics.into_iter().collect(),
            validate_only: false,
        }
    }

    /// Only finds out whether they could be created. Default: off.
    #[must_use]
    pub fn validate_only(mut self, on: bool) -> Self {
        self.validate_only = on;
        self
    }
}

impl<I: IntoIterator<Item = TopicConfig>> From<I> for CreateTopics {
    fn from(topics: I) -> Self {
        Self::new(topics)
    }
}

/// A topic as it was created.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CreatedTopic {
    /// Its id (KIP-516); nil from brokers before 2.8.
    pub id: Uuid,
    /// Number of its partitions; `None` from brokers before 2.4, or without the right to know.
    pub num_partitions: Option<i32>,
    /// Number of replicas of each; `None` as above.
    pub replication_factor: Option<i16>,
    /// Its settings in force, those of the broker included; a secret one has no value. Empty as above.
    pub configs: Vec<(String, Option<String>)>,
}

impl Client {
    /// Creates topics, and waits until metadata shows those that were created and a leader for each.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_admin::CreateTopics;
    /// use ekafka_conn::TopicConfig;
    ///
    /// let topics = [TopicConfig::new("returns", 3, 1)];
    /// // Asked whether it would work, then done.
    /// client.create_topics(CreateTopics::new(topics.clone()).validate_only(true)).await?.all()?;
    /// for (topic, created) in client.create_topics(topics).await? {
    ///     println!("{topic}: {:?} partitions", created?.num_partitions);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when the controller does not answer; what became of each topic is in the result. A topic that
    /// exists is refused with `TOPIC_ALREADY_EXISTS`.
    ///
    /// # Cancel safety
    /// Safe; the topics may be created all the same.
    pub async fn create_topics(
        &self,
        topics: impl Into<CreateTopics>,
    ) -> Result<Outcomes<String, CreatedTopic>, AdminError> {
        let call = topics.into();
        let deadline = Instant::now() + self.timeout;
        let outcomes = self.call(&call, &call.topics).await?;
        let names = call.topics.iter().map(|topic| topic.topic.clone());
        let outcomes: Vec<_> = names.zip(outcomes).collect();
        if !call.validate_only {
            for (name, _) in outcomes.iter().filter(|(_, outcome)| outcome.is_ok()) {
                if let Err(error) = self.cluster.topic(name, deadline).await {
                    tracing::warn!(topic = name, %error, "created, but not yet in the metadata");
                }
            }
        }
        Ok(Outcomes::new(outcomes))
    }
}

impl Call for CreateTopics {
    type Request = CreateTopicsRequest;
    type Item = TopicConfig;
    type Value = CreatedTopic;

    fn place<'a>(&'a self, _topic: &'a TopicConfig) -> Place<'a> {
        Place::Controller
    }

    fn subject(&self, topic: &TopicConfig) -> String {
        topic.topic.clone()
    }

    fn ask(
        &self,
        topics: &[&TopicConfig],
        _version: i16,
        patience: Duration,
    ) -> Result<CreateTopicsRequest, &'static str> {
        Ok(CreateTopicsRequest::default()
            .with_topics(topics.iter().map(|topic| creatable(topic)).collect())
            .with_timeout_ms(milliseconds(patience))
            .with_validate_only(self.validate_only))
    }

    fn read(
        &self,
        topics: &[&TopicConfig],
        answer: CreateTopicsResponse,
        _version: i16,
    ) -> Vec<Told<CreatedTopic>> {
        let tell = |topic: &&TopicConfig| {
            let found = answer
                .topics
                .iter()
                .find(|found| **found.name == *topic.topic);
            found.map_or(Told::Nothing, |found| {
                let message = found.error_message.as_deref();
                Told::of(found.error_code, message, || created(found))
            })
        };
        topics.iter().map(tell).collect()
    }
}

fn creatable(config: &TopicConfig) -> CreatableTopic {
    let assignments = config.replica_assignments.iter().map(|(partition, ids)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(*partition)
            .with_broker_ids(ids.iter().copied().map(BrokerId).collect())
    });
    let configs = config.config_entries.iter().map(|(name, value)| {
        CreatableTopicConfig::default()
            .with_name(text(name))
            .with_value(Some(text(value)))
    });
    CreatableTopic::default()
        .with_name(topic_name(&config.topic))
        .with_num_partitions(config.num_partitions)
        .with_replication_factor(config.replication_factor)
        .with_assignments(assignments.collect())
        .with_configs(configs.collect())
}

fn created(found: &CreatableTopicResult) -> CreatedTopic {
    let configs = found.configs.iter().flatten().map(|config| {
        let value = config.value.as_ref().map(StrBytes::to_string);
        (config.name.to_string(), value)
    });
    CreatedTopic {
        id: found.topic_id,
        num_partitions: (found.num_partitions >= 0).then_some(found.num_partitions),
        replication_factor: (found.replication_factor >= 0).then_some(found.replication_factor),
        configs: configs.collect(),
    }
}
