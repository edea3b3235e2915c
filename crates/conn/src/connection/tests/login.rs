//! The log-in on a connection being opened.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::messages::{
    ApiVersion, ApiVersionsRequest, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest, SaslHandshakeResponse,
};
use ekafka_protocol::{ApiKey, BrokerRequest, ErrorCode, StrBytes, VersionRange};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

use super::peer::{Peer, encoded, pipe, versions_answer};
use crate::{
    ConnConfig, ConnError, Connection, LoginError, MskIam, Plain, Scram, ScramAlgorithm, Stage,
};

const V0: VersionRange = VersionRange::new(0, 0);
const V1: VersionRange = VersionRange::new(0, 1);
const V2: VersionRange = VersionRange::new(0, 2);

pub(super) fn plain(config: ConnConfig) -> ConnConfig {
    let mechanism = Plain::new("user", "secret").unwrap();
    config
        .sasl(Arc::new(mechanism))
        .allow_plaintext_sasl_plain()
}

async fn open(config: &ConnConfig) -> Result<Connection, ConnError> {
    Connection::open("kafka", 9092, config).await
}

fn cause(error: &ConnError) -> &LoginError {
    match error {
        ConnError::Login { cause, .. } => cause,
        other => panic!("{other}"),
    }
}

impl Peer {
    pub(super) async fn say_versions_with(&mut self, sasl: &[(ApiKey, VersionRange)]) {
        let (header, _) = self.request().await;
        let mut answer = versions_answer();
        let listed = sasl
            .iter()
            .map(|&(api_key, versions)| ApiVersion { api_key, versions });
        answer.api_keys.extend(listed);
        self.send(&encoded::<ApiVersionsRequest>(&header, &answer))
            .await;
    }

    /// Accepts PLAIN in a handshake of that version.
    async fn accept_plain(&mut self, version: i16) {
        let (header, body) = self.request().await;
        assert_eq!(
            (header.api, header.version),
            (ApiKey::SASL_HANDSHAKE, version)
        );
        let request = SaslHandshakeRequest::decode(header.version, body).unwrap();
        assert_eq!(&*request.mechanism, "PLAIN");
        let answer = SaslHandshakeResponse {
            error_code: ErrorCode::NONE,
            mechanisms: vec![StrBytes::from_static_str("PLAIN")],
        };
        self.send(&encoded::<SaslHandshakeRequest>(&header, &answer))
            .await;
    }

    async fn answer_token(&mut self, answer: &SaslAuthenticateResponse) {
        let (header, body) = self.request().await;
        let request = SaslAuthenticateRequest::decode(header.version, body).unwrap();
        assert_eq!(request.auth_bytes, Bytes::from_static(b"\0user\0secret"));
        self.send(&encoded::<SaslAuthenticateRequest>(&header, answer))
            .await;
    }
}

pub(super) const CURRENT: [(ApiKey, VersionRange); 2] = [
    (ApiKey::SASL_HANDSHAKE, V1),
    (ApiKey::SASL_AUTHENTICATE, V2),
];

#[tokio::test(start_paused = true)]
async fn log_in_precedes_the_first_request() {
    let (config, mut peer) = pipe(1 << 16);
    let serve = async {
        peer.say_versions_with(&CURRENT).await;
        peer.accept_plain(1).await;
        peer.answer_token(&SaslAuthenticateResponse::default())
            .await;
    };
    let config = plain(config);
    let (opened, ()) = tokio::join!(open(&config), serve);
    assert!(!opened.unwrap().is_closed());
}

#[tokio::test(start_paused = true)]
async fn x19_old_broker_gets_bare_tokens() {
    let (config, mut peer) = pipe(1 << 16);
    let serve = async {
        peer.say_versions_with(&[(ApiKey::SASL_HANDSHAKE, V0)])
            .await;
        peer.accept_plain(0).await;
        assert_eq!(peer.0.read_i32().await.unwrap(), 12);
        let mut token = [0; 12];
        peer.0.read_exact(&mut token).await.unwrap();
        assert_eq!(&token, b"\0user\0secret");
        peer.send(&[0, 0, 0, 0]).await;
    };
    let config = plain(config);
    let (opened, ()) = tokio::join!(open(&config), serve);
    opened.unwrap();
}

#[tokio::test(start_paused = true)]
async fn x14_broker_that_offers_no_log_in_is_refused() {
    let (config, mut peer) = pipe(1 << 16);
    let config = plain(config);
    let (opened, ()) = tokio::join!(open(&config), peer.say_versions());
    assert_eq!(cause(&opened.unwrap_err()), &LoginError::NotOffered);
    assert!(peer.try_request().await.is_none(), "nothing more is sent");
}

