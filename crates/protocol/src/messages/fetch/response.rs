//! The answer: record batches, or an error, for each partition.

use bytes::Bytes;

use super::{
    DecodeError, Decoder, EncodeError, Encoder, FIRST_FLEXIBLE, StrBytes, Uuid, decode_topic,
    encode_topic, topic_size,
};
use crate::messages::{LeaderIdAndEpoch, NodeEndpoint};
use crate::{ErrorCode, TaggedFields};

/// Record batches of some partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchResponse {
    /// How long the broker held the answer back, in milliseconds.
    pub throttle_time_ms: i32,
    /// Why the whole request was refused, or `NONE`. From version 7 on.
    pub error_code: ErrorCode,
    /// The fetch session, 0 for none. From version 7 on.
    pub session_id: i32,
    /// The topics; in a session, only those with something new.
    pub responses: Vec<FetchedTopic>,
    /// Addresses of the leaders named in `current_leader`. From version 16 on.
    pub node_endpoints: Vec<NodeEndpoint>,
}

/// What came of one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchedTopic {
    /// The name; up to version 12.
    pub topic: StrBytes,
    /// The id; from version 13 on.
    pub topic_id: Uuid,
    /// Its partitions.
    pub partitions: Vec<FetchedPartition>,
}

/// What came of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// Why there are no records, or `NONE`.
    pub error_code: ErrorCode,
    /// The offset behind the last record that all in-sync replicas have; -1 when unknown.
    pub high_watermark: i64,
    /// The offset of the first record whose transaction is open; -1 when unknown.
    pub last_stable_offset: i64,
    /// The lowest offset of the log, -1 when unknown. From version 5 on.
    pub log_start_offset: i64,
    /// Where the log the client has read parts from the leader's. From version 12 on.
    pub diverging_epoch: Option<EpochEndOffset>,
    /// Whom to ask instead. From version 12 on.
    pub current_leader: Option<LeaderIdAndEpoch>,
    /// Transactions whose records must be left out; `None` unless committed records were asked for.
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// The broker to fetch from next time, -1 for the leader. From version 11 on.
    pub preferred_read_replica: i32,
    /// Record batches as they lie in the log, a slice of the answer: the first may begin before the
    /// offset asked for, the last may be cut off.
    pub records: Option<Bytes>,
}

impl Default for FetchedPartition {
    fn default() -> Self {
        Self {
            partition_index: 0,
            error_code: ErrorCode::NONE,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: None,
            current_leader: None,
            aborted_transactions: None,
            preferred_read_replica: -1,
            records: None,
        }
    }
}

/// The end of a leader epoch in the leader's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochEndOffset {
    /// The largest epoch both logs have, -1 for none.
    pub epoch: i32,
    /// The offset behind its last record.
    pub end_offset: i64,
}

/// A transaction that was aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Whose it was.
    pub producer_id: i64,
    /// Its first offset in this partition.
    pub first_offset: i64,
}

impl FetchResponse {
    pub(super) fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let mut response = Self {
            throttle_time_ms: d.i32("throttle time")?,
            ..Self::default()
        };
        if version >= 7 {
            response.error_code = d.error_code()?;
            response.session_id = d.i32("session id")?;
        }
        response.responses = d.array("topics", topic_size(version), |d| {
            FetchedTopic::decode(version, d)
        })?;
        d.tags(|tag, d| {
            if tag == 0 && version >= FIRST_WITH_ENDPOINTS {
                response.node_endpoints = NodeEndpoint::decode_all(d)?;
            }
            Ok(())
        })?;
        Ok(response)
    }

    pub(super) fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.i32(self.throttle_time_ms);
        if version >= 7 {
            out.error_code(self.error_code);
            out.i32(self.session_id);
        }
        out.array("topics", &self.responses, |out, topic| {
            topic.encode(version, out)
        })?;
        let mut tags = TaggedFields::default();
        if version >= FIRST_WITH_ENDPOINTS {
            NodeEndpoint::put_all(&self.node_endpoints, &mut tags)?;
        }
        out.tags(tags);
        Ok(())
    }
}

