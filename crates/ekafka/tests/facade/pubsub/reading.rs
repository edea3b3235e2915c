//! How subscriptions read, option by option.

use std::time::Duration;

use ekafka::consumerserver::Stage;
use ekafka::{ApiKey, ConnConfig, Dialer, ErrorCode, ReaderBuilder};
use ekafka_protocol::cold::{JoinGroupRequest, OffsetCommitRequest};
use ekafka_protocol::messages::FetchRequest;
use tokio::time::{Instant, sleep};

use super::*;
use crate::rig::soon;

/// S4.13: acknowledged messages are committed at once, or together at the interval.
#[tokio::test(start_paused = true)]
async fn commits_are_collected_for_the_interval() {
    let kafka = cluster().await;
    let option = with_commit_interval(Duration::from_secs(5));
    let slow = waiting(&kafka, [option]);
    for text in ["a", "b", "c"] {
        publish_text(&slow, "t", text, []).await.unwrap();
    }
    let (_one, mut events) = listen(&slow, "t", [with_queue_name("slow")]).await;
    for text in ["a", "b", "c"] {
        assert_eq!(next(&mut events).await, text);
    }
    sleep(Duration::from_secs(3)).await;
    assert!(kafka.requests_of(ApiKey::OFFSET_COMMIT).is_empty());
    sleep(Duration::from_secs(4)).await;
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 1);

    let quick = waiting(&kafka, []);
    let (_two, mut events) = listen(&quick, "t", [with_queue_name("quick")]).await;
    for text in ["a", "b", "c"] {
        assert_eq!(next(&mut events).await, text);
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 4);
}

/// S4.28, S4.29, S4.32: the fields of fetch requests.
#[tokio::test(start_paused = true)]
async fn fetches_ask_for_what_the_options_say() {
    let all = [
        with_min_bytes(2),
        with_max_bytes(3_000),
        with_max_wait(Duration::from_secs(7)),
    ];
    for (options, expected) in [
        (Vec::from(all), (2, 3_000, 7_000)),
        (Vec::new(), (1, 1 << 20, 500)),
    ] {
        let kafka = cluster().await;
        let broker = waiting(&kafka, options);
        publish_text(&broker, "t", "x", []).await.unwrap();
        let (_one, mut events) = listen(&broker, "t", []).await;
        next(&mut events).await;
        let fetch: FetchRequest = kafka.requests_of(ApiKey::FETCH)[0].decode().unwrap();
        assert_eq!(
            (fetch.min_bytes, fetch.max_bytes, fetch.max_wait_ms),
            expected
        );
    }
}

/// S4.27: a reader goes on trying; failures in a row are told from that attempt on.
#[tokio::test(start_paused = true)]
async fn failures_are_told_once_the_attempts_are_used_up() {
    for (attempts, expected) in [(Some(1), 2), (Some(2), 1), (None, 0)] {
        let kafka = cluster().await;
        let (tell, mut told) = mpsc::unbounded_channel();
        let handler = with_error_handler(move |error| tell.send(error.stage).unwrap());
        let options = [handler].into_iter();
        let broker = waiting(&kafka, options.chain(attempts.map(with_max_attempts)));
        publish_text(&broker, "t", "x", []).await.unwrap();
        let fault = kafka.on_next(ApiKey::LIST_OFFSETS);
        drop(fault.error(ErrorCode::LEADER_NOT_AVAILABLE).times(2));
        let (_one, mut events) = listen(&broker, "t", []).await;
        assert_eq!(next(&mut events).await, "x");
        let mut count = 0;
        while let Ok(stage) = told.try_recv() {
            assert_eq!(stage, Stage::Fetch);
            count += 1;
        }
        assert_eq!(count, expected, "{attempts:?}");
    }
}

/// S4.41, S4.47: the fields of join requests.
#[tokio::test(start_paused = true)]
async fn members_join_with_the_timeouts_of_the_options() {
    let session = with_session_timeout(Duration::from_secs(20));
    let rebalance = with_rebalance_timeout(Duration::from_secs(40));
    for (options, expected) in [
        (vec![session, rebalance], (20_000, 40_000)),
        (vec![], (30_000, 30_000)),
    ] {
        let kafka = cluster().await;
        let broker = waiting(&kafka, options);
        publish_text(&broker, "t", "x", []).await.unwrap();
        let (_one, mut events) = listen(&broker, "t", []).await;
        next(&mut events).await;
        let join: JoinGroupRequest = kafka.requests_of(ApiKey::JOIN_GROUP)[0].decode().unwrap();
        let found = (join.session_timeout_ms, join.rebalance_timeout_ms);
        assert_eq!(found, expected);
    }
}

