//! `roundrobin`: partitions are dealt out one by one.

use super::{Assignor, GroupAssignment, GroupMember, GroupTopic, assign_each_topic};

/// Deals the partitions of every topic to its subscribers in turn, beginning with the lowest id.
///
/// ```
/// use ekafka_reader::assignor::{Assignor, GroupMember, GroupPartition, GroupTopic, RoundRobinAssignor};
///
/// let member = |id: &str| GroupMember {
///     id: id.into(),
///     topics: vec!["orders".into()],
///     ..GroupMember::default()
/// };
/// let partitions = (0..4).map(|id| GroupPartition { id, leader_rack: None });
/// let orders = GroupTopic { name: "orders".into(), partitions: partitions.collect() };
/// let divided = RoundRobinAssignor.assign(&[member("a"), member("b")], &[orders]);
/// assert_eq!(divided.members["a"]["orders"], [0, 2]);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct RoundRobinAssignor;

impl Assignor for RoundRobinAssignor {
    fn name(&self) -> &str {
        "roundrobin"
    }

    fn assign(&self, members: &[GroupMember], topics: &[GroupTopic]) -> GroupAssignment {
        assign_each_topic(members, topics, |index, count, partitions| {
            partitions
                .iter()
                .skip(index)
                .step_by(count)
                .map(|partition| partition.id)
                .collect()
        })
    }
}
