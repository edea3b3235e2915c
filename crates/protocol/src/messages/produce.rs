//! Produce (key 0): writes record batches.
//!
//! Source: schemas `ProduceRequest` and `ProduceResponse`, versions 3-13; KIP-467 (record errors),
//! KIP-951 (current leaders), KIP-516 (topic ids).

use bytes::Bytes;

use super::{refuse_unless_read, refuse_unless_written};
use crate::{
    ApiKey, BrokerRequest, DecodeError, Decoder, EncodeError, Encoder, Frame, Request, StrBytes,
    Uuid, VersionRange,
};

mod response;
#[cfg(test)]
mod tests;

pub use response::{PartitionProduceResponse, ProduceResponse, RecordError, TopicProduceResponse};

/// Record batches for one broker to append.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProduceRequest {
    /// Set when the batches belong to a transaction.
    pub transactional_id: Option<StrBytes>,
    /// Who has to have them before the broker answers: 0 no one (and there is no answer), 1 the
    /// leader, -1 all in-sync replicas.
    pub acks: i16,
    /// How long the broker may wait for the replicas, in milliseconds.
    pub timeout_ms: i32,
    /// The batches.
    pub topic_data: Vec<TopicProduceData>,
}

/// What goes to one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicProduceData {
    /// The name; written up to version 12.
    pub name: StrBytes,
    /// The id; written from version 13 on. Nil when unknown, which rules those versions out.
    pub topic_id: Uuid,
    /// What goes to each partition.
    pub partition_data: Vec<PartitionProduceData>,
}

/// What goes to one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionProduceData {
    /// The partition's number.
    pub index: i32,
    /// One record batch, as it goes into the log. Long ones are sent without being copied.
    pub records: Option<Bytes>,
}

impl Request for ProduceRequest {
    const API: ApiKey = ApiKey::PRODUCE;
    const VERSIONS: VersionRange = VersionRange::new(3, 13);
    type Response = ProduceResponse;

    /// Up to 12 when a topic has no id, from 13 on when one has no name.
    fn versions(&self) -> VersionRange {
        let topics = self.topic_data.iter();
        super::versions_by_topics(
            Self::VERSIONS,
            FIRST_BY_ID,
            topics.map(|topic| (&topic.name, topic.topic_id)),
        )
    }

    fn encode(&self, version: i16, out: &mut Frame) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, self.versions(), version)?;
        let mut out = Encoder::new(out, version >= FIRST_FLEXIBLE);
        out.nullable_string("transactional id", self.transactional_id.as_deref())?;
        out.i16(self.acks);
        out.i32(self.timeout_ms);
        out.array("topics", &self.topic_data, |out, topic| {
            topic.encode(version, out)
        })?;
        out.no_tags();
        Ok(())
    }

    fn decode_response(version: i16, body: Bytes) -> Result<ProduceResponse, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut d = Decoder::new(body, version >= FIRST_FLEXIBLE);
        let response = ProduceResponse::decode(version, &mut d)?;
        d.finish()?;
        Ok(response)
    }

    fn throttle_time_ms(response: &ProduceResponse) -> i32 {
        response.throttle_time_ms
    }
}

impl BrokerRequest for ProduceRequest {
    fn decode(version: i16, body: Bytes) -> Result<Self, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut d = Decoder::new(body, version >= FIRST_FLEXIBLE);
        let request = Self {
            transactional_id: d.nullable_string("transactional id")?,
            acks: d.i16("acks")?,
            timeout_ms: d.i32("timeout")?,
            topic_data: d.array("topics", topic_size(version), |d| {
                TopicProduceData::decode(version, d)
            })?,
        };
        d.skip_tags()?;
        d.finish()?;
        Ok(request)
    }

    fn encode_response(
        response: &ProduceResponse,
        version: i16,
        out: &mut Frame,
    ) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, Self::VERSIONS, version)?;
        response.encode(version, &mut Encoder::new(out, version >= FIRST_FLEXIBLE))
    }
}

impl TopicProduceData {
    fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        if version >= FIRST_BY_ID {
            out.uuid(self.topic_id);
        } else {
            out.string("topic name", &self.name)?;
        }
        out.array("partitions", &self.partition_data, |out, partition| {
            out.i32(partition.index);
            out.nullable_bytes("records", partition.records.as_ref())?;
            out.no_tags();
            Ok(())
        })?;
        out.no_tags();
        Ok(())
    }

    fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let mut topic = Self::default();
        if version >= FIRST_BY_ID {
            topic.topic_id = d.uuid("topic id")?;
        } else {
            topic.name = d.string("topic name")?;
        }
        let partition_size = if version >= FIRST_FLEXIBLE { 6 } else { 8 };
        topic.partition_data = d.array("partitions", partition_size, |d| {
            let index = d.i32("partition")?;
            let records = d.nullable_bytes("records")?;
            d.skip_tags()?;
            Ok(PartitionProduceData { index, records })
        })?;
        d.skip_tags()?;
        Ok(topic)
    }
}

/// The fewest bytes a topic takes in request and response: name or id, no partitions, no tags.
fn topic_size(version: i16) -> usize {
    match version {
        FIRST_BY_ID.. => 18,
        FIRST_FLEXIBLE.. => 3,
        _ => 6,
    }
}

const FIRST_FLEXIBLE: i16 = 9;
const FIRST_BY_ID: i16 = 13;
