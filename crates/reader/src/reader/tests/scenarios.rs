//! What a group must get through: refusals of every kind, answers that lie, members that come back.

use std::sync::Arc;
use std::time::Duration;

use ekafka_protocol::cold::{
    JoinGroupRequest, OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
};
use ekafka_protocol::messages::MetadataRequest;
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::{Instant, sleep, timeout};

use super::group::{event, names};
use super::setup::*;
use crate::assignor::{RangeAssignor, RoundRobinAssignor};
use crate::config::ReaderBuilder;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::{Reader, Received};
use crate::reset::StartOffset;

fn group(kafka: &EmbeddedKafka) -> ReaderBuilder {
    builder(kafka).topic("t").group_id("g")
}

/// The next message, whatever errors and events come before it.
async fn persist(reader: &mut Reader) -> ekafka_conn::Message {
    let patience = Instant::now() + Duration::from_secs(120);
    loop {
        match tokio::time::timeout_at(patience, reader.recv()).await {
            Ok(Ok(Received::Message(message))) => return message,
            Ok(Ok(Received::Event(_))) => {}
            Ok(Err(error)) => assert!(!error.is_fatal(), "{error:?}"),
            Err(_) => panic!("no message within two minutes"),
        }
    }
}

/// Every code a broker may send, but the one that ends a member on purpose.
fn codes() -> impl Iterator<Item = ErrorCode> {
    let all = std::iter::once(-1).chain(1..=133).map(ErrorCode);
    all.filter(|code| *code != ErrorCode::FENCED_INSTANCE_ID)
}

