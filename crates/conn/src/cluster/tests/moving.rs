//! Clusters whose brokers move: a scripted world in which each address answers with what the test says.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ekafka_protocol::messages::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, MetadataBroker, MetadataRequest,
    MetadataResponse,
};
use ekafka_protocol::{
    ApiKey, BrokerRequest, Frame, Request, RequestHeader, StrBytes, VersionRange,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use super::{Cluster, To, within};
use crate::{BrokerId, ConnConfig, ConnError, Purpose, Refresh, dial_fn};

/// What the network looks like at the moment.
#[derive(Default)]
struct World {
    /// Hosts that answer.
    alive: BTreeSet<String>,
    /// Hosts that take connections and say nothing, and these connections.
    silent: BTreeSet<String>,
    held: Vec<DuplexStream>,
    /// The brokers that every answer lists: host by id.
    brokers: BTreeMap<i32, String>,
    /// Hosts dialled, in order.
    dialled: Vec<String>,
}

type Shared = Arc<Mutex<World>>;

fn world(alive: &[&str], brokers: &[(i32, &str)]) -> (Shared, ConnConfig) {
    let world = Shared::default();
    change(&world, alive, brokers);
    let seen = world.clone();
    let dial = dial_fn(move |host, _| {
        let mut now = seen.lock().unwrap();
        now.dialled.push(host.to_owned());
        if !now.alive.contains(host) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        if now.silent.contains(host) {
            now.held.push(theirs);
            return Ok(ours);
        }
        #[expect(clippy::disallowed_methods, reason = "the scripted broker")]
        tokio::spawn(serve(seen.clone(), host.to_owned(), theirs));
        Ok(ours)
    });
    (world, ConnConfig::default().dial_fn(dial))
}

fn change(world: &Shared, alive: &[&str], brokers: &[(i32, &str)]) {
    let mut world = world.lock().unwrap();
    world.alive = alive.iter().map(|host| (*host).to_owned()).collect();
    world.brokers = brokers
        .iter()
        .map(|(id, host)| (*id, (*host).to_owned()))
        .collect();
    world.dialled.clear();
}

async fn serve(world: Shared, host: String, mut stream: DuplexStream) {
    while let Ok(length) = stream.read_i32().await {
        let mut frame = bytes::BytesMut::zeroed(length as usize);
        if stream.read_exact(&mut frame).await.is_err()
            || !world.lock().unwrap().alive.contains(&host)
        {
            return;
        }
        let header = RequestHeader::decode(&mut frame.freeze()).unwrap();
        let bytes = if header.api == ApiKey::API_VERSIONS {
            let listed = |api_key, versions| ApiVersion { api_key, versions };
            answer::<ApiVersionsRequest>(
                &header,
                &ApiVersionsResponse {
                    api_keys: vec![
                        listed(ApiKey::API_VERSIONS, VersionRange::new(0, 4)),
                        listed(ApiKey::METADATA, MetadataRequest::VERSIONS),
                    ],
                    ..ApiVersionsResponse::default()
                },
            )
        } else {
            let brokers = world.lock().unwrap().brokers.clone();
            answer::<MetadataRequest>(
                &header,
                &MetadataResponse {
                    cluster_id: Some(StrBytes::from_static_str("one")),
                    brokers: brokers
                        .into_iter()
                        .map(|(node_id, host)| MetadataBroker {
                            node_id,
                            host: StrBytes::from_string(host),
                            port: 9092,
                            rack: None,
                        })
                        .collect(),
                    ..MetadataResponse::default()
                },
            )
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

fn answer<R: BrokerRequest>(header: &RequestHeader, response: &R::Response) -> bytes::Bytes {
    let frame = Frame::response::<R>(header.version, header.correlation_id, response);
    frame.unwrap().to_bytes()
}

#[tokio::test(start_paused = true)]
async fn s62_all_known_brokers_replaced_are_found_through_the_bootstrap_address() {
    let (world, config) = world(&["seed", "a", "b"], &[(1, "a"), (2, "b")]);
    let cluster = Cluster::new(["seed"], config).unwrap();
    let view = cluster.view_newer_than(0, within(5)).await.unwrap();
    assert_eq!(view.brokers().len(), 2);
    cluster
        .connection(BrokerId(1), Purpose::Produce)
        .await
        .unwrap();
    change(&world, &["seed", "c", "d"], &[(3, "c"), (4, "d")]);
    let start = Instant::now();
    let request = MetadataRequest::default();
    cluster
        .send(To::Any, Purpose::General, &request)
        .await
        .unwrap_err();
    let view = cluster
        .view_newer_than(view.generation, within(20))
        .await
        .unwrap();
    let ids: Vec<i32> = view.brokers().map(|broker| broker.id.0).collect();
    assert_eq!(ids, [3, 4]);
    cluster
        .send(To::Any, Purpose::General, &request)
        .await
        .unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn s62_the_bootstrap_addresses_are_asked_once_per_interval_while_nothing_answers() {
    let (world, config) = world(&["seed", "a"], &[(1, "a")]);
    let config = config.rebootstrap_interval(Duration::from_secs(60));
    let cluster = Cluster::new(["seed"], config).unwrap();
    let generation = cluster
        .view_newer_than(0, within(5))
        .await
        .unwrap()
        .generation;
    change(&world, &[], &[]);
    cluster.invalidate(Refresh::All);
    cluster
        .view_newer_than(generation, within(600))
        .await
        .unwrap_err();
    let dialled = world.lock().unwrap().dialled.clone();
    let seeds = dialled.iter().filter(|host| *host == "seed").count();
    assert!((9..=11).contains(&seeds), "{seeds} in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn s63_a_broker_that_moves_is_dialled_anew_and_its_old_connection_ends() {
    let (world, config) = world(&["a", "b"], &[(1, "a"), (2, "b")]);
    let cluster = Cluster::new(["a"], config).unwrap();
    let view = cluster.view_newer_than(0, within(5)).await.unwrap();
    let old = cluster
        .connection(BrokerId(2), Purpose::Produce)
        .await
        .unwrap();
    assert_eq!(old.address().host(), "b");
    // Broker 1 now answers where broker 2 was.
    change(&world, &["a", "b", "c"], &[(1, "b"), (2, "c")]);
    cluster.invalidate(Refresh::All);
    cluster
        .view_newer_than(view.generation, within(5))
        .await
        .unwrap();
    assert!(old.is_closed());
    assert!(
        cluster
            .ready_connection(BrokerId(2), Purpose::Produce)
            .is_none()
    );
    let new = cluster
        .connection(BrokerId(2), Purpose::Produce)
        .await
        .unwrap();
    assert_eq!(new.address().host(), "c");
    let other = cluster
        .connection(BrokerId(1), Purpose::Produce)
        .await
        .unwrap();
    assert_eq!(other.address().host(), "b");
}

#[tokio::test(start_paused = true)]
async fn b64_a_broker_that_left_leaves_no_connection_behind() {
    let (world, config) = world(&["a", "b"], &[(1, "a"), (2, "b")]);
    let cluster = Cluster::new(["a"], config).unwrap();
    let view = cluster.view_newer_than(0, within(5)).await.unwrap();
    let gone = cluster
        .connection(BrokerId(2), Purpose::Fetch)
        .await
        .unwrap();
    change(&world, &["a", "b"], &[(1, "a")]);
    cluster.invalidate(Refresh::All);
    cluster
        .view_newer_than(view.generation, within(5))
        .await
        .unwrap();
    assert!(gone.is_closed());
    let error = gone
        .send(&MetadataRequest::default(), within(5))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnError::Disconnected { sent: false, .. }),
        "{error}"
    );
    assert!(error.is_retriable());
}

/// A broker that was started anew somewhere else: nothing comes back from where it was, and nobody waits for that.
#[tokio::test(start_paused = true)]
async fn a_dial_to_where_a_broker_was_ends_when_it_is_known_to_have_moved() {
    let (world, config) = world(&["a", "b", "gone"], &[(1, "a"), (2, "gone")]);
    world.lock().unwrap().silent.insert("gone".to_owned());
    let cluster = Cluster::new(["a"], config).unwrap();
    let view = cluster.view_newer_than(0, within(5)).await.unwrap();
    let start = Instant::now();
    let dialling = cluster.connection(BrokerId(2), Purpose::Produce);
    let moving = async {
        while world.lock().unwrap().held.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        change(&world, &["a", "b"], &[(1, "a"), (2, "b")]);
        cluster.invalidate(Refresh::All);
        cluster
            .view_newer_than(view.generation, within(5))
            .await
            .unwrap();
    };
    let (dialled, ()) = tokio::join!(dialling, moving);
    let error = dialled.unwrap_err();
    assert!(error.is_retriable() && !error.maybe_sent(), "{error}");
    cluster
        .connection(BrokerId(2), Purpose::Produce)
        .await
        .unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}
