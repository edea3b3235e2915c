//! Administrative calls to a Kafka cluster: topics, offsets, groups, configuration.
//!
//! A [`Client`] asks; every call sends each part of its question to the broker that can answer it, tries again what a
//! moment may cure, and says for each topic, partition or group what became of it ([`Outcomes`]).

mod builder;
mod client;
mod error;
mod outcomes;

mod metadata;

mod create_topics;
mod delete_topics;

mod list_offsets;
mod offset_fetch;

mod list_groups;

mod agenda;
mod calling;
mod together;
mod wire;

pub use builder::ClientBuilder;
pub use client::Client;
pub use create_topics::{CreateTopics, CreatedTopic};
pub use delete_topics::DeleteTopics;
pub use error::{AdminError, Refusal};
pub use list_groups::{GroupListing, ListGroups};
pub use list_offsets::{FoundOffset, ListOffsets, OffsetSpec};
pub use metadata::{ClusterMetadata, Metadata, TopicMetadata};
pub use offset_fetch::{CommittedOffset, OffsetFetch};
pub use outcomes::Outcomes;
