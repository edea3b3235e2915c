//! The answer: brokers, topics, partitions.

use super::{
    DecodeError, Decoder, EncodeError, Encoder, ErrorCode, FIRST_BY_ID, FIRST_FLEXIBLE, StrBytes,
    Uuid,
};

/// The cluster as one broker sees it.
///
/// The broker lists of all partitions lie in one vector; a partition holds spans of it (see
/// [`Self::nodes`]). So a thousand topics of ten partitions cost about a thousand allocations, not
/// one per list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataResponse {
    /// How long the broker held the answer back, in milliseconds. From version 3 on.
    pub throttle_time_ms: i32,
    /// The brokers that are alive.
    pub brokers: Vec<MetadataBroker>,
    /// The cluster's id, where it has one. From version 2 on.
    pub cluster_id: Option<StrBytes>,
    /// The broker to send administrative requests to, -1 when there is none. From version 1 on.
    pub controller_id: i32,
    /// The topics.
    pub topics: Vec<MetadataTopic>,
    /// Bit field of what the client may do with the cluster; `i32::MIN` when not told. Versions 8 to 10.
    pub cluster_authorized_operations: i32,
    /// `REBOOTSTRAP_REQUIRED` when the client should start from its bootstrap addresses. From version 13 on.
    pub error_code: ErrorCode,
    /// Broker ids of all lists, one list after the other; filled by [`Self::add_nodes`].
    pub node_ids: Vec<i32>,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: 0,
            brokers: Vec::new(),
            cluster_id: None,
            controller_id: -1,
            topics: Vec::new(),
            cluster_authorized_operations: NOT_TOLD,
            error_code: ErrorCode::NONE,
            node_ids: Vec::new(),
        }
    }
}

/// A broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataBroker {
    /// The broker id.
    pub node_id: i32,
    /// Host name or address for the listener the request came in on.
    pub host: StrBytes,
    /// Port as sent; a hostile peer may send any number.
    pub port: i32,
    /// The rack, where brokers have one. From version 1 on.
    pub rack: Option<StrBytes>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataTopic {
    /// Why there is nothing to tell about it, or `NONE`.
    pub error_code: ErrorCode,
    /// The name; `None` for an unknown topic that was asked for by id.
    pub name: Option<StrBytes>,
    /// The id; nil when unknown. From version 10 on.
    pub topic_id: Uuid,
    /// Whether it is Kafka's own. From version 1 on.
    pub is_internal: bool,
    /// The partitions, in no particular order.
    pub partitions: Vec<MetadataPartition>,
    /// Bit field of what the client may do with it; `i32::MIN` when not told. From version 8 on.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataTopic {
    fn default() -> Self {
        Self {
            error_code: ErrorCode::NONE,
            name: None,
            topic_id: Uuid::nil(),
            is_internal: false,
            partitions: Vec::new(),
            topic_authorized_operations: NOT_TOLD,
        }
    }
}

/// A partition. Its three lists are read with [`MetadataResponse::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetadataPartition {
    /// `LEADER_NOT_AVAILABLE` while there is no leader, or `NONE`.
    pub error_code: ErrorCode,
    /// The partition's number.
    pub partition_index: i32,
    /// The leader's broker id, -1 when there is none.
    pub leader_id: i32,
    /// Grows with each change of leader; -1 when unknown. From version 7 on.
    pub leader_epoch: i32,
    /// The brokers that hold it.
    pub replica_nodes: NodeSpan,
    /// Those of them that are in sync.
    pub isr_nodes: NodeSpan,
    /// Those of them that are offline. From version 5 on.
    pub offline_replicas: NodeSpan,
}

/// A list of broker ids inside a [`MetadataResponse`]; empty by default.
///
/// ```
/// use ekafka_protocol::messages::{MetadataResponse, NodeSpan};
///
/// let mut response = MetadataResponse::default();
/// let replicas = response.add_nodes(&[1, 2, 3]);
/// assert_eq!(response.nodes(replicas), [1, 2, 3]);
/// assert!(response.nodes(NodeSpan::default()).is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeSpan {
    start: u32,
    len: u32,
}

