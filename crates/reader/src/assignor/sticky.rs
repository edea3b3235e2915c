//! `sticky`: even loads with as few moves as possible (KIP-54).

use bytes::Bytes;

use super::{Assignor, GroupAssignment, GroupMember, GroupTopic, LastAssignment, balance};
use crate::membership::blobs::{decode_claims, encode_claims};

/// Balances over all topics and moves no partition that need not move. Every member still gives all
/// its partitions up before it joins again; [`CooperativeStickyAssignor`](super::CooperativeStickyAssignor)
/// keeps them.
///
/// The user data are the Java client's: what the member last had, and in which generation.
///
/// ```
/// use ekafka_reader::assignor::{Assignor, GroupMember, GroupPartition, GroupTopic, StickyAssignor};
///
/// let member = |id: &str| GroupMember {
///     id: id.into(),
///     topics: vec!["orders".into()],
///     ..GroupMember::default()
/// };
/// let partitions = (0..4).map(|id| GroupPartition { id, leader_rack: None });
/// let orders = GroupTopic { name: "orders".into(), partitions: partitions.collect() };
/// let divided = StickyAssignor.assign(&[member("a"), member("b")], &[orders]);
/// assert_eq!(divided.members["a"]["orders"].len(), 2);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct StickyAssignor;

impl Assignor for StickyAssignor {
    fn name(&self) -> &str {
        "sticky"
    }

    fn user_data(&self, last: &LastAssignment) -> Bytes {
        if last.partitions.is_empty() {
            return Bytes::new();
        }
        encode_claims(last)
    }

    fn assign(&self, members: &[GroupMember], topics: &[GroupTopic]) -> GroupAssignment {
        // What cannot be read claims nothing: the member gets its share all the same.
        let last = members.iter().map(|member| {
            let last = decode_claims(&member.user_data);
            last.unwrap_or_default()
        });
        balance::divide(members, topics, &last.collect::<Vec<_>>())
    }
}
