//! Metadata, all versions: asked of any broker.

use std::time::Duration;

use ekafka_conn::{Broker, Partition};
use ekafka_protocol::messages::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use ekafka_protocol::{ErrorCode, Uuid};

use crate::agenda::Told;
use crate::calling::{Call, Place};
use crate::client::Client;
use crate::error::AdminError;
use crate::wire::text;

/// Which topics to describe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// None means all.
    topics: Option<Vec<String>>,
}

impl Metadata {
    /// All topics.
    pub fn all_topics() -> Self {
        Self { topics: None }
    }

    /// These topics. Asking creates none.
    pub fn topics(topics: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            topics: Some(topics.into_iter().map(Into::into).collect()),
        }
    }

    /// No topic: only the brokers.
    pub fn brokers_only() -> Self {
        Self {
            topics: Some(Vec::new()),
        }
    }
}

impl<I: IntoIterator<Item = S>, S: Into<String>> From<I> for Metadata {
    fn from(topics: I) -> Self {
        Self::topics(topics)
    }
}

/// A cluster as one of its brokers describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterMetadata {
    /// The cluster's id, where it has one.
    pub cluster_id: Option<String>,
    /// The broker for administrative requests, if there is one.
    pub controller: Option<Broker>,
    /// All brokers that are up.
    pub brokers: Vec<Broker>,
    /// The topics asked about.
    pub topics: Vec<TopicMetadata>,
}

/// A topic as a broker describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicMetadata {
    /// Its name.
    pub name: String,
    /// Its id (KIP-516); nil from brokers before 2.8.
    pub id: Uuid,
    /// Whether it is Kafka's own.
    pub is_internal: bool,
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
    /// Why nothing is known about it, or `NONE`.
    pub error: ErrorCode,
}

impl Client {
    /// The cluster's brokers, controller and topics, asked anew.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
    /// use ekafka_admin::Metadata;
    ///
    /// println!("{} brokers", client.metadata(Metadata::brokers_only()).await?.brokers.len());
    /// println!("{} topics", client.metadata(Metadata::all_topics()).await?.topics.len());
    /// for topic in client.metadata(Metadata::topics(["orders"])).await?.topics {
    ///     println!("{} has {} partitions", topic.name, topic.partitions.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AdminError`] when no broker answers. A topic's own error is in its description.
    ///
    /// # Cancel safety
    /// Safe: nothing is changed.
    pub async fn metadata(
        &self,
        topics: impl Into<Metadata>,
    ) -> Result<ClusterMetadata, AdminError> {
        self.call_one(&topics.into(), ()).await
    }
}

impl Call for Metadata {
    type Request = MetadataRequest;
    type Item = ();
    type Value = ClusterMetadata;

    fn place<'a>(&'a self, (): &'a ()) -> Place<'a> {
        Place::Any
    }

    fn ask(
        &self,
        _items: &[&()],
        _version: i16,
        _patience: Duration,
    ) -> Result<MetadataRequest, &'static str> {
        let named = |topic: &String| MetadataRequestTopic::named(text(topic));
        Ok(MetadataRequest {
            topics: self
                .topics
                .as_ref()
                .map(|topics| topics.iter().map(named).collect()),
            ..MetadataRequest::default()
        })
    }

    fn read(
        &self,
        _items: &[&()],
        answer: MetadataResponse,
        _version: i16,
    ) -> Vec<Told<ClusterMetadata>> {
        vec![Told::of(answer.error_code.0, None, || described(&answer))]
    }
}

fn described(answer: &MetadataResponse) -> ClusterMetadata {
    let brokers = Broker::all_of(answer);
    let topics = answer.topics.iter().map(|topic| {
        let mut partitions = Partition::all_of(answer, topic);
        partitions.sort_unstable_by_key(|partition| partition.id);
        TopicMetadata {
            name: topic.name.as_deref().unwrap_or_default().to_owned(),
            id: topic.topic_id,
            is_internal: topic.is_internal,
            partitions,
            error: topic.error_code,
        }
    });
    ClusterMetadata {
        cluster_id: answer.cluster_id.as_deref().map(str::to_owned),
        controller: brokers
            .iter()
            .find(|broker| broker.id == answer.controller_id)
            .cloned(),
        topics: topics.collect(),
        brokers,
    }
}
