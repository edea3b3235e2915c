//! What the keys of members of groups do, as the coordinator sees it.

use std::time::Duration;

use ekafka::{ApiKey, Component, ErrorCode, GroupEvent, Record};
use ekafka_protocol::cold::{JoinGroupRequest, OffsetCommitRequest};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

use crate::rig::{component, soon, start};

async fn setup(keys: &str) -> (EmbeddedKafka, Component) {
    let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
    kafka.create_topic("t", 1).unwrap();
    let text = format!(
        "[kafka]\nbrokers = ['localhost:9092']\n\
         [kafka.producers.p1]\ntopic = 't'\nbatchTimeout = 'auto'\n\
         [kafka.consumers.c1]\ntopic = 't'\ngroupID = 'g'\n{keys}\n\
         [kafka.consumers.alone]\ntopic = 't'\n{alone}\n\
         [kafka.consumerGroups.cg1]\ntopic = 't'\ngroupID = 'g'\n{keys}\n",
        alone = if keys.starts_with("readLag") {
            keys
        } else {
            ""
        }
    );
    let component = component(&kafka, &text);
    (kafka, component)
}

/// Waits for a while, for what does not come.
async fn idle(component: &Component, time: Duration) {
    let group = component.consumer_group("cg1");
    let deadline = Instant::now() + time;
    while let Ok(event) = tokio::time::timeout_at(deadline, group.poll()).await {
        assert!(
            matches!(event, Ok(GroupEvent::AssignedPartitions(_))),
            "{event:?}"
        );
    }
}

/// S2.28: the spacing of heartbeats.
#[tokio::test(start_paused = true)]
async fn heartbeats_come_at_their_interval() {
    for (keys, range) in [("heartbeatInterval = '1s'", 28..=31), ("", 9..=11)] {
        let (kafka, component) = setup(keys).await;
        idle(&component, Duration::from_secs(30)).await;
        let beats = kafka.requests_of(ApiKey::HEARTBEAT).len();
        assert!(range.contains(&beats), "{keys}: {beats}");
    }
}

/// S2.31, S2.32: the fields of the request, for both kinds of members.
#[tokio::test(start_paused = true)]
async fn session_and_rebalance_timeouts_are_asked_for() {
    let keys = "sessionTimeout = '20s'\nrebalanceTimeout = '40s'";
    for (keys, expected) in [(keys, (20_000, 40_000)), ("", (30_000, 30_000))] {
        let (kafka, component) = setup(keys).await;
        soon(component.consumer_group("cg1").poll()).await.unwrap();
        soon(component.close()).await.unwrap();
        let consumer = component.consumer("c1");
        let _ = tokio::time::timeout(Duration::from_secs(1), consumer.fetch_message()).await;
        let joins = kafka.requests_of(ApiKey::JOIN_GROUP);
        assert!(joins.len() > 1);
        for join in joins {
            let join: JoinGroupRequest = join.decode().unwrap();
            assert_eq!(
                (join.session_timeout_ms, join.rebalance_timeout_ms),
                expected
            );
        }
    }
}

/// S2.33: the wait after a refusal.
#[tokio::test(start_paused = true)]
async fn joining_again_waits_for_the_backoff() {
    for (keys, wait) in [("JoinGroupBackoff = '1s'", 1), ("", 5)] {
        let (kafka, component) = setup(keys).await;
        kafka
            .on_next(ApiKey::JOIN_GROUP)
            .error(ErrorCode::GROUP_AUTHORIZATION_FAILED)
            .times(1);
        let group = component.consumer_group("cg1");
        let begun = Instant::now();
        assert!(matches!(soon(group.poll()).await, Ok(GroupEvent::Error(_))));
        assert!(matches!(
            soon(group.poll()).await,
            Ok(GroupEvent::AssignedPartitions(_))
        ));
        let took = begun.elapsed();
        let wait = Duration::from_secs(wait);
        assert!(
            took >= wait && took < wait + Duration::from_millis(500),
            "{keys}: {took:?}"
        );
    }
}

