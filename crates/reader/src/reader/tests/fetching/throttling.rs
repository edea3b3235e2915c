//! Brokers that ask for a pause (KIP-124, KIP-219).

use std::time::Duration;

use ekafka_protocol::cold::{
    FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest,
    ListOffsetsRequest, OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
};
use ekafka_protocol::messages::{FetchRequest, MetadataRequest};
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::{EmbeddedKafka, LoggedRequest};
use tokio::time::{sleep, timeout};

use super::super::setup::*;
use crate::TopicPartition;
use crate::reader::Reader;

/// Longer than a member leaves any connection alone by itself, but for the one that it joins by.
const PAUSE: Duration = Duration::from_secs(4);
const PAUSE_MS: i32 = 4_000;

const ROUND_TRIP: Duration = Duration::from_millis(2);

#[tokio::test(start_paused = true)]
async fn s30_a_throttled_fetch_is_followed_by_its_pause_and_by_no_new_connection() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    offsets(&mut reader, 5).await;
    let connections = kafka.accepted_connections();
    kafka
        .on_next(ApiKey::FETCH)
        .edit::<FetchRequest>(|answer| answer.throttle_time_ms = PAUSE_MS)
        .times(3);
    kafka.clear_requests();
    for offset in 5..9 {
        write(&kafka, "t", 0, 1);
        assert_eq!(offsets(&mut reader, 1).await, [offset]);
    }
    let fetches = kafka.requests_of(ApiKey::FETCH);
    for two in fetches.windows(2).take(2) {
        assert!(
            two[1].at - two[0].at >= PAUSE,
            "{:?}",
            two[1].at - two[0].at
        );
    }
    assert_eq!(kafka.accepted_connections(), connections);
}

/// Has the next answer of that kind ask for a pause.
fn throttle(kafka: &EmbeddedKafka, api: ApiKey) {
    let next = kafka.on_next(api);
    drop(match api {
        ApiKey::METADATA => next.edit::<MetadataRequest>(|a| a.throttle_time_ms = PAUSE_MS),
        ApiKey::FIND_COORDINATOR => {
            next.edit::<FindCoordinatorRequest>(|a| a.throttle_time_ms = PAUSE_MS)
        }
        ApiKey::JOIN_GROUP => next.edit::<JoinGroupRequest>(|a| a.throttle_time_ms = PAUSE_MS),
        ApiKey::SYNC_GROUP => next.edit::<SyncGroupRequest>(|a| a.throttle_time_ms = PAUSE_MS),
        ApiKey::OFFSET_FETCH => next.edit::<OffsetFetchRequest>(|a| a.throttle_time_ms = PAUSE_MS),
        ApiKey::LIST_OFFSETS => next.edit::<ListOffsetsRequest>(|a| a.throttle_time_ms = PAUSE_MS),
        ApiKey::FETCH => next.edit::<FetchRequest>(|a| a.throttle_time_ms = PAUSE_MS),
        ApiKey::HEARTBEAT => next.edit::<HeartbeatRequest>(|a| a.throttle_time_ms = PAUSE_MS),
        ApiKey::OFFSET_COMMIT => {
            next.edit::<OffsetCommitRequest>(|a| a.throttle_time_ms = PAUSE_MS)
        }
        ApiKey::LEAVE_GROUP => next.edit::<LeaveGroupRequest>(|a| a.throttle_time_ms = PAUSE_MS),
        other => panic!("{other}"),
    });
}

async fn read_and_commit(reader: &mut Reader, from: i64, to: i64) {
    for offset in from..to {
        let message = fetch(reader).await;
        assert_eq!(message.offset(), offset);
        reader.commit_messages(&[message]).await.unwrap();
    }
}