/// S4.24: the spacing of heartbeats.
#[tokio::test(start_paused = true)]
async fn heartbeats_come_at_their_interval() {
    for (option, range) in [(Some(1), 28..=31), (None, 9..=11)] {
        let kafka = cluster().await;
        let option = option.map(|interval| with_heartbeat_interval(Duration::from_secs(interval)));
        let broker = waiting(&kafka, option);
        let (_one, _events) = listen(&broker, "t", []).await;
        sleep(Duration::from_secs(30)).await;
        let beats = kafka.requests_of(ApiKey::HEARTBEAT).len();
        assert!(range.contains(&beats), "{beats}");
    }
}

/// S4.43: commits say how long they are to be kept, in the last version that can.
#[tokio::test(start_paused = true)]
async fn offsets_are_kept_for_the_retention_time() {
    for (option, expected) in [(Some(3_600), 3_600_000), (None, -1)] {
        let kafka = cluster().await;
        let option = option.map(|time| with_retention_time(Duration::from_secs(time)));
        let broker = waiting(&kafka, option);
        publish_text(&broker, "t", "x", []).await.unwrap();
        let (subscriber, mut events) = listen(&broker, "t", []).await;
        next(&mut events).await;
        soon(subscriber.unsubscribe()).await.unwrap();
        let commits = kafka.requests_of(ApiKey::OFFSET_COMMIT);
        let commit: OffsetCommitRequest = commits[0].decode().unwrap();
        assert_eq!(commit.retention_time_ms, expected);
    }
}

/// S4.48: from the first message or from the end; where the group has committed counts first.
#[tokio::test(start_paused = true)]
async fn reading_begins_at_the_start_offset() {
    let kafka = cluster().await;
    let all = waiting(&kafka, []);
    publish_text(&all, "t", "early", []).await.unwrap();
    let new = waiting(&kafka, [with_start_offset(-1)]);
    let (_new, mut of_new) = listen(&new, "t", []).await;
    let explicit = waiting(&kafka, [with_start_offset(-2)]);
    let (_explicit, mut of_explicit) = listen(&explicit, "t", []).await;
    let (_all, mut of_all) = listen(&all, "t", []).await;
    assert_eq!(next(&mut of_all).await, "early");
    assert_eq!(next(&mut of_explicit).await, "early");
    sleep(Duration::from_secs(5)).await;
    publish_text(&all, "t", "late", []).await.unwrap();
    assert_eq!(next(&mut of_new).await, "late");
    assert_eq!(next(&mut of_all).await, "late");
}

/// S4.34, S4.50: a new partition is found at the interval, and not when nobody looks.
#[tokio::test(start_paused = true)]
async fn new_partitions_are_found_when_they_are_watched_for() {
    for (options, found_in) in [
        (vec![], Some(5..7)),
        (
            vec![with_partition_watch_interval(Duration::from_secs(20))],
            Some(19..22),
        ),
        (vec![with_watch_partition_changes(false)], None),
    ] {
        let kafka = cluster().await;
        let broker = waiting(&kafka, options);
        publish_text(&broker, "t", "old", []).await.unwrap();
        let (_one, mut events) = listen(&broker, "t", []).await;
        assert_eq!(next(&mut events).await, "old");
        kafka.add_partitions("t", 2).unwrap();
        let begun = Instant::now();
        let other = waiting(&kafka, []);
        publish_text(&other, "t", "new", [with_partition(1)])
            .await
            .unwrap();
        let minute = Duration::from_secs(60);
        let event = tokio::time::timeout(minute, events.recv()).await;
        let took = begun.elapsed().as_secs();
        match found_in {
            Some(range) => assert!(event.is_ok() && range.contains(&took), "{took}"),
            None => assert!(event.is_err(), "found after {took} s"),
        }
    }
}

/// S4.37: what is fetched ahead of a handler that does not come back.
#[tokio::test(start_paused = true)]
async fn no_more_is_fetched_ahead_than_the_queue_takes() {
    let mut fetches = Vec::new();
    for capacity in [Some(2), None] {
        let kafka = cluster().await;
        kafka.create_topic("wide", 20).unwrap();
        // An answer brings two or three messages, each a batch of its own; then other partitions are asked for.
        let options = [
            with_max_bytes(200),
            with_max_wait(Duration::from_secs(3_600)),
        ];
        let options = options.into_iter().chain(capacity.map(with_queue_capacity));
        let broker = waiting(&kafka, options);
        for index in 0..40 {
            let options = [with_partition(index % 20)];
            publish_text(&broker, "wide", "x", options).await.unwrap();
        }
        let handler = |_context, _event| std::future::pending();
        let subscriber = broker.subscribe("wide", handler, []).await.unwrap();
        sleep(Duration::from_secs(20)).await;
        fetches.push(kafka.requests_of(ApiKey::FETCH).len());
        drop(subscriber);
    }
    assert!(fetches[0] <= 4, "{fetches:?}");
    assert!(fetches[1] >= 8, "{fetches:?}");
}

