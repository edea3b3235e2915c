//! Who reads which partition: the strategies of the classic group protocol.
//!
//! Every member names the strategies it can follow in order of preference; the broker picks one that
//! all of them share, and the member it made leader runs it for everyone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use bytes::Bytes;

pub use cooperative_sticky::CooperativeStickyAssignor;
pub use rack_affinity::RackAffinityAssignor;
pub use range::RangeAssignor;
pub use round_robin::RoundRobinAssignor;
pub use sticky::StickyAssignor;

mod balance;
mod cooperative_sticky;
mod rack_affinity;
mod range;
mod round_robin;
mod sticky;
#[cfg(test)]
mod tests;

/// Member id → topic → partitions.
///
/// ```
/// use ekafka_reader::assignor::GroupAssignment;
///
/// let mut assignment = GroupAssignment::default();
/// let topics = [("orders".to_owned(), vec![0, 1])].into();
/// assignment.members.insert("member-1".into(), topics);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupAssignment {
    /// The partitions of each member. A member without an entry gets nothing.
    pub members: BTreeMap<String, BTreeMap<String, Vec<i32>>>,
}

/// One member of the group as the leader sees it.
///
/// ```
/// use ekafka_reader::assignor::GroupMember;
///
/// let member = GroupMember {
///     id: "member-1".into(),
///     topics: vec!["orders".into()],
///     ..GroupMember::default()
/// };
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupMember {
    /// The id the broker gave it.
    pub id: String,
    /// The name it keeps over restarts (static membership, KIP-345).
    pub instance_id: Option<String>,
    /// The topics it subscribes to.
    pub topics: Vec<String>,
    /// What its strategy sent along.
    pub user_data: Bytes,
    /// The partitions it held when it joined (subscription version 1 on, KIP-429).
    pub owned: BTreeMap<String, Vec<i32>>,
    /// The generation in which it held them, -1 when unknown (subscription version 2 on, KIP-792).
    pub generation: i32,
    /// Where it runs (subscription version 3 on, KIP-881).
    pub rack: Option<String>,
}

/// One subscribed topic as the leader sees it. A topic that does not exist is not listed.
///
/// ```
/// use ekafka_reader::assignor::{GroupPartition, GroupTopic};
///
/// let partitions = (0..6).map(|id| GroupPartition { id, leader_rack: None });
/// let topic = GroupTopic { name: "orders".into(), partitions: partitions.collect() };
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupTopic {
    /// The topic's name.
    pub name: String,
    /// Its partitions in metadata order.
    pub partitions: Vec<GroupPartition>,
}

/// One partition that can be assigned.
///
/// ```
/// use ekafka_reader::assignor::GroupPartition;
///
/// let near = GroupPartition { id: 3, leader_rack: Some("zone-a".into()) };
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupPartition {
    /// The partition's index.
    pub id: i32,
    /// The rack of its leader, when the broker tells it.
    pub leader_rack: Option<String>,
}

/// What a member had when it last belonged to a generation.
///
/// ```
/// use ekafka_reader::assignor::LastAssignment;
///
/// let before_any = LastAssignment::default();
/// assert_eq!(before_any.generation, -1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAssignment {
    /// Topic → partitions; empty before the first assignment.
    pub partitions: BTreeMap<String, Vec<i32>>,
    /// The generation, -1 before the first.
    pub generation: i32,
}

impl Default for LastAssignment {
    fn default() -> Self {
        Self {
            partitions: BTreeMap::new(),
            generation: -1,
        }
    }
}

