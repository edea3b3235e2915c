//! `cooperative-sticky`: as sticky, and members keep what stays with them (KIP-429).

use bytes::Bytes;

use super::{Assignor, GroupAssignment, GroupMember, GroupTopic, LastAssignment, balance};
use crate::membership::blobs::decode_claims;

/// Balances over all topics, moves as little as possible, and lets every partition that stays flow on
/// while the group rebalances. What moves is given up first and handed over in a second rebalance.
///
/// The user data are the Java client's: the generation in which the member held what it holds.
///
/// ```
/// use std::sync::Arc;
///
/// use ekafka_reader::Reader;
/// use ekafka_reader::assignor::CooperativeStickyAssignor;
///
/// let builder = Reader::builder().group_id("shop").assignors([Arc::new(CooperativeStickyAssignor) as _]);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CooperativeStickyAssignor;

impl Assignor for CooperativeStickyAssignor {
    fn name(&self) -> &str {
        "cooperative-sticky"
    }

    fn user_data(&self, last: &LastAssignment) -> Bytes {
        Bytes::copy_from_slice(&last.generation.to_be_bytes())
    }

    fn is_cooperative(&self) -> bool {
        true
    }

    fn assign(&self, members: &[GroupMember], topics: &[GroupTopic]) -> GroupAssignment {
        let last = members.iter().map(|member| LastAssignment {
            partitions: member.owned.clone(),
            generation: generation(member),
        });
        balance::divide(members, topics, &last.collect::<Vec<_>>())
    }
}

/// In which generation the member held what it says it holds: told by the subscription (KIP-792), or
/// by the user data of clients that are older.
fn generation(member: &GroupMember) -> i32 {
    if member.generation >= 0 {
        return member.generation;
    }
    if let Ok(bytes) = <[u8; 4]>::try_from(&*member.user_data) {
        return i32::from_be_bytes(bytes);
    }
    // librdkafka sends what it sends for `sticky`.
    decode_claims(&member.user_data).map_or(-1, |last| last.generation)
}
