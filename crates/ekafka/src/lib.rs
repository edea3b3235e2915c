//! A Kafka client in Rust: fast per record, hard to break, pleasant to read.
//!
//! [`Writer`] produces, [`Reader`] consumes, alone or in a consumer group; both share one network stack with the low-level
//! [`Dialer`] and [`Conn`]. Tests need no service: the `ekafka-testkit` crate is a broker inside the process.
//!
//! ```
//! use ekafka::{Reader, Record, Writer};
//! use ekafka_testkit::EmbeddedKafka;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let kafka = EmbeddedKafka::builder().start().await?;
//! kafka.create_topic("orders", 3)?;
//!
//! let writer = Writer::builder().brokers(kafka.addresses()).topic("orders").build()?;
//! writer.write(&[Record::new("two apples").key("user-7")]).await?;
//!
//! let mut reader =
//!     Reader::builder().brokers(kafka.addresses()).topic("orders").group_id("shop").build()?;
//! let message = reader.fetch_message().await?;
//! assert_eq!(message.value(), Some(&b"two apples"[..]));
//! reader.commit_messages(&[message]).await?;
//! reader.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! Services that are configured by files begin with [`load`]: it reads the configuration that ego's ekafka documents, and the
//! [`Component`] it makes has producers, consumers and group members by name, with logs, metrics and traces around them.
//!
//! Services that publish and subscribe through a broker, as kratos-transport has it, find that in [`pubsub`].
//!
//! # Features
//!
//! - `prost`: [`pubsub`] has messages of protocol buffers.
//! - `otel` (default): traces of OpenTelemetry continue through message headers.
//! - `zstd` (default): the zstd codec, by the reference library in C.
//! - `native-roots`: [`TlsBuilder`] can trust the operating system's certificate authorities.

pub mod config;

/// Administrative calls: everything that [`Client`] asks and answers.
pub mod admin {
    pub use ekafka_admin::*;
}

pub use ekafka_admin::{AdminError, Client};

/// Membership of a group alone, generation by generation: for applications that read by themselves what they are assigned.
/// [`ConsumerGroup`] of the crate's root reads, too.
pub mod generations {
    pub use ekafka_reader::{
        ConsumerGroup, ConsumerGroupBuilder, Generation, GenerationEnd, PartitionAssignment,
    };
}

mod app;
mod client;
mod component;
mod consumer;
mod consumer_group;
mod context;
mod error;
mod producer;
mod seat;
mod server;

pub mod consumerserver;
pub mod interceptor;
pub mod pubsub;

pub use app::{App, AppError, AppHandle};
pub use client::ComponentClient;
pub use server::{BoxError, Server, ServerFuture, ServiceInfo, ServiceKind};

pub use component::{Component, Container, load, load_file, load_toml, try_load};
pub use consumer::{Consumer, ConsumerStream};
pub use consumer_group::{
    AssignedPartition, AssignedPartitions, ConsumerGroup, GroupEvent, GroupStream,
    RevokedPartitions,
};
pub use context::Context;
pub use error::ComponentError;
pub use producer::Producer;

pub use ekafka_conn::{
    Batch, Broker, BrokerId, BrokerView, Cluster, ClusterView, Conn, ConnConfig, ConnError,
    Connection, CoordinatorKind, DetailedSummary, Dial, DialFuture, Dialer, DurationStats,
    FIRST_OFFSET, Filled, Header, HostPort, IsolationLevel, LAST_OFFSET, LeaderEpoch, LeaderHint,
    Logger, LoginError, Mechanism, MechanismError, MechanismSession, Message, MessageBatch,
    Messages, MskIam, Partition, PartitionView, Plain, Purpose, ReadBatchConfig, Record, Refresh,
    ResolveFuture, Resolver, Scram, ScramAlgorithm, Secret, SeekMode, Stage, Step, SummaryStats,
    TlsBuilder, TlsConfig, To, TopicConfig, TopicView, Transport, UnknownAcks, Whence, Written,
    dial_async_fn, dial_fn, resolver_fn,
};
pub use ekafka_protocol::compression::{Codec, Compression, ParseCompressionError};
pub use ekafka_protocol::records::{HeaderIter, HeaderRef, RecordRef, TimestampType};
pub use ekafka_protocol::{ApiKey, DecodeError, EncodeError, ErrorCode, Uuid, VersionRange};
pub use ekafka_reader::{
    DetailedReaderStats, Event, MessageStream, OutOfRange, PartitionStream, PartitionStreams,
    Reader, ReaderBuilder, ReaderConfig, ReaderError, ReaderHandle, ReaderStats, Received,
    RecordBatch, RecordBatchIter, StartOffset, TopicPartition, assignor,
};
pub use ekafka_writer::{
    Acks, Cause, CompletedBatch, CompletedRecord, CompletedRecords, Delivered, Delivery,
    DetailedWriterStats, ErrorClass, MessageTooLarge, RecordSink, Undelivered,
    UndeliveredPartition, WriteErrors, Writer, WriterConfig, WriterError, WriterStats, balancer,
};

/// The field `comp` of the access log.
pub const PACKAGE_NAME: &str = "component.ekafka";

/// The README's example must compile.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The guide's examples must compile, and run unless they say otherwise.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../../docs/introduction.md")]
    struct Introduction;

    #[doc = include_str!("../../../docs/components.md")]
    struct Components;

    #[doc = include_str!("../../../docs/pubsub.md")]
    struct Pubsub;

    #[doc = include_str!("../../../docs/testing.md")]
    struct Testing;
}