/// One refusal by `api` with each code in turn: the records are read all the same.
async fn heals_after_every_code(api: ApiKey) {
    for code in codes() {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 2);
        kafka.on_next(api).error(code);
        let mut reader = group(&kafka).build().unwrap();
        let first = persist(&mut reader).await;
        assert_eq!(first.offset(), 0, "{api} {code}");
        // Long enough for a heartbeat to be refused, and for the join backoff.
        sleep(Duration::from_secs(4)).await;
        assert_eq!(kafka.pending_faults(), 0, "{api} {code}");
        write(&kafka, "t", 0, 1);
        loop {
            let message = persist(&mut reader).await;
            let committed = reader.commit_messages(std::slice::from_ref(&message)).await;
            if message.offset() == 2 && committed.is_ok() {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s46_every_code_of_find_coordinator_heals() {
    heals_after_every_code(ApiKey::FIND_COORDINATOR).await;
}

#[tokio::test(start_paused = true)]
async fn s46_every_code_of_join_group_heals() {
    heals_after_every_code(ApiKey::JOIN_GROUP).await;
}

#[tokio::test(start_paused = true)]
async fn s46_every_code_of_sync_group_heals() {
    heals_after_every_code(ApiKey::SYNC_GROUP).await;
}

#[tokio::test(start_paused = true)]
async fn s46_every_code_of_heartbeat_heals() {
    heals_after_every_code(ApiKey::HEARTBEAT).await;
}

#[tokio::test(start_paused = true)]
async fn s41_every_code_of_offset_fetch_heals() {
    heals_after_every_code(ApiKey::OFFSET_FETCH).await;
}

#[tokio::test(start_paused = true)]
async fn s40_every_code_of_offset_commit_is_retried_told_or_means_a_loss() {
    for code in codes() {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 3);
        let mut reader = group(&kafka).build().unwrap();
        let message = persist(&mut reader).await;
        kafka.on_next(ApiKey::OFFSET_COMMIT).error(code);
        let begun = Instant::now();
        let told = reader.commit_messages(std::slice::from_ref(&message)).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "{code}");
        if let Err(error) = &told {
            let is_typed = matches!(error, ReaderError::Kafka { code: of, .. } if *of == code);
            assert!(is_typed, "{code}: {error:?}");
        }
        // The group is alive: what follows can be read and committed.
        loop {
            let message = persist(&mut reader).await;
            let committed = reader.commit_messages(std::slice::from_ref(&message)).await;
            if message.offset() == 2 && committed.is_ok() {
                break;
            }
        }
        assert_eq!(kafka.violations(), Vec::<String>::new(), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn s39_ten_commits_at_once_never_let_the_offset_fall() {
    let kafka = kafka_with_bodies().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 12);
    let mut reader = group(&kafka).build().unwrap();
    let mut messages = Vec::new();
    for _ in 0..10 {
        messages.push(fetch(&mut reader).await);
    }
    // The first answer is late by more than a call may take.
    let late = Duration::from_secs(30);
    kafka.on_next(ApiKey::OFFSET_COMMIT).delay_answer(late);
    let mut calls = Vec::new();
    messages.reverse();
    for message in messages {
        let handle = reader.handle();
        #[expect(clippy::disallowed_methods, reason = "calls side by side")]
        calls.push(tokio::spawn(async move {
            handle.commit_messages(&[message]).await
        }));
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    sleep(late * 2).await;
    let commits = kafka.requests_of(ApiKey::OFFSET_COMMIT);
    let offsets: Vec<i64> = commits
        .iter()
        .filter_map(|request| request.decode::<OffsetCommitRequest>())
        .map(|commit| commit.topics[0].partitions[0].committed_offset)
        .collect();
    assert!(offsets.is_sorted(), "{offsets:?}");
    assert_eq!(offsets.last(), Some(&10));
    drop(reader);
    let mut next = group(&kafka).build().unwrap();
    assert_eq!(offsets_after(&mut next).await, 10);
}

async fn offsets_after(reader: &mut Reader) -> i64 {
    persist(reader).await.offset()
}

#[tokio::test(start_paused = true)]
async fn s41_only_an_explicit_none_counts_as_nothing_committed() {
    for fault in 0..4 {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 5);
        let mut first = group(&kafka).build().unwrap();
        let messages = [fetch(&mut first).await, fetch(&mut first).await];
        first.commit_messages(&messages).await.unwrap();
        first.close().await.unwrap();
        let next = kafka.on_next(ApiKey::OFFSET_FETCH).times(2);
        match fault {
            0 => next.error(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS),
            1 => next
                .error(ErrorCode::UNSTABLE_OFFSET_COMMIT)
                .partition("t", 0),
            2 => next.edit::<OffsetFetchRequest>(|answer| answer.topics.clear()),
            _ => next.edit::<OffsetFetchRequest>(|answer| {
                for topic in &mut answer.topics {
                    topic.partitions.clear();
                }
            }),
        };
        let mut second = group(&kafka).build().unwrap();
        assert_eq!(persist(&mut second).await.offset(), 2, "fault {fault}");
        assert_eq!(kafka.pending_faults(), 0, "fault {fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn s42_a_group_that_begins_at_the_end_misses_nothing_written_since() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    write(&kafka, "t", 0, 5);
    let at_end = || group(&kafka).start_offset(StartOffset::Last);
    let mut first = at_end().build().unwrap();
    assert_eq!(event(&mut first).await, Event::Assigned(names(&[0, 1])));
    let nothing = timeout(Duration::from_secs(5), first.recv()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    // Killed before it has committed anything of its own.
    drop(first);
    write(&kafka, "t", 0, 2);
    write(&kafka, "t", 1, 1);
    let mut second = at_end().build().unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let message = persist(&mut second).await;
        seen.push((message.partition(), message.offset()));
    }
    seen.sort_unstable();
    assert_eq!(seen, [(0, 5), (0, 6), (1, 0)]);
}

#[tokio::test(start_paused = true)]
async fn s42_a_seek_to_the_end_commits_nothing() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let at_end = group(&kafka).start_offset(StartOffset::Last);
    let mut reader = at_end.build().unwrap();
    event(&mut reader).await;
    let handle = reader.handle();
    sleep(Duration::from_secs(1)).await;
    kafka.clear_requests();
    write(&kafka, "t", 0, 3);
    handle
        .seek(&crate::TopicPartition::new("t", 0), StartOffset::Last)
        .await
        .unwrap();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 0);
}

/// The first error of a reader, which must be about bytes; what it is assigned after that.
async fn after_malformed(reader: &mut Reader, cut: usize) -> Event {
    let error = timeout(Duration::from_secs(60), reader.recv()).await;
    let error = error.unwrap().expect_err("the bytes are cut off");
    let is_typed = matches!(error, ReaderError::Malformed { .. });
    assert!(is_typed && error.is_retriable(), "{cut}: {error:?}");
    event(reader).await
}

#[tokio::test(start_paused = true)]
async fn s48_an_assignment_cut_off_anywhere_is_a_typed_error_and_the_member_joins_again() {
    // Its version, one topic's name, two partitions, no user data.
    let length = 2 + 4 + (2 + 1) + (4 + 2 * 4) + 4;
    for cut in 1..length {
        let kafka = kafka().await;
        kafka.create_topic("t", 2).unwrap();
        kafka
            .on_next(ApiKey::SYNC_GROUP)
            .edit::<SyncGroupRequest>(move |answer| {
                assert_eq!(answer.assignment.len(), length);
                answer.assignment.truncate(cut);
            });
        let mut reader = group(&kafka).build().unwrap();
        let next = after_malformed(&mut reader, cut).await;
        assert_eq!(next, Event::Assigned(names(&[0, 1])), "{cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn s48_a_subscription_cut_off_anywhere_is_told_by_the_leader_and_takes_from_nobody() {
    // Its version, one topic's name, no user data.
    let length = 2 + 4 + (2 + 1) + 4;
    for cut in 0..length {
        let kafka = kafka().await;
        kafka.create_topic("t", 2).unwrap();
        kafka
            .on_next(ApiKey::JOIN_GROUP)
            .skip(1)
            .edit::<JoinGroupRequest>(move |answer| {
                for member in &mut answer.members {
                    assert!(member.metadata.len() >= length);
                    member.metadata.truncate(cut);
                }
            });
        let mut reader = group(&kafka).build().unwrap();
        let next = after_malformed(&mut reader, cut).await;
        assert_eq!(next, Event::Assigned(names(&[0, 1])), "{cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn s52_members_without_a_common_strategy_are_told_so_at_the_join_backoff() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    let backoff = Duration::from_secs(5);
    let one = group(&kafka).assignors([Arc::new(RangeAssignor) as _]);
    let mut one = one.build().unwrap();
    fetch(&mut one).await;
    kafka.clear_requests();
    let two = group(&kafka).assignors([Arc::new(RoundRobinAssignor) as _]);
    let mut two = two.join_backoff(backoff).build().unwrap();
    let begun = Instant::now();
    for _ in 0..4 {
        let error = timeout(Duration::from_secs(60), two.recv()).await;
        let error = error.unwrap().expect_err("no common strategy");
        assert!(
            matches!(&error, ReaderError::Kafka { code, .. } if *code == ErrorCode::INCONSISTENT_GROUP_PROTOCOL),
            "{error:?}"
        );
    }
    assert!(begun.elapsed() >= backoff * 3, "{:?}", begun.elapsed());
    assert!(kafka.requests_of(ApiKey::JOIN_GROUP).len() <= 5);
    // The first member is not disturbed.
    write(&kafka, "t", 0, 1);
    assert_eq!(fetch(&mut one).await.offset(), 1);
}

#[tokio::test(start_paused = true)]
async fn s52_a_leader_without_metadata_of_a_topic_takes_it_from_nobody() {
    let kafka = kafka().await;
    for topic in ["t", "u"] {
        kafka.create_topic(topic, 1).unwrap();
    }
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    kafka.on_next(ApiKey::METADATA).error(code).times(3);
    let mut reader = group(&kafka).topics(["t", "u"]).build().unwrap();
    let assigned = loop {
        match timeout(Duration::from_secs(120), reader.recv())
            .await
            .unwrap()
        {
            Ok(Received::Event(Event::Assigned(partitions))) => break partitions,
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(!error.is_fatal(), "{error:?}"),
        }
    };
    assert_eq!(assigned.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn s52_a_topic_that_grows_while_it_is_divided_is_divided_anew() {
    for late in [ApiKey::JOIN_GROUP, ApiKey::SYNC_GROUP] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let watched = group(&kafka).watch_partition_changes(true);
        let watched = watched.partition_watch_interval(Duration::from_secs(1));
        let mut reader = watched.build().unwrap();
        // The first answer gives the member its id.
        let skipped = usize::from(late == ApiKey::JOIN_GROUP);
        let delay = Duration::from_secs(5);
        kafka.on_next(late).skip(skipped).delay_answer(delay);
        let grow = async {
            sleep(delay / 2).await;
            kafka.add_partitions("t", 3).unwrap();
        };
        let (first, ()) = tokio::join!(event(&mut reader), grow);
        let begun = Instant::now();
        if first != Event::Assigned(names(&[0, 1, 2])) {
            assert_eq!(first, Event::Assigned(names(&[0])), "{late}");
            assert_eq!(event(&mut reader).await, Event::Revoked(names(&[0])));
            assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0, 1, 2])));
        }
        assert!(begun.elapsed() <= Duration::from_secs(2), "{late}");
    }
}

#[tokio::test(start_paused = true)]
async fn s52_a_topic_the_leader_cannot_find_is_divided_when_it_can_and_the_others_at_once() {
    let kafka = kafka().await;
    for topic in ["t", "u"] {
        kafka.create_topic(topic, 1).unwrap();
        write(&kafka, topic, 0, 1);
    }
    let missing = kafka
        .on_next(ApiKey::METADATA)
        .edit::<MetadataRequest>(|answer| {
            for topic in &mut answer.topics {
                if topic.name.as_ref().is_some_and(|name| name.as_str() == "u") {
                    topic.error_code = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
                    topic.partitions.clear();
                }
            }
        });
    drop(missing.times(usize::MAX));
    let both = group(&kafka)
        .topics(["t", "u"])
        .watch_partition_changes(true);
    let mut reader = both.build().unwrap();
    assert_eq!(persist(&mut reader).await.topic(), "t");
    kafka.clear_faults();
    let begun = Instant::now();
    while persist(&mut reader).await.topic() != "u" {}
    assert!(
        begun.elapsed() <= Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}