/// S2.36: a silent coordinator is asked again after the time.
#[tokio::test(start_paused = true)]
async fn a_silent_coordinator_costs_the_timeout() {
    for (keys, wait) in [("timeout = '2s'", 2), ("", 5)] {
        let (kafka, component) = setup("").await;
        drop(component);
        let text = format!(
            "[kafka]\nbrokers = ['localhost:9092']\n\
             [kafka.consumerGroups.cg1]\ntopic = 't'\ngroupID = 'g'\n{keys}\n"
        );
        let component = crate::rig::component(&kafka, &text);
        kafka.on_next(ApiKey::OFFSET_FETCH).silence().times(1);
        let begun = Instant::now();
        let group = component.consumer_group("cg1");
        while !matches!(
            soon(group.poll()).await,
            Ok(GroupEvent::AssignedPartitions(_))
        ) {}
        let took = begun.elapsed();
        let wait = Duration::from_secs(wait);
        assert!(
            took >= wait && took < wait + Duration::from_secs(2),
            "{keys}: {took:?}"
        );
    }
}

/// S2.54, C-04: the interval holds for polled members, too.
#[tokio::test(start_paused = true)]
async fn a_groups_commits_are_collected_for_the_interval() {
    let (kafka, component) = setup("commitInterval = '1s'").await;
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("a"), Record::new("b")]))
        .await
        .unwrap();
    let group = component.consumer_group("cg1");
    let mut messages = 0;
    while messages < 2 {
        if let GroupEvent::Message(message) = soon(group.poll()).await.unwrap() {
            group.commit_messages(&[message]).await.unwrap();
            messages += 1;
        }
    }
    assert!(kafka.requests_of(ApiKey::OFFSET_COMMIT).is_empty());
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 1);
}

/// S2.29, S2.30: a new partition is found when it is watched for, and not otherwise.
#[tokio::test(start_paused = true)]
async fn new_partitions_are_watched_for() {
    let watching =
        "watchPartitionChanges = true\npartitionWatchInterval = '1s'\nheartbeatInterval = '500ms'";
    for (keys, finds) in [(watching, true), ("partitionWatchInterval = '1s'", false)] {
        let (kafka, component) = setup(keys).await;
        let group = component.consumer_group("cg1");
        soon(group.poll()).await.unwrap();
        kafka.add_partitions("t", 2).unwrap();
        let found = tokio::time::timeout(Duration::from_secs(5), async {
            loop {
                if let GroupEvent::AssignedPartitions(all) = group.poll().await.unwrap() {
                    break all.partitions.len();
                }
            }
        });
        assert_eq!(found.await.ok(), finds.then_some(2), "{keys}");
    }
}

/// C-05: a time is asked for, and nothing without it.
#[tokio::test(start_paused = true)]
async fn the_retention_time_is_asked_for() {
    for (keys, asked) in [
        ("retentionTime = '1h'", 3_600_000),
        ("retentionTime = '-1'", -1),
        ("", -1),
    ] {
        let (kafka, component) = setup(keys).await;
        let producer = component.producer("p1");
        soon(producer.write_messages(&[Record::new("a")]))
            .await
            .unwrap();
        soon(component.consumer("c1").read_message()).await.unwrap();
        let commits = kafka.requests_of(ApiKey::OFFSET_COMMIT);
        let commit: OffsetCommitRequest = commits[0].decode().unwrap();
        assert_eq!(commit.retention_time_ms, asked, "{keys}");
    }
}

/// S2.40: the lag is looked up, unless that is switched off.
#[tokio::test(start_paused = true)]
async fn the_lag_is_looked_up_at_its_interval() {
    for (keys, look_ups) in [
        ("readLagInterval = '10s'", 3),
        ("readLagInterval = '-1'", 0),
    ] {
        let (kafka, component) = setup(keys).await;
        let consumer = component.consumer("alone");
        let mut before = 0;
        let waited = tokio::time::timeout(Duration::from_secs(35), async {
            let fetching = consumer.fetch_message();
            tokio::pin!(fetching);
            let _ = tokio::time::timeout(Duration::from_secs(1), &mut fetching).await;
            before = kafka.requests_of(ApiKey::LIST_OFFSETS).len();
            fetching.await
        });
        waited.await.unwrap_err();
        let after = kafka.requests_of(ApiKey::LIST_OFFSETS).len();
        // Whether or not somebody waits for a message.
        let messages = ["a", "b"].map(Record::new);
        soon(component.producer("p1").write_messages(&messages))
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(15)).await;
        let lag = if look_ups > 0 { 2 } else { 0 };
        assert_eq!(consumer.lag(), Some(lag), "{keys}");
        assert_eq!(after - before, look_ups, "{keys}");
    }
}
