//! What an embedded cluster is started with.

use std::collections::BTreeMap;
use std::time::Duration;

use ekafka_protocol::{ApiKey, VersionRange};

/// Checked settings; the defaults are Kafka's unless said otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Whether asking for a topic may make it (`auto.create.topics.enable`).
    pub(crate) auto_create: bool,
    /// Partitions of a topic that does not say (`num.partitions`).
    pub(crate) default_partitions: i32,
    /// Replicas of a topic that does not say, at most the number of nodes (`default.replication.factor`).
    pub(crate) default_replication: i16,
    /// The largest batch taken, in bytes (`message.max.bytes`).
    pub(crate) max_message_bytes: usize,
    /// The largest request taken, in bytes (`socket.request.max.bytes`).
    pub(crate) max_request_bytes: usize,
    /// Bytes kept per partition (`log.retention.bytes`); none keeps everything.
    pub(crate) retention_bytes: Option<u64>,
    /// How long an empty group's first rebalance waits for more members (`group.initial.rebalance.delay.ms`); ours is 0.
    pub(crate) initial_rebalance_delay: Duration,
    /// Bounds of a member's session timeout (`group.min.session.timeout.ms`, `group.max.session.timeout.ms`).
    pub(crate) session_timeouts: (Duration, Duration),
    /// Coordinators set by hand, by group or transactional id.
    pub(crate) coordinators: BTreeMap<String, i32>,
    /// Said in every answer that has the field (`throttle_time_ms`).
    pub(crate) throttle: Duration,
    /// Users that may log in; empty leaves the listeners open.
    pub(crate) users: Vec<User>,
    /// How long a login lasts (`connections.max.reauth.ms`); zero is for ever (KIP-368).
    pub(crate) session_lifetime: Duration,
    /// Added to the way between clients and brokers, there and back.
    pub(crate) round_trip: Duration,
    /// Whether only the controller takes administrative requests, as before KRaft.
    pub(crate) insists_on_controller: bool,
    /// Versions offered less than what is implemented, by API; an empty range hides the API.
    pub(crate) limits: BTreeMap<ApiKey, VersionRange>,
    /// Whether request bodies are kept in the request log.
    pub(crate) keeps_bodies: bool,
}

/// A user, and the mechanism it logs in with.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) mechanism: SaslMechanism,
    pub(crate) name: String,
    pub(crate) password: String,
}

/// The SASL mechanisms the embedded broker offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SaslMechanism {
    Plain,
    ScramSha256,
    ScramSha512,
}

impl SaslMechanism {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// The name registered for SASL.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            auto_create: true,
            default_partitions: 1,
            default_replication: 1,
            max_message_bytes: 1_048_588,
            max_request_bytes: 104_857_600,
            retention_bytes: None,
            initial_rebalance_delay: Duration::ZERO,
            session_timeouts: (Duration::from_secs(6), Duration::from_secs(1800)),
            coordinators: BTreeMap::new(),
            throttle: Duration::ZERO,
            users: Vec::new(),
            session_lifetime: Duration::ZERO,
            round_trip: Duration::ZERO,
            insists_on_controller: false,
            limits: BTreeMap::new(),
            keeps_bodies: false,
        }
    }
}
