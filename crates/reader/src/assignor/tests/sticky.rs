//! The sticky strategies: even, with few moves, and never with two owners.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use super::{member, topic};

type Share = BTreeMap<String, Vec<i32>>;

fn share(topics: &[(&str, &[i32])]) -> Share {
    topics
        .iter()
        .map(|(topic, ids)| ((*topic).to_owned(), ids.to_vec()))
        .collect()
}

/// A member that says it held `owned` in `generation`.
fn holder(id: &str, topics: &[&str], owned: &Share, generation: i32) -> GroupMember {
    let last = LastAssignment {
        partitions: owned.clone(),
        generation,
    };
    GroupMember {
        user_data: StickyAssignor.user_data(&last),
        owned: owned.clone(),
        generation,
        ..member(id, topics)
    }
}

/// Both strategies, which must give the same.
fn assign(members: &[GroupMember], topics: &[GroupTopic]) -> BTreeMap<String, Share> {
    let sticky = StickyAssignor.assign(members, topics);
    let cooperative = CooperativeStickyAssignor.assign(members, topics);
    assert_eq!(sticky, cooperative);
    sticky.members
}

#[test]
fn a_first_assignment_is_even_over_all_topics() {
    let members = [member("a", &["t", "u"]), member("b", &["t", "u"])];
    let shares = assign(&members, &[topic("t", 3), topic("u", 3)]);
    let loads = shares.values().map(load).collect::<Vec<_>>();
    assert_eq!(loads, [3, 3]);
}

#[test]
fn a_member_that_joins_takes_only_what_evens_the_loads() {
    let held = share(&[("t", &[0, 1, 2, 3, 4, 5])]);
    let members = [holder("a", &["t"], &held, 3), member("b", &["t"])];
    let shares = assign(&members, &[topic("t", 6)]);
    assert_eq!(shares["a"], share(&[("t", &[0, 1, 2])]));
    assert_eq!(shares["b"], share(&[("t", &[3, 4, 5])]));
}

#[test]
fn what_a_leaving_member_had_is_spread_and_nothing_else_moves() {
    let members = [
        holder("a", &["t"], &share(&[("t", &[0, 3])]), 3),
        holder("b", &["t"], &share(&[("t", &[1, 4])]), 3),
    ];
    let shares = assign(&members, &[topic("t", 6)]);
    assert_eq!(shares["a"], share(&[("t", &[0, 2, 3])]));
    assert_eq!(shares["b"], share(&[("t", &[1, 4, 5])]));
}

#[test]
fn b40_a_claim_of_an_older_generation_gives_way() {
    let members = [
        holder("a", &["t"], &share(&[("t", &[0, 1])]), 2),
        holder("b", &["t"], &share(&[("t", &[1])]), 3),
    ];
    let shares = assign(&members, &[topic("t", 2)]);
    assert_eq!(shares["a"], share(&[("t", &[0])]));
    assert_eq!(shares["b"], share(&[("t", &[1])]));
}

#[test]
fn b40_two_claims_of_one_generation_count_for_nothing() {
    let held = share(&[("t", &[0])]);
    let members = [holder("a", &["t"], &held, 3), holder("b", &["t"], &held, 3)];
    let mut assignment = CooperativeStickyAssignor.assign(&members, &[topic("t", 1)]);
    let all: Vec<i32> = assignment.members.values().flat_map(ids).collect();
    assert_eq!(all, [0]);
    // Both hold it: nobody gets it before one has given it up.
    withhold_moving(&members, &mut assignment);
    assert!(assignment.members.values().all(|share| load(share) == 0));
}

#[test]
fn a_topic_that_is_gone_or_not_subscribed_any_more_is_not_kept() {
    let held = share(&[("gone", &[0]), ("u", &[0]), ("t", &[0])]);
    let members = [holder("a", &["t"], &held, 1), member("b", &["u"])];
    let shares = assign(&members, &[topic("t", 1), topic("u", 1)]);
    assert_eq!(shares["a"], share(&[("t", &[0])]));
    assert_eq!(shares["b"], share(&[("u", &[0])]));
}

