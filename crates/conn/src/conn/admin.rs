//! Brokers, topics and partitions, asked of the one broker at the other end.

#[cfg(test)]
mod tests;

use std::time::Duration;

use ekafka_protocol::cold::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use ekafka_protocol::cold::delete_topics_request::DeleteTopicState;
use ekafka_protocol::cold::{BrokerId, CreateTopicsRequest, DeleteTopicsRequest, TopicName};
use ekafka_protocol::messages::{
    ApiVersionsRequest, MetadataBroker, MetadataPartition, MetadataRequest, MetadataRequestTopic,
    MetadataResponse, MetadataTopic,
};
use ekafka_protocol::{ApiKey, ErrorCode, StrBytes, VersionRange};
use tokio::time::Instant;

use super::Conn;
use super::deadline::{broker_timeout, milliseconds};
use crate::error::ConnError;

/// A broker as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Broker {
    /// The broker's id; -1 when unknown.
    pub id: i32,
    /// Host name or address, without brackets; empty when only the id is known.
    pub host: String,
    /// Port; 0 when only the id is known.
    pub port: u16,
    /// The rack, where brokers have one.
    pub rack: Option<String>,
}

impl Broker {
    pub(super) fn at(host: &str, port: u16) -> Self {
        Self {
            id: -1,
            host: host.to_owned(),
            port,
            rack: None,
        }
    }

    /// A broker of which nothing but the id is known.
    fn placeholder(id: i32) -> Self {
        Self {
            id,
            host: String::new(),
            port: 0,
            rack: None,
        }
    }

    /// Host and port joined as dial functions take them; IPv6 addresses get brackets.
    pub fn address(&self) -> String {
        crate::HostPort::new(self.host.as_str(), self.port).to_string()
    }

    /// All brokers that a metadata answer lists; for the crate `ekafka-admin`, which reads the same answers.
    #[doc(hidden)]
    pub fn all_of(answer: &MetadataResponse) -> Vec<Self> {
        answer.brokers.iter().map(Self::of).collect()
    }

    fn of(broker: &MetadataBroker) -> Self {
        Self {
            id: broker.node_id,
            host: broker.host.to_string(),
            port: u16::try_from(broker.port).unwrap_or(0),
            rack: broker.rack.as_deref().map(str::to_owned),
        }
    }
}

/// A partition and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub id: i32,
    /// Who leads it; a broker of id -1 while nobody does.
    pub leader: Broker,
    /// Who holds it; brokers that are down have only their id.
    pub replicas: Vec<Broker>,
    /// Those of them that are in sync.
    pub isr: Vec<Broker>,
    /// Those of them that are offline; empty from brokers that do not tell.
    pub offline_replicas: Vec<Broker>,
    /// What is wrong with the partition, or `NONE`.
    pub error: ErrorCode,
}

impl Partition {
    /// The partitions of one topic of a metadata answer; for the crate `ekafka-admin`, which reads the same answers.
    #[doc(hidden)]
    pub fn all_of(answer: &MetadataResponse, topic: &MetadataTopic) -> Vec<Self> {
        let brokers = |ids: &[i32]| ids.iter().map(|id| broker_of(answer, *id)).collect();
        let partition = |partition: &MetadataPartition| Self {
            topic: topic.name.as_deref().unwrap_or_default().to_owned(),
            id: partition.partition_index,
            leader: broker_of(answer, partition.leader_id),
            replicas: brokers(answer.nodes(partition.replica_nodes)),
            isr: brokers(answer.nodes(partition.isr_nodes)),
            offline_replicas: brokers(answer.nodes(partition.offline_replicas)),
            error: partition.error_code,
        };
        topic.partitions.iter().map(partition).collect()
    }
}

