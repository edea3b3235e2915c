//! `rack-affinity`: partitions go to members in the rack of their leader, as far as loads stay even.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    Assignor, GroupAssignment, GroupMember, GroupPartition, GroupTopic, LastAssignment, subscribers,
};

/// Prefers members that run in the rack of a partition's leader, which saves traffic between racks.
///
/// Loads within a topic differ by one at most. Members and partitions without a rack count as one more
/// rack. The rack travels as this strategy's user data.
///
/// ```
/// use std::sync::Arc;
///
/// use ekafka_reader::Reader;
/// use ekafka_reader::assignor::RackAffinityAssignor;
///
/// let near = RackAffinityAssignor::new("zone-a");
/// let builder = Reader::builder().group_id("shop").assignors([Arc::new(near) as _]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct RackAffinityAssignor {
    rack: String,
}

impl RackAffinityAssignor {
    /// For a member that runs in `rack`.
    pub fn new(rack: impl Into<String>) -> Self {
        Self { rack: rack.into() }
    }
}

impl Assignor for RackAffinityAssignor {
    fn name(&self) -> &str {
        "rack-affinity"
    }

    fn user_data(&self, _: &LastAssignment) -> Bytes {
        Bytes::copy_from_slice(self.rack.as_bytes())
    }

    fn assign(&self, members: &[GroupMember], topics: &[GroupTopic]) -> GroupAssignment {
        let racks: BTreeMap<&str, &[u8]> = members
            .iter()
            .map(|member| (member.id.as_str(), &*member.user_data))
            .collect();
        let mut assignment = GroupAssignment::default();
        for topic in topics {
            let ids = subscribers(members, &topic.name);
            let shares = divide(&ids, &racks, &topic.partitions);
            for (id, partitions) in ids.into_iter().zip(shares) {
                let topics = assignment.members.entry(id.to_owned()).or_default();
                topics.insert(topic.name.clone(), partitions);
            }
        }
        assignment
    }
}

/// The partitions of one topic for each of `ids`.
fn divide(
    ids: &[&str],
    racks: &BTreeMap<&str, &[u8]>,
    partitions: &[GroupPartition],
) -> Vec<Vec<i32>> {
    let mut shares = vec![Vec::new(); ids.len()];
    if ids.is_empty() {
        return shares;
    }
    let target = partitions.len() / ids.len();
    // How many members may have one more than the target.
    let mut extras = partitions.len() % ids.len();
    let mut local: BTreeMap<&[u8], Vec<i32>> = BTreeMap::new();
    for partition in partitions.iter().rev() {
        let rack = partition.leader_rack.as_deref().unwrap_or_default();
        local.entry(rack.as_bytes()).or_default().push(partition.id);
    }
    let in_rack = |id: &&str| racks.get(id).copied().unwrap_or_default();
    for (id, share) in ids.iter().zip(&mut shares) {
        if let Some(left) = local.get_mut(in_rack(id)) {
            fill(share, left, target);
        }
    }
    for (id, share) in ids.iter().zip(&mut shares) {
        if let Some(left) = local.get_mut(in_rack(id)) {
            extras -= top_up(share, left, target, extras);
        }
    }
    let mut pool: Vec<i32> = local.into_values().flatten().collect();
    for share in &mut shares {
        fill(share, &mut pool, target);
    }
    for share in &mut shares {
        extras -= top_up(share, &mut pool, target, extras);
    }
    shares
}

/// Takes from the end of `left` until `share` has `target` partitions.
fn fill(share: &mut Vec<i32>, left: &mut Vec<i32>, target: usize) {
    while share.len() < target
        && let Some(partition) = left.pop()
    {
        share.push(partition);
    }
}

/// Gives one above the target while `extras` allow; says how many were given.
fn top_up(share: &mut Vec<i32>, left: &mut Vec<i32>, target: usize, extras: usize) -> usize {
    if extras == 0 || share.len() != target {
        return 0;
    }
    let Some(partition) = left.pop() else {
        return 0;
    };
    share.push(partition);
    1
}
