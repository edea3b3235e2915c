//! Topics named by a pattern, partitions that are added, and what a member says when it joins and leaves.

use std::collections::BTreeSet;
use std::time::Duration;

use ekafka_protocol::ApiKey;
use ekafka_protocol::cold::{JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::{Instant, sleep, timeout};

use super::group::{event, names};
use super::setup::*;
use crate::assignor::CooperativeStickyAssignor;
use crate::config::ReaderBuilder;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::Reader;

fn matching(kafka: &EmbeddedKafka, pattern: &str) -> ReaderBuilder {
    let builder = builder(kafka).group_id("g").topic_pattern(pattern);
    builder.watch_partition_changes(true)
}

async fn topics_of(reader: &mut Reader, count: usize) -> BTreeSet<String> {
    let mut topics = BTreeSet::new();
    for _ in 0..count {
        topics.insert(fetch(reader).await.topic().to_owned());
    }
    topics
}

#[tokio::test(start_paused = true)]
async fn topics_are_found_by_their_whole_name_also_those_that_come_later() {
    let kafka = kafka().await;
    for topic in ["orders-1", "orders-2", "old-orders-1", "orders-x"] {
        kafka.create_topic(topic, 1).unwrap();
        write(&kafka, topic, 0, 1);
    }
    let mut reader = matching(&kafka, r"orders-\d").build().unwrap();
    let expected = ["orders-1", "orders-2"].map(str::to_owned);
    assert_eq!(topics_of(&mut reader, 2).await, BTreeSet::from(expected));
    let more = timeout(Duration::from_secs(60), reader.recv()).await;
    assert!(more.is_err(), "{more:?}");
    kafka.create_topic("orders-3", 1).unwrap();
    write(&kafka, "orders-3", 0, 1);
    let begun = Instant::now();
    let message = loop {
        let message = fetch(&mut reader).await;
        if message.topic() == "orders-3" {
            break message;
        }
    };
    assert_eq!(message.offset(), 0);
    assert!(begun.elapsed() < Duration::from_secs(10), "two intervals");
}

#[tokio::test(start_paused = true)]
async fn without_watching_a_topic_is_found_when_metadata_are_refreshed() {
    let kafka = kafka().await;
    let builder = builder(&kafka).group_id("g").topic_pattern("t.*");
    let mut reader = builder.build().unwrap();
    assert_eq!(event(&mut reader).await, Event::Assigned(Vec::new()));
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    let found = timeout(Duration::from_secs(310), reader.fetch_message()).await;
    assert_eq!(found.expect("found").unwrap().topic(), "t");
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_deleted_is_given_up_and_the_others_flow_on() {
    let kafka = kafka().await;
    for topic in ["ta", "tb"] {
        kafka.create_topic(topic, 1).unwrap();
    }
    let assignor = std::sync::Arc::new(CooperativeStickyAssignor);
    let builder = matching(&kafka, "t.").assignors([assignor as _]);
    let mut reader = builder.build().unwrap();
    let Event::Assigned(both) = event(&mut reader).await else {
        panic!("not an assignment");
    };
    assert_eq!(both.len(), 2);
    kafka.delete_topic("ta").unwrap();
    let given_up = loop {
        match timeout(Duration::from_secs(60), reader.recv()).await {
            Ok(Ok(crate::Received::Event(Event::Revoked(gone)))) => break gone,
            // The leader of a partition that is gone may be told before.
            Ok(_) => {}
            Err(_) => panic!("nothing was given up"),
        }
    };
    assert_eq!(given_up, [crate::TopicPartition::new("ta", 0)]);
    write(&kafka, "tb", 0, 1);
    assert_eq!(fetch(&mut reader).await.topic(), "tb");
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_fails_takes_no_topic_away() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut reader = matching(&kafka, "t").build().unwrap();
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    kafka.on_next(ApiKey::METADATA).drop_before().times(2);
    sleep(Duration::from_secs(60)).await;
    write(&kafka, "t", 0, 1);
    assert_eq!(offsets(&mut reader, 1).await, [0]);
    assert_eq!(kafka.requests_of(ApiKey::JOIN_GROUP).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn members_with_one_pattern_share_what_it_matches() {
    let kafka = kafka().await;
    for topic in ["ta", "tb"] {
        kafka.create_topic(topic, 2).unwrap();
    }
    let mut one = matching(&kafka, "t[ab]").build().unwrap();
    let Event::Assigned(all) = event(&mut one).await else {
        panic!("not an assignment");
    };
    assert_eq!(all.len(), 4);
    let mut two = matching(&kafka, "t[ab]").build().unwrap();
    let of_one = async {
        event(&mut one).await;
        event(&mut one).await
    };
    let (of_one, of_two) = tokio::join!(of_one, event(&mut two));
    for shared in [of_one, of_two] {
        assert!(
            matches!(&shared, Event::Assigned(half) if half.len() == 2),
            "{shared:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn watched_partitions_are_divided_within_two_intervals() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let group = builder(&kafka).topic("t").group_id("g");
    let interval = Duration::from_secs(5);
    let watching = group.watch_partition_changes(true);
    let mut reader = watching.partition_watch_interval(interval).build().unwrap();
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    kafka.add_partitions("t", 3).unwrap();
    let begun = Instant::now();
    assert_eq!(event(&mut reader).await, Event::Revoked(names(&[0])));
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0, 1, 2])));
    assert!(begun.elapsed() <= interval * 2, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_member_says_why_it_joins_and_leaves() {
    let kafka = kafka_with_bodies().await;
    kafka.create_topic("t", 2).unwrap();
    let group = builder(&kafka).topic("t").group_id("g");
    let mut one = group.clone().build().unwrap();
    event(&mut one).await;
    let mut two = group.build().unwrap();
    let of_one = async {
        event(&mut one).await;
        event(&mut one).await
    };
    tokio::join!(of_one, event(&mut two));
    two.close().await.unwrap();
    let joins = kafka.requests_of(ApiKey::JOIN_GROUP);
    let reasons: Vec<String> = joins
        .iter()
        .filter_map(|request| request.decode::<JoinGroupRequest>())
        .map(|join| join.reason.unwrap_or_default().to_string())
        .collect();
    let expected = [
        "the member begins",
        "the coordinator gave out a member id",
        "the member begins",
        "the coordinator gave out a member id",
        "the group rebalances",
    ];
    assert_eq!(reasons, expected);
    let leaves = kafka.requests_of(ApiKey::LEAVE_GROUP);
    let leave = leaves[0].decode::<LeaveGroupRequest>().unwrap();
    let reason = leave.members[0].reason.as_deref();
    assert_eq!(reason, Some("the reader closed"));
}

#[tokio::test(start_paused = true)]
async fn commits_say_how_long_they_are_kept() {
    let kafka = kafka_with_bodies().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    let group = builder(&kafka).topic("t").group_id("g");
    let day = Duration::from_secs(24 * 3_600);
    let mut reader = group.retention_time(Some(day)).build().unwrap();
    assert_eq!(reader.config().retention_time, Some(day));
    reader.read_message().await.unwrap();
    let commits = kafka.requests_of(ApiKey::OFFSET_COMMIT);
    let commit = commits[0].decode::<OffsetCommitRequest>().unwrap();
    assert_eq!(commit.retention_time_ms, 86_400_000);
}

#[test]
fn faults_of_patterns_and_watching_are_named() {
    let with_group = || Reader::builder().brokers(["h:1"]).group_id("g");
    let cases = [
        (with_group().topic_pattern("(").build(), "topic_pattern: "),
        (
            with_group().topic("t").topic_pattern("t").build(),
            "topics are given beside topic_pattern",
        ),
        (
            Reader::builder()
                .brokers(["h:1"])
                .topic_pattern("t")
                .build(),
            "topic_pattern needs a group",
        ),
        (
            with_group()
                .topic("t")
                .watch_partition_changes(true)
                .partition_watch_interval(Duration::ZERO)
                .build(),
            "partition_watch_interval is 0",
        ),
    ];
    for (built, fault) in cases {
        let Err(ReaderError::Config { faults }) = built else {
            panic!("expected: {fault}");
        };
        assert!(faults.iter().any(|one| one.contains(fault)), "{faults:?}");
    }
    let config = with_group().topic_pattern("t").build().unwrap();
    assert_eq!(config.config().topic_pattern.as_deref(), Some("t"));
}
