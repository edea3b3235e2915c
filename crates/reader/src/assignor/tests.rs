use super::*;

mod rack_affinity;
mod sticky;

fn member(id: &str, topics: &[&str]) -> GroupMember {
    GroupMember {
        id: id.to_owned(),
        topics: topics.iter().map(|&topic| topic.to_owned()).collect(),
        generation: -1,
        ..GroupMember::default()
    }
}

fn topic(name: &str, count: i32) -> GroupTopic {
    let partitions = (0..count)
        .map(|id| GroupPartition {
            id,
            leader_rack: None,
        })
        .collect();
    GroupTopic {
        name: name.to_owned(),
        partitions,
    }
}

/// `expected` is one line per member: `id topic=partitions …`.
fn check(
    assignor: &dyn Assignor,
    members: &[GroupMember],
    topics: &[GroupTopic],
    expected: &[&str],
) {
    let lines: Vec<String> = assignor
        .assign(members, topics)
        .members
        .iter()
        .map(|(id, topics)| {
            let topics: Vec<String> = topics
                .iter()
                .map(|(topic, partitions)| format!("{topic}={partitions:?}"))
                .collect();
            format!("{id} {}", topics.join(" "))
        })
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn t89_range_divides_each_topic_into_runs() {
    let range = RangeAssignor;
    check(
        &range,
        &[member("a", &["t"])],
        &[topic("t", 3)],
        &["a t=[0, 1, 2]"],
    );
    check(
        &range,
        &[member("b", &["t"]), member("a", &["t"])],
        &[topic("t", 4)],
        &["a t=[0, 1]", "b t=[2, 3]"],
    );
    check(
        &range,
        &[member("a", &["t"]), member("b", &["t"])],
        &[topic("t", 3)],
        &["a t=[0]", "b t=[1, 2]"],
    );
    check(
        &range,
        &[member("a", &["t"]), member("b", &["t", "u"])],
        &[topic("t", 2), topic("u", 2)],
        &["a t=[0]", "b t=[1] u=[0, 1]"],
    );
    check(
        &range,
        &[member("a", &["t"]), member("b", &["t"])],
        &[topic("t", 1)],
        &["a t=[]", "b t=[0]"],
    );
    check(&range, &[], &[topic("t", 1)], &[]);
}

#[test]
fn t89_range_spreads_213_partitions_over_66_members() {
    let members: Vec<GroupMember> = (0..66)
        .map(|i| member(&format!("m{i:02}"), &["t"]))
        .collect();
    let assignment = RangeAssignor.assign(&members, &[topic("t", 213)]);
    let mut all: Vec<i32> = Vec::new();
    for topics in assignment.members.values() {
        let partitions = &topics["t"];
        assert!((3..=4).contains(&partitions.len()), "{partitions:?}");
        all.extend(partitions);
    }
    all.sort_unstable();
    assert_eq!(all, (0..213).collect::<Vec<i32>>());
}

#[test]
fn t90_round_robin_deals_each_topic() {
    let deal = RoundRobinAssignor;
    check(
        &deal,
        &[member("b", &["t"]), member("a", &["t"])],
        &[topic("t", 5)],
        &["a t=[0, 2, 4]", "b t=[1, 3]"],
    );
    check(
        &deal,
        &[member("a", &["t", "u"]), member("b", &["u"])],
        &[topic("t", 2), topic("u", 3)],
        &["a t=[0, 1] u=[0, 2]", "b u=[1]"],
    );
    check(
        &deal,
        &[
            member("a", &["t"]),
            member("b", &["t"]),
            member("c", &["t"]),
        ],
        &[topic("t", 2)],
        &["a t=[0]", "b t=[1]", "c t=[]"],
    );
}
