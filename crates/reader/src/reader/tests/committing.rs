//! Commits as the application sees them, and as the coordinator does.

use std::time::Duration;

use ekafka_conn::Message;
use ekafka_protocol::cold::{JoinGroupRequest, OffsetCommitRequest};
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

use super::setup::*;
use crate::TopicPartition;
use crate::assignor::RangeAssignor;
use crate::config::ReaderBuilder;
use crate::error::ReaderError;
use crate::reader::Reader;

const SECOND: Duration = Duration::from_secs(1);

/// A topic of one partition with `count` records, one to a batch, and a member of a group that reads it.
async fn member(count: i64) -> (EmbeddedKafka, ReaderBuilder) {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    for _ in 0..count {
        write(&kafka, "t", 0, 1);
    }
    let builder = builder(&kafka).topic("t").group_id("g");
    (kafka, builder)
}

/// The offsets in each commit of partition 0, in the order in which the coordinator read them.
fn commits(kafka: &EmbeddedKafka) -> Vec<i64> {
    let requests = kafka.requests_of(ApiKey::OFFSET_COMMIT);
    let requests = requests.iter().map(|request| {
        let request: OffsetCommitRequest = request.decode().unwrap();
        request.topics[0].partitions[0].committed_offset
    });
    requests.collect()
}

async fn committed(reader: &Reader) -> Option<i64> {
    let partition = [TopicPartition::new("t", 0)];
    reader.committed(&partition).await.unwrap()[0].1
}

async fn fetch_many(reader: &mut Reader, count: usize) -> Vec<Message> {
    let mut messages = Vec::new();
    while messages.len() < count {
        messages.push(fetch(reader).await);
    }
    messages
}

