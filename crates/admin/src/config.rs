//! What can be configured in a cluster, and where a value comes from.

use ekafka_conn::BrokerId;

use crate::calling::Place;

/// Something that has settings.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ConfigResource {
    /// A topic.
    Topic(String),
    /// One broker.
    Broker(BrokerId),
    /// What holds for all brokers that do not say otherwise.
    AllBrokers,
    /// The log levels of one broker.
    BrokerLogger(BrokerId),
    /// A subscription to clients' metrics (KIP-714).
    ClientMetrics(String),
    /// A group (KIP-848).
    Group(String),
}

impl ConfigResource {
    /// As requests carry it.
    pub(crate) fn wire(&self) -> (i8, String) {
        match self {
            Self::Topic(name) => (2, name.clone()),
            Self::Broker(id) => (4, id.to_string()),
            Self::AllBrokers => (4, String::new()),
            Self::BrokerLogger(id) => (8, id.to_string()),
            Self::ClientMetrics(name) => (16, name.clone()),
            Self::Group(name) => (32, name.clone()),
        }
    }

    /// A broker knows its own settings best; `otherwise` knows the others.
    pub(crate) fn place(&self, otherwise: Place<'static>) -> Place<'static> {
        match self {
            Self::Broker(id) | Self::BrokerLogger(id) => Place::Broker(*id),
            _ => otherwise,
        }
    }

    /// As an error calls it.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Topic(name) => format!("topic {name}"),
            Self::Broker(id) => format!("broker {id}"),
            Self::AllBrokers => "all brokers".to_owned(),
            Self::BrokerLogger(id) => format!("log levels of broker {id}"),
            Self::ClientMetrics(name) => format!("client metrics {name}"),
            Self::Group(name) => format!("group {name}"),
        }
    }
}

/// Where a value in force comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConfigSource {
    /// Set for the topic.
    Topic,
    /// Set for the broker while it ran.
    Broker,
    /// Set for all brokers while they ran.
    AllBrokers,
    /// In the broker's own file.
    BrokerFile,
    /// Kafka's default.
    Default,
    /// A log level set while the broker ran.
    BrokerLogger,
    /// Set for a subscription to clients' metrics.
    ClientMetrics,
    /// Set for the group.
    Group,
    /// Another one, by its number.
    Other(i8),
}

impl ConfigSource {
    pub(crate) fn of(number: i8) -> Self {
        match number {
            1 => Self::Topic,
            2 => Self::Broker,
            3 => Self::AllBrokers,
            4 => Self::BrokerFile,
            5 => Self::Default,
            6 => Self::BrokerLogger,
            7 => Self::ClientMetrics,
            8 => Self::Group,
            other => Self::Other(other),
        }
    }
}
