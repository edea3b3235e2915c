use std::time::Duration;

use ekafka_protocol::messages::{ApiVersionsRequest, MetadataRequest, SaslHandshakeRequest};
use ekafka_protocol::{ApiKey, Frame, VersionRange};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::api::tests::{RawClient, in_memory};
use crate::{DelayProxy, EmbeddedKafka};

/// Asks for the versions over a TCP connection; the answer's length, or `None` when the connection is gone.
async fn ask(stream: &mut TcpStream) -> Option<u32> {
    let frame = Frame::request(0, 1, None, &ApiVersionsRequest::default()).unwrap();
    stream.write_all(&frame.to_bytes()).await.ok()?;
    let length = stream.read_u32().await.ok()?;
    stream
        .read_exact(&mut vec![0; length as usize])
        .await
        .ok()?;
    Some(length)
}

#[tokio::test]
async fn three_nodes_start_in_a_moment() {
    // A bound is not asserted: machines differ. The first start of a process is the slowest.
    let began = std::time::Instant::now();
    let kafka = EmbeddedKafka::builder().start().await.unwrap();
    println!("three nodes started in {:?}", began.elapsed());
    assert_eq!(kafka.addresses().len(), 3);
    for address in kafka.addresses() {
        assert!(
            ask(&mut TcpStream::connect(address).await.unwrap())
                .await
                .is_some()
        );
    }
}

