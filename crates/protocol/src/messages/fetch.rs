//! Fetch (key 1): reads record batches.
//!
//! Source: schemas `FetchRequest` and `FetchResponse`, versions 4-18; KIP-227 (sessions), KIP-320
//! (leader epochs), KIP-392 (follower fetching), KIP-595 (diverging epoch), KIP-516 (topic ids),
//! KIP-951 (current leaders). What only replicas send is not written, and skipped when read.

use bytes::Bytes;

use super::{refuse_unless_read, refuse_unless_written};
use crate::{
    ApiKey, BrokerRequest, DecodeError, Decoder, EncodeError, Encoder, Frame, Request, StrBytes,
    Uuid, VersionRange,
};

mod response;
#[cfg(test)]
mod tests;

pub use response::{
    AbortedTransaction, EpochEndOffset, FetchResponse, FetchedPartition, FetchedTopic,
};

/// Asks one broker for record batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    /// -1 from a consumer; a broker id from a follower.
    pub replica_id: i32,
    /// How long the broker may wait for `min_bytes`, in milliseconds.
    pub max_wait_ms: i32,
    /// The answer may come late until there are so many bytes.
    pub min_bytes: i32,
    /// The answer should not have more bytes; the first batch comes whole anyhow (KIP-74).
    pub max_bytes: i32,
    /// Whether records of open and aborted transactions may come.
    pub isolation_level: IsolationLevel,
    /// The fetch session, 0 for none. From version 7 on.
    pub session_id: i32,
    /// The number of the request in its session; 0 opens one, -1 closes or wants none. From version 7 on.
    pub session_epoch: i32,
    /// The partitions; in a session, those that are new or changed.
    pub topics: Vec<FetchTopic>,
    /// The partitions to take out of the session. From version 7 on.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// The client's rack, empty for none. From version 11 on.
    pub rack_id: StrBytes,
}

impl Default for FetchRequest {
    /// Asks without a session for nothing, from a consumer, as much as there is.
    fn default() -> Self {
        Self {
            replica_id: -1,
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: i32::MAX,
            isolation_level: IsolationLevel::ReadUncommitted,
            session_id: 0,
            session_epoch: -1,
            topics: Vec::new(),
            forgotten_topics_data: Vec::new(),
            rack_id: StrBytes::default(),
        }
    }
}

/// Which records of transactions a consumer sees (KIP-98).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IsolationLevel {
    /// All of them.
    #[default]
    ReadUncommitted,
    /// Those of committed transactions, up to the last stable offset.
    ReadCommitted,
}

/// The partitions of one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchTopic {
    /// The name; written up to version 12.
    pub topic: StrBytes,
    /// The id; written from version 13 on. Nil when unknown, which rules those versions out.
    pub topic_id: Uuid,
    /// Its partitions.
    pub partitions: Vec<FetchPartition>,
}

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchPartition {
    /// The partition's number.
    pub partition: i32,
    /// The leader epoch the client knows, -1 for unknown. From version 9 on.
    pub current_leader_epoch: i32,
    /// The first offset wanted.
    pub fetch_offset: i64,
    /// The leader epoch of the last record read, -1 for none; lets the broker notice a truncated
    /// log. From version 12 on.
    pub last_fetched_epoch: i32,
    /// The lowest offset of a follower's log; -1 from a consumer. From version 5 on.
    pub log_start_offset: i64,
    /// The answer should not have more bytes for this partition (KIP-74).
    pub partition_max_bytes: i32,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: 0,
            current_leader_epoch: -1,
            fetch_offset: 0,
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: 0,
        }
    }
}

/// Partitions of one topic to take out of the session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForgottenTopic {
    /// The name; written up to version 12.
    pub topic: StrBytes,
    /// The id; written from version 13 on.
    pub topic_id: Uuid,
    /// The partitions' numbers.
    pub partitions: Vec<i32>,
}

impl Request for FetchRequest {
    const API: ApiKey = ApiKey::FETCH;
    const VERSIONS: VersionRange = VersionRange::new(4, 18);
    type Response = FetchResponse;

    /// Up to 12 when a topic has no id, from 13 on when one has no name.
    fn versions(&self) -> VersionRange {
        let wanted = self
            .topics
            .iter()
            .map(|topic| (&topic.topic, topic.topic_id));
        let forgotten = self
            .forgotten_topics_data
            .iter()
            .map(|topic| (&topic.topic, topic.topic_id));
        super::versions_by_topics(Self::VERSIONS, FIRST_BY_ID, wanted.chain(forgotten))
    }

    fn encode(&self, version: i16, out: &mut Frame) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, self.versions(), version)?;
        let mut out = Encoder::new(out, version >= FIRST_FLEXIBLE);
        if version <= LAST_WITH_REPLICA_ID {
            out.i32(self.replica_id);
        }
        out.i32(self.max_wait_ms);
        out.i32(self.min_bytes);
        out.i32(self.max_bytes);
        out.i8(self.isolation_level as i8);
        if version >= 7 {
            out.i32(self.session_id);
            out.i32(self.session_epoch);
        }
        out.array("topics", &self.topics, |out, topic| {
            topic.encode(version, out)
        })?;
        if version >= 7 {
            let forgotten = &self.forgotten_topics_data;
            out.array("forgotten topics", forgotten, |out, topic| {
                topic.encode(version, out)
            })?;
        }
        if version >= 11 {
            out.string("rack id", &self.rack_id)?;
        }
        out.no_tags();
        Ok(())
    }

    fn decode_response(version: i16, body: Bytes) -> Result<FetchResponse, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut d = Decoder::new(body, version >= FIRST_FLEXIBLE);
        let response = FetchResponse::decode(version, &mut d)?;
        d.finish()?;
        Ok(response)
    }
}

