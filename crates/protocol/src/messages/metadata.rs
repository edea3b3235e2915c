//! Metadata (key 3): which brokers there are and which of them lead which partitions.
//!
//! Source: schemas `MetadataRequest` and `MetadataResponse`, versions 0-13.

use bytes::Bytes;

use super::{refuse_unless_read, refuse_unless_written};
use crate::{
    ApiKey, BrokerRequest, DecodeError, Decoder, EncodeError, Encoder, ErrorCode, Frame, Request,
    StrBytes, Uuid, VersionRange,
};

mod response;
#[cfg(test)]
mod tests;

pub use response::{MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic, NodeSpan};

/// Asks for the brokers, and for the topics named.
///
/// The default asks for no topic and creates none; in version 0, which cannot say so, it asks for
/// all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataRequest {
    /// The topics; `None` for all.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// Whether the broker may create topics that do not exist; before version 4 it always may.
    pub allow_auto_topic_creation: bool,
    /// Whether to tell what the client may do with the cluster. Versions 8 to 10.
    pub include_cluster_authorized_operations: bool,
    /// Whether to tell what the client may do with each topic. From version 8 on.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Some(Vec::new()),
            allow_auto_topic_creation: false,
            include_cluster_authorized_operations: false,
            include_topic_authorized_operations: false,
        }
    }
}

/// A topic asked for, by name or (from version 12 on) by id.
///
/// ```
/// use ekafka_protocol::Uuid;
/// use ekafka_protocol::messages::{MetadataRequest, MetadataRequestTopic};
///
/// let topics = [
///     MetadataRequestTopic::named("orders"),
///     MetadataRequestTopic::with_id(Uuid::from_u128(7)),
/// ];
/// let request = MetadataRequest { topics: Some(topics.into()), ..MetadataRequest::default() };
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetadataRequestTopic {
    /// The id; nil when the topic is asked for by name. From version 10 on.
    pub topic_id: Uuid,
    /// The name; `None` when the topic is asked for by id.
    pub name: Option<StrBytes>,
}

impl MetadataRequestTopic {
    /// Asks for the topic of that name.
    #[must_use]
    pub fn named(name: impl Into<StrBytes>) -> Self {
        Self {
            topic_id: Uuid::nil(),
            name: Some(name.into()),
        }
    }

    /// Asks for the topic of that id.
    #[must_use]
    pub fn with_id(topic_id: Uuid) -> Self {
        Self {
            topic_id,
            name: None,
        }
    }
}

impl Request for MetadataRequest {
    const API: ApiKey = ApiKey::METADATA;
    const VERSIONS: VersionRange = VersionRange::new(0, 13);
    type Response = MetadataResponse;

    /// From 12 on when a topic is asked for by id. (Versions 10 and 11 have the field, but brokers
    /// of that age do not answer by it.)
    fn versions(&self) -> VersionRange {
        let topics = self.topics.as_deref().unwrap_or_default();
        let min = if topics.iter().any(|topic| topic.name.is_none()) {
            FIRST_BY_ID
        } else {
            0
        };
        VersionRange {
            min,
            ..Self::VERSIONS
        }
    }

    fn encode(&self, version: i16, out: &mut Frame) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, self.versions(), version)?;
        let mut out = Encoder::new(out, version >= FIRST_FLEXIBLE);
        match self.topics.as_deref() {
            Some(topics) => out.array("topics", topics, |out, topic| topic.encode(version, out))?,
            // In version 0 an empty list means all.
            None if version == 0 => out.i32(0),
            None => out.null(),
        }
        if version >= 4 {
            out.bool(self.allow_auto_topic_creation);
        }
        if (8..=10).contains(&version) {
            out.bool(self.include_cluster_authorized_operations);
        }
        if version >= 8 {
            out.bool(self.include_topic_authorized_operations);
        }
        out.no_tags();
        Ok(())
    }

    fn decode_response(version: i16, body: Bytes) -> Result<MetadataResponse, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut d = Decoder::new(body, version >= FIRST_FLEXIBLE);
        let response = MetadataResponse::decode(version, &mut d)?;
        d.finish()?;
        Ok(response)
    }
}

impl BrokerRequest for MetadataRequest {
    /// Reads the request; an empty list in version 0 becomes `None`, which is what it means there.
    fn decode(version: i16, body: Bytes) -> Result<Self, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut d = Decoder::new(body, version >= FIRST_FLEXIBLE);
        let mut topics =
            d.nullable_array("topics", 2, |d| MetadataRequestTopic::decode(version, d))?;
        if version == 0 && topics.as_ref().is_some_and(Vec::is_empty) {
            topics = None;
        }
        let mut request = Self {
            topics,
            allow_auto_topic_creation: true,
            ..Self::default()
        };
        if version >= 4 {
            request.allow_auto_topic_creation = d.bool("allow auto topic creation")?;
        }
        if (8..=10).contains(&version) {
            request.include_cluster_authorized_operations = d.bool("cluster operations")?;
        }
        if version >= 8 {
            request.include_topic_authorized_operations = d.bool("topic operations")?;
        }
        d.skip_tags()?;
        d.finish()?;
        Ok(request)
    }

    fn encode_response(
        response: &MetadataResponse,
        version: i16,
        out: &mut Frame,
    ) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, Self::VERSIONS, version)?;
        response.encode(version, &mut Encoder::new(out, version >= FIRST_FLEXIBLE))
    }
}

impl MetadataRequestTopic {
    fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        if version >= 10 {
            out.uuid(self.topic_id);
            out.nullable_string("topic name", self.name.as_deref())?;
        } else {
            out.string("topic name", self.name.as_deref().unwrap_or_default())?;
        }
        out.no_tags();
        Ok(())
    }

    fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let topic_id = if version >= 10 {
            d.uuid("topic id")?
        } else {
            Uuid::nil()
        };
        let name = if version >= 10 {
            d.nullable_string("topic name")?
        } else {
            Some(d.string("topic name")?)
        };
        d.skip_tags()?;
        Ok(Self { topic_id, name })
    }
}

const FIRST_FLEXIBLE: i16 = 9;
const FIRST_BY_ID: i16 = 12;