#[tokio::test]
async fn a_stopped_node_frees_its_port_and_takes_it_again() {
    let kafka = EmbeddedKafka::builder().nodes(1).start().await.unwrap();
    let address = kafka.bootstrap();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    assert!(ask(&mut stream).await.is_some());
    kafka.stop_node(1).await;
    assert!(ask(&mut stream).await.is_none());
    assert!(TcpStream::connect(&address).await.is_err());
    kafka.start_node(1).await.unwrap();
    assert!(
        ask(&mut TcpStream::connect(&address).await.unwrap())
            .await
            .is_some()
    );
    kafka.drop_connections().await.unwrap();
    assert!(
        ask(&mut TcpStream::connect(&address).await.unwrap())
            .await
            .is_some()
    );
    drop(kafka);
    // The port closes with the cluster, as soon as its task has been dropped.
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_seed_makes_one_cluster() {
    async fn trace(seed: u64) -> (String, uuid::Uuid, i32) {
        let kafka = EmbeddedKafka::builder()
            .in_memory()
            .seed(seed)
            .start()
            .await
            .unwrap();
        let id = kafka.create_topic("t", 1).unwrap();
        let cluster = kafka.shared().cluster().cluster_id.clone();
        (cluster, id, kafka.leader("t", 0).unwrap())
    }
    assert_eq!(trace(3).await, trace(3).await);
    assert_ne!(trace(3).await, trace(4).await);
}

#[tokio::test(start_paused = true)]
async fn a_round_trip_delays_every_answer_and_not_the_rate() {
    let builder = EmbeddedKafka::builder()
        .nodes(1)
        .in_memory()
        .round_trip(Duration::from_millis(10));
    let kafka = builder.start().await.unwrap();
    let mut client = RawClient::to(&kafka, 1);
    let began = Instant::now();
    client.ask(0, &ApiVersionsRequest::default()).await;
    assert_eq!(began.elapsed(), Duration::from_millis(10));
    for _ in 0..100 {
        client.send(0, &ApiVersionsRequest::default()).await;
    }
    for _ in 0..100 {
        client.receive_any().await.unwrap();
    }
    assert_eq!(began.elapsed(), Duration::from_millis(20));
}

#[tokio::test]
async fn a_delay_proxy_leads_to_its_target_and_ends_with_it() {
    let kafka = EmbeddedKafka::builder().nodes(1).start().await.unwrap();
    let target = kafka.bootstrap().parse().unwrap();
    let proxy = DelayProxy::start(target, Duration::from_millis(30))
        .await
        .unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let began = Instant::now();
    assert!(ask(&mut stream).await.is_some());
    assert!(began.elapsed() >= Duration::from_millis(30));
    kafka.stop_node(1).await;
    assert!(ask(&mut stream).await.is_none());
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "has not logged in")]
async fn a_strict_cluster_fails_the_test_of_a_client_that_does_not_log_in() {
    let builder = EmbeddedKafka::builder()
        .nodes(1)
        .in_memory()
        .sasl_plain("bob", "secret")
        .strict();
    let kafka = builder.start().await.unwrap();
    let mut client = RawClient::to(&kafka, 1);
    client.send(1, &MetadataRequest::default()).await;
    assert!(client.receive_any().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn limited_apis_are_announced_so_and_refused_beyond() {
    let kafka = EmbeddedKafka::builder()
        .nodes(1)
        .in_memory()
        .limit_api(ApiKey::METADATA, VersionRange::new(0, 4))
        .limit_api(ApiKey::SASL_HANDSHAKE, VersionRange::EMPTY)
        .start()
        .await
        .unwrap();
    let mut client = RawClient::to(&kafka, 1);
    let answer = client.ask(0, &ApiVersionsRequest::default()).await;
    let found = |key| {
        answer
            .api_keys
            .iter()
            .find(|api| api.api_key == key)
            .map(|api| api.versions)
    };
    assert_eq!(found(ApiKey::METADATA), Some(VersionRange::new(0, 4)));
    assert_eq!(found(ApiKey::SASL_HANDSHAKE), None);
    client.ask(4, &MetadataRequest::default()).await;
    client.send(5, &MetadataRequest::default()).await;
    assert!(client.receive_any().await.is_none());
    let mut client = RawClient::to(&kafka, 1);
    client.send(1, &SaslHandshakeRequest::default()).await;
    assert!(client.receive_any().await.is_none());
    assert_eq!(kafka.violations().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn answers_can_be_cut_replaced_repeated_and_withheld() {
    let kafka = in_memory(1).await;
    let request = ApiVersionsRequest::default();
    let mut client = RawClient::to(&kafka, 1);
    kafka.on_next(ApiKey::API_VERSIONS).cut(3);
    client.send(0, &request).await;
    assert_eq!(client.read_to_end().await.len(), 3);

    let mut client = RawClient::to(&kafka, 1);
    kafka
        .on_next(ApiKey::API_VERSIONS)
        .replace(&b"\0\0\0\x02hi"[..]);
    client.send(0, &request).await;
    assert_eq!(&client.receive_any().await.unwrap()[..], b"hi");
    kafka.on_next(ApiKey::API_VERSIONS).repeat_answer(2);
    client.send(0, &request).await;
    assert_eq!(client.receive_any().await, client.receive_any().await);

    kafka.on_next(ApiKey::API_VERSIONS).silence();
    client.send(0, &request).await;
    let waited = tokio::time::timeout(Duration::from_secs(3600), client.receive_any()).await;
    assert!(waited.is_err());

    let mut other = RawClient::to(&kafka, 1);
    kafka
        .on_any()
        .drop_before()
        .skip(1)
        .when(|request| request.client_id.as_deref() == Some("raw"));
    other.ask(0, &request).await;
    other.send(0, &request).await;
    assert!(other.receive_any().await.is_none());
    assert_eq!(kafka.requests_of(ApiKey::API_VERSIONS).len(), 6);
}

#[tokio::test(start_paused = true)]
async fn answers_can_be_edited() {
    let kafka = in_memory(3).await;
    let mut client = RawClient::to(&kafka, 1);
    kafka
        .on_next(ApiKey::METADATA)
        .edit::<MetadataRequest>(|answer| answer.brokers.clear());
    for version in [1, 12] {
        assert_eq!(
            client
                .ask(version, &MetadataRequest::default())
                .await
                .brokers
                .len(),
            if version == 1 { 0 } else { 3 }
        );
    }
}

#[tokio::test(start_paused = true)]
async fn connections_can_be_closed_delayed_and_left_in_silence() {
    let kafka = in_memory(2).await;
    kafka.on_connect().node(2).close();
    kafka.on_connect().node(2).delay(Duration::from_secs(5));
    kafka.on_connect().node(2).silence();
    let request = ApiVersionsRequest::default();
    RawClient::to(&kafka, 1).ask(0, &request).await;
    assert!(RawClient::to(&kafka, 2).receive_any().await.is_none());
    let began = Instant::now();
    RawClient::to(&kafka, 2).ask(0, &request).await;
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    let mut silent = RawClient::to(&kafka, 2);
    silent.send(0, &request).await;
    let waited = tokio::time::timeout(Duration::from_secs(3600), silent.receive_any()).await;
    assert!(waited.is_err());
    assert_eq!(kafka.pending_faults(), 0);
    RawClient::to(&kafka, 2).ask(0, &request).await;
}

#[tokio::test(start_paused = true)]
async fn bodies_are_kept_when_asked_for() {
    let builder = EmbeddedKafka::builder()
        .nodes(1)
        .in_memory()
        .keep_bodies(true);
    let kafka = builder.start().await.unwrap();
    let mut client = RawClient::to(&kafka, 1);
    client.ask(1, &MetadataRequest::default()).await;
    let logged = kafka.requests();
    assert!(logged[0].decode::<MetadataRequest>().is_some());
    assert!(logged[0].decode::<ApiVersionsRequest>().is_none());
}