impl BrokerRequest for FetchRequest {
    fn decode(version: i16, body: Bytes) -> Result<Self, DecodeError> {
        refuse_unless_read(Self::API, Self::VERSIONS, version)?;
        let mut d = Decoder::new(body, version >= FIRST_FLEXIBLE);
        let mut request = Self::default();
        if version <= LAST_WITH_REPLICA_ID {
            request.replica_id = d.i32("replica id")?;
        }
        request.max_wait_ms = d.i32("max wait")?;
        request.min_bytes = d.i32("min bytes")?;
        request.max_bytes = d.i32("max bytes")?;
        request.isolation_level = IsolationLevel::decode(&mut d)?;
        if version >= 7 {
            request.session_id = d.i32("session id")?;
            request.session_epoch = d.i32("session epoch")?;
        }
        let topic_size = topic_size(version);
        request.topics = d.array("topics", topic_size, |d| FetchTopic::decode(version, d))?;
        if version >= 7 {
            request.forgotten_topics_data = d.array("forgotten topics", topic_size, |d| {
                ForgottenTopic::decode(version, d)
            })?;
        }
        if version >= 11 {
            request.rack_id = d.string("rack id")?;
        }
        d.tags(|tag, d| {
            // Tag 1 is the replica's state; a consumer leaves it out.
            if tag == 1 && version > LAST_WITH_REPLICA_ID {
                request.replica_id = d.i32("replica id")?;
            }
            Ok(())
        })?;
        d.finish()?;
        Ok(request)
    }

    fn encode_response(
        response: &FetchResponse,
        version: i16,
        out: &mut Frame,
    ) -> Result<(), EncodeError> {
        refuse_unless_written(Self::API, Self::VERSIONS, version)?;
        response.encode(version, &mut Encoder::new(out, version >= FIRST_FLEXIBLE))
    }
}

impl IsolationLevel {
    fn decode(d: &mut Decoder) -> Result<Self, DecodeError> {
        match d.i8("isolation level")? {
            0 => Ok(Self::ReadUncommitted),
            1 => Ok(Self::ReadCommitted),
            _ => Err(DecodeError::Corrupt {
                what: "isolation level",
                detail: "neither 0 nor 1",
            }),
        }
    }
}

impl FetchTopic {
    fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        encode_topic(&self.topic, self.topic_id, version, out)?;
        out.array("partitions", &self.partitions, |out, partition| {
            partition.encode(version, out);
            Ok(())
        })?;
        out.no_tags();
        Ok(())
    }

    fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let (topic, topic_id) = decode_topic(version, d)?;
        let partition_size = match version {
            FIRST_FLEXIBLE.. => 33,
            9.. => 28,
            5.. => 24,
            _ => 16,
        };
        let partitions = d.array("partitions", partition_size, |d| {
            FetchPartition::decode(version, d)
        })?;
        d.skip_tags()?;
        Ok(Self {
            topic,
            topic_id,
            partitions,
        })
    }
}

impl FetchPartition {
    fn encode(&self, version: i16, out: &mut Encoder<'_>) {
        out.i32(self.partition);
        if version >= 9 {
            out.i32(self.current_leader_epoch);
        }
        out.i64(self.fetch_offset);
        if version >= 12 {
            out.i32(self.last_fetched_epoch);
        }
        if version >= 5 {
            out.i64(self.log_start_offset);
        }
        out.i32(self.partition_max_bytes);
        out.no_tags();
    }

    fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let mut partition = Self {
            partition: d.i32("partition")?,
            ..Self::default()
        };
        if version >= 9 {
            partition.current_leader_epoch = d.i32("current leader epoch")?;
        }
        partition.fetch_offset = d.i64("fetch offset")?;
        if version >= 12 {
            partition.last_fetched_epoch = d.i32("last fetched epoch")?;
        }
        if version >= 5 {
            partition.log_start_offset = d.i64("log start offset")?;
        }
        partition.partition_max_bytes = d.i32("partition max bytes")?;
        d.skip_tags()?;
        Ok(partition)
    }
}

impl ForgottenTopic {
    fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        encode_topic(&self.topic, self.topic_id, version, out)?;
        out.i32s("forgotten partitions", &self.partitions)?;
        out.no_tags();
        Ok(())
    }

    fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let (topic, topic_id) = decode_topic(version, d)?;
        let partitions = d.array("forgotten partitions", 4, |d| d.i32("partition"))?;
        d.skip_tags()?;
        Ok(Self {
            topic,
            topic_id,
            partitions,
        })
    }
}

fn encode_topic(
    topic: &str,
    topic_id: Uuid,
    version: i16,
    out: &mut Encoder<'_>,
) -> Result<(), EncodeError> {
    if version >= FIRST_BY_ID {
        out.uuid(topic_id);
        Ok(())
    } else {
        out.string("topic name", topic)
    }
}

fn decode_topic(version: i16, d: &mut Decoder) -> Result<(StrBytes, Uuid), DecodeError> {
    if version >= FIRST_BY_ID {
        Ok((StrBytes::default(), d.uuid("topic id")?))
    } else {
        Ok((d.string("topic name")?, Uuid::nil()))
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

const FIRST_FLEXIBLE: i16 = 12;
const FIRST_BY_ID: i16 = 13;
const LAST_WITH_REPLICA_ID: i16 = 14;
