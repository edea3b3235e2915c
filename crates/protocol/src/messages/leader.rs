//! Where a partition's leader is, as produce and fetch answers tell it (KIP-951).

use crate::{DecodeError, Decoder, EncodeError, Encoder, StrBytes, TaggedFields};

/// The leader a broker knows for a partition it no longer leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaderIdAndEpoch {
    /// The leader's broker id, -1 when unknown.
    pub leader_id: i32,
    /// Its epoch, -1 when unknown.
    pub leader_epoch: i32,
}

impl LeaderIdAndEpoch {
    pub(super) fn decode(decoder: &mut Decoder) -> Result<Self, DecodeError> {
        let leader_id = decoder.i32("leader id")?;
        let leader_epoch = decoder.i32("leader epoch")?;
        decoder.skip_tags()?;
        Ok(Self {
            leader_id,
            leader_epoch,
        })
    }

    pub(super) fn encode(self, out: &mut Encoder<'_>) {
        out.i32(self.leader_id);
        out.i32(self.leader_epoch);
        out.no_tags();
    }
}

/// The address of a leader named in the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeEndpoint {
    /// The broker id.
    pub node_id: i32,
    /// Host name or address.
    pub host: StrBytes,
    /// Port as sent; a hostile peer may send any number.
    pub port: i32,
    /// The rack, where brokers have one.
    pub rack: Option<StrBytes>,
}

impl NodeEndpoint {
    pub(super) fn decode_all(decoder: &mut Decoder) -> Result<Vec<Self>, DecodeError> {
        decoder.array("node endpoints", 11, |d| {
            let node_id = d.i32("node id")?;
            let host = d.string("host")?;
            let port = d.i32("port")?;
            let rack = d.nullable_string("rack")?;
            d.skip_tags()?;
            Ok(Self {
                node_id,
                host,
                port,
                rack,
            })
        })
    }

    /// As the tagged field 0 of produce and fetch answers, left out when there is none.
    pub(super) fn put_all(nodes: &[Self], tags: &mut TaggedFields) -> Result<(), EncodeError> {
        if nodes.is_empty() {
            return Ok(());
        }
        tags.put(0, |out| {
            out.array("node endpoints", nodes, |out, node| {
                out.i32(node.node_id);
                out.string("host", &node.host)?;
                out.i32(node.port);
                out.nullable_string("rack", node.rack.as_deref())?;
                out.no_tags();
                Ok(())
            })
        })
    }
}
