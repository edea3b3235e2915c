//! The scripted peer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use ekafka_protocol::messages::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, MetadataRequest, MetadataResponse,
};
use ekafka_protocol::{ApiKey, BrokerRequest, Frame, Request, RequestHeader, VersionRange};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use crate::{ConnConfig, ConnError, Connection, dial_fn};

/// The broker's end of the pipe.
pub(super) struct Peer(pub(super) DuplexStream);

impl Peer {
    /// The next request: its header and body. Panics at the end of the stream.
    pub(super) async fn request(&mut self) -> (RequestHeader, Bytes) {
        self.try_request().await.expect("a request")
    }

    pub(super) async fn try_request(&mut self) -> Option<(RequestHeader, Bytes)> {
        let length = self.0.read_i32().await.ok()?;
        let mut frame = BytesMut::zeroed(length as usize);
        self.0.read_exact(&mut frame).await.ok()?;
        let mut body = frame.freeze();
        let header = RequestHeader::decode(&mut body).expect("a header");
        Some((header, body))
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("the client listens");
    }

    /// Answers the version exchange.
    pub(super) async fn say_versions(&mut self) {
        let (header, _) = self.request().await;
        assert_eq!(header.api, ApiKey::API_VERSIONS);
        let bytes = encoded::<ApiVersionsRequest>(&header, &versions_answer());
        self.send(&bytes).await;
    }

    pub(super) async fn say_metadata(&mut self, header: &RequestHeader, cluster: &str) {
        let bytes = encoded::<MetadataRequest>(header, &metadata_answer(cluster));
        self.send(&bytes).await;
    }
}

pub(super) fn encoded<R: BrokerRequest>(header: &RequestHeader, answer: &R::Response) -> Bytes {
    Frame::response::<R>(header.version, header.correlation_id, answer)
        .unwrap()
        .to_bytes()
}

pub(super) fn versions_answer() -> ApiVersionsResponse {
    let listed = |api_key, versions| ApiVersion { api_key, versions };
    ApiVersionsResponse {
        api_keys: vec![
            listed(ApiKey::API_VERSIONS, VersionRange::new(0, 4)),
            listed(ApiKey::METADATA, MetadataRequest::VERSIONS),
            listed(ApiKey::HEARTBEAT, VersionRange::new(0, 4)),
            listed(ApiKey::PRODUCE, VersionRange::new(3, 9)),
        ],
        ..ApiVersionsResponse::default()
    }
}

pub(super) fn metadata_answer(cluster: &str) -> MetadataResponse {
    MetadataResponse {
        cluster_id: Some(ekafka_protocol::StrBytes::from_string(cluster.to_owned())),
        ..MetadataResponse::default()
    }
}

/// A client configuration whose dial gives the other end of a pipe, and that end.
pub(super) fn pipe(pipe_bytes: usize) -> (ConnConfig, Peer) {
    let (ours, theirs) = tokio::io::duplex(pipe_bytes);
    let ours = Mutex::new(Some(ours));
    let dial = dial_fn(move |_, _| Ok(ours.lock().unwrap().take().expect("one dial")));
    (ConnConfig::default().dial_fn(dial), Peer(theirs))
}

/// A connection past its version exchange, and its peer.
pub(super) async fn connected() -> (Connection, Peer) {
    connected_with(|config| config).await
}

pub(super) async fn connected_with(
    adjust: impl FnOnce(ConnConfig) -> ConnConfig,
) -> (Connection, Peer) {
    let (config, mut peer) = pipe(1 << 20);
    let config = adjust(config);
    let (connection, ()) = tokio::join!(
        Connection::open("kafka", 9092, &config),
        peer.say_versions()
    );
    (connection.unwrap(), peer)
}

/// The answers of several requests, in the order in which they came.
pub(super) type Log = Arc<Mutex<Vec<(u32, Result<String, ConnError>)>>>;

/// Enqueues a metadata request whose outcome goes to `log` under `name`.
pub(super) fn enqueue(connection: &Connection, log: &Log, name: u32, deadline: Instant) {
    let log = log.clone();
    connection.enqueue(&MetadataRequest::default(), deadline, move |answer| {
        let answer = answer.map(|answer| answer.cluster_id.unwrap().to_string());
        log.lock().unwrap().push((name, answer));
    });
}

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// A frame with this correlation id and body.
pub(super) fn raw_frame(correlation_id: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.put_i32(4 + body.len() as i32);
    bytes.put_i32(correlation_id);
    bytes.put_slice(body);
    bytes
}