/// A topic to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopicConfig {
    /// The topic's name.
    pub topic: String,
    /// Number of partitions; -1 with `replica_assignments`, or for the broker's default.
    pub num_partitions: i32,
    /// Number of replicas; -1 with `replica_assignments`, or for the broker's default.
    pub replication_factor: i16,
    /// For each partition by number, the broker ids that hold it, the preferred leader first; empty
    /// leaves the choice to the broker.
    pub replica_assignments: Vec<(i32, Vec<i32>)>,
    /// Settings of the topic, such as `retention.ms`.
    pub config_entries: Vec<(String, String)>,
}

impl TopicConfig {
    /// A topic of that many partitions and replicas, everything else as the broker has it.
    pub fn new(topic: impl Into<String>, num_partitions: i32, replication_factor: i16) -> Self {
        Self {
            topic: topic.into(),
            num_partitions,
            replication_factor,
            ..Self::default()
        }
    }
}

impl Conn {
    /// All brokers of the cluster (API Metadata).
    ///
    /// # Errors
    /// [`ConnError`] when there is no answer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable.
    pub async fn brokers(&self) -> Result<Vec<Broker>, ConnError> {
        let answer = self.send(&MetadataRequest::default()).await?;
        Ok(Broker::all_of(&answer))
    }

    /// The broker to send administrative requests to; one of id -1 while there is none (API
    /// Metadata).
    ///
    /// # Errors
    /// [`ConnError`] when there is no answer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable.
    pub async fn controller(&self) -> Result<Broker, ConnError> {
        let answer = self.send(&MetadataRequest::default()).await?;
        Ok(broker_of(&answer, answer.controller_id))
    }

    /// Which APIs the broker speaks, in which versions (API ApiVersions).
    ///
    /// # Errors
    /// [`ConnError`] when there is no answer or the broker refuses; what it said when the connection
    /// was opened is used for negotiating in any case.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable.
    pub async fn api_versions(&self) -> Result<Vec<(ApiKey, VersionRange)>, ConnError> {
        let request = ApiVersionsRequest {
            client_software_name: StrBytes::from_static_str("ekafka"),
            client_software_version: StrBytes::from_static_str(env!("CARGO_PKG_VERSION")),
        };
        let answer = self.send(&request).await?;
        self.check(ApiKey::API_VERSIONS, answer.error_code)?;
        Ok(answer
            .api_keys
            .iter()
            .map(|listed| (listed.api_key, listed.versions))
            .collect())
    }

    /// Creates topics; one that exists already counts as created (API CreateTopics). The broker must
    /// be the [`controller`](Self::controller).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let address = kafka.addresses().remove(0);
    /// use ekafka_conn::{Dialer, TopicConfig};
    ///
    /// let dialer = Dialer::default();
    /// let any = dialer.dial(&address).await?;
    /// println!("{} brokers, {} kinds of requests", any.brokers().await?.len(), any.api_versions().await?.len());
    ///
    /// let controller = dialer.dial(&any.controller().await?.address()).await?;
    /// controller.create_topics(&[TopicConfig::new("returns", 3, 1)]).await?;
    /// assert_eq!(any.read_partitions(&["returns"]).await?.len(), 3);
    /// controller.delete_topics(&["returns"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first error code of a topic; the topics before and after it may have been created.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable; the topics may be created all the same.
    pub async fn create_topics(&self, topics: &[TopicConfig]) -> Result<(), ConnError> {
        let timeout = self.admin_timeout();
        let request = CreateTopicsRequest::default()
            .with_topics(topics.iter().map(creatable).collect())
            .with_timeout_ms(milliseconds(timeout));
        let answer = self.send(&request).await?;
        for topic in &answer.topics {
            let code = ErrorCode(topic.error_code);
            if code != ErrorCode::NONE && code != ErrorCode::TOPIC_ALREADY_EXISTS {
                let reason = topic.error_message.as_deref().unwrap_or_default();
                tracing::debug!(topic = ?&**topic.name, %code, ?reason, "topic not created");
                return Err(self.refused(ApiKey::CREATE_TOPICS, code));
            }
        }
        Ok(())
    }