#[tokio::test(start_paused = true)]
async fn s1_54_s3_39_a_commit_returns_after_the_coordinators_answer() {
    let (kafka, builder) = member(2).await;
    let mut reader = builder.build().unwrap();
    let messages = fetch_many(&mut reader, 2).await;
    let answered = kafka
        .on_next(ApiKey::OFFSET_COMMIT)
        .delay_answer(SECOND * 3);
    drop(answered);
    let begun = Instant::now();
    reader.commit_messages(&messages[..1]).await.unwrap();
    assert_eq!(begun.elapsed(), SECOND * 3);
    assert_eq!(committed(&reader).await, Some(1));
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    kafka.on_next(ApiKey::OFFSET_COMMIT).error(code);
    let refused = reader.commit_messages(&messages[1..]).await.unwrap_err();
    let ReaderError::Kafka { code: of, step, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!((*of, *step), (code, "committing offsets"));
    assert!(!refused.is_fatal() && !refused.is_retriable());
}

#[tokio::test(start_paused = true)]
async fn s1_55_s3_40_s3_41_an_interval_merges_what_is_marked_and_sends_it_on_the_tick() {
    let (kafka, builder) = member(9).await;
    let mut reader = builder.commit_interval(SECOND).build().unwrap();
    let begun = Instant::now();
    let messages = fetch_many(&mut reader, 6).await;
    for message in &messages[..3] {
        reader
            .commit_messages(std::slice::from_ref(message))
            .await
            .unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "marking does not wait");
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(commits(&kafka), [0_i64; 0]);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(commits(&kafka), [3], "one commit of all three");
    tokio::time::sleep(SECOND * 3).await;
    assert_eq!(commits(&kafka), [3], "nothing new was marked");
    // Two failures are got over without the application.
    let code = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
    kafka.on_next(ApiKey::OFFSET_COMMIT).error(code).times(2);
    reader.commit_messages(&messages[3..]).await.unwrap();
    tokio::time::sleep(SECOND * 2).await;
    assert_eq!(commits(&kafka), [3, 6, 6, 6]);
    assert_eq!(committed(&reader).await, Some(6));
    // After three it goes with a later tick.
    let message = fetch(&mut reader).await;
    kafka.on_next(ApiKey::OFFSET_COMMIT).error(code).times(3);
    reader.commit_messages(&[message]).await.unwrap();
    tokio::time::sleep(SECOND * 4).await;
    assert_eq!(commits(&kafka), [3, 6, 6, 6, 7, 7, 7, 7]);
    assert_eq!(committed(&reader).await, Some(7));
}

#[tokio::test(start_paused = true)]
async fn t81_s3_26_a_commit_is_tried_three_times() {
    let (kafka, builder) = member(3).await;
    let mut reader = builder.build().unwrap();
    let code = ErrorCode::COORDINATOR_NOT_AVAILABLE;
    for (failures, requests) in [(0, 1), (1, 2), (2, 3), (3, 3)] {
        kafka.clear_faults();
        kafka.clear_requests();
        if failures > 0 {
            kafka
                .on_next(ApiKey::OFFSET_COMMIT)
                .error(code)
                .times(failures);
        }
        let next = committed(&reader).await.unwrap_or(0);
        let partition = TopicPartition::new("t", 0);
        if failures == 3 {
            // All three were read; one is read again for the last round.
            write(&kafka, "t", 0, 1);
        }
        let message = fetch(&mut reader).await;
        assert_eq!(
            (message.offset(), message.partition()),
            (next, partition.partition)
        );
        let result = reader.commit_messages(&[message]).await;
        assert_eq!(commits(&kafka).len(), requests, "{failures} failures");
        assert_eq!(result.is_err(), failures == 3, "{result:?}");
        if let Err(error) = result {
            assert!(
                matches!(&error, ReaderError::Kafka { code: of, .. } if *of == code),
                "{error}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn t80_a_hundred_commits_at_the_end_of_a_generation_are_one() {
    let (kafka, builder) = member(100).await;
    let mut first = builder.clone().build().unwrap();
    let messages = fetch_many(&mut first, 100).await;
    let mut second = builder.build().unwrap();
    let handle = first.handle();
    let joining = async { super::group::event(&mut second).await };
    let ending = async {
        let revoked = super::group::event(&mut first).await;
        assert!(matches!(revoked, crate::Event::Revoked(_)), "{revoked:?}");
        let mut tasks = tokio::task::JoinSet::new();
        for message in messages {
            let handle = handle.clone();
            tasks.spawn(async move { handle.commit_messages(&[message]).await });
        }
        // Asking for the next item ends the generation.
        let next = super::group::event(&mut first);
        let committing = async {
            while let Some(done) = tasks.join_next().await {
                done.unwrap().unwrap();
            }
        };
        tokio::join!(next, committing);
    };
    tokio::join!(joining, ending);
    assert_eq!(commits(&kafka), [100]);
    assert_eq!(kafka.committed("g", "t", 0), Some(100));
}

#[tokio::test(start_paused = true)]
async fn s3_38_the_chosen_strategies_are_what_the_member_joins_with() {
    let (kafka, builder) = member(1).await;
    let range: std::sync::Arc<dyn crate::assignor::Assignor> = std::sync::Arc::new(RangeAssignor);
    let mut reader = builder.assignors([range]).build().unwrap();
    fetch(&mut reader).await;
    assert_eq!(reader.config().assignors, ["range"]);
    for request in kafka.requests_of(ApiKey::JOIN_GROUP) {
        let request: JoinGroupRequest = request.decode().unwrap();
        let names: Vec<&str> = request.protocols.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["range"]);
    }
}

#[tokio::test(start_paused = true)]
async fn s3_19_s3_42_what_is_only_fetched_is_never_committed() {
    for interval in [None, Some(SECOND)] {
        let (kafka, mut builder) = member(5).await;
        if let Some(interval) = interval {
            builder = builder.commit_interval(interval);
        }
        let mut reader = builder.clone().build().unwrap();
        fetch_many(&mut reader, 3).await;
        tokio::time::sleep(SECOND * 3).await;
        reader.next_batch().await.unwrap();
        reader.close().await.unwrap();
        assert_eq!(commits(&kafka), [0_i64; 0], "{interval:?}");
        let mut again = builder.build().unwrap();
        assert_eq!(offsets(&mut again, 1).await, [0]);
    }
}

#[tokio::test(start_paused = true)]
async fn s3_22_after_a_failure_the_next_fetch_gives_the_next_message() {
    let (kafka, builder) = member(4).await;
    let mut reader = builder.clone().build().unwrap();
    let first = fetch(&mut reader).await;
    reader.commit_messages(&[first]).await.unwrap();
    let failed = fetch(&mut reader).await;
    assert_eq!(
        failed.offset(),
        1,
        "its handler failed, so it is not committed"
    );
    let next = fetch(&mut reader).await;
    assert_eq!(next.offset(), 2);
    let code = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    kafka.on_next(ApiKey::OFFSET_COMMIT).error(code);
    reader.commit_messages(&[next]).await.unwrap_err();
    assert_eq!(offsets(&mut reader, 1).await, [3], "its commit failed");
    // Stopped here, without asking for more commits, the failed one comes again.
    drop(reader);
    let mut again = builder.build().unwrap();
    assert_eq!(offsets(&mut again, 3).await, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_record_whose_handler_failed_is_covered_by_no_tick_no_revocation_and_no_close() {
    let (kafka, builder) = member(6).await;
    let builder = builder.commit_interval(SECOND);
    let mut first = builder.clone().build().unwrap();
    let messages = fetch_many(&mut first, 4).await;
    // The handler of the third failed; the application marks no more.
    first.commit_messages(&messages[..2]).await.unwrap();
    tokio::time::sleep(SECOND * 3).await;
    assert_eq!(committed(&first).await, Some(2));
    let mut second = builder.build().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a second member")]
    let joining = tokio::spawn(async move {
        let assigned = super::group::event(&mut second).await;
        (second, assigned)
    });
    let revoked = super::group::event(&mut first).await;
    assert!(matches!(revoked, crate::Event::Revoked(_)), "{revoked:?}");
    super::group::event(&mut first).await;
    first.close().await.unwrap();
    let (mut second, _) = joining.await.unwrap();
    assert_eq!(offsets(&mut second, 4).await, [2, 3, 4, 5]);
    assert!(commits(&kafka).iter().all(|offset| *offset == 2));
}

#[tokio::test(start_paused = true)]
async fn s3_43_interval_commits_take_less_time_than_synchronous_ones() {
    let mut took = Vec::new();
    for interval in [None, Some(SECOND)] {
        let round_trip = Duration::from_millis(10);
        let kafka = kafka_with(1, |builder| builder.round_trip(round_trip)).await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 100);
        let mut builder = builder(&kafka).topic("t").group_id("g");
        if let Some(interval) = interval {
            builder = builder.commit_interval(interval);
        }
        let mut reader = builder.build().unwrap();
        let mut message = fetch(&mut reader).await;
        let begun = Instant::now();
        for _ in 1..100 {
            reader.commit_messages(&[message]).await.unwrap();
            message = fetch(&mut reader).await;
        }
        took.push(begun.elapsed());
    }
    assert!(took[0] >= Duration::from_millis(10) * 99, "{took:?}");
    assert!(took[1] < Duration::from_millis(10), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn s39_commits_at_once_from_many_tasks_never_set_the_offset_back() {
    let (kafka, builder) = member(10).await;
    let mut reader = builder.build().unwrap();
    let messages = fetch_many(&mut reader, 10).await;
    let handle = reader.handle();
    for round in 0..20_u64 {
        let (skip, late) = (usize::try_from(round % 3).unwrap(), round * 7 % 11);
        let rule = kafka.on_next(ApiKey::OFFSET_COMMIT);
        drop(
            rule.skip(skip)
                .delay_answer(Duration::from_millis(late * 100)),
        );
    }
    kafka.on_next(ApiKey::OFFSET_COMMIT).delay(SECOND * 30);
    let mut order: Vec<usize> = (0..10).collect();
    order.rotate_left(4);
    order.swap(1, 6);
    let mut tasks = tokio::task::JoinSet::new();
    for at in order {
        let (handle, message) = (handle.clone(), messages[at].clone());
        tasks.spawn(async move { handle.commit_messages(&[message]).await });
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    let sent = commits(&kafka);
    assert!(sent.is_sorted(), "{sent:?}");
    assert_eq!(committed(&reader).await, Some(10));
    tokio::time::sleep(SECOND * 60).await;
    assert_eq!(committed(&reader).await, Some(10), "nothing came late");
}