#[tokio::test(start_paused = true)]
async fn x16_nothing_is_dialled_for_a_password_in_clear() {
    let (config, mut peer) = pipe(1 << 16);
    let config = config.sasl(Arc::new(Plain::new("user", "secret").unwrap()));
    let error = open(&config).await.unwrap_err();
    assert!(matches!(error, ConnError::Config(_)), "{error}");
    drop(config);
    assert!(peer.try_request().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_dialled_for_an_aws_signature_in_clear() {
    let (config, mut peer) = pipe(1 << 16);
    let mechanism = MskIam::new("ACCESS_KEY", "SECRET_KEY", "us-east-1").unwrap();
    let config = config.sasl(Arc::new(mechanism));
    let error = open(&config).await.unwrap_err();
    assert!(matches!(error, ConnError::Config(_)), "{error}");
    drop(config);
    assert!(peer.try_request().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn x17_refusal_is_typed_and_final() {
    let (config, mut peer) = pipe(1 << 16);
    let serve = async {
        peer.say_versions_with(&CURRENT).await;
        peer.accept_plain(1).await;
        let refused = SaslAuthenticateResponse {
            error_code: ErrorCode::SASL_AUTHENTICATION_FAILED,
            error_message: Some(StrBytes::from_static_str("no such user")),
            ..SaslAuthenticateResponse::default()
        };
        peer.answer_token(&refused).await;
    };
    let config = plain(config);
    let (opened, ()) = tokio::join!(open(&config), serve);
    let error = opened.unwrap_err();
    assert_eq!(
        cause(&error).code(),
        Some(ErrorCode::SASL_AUTHENTICATION_FAILED)
    );
    assert!(!error.is_retriable() && error.is_fatal());
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("no such user") && !shown.contains("secret"),
        "{shown}"
    );
    assert!(peer.try_request().await.is_none(), "nothing is tried again");
}

#[tokio::test(start_paused = true)]
async fn d_6_connection_ended_during_the_log_in_is_a_refusal() {
    let (config, mut peer) = pipe(1 << 16);
    let serve = async move {
        peer.say_versions_with(&CURRENT).await;
        peer.accept_plain(1).await;
        peer.request().await;
    };
    let config = plain(config);
    let (opened, ()) = tokio::join!(open(&config), serve);
    let error = opened.unwrap_err();
    assert_eq!(
        cause(&error).code(),
        Some(ErrorCode::SASL_AUTHENTICATION_FAILED)
    );
}

#[tokio::test(start_paused = true)]
async fn x18_long_answers_are_refused_by_their_length() {
    let (config, mut peer) = pipe(1 << 16);
    let serve = async {
        peer.say_versions_with(&CURRENT).await;
        peer.accept_plain(1).await;
        peer.request().await;
        peer.send(&(1i32 << 20).to_be_bytes()).await;
    };
    let config = plain(config);
    let (opened, ()) = tokio::join!(open(&config), serve);
    let error = opened.unwrap_err();
    assert!(
        matches!(
            error,
            ConnError::Malformed {
                stage: Stage::Login,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn x21_silent_broker_ends_the_log_in_at_the_dials_limit() {
    let (config, mut peer) = pipe(1 << 16);
    let start = Instant::now();
    let scram = Scram::new(ScramAlgorithm::Sha256, "user", "secret").unwrap();
    let config = config.sasl(Arc::new(scram)).timeout(Duration::from_secs(3));
    let (opened, ()) = tokio::join!(open(&config), peer.say_versions_with(&CURRENT));
    let error = opened.unwrap_err();
    assert!(
        matches!(
            error,
            ConnError::Timeout {
                stage: Stage::Login,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn h05_answer_byte_by_byte_does_not_extend_the_dials_limit() {
    let (config, mut peer) = pipe(1 << 16);
    let start = Instant::now();
    let config = plain(config).timeout(Duration::from_secs(10));
    let serve = async {
        peer.say_versions_with(&CURRENT).await;
        peer.request().await;
        for _ in 0..1_000 {
            tokio::time::sleep(Duration::from_secs(4)).await;
            // The client closes the pipe when it has given up.
            if tokio::io::AsyncWriteExt::write_all(&mut peer.0, &[0])
                .await
                .is_err()
            {
                break;
            }
        }
    };
    let opening = async {
        let opened = open(&config).await;
        (opened, start.elapsed())
    };
    let ((opened, took), ()) = tokio::join!(opening, serve);
    let error = opened.unwrap_err();
    assert!(
        matches!(
            error,
            ConnError::Timeout {
                stage: Stage::Login,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(took, Duration::from_secs(10));
}
