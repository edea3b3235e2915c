//! `range`: neighbouring partitions stay together.

use super::{Assignor, GroupAssignment, GroupMember, GroupTopic, assign_each_topic};

/// Gives each member one run of neighbouring partitions of every topic.
///
/// With members sorted by id, member `i` of `m` gets the positions from `i·p/m` up to `(i+1)·p/m` of
/// the topic's `p` partitions. Topics with equal partition counts are divided alike, so that records
/// of one key in two topics meet in one member.
///
/// ```
/// use ekafka_reader::assignor::{Assignor, GroupMember, GroupPartition, GroupTopic, RangeAssignor};
///
/// let member = |id: &str| GroupMember {
///     id: id.into(),
///     topics: vec!["orders".into()],
///     ..GroupMember::default()
/// };
/// let partitions = (0..4).map(|id| GroupPartition { id, leader_rack: None });
/// let orders = GroupTopic { name: "orders".into(), partitions: partitions.collect() };
/// let divided = RangeAssignor.assign(&[member("a"), member("b")], &[orders]);
/// assert_eq!(divided.members["a"]["orders"], [0, 1]);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RangeAssignor;

impl Assignor for RangeAssignor {
    fn name(&self) -> &str {
        "range"
    }

    fn assign(&self, members: &[GroupMember], topics: &[GroupTopic]) -> GroupAssignment {
        assign_each_topic(members, topics, |index, count, partitions| {
            let from = index * partitions.len() / count;
            let to = (index + 1) * partitions.len() / count;
            partitions
                .get(from..to)
                .unwrap_or_default()
                .iter()
                .map(|partition| partition.id)
                .collect()
        })
    }
}
