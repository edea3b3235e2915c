//! Membership without reading: generations, the functions in them, and what they commit.

use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::Refresh;
use ekafka_protocol::cold::{JoinGroupRequest, OffsetCommitRequest, OffsetFetchRequest};
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use super::setup::*;
use crate::assignor::CooperativeStickyAssignor;
use crate::{
    ConsumerGroup, ConsumerGroupBuilder, Generation, PartitionAssignment, ReaderError, StartOffset,
    TopicPartition,
};

fn group(kafka: &EmbeddedKafka) -> ConsumerGroupBuilder {
    let builder = ConsumerGroup::builder().cluster(cluster(kafka));
    builder.group_id("g").topics(["t"])
}

async fn next(group: &mut ConsumerGroup) -> Generation {
    let next = timeout(Duration::from_secs(120), group.next()).await;
    next.expect("a generation within two minutes").unwrap()
}

fn at(id: i32, offset: i64) -> PartitionAssignment {
    PartitionAssignment {
        id,
        offset: StartOffset::At(offset),
    }
}

fn first(id: i32) -> PartitionAssignment {
    PartitionAssignment {
        id,
        offset: StartOffset::First,
    }
}

fn partition(number: i32) -> TopicPartition {
    TopicPartition::new("t", number)
}

/// Runs until the generation ends, and tells when it has returned.
fn run_until_end(generation: &Generation) -> oneshot::Receiver<()> {
    let (tell, told) = oneshot::channel();
    generation.start(|mut end| async move {
        end.ended().await;
        let _ = tell.send(());
    });
    told
}

#[tokio::test(start_paused = true)]
async fn a_generation_says_where_each_partition_stands() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    let mut member = group(&kafka).topics(["t", "absent"]).build().unwrap();
    let generation = next(&mut member).await;
    assert_eq!(generation.group_id(), "g");
    assert_eq!(generation.assignments()["t"], [first(0), first(1)]);
    assert_eq!(generation.assignments()["absent"], []);
    generation
        .commit_offsets([(partition(1), 17)])
        .await
        .unwrap();
    member.close().await.unwrap();
    let mut member = group(&kafka)
        .start_offset(StartOffset::Last)
        .build()
        .unwrap();
    let generation = next(&mut member).await;
    let last = PartitionAssignment {
        id: 0,
        offset: StartOffset::Last,
    };
    assert_eq!(generation.assignments()["t"], [last, at(1, 17)]);
}

#[tokio::test(start_paused = true)]
async fn t84_a_function_that_returns_ends_the_generation() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    let mut other = run_until_end(&generation);
    assert!(!generation.end().has_ended());
    generation.start(|_| async {});
    let second = next(&mut member).await;
    assert!(generation.end().has_ended());
    // The other function had returned before.
    assert_eq!(other.try_recv(), Ok(()));
    assert!(second.id() > generation.id());
    assert_eq!(second.group_id(), generation.group_id());
    assert_eq!(second.member_id(), generation.member_id());
}

#[tokio::test(start_paused = true)]
async fn the_next_generation_waits_for_functions_of_the_one_before() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    let (finish, finished) = oneshot::channel::<()>();
    let inner = generation.clone();
    generation.start(|mut end| async move {
        end.ended().await;
        inner.commit_offsets([(partition(0), 5)]).await.unwrap();
        finished.await.unwrap();
    });
    generation.start(|_| async {});
    let early = timeout(Duration::from_secs(10), member.next()).await;
    assert!(early.is_err(), "{early:?}");
    finish.send(()).unwrap();
    // What was committed after the end is where the next one begins.
    assert_eq!(next(&mut member).await.assignments()["t"], [at(0, 5)]);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_outlasts_the_rebalance_timeout_costs_the_generation() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    let inner = generation.clone();
    let (tell, told) = oneshot::channel();
    generation.start(|mut end| async move {
        end.ended().await;
        sleep(Duration::from_secs(40)).await;
        let refused = inner.commit_offsets([(partition(0), 5)]).await;
        let _ = tell.send(refused);
    });
    generation.start(|_| async {});
    let second = next(&mut member).await;
    let refused = told.await.unwrap();
    assert!(
        matches!(&refused, Err(ReaderError::Kafka { code, .. }) if *code == ErrorCode::ILLEGAL_GENERATION),
        "{refused:?}"
    );
    assert_eq!(second.assignments()["t"], [first(0)]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_function_ends_the_generation_too() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    generation.start(|_| async { panic!("on purpose") });
    assert!(next(&mut member).await.id() > generation.id());
}

