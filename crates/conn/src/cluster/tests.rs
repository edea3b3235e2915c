//! A cluster against the embedded broker, in memory and under a paused clock.

mod addresses;
mod coordinators;
mod moving;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ekafka_protocol::messages::MetadataRequest;
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Cluster, To};
use crate::address::HostPort;
use crate::broker::Purpose;
use crate::config::ConnConfig;
use crate::coordinator::CoordinatorKind;
use crate::error::ConnError;
use crate::ids::{BrokerId, LeaderEpoch};
use crate::refresh::Refresh;
use crate::view::LeaderHint;
use crate::{dial_async_fn, dial_fn};

async fn kafka(nodes: u16) -> EmbeddedKafka {
    EmbeddedKafka::builder()
        .nodes(nodes)
        .in_memory()
        .start()
        .await
        .unwrap()
}

/// A cluster handle on `kafka`, and how often it dialled.
fn cluster(kafka: &EmbeddedKafka) -> (Cluster, Arc<AtomicUsize>) {
    cluster_with(kafka, |config| config)
}

fn cluster_with(
    kafka: &EmbeddedKafka,
    adjust: impl FnOnce(ConnConfig) -> ConnConfig,
) -> (Cluster, Arc<AtomicUsize>) {
    let dials = Arc::new(AtomicUsize::new(0));
    let (connector, counter) = (kafka.connector(), dials.clone());
    let dial = dial_fn(move |host, port| {
        counter.fetch_add(1, Ordering::Relaxed);
        connector.connect(host, port)
    });
    let config = adjust(ConnConfig::default().dial_fn(dial));
    (Cluster::new([kafka.bootstrap()], config).unwrap(), dials)
}

fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_while_the_view_is_looked_at_is_not_missed() {
    let kafka = kafka(1).await;
    let (cluster, _) = cluster(&kafka);
    let (broker, address) = (BrokerId(7), HostPort::new("elsewhere", 1));
    let waiting = cluster.wait_for(within(5), |view| {
        if view.broker(broker).is_some() {
            return Some(Ok(()));
        }
        // Another thread takes an answer over at this very moment.
        let shared = cluster.shared();
        assert!(shared.replace_view(|view| view.with_broker(broker, &address)));
        None
    });
    waiting.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_first_use_finds_the_whole_cluster() {
    let kafka = kafka(3).await;
    let (cluster, dials) = cluster(&kafka);
    assert_eq!(
        (cluster.view().generation, dials.load(Ordering::Relaxed)),
        (0, 0)
    );
    let view = cluster.view_newer_than(0, within(10)).await.unwrap();
    let ids: Vec<i32> = view.brokers().map(|broker| broker.id.0).collect();
    assert_eq!(ids, kafka.node_ids());
    assert_eq!(view.controller(), Some(BrokerId(kafka.controller())));
    assert_eq!(dials.load(Ordering::Relaxed), 1);
    // The bootstrap connection serves as that broker's own.
    cluster
        .send(To::Any, Purpose::General, &MetadataRequest::default())
        .await
        .unwrap();
    assert_eq!(dials.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn each_purpose_has_its_connection_and_a_hundred_callers_share_it() {
    let kafka = kafka(1).await;
    let (cluster, dials) = cluster(&kafka);
    let broker = BrokerId(kafka.node_ids()[0]);
    assert!(cluster.ready_connection(broker, Purpose::Produce).is_none());
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let cluster = cluster.clone();
        callers.spawn(async move { cluster.connection(broker, Purpose::Produce).await.unwrap() });
    }
    callers.join_all().await;
    assert_eq!(
        dials.load(Ordering::Relaxed),
        2,
        "one for metadata, one to produce"
    );
    cluster.connection(broker, Purpose::Fetch).await.unwrap();
    assert!(cluster.ready_connection(broker, Purpose::Produce).is_some());
    assert_eq!(dials.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_waited_for_until_it_exists() {
    let kafka = kafka(1).await;
    let (cluster, _) = cluster(&kafka);
    let waiting = cluster.topic("late", within(30));
    let creating = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        kafka.create_topic("late", 3).unwrap();
    };
    let (view, ()) = tokio::join!(waiting, creating);
    assert_eq!(view.unwrap().topic("late").unwrap().partitions.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_topic_is_an_error_at_the_deadline_and_is_never_created_by_looking() {
    let kafka = EmbeddedKafka::builder()
        .auto_create(true)
        .in_memory()
        .start()
        .await
        .unwrap();
    let (cluster, _) = cluster(&kafka);
    let start = Instant::now();
    let error = cluster.topic("absent", within(3)).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(3));
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert!(
        matches!(&error, ConnError::Topic { code, .. } if *code == unknown),
        "{error}"
    );
    assert!(error.to_string().contains("absent"));
    cluster.topic_or_create("absent", within(3)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refused_topic_is_an_error_at_once() {
    let kafka = kafka(1).await;
    let (cluster, _) = cluster(&kafka);
    let error = cluster
        .topic("not a topic name!", within(30))
        .await
        .unwrap_err();
    let invalid = ErrorCode::INVALID_TOPIC_EXCEPTION;
    assert!(
        matches!(error, ConnError::Topic { code, .. } if code == invalid),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn s60_a_thousand_waiters_share_one_request_per_backoff() {
    let kafka = kafka(1).await;
    let (cluster, _) = cluster(&kafka);
    cluster.view_newer_than(0, within(5)).await.unwrap();
    kafka.clear_requests();
    let mut waiters = JoinSet::new();
    for _ in 0..1_000 {
        let cluster = cluster.clone();
        waiters.spawn(async move { cluster.topic("late", within(30)).await.map(drop) });
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    kafka.create_topic("late", 1).unwrap();
    for found in waiters.join_all().await {
        found.unwrap();
    }
    let asked = kafka.requests_of(ApiKey::METADATA).len();
    assert!(
        (10..=23).contains(&asked),
        "{asked} requests in about 2.1 s at 100 ms each"
    );
}

#[tokio::test(start_paused = true)]
async fn a_moved_leader_is_found_and_a_hint_needs_no_request() {
    let kafka = kafka(3).await;
    kafka.create_topic("moving", 1).unwrap();
    let (cluster, _) = cluster(&kafka);
    let view = cluster.topic("moving", within(5)).await.unwrap();
    let (old, epoch) = view.leader("moving", 0).unwrap();
    assert_eq!(old.0, kafka.leader("moving", 0).unwrap());
    let new = kafka
        .node_ids()
        .into_iter()
        .find(|id| *id != old.0)
        .unwrap();
    kafka.move_leader("moving", 0, new).unwrap();
    cluster.invalidate(Refresh::Topic("moving".into()));
    let view = cluster
        .view_newer_than(view.generation, within(5))
        .await
        .unwrap();
    let (leader, newer) = view.leader("moving", 0).unwrap();
    assert_eq!(leader.0, new);
    assert!(newer > epoch);
    kafka.clear_requests();
    cluster.invalidate(Refresh::Leader(LeaderHint {
        topic: "moving".into(),
        partition: 0,
        leader: old,
        leader_epoch: LeaderEpoch(newer.0 + 1),
        address: None,
    }));
    assert_eq!(cluster.view().leader("moving", 0).unwrap().0, old);
    assert!(kafka.requests_of(ApiKey::METADATA).is_empty());
}

#[tokio::test(start_paused = true)]
async fn tracked_topics_are_read_again_at_the_maximum_age() {
    let kafka = kafka(1).await;
    kafka.create_topic("growing", 1).unwrap();
    let (cluster, _) = cluster_with(&kafka, |config| {
        config.metadata_max_age(Duration::from_secs(60))
    });
    cluster.track("growing");
    cluster.topic("growing", within(5)).await.unwrap();
    kafka.add_partitions("growing", 4).unwrap();
    let start = Instant::now();
    let mut view = cluster.view();
    while view.topic("growing").unwrap().partitions.len() < 4 {
        view = cluster
            .view_newer_than(view.generation, within(300))
            .await
            .unwrap();
    }
    assert!(
        start.elapsed() <= Duration::from_secs(61),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn coordinators_are_found_remembered_and_forgotten() {
    let kafka = kafka(3).await;
    let (cluster, _) = cluster(&kafka);
    let group = CoordinatorKind::Group;
    let found = cluster.coordinator(group, "g").await.unwrap();
    assert_eq!(cluster.coordinator(group, "g").await.unwrap(), found);
    assert_eq!(kafka.requests_of(ApiKey::FIND_COORDINATOR).len(), 1);
    let other = kafka
        .node_ids()
        .into_iter()
        .find(|id| *id != found.0)
        .unwrap();
    kafka.set_coordinator("g", Some(other), false);
    cluster.forget_coordinator(group, "g");
    assert_eq!(cluster.coordinator(group, "g").await.unwrap().0, other);
    cluster
        .coordinator(CoordinatorKind::Transaction, "t")
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_is_not_ready_is_asked_for_again() {
    let kafka = kafka(1).await;
    let (cluster, _) = cluster(&kafka);
    let code = ErrorCode::COORDINATOR_NOT_AVAILABLE;
    kafka.on_next(ApiKey::FIND_COORDINATOR).error(code).times(3);
    cluster
        .coordinator(CoordinatorKind::Group, "g")
        .await
        .unwrap();
    assert_eq!(kafka.requests_of(ApiKey::FIND_COORDINATOR).len(), 4);
    let denied = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    kafka.on_next(ApiKey::FIND_COORDINATOR).error(denied);
    let error = cluster
        .coordinator(CoordinatorKind::Group, "h")
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnError::Kafka { code, .. } if code == denied),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn s57_a_connection_closed_by_the_broker_is_replaced_without_an_error() {
    let kafka = kafka(1).await;
    let (cluster, _) = cluster(&kafka);
    let broker = BrokerId(kafka.node_ids()[0]);
    for _ in 0..3 {
        let to = To::Broker(broker);
        cluster
            .send(to, Purpose::General, &MetadataRequest::default())
            .await
            .unwrap();
        kafka.drop_connections().await.unwrap();
        // The client notices at its next turn.
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn s58_every_bootstrap_address_is_tried_and_named() {
    let config = ConnConfig::default().dial_fn(dial_async_fn(|_, _| async {
        Err::<tokio::io::DuplexStream, _>(std::io::ErrorKind::ConnectionRefused.into())
    }));
    let cluster = Cluster::new(["a:1,b:2", "[::1]:3"], config).unwrap();
    let start = Instant::now();
    let error = cluster.view_newer_than(0, within(5)).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let text = error.to_string();
    for address in ["a:1", "b:2", "[::1]:3"] {
        assert!(text.contains(address), "{text}");
    }
    assert!(error.is_retriable());
}

#[tokio::test(start_paused = true)]
async fn s59_a_dead_cluster_is_dialled_no_more_often_than_the_backoff_allows() {
    let dials = Arc::new(AtomicUsize::new(0));
    let counter = dials.clone();
    let config = ConnConfig::default()
        .reconnect_backoff(Duration::from_millis(50), Duration::from_secs(10))
        .dial_fn(dial_async_fn(move |_, _| {
            counter.fetch_add(1, Ordering::Relaxed);
            async {
                Err::<tokio::io::DuplexStream, _>(std::io::ErrorKind::ConnectionRefused.into())
            }
        }));
    let cluster = Cluster::new(["a:1"], config).unwrap();
    let mut users = JoinSet::new();
    for _ in 0..20 {
        let cluster = cluster.clone();
        let deadline = within(600);
        users.spawn(async move { cluster.view_newer_than(0, deadline).await.map(drop) });
    }
    for outcome in users.join_all().await {
        outcome.unwrap_err();
    }
    let dials = dials.load(Ordering::Relaxed);
    // 600 s at 8 to 12 s each, and the short waits before.
    assert!((40..=90).contains(&dials), "{dials}");
}

#[tokio::test(start_paused = true)]
async fn s62_a_cluster_that_moved_is_found_through_its_bootstrap_name() {
    let first = kafka(1).await;
    let second = Arc::new(std::sync::Mutex::new(None));
    let (old, new) = (first.connector(), second.clone());
    let dial = dial_fn(move |host, port| match &*new.lock().unwrap() {
        None => old.connect(host, port),
        // The name leads to the new place; the old addresses answer nobody.
        Some((connector, host, port)) => {
            let connector: &ekafka_testkit::Connector = connector;
            let host: &String = host;
            connector.connect(host, *port)
        }
    });
    let config = ConnConfig::default().dial_fn(dial);
    let cluster = Cluster::new([first.bootstrap()], config).unwrap();
    cluster.view_newer_than(0, within(5)).await.unwrap();
    let node = first.node_ids()[0];
    first.stop_node(node).await;
    let moved = kafka(1).await;
    let address: HostPort = moved.bootstrap().parse().unwrap();
    *second.lock().unwrap() = Some((moved.connector(), address.host().to_owned(), address.port()));
    // Another cluster id lives there: it is reported, and nothing is sent across.
    let generation = cluster.view().generation;
    cluster.invalidate(Refresh::All);
    let error = cluster
        .view_newer_than(generation, within(5))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(text.contains("INCONSISTENT_CLUSTER_ID"), "S63: {text}");
    assert_eq!(cluster.view().generation, generation);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_down_and_comes_back_is_used_again() {
    let kafka = kafka(3).await;
    let (cluster, _) = cluster(&kafka);
    cluster.view_newer_than(0, within(5)).await.unwrap();
    let node = kafka.node_ids()[1];
    let to = To::Broker(BrokerId(node));
    let request = MetadataRequest::default();
    cluster.send(to, Purpose::Produce, &request).await.unwrap();
    kafka.stop_node(node).await;
    let error = cluster
        .send(to, Purpose::Produce, &request)
        .await
        .unwrap_err();
    assert!(error.is_retriable(), "{error}");
    kafka.start_node(node).await.unwrap();
    let start = Instant::now();
    while cluster.send(to, Purpose::Produce, &request).await.is_err() {
        let generation = cluster.view().generation;
        cluster.invalidate(Refresh::All);
        cluster
            .view_newer_than(generation, within(5))
            .await
            .unwrap();
    }
    assert!(
        start.elapsed() <= Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn requests_to_an_unknown_broker_say_so() {
    let kafka = kafka(1).await;
    let (cluster, _) = cluster(&kafka);
    let error = cluster
        .connection(BrokerId(77), Purpose::General)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("77"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_dropped_leaves_no_connection() {
    let kafka = kafka(3).await;
    let (cluster, _) = cluster(&kafka);
    for node in kafka.node_ids() {
        for purpose in [
            Purpose::Produce,
            Purpose::Fetch,
            Purpose::Group,
            Purpose::General,
        ] {
            cluster.connection(BrokerId(node), purpose).await.unwrap();
        }
    }
    assert_eq!(kafka.open_connections(), 12);
    let clone = cluster.clone();
    drop(cluster);
    clone
        .send(
            To::Controller,
            Purpose::General,
            &MetadataRequest::default(),
        )
        .await
        .unwrap();
    drop(clone);
    let start = Instant::now();
    while kafka.open_connections() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(start.elapsed() < Duration::from_secs(1), "S69");
    }
}

#[test]
fn bad_bootstrap_addresses_are_all_named() {
    let error = Cluster::new(["a:0", "ok:1,b:x"], ConnConfig::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a:0") && error.contains("b:x") && !error.contains("ok:1"),
        "{error}"
    );
    assert!(Cluster::new(Vec::<String>::new(), ConnConfig::default()).is_err());
    assert!(Cluster::new([" , "], ConnConfig::default()).is_err());
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_is_a_bootstrap_address_too_is_told_once() {
    let kafka = kafka(1).await;
    let (cluster, _) = cluster(&kafka);
    let view = cluster.view_newer_than(0, within(5)).await.unwrap();
    assert_eq!(
        view.brokers().next().unwrap().address.to_string(),
        kafka.bootstrap()
    );
    kafka.stop_node(1).await;
    cluster.invalidate(Refresh::All);
    let failed = cluster.view_newer_than(view.generation, within(5)).await;
    let Err(ConnError::NoBroker { attempts, .. }) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(attempts.len(), 1, "{attempts:?}");
}
