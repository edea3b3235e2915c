//! A connection over TLS, with a peer that ends it badly.

use std::sync::Arc;
use std::time::Duration;

use ekafka_protocol::messages::{ApiVersionsRequest, MetadataRequest};
use ekafka_protocol::{ApiKey, RequestHeader};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::peer::{encoded, metadata_answer, pipe, soon, versions_answer};
use crate::{ConnConfig, ConnError, Connection, Stage, TlsConfig};

/// A server for the name `kafka`, and what a client must trust.
fn identity() -> (TlsAcceptor, TlsConfig) {
    let made = rcgen::generate_simple_self_signed(["kafka".to_owned()]).unwrap();
    let tls = TlsConfig::builder()
        .ca_pem(made.cert.pem())
        .build()
        .unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let chain: Vec<CertificateDer<'static>> = vec![made.cert.der().clone()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(server)), tls)
}

/// The server's end, past the version exchange, with one metadata request read.
async fn serve(
    acceptor: TlsAcceptor,
    pipe: DuplexStream,
) -> (TlsStream<DuplexStream>, RequestHeader) {
    let mut stream = acceptor.accept(pipe).await.unwrap();
    let header = request(&mut stream).await;
    assert_eq!(header.api, ApiKey::API_VERSIONS);
    let versions = encoded::<ApiVersionsRequest>(&header, &versions_answer());
    send_byte_by_byte(&mut stream, &versions).await;
    let header = request(&mut stream).await;
    (stream, header)
}

async fn request(stream: &mut TlsStream<DuplexStream>) -> RequestHeader {
    let length = stream.read_i32().await.unwrap();
    let mut frame = bytes::BytesMut::zeroed(length as usize);
    stream.read_exact(&mut frame).await.unwrap();
    RequestHeader::decode(&mut frame.freeze()).unwrap()
}

/// One TLS record for each byte.
async fn send_byte_by_byte(stream: &mut TlsStream<DuplexStream>, bytes: &[u8]) {
    for byte in bytes {
        stream.write_all(&[*byte]).await.unwrap();
        stream.flush().await.unwrap();
    }
}

/// Asks once over TLS; `end` decides what becomes of the answer.
async fn asked_over_tls<E>(
    end: impl FnOnce(TlsStream<DuplexStream>, Vec<u8>) -> E,
) -> Result<String, ConnError>
where
    E: Future<Output = ()>,
{
    let (acceptor, tls) = identity();
    let (config, peer) = pipe(1 << 16);
    let config = config.tls(tls);
    let asking = async {
        let connection = Connection::open("kafka", 9092, &config).await?;
        let answer = connection.send(&MetadataRequest::default(), soon()).await?;
        Ok(answer.cluster_id.unwrap().to_string())
    };
    let serving = async {
        let (stream, header) = serve(acceptor, peer.0).await;
        let bytes = encoded::<MetadataRequest>(&header, &metadata_answer("over TLS"));
        end(stream, bytes.to_vec()).await;
    };
    let (answer, ()) = tokio::join!(asking, serving);
    answer
}

#[tokio::test(start_paused = true)]
async fn s65_answers_in_one_byte_records_are_whole() {
    let answer = asked_over_tls(async |mut stream, bytes| {
        send_byte_by_byte(&mut stream, &bytes).await;
        // Wait until the client is done.
        let _ = stream.read_u8().await;
    });
    assert_eq!(answer.await.unwrap(), "over TLS");
}

#[tokio::test(start_paused = true)]
async fn s65_an_end_inside_an_answer_is_an_error_with_and_without_close_notify() {
    for polite in [false, true] {
        let error = asked_over_tls(async |mut stream, bytes| {
            stream.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
            stream.flush().await.unwrap();
            if polite {
                stream.shutdown().await.unwrap();
            }
        });
        let error = error.await.unwrap_err();
        assert!(
            matches!(error, ConnError::Disconnected { sent: true, .. }),
            "{error}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn s65_an_end_in_place_of_an_answer_is_an_error() {
    let error = asked_over_tls(async |stream, _| drop(stream))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnError::Disconnected { sent: true, .. }),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn s65_a_handshake_that_stalls_or_breaks_off_ends_the_dial() {
    let (_, tls) = identity();
    let (config, _silent) = pipe(1 << 16);
    let start = Instant::now();
    let config = config.tls(tls.clone());
    let error = Connection::open("kafka", 9092, &config).await.unwrap_err();
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    assert!(
        matches!(
            error,
            ConnError::Timeout {
                stage: Stage::Tls,
                ..
            }
        ),
        "{error}"
    );
    let (config, mut peer) = pipe(1 << 16);
    let config = config.tls(tls);
    let breaking = async move {
        peer.0.read_u8().await.unwrap();
        drop(peer);
    };
    let (opened, ()) = tokio::join!(Connection::open("kafka", 9092, &config), breaking);
    let error = opened.unwrap_err();
    assert!(
        matches!(
            error,
            ConnError::Open {
                stage: Stage::Tls,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn h04_plaintext_to_a_tls_port_and_tls_to_a_plaintext_port_are_explained() {
    let (acceptor, tls) = identity();
    let (config, peer) = pipe(1 << 16);
    let accepting = async move { drop(acceptor.accept(peer.0).await) };
    let (opened, ()) = tokio::join!(Connection::open("kafka", 9092, &config), accepting);
    let text = opened.unwrap_err().to_string();
    assert!(
        text.contains("TLS") && text.contains("kafka:9092"),
        "{text}"
    );
    // A Kafka port reads the handshake as a length, finds it absurd, and hangs up.
    let (config, mut peer) = pipe(1 << 16);
    let config: ConnConfig = config.tls(tls);
    let hanging_up = async move {
        peer.0.read_i32().await.unwrap();
        drop(peer);
    };
    let (opened, ()) = tokio::join!(Connection::open("kafka", 9092, &config), hanging_up);
    let error = opened.unwrap_err();
    assert!(
        matches!(
            error,
            ConnError::Open {
                stage: Stage::Tls,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("plaintext"), "{error}");
}
