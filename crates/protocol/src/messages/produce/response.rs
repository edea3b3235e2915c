//! The answer: an offset or an error for each partition.

use super::{
    DecodeError, Decoder, EncodeError, Encoder, FIRST_BY_ID, FIRST_FLEXIBLE, StrBytes, Uuid,
    topic_size,
};
use crate::messages::{LeaderIdAndEpoch, NodeEndpoint};
use crate::{ErrorCode, TaggedFields};

/// What became of each batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProduceResponse {
    /// The topics, in no particular order.
    pub responses: Vec<TopicProduceResponse>,
    /// How long the broker held the answer back, in milliseconds.
    pub throttle_time_ms: i32,
    /// Addresses of the leaders named in `current_leader`. From version 10 on.
    pub node_endpoints: Vec<NodeEndpoint>,
}

/// What became of the batches of one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicProduceResponse {
    /// The name; up to version 12.
    pub name: StrBytes,
    /// The id; from version 13 on.
    pub topic_id: Uuid,
    /// Its partitions, in no particular order.
    pub partition_responses: Vec<PartitionProduceResponse>,
}

/// What became of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionProduceResponse {
    /// The partition's number.
    pub index: i32,
    /// Why the batch was refused, or `NONE`.
    pub error_code: ErrorCode,
    /// The offset of the batch's first record, -1 when it was refused.
    pub base_offset: i64,
    /// The timestamp that all its records got, in milliseconds; -1 when they keep their own.
    pub log_append_time_ms: i64,
    /// The lowest offset of the log, -1 when unknown. From version 5 on.
    pub log_start_offset: i64,
    /// Which records were the reason. From version 8 on.
    pub record_errors: Vec<RecordError>,
    /// What the broker says about the refusal. From version 8 on.
    pub error_message: Option<StrBytes>,
    /// Where to send instead. From version 10 on.
    pub current_leader: Option<LeaderIdAndEpoch>,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: 0,
            error_code: ErrorCode::NONE,
            base_offset: -1,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Vec::new(),
            error_message: None,
            current_leader: None,
        }
    }
}

/// A record that made the broker refuse its batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError {
    /// The record's place in the batch, from 0.
    pub batch_index: i32,
    /// What is wrong with it.
    pub message: Option<StrBytes>,
}

impl ProduceResponse {
    pub(super) fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let mut response = Self {
            responses: d.array("topics", topic_size(version), |d| {
                TopicProduceResponse::decode(version, d)
            })?,
            throttle_time_ms: d.i32("throttle time")?,
            node_endpoints: Vec::new(),
        };
        d.tags(|tag, d| {
            if tag == 0 && version >= FIRST_WITH_LEADERS {
                response.node_endpoints = NodeEndpoint::decode_all(d)?;
            }
            Ok(())
        })?;
        Ok(response)
    }

    pub(super) fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.array("topics", &self.responses, |out, topic| {
            topic.encode(version, out)
        })?;
        out.i32(self.throttle_time_ms);
        let mut tags = TaggedFields::default();
        if version >= FIRST_WITH_LEADERS {
            NodeEndpoint::put_all(&self.node_endpoints, &mut tags)?;
        }
        out.tags(tags);
        Ok(())
    }
}

impl TopicProduceResponse {
    fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let mut topic = Self::default();
        if version >= FIRST_BY_ID {
            topic.topic_id = d.uuid("topic id")?;
        } else {
            topic.name = d.string("topic name")?;
        }
        topic.partition_responses = d.array("partitions", partition_size(version), |d| {
            PartitionProduceResponse::decode(version, d)
        })?;
        d.skip_tags()?;
        Ok(topic)
    }

    fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        if version >= FIRST_BY_ID {
            out.uuid(self.topic_id);
        } else {
            out.string("topic name", &self.name)?;
        }
        out.array("partitions", &self.partition_responses, |out, partition| {
            partition.encode(version, out)
        })?;
        out.no_tags();
        Ok(())
    }
}

impl PartitionProduceResponse {
    fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let mut partition = Self {
            index: d.i32("partition")?,
            error_code: d.error_code()?,
            base_offset: d.i64("base offset")?,
            log_append_time_ms: d.i64("log append time")?,
            ..Self::default()
        };
        if version >= 5 {
            partition.log_start_offset = d.i64("log start offset")?;
        }
        if version >= FIRST_WITH_RECORD_ERRORS {
            partition.record_errors = d.array("record errors", 6, |d| {
                let batch_index = d.i32("batch index")?;
                let message = d.nullable_string("record error")?;
                d.skip_tags()?;
                Ok(RecordError {
                    batch_index,
                    message,
                })
            })?;
            partition.error_message = d.nullable_string("error message")?;
        }
        d.tags(|tag, d| {
            if tag == 0 && version >= FIRST_WITH_LEADERS {
                partition.current_leader = Some(LeaderIdAndEpoch::decode(d)?);
            }
            Ok(())
        })?;
        Ok(partition)
    }

    fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.i32(self.index);
        out.error_code(self.error_code);
        out.i64(self.base_offset);
        out.i64(self.log_append_time_ms);
        if version >= 5 {
            out.i64(self.log_start_offset);
        }
        if version >= FIRST_WITH_RECORD_ERRORS {
            out.array("record errors", &self.record_errors, |out, error| {
                out.i32(error.batch_index);
                out.nullable_string("record error", error.message.as_deref())?;
                out.no_tags();
                Ok(())
            })?;
            out.nullable_string("error message", self.error_message.as_deref())?;
        }
        let mut tags = TaggedFields::default();
        if let Some(leader) = self
            .current_leader
            .filter(|_| version >= FIRST_WITH_LEADERS)
        {
            tags.put(0, |out| {
                leader.encode(out);
                Ok(())
            })?;
        }
        out.tags(tags);
        Ok(())
    }
}

/// The fewest bytes a partition takes: index, error code, two 8-byte numbers, and what the version adds.
fn partition_size(version: i16) -> usize {
    match version {
        FIRST_FLEXIBLE.. => 33,
        FIRST_WITH_RECORD_ERRORS.. => 36,
        5.. => 30,
        _ => 22,
    }
}

const FIRST_WITH_RECORD_ERRORS: i16 = 8;
const FIRST_WITH_LEADERS: i16 = 10;