impl FetchedTopic {
    fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let (topic, topic_id) = decode_topic(version, d)?;
        let partitions = d.array("partitions", partition_size(version), |d| {
            FetchedPartition::decode(version, d)
        })?;
        d.skip_tags()?;
        Ok(Self {
            topic,
            topic_id,
            partitions,
        })
    }

    fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        encode_topic(&self.topic, self.topic_id, version, out)?;
        out.array("partitions", &self.partitions, |out, partition| {
            partition.encode(version, out)
        })?;
        out.no_tags();
        Ok(())
    }
}

impl FetchedPartition {
    fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let mut partition = Self {
            partition_index: d.i32("partition")?,
            error_code: d.error_code()?,
            high_watermark: d.i64("high watermark")?,
            last_stable_offset: d.i64("last stable offset")?,
            ..Self::default()
        };
        if version >= 5 {
            partition.log_start_offset = d.i64("log start offset")?;
        }
        let aborted_size = if version >= FIRST_FLEXIBLE { 17 } else { 16 };
        partition.aborted_transactions = d.nullable_array(
            "aborted transactions",
            aborted_size,
            AbortedTransaction::decode,
        )?;
        if version >= 11 {
            partition.preferred_read_replica = d.i32("preferred read replica")?;
        }
        partition.records = d.nullable_bytes("records")?;
        d.tags(|tag, d| {
            match tag {
                0 => partition.diverging_epoch = Some(EpochEndOffset::decode(d)?),
                1 => partition.current_leader = Some(LeaderIdAndEpoch::decode(d)?),
                // Tag 2, the snapshot to load instead, is for controllers.
                _ => {}
            }
            Ok(())
        })?;
        Ok(partition)
    }

    fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.i32(self.partition_index);
        out.error_code(self.error_code);
        out.i64(self.high_watermark);
        out.i64(self.last_stable_offset);
        if version >= 5 {
            out.i64(self.log_start_offset);
        }
        match self.aborted_transactions.as_deref() {
            Some(aborted) => out.array("aborted transactions", aborted, |out, aborted| {
                out.i64(aborted.producer_id);
                out.i64(aborted.first_offset);
                out.no_tags();
                Ok(())
            })?,
            None => out.null(),
        }
        if version >= 11 {
            out.i32(self.preferred_read_replica);
        }
        out.nullable_bytes("records", self.records.as_ref())?;
        let mut tags = TaggedFields::default();
        if version >= FIRST_FLEXIBLE {
            self.put_tags(&mut tags)?;
        }
        out.tags(tags);
        Ok(())
    }

    fn put_tags(&self, tags: &mut TaggedFields) -> Result<(), EncodeError> {
        if let Some(diverging) = self.diverging_epoch {
            tags.put(0, |out| {
                out.i32(diverging.epoch);
                out.i64(diverging.end_offset);
                out.no_tags();
                Ok(())
            })?;
        }
        if let Some(leader) = self.current_leader {
            tags.put(1, |out| {
                leader.encode(out);
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl EpochEndOffset {
    fn decode(d: &mut Decoder) -> Result<Self, DecodeError> {
        let epoch = d.i32("epoch")?;
        let end_offset = d.i64("end offset")?;
        d.skip_tags()?;
        Ok(Self { epoch, end_offset })
    }
}

impl AbortedTransaction {
    fn decode(d: &mut Decoder) -> Result<Self, DecodeError> {
        let producer_id = d.i64("producer id")?;
        let first_offset = d.i64("first offset")?;
        d.skip_tags()?;
        Ok(Self {
            producer_id,
            first_offset,
        })
    }
}

/// The fewest bytes a partition takes: null for what can be null, and no tags.
fn partition_size(version: i16) -> usize {
    match version {
        FIRST_FLEXIBLE.. => 37,
        11.. => 42,
        5.. => 38,
        _ => 30,
    }
}

const FIRST_WITH_ENDPOINTS: i16 = 16;
