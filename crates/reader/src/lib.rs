//! Consuming from Kafka: partitions, consumer groups, commits.

mod error;
mod event;
mod topic_partition;

mod commit;
mod lane;
mod reset;

pub mod assignor;
mod membership;

pub use error::ReaderError;
pub use event::Event;
pub use reset::{OutOfRange, StartOffset};
pub use topic_partition::TopicPartition;