impl MetadataResponse {
    /// The broker ids of a list of this response.
    #[must_use]
    pub fn nodes(&self, span: NodeSpan) -> &[i32] {
        let start = span.start as usize;
        self.node_ids
            .get(start..start + span.len as usize)
            .unwrap_or_default()
    }

    /// Adds a list of broker ids and tells where it is, for a partition of this response.
    pub fn add_nodes(&mut self, node_ids: &[i32]) -> NodeSpan {
        let start = self.node_ids.len() as u32;
        self.node_ids.extend_from_slice(node_ids);
        NodeSpan {
            start,
            len: node_ids.len() as u32,
        }
    }

    pub(super) fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let mut response = Self::default();
        if version >= 3 {
            response.throttle_time_ms = d.i32("throttle time")?;
        }
        let broker_size = if version >= FIRST_FLEXIBLE { 11 } else { 10 };
        response.brokers = d.array("brokers", broker_size, |d| {
            MetadataBroker::decode(version, d)
        })?;
        if version >= 2 {
            response.cluster_id = d.nullable_string("cluster id")?;
        }
        if version >= 1 {
            response.controller_id = d.i32("controller id")?;
        }
        let mut node_ids = Vec::new();
        response.topics = d.array("topics", topic_size(version), |d| {
            MetadataTopic::decode(version, d, &mut node_ids)
        })?;
        response.node_ids = node_ids;
        if (8..=10).contains(&version) {
            response.cluster_authorized_operations = d.i32("cluster operations")?;
        }
        if version >= 13 {
            response.error_code = d.error_code()?;
        }
        d.skip_tags()?;
        Ok(response)
    }

    pub(super) fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        if version >= 3 {
            out.i32(self.throttle_time_ms);
        }
        out.array("brokers", &self.brokers, |out, broker| {
            broker.encode(version, out)
        })?;
        if version >= 2 {
            out.nullable_string("cluster id", self.cluster_id.as_deref())?;
        }
        if version >= 1 {
            out.i32(self.controller_id);
        }
        out.array("topics", &self.topics, |out, topic| {
            self.encode_topic(topic, version, out)
        })?;
        if (8..=10).contains(&version) {
            out.i32(self.cluster_authorized_operations);
        }
        if version >= 13 {
            out.error_code(self.error_code);
        }
        out.no_tags();
        Ok(())
    }

    fn encode_topic(
        &self,
        topic: &MetadataTopic,
        version: i16,
        out: &mut Encoder<'_>,
    ) -> Result<(), EncodeError> {
        out.error_code(topic.error_code);
        if version >= FIRST_BY_ID {
            out.nullable_string("topic name", topic.name.as_deref())?;
        } else {
            out.string("topic name", topic.name.as_deref().unwrap_or_default())?;
        }
        if version >= 10 {
            out.uuid(topic.topic_id);
        }
        if version >= 1 {
            out.bool(topic.is_internal);
        }
        out.array("partitions", &topic.partitions, |out, partition| {
            self.encode_partition(partition, version, out)
        })?;
        if version >= 8 {
            out.i32(topic.topic_authorized_operations);
        }
        out.no_tags();
        Ok(())
    }

    fn encode_partition(
        &self,
        partition: &MetadataPartition,
        version: i16,
        out: &mut Encoder<'_>,
    ) -> Result<(), EncodeError> {
        out.error_code(partition.error_code);
        out.i32(partition.partition_index);
        out.i32(partition.leader_id);
        if version >= 7 {
            out.i32(partition.leader_epoch);
        }
        out.i32s("replica nodes", self.nodes(partition.replica_nodes))?;
        out.i32s("isr nodes", self.nodes(partition.isr_nodes))?;
        if version >= 5 {
            out.i32s("offline replicas", self.nodes(partition.offline_replicas))?;
        }
        out.no_tags();
        Ok(())
    }
}