#[test]
fn user_data_are_those_of_the_java_client() {
    let last = LastAssignment {
        partitions: share(&[("t", &[0, 2])]),
        generation: 5,
    };
    assert_eq!(
        StickyAssignor.user_data(&last),
        &b"\0\0\0\x01\0\x01t\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\x05"[..]
    );
    assert_eq!(
        CooperativeStickyAssignor.user_data(&last),
        &b"\0\0\0\x05"[..]
    );
    let none = LastAssignment::default();
    assert_eq!(StickyAssignor.user_data(&none), "");
    assert_eq!(
        CooperativeStickyAssignor.user_data(&none),
        &b"\xff\xff\xff\xff"[..]
    );
}

#[test]
fn user_data_without_a_generation_or_unreadable_claim_little_or_nothing() {
    let old = GroupMember {
        user_data: Bytes::from_static(b"\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x01"),
        ..member("a", &["t"])
    };
    let broken = GroupMember {
        user_data: Bytes::from_static(b"\0\0\0\x09\0\x01t"),
        ..member("b", &["t"])
    };
    let shares = StickyAssignor.assign(&[old, broken], &[topic("t", 2)]);
    assert_eq!(shares.members["a"], share(&[("t", &[1])]));
    assert_eq!(shares.members["b"], share(&[("t", &[0])]));
}

/// Random groups over several rounds of joining, leaving, subscribing anew and growing topics: what
/// comes out is whole, even, and moves no more than it must.
#[test]
fn s47_b35_random_groups_stay_whole_even_and_sticky() {
    for seed in 0..400 {
        let mut random = fastrand::Rng::with_seed(seed);
        let same_topics = random.bool();
        let mut world = World::new(&mut random, same_topics);
        for generation in 0..8 {
            world.change(&mut random);
            world.rebalance(generation, seed);
        }
    }
}

/// Members as they hold what the rounds before gave them.
struct World {
    same_topics: bool,
    topics: Vec<GroupTopic>,
    members: BTreeMap<String, (Vec<String>, Share, i32)>,
    named: usize,
}

impl World {
    fn new(random: &mut fastrand::Rng, same_topics: bool) -> Self {
        let count = random.usize(1..5);
        let topics = (0..count).map(|name| topic(&format!("t{name}"), random.i32(1..9)));
        Self {
            same_topics,
            topics: topics.collect(),
            members: BTreeMap::new(),
            named: 0,
        }
    }

    fn change(&mut self, random: &mut fastrand::Rng) {
        for _ in 0..random.usize(0..3) {
            if let Some(id) = random.choice(self.members.keys().cloned().collect::<Vec<_>>()) {
                self.members.remove(&id);
            }
        }
        for _ in 0..random.usize(0..4) {
            self.named += 1;
            let id = format!("m{}-{}", random.u8(0..9), self.named);
            let all = self.topics.iter().map(|topic| topic.name.clone());
            let some = all.filter(|_| self.same_topics || random.bool());
            self.members.insert(id, (some.collect(), Share::new(), -1));
        }
        if random.u8(0..4) == 0 {
            let index = random.usize(0..self.topics.len());
            let more = self.topics[index].partitions.len() as i32 + random.i32(1..4);
            self.topics[index] = topic(&format!("t{index}"), more);
        }
    }

