use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::{connect, resolve, share};
use crate::transport::resolver_fn;
use crate::{ConnConfig, ConnError, HostPort, Stage};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address that refuses: its listener is gone.
async fn closed_port() -> SocketAddr {
    listener().await.1
}

#[tokio::test]
async fn t35_resolver_is_asked_for_names_and_the_dialled_port_kept() {
    let resolver = resolver_fn(|host| {
        assert_eq!(host, "kafka");
        Ok(vec![
            SocketAddr::from(([10, 0, 0, 1], 0)),
            SocketAddr::from(([10, 0, 0, 2], 7)),
        ])
    });
    let config = ConnConfig::default().resolver(resolver);
    let found = resolve("kafka", 9092, &config).await.unwrap();
    let expected = ["10.0.0.1:9092", "10.0.0.2:9092"].map(|text| text.parse().unwrap());
    assert_eq!(found, expected);
    // Addresses need no resolver.
    let found = resolve("::1", 9092, &config).await.unwrap();
    assert_eq!(found, ["[::1]:9092".parse().unwrap()]);
}

#[tokio::test]
async fn name_without_address_fails_at_the_look_up() {
    let config = ConnConfig::default().resolver(resolver_fn(|_| Ok(Vec::new())));
    let broker = HostPort::new("kafka", 9092);
    let error = crate::transport::open(&broker, &config, 0, soon())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(
            error,
            ConnError::Open {
                stage: Stage::Resolve,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn every_address_is_tried() {
    let (_listener, open) = listener().await;
    for dual_stack in [true, false] {
        let config = ConnConfig::default().dual_stack(dual_stack);
        let addresses = vec![closed_port().await, closed_port().await, open];
        let stream = connect(addresses, &config, soon()).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        assert!(stream.nodelay().unwrap());
    }
}

#[tokio::test]
async fn s1_12_closed_port_is_named() {
    let closed = closed_port().await;
    let config = ConnConfig::default();
    let error = connect(vec![closed], &config, soon()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&closed.to_string()), "{error}");
    let broker = HostPort::new("127.0.0.1", closed.port());
    let error = crate::transport::open(&broker, &config, 0, soon())
        .await
        .err()
        .unwrap();
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
}

#[tokio::test]
async fn second_family_is_tried_when_the_first_fails() {
    let (_listener, open) = listener().await;
    let refused = SocketAddr::from((Ipv6Addr::LOCALHOST, closed_port().await.port()));
    // The head start must not be waited out: the first family has failed already.
    let config = ConnConfig::default()
        .dual_stack(true)
        .fallback_delay(Duration::from_secs(3600));
    let stream = connect(vec![refused, open], &config, soon()).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), open);
}

#[tokio::test]
async fn keep_alive_and_local_address_are_set() {
    let (_listener, open) = listener().await;
    let local = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
    let config = ConnConfig::default()
        .local_addr(local)
        .keep_alive(Some(Duration::from_secs(77)));
    // The other family cannot be reached from that address and is left out.
    let other = SocketAddr::from((Ipv6Addr::LOCALHOST, open.port()));
    let stream = connect(vec![other, open], &config, soon()).await.unwrap();
    assert_eq!(stream.local_addr().unwrap().ip(), local);
    let socket = SockRef::from(&stream);
    assert!(socket.keepalive().unwrap());
    assert_eq!(
        socket.tcp_keepalive_time().unwrap(),
        Duration::from_secs(77)
    );
    let error = connect(vec![other], &config, soon()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);

    let stream = connect(vec![open], &ConnConfig::default().keep_alive(None), soon()).await;
    assert!(!SockRef::from(&stream.unwrap()).keepalive().unwrap());
}

#[test]
fn time_is_shared_between_the_addresses_left() {
    let now = Instant::now();
    let check = |seconds: u64, left: usize, expected: u64| {
        let until = share(now, now + Duration::from_secs(seconds), left);
        assert_eq!(
            until - now,
            Duration::from_secs(expected),
            "{seconds} s, {left} left"
        );
    };
    check(10, 1, 10);
    check(10, 2, 5);
    check(10, 100, 2);
    check(1, 3, 1);
    check(0, 3, 0);
}
