use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};

use super::{Dialer, Judged, has_port, judge, pause, refused};
use crate::{Broker, ConnConfig, ConnError, HostPort, Partition, dial_async_fn, resolver_fn};

/// The address that a dial of `text` asks its dial function for, with a resolver that answers `port`.
async fn dialled(text: &str, port: u16) -> String {
    let seen = Arc::new(Mutex::new(String::new()));
    let note = Arc::clone(&seen);
    let dial = dial_async_fn(move |host, port| {
        *note.lock().unwrap() = format!("{host}:{port}");
        async { Err::<tokio::io::DuplexStream, _>(std::io::ErrorKind::ConnectionRefused.into()) }
    });
    let resolver = resolver_fn(move |_| Ok(vec![SocketAddr::from(([10, 0, 0, 1], port))]));
    let config = ConnConfig::default().dial_fn(dial).resolver(resolver);
    Dialer::new(config).dial(text).await.unwrap_err();
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[tokio::test]
async fn t35_resolvers_port_is_used_only_where_the_address_has_none() {
    assert_eq!(dialled("kafka", 0).await, "kafka:9092");
    assert_eq!(dialled("kafka", 19092).await, "kafka:19092");
    assert_eq!(dialled("kafka:7", 0).await, "kafka:7");
    assert_eq!(dialled("kafka:7", 19092).await, "kafka:7");
    assert_eq!(dialled("127.0.0.1", 19092).await, "127.0.0.1:9092");
}

#[test]
fn t36_forms_of_addresses() {
    for with in ["kafka:1", "[::1]:1", " kafka:1 "] {
        assert!(has_port(with), "{with}");
    }
    for without in ["kafka", "[::1]", "::1", "fe80::2"] {
        assert!(!has_port(without), "{without}");
    }
}

fn partition(id: i32, leader: i32) -> Partition {
    let host = if leader < 0 { "" } else { "kafka" };
    let leader = Broker {
        id: leader,
        host: host.to_owned(),
        port: 9092,
        rack: None,
    };
    Partition {
        topic: "topic".to_owned(),
        id,
        leader,
        replicas: Vec::new(),
        isr: Vec::new(),
        offline_replicas: Vec::new(),
        error: ErrorCode::NONE,
    }
}

#[test]
fn look_up_goes_on_only_while_that_can_help() {
    let broker = HostPort::new("kafka", 9092);
    let judge = |answer| judge(answer, 1, &broker);
    assert!(matches!(
        judge(Ok(vec![partition(0, 4), partition(1, 5)])),
        Judged::Found(_)
    ));
    let not_yet = |judged, expected| matches!(judged, Judged::NotYet(code) if code == expected);
    let no_leader = judge(Ok(vec![partition(1, -1)]));
    assert!(not_yet(no_leader, ErrorCode::LEADER_NOT_AVAILABLE));
    let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    assert!(not_yet(judge(Ok(Vec::new())), unknown));
    assert!(not_yet(judge(Err(refused(&broker, unknown))), unknown));
    // A partition that a known topic does not have will not appear by asking again.
    let absent = judge(Ok(vec![partition(0, 4)]));
    assert!(matches!(absent, Judged::Failed(ConnError::Kafka { code, .. }) if code == unknown));
    let denied = judge(Err(refused(&broker, ErrorCode::TOPIC_AUTHORIZATION_FAILED)));
    assert!(matches!(denied, Judged::Failed(_)));
}

#[test]
fn pauses_grow_with_the_square_of_the_attempt() {
    let milliseconds = |attempt| pause(attempt).as_millis();
    assert_eq!(
        [1, 2, 3, 9, 10, 11].map(milliseconds),
        [100, 400, 900, 8_100, 10_000, 10_000]
    );
    assert_eq!(pause(u32::MAX), Duration::from_secs(10));
}

#[tokio::test]
async fn partition_without_a_leader_is_not_dialled() {
    let error = Dialer::default()
        .dial_partition(&partition(0, -1))
        .await
        .unwrap_err();
    let expected = ErrorCode::LEADER_NOT_AVAILABLE;
    assert!(
        matches!(error, ConnError::Kafka { api: ApiKey::METADATA, code, .. } if code == expected)
    );
}