impl MetadataBroker {
    fn decode(version: i16, d: &mut Decoder) -> Result<Self, DecodeError> {
        let node_id = d.i32("node id")?;
        let host = d.string("host")?;
        let port = d.i32("port")?;
        let rack = if version >= 1 {
            d.nullable_string("rack")?
        } else {
            None
        };
        d.skip_tags()?;
        Ok(Self {
            node_id,
            host,
            port,
            rack,
        })
    }

    fn encode(&self, version: i16, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.i32(self.node_id);
        out.string("host", &self.host)?;
        out.i32(self.port);
        if version >= 1 {
            out.nullable_string("rack", self.rack.as_deref())?;
        }
        out.no_tags();
        Ok(())
    }
}

impl MetadataTopic {
    fn decode(version: i16, d: &mut Decoder, node_ids: &mut Vec<i32>) -> Result<Self, DecodeError> {
        let error_code = d.error_code()?;
        let name = if version >= FIRST_BY_ID {
            d.nullable_string("topic name")?
        } else {
            Some(d.string("topic name")?)
        };
        let topic_id = if version >= 10 {
            d.uuid("topic id")?
        } else {
            Uuid::nil()
        };
        let is_internal = if version >= 1 {
            d.bool("is internal")?
        } else {
            false
        };
        let partitions = d.array("partitions", partition_size(version), |d| {
            MetadataPartition::decode(version, d, node_ids)
        })?;
        let topic_authorized_operations = if version >= 8 {
            d.i32("topic operations")?
        } else {
            NOT_TOLD
        };
        d.skip_tags()?;
        Ok(Self {
            error_code,
            name,
            topic_id,
            is_internal,
            partitions,
            topic_authorized_operations,
        })
    }
}

impl MetadataPartition {
    fn decode(version: i16, d: &mut Decoder, node_ids: &mut Vec<i32>) -> Result<Self, DecodeError> {
        let error_code = d.error_code()?;
        let partition_index = d.i32("partition")?;
        let leader_id = d.i32("leader id")?;
        let leader_epoch = if version >= 7 {
            d.i32("leader epoch")?
        } else {
            -1
        };
        let replica_nodes = decode_nodes("replica nodes", d, node_ids)?;
        let isr_nodes = decode_nodes("isr nodes", d, node_ids)?;
        let offline_replicas = if version >= 5 {
            decode_nodes("offline replicas", d, node_ids)?
        } else {
            NodeSpan::default()
        };
        d.skip_tags()?;
        Ok(Self {
            error_code,
            partition_index,
            leader_id,
            leader_epoch,
            replica_nodes,
            isr_nodes,
            offline_replicas,
        })
    }
}

fn decode_nodes(
    what: &'static str,
    d: &mut Decoder,
    node_ids: &mut Vec<i32>,
) -> Result<NodeSpan, DecodeError> {
    let len = d.count(what, 4)?;
    let start = node_ids.len();
    // The vector grows only by what is there.
    d.i32s(what, len, node_ids)?;
    // Both are below 2^31 / 4, as they count 4-byte numbers of one frame.
    Ok(NodeSpan {
        start: start as u32,
        len: len as u32,
    })
}

/// The fewest bytes a topic takes: error code, empty name, no partitions, and what the version adds.
fn topic_size(version: i16) -> usize {
    match version {
        0 => 8,
        1..=7 => 9,
        8 => 13,
        9 => 10,
        _ => 26,
    }
}

/// The fewest bytes a partition takes: error code, index, leader, empty lists, and what the version adds.
fn partition_size(version: i16) -> usize {
    match version {
        0..=4 => 18,
        5..=6 => 22,
        7..=8 => 26,
        _ => 18,
    }
}

/// Kafka's mark for operations that were not asked for.
const NOT_TOLD: i32 = i32::MIN;
