//! Even loads with few moves, over all topics at once.
//!
//! Everybody keeps what only they claim, as far as their share goes; what is free goes to whoever has
//! least; then partitions move from members with two more than another one that could have them. Every
//! such move lowers the sum of the squared loads, so that this ends for every input.

use std::collections::{BTreeMap, HashMap};

use super::{GroupAssignment, GroupMember, GroupTopic, LastAssignment};

/// Divides `topics`; `last` is what each of `members` claims, in the same order.
pub(super) fn divide(
    members: &[GroupMember],
    topics: &[GroupTopic],
    last: &[LastAssignment],
) -> GroupAssignment {
    let mut table = Table::new(members, topics);
    table.keep(last);
    table.trim();
    table.fill();
    table.improve();
    table.into_assignment()
}

struct Table<'a> {
    /// Sorted by id.
    members: Vec<&'a GroupMember>,
    /// Where each member of the caller's list is in `members`.
    places: Vec<usize>,
    topics: &'a [GroupTopic],
    /// The members that subscribe to each topic, ascending.
    eligible: Vec<Vec<usize>>,
    /// What is assigned: member → topic → partitions.
    shares: Vec<BTreeMap<usize, Vec<i32>>>,
    /// How many partitions each member has.
    loads: Vec<usize>,
    /// What nobody has: topic → partitions in the topic's order.
    free: Vec<Vec<i32>>,
}

impl<'a> Table<'a> {
    fn new(members: &'a [GroupMember], topics: &'a [GroupTopic]) -> Self {
        let mut order: Vec<usize> = (0..members.len()).collect();
        order.sort_by_key(|index| members[*index].id.as_str());
        let mut places = vec![0; members.len()];
        for (place, index) in order.iter().enumerate() {
            places[*index] = place;
        }
        let members: Vec<&GroupMember> = order.iter().map(|index| &members[*index]).collect();
        let subscribes =
            |member: &GroupMember, topic: &GroupTopic| member.topics.contains(&topic.name);
        let eligible = topics.iter().map(|topic| {
            let all = (0..members.len()).filter(|place| subscribes(members[*place], topic));
            all.collect()
        });
        let ids = |topic: &GroupTopic| topic.partitions.iter().map(|one| one.id).collect();
        Self {
            eligible: eligible.collect(),
            shares: vec![BTreeMap::new(); members.len()],
            loads: vec![0; members.len()],
            free: topics.iter().map(ids).collect(),
            members,
            places,
            topics,
        }
    }

    /// Gives each partition to whoever claims it in the newest generation. Two that claim it in the same
    /// one are both wrong.
    fn keep(&mut self, last: &[LastAssignment]) {
        let topics: HashMap<&str, usize> = (self.topics.iter().enumerate())
            .map(|(index, topic)| (topic.name.as_str(), index))
            .collect();
        let mut newest: BTreeMap<(usize, i32), (i32, Option<usize>)> = BTreeMap::new();
        for (place, last) in self.places.iter().zip(last) {
            for (topic, partitions) in &last.partitions {
                let Some(topic) = topics.get(topic.as_str()) else {
                    continue;
                };
                for partition in partitions {
                    let claim = (last.generation, Some(*place));
                    let known = newest.entry((*topic, *partition)).or_insert(claim);
                    if last.generation > known.0 {
                        *known = claim;
                    } else if last.generation == known.0 && known.1 != Some(*place) {
                        known.1 = None;
                    }
                }
            }
        }
        for ((topic, partition), (_, place)) in newest {
            if let Some(place) = place
                && self.eligible[topic].binary_search(&place).is_ok()
                && let Some(at) = self.free[topic].iter().position(|one| *one == partition)
            {
                self.free[topic].remove(at);
                self.give(place, topic, partition);
            }
        }
    }

    /// Where all members can have all partitions, the final loads are known: who has more gives back at
    /// once, and those with most keep the odd ones.
    fn trim(&mut self) {
        let everybody = self.members.len();
        if everybody == 0 || self.eligible.iter().any(|ids| ids.len() != everybody) {
            return;
        }
        let total: usize = self.topics.iter().map(|topic| topic.partitions.len()).sum();
        let mut order: Vec<usize> = (0..everybody).collect();
        order.sort_by_key(|place| std::cmp::Reverse(self.loads[*place]));
        for (rank, place) in order.into_iter().enumerate() {
            let quota = total / everybody + usize::from(rank < total % everybody);
            while self.loads[place] > quota {
                let Some((topic, partition)) = self.last_of_longest(place) else {
                    break;
                };
                self.loads[place] -= 1;
                self.free[topic].push(partition);
            }
        }
        for (topic, free) in self.topics.iter().zip(&mut self.free) {
            let position = |id: &i32| topic.partitions.iter().position(|one| one.id == *id);
            free.sort_by_cached_key(position);
        }
    }

    /// Takes the last partition of the topic of which the member has most.
    fn last_of_longest(&mut self, place: usize) -> Option<(usize, i32)> {
        let share = self.shares[place].iter_mut();
        let (topic, partitions) = share.max_by_key(|(_, partitions)| partitions.len())?;
        Some((*topic, partitions.pop()?))
    }

    /// Hands out what is free, that which fewest can have first, to whoever has least.
    fn fill(&mut self) {
        let mut order: Vec<usize> = (0..self.topics.len()).collect();
        order.sort_by_key(|topic| self.eligible[*topic].len());
        for topic in order {
            for partition in std::mem::take(&mut self.free[topic]) {
                if let Some(place) = self.least_loaded(topic) {
                    self.give(place, topic, partition);
                }
            }
        }
    }

    fn improve(&mut self) {
        while let Some((from, topic, to)) = self.next_move() {
            let partition = self.shares[from].get_mut(&topic).and_then(Vec::pop);
            let Some(partition) = partition else {
                return;
            };
            self.loads[from] -= 1;
            self.give(to, topic, partition);
        }
    }

    /// A partition of the most loaded member that another one with two fewer could have.
    fn next_move(&self) -> Option<(usize, usize, usize)> {
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        order.sort_by_key(|place| std::cmp::Reverse(self.loads[*place]));
        order.into_iter().find_map(|from| {
            let topics = self.shares[from].iter();
            let moves = topics.filter(|(_, partitions)| !partitions.is_empty());
            let (topic, to) = moves
                .filter_map(|(topic, _)| Some((*topic, self.least_loaded(*topic)?)))
                .min_by_key(|(_, to)| self.loads[*to])?;
            (self.loads[to] + 1 < self.loads[from]).then_some((from, topic, to))
        })
    }

    fn least_loaded(&self, topic: usize) -> Option<usize> {
        let eligible = self.eligible[topic].iter().copied();
        eligible.min_by_key(|place| self.loads[*place])
    }

    fn give(&mut self, place: usize, topic: usize, partition: i32) {
        self.shares[place].entry(topic).or_default().push(partition);
        self.loads[place] += 1;
    }

    fn into_assignment(self) -> GroupAssignment {
        let mut assignment = GroupAssignment::default();
        for (member, share) in self.members.iter().zip(self.shares) {
            let topics = share.into_iter().filter(|(_, list)| !list.is_empty());
            let topics = topics.map(|(topic, mut partitions)| {
                partitions.sort_unstable();
                (self.topics[topic].name.clone(), partitions)
            });
            let topics = topics.collect();
            assignment.members.insert(member.id.clone(), topics);
        }
        assignment
    }
}