#[tokio::test(start_paused = true)]
async fn members_share_the_partitions_and_take_over_what_one_leaves() {
    let kafka = kafka().await;
    kafka.create_topic("t", 4).unwrap();
    let mut one = group(&kafka).build().unwrap();
    let generation = next(&mut one).await;
    assert_eq!(generation.assignments()["t"].len(), 4);
    let ended = run_until_end(&generation);
    let mut two = group(&kafka).build().unwrap();
    let (of_one, of_two) = tokio::join!(next(&mut one), next(&mut two));
    ended.await.unwrap();
    assert_eq!(of_one.id(), of_two.id());
    let mut all: Vec<i32> = [&of_one, &of_two]
        .iter()
        .flat_map(|generation| &generation.assignments()["t"])
        .map(|assigned| assigned.id)
        .collect();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3]);
    two.close().await.unwrap();
    assert_eq!(next(&mut one).await.assignments()["t"].len(), 4);
}

#[tokio::test(start_paused = true)]
async fn t85_next_can_be_given_up_and_is_refused_after_close() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    kafka
        .on_next(ApiKey::JOIN_GROUP)
        .delay(Duration::from_secs(3));
    let mut member = group(&kafka).build().unwrap();
    let given_up = timeout(Duration::from_secs(1), member.next()).await;
    assert!(given_up.is_err());
    next(&mut member).await;
    member.close().await.unwrap();
    let refused = member.next().await;
    assert!(matches!(refused, Err(ReaderError::Closed)), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn closing_ends_the_functions_commits_what_they_say_and_leaves_once() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    let inner = generation.clone();
    generation.start(|mut end| async move {
        end.ended().await;
        inner.commit_offsets([(partition(0), 3)]).await.unwrap();
    });
    member.close().await.unwrap();
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 1);
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
    let mut member = group(&kafka).build().unwrap();
    assert_eq!(next(&mut member).await.assignments()["t"], [at(0, 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_takes_longer_than_a_session_to_end_still_commits() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let second = Duration::from_secs(1);
    let group = group(&kafka).session_timeout(second * 10);
    let mut member = group.close_timeout(second * 100).build().unwrap();
    let generation = next(&mut member).await;
    let committing = generation.clone();
    let (tell, told) = oneshot::channel();
    generation.start(move |mut end| async move {
        end.ended().await;
        sleep(second * 50).await;
        let committed = committing.commit_offsets([(partition(0), 3)]).await;
        tell.send(committed).unwrap();
    });
    member.close().await.unwrap();
    told.await.unwrap().unwrap();
    assert_eq!(kafka.committed("g", "t", 0), Some(3));
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
    assert_eq!(kafka.requests_of(ApiKey::JOIN_GROUP).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn closing_a_member_takes_no_longer_than_its_timeout_and_says_so() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let limit = Duration::from_secs(3);
    let mut member = group(&kafka).close_timeout(limit).build().unwrap();
    next(&mut member).await;
    kafka.on_any().silence().times(usize::MAX);
    let begun = tokio::time::Instant::now();
    let error = member.close().await.unwrap_err();
    assert!(
        matches!(error, ReaderError::Timeout { after, .. } if after == limit),
        "{error}"
    );
    assert_eq!(begun.elapsed(), limit);
    member.close().await.unwrap();
    assert!(matches!(member.next().await, Err(ReaderError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn closing_a_group_that_never_began_sends_nothing() {
    let kafka = kafka().await;
    let mut member = group(&kafka).build().unwrap();
    member.close().await.unwrap();
    assert!(matches!(member.next().await, Err(ReaderError::Closed)));
    assert_eq!(kafka.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn t86_what_keeps_a_member_out_comes_out_of_next_and_it_leaves_once() {
    let refusals = [
        (
            ApiKey::FIND_COORDINATOR,
            ErrorCode::GROUP_AUTHORIZATION_FAILED,
        ),
        (ApiKey::JOIN_GROUP, ErrorCode::GROUP_AUTHORIZATION_FAILED),
        (ApiKey::JOIN_GROUP, ErrorCode::INVALID_SESSION_TIMEOUT),
        (ApiKey::JOIN_GROUP, ErrorCode::INCONSISTENT_GROUP_PROTOCOL),
        (ApiKey::SYNC_GROUP, ErrorCode::GROUP_AUTHORIZATION_FAILED),
        (ApiKey::SYNC_GROUP, ErrorCode::UNKNOWN_SERVER_ERROR),
        (ApiKey::OFFSET_FETCH, ErrorCode::GROUP_AUTHORIZATION_FAILED),
    ];
    for (api, code) in refusals {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        kafka.on_next(api).error(code).times(3);
        let mut member = group(&kafka).build().unwrap();
        let error = timeout(Duration::from_secs(60), member.next()).await;
        let error = error.expect("an error").expect_err("the refusal");
        let chain = format!("{error:?}");
        assert!(
            chain.contains(&format!("{code:?}")),
            "{api} {code}: {chain}"
        );
        // The member goes on by itself.
        let generation = loop {
            if let Ok(generation) = timeout(Duration::from_secs(60), member.next())
                .await
                .unwrap()
            {
                break generation;
            }
        };
        assert_eq!(generation.assignments()["t"], [first(0)]);
        member.close().await.unwrap();
        assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1, "{api}");
        assert_eq!(kafka.pending_faults(), 0, "{api}");
    }
}

#[tokio::test(start_paused = true)]
async fn t86_connections_that_keep_breaking_come_out_of_next() {
    for api in [
        ApiKey::FIND_COORDINATOR,
        ApiKey::JOIN_GROUP,
        ApiKey::SYNC_GROUP,
    ] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        kafka.on_next(api).drop_before().times(3);
        let mut member = group(&kafka).build().unwrap();
        let error = timeout(Duration::from_secs(60), member.next()).await;
        let error = error.expect("an error").expect_err("the break");
        assert!(matches!(error, ReaderError::Connection { .. }), "{error:?}");
        assert!(error.is_retriable());
        next(&mut member).await;
    }
}

#[tokio::test(start_paused = true)]
async fn t95_a_member_that_failed_to_sync_joins_again_as_the_same_one() {
    let kafka = kafka_with_bodies().await;
    kafka.create_topic("t", 1).unwrap();
    kafka
        .on_next(ApiKey::SYNC_GROUP)
        .error(ErrorCode::UNKNOWN_SERVER_ERROR);
    let mut member = group(&kafka).build().unwrap();
    let begun = tokio::time::Instant::now();
    let _told = member.next().await.expect_err("the refusal");
    let generation = next(&mut member).await;
    let joins = kafka.requests_of(ApiKey::JOIN_GROUP);
    let ids: Vec<String> = joins
        .iter()
        .filter_map(|request| request.decode::<JoinGroupRequest>())
        .map(|join| join.member_id.to_string())
        .collect();
    assert_eq!(ids.last().map(String::as_str), Some(generation.member_id()));
    // No member of an earlier try had to time out first.
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn t87_a_topic_that_grows_ends_the_generation() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let interval = Duration::from_secs(5);
    let watching = group(&kafka).watch_partition_changes(true);
    let mut member = watching.partition_watch_interval(interval).build().unwrap();
    let generation = next(&mut member).await;
    let ended = run_until_end(&generation);
    sleep(interval * 4).await;
    assert!(!generation.end().has_ended());
    kafka.add_partitions("t", 3).unwrap();
    timeout(interval * 4, ended)
        .await
        .expect("the end")
        .unwrap();
    assert_eq!(next(&mut member).await.assignments()["t"].len(), 3);
}

#[tokio::test(start_paused = true)]
async fn t87_a_topic_that_grows_while_a_generation_begins_ends_it() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let code = ErrorCode::UNSTABLE_OFFSET_COMMIT;
    kafka.on_next(ApiKey::OFFSET_FETCH).error(code).times(2);
    let cluster = cluster(&kafka);
    let watching = group(&kafka).cluster(cluster.clone());
    let watching = watching.watch_partition_changes(true);
    let mut member = watching.build().unwrap();
    let grow = async {
        while kafka.requests_of(ApiKey::OFFSET_FETCH).is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        kafka.add_partitions("t", 3).unwrap();
        cluster.invalidate(Refresh::All);
    };
    let (generation, ()) = tokio::join!(next(&mut member), grow);
    assert_eq!(generation.assignments()["t"].len(), 1);
    let known = cluster
        .view()
        .topic("t")
        .map(|topic| topic.partitions.len());
    assert_eq!(known, Some(3), "known before the generation was handed out");
    assert_eq!(next(&mut member).await.assignments()["t"].len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_a_generation_that_is_over_says_nothing_of_the_next() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let second = Duration::from_secs(1);
    let fetch = kafka.on_next(ApiKey::OFFSET_FETCH);
    let late = fetch.edit::<OffsetFetchRequest>(|answer| {
        answer.topics[0].partitions[0].committed_offset = 7;
    });
    drop(late.delay_answer(second * 5));
    let fetch = kafka.on_next(ApiKey::OFFSET_FETCH).skip(1);
    drop(fetch.delay_answer(second * 5));
    kafka
        .on_next(ApiKey::HEARTBEAT)
        .error(ErrorCode::ILLEGAL_GENERATION);
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    assert_eq!(generation.id(), 2);
    assert_eq!(generation.assignments()["t"], [first(0)]);
}

#[tokio::test(start_paused = true)]
async fn t87_a_topic_that_appears_ends_the_generation() {
    let kafka = kafka().await;
    let mut member = group(&kafka).watch_partition_changes(true).build().unwrap();
    let generation = next(&mut member).await;
    assert_eq!(generation.assignments()["t"], []);
    kafka.create_topic("t", 2).unwrap();
    let next = timeout(Duration::from_secs(20), member.next()).await;
    let next = next.expect("within four intervals").unwrap();
    assert_eq!(next.assignments()["t"].len(), 2);
}

#[tokio::test(start_paused = true)]
async fn t88_a_function_started_after_the_end_runs_and_is_told_so() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    generation.start(|_| async {});
    let second = next(&mut member).await;
    let (tell, mut told) = mpsc::channel(1);
    generation.start(|mut end| async move {
        assert!(end.has_ended());
        end.ended().await;
        let _ = tell.send(()).await;
        std::future::pending::<()>().await;
    });
    told.recv().await.unwrap();
    // Nobody waits for it, and the present generation goes on.
    assert!(!second.end().has_ended());
    second.start(|_| async {});
    next(&mut member).await;
}

#[tokio::test(start_paused = true)]
async fn t94_s38_a_commit_of_a_generation_that_is_over_never_reaches_the_broker() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    generation.start(|_| async {});
    let second = next(&mut member).await;
    let refused = generation.commit_offsets([(partition(0), 9)]).await;
    assert!(
        matches!(&refused, Err(ReaderError::Kafka { code, .. }) if *code == ErrorCode::ILLEGAL_GENERATION),
        "{refused:?}"
    );
    let foreign = second.commit_offsets([(partition(7), 9)]).await;
    assert!(
        matches!(foreign, Err(ReaderError::NotAssigned { .. })),
        "{foreign:?}"
    );
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 0);
    second.commit_offsets([]).await.unwrap();
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn s39_commits_go_one_by_one_in_the_order_of_the_calls() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    kafka
        .on_next(ApiKey::OFFSET_COMMIT)
        .delay_answer(Duration::from_secs(2));
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    let commit = |offset| {
        let generation = generation.clone();
        async move { generation.commit_offsets([(partition(0), offset)]).await }
    };
    let (one, two, three) = tokio::join!(commit(1), commit(2), commit(3));
    one.and(two).and(three).unwrap();
    member.close().await.unwrap();
    let mut member = group(&kafka).build().unwrap();
    assert_eq!(next(&mut member).await.assignments()["t"], [at(0, 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_commit_is_tried_three_times() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    let code = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
    kafka.on_next(ApiKey::OFFSET_COMMIT).error(code).times(2);
    generation
        .commit_offsets([(partition(0), 1)])
        .await
        .unwrap();
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 3);
    kafka.on_next(ApiKey::OFFSET_COMMIT).error(code).times(3);
    let refused = generation.commit_offsets([(partition(0), 2)]).await;
    assert!(
        matches!(&refused, Err(ReaderError::Kafka { code: of, .. }) if *of == code),
        "{refused:?}"
    );
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 6);
}

#[tokio::test(start_paused = true)]
async fn the_retention_time_travels_with_commits() {
    let kafka = kafka_with_bodies().await;
    kafka.create_topic("t", 1).unwrap();
    let hour = Duration::from_secs(3_600);
    let keeping = group(&kafka).retention_time(Some(hour));
    let mut member = keeping.build().unwrap();
    let generation = next(&mut member).await;
    generation
        .commit_offsets([(partition(0), 1)])
        .await
        .unwrap();
    let commits = kafka.requests_of(ApiKey::OFFSET_COMMIT);
    let commit = commits[0].decode::<OffsetCommitRequest>().unwrap();
    assert_eq!(commit.retention_time_ms, 3_600_000);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_another_replaced_stops() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let named = group(&kafka).group_instance_id("one");
    let mut old = named.clone().build().unwrap();
    let generation = next(&mut old).await;
    let ended = run_until_end(&generation);
    let mut new = named.build().unwrap();
    next(&mut new).await;
    let fenced = timeout(Duration::from_secs(20), old.next()).await.unwrap();
    let error = fenced.expect_err("fenced");
    assert!(error.is_fatal(), "{error:?}");
    ended.await.unwrap();
    assert!(matches!(old.next().await, Err(ReaderError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_group_ends_its_functions() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut member = group(&kafka).build().unwrap();
    let generation = next(&mut member).await;
    let ended = run_until_end(&generation);
    drop(member);
    timeout(Duration::from_secs(1), ended)
        .await
        .expect("at once")
        .unwrap();
    let refused = generation.commit_offsets([(partition(0), 1)]).await;
    assert!(matches!(refused, Err(ReaderError::Closed)), "{refused:?}");
}

#[test]
fn t82_every_fault_of_a_configuration_is_told_at_once() {
    let whole = || {
        ConsumerGroup::builder()
            .brokers(["127.0.0.1:9092"])
            .group_id("g")
            .topics(["t"])
    };
    assert!(whole().build().is_ok());
    let month = Duration::from_secs(31 * 24 * 3_600);
    let none: [&str; 0] = [];
    let cases: [(ConsumerGroupBuilder, &str); 15] = [
        (whole().brokers(none), "brokers or cluster"),
        (whole().brokers(["host:port"]), "host:port"),
        (whole().group_id(""), "the id is empty"),
        (whole().topics(none), "a topic is needed"),
        (whole().topics(["t", ""]), "a topic has no name"),
        (whole().assignors([]), "an assignor is needed"),
        (
            whole().assignors([Arc::new(CooperativeStickyAssignor) as _]),
            "a cooperative assignor needs a Reader",
        ),
        (
            whole().start_offset(StartOffset::At(4)),
            "neither first nor last",
        ),
        (
            whole().heartbeat_interval(Duration::ZERO),
            "heartbeat_interval is 0",
        ),
        (
            whole().session_timeout(Duration::from_secs(1)),
            "not below session_timeout",
        ),
        (
            whole().rebalance_timeout(Duration::ZERO),
            "rebalance_timeout is 0",
        ),
        (
            whole()
                .watch_partition_changes(true)
                .partition_watch_interval(Duration::ZERO),
            "partition_watch_interval is 0",
        ),
        (whole().timeout(Duration::ZERO), "timeout is 0"),
        (whole().rebalance_timeout(month), "above 24 days"),
        (whole().retention_time(Some(month)), "above 24 days"),
    ];
    for (builder, fault) in cases {
        let error = builder.build().expect_err(fault);
        assert!(error.to_string().contains(fault), "{error}");
    }
    let two = whole()
        .group_id("")
        .topics(none)
        .build()
        .expect_err("two faults");
    let ReaderError::Config { faults } = two else {
        panic!("{two:?}");
    };
    assert_eq!(faults.len(), 2);
}
