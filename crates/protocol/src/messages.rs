//! The messages that are hot or read before authentication, coded by hand in both directions.

mod api_versions;
mod sasl_authenticate;
mod sasl_handshake;

mod fetch;
mod metadata;
mod produce;

mod leader;
#[cfg(test)]
mod tests;

pub use api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeature, SupportedFeature,
};
pub use fetch::{
    AbortedTransaction, EpochEndOffset, FetchPartition, FetchRequest, FetchResponse, FetchTopic,
    FetchedPartition, FetchedTopic, ForgottenTopic, IsolationLevel,
};
pub use leader::{LeaderIdAndEpoch, NodeEndpoint};
pub use metadata::{
    MetadataBroker, MetadataPartition, MetadataRequest, MetadataRequestTopic, MetadataResponse,
    MetadataTopic, NodeSpan,
};
pub use produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse, RecordError,
    TopicProduceData, TopicProduceResponse,
};
pub use sasl_authenticate::{SaslAuthenticateRequest, SaslAuthenticateResponse};
pub use sasl_handshake::{SaslHandshakeRequest, SaslHandshakeResponse};

use crate::{ApiKey, DecodeError, EncodeError, StrBytes, Uuid, VersionRange};

fn refuse_unless_written(
    api: ApiKey,
    versions: VersionRange,
    version: i16,
) -> Result<(), EncodeError> {
    if versions.contains(version) {
        Ok(())
    } else {
        Err(EncodeError::Version {
            api: api.0,
            version,
        })
    }
}

fn refuse_unless_read(
    api: ApiKey,
    versions: VersionRange,
    version: i16,
) -> Result<(), DecodeError> {
    if versions.contains(version) {
        Ok(())
    } else {
        Err(DecodeError::Version {
            api: api.0,
            version,
        })
    }
}

/// The versions that can name all of these topics: by name before `first_by_id`, by id from there on.
fn versions_by_topics<'a>(
    all: VersionRange,
    first_by_id: i16,
    topics: impl Iterator<Item = (&'a StrBytes, Uuid)>,
) -> VersionRange {
    topics.fold(all, |VersionRange { min, max }, (name, id)| VersionRange {
        min: if name.is_empty() {
            min.max(first_by_id)
        } else {
            min
        },
        max: if id.is_nil() {
            max.min(first_by_id - 1)
        } else {
            max
        },
    })
}