    /// Deletes topics (API DeleteTopics). The broker must be the [`controller`](Self::controller).
    ///
    /// # Errors
    /// The first error code of a topic, also for one that does not exist; the others may have been
    /// deleted.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable; the topics may be deleted all the same.
    pub async fn delete_topics(&self, topics: &[&str]) -> Result<(), ConnError> {
        let names: Vec<TopicName> = topics.iter().map(|topic| topic_name(topic)).collect();
        let timeout = milliseconds(self.admin_timeout());
        let request = DeleteTopicsRequest::default().with_timeout_ms(timeout);
        let both = VersionRange::new(1, FIRST_WITH_TOPIC_STATES);
        let version = self.shared.link.version_of(ApiKey::DELETE_TOPICS, both)?;
        let request = if version < FIRST_WITH_TOPIC_STATES {
            request.with_topic_names(names)
        } else {
            let state = |name| DeleteTopicState::default().with_name(Some(name));
            request.with_topics(names.into_iter().map(state).collect())
        };
        let answer = self.send(&request).await?;
        answer
            .responses
            .iter()
            .try_for_each(|topic| self.check(ApiKey::DELETE_TOPICS, ErrorCode(topic.error_code)))
    }

    /// The partitions of `topics`; without any, of the connection's topic; if it has none, of all
    /// topics (API Metadata). Asking creates no topic.
    ///
    /// # Errors
    /// The error code of the connection's topic; of any topic if it has none. Error codes of
    /// partitions are in the result.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable.
    pub async fn read_partitions(&self, topics: &[&str]) -> Result<Vec<Partition>, ConnError> {
        let own = [self.topic()];
        let asked = match topics {
            [] if !self.topic().is_empty() => Some(&own[..]),
            [] => None,
            topics => Some(topics),
        };
        let named =
            |topic: &&str| MetadataRequestTopic::named(StrBytes::from_string((*topic).to_owned()));
        let request = MetadataRequest {
            topics: asked.map(|topics| topics.iter().map(named).collect()),
            ..MetadataRequest::default()
        };
        let answer = self.send(&request).await?;
        for topic in &answer.topics {
            let counts = self.topic().is_empty() || topic.name.as_deref() == Some(self.topic());
            if counts {
                self.check(ApiKey::METADATA, topic.error_code)?;
            }
        }
        Ok(partitions(&answer))
    }

    /// How long the broker may take over topics.
    fn admin_timeout(&self) -> Duration {
        let now = Instant::now();
        match self.shared.write_deadline.get() {
            None => self.shared.request_timeout,
            deadline => broker_timeout(deadline, now),
        }
    }
}

fn creatable(config: &TopicConfig) -> CreatableTopic {
    let assigned = |(partition, brokers): &(i32, Vec<i32>)| {
        CreatableReplicaAssignment::default()
            .with_partition_index(*partition)
            .with_broker_ids(brokers.iter().copied().map(BrokerId).collect())
    };
    let entry = |(name, value): &(String, String)| {
        CreatableTopicConfig::default()
            .with_name(StrBytes::from_string(name.clone()))
            .with_value(Some(StrBytes::from_string(value.clone())))
    };
    CreatableTopic::default()
        .with_name(topic_name(&config.topic))
        .with_num_partitions(config.num_partitions)
        .with_replication_factor(config.replication_factor)
        .with_assignments(config.replica_assignments.iter().map(assigned).collect())
        .with_configs(config.config_entries.iter().map(entry).collect())
}

pub(super) fn topic_name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

/// Every partition of an answer.
fn partitions(answer: &MetadataResponse) -> Vec<Partition> {
    let topics = answer.topics.iter();
    topics
        .flat_map(|topic| Partition::all_of(answer, topic))
        .collect()
}

/// The broker of that id, or one with nothing but the id when the answer does not describe it.
fn broker_of(answer: &MetadataResponse, id: i32) -> Broker {
    let known = answer.brokers.iter().find(|broker| broker.node_id == id);
    known.map_or_else(|| Broker::placeholder(id), Broker::of)
}

/// The version of DeleteTopics from which topics are named in objects of their own.
const FIRST_WITH_TOPIC_STATES: i16 = 6;
