//! `roundrobin`: partitions are dealt out one by one.

use super::{Assignor, GroupAssignment, GroupMember, GroupTopic, assign_each_topic};

/// Deals the partitions of every topic to its subscribers in turn, beginning with the lowest id.
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
