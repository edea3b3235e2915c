//! Administrative calls to a Kafka cluster: topics, offsets, groups, configuration.
//!
//! A [`Client`] asks; every call sends each part of its question to the broker that can answer it, tries again what a
//! moment may cure, and says for each topic, partition or group what became of it ([`Outcomes`]).

mod builder;
mod client;
mod error;
mod outcomes;

mod describe_cluster;
mod find_coordinator;
mod metadata;

mod create_partitions;
mod create_topics;
mod delete_records;
mod delete_topics;

mod list_offsets;

mod delete_groups;
mod describe_groups;
mod list_groups;
mod offset_commit;
mod offset_delete;
mod offset_fetch;

mod alter_partition_reassignments;
mod elect_leaders;
mod list_partition_reassignments;

mod alter_client_quotas;
mod describe_client_quotas;
mod quota;

mod config;
mod describe_configs;
mod incremental_alter_configs;

mod agenda;
mod calling;
mod wire;

pub use alter_client_quotas::AlterClientQuotas;
pub use builder::ClientBuilder;
pub use client::Client;
pub use config::{ConfigResource, ConfigSource};
pub use create_partitions::CreatePartitions;
pub use create_topics::{CreateTopics, CreatedTopic};
pub use delete_topics::DeleteTopics;
pub use describe_client_quotas::DescribeClientQuotas;
pub use describe_cluster::ClusterDescription;
pub use describe_configs::{ConfigEntry, ConfigSynonym, DescribeConfigs};
pub use describe_groups::{GroupDescription, MemberDescription};
pub use elect_leaders::ElectionType;
pub use error::{AdminError, Refusal};
pub use incremental_alter_configs::{ConfigChange, IncrementalAlterConfigs};
pub use list_groups::{GroupListing, ListGroups};
pub use list_offsets::{FoundOffset, ListOffsets, OffsetSpec};
pub use list_partition_reassignments::Reassignment;
pub use metadata::{ClusterMetadata, Metadata, TopicMetadata};
pub use offset_commit::OffsetCommit;
pub use offset_fetch::{CommittedOffset, OffsetFetch};
pub use outcomes::Outcomes;
pub use quota::QuotaEntity;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
