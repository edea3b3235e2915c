use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{ConnConfig, ConnError, Dialer, Stage, dial_fn, resolver_fn};
use ekafka_protocol::{ApiKey, ErrorCode};
use tokio::net::TcpListener;

use super::any;
use crate::support::{Kafka, host_and_port};

#[tokio::test]
async fn t01_closing_right_after_dialling() {
    let kafka = Kafka::start().await;
    any(&kafka).await.close().unwrap();
}

#[tokio::test]
async fn t32_look_up_tells_leader_and_replicas() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let (dialer, address) = (Dialer::default(), &kafka.brokers()[0]);
    let found = dialer.lookup_partition(address, &topic, 0).await.unwrap();
    assert_eq!((found.topic.as_str(), found.id), (topic.as_str(), 0));
    assert!(found.replicas.contains(&found.leader));
    assert!(found.isr.contains(&found.leader));
    assert_eq!(found.offline_replicas, []);
    assert_eq!(
        dialer.lookup_leader(address, &topic, 0).await.unwrap(),
        found.leader
    );
    assert_eq!(
        dialer.lookup_partitions(address, &topic).await.unwrap(),
        [found]
    );
}

#[tokio::test]
async fn s1_11_s3_45_leader_is_dialled_through_any_broker() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let config = ConnConfig::default()
        .timeout(Duration::from_secs(10))
        .dual_stack(true);
    let dialer = Dialer::new(config);
    for address in kafka.brokers() {
        let conn = dialer.dial_leader(address, &topic, 0).await.unwrap();
        let leader = conn.read_partitions(&[]).await.unwrap().remove(0).leader;
        let remote: SocketAddr = leader.address().parse().unwrap();
        assert_eq!(conn.remote_addr(), Some(remote));
        assert!(conn.local_addr().is_some());
        assert_eq!((conn.topic(), conn.partition()), (topic.as_str(), 0));
    }
}

#[tokio::test]
async fn s3_44_options_of_the_dialer_work_together() {
    let kafka = Kafka::start().await;
    for dual_stack in [true, false] {
        let config = ConnConfig::default()
            .client_id("dialer-test")
            .dual_stack(dual_stack)
            .keep_alive(Some(Duration::from_secs(30)))
            .local_addr("127.0.0.1".parse().unwrap());
        Dialer::new(config).dial(&kafka.brokers()[0]).await.unwrap();
    }
}

#[tokio::test]
async fn s1_12_closed_port_is_an_error_that_names_it() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let address = format!("127.0.0.1:{port}");
    let error = Dialer::default()
        .dial_leader(&address, "topic", 0)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ConnError::Open {
                stage: Stage::Connect,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains(&address), "{error}");
}

#[tokio::test]
async fn dial_to_a_silent_port_ends_at_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let config = ConnConfig::default().timeout(Duration::from_millis(100));
    let error = Dialer::new(config).dial(&address).await.unwrap_err();
    assert!(
        matches!(
            error,
            ConnError::Timeout {
                stage: Stage::Versions,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn t35_resolver_turns_names_into_addresses() {
    let kafka = Kafka::start().await;
    let (host, port) = host_and_port(&kafka.brokers()[0]);
    let real: SocketAddr = format!("{host}:{port}").parse().unwrap();
    // Without a port of its own, with the right one, and with a wrong one where the address has the right one.
    let cases = [
        (format!("kafka.test:{port}"), SocketAddr::new(real.ip(), 0)),
        ("kafka.test".to_owned(), real),
        (format!("kafka.test:{port}"), SocketAddr::new(real.ip(), 1)),
    ];
    for (address, answer) in cases {
        let resolver = resolver_fn(move |name| {
            assert_eq!(name, "kafka.test");
            Ok(vec![answer])
        });
        let dialer = Dialer::new(ConnConfig::default().resolver(resolver));
        let conn = dialer.dial(&address).await.unwrap();
        assert_eq!(conn.remote_addr(), Some(real));
    }
}

#[tokio::test]
async fn s1_30_dropping_the_last_handle_closes_the_socket() {
    let kafka = ekafka_testkit::EmbeddedKafka::builder()
        .in_memory()
        .start()
        .await
        .unwrap();
    let address = kafka.addresses().remove(0);
    let connector = kafka.connector();
    let dial = dial_fn(move |host, port| connector.connect(host, port));
    let dialer = Dialer::new(ConnConfig::default().dial_fn(dial));
    let conn = dialer.dial(&address).await.unwrap();
    let clone = conn.clone();
    drop(conn);
    assert_eq!(clone.brokers().await.unwrap().len(), 3);
    assert_eq!(kafka.open_connections(), 1);
    drop(clone);
    while kafka.open_connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn c_22_look_ups_create_no_topic() {
    let kafka = Kafka::start().await;
    let topic = kafka.unique("absent");
    let config = ConnConfig::default().timeout(Duration::from_millis(300));
    let dialer = Dialer::new(config);
    let error = dialer
        .dial_leader(&kafka.brokers()[0], &topic, 0)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
    let found = any(&kafka).await.read_partitions(&[]).await.unwrap();
    assert!(found.iter().all(|partition| partition.topic != topic));
}

#[tokio::test]
async fn absent_partition_of_a_known_topic_fails_at_once() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(2).await;
    let look_up = Dialer::default()
        .lookup_partition(&kafka.brokers()[0], &topic, 2)
        .await;
    assert_eq!(
        look_up.unwrap_err().code(),
        Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
    );
}

#[tokio::test]
async fn d_3_look_up_waits_for_a_leader() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let topic = kafka.topic(1).await;
    embedded.clear_requests();
    embedded
        .on_next(ApiKey::METADATA)
        .error(ErrorCode::LEADER_NOT_AVAILABLE);
    let found = Dialer::default()
        .lookup_leader(&kafka.brokers()[0], &topic, 0)
        .await
        .unwrap();
    assert!(found.id >= 0);
    assert_eq!(embedded.requests_of(ApiKey::METADATA).len(), 2);
}

#[tokio::test]
async fn client_id_is_sent() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let config = ConnConfig::default().client_id("named");
    let conn = Dialer::new(config).dial(&kafka.brokers()[0]).await.unwrap();
    conn.brokers().await.unwrap();
    let seen = embedded.requests_of(ApiKey::METADATA);
    assert_eq!(
        seen.last().and_then(|request| request.client_id.as_deref()),
        Some("named")
    );
}

/// Keeps a trait object's place in the public API.
#[test]
fn dial_functions_are_shareable() {
    fn shareable<T: Send + Sync + ?Sized>(_: &Arc<T>) {}
    let never =
        |_: &str, _: u16| Err::<tokio::io::DuplexStream, _>(std::io::ErrorKind::Unsupported.into());
    shareable(&dial_fn(never));
}
