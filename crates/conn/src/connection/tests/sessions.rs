//! Sessions that the broker limits (KIP-368).

use std::time::Duration;

use ekafka_protocol::messages::{
    MetadataRequest, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse,
};
use ekafka_protocol::{ApiKey, ErrorCode, StrBytes};
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::login::{CURRENT, plain};
use super::peer::{Peer, encoded, metadata_answer, pipe, soon};
use crate::{ConnError, Connection};

/// What the peer saw.
#[derive(Default)]
struct Seen {
    /// When each log-in was finished.
    log_ins: Vec<Instant>,
    requests: usize,
}

/// Serves until the client goes: a session lasts `lifetime`, and `refuse_from` is the first log-in refused.
async fn serve(peer: Peer, lifetime: Duration, refuse_from: usize) -> Seen {
    serve_slowly(peer, lifetime, refuse_from, Duration::ZERO).await
}

/// Like [`serve`]; each request is answered after `pause`, and nothing else is read meanwhile, as brokers do.
async fn serve_slowly(
    mut peer: Peer,
    lifetime: Duration,
    refuse_from: usize,
    pause: Duration,
) -> Seen {
    peer.say_versions_with(&CURRENT).await;
    let mut seen = Seen::default();
    let mut is_logging_in = false;
    while let Some((header, _)) = peer.try_request().await {
        let bytes = match header.api {
            ApiKey::SASL_HANDSHAKE => {
                is_logging_in = true;
                let answer = SaslHandshakeResponse {
                    error_code: ErrorCode::NONE,
                    mechanisms: vec![StrBytes::from_static_str("PLAIN")],
                };
                encoded::<SaslHandshakeRequest>(&header, &answer)
            }
            ApiKey::SASL_AUTHENTICATE => {
                is_logging_in = false;
                let refused = seen.log_ins.len() >= refuse_from;
                seen.log_ins.push(Instant::now());
                let answer = SaslAuthenticateResponse {
                    error_code: if refused {
                        ErrorCode::SASL_AUTHENTICATION_FAILED
                    } else {
                        ErrorCode::NONE
                    },
                    session_lifetime_ms: lifetime.as_millis() as i64,
                    ..SaslAuthenticateResponse::default()
                };
                // A log-in takes its time; other requests come meanwhile.
                tokio::time::sleep(Duration::from_millis(120)).await;
                encoded::<SaslAuthenticateRequest>(&header, &answer)
            }
            _ => {
                assert!(!is_logging_in, "{} in the middle of a log-in", header.api);
                let age = seen.log_ins.last().unwrap().elapsed();
                assert!(age < lifetime, "a request in a session that is over");
                seen.requests += 1;
                tokio::time::sleep(pause).await;
                encoded::<MetadataRequest>(&header, &metadata_answer("x"))
            }
        };
        if peer.0.write_all(&bytes).await.is_err() {
            break;
        }
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn s66_sessions_are_renewed_in_time_and_no_request_fails() {
    let (config, peer) = pipe(1 << 16);
    let lifetime = Duration::from_secs(10);
    let config = plain(config);
    let using = async {
        let connection = Connection::open("kafka", 9092, &config).await.unwrap();
        let request = MetadataRequest::default();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(100) {
            let (first, second) = tokio::join!(
                connection.send(&request, soon()),
                connection.send(&request, soon())
            );
            first.unwrap();
            second.unwrap();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let (seen, ()) = tokio::join!(serve(peer, lifetime, usize::MAX), using);
    assert!(seen.requests > 2_000, "{}", seen.requests);
    assert!(
        (10..=13).contains(&seen.log_ins.len()),
        "{}",
        seen.log_ins.len()
    );
    for pair in seen.log_ins.windows(2) {
        let part = (pair[1] - pair[0]).as_secs_f64() / lifetime.as_secs_f64();
        assert!((0.79..=0.95).contains(&part), "{part}");
    }
}

#[tokio::test(start_paused = true)]
async fn s66_a_refused_renewal_ends_the_connection_with_a_typed_error() {
    let (config, peer) = pipe(1 << 16);
    let config = plain(config);
    let using = async {
        let connection = Connection::open("kafka", 9092, &config).await.unwrap();
        let request = MetadataRequest::default();
        let start = Instant::now();
        let error = loop {
            match connection.send(&request, soon()).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, ConnError::Login { .. }), "{error}");
        assert!(!error.is_retriable() && connection.is_closed());
        assert!(start.elapsed() < Duration::from_secs(10));
    };
    let (seen, ()) = tokio::join!(serve(peer, Duration::from_secs(10), 1), using);
    assert_eq!(seen.log_ins.len(), 2, "no hot loop");
}

/// A join may wait for the other members much longer than a dial may take; the log-in behind it must not count that.
#[tokio::test(start_paused = true)]
async fn s66_a_renewal_waits_for_the_answers_before_its_own() {
    let (config, peer) = pipe(1 << 16);
    let config = plain(config).timeout(Duration::from_secs(2));
    let using = async {
        let connection = Connection::open("kafka", 9092, &config).await.unwrap();
        let request = MetadataRequest::default();
        tokio::time::sleep(Duration::from_secs(7)).await;
        for _ in 0..2 {
            let deadline = Instant::now() + Duration::from_secs(60);
            connection.send(&request, deadline).await.unwrap();
        }
        assert!(!connection.is_closed());
    };
    let serving = serve_slowly(
        peer,
        Duration::from_secs(10),
        usize::MAX,
        Duration::from_secs(25),
    );
    let (seen, ()) = tokio::join!(serving, using);
    assert_eq!(seen.requests, 2);
    assert!(seen.log_ins.len() >= 2);
}

/// The limit on dialling at all has passed long ago when the session ends.
#[tokio::test(start_paused = true)]
async fn s66_a_limit_on_the_dial_is_none_on_renewals() {
    let (config, peer) = pipe(1 << 16);
    let config = plain(config).deadline(Instant::now() + Duration::from_secs(5));
    let using = async {
        let connection = Connection::open("kafka", 9092, &config).await.unwrap();
        tokio::time::sleep(Duration::from_secs(15)).await;
        let request = MetadataRequest::default();
        connection.send(&request, soon()).await.unwrap();
    };
    let (seen, ()) = tokio::join!(serve(peer, Duration::from_secs(10), usize::MAX), using);
    assert_eq!(seen.log_ins.len(), 2);
}
