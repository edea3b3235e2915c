//! Consuming from Kafka: partitions, consumer groups, commits.

mod batch;
mod config;
mod consumer_group;
mod error;
mod event;
mod reader;
mod stats;
mod story;

mod inbox;
mod lane;

mod control;
mod ledger;
mod reset;

mod commit;
mod membership;

pub mod assignor;

mod fetcher;

pub use batch::{RecordBatch, RecordBatchIter};
pub use config::{ReaderBuilder, ReaderConfig};
pub use consumer_group::{
    ConsumerGroup, ConsumerGroupBuilder, Generation, GenerationEnd, PartitionAssignment,
};
pub use ekafka_conn::{Message, MessageBatch, TopicPartition};
pub use ekafka_protocol::messages::IsolationLevel;
pub use error::ReaderError;
pub use event::Event;
pub use reader::{
    MessageStream, PartitionStream, PartitionStreams, Reader, ReaderHandle, Received,
};
pub use reset::{OutOfRange, StartOffset};
pub use stats::{DetailedReaderStats, ReaderStats};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