/// S4.38: the group's lag is looked up at the interval.
#[tokio::test(start_paused = true)]
async fn the_lag_is_looked_up_at_its_interval() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, [with_read_lag_interval(Duration::from_secs(10))]);
    publish_text(&broker, "t", "first", []).await.unwrap();
    let (subscriber, mut events) = listen(&broker, "t", []).await;
    next(&mut events).await;
    assert_eq!(subscriber.lag(), None, "not looked up yet");
    sleep(Duration::from_secs(11)).await;
    assert_eq!(subscriber.lag(), Some(0));
    soon(subscriber.unsubscribe()).await.unwrap();

    let stuck = |_context, event: Event| async move {
        if event.body() == b"first" {
            return Ok(());
        }
        std::future::pending().await
    };
    let stuck = broker.subscribe("t", stuck, []).await.unwrap();
    for _ in 0..3 {
        publish_text(&broker, "t", "x", []).await.unwrap();
    }
    sleep(Duration::from_secs(11)).await;
    assert_eq!(stuck.lag(), Some(3));

    let never = waiting(&kafka, [with_read_lag_interval(Duration::ZERO)]);
    let (never, _events) = listen(&never, "t", []).await;
    sleep(Duration::from_secs(120)).await;
    assert_eq!(never.lag(), None);
}

/// S4.40: a whole configuration takes the place of what was said; later options change it.
#[tokio::test(start_paused = true)]
async fn a_reader_configuration_replaces_what_was_said() {
    let kafka = cluster().await;
    let config = ReaderBuilder::default()
        .max_wait(Duration::from_secs(9))
        .min_bytes(3);
    let options = [
        with_max_bytes(3_000),
        with_reader_config(config),
        with_min_bytes(2),
    ];
    let broker = waiting(&kafka, options);
    publish_text(&broker, "t", "x", []).await.unwrap();
    let (_one, mut events) = listen(&broker, "t", []).await;
    next(&mut events).await;
    let fetch: FetchRequest = kafka.requests_of(ApiKey::FETCH)[0].decode().unwrap();
    let found = (fetch.min_bytes, fetch.max_bytes, fetch.max_wait_ms);
    assert_eq!(found, (2, 1 << 20, 9_000));
}

/// C-15: a subscription may be set otherwise than its broker.
#[tokio::test(start_paused = true)]
async fn a_subscription_may_read_otherwise() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, [with_min_bytes(2)]);
    publish_text(&broker, "t", "x", []).await.unwrap();
    let option = with_subscribe_reader(|reader| reader.max_wait(Duration::from_secs(9)));
    let (_one, mut events) = listen(&broker, "t", [option]).await;
    next(&mut events).await;
    let fetch: FetchRequest = kafka.requests_of(ApiKey::FETCH)[0].decode().unwrap();
    assert_eq!((fetch.min_bytes, fetch.max_wait_ms), (2, 9_000));
}

/// S4.16: the dialer's settings hold for readers and writers.
#[tokio::test(start_paused = true)]
async fn the_dialer_connects_readers_and_writers() {
    let kafka = cluster().await;
    let dialer = Dialer::new(dialing(&kafka).client_id("sensors"));
    let broker = waiting(&kafka, [with_dialer(dialer)]);
    publish_text(&broker, "t", "x", []).await.unwrap();
    let (_one, mut events) = listen(&broker, "t", []).await;
    next(&mut events).await;
    for api in [ApiKey::PRODUCE, ApiKey::FETCH] {
        let request = &kafka.requests_of(api)[0];
        assert_eq!(request.client_id.as_deref(), Some("sensors"));
    }
}

/// S4.17: a connection that is not answered is given up after the dialer's timeout.
#[tokio::test(start_paused = true)]
async fn dialling_is_given_up_after_its_timeout() {
    for (option, wait) in [(None, 10), (Some(2), 2)] {
        let kafka = cluster().await;
        kafka.on_connect().silence();
        let option = option.map(|wait| with_dialer_timeout(Duration::from_secs(wait)));
        let patient = with_read_timeout(Duration::from_secs(60));
        let broker = waiting(&kafka, [patient].into_iter().chain(option));
        let begun = Instant::now();
        publish_text(&broker, "t", "x", []).await.unwrap();
        let took = begun.elapsed().as_secs();
        assert!((wait..wait + 2).contains(&took), "{took}");
    }
}

/// A dialer made by itself is dialled with.
#[test]
fn a_dialer_tells_its_configuration() {
    let dialer = Dialer::new(ConnConfig::default().client_id("sensors"));
    assert_eq!(dialer.config().client_name(), "sensors");
}