    /// Cooperative rounds until nothing is held back, checked against the target each time.
    fn rebalance(&mut self, generation: i32, seed: u64) {
        for round in 0..3 {
            let members: Vec<GroupMember> = self
                .members
                .iter()
                .map(|(id, (topics, owned, generation))| {
                    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
                    holder(id, &topics, owned, *generation)
                })
                .collect();
            let target = assign(&members, &self.topics);
            self.check_whole(&target, seed);
            if self.same_topics {
                self.check_few_moves(&target, seed);
            }
            let mut handed = GroupAssignment { members: target };
            withhold_moving(&members, &mut handed);
            let mut seen = BTreeSet::new();
            for (id, share) in &handed.members {
                for (topic, ids) in share {
                    for partition in ids {
                        assert!(seen.insert((topic, partition)), "seed {seed}: two owners");
                        let holds = |other: &&GroupMember| {
                            other
                                .owned
                                .get(topic)
                                .is_some_and(|ids| ids.contains(partition))
                        };
                        let holders = members.iter().filter(holds);
                        assert!(holders.map(|member| &member.id).all(|other| other == id));
                    }
                }
            }
            let mut is_settled = true;
            for (id, (_, owned, of)) in &mut self.members {
                let next = handed.members.remove(id).unwrap_or_default();
                is_settled &= *owned == next;
                *owned = next;
                *of = generation * 3 + round;
            }
            if is_settled {
                return;
            }
        }
        // Two rounds settle everything; the third finds nothing to do.
        let target_of = |world: &Self| {
            let members: Vec<GroupMember> = world
                .members
                .iter()
                .map(|(id, (topics, owned, generation))| {
                    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
                    holder(id, &topics, owned, *generation)
                })
                .collect();
            assign(&members, &world.topics)
        };
        for (id, share) in target_of(self) {
            assert_eq!(self.members[&id].1, share, "seed {seed} does not settle");
        }
    }

    fn check_whole(&self, target: &BTreeMap<String, Share>, seed: u64) {
        for topic in &self.topics {
            let subscribers: Vec<&String> = self
                .members
                .iter()
                .filter(|(_, (topics, ..))| topics.contains(&topic.name))
                .map(|(id, _)| id)
                .collect();
            let mut all: Vec<i32> = target
                .values()
                .flat_map(|share| share.get(&topic.name).cloned().unwrap_or_default())
                .collect();
            all.sort_unstable();
            let expected: Vec<i32> = match subscribers.is_empty() {
                true => Vec::new(),
                false => topic.partitions.iter().map(|one| one.id).collect(),
            };
            assert_eq!(all, expected, "seed {seed}");
            // Whoever has a partition of the topic has at most one more than another subscriber.
            for (owner, share) in target {
                if share.get(&topic.name).is_some_and(|ids| !ids.is_empty()) {
                    assert!(subscribers.contains(&owner), "seed {seed}");
                    for other in &subscribers {
                        assert!(load(share) <= load(&target[*other]) + 1, "seed {seed}");
                    }
                }
            }
        }
    }

    /// With equal subscriptions nobody gives anything up beyond its share.
    fn check_few_moves(&self, target: &BTreeMap<String, Share>, seed: u64) {
        let total: usize = self.topics.iter().map(|topic| topic.partitions.len()).sum();
        let count = self.members.len();
        if count == 0 {
            return;
        }
        let mut loads: Vec<usize> = self
            .members
            .values()
            .map(|(_, owned, _)| load(owned))
            .collect();
        loads.sort_unstable_by_key(|load| std::cmp::Reverse(*load));
        let kept_at_best: usize = loads
            .iter()
            .enumerate()
            .map(|(rank, load)| (*load).min(total / count + usize::from(rank < total % count)))
            .sum();
        let kept: usize = self
            .members
            .iter()
            .map(|(id, (_, owned, _))| {
                let old: BTreeSet<(String, i32)> = pairs(owned);
                pairs(&target[id]).intersection(&old).count()
            })
            .sum();
        assert_eq!(kept, kept_at_best, "seed {seed}");
    }
}

fn load(share: &Share) -> usize {
    share.values().map(Vec::len).sum()
}

fn ids(share: &Share) -> Vec<i32> {
    share.values().flatten().copied().collect()
}

fn pairs(share: &Share) -> BTreeSet<(String, i32)> {
    share
        .iter()
        .flat_map(|(topic, ids)| ids.iter().map(|id| (topic.clone(), *id)))
        .collect()
}
