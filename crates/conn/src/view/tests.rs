use ekafka_protocol::messages::{
    MetadataBroker, MetadataPartition, MetadataResponse, MetadataTopic, NodeSpan,
};
use ekafka_protocol::{ErrorCode, StrBytes, Uuid};

use super::{Asked, ClusterView, LeaderHint, Refused};
use crate::address::HostPort;
use crate::ids::{BrokerId, LeaderEpoch};

/// A topic's partitions as (leader, epoch), in order.
type Leaders<'a> = &'a [(i32, i32)];

fn answer(brokers: &[i32], topics: &[(&str, Leaders<'_>)]) -> MetadataResponse {
    MetadataResponse {
        cluster_id: Some(StrBytes::from_static_str("cluster-1")),
        controller_id: 1,
        brokers: brokers
            .iter()
            .map(|id| broker(*id, "kafka", 9092))
            .collect(),
        topics: topics
            .iter()
            .map(|(name, leaders)| topic(name, leaders))
            .collect(),
        ..MetadataResponse::default()
    }
}

fn broker(node_id: i32, host: &str, port: i32) -> MetadataBroker {
    MetadataBroker {
        node_id,
        host: StrBytes::from_string(host.to_owned()),
        port,
        rack: None,
    }
}

fn topic(name: &str, leaders: Leaders<'_>) -> MetadataTopic {
    let partition = |(index, (leader_id, leader_epoch)): (usize, &(i32, i32))| MetadataPartition {
        error_code: ErrorCode::NONE,
        partition_index: index as i32,
        leader_id: *leader_id,
        leader_epoch: *leader_epoch,
        replica_nodes: NodeSpan::default(),
        isr_nodes: NodeSpan::default(),
        offline_replicas: NodeSpan::default(),
    };
    MetadataTopic {
        name: Some(StrBytes::from_string(name.to_owned())),
        partitions: leaders.iter().enumerate().map(partition).collect(),
        ..MetadataTopic::default()
    }
}

fn view(brokers: &[i32], topics: &[(&str, Leaders<'_>)]) -> ClusterView {
    ClusterView::default()
        .merge(&answer(brokers, topics), Asked::Some)
        .unwrap()
}

#[track_caller]
fn check_leader(view: &ClusterView, topic: &str, partition: i32, expected: Option<(i32, i32)>) {
    let found = view
        .leader(topic, partition)
        .map(|(id, epoch)| (id.0, epoch.0));
    assert_eq!(found, expected, "{topic}-{partition}");
}

/// A broker that is just making a topic again answers without an id; the epochs of the old one must not outlive that.
#[test]
fn a_topic_made_anew_is_known_by_its_id_after_an_answer_without_one() {
    let named = |id: u128, leaders| {
        let mut answer = answer(&[1, 2], &[("a", leaders)]);
        answer.topics[0].topic_id = Uuid::from_u128(id);
        answer
    };
    let take =
        |view: &ClusterView, answer: &MetadataResponse| view.merge(answer, Asked::Some).unwrap();
    let old = take(&ClusterView::default(), &named(1, &[(1, 7)]));
    let mut passing = named(0, &[]);
    passing.topics[0].error_code = ErrorCode::LEADER_NOT_AVAILABLE;
    let between = take(&old, &passing);
    check_leader(&between, "a", 0, Some((1, 7)));
    assert!(between.topic_by_id(Uuid::from_u128(1)).is_some());
    let new = take(&between, &named(2, &[(2, 0)]));
    check_leader(&new, "a", 0, Some((2, 0)));
}

#[test]
fn an_answer_becomes_the_view() {
    let view = view(&[1, 2], &[("a", &[(1, 5), (2, 6)])]);
    assert_eq!((view.generation, view.cluster_id()), (1, Some("cluster-1")));
    assert_eq!(
        view.brokers().map(|broker| broker.id.0).collect::<Vec<_>>(),
        [1, 2]
    );
    assert_eq!(view.controller(), Some(BrokerId(1)));
    check_leader(&view, "a", 0, Some((1, 5)));
    check_leader(&view, "a", 1, Some((2, 6)));
    for (topic, partition) in [("a", 2), ("a", -1), ("b", 0)] {
        check_leader(&view, topic, partition, None);
    }
}

#[test]
fn s61_an_older_epoch_never_overwrites_a_newer_one() {
    let known = view(&[1, 2], &[("a", &[(1, 5)])]);
    for (told, expected) in [
        ((2, 4), Some((1, 5))),
        ((2, 5), Some((2, 5))),
        ((2, 6), Some((2, 6))),
        ((-1, 6), None),
        ((-1, 4), Some((1, 5))),
        // A broker that tells no epochs is believed.
        ((2, -1), Some((2, -1))),
        // A leader that is no broker of the cluster.
        ((9, 6), None),
    ] {
        let merged = known
            .merge(&answer(&[1, 2], &[("a", &[told])]), Asked::Some)
            .unwrap();
        check_leader(&merged, "a", 0, expected);
        assert_eq!(merged.generation, 2);
    }
}

#[test]
fn a_topic_made_anew_starts_its_epochs_over() {
    let mut first = answer(&[1, 2], &[("a", &[(1, 5)])]);
    first.topics[0].topic_id = Uuid::from_u128(1);
    let known = ClusterView::default().merge(&first, Asked::Some).unwrap();
    let mut second = answer(&[1, 2], &[("a", &[(2, 0)])]);
    second.topics[0].topic_id = Uuid::from_u128(2);
    let merged = known.merge(&second, Asked::Some).unwrap();
    check_leader(&merged, "a", 0, Some((2, 0)));
    assert_eq!(
        merged
            .topic_by_id(Uuid::from_u128(2))
            .unwrap()
            .name
            .as_ref(),
        "a"
    );
    assert!(merged.topic_by_id(Uuid::from_u128(1)).is_none());
}

#[test]
fn s61_an_answer_without_usable_brokers_is_ignored() {
    let known = view(&[1], &[("a", &[(1, 5)])]);
    let mut empty = answer(&[], &[]);
    assert_eq!(
        known.merge(&empty, Asked::Everything).unwrap_err(),
        Refused::NoBrokers
    );
    // H11: ports and hosts nobody can dial.
    empty.brokers = vec![
        broker(1, "kafka", 0),
        broker(2, "kafka", -1),
        broker(3, "kafka", 70_000),
        broker(4, "", 9092),
        broker(5, &"h".repeat(30_000), 9092),
        broker(6, "a\nb", 9092),
        broker(-1, "kafka", 9092),
    ];
    assert_eq!(
        known.merge(&empty, Asked::Everything).unwrap_err(),
        Refused::NoBrokers
    );
}

#[test]
fn h11_duplicate_brokers_and_an_unknown_controller_are_bounded() {
    let mut told = answer(&[1], &[]);
    told.controller_id = 200_000;
    told.brokers.push(broker(1, "other", 1));
    told.brokers
        .extend((2..100_000).map(|id| broker(id, "kafka", 9092)));
    let view = ClusterView::default().merge(&told, Asked::Some).unwrap();
    assert_eq!(
        view.broker(BrokerId(1)).unwrap().address,
        HostPort::new("kafka", 9092)
    );
    assert_eq!((view.controller(), view.brokers().len()), (None, 99_999));
}

#[test]
fn hostile_partition_numbers_size_nothing() {
    let mut told = answer(&[1], &[("a", &[(1, 1), (1, 1)])]);
    told.topics[0].partitions[1].partition_index = i32::MAX;
    let merged = ClusterView::default().merge(&told, Asked::Some).unwrap();
    assert_eq!(merged.topic("a").unwrap().partitions.len(), 2);
    check_leader(&merged, "a", 1, None);
    told.topics[0].partitions[1].partition_index = -4;
    assert!(ClusterView::default().merge(&told, Asked::Some).is_ok());
}

#[test]
fn s63_another_clusters_answer_is_refused() {
    let known = view(&[1], &[("a", &[(1, 5)])]);
    let mut other = answer(&[1], &[("a", &[(1, 9)])]);
    other.cluster_id = Some(StrBytes::from_static_str("cluster-2"));
    assert_eq!(
        known.merge(&other, Asked::Some).unwrap_err(),
        Refused::OtherCluster
    );
    // An old broker that tells no id is believed.
    other.cluster_id = None;
    let merged = known.merge(&other, Asked::Some).unwrap();
    assert_eq!(merged.cluster_id(), Some("cluster-1"));
}

#[test]
fn topics_that_were_not_asked_about_stay_unless_everything_was() {
    let known = view(&[1], &[("a", &[(1, 5)]), ("b", &[(1, 5)])]);
    let told = answer(&[1], &[("a", &[(1, 6)])]);
    check_leader(
        &known.merge(&told, Asked::Some).unwrap(),
        "b",
        0,
        Some((1, 5)),
    );
    let merged = known.merge(&told, Asked::Everything).unwrap();
    assert!(merged.topic("b").is_none());
    check_leader(&merged, "a", 0, Some((1, 6)));
}

#[test]
fn topic_errors_are_kept_and_passing_ones_leave_the_partitions() {
    let known = view(&[1], &[("a", &[(1, 5)])]);
    for (code, leader) in [
        (ErrorCode::LEADER_NOT_AVAILABLE, Some((1, 5))),
        (ErrorCode::UNKNOWN_TOPIC_OR_PARTITION, None),
        (ErrorCode::TOPIC_AUTHORIZATION_FAILED, None),
        (ErrorCode::INVALID_TOPIC_EXCEPTION, None),
    ] {
        let mut told = answer(&[1], &[("a", &[])]);
        told.topics[0].error_code = code;
        let merged = known.merge(&told, Asked::Some).unwrap();
        assert_eq!(merged.topic("a").unwrap().error, code);
        check_leader(&merged, "a", 0, leader);
    }
}

#[test]
fn a_hint_counts_only_when_it_is_newer() {
    let known = view(&[1, 2], &[("a", &[(1, 5)])]);
    let hint = |leader, epoch, address: Option<&str>| LeaderHint {
        topic: "a".into(),
        partition: 0,
        leader: BrokerId(leader),
        leader_epoch: LeaderEpoch(epoch),
        address: address.map(|host| HostPort::new(host, 9092)),
    };
    for stale in [hint(2, 5, None), hint(2, 4, None), hint(3, 6, None)] {
        assert!(known.with_hint(&stale).is_none(), "{stale:?}");
    }
    check_leader(
        &known.with_hint(&hint(2, 6, None)).unwrap(),
        "a",
        0,
        Some((2, 6)),
    );
    let learnt = known.with_hint(&hint(3, 6, Some("new"))).unwrap();
    check_leader(&learnt, "a", 0, Some((3, 6)));
    assert_eq!(learnt.broker(BrokerId(3)).unwrap().address.host(), "new");
    // What the hint said outlives an older answer.
    let merged = learnt
        .merge(&answer(&[1, 2, 3], &[("a", &[(1, 5)])]), Asked::Some)
        .unwrap();
    check_leader(&merged, "a", 0, Some((3, 6)));
    let unknown_topic = LeaderHint {
        topic: "b".into(),
        ..hint(2, 9, None)
    };
    assert!(known.with_hint(&unknown_topic).is_none());
}
