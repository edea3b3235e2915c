//! The bytes members exchange through the coordinator.

use bytes::Bytes;
use ekafka_protocol::DecodeError;
use ekafka_protocol::consumer_protocol::Claims;
pub(crate) use ekafka_protocol::consumer_protocol::{
    Subscription, decode_assignment, encode_assignment,
};

use crate::assignor::LastAssignment;

/// Writes what the sticky strategies tell of a member's last assignment.
pub(crate) fn encode_claims(last: &LastAssignment) -> Bytes {
    Claims {
        partitions: last.partitions.clone(),
        generation: last.generation,
    }
    .encode()
}

/// Reads what [`encode_claims`] writes; no bytes claim nothing.
pub(crate) fn decode_claims(bytes: &[u8]) -> Result<LastAssignment, DecodeError> {
    if bytes.is_empty() {
        return Ok(LastAssignment::default());
    }
    let Claims {
        partitions,
        generation,
    } = Claims::decode(bytes)?;
    Ok(LastAssignment {
        partitions,
        generation,
    })
}
