use std::io;
use std::time::Duration;

use ekafka_protocol::messages::MetadataRequest;
use ekafka_protocol::{ApiKey, DecodeError};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::peer::{Peer, connected, encoded, metadata_answer, pipe, raw_frame, soon};
use crate::{ConnConfig, ConnError, Connection, Stage};

/// Sends `bytes` as the answer to a request, and returns what the request and one behind it end with.
async fn answered_with(bytes: impl FnOnce(i32) -> Vec<u8>) -> (ConnError, ConnError, Connection) {
    let (connection, mut peer) = connected().await;
    let request = MetadataRequest::default();
    let misbehaving = async {
        let (header, _) = peer.request().await;
        peer.request().await;
        // The connection may end before everything is written.
        let _ = peer.0.write_all(&bytes(header.correlation_id)).await;
        peer
    };
    let (first, second, _peer) = tokio::join!(
        connection.send(&request, soon()),
        connection.send(&request, soon()),
        misbehaving
    );
    (first.unwrap_err(), second.unwrap_err(), connection)
}

#[tokio::test(start_paused = true)]
async fn s55_a_foreign_correlation_id_ends_the_connection_for_everyone() {
    let start = Instant::now();
    for offset in [1, 2, -1, 1_000] {
        let (first, second, connection) =
            answered_with(|id| raw_frame(id.wrapping_add(offset), &[0; 40])).await;
        let expected = Stage::Request(ApiKey::METADATA);
        assert!(
            matches!(&first, ConnError::Malformed { stage, .. } if *stage == expected),
            "{first}"
        );
        assert_eq!(first.to_string(), second.to_string());
        assert!(connection.is_closed());
    }
    assert_eq!(
        start.elapsed(),
        Duration::ZERO,
        "found at once, not at a deadline"
    );
}

#[tokio::test(start_paused = true)]
async fn s55_an_answer_of_another_shape_ends_the_connection() {
    for body in [vec![], vec![0; 3], vec![0xff; 64], vec![1; 4_000]] {
        let (first, second, connection) = answered_with(|id| raw_frame(id, &body)).await;
        assert!(matches!(first, ConnError::Malformed { .. }), "{first}");
        assert!(matches!(second, ConnError::Malformed { .. }), "{second}");
        assert!(connection.is_closed());
    }
}

#[tokio::test(start_paused = true)]
async fn c8_an_answer_with_bytes_left_over_is_an_error() {
    let (connection, mut peer) = connected().await;
    let request = MetadataRequest::default();
    let misbehaving = async {
        let (header, _) = peer.request().await;
        let mut bytes = encoded::<MetadataRequest>(&header, &metadata_answer("x")).to_vec();
        bytes.push(0);
        let length = bytes.len() as i32 - 4;
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        peer.send(&bytes).await;
    };
    let (answer, ()) = tokio::join!(connection.send(&request, soon()), misbehaving);
    assert!(
        matches!(answer, Err(ConnError::Malformed { .. })),
        "{answer:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn h01_bad_frame_lengths_end_the_connection() {
    let cap = 100 * 1024 * 1024;
    for length in [0, 3, -1, i32::MIN, i32::MAX, cap + 1] {
        let (first, _, connection) = answered_with(|_| length.to_be_bytes().to_vec()).await;
        let ConnError::Malformed { cause, .. } = &first else {
            panic!("{first}");
        };
        assert!(matches!(**cause, DecodeError::Length { .. }), "{cause}");
        assert!(connection.is_closed());
    }
}

#[tokio::test(start_paused = true)]
async fn h06_bytes_nobody_asked_for_close_the_connection_at_once() {
    for unasked in [vec![0], raw_frame(7, &[0; 10]), vec![0; 1_000_000]] {
        let (connection, mut peer) = connected().await;
        let flooding = async {
            let _ = peer.0.write_all(&unasked).await;
            // The client hangs up without being asked.
            while peer.0.write_all(&unasked).await.is_ok() {}
        };
        flooding.await;
        let error = connection
            .send(&MetadataRequest::default(), soon())
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                ConnError::Malformed {
                    stage: Stage::Nothing,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn h03_other_protocols_are_named_in_the_error() {
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice();
    let alert = [0x15, 3, 3, 0, 2, 2, 70].as_slice();
    for (banner, hint) in [
        (http, "HTTP"),
        (alert, "TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
    ] {
        let (config, mut peer) = pipe(1 << 16);
        let opening = Connection::open("kafka", 9092, &config);
        let (opened, ()) = tokio::join!(opening, peer.send(banner));
        let error = opened.unwrap_err();
        assert!(
            matches!(
                error,
                ConnError::Malformed {
                    stage: Stage::Versions,
                    ..
                }
            ),
            "{error}"
        );
        let text = error.to_string();
        assert!(text.contains(hint) && text.contains("kafka:9092"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn s58_each_step_of_opening_is_within_one_time_limit() {
    // Accepts and stays silent.
    let (config, _peer) = pipe(1 << 16);
    check_limit(&config, Stage::Versions).await;
    // Answers one byte at a time for ever.
    let (config, peer) = pipe(1 << 16);
    tokio::join!(check_limit(&config, Stage::Versions), drip(peer));
    // Never connects.
    let config = ConnConfig::default().dial_fn(crate::dial_async_fn(|_, _| async {
        std::future::pending::<io::Result<tokio::io::DuplexStream>>().await
    }));
    check_limit(&config, Stage::Connect).await;
}

async fn drip(mut peer: Peer) {
    for byte in [0, 0, 1].into_iter().chain(std::iter::repeat(0)) {
        if peer.0.write_all(&[byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_secs(4)).await;
    }
}

async fn check_limit(config: &ConnConfig, expected: Stage) {
    let start = Instant::now();
    let error = Connection::open("kafka", 9092, config).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    assert!(
        matches!(error, ConnError::Timeout { stage, .. } if stage == expected),
        "{error}"
    );
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_host_are_told_apart() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let error = Connection::open("127.0.0.1", port, &ConnConfig::default())
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
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    let unknown = "no-such-host.invalid";
    let error = Connection::open(unknown, 9092, &ConnConfig::default())
        .await
        .unwrap_err();
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
    assert!(error.to_string().contains(unknown), "{error}");
}