/// A strategy that divides partitions among the members of a group.
///
/// A value is shared by every reader that is built with it, so it holds settings and no memory: what a
/// member had before comes in as [`LastAssignment`] and in [`GroupMember`].
///
/// Source: `ConsumerProtocolSubscription` and `ConsumerProtocolAssignment`.
///
/// ```
/// use bytes::Bytes;
/// use ekafka_reader::assignor::{
///     Assignor, GroupAssignment, GroupMember, GroupTopic, LastAssignment,
/// };
///
/// /// The first member gets everything.
/// #[derive(Debug)]
/// struct First;
///
/// impl Assignor for First {
///     fn name(&self) -> &str {
///         "first"
///     }
///
///     // What travels to the leader beside the topics; it comes back in `GroupMember`.
///     fn user_data(&self, last: &LastAssignment) -> Bytes {
///         Bytes::from(format!("had {} topics", last.partitions.len()))
///     }
///
///     // Everything is given up at each rebalance.
///     fn is_cooperative(&self) -> bool {
///         false
///     }
///
///     fn assign(&self, members: &[GroupMember], topics: &[GroupTopic]) -> GroupAssignment {
///         let all = topics.iter().map(|topic| {
///             let partitions = topic.partitions.iter().map(|partition| partition.id);
///             (topic.name.clone(), partitions.collect())
///         });
///         let first = members.iter().map(|member| &member.id).min();
///         let members = first.map(|id| (id.clone(), all.collect()));
///         GroupAssignment { members: members.into_iter().collect() }
///     }
/// }
/// ```
pub trait Assignor: Send + Sync + fmt::Debug {
    /// The name all members must share, such as `"range"`.
    fn name(&self) -> &str;

    /// Bytes that travel with this member's subscription to the leader. Nothing by default.
    fn user_data(&self, last: &LastAssignment) -> Bytes {
        let _ = last;
        Bytes::new()
    }

    /// Whether members keep what they hold while the group rebalances (KIP-429). They do so only when
    /// every strategy a member offers is cooperative. What a member would take over from another one is
    /// then held back until that one has given it up; `assign` need not care. False by default.
    fn is_cooperative(&self) -> bool {
        false
    }

    /// Divides `topics` among `members`. Runs on the leader only, and must be deterministic.
    fn assign(&self, members: &[GroupMember], topics: &[GroupTopic]) -> GroupAssignment;
}

/// Takes out of `assignment` what another member still holds: it is handed over in the rebalance that
/// follows when that member has given it up (KIP-429).
pub(crate) fn withhold_moving(members: &[GroupMember], assignment: &mut GroupAssignment) {
    let mut holders: HashMap<(&str, i32), BTreeSet<&str>> = HashMap::new();
    for member in members {
        for (topic, partitions) in &member.owned {
            for partition in partitions {
                let held_by = holders.entry((topic, *partition)).or_default();
                held_by.insert(&member.id);
            }
        }
    }
    for (id, topics) in &mut assignment.members {
        for (topic, partitions) in topics {
            partitions.retain(|partition| {
                let held_by = holders.get(&(topic.as_str(), *partition));
                held_by.is_none_or(|ids| ids.iter().all(|other| other == id))
            });
        }
    }
}

/// The ids of the members that subscribe to `topic`, in ascending order.
fn subscribers<'a>(members: &'a [GroupMember], topic: &str) -> Vec<&'a str> {
    let mut ids: Vec<&str> = members
        .iter()
        .filter(|member| member.topics.iter().any(|name| name == topic))
        .map(|member| member.id.as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Gives `chosen` partitions of a topic to each of its subscribers; an empty list is an entry too.
fn assign_each_topic<'a>(
    members: &[GroupMember],
    topics: &'a [GroupTopic],
    chosen: impl Fn(usize, usize, &'a [GroupPartition]) -> Vec<i32>,
) -> GroupAssignment {
    let mut assignment = GroupAssignment::default();
    for topic in topics {
        let ids = subscribers(members, &topic.name);
        for (index, id) in ids.iter().enumerate() {
            assignment
                .members
                .entry((*id).to_owned())
                .or_default()
                .insert(
                    topic.name.clone(),
                    chosen(index, ids.len(), &topic.partitions),
                );
        }
    }
    assignment
}
