//! The network stack of ekafka: one connection type for reader, writer, admin and the low-level `Conn`.

mod acks;
mod address;
mod backoff;
mod batch;
mod broker;
mod calendar;
mod cluster;
mod config;
mod conn;
mod connection;
mod coordinator;
mod dialer;
mod error;
mod frame;
mod ids;
mod logger;
mod message;
mod record;
mod refresh;
mod sasl;
mod stream;
mod summary;
mod throttle;
mod tls;
mod topic_partition;
mod transport;
mod view;

pub use acks::{Acks, UnknownAcks};
pub use address::HostPort;
pub use batch::{Batch, Filled, Messages};
pub use broker::Purpose;
pub use cluster::{Cluster, To};
pub use config::ConnConfig;
pub use conn::{
    Broker, Conn, FIRST_OFFSET, LAST_OFFSET, Partition, ReadBatchConfig, SeekMode, TopicConfig,
    Whence, Written,
};
pub use connection::Connection;
pub use coordinator::CoordinatorKind;
pub use dialer::Dialer;
pub use ekafka_protocol::messages::IsolationLevel;
pub use error::{ConnError, Stage};
pub use ids::{BrokerId, LeaderEpoch};
pub use logger::{Logger, Loggers};
pub use message::{Message, MessageBatch};
pub use record::{Header, Record, milliseconds_since_1970};
pub use refresh::Refresh;
pub use sasl::{
    DEFAULT_MAX_ITERATIONS, LoginError, MIN_ITERATIONS, Mechanism, MechanismError,
    MechanismSession, MskIam, Plain, Scram, ScramAlgorithm, Secret, Step,
};
pub use summary::{DetailedSummary, DurationStats, Summary, SummaryStats};
pub use tls::{TlsBuilder, TlsConfig};
pub use topic_partition::TopicPartition;
pub use transport::{
    Dial, DialFuture, ResolveFuture, Resolver, Transport, dial_async_fn, dial_fn, resolver_fn,
};
pub use view::{BrokerView, ClusterView, LeaderHint, PartitionView, TopicView};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
