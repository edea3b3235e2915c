//! Writing records to Kafka: partitioning, batching, sending, acknowledging.
//!
//! Records are encoded on append into the open batch of their partition (the shelf, `accumulator`), a sender turns ready
//! batches into one request per broker, and a receipt per batch carries the outcome back to everyone who waits for it.

mod accumulator;
pub mod balancer;
mod completion;
mod config;
mod error;
mod outside;
mod partitioner;
mod receipt;
mod sender;
mod sink;
mod stats;
mod story;
mod writer;

pub use completion::{CompletedBatch, CompletedRecord, CompletedRecords};
pub use config::WriterConfig;
pub use ekafka_conn::{Acks, DurationStats, Header, Logger, Record, SummaryStats};
pub use error::{
    Cause, ErrorClass, MessageTooLarge, TopicPartition, Undelivered, UndeliveredPartition,
    WriteErrors, WriterError,
};
pub use receipt::{Delivered, Delivery};
pub use sink::RecordSink;
pub use stats::{DetailedWriterStats, WriterStats};
pub use writer::Writer;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
