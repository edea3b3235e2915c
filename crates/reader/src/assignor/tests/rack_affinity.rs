//! T91: the balance rows that kafka-go's strategy of this name is held to.

use std::collections::BTreeMap;

use super::super::*;
use super::member;

#[test]
fn t91_the_rack_travels_as_user_data() {
    let last = LastAssignment::default();
    assert_eq!(RackAffinityAssignor::default().user_data(&last), "");
    assert_eq!(RackAffinityAssignor::new("zone1").user_data(&last), "zone1");
}

/// `members` and `partitions` are counts by rack; `expected` is what the members of each rack get
/// together, by the leader's rack.
fn check(
    members: &[(&str, usize)],
    partitions: &[(&str, usize)],
    expected: &[(&str, &[(&str, usize)])],
) {
    let racks = members
        .iter()
        .flat_map(|(rack, count)| vec![*rack; *count])
        .collect::<Vec<_>>();
    let members: Vec<GroupMember> = (racks.iter().enumerate())
        .map(|(index, rack)| GroupMember {
            user_data: Bytes::copy_from_slice(rack.as_bytes()),
            ..member(&format!("m{index:02}"), &["t"])
        })
        .collect();
    let leaders = partitions
        .iter()
        .flat_map(|(rack, count)| vec![*rack; *count])
        .collect::<Vec<_>>();
    let topic = GroupTopic {
        name: "t".to_owned(),
        partitions: (0..)
            .zip(&leaders)
            .map(|(id, rack)| GroupPartition {
                id,
                leader_rack: (!rack.is_empty()).then(|| (*rack).to_owned()),
            })
            .collect(),
    };
    let assignment = RackAffinityAssignor::default().assign(&members, &[topic]);
    let mut all = Vec::new();
    let mut loads = Vec::new();
    let mut seen: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (member, rack) in members.iter().zip(&racks) {
        let share = &assignment.members[&member.id]["t"];
        loads.push(share.len());
        for partition in share {
            let leader = leaders[usize::try_from(*partition).unwrap()];
            *seen.entry(rack).or_default().entry(leader).or_default() += 1;
            all.push(*partition);
        }
    }
    all.sort_unstable();
    assert_eq!(all, (0..all.len() as i32).collect::<Vec<_>>());
    assert_eq!(all.len(), leaders.len());
    let spread = loads.iter().max().unwrap() - loads.iter().min().unwrap();
    assert!(spread <= 1, "{loads:?}");
    let expected: BTreeMap<&str, BTreeMap<&str, usize>> = expected
        .iter()
        .map(|(rack, counts)| (*rack, counts.iter().copied().collect()))
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn t91_members_get_the_partitions_of_their_rack_as_far_as_loads_stay_even() {
    check(
        &[("", 1), ("z1", 1), ("z2", 1)],
        &[("z1", 5), ("z2", 4), ("", 9)],
        &[
            ("z1", &[("z1", 5), ("", 1)]),
            ("z2", &[("z2", 4), ("", 2)]),
            ("", &[("", 6)]),
        ],
    );
    check(&[("", 5)], &[("", 103)], &[("", &[("", 103)])]);
    check(
        &[("z1", 3), ("z2", 3), ("z3", 3)],
        &[("z1", 20), ("z2", 19), ("z3", 20)],
        &[
            ("z1", &[("z1", 20)]),
            ("z2", &[("z2", 19)]),
            ("z3", &[("z3", 20)]),
        ],
    );
    check(
        &[("z1", 1), ("z2", 1), ("z3", 1)],
        &[("z1", 7), ("z2", 0), ("z3", 7)],
        &[
            ("z1", &[("z1", 5)]),
            ("z2", &[("z1", 2), ("z3", 2)]),
            ("z3", &[("z3", 5)]),
        ],
    );
    check(
        &[("z1", 5), ("z2", 3), ("z3", 1)],
        &[("z1", 9), ("z2", 9), ("z3", 9)],
        &[
            ("z1", &[("z1", 9), ("z3", 6)]),
            ("z2", &[("z2", 9)]),
            ("z3", &[("z3", 3)]),
        ],
    );
    check(
        &[("z2", 10)],
        &[("z1", 20), ("z3", 19)],
        &[("z2", &[("z1", 20), ("z3", 19)])],
    );
}

#[test]
fn t91_three_members_keep_the_local_partitions_of_three_topics() {
    let racks = ["a", "b", "c"];
    let members: Vec<GroupMember> = racks
        .iter()
        .map(|rack| GroupMember {
            user_data: Bytes::copy_from_slice(rack.as_bytes()),
            ..member(rack, &["t", "u", "v"])
        })
        .collect();
    let topics: Vec<GroupTopic> = ["t", "u", "v"]
        .iter()
        .map(|name| GroupTopic {
            name: (*name).to_owned(),
            partitions: (0..6)
                .map(|id| GroupPartition {
                    id,
                    leader_rack: Some(racks[usize::try_from(id % 3).unwrap()].to_owned()),
                })
                .collect(),
        })
        .collect();
    let assignment = RackAffinityAssignor::default().assign(&members, &topics);
    for (index, rack) in (0..).zip(racks) {
        for topic in ["t", "u", "v"] {
            assert_eq!(assignment.members[rack][topic], [index, index + 3]);
        }
    }
}