/// All that a member does: it joins, reads and commits, rebalances, reads on and leaves. An answer of kind `api` asks for
/// a pause, first, or once things have settled. How many connections it took.
async fn member(api: Option<ApiKey>, is_late: bool) -> u64 {
    let kafka = kafka_with(1, |builder| builder.round_trip(ROUND_TRIP)).await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let group = builder(&kafka).topic("t").group_id("g");
    // A pause that counted would use up all attempts.
    let mut reader = group.request_timeout(PAUSE / 8).build().unwrap();
    let mut before = None;
    let mut arm = |now: bool| {
        if let Some(api) = api.filter(|_| now == is_late) {
            before = Some(kafka.requests().len());
            throttle(&kafka, api);
        }
    };
    arm(false);
    read_and_commit(&mut reader, 0, 3).await;
    sleep(Duration::from_secs(10)).await;
    arm(true);
    let code = ErrorCode::REBALANCE_IN_PROGRESS;
    kafka.on_next(ApiKey::HEARTBEAT).skip(1).error(code);
    let early = timeout(Duration::from_secs(20), reader.fetch_message()).await;
    assert!(early.is_err(), "{early:?}");
    write(&kafka, "t", 0, 3);
    read_and_commit(&mut reader, 3, 6).await;
    sleep(Duration::from_secs(10)).await;
    let errors = reader.stats().errors;
    assert_eq!(errors, 0, "{api:?}");
    reader.close().await.unwrap();
    assert_eq!(kafka.committed("g", "t", 0), Some(6), "{api:?}");
    if let (Some(api), Some(before)) = (api, before) {
        assert_paused(&kafka.requests()[before..], api);
    }
    kafka.accepted_connections()
}

/// The connection of the first request of that kind was left alone for a pause after its answer.
fn assert_paused(requests: &[LoggedRequest], api: ApiKey) {
    let throttled = requests.iter().position(|request| request.api == api);
    let throttled = throttled.unwrap_or_else(|| panic!("no {api}"));
    let (request, later) = (&requests[throttled], &requests[throttled + 1..]);
    // What was on its way when the answer was given came in time.
    let next = later.iter().find(|later| {
        later.connection == request.connection && later.at >= request.at + ROUND_TRIP
    });
    let is_last = [ApiKey::LEAVE_GROUP, ApiKey::SYNC_GROUP].contains(&api);
    assert!(next.is_some() || is_last, "nothing follows {api}");
    if let Some(next) = next {
        let pause = next.at - request.at;
        assert!(pause >= PAUSE, "{api}, {}: {pause:?}", next.api);
    }
}

#[tokio::test(start_paused = true)]
async fn s30_a_pause_in_any_answer_is_kept_counts_for_no_timeout_and_costs_no_connection() {
    let usual = member(None, false).await;
    for api in [
        ApiKey::METADATA,
        ApiKey::FIND_COORDINATOR,
        ApiKey::JOIN_GROUP,
        ApiKey::SYNC_GROUP,
        ApiKey::OFFSET_FETCH,
        ApiKey::LIST_OFFSETS,
        ApiKey::FETCH,
        ApiKey::HEARTBEAT,
        ApiKey::OFFSET_COMMIT,
    ] {
        assert!(member(Some(api), false).await <= usual, "{api} first");
    }
    for api in [
        ApiKey::JOIN_GROUP,
        ApiKey::OFFSET_FETCH,
        ApiKey::FETCH,
        ApiKey::HEARTBEAT,
        ApiKey::OFFSET_COMMIT,
        ApiKey::LEAVE_GROUP,
    ] {
        assert!(member(Some(api), true).await <= usual, "{api} later");
    }
}

#[tokio::test(start_paused = true)]
async fn s30_new_positions_do_not_get_round_a_pause() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    for partition in 0..2 {
        write(&kafka, "t", partition, 5);
    }
    let reader = builder(&kafka).topic("t").partitions(0..2);
    let mut reader = reader.build().unwrap();
    offsets(&mut reader, 10).await;
    throttle(&kafka, ApiKey::FETCH);
    // The fetch under way is answered without a pause, and the next one with it.
    for _ in 0..2 {
        write(&kafka, "t", 0, 1);
        offsets(&mut reader, 1).await;
    }
    kafka.clear_requests();
    let begun = tokio::time::Instant::now();
    for _ in 0..5 {
        reader.seek(&TopicPartition::new("t", 1), 2).await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(offsets(&mut reader, 3).await, [2, 3, 4]);
    let took = begun.elapsed();
    let longest = PAUSE + Duration::from_millis(100);
    assert!((PAUSE..=longest).contains(&took), "{took:?}");
    let first = &kafka.requests_of(ApiKey::FETCH)[0];
    assert!(first.at - begun >= PAUSE, "{:?}", first.at - begun);
}
