use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ekafka_protocol::messages::{ApiVersionsRequest, MetadataRequest, MetadataRequestTopic};
use ekafka_protocol::{
    ApiKey, ErrorCode, Frame, Request, StrBytes, decode_correlation_id, skip_response_tags,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::EmbeddedKafka;

mod admin;
mod groups;
mod records;

/// A client that sends what it is told to and nothing else.
pub(crate) struct RawClient {
    stream: DuplexStream,
    correlation_id: i32,
}

impl RawClient {
    pub(crate) fn to(kafka: &EmbeddedKafka, node: i32) -> Self {
        let stream = kafka.connect(&format!("kafka-{node}"), 9092).unwrap();
        Self {
            stream,
            correlation_id: 0,
        }
    }

    pub(crate) async fn send<R: Request>(&mut self, version: i16, request: &R) {
        self.correlation_id += 1;
        let frame = Frame::request(version, self.correlation_id, Some("raw"), request).unwrap();
        self.stream.write_all(&frame.to_bytes()).await.unwrap();
    }

    /// The next answer, or `None` when the broker has closed the connection.
    pub(crate) async fn receive<R: Request>(&mut self, version: i16) -> Option<R::Response> {
        let length = self.stream.read_u32().await.ok()?;
        let mut body = vec![0; length as usize];
        self.stream.read_exact(&mut body).await.ok()?;
        let mut body = Bytes::from(body);
        assert_eq!(
            decode_correlation_id(&mut body).unwrap(),
            self.correlation_id
        );
        skip_response_tags(R::API, version, &mut body).unwrap();
        Some(R::decode_response(version, body).unwrap())
    }

    /// The next frame, whatever it is; `None` when the connection has ended.
    pub(crate) async fn receive_any(&mut self) -> Option<Vec<u8>> {
        let length = self.stream.read_u32().await.ok()?;
        let mut body = vec![0; length as usize];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(body)
    }

    /// Everything until the broker closes the connection.
    pub(crate) async fn read_to_end(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        self.stream.read_to_end(&mut all).await.unwrap();
        all
    }

    pub(crate) async fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(version, request).await;
        self.receive::<R>(version).await.expect("an answer")
    }
}

pub(crate) async fn in_memory(nodes: u16) -> EmbeddedKafka {
    EmbeddedKafka::builder()
        .nodes(nodes)
        .in_memory()
        .seed(1)
        .start()
        .await
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_offered_version_of_api_versions_is_answered() {
    let kafka = in_memory(1).await;
    let mut client = RawClient::to(&kafka, 1);
    let request = ApiVersionsRequest {
        client_software_name: "raw".into(),
        client_software_version: "1.0".into(),
    };
    for version in ApiVersionsRequest::VERSIONS.iter() {
        let answer = client.ask(version, &request).await;
        assert_eq!(answer.error_code, ErrorCode::NONE);
        assert!(
            answer
                .api_keys
                .iter()
                .any(|api| api.api_key == ApiKey::PRODUCE)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_version_of_api_versions_is_refused_in_version_0() {
    let kafka = in_memory(1).await;
    let mut client = RawClient::to(&kafka, 1);
    let mut frame = BytesMut::new();
    frame.extend_from_slice(&10_i32.to_be_bytes());
    frame.extend_from_slice(&18_i16.to_be_bytes());
    frame.extend_from_slice(&99_i16.to_be_bytes());
    frame.extend_from_slice(&1_i32.to_be_bytes());
    frame.extend_from_slice(&(-1_i16).to_be_bytes());
    client.correlation_id = 1;
    client.stream.write_all(&frame).await.unwrap();
    let answer = client.receive::<ApiVersionsRequest>(0).await.unwrap();
    assert_eq!(answer.error_code, ErrorCode::UNSUPPORTED_VERSION);
    assert_eq!(
        answer.api_keys.first().unwrap().api_key,
        ApiKey::API_VERSIONS
    );
    assert_eq!(kafka.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn metadata_makes_topics_only_when_both_sides_allow_it() {
    let kafka = in_memory(3).await;
    let mut client = RawClient::to(&kafka, 2);
    let mut request = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic::named(
            StrBytes::from_static_str("t"),
        )]),
        ..MetadataRequest::default()
    };
    let answer = client.ask(12, &request).await;
    assert_eq!(answer.brokers.len(), 3);
    assert_eq!(
        answer.topics[0].error_code,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
    );
    request.allow_auto_topic_creation = true;
    let answer = client.ask(12, &request).await;
    assert_eq!(answer.topics[0].error_code, ErrorCode::NONE);
    assert_eq!(answer.topics[0].partitions.len(), 1);
    let by_id = MetadataRequest {
        topics: Some(vec![MetadataRequestTopic::with_id(
            answer.topics[0].topic_id,
        )]),
        ..MetadataRequest::default()
    };
    let answer = client.ask(12, &by_id).await;
    assert_eq!(answer.topics[0].name.as_deref(), Some("t"));
}

/// As librdkafka 2.16 sends it: a length of four bytes in front, where the broker reads one.
#[tokio::test(start_paused = true)]
async fn all_topics_are_told_although_bytes_are_left_over() {
    let kafka = in_memory(1).await;
    kafka.create_topic("t", 1).unwrap();
    for (version, flags) in [(9, 3), (10, 3), (11, 2), (12, 2), (13, 2)] {
        let mut client = RawClient::to(&kafka, 1);
        let mut frame = vec![0, 3, 0, version, 0, 0, 0, 1, 0xff, 0xff, 0];
        frame.extend([0; 4]);
        frame.extend(vec![1; flags]);
        frame.push(0);
        client.stream.write_u32(frame.len() as u32).await.unwrap();
        client.stream.write_all(&frame).await.unwrap();
        client.correlation_id = 1;
        let answer = client.receive::<MetadataRequest>(version.into()).await;
        let answer = answer.unwrap_or_else(|| panic!("version {version} is answered"));
        assert_eq!(answer.topics[0].name.as_deref(), Some("t"));
    }
    assert_eq!(kafka.violations(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn malformed_requests_are_violations() {
    let kafka = in_memory(1).await;
    let mut client = RawClient::to(&kafka, 1);
    client
        .stream
        .write_all(b"GET / HTTP/1.1\r\n\r\n")
        .await
        .unwrap();
    assert!(client.receive::<ApiVersionsRequest>(0).await.is_none());
    assert_eq!(kafka.violations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stopped_node_refuses_and_leads_nothing_until_it_is_back() {
    let kafka = in_memory(3).await;
    kafka.create_topic_on("t", &[vec![2, 3]]).unwrap();
    let mut client = RawClient::to(&kafka, 2);
    kafka.stop_node(2).await;
    assert!(client.receive::<ApiVersionsRequest>(0).await.is_none());
    assert!(kafka.connect("kafka-2", 9092).is_err());
    assert_eq!(kafka.leader("t", 0), Ok(3));
    kafka.start_node(2).await.unwrap();
    assert!(kafka.connect("kafka-2", 9092).is_ok());
}

#[tokio::test(start_paused = true)]
async fn faults_happen_to_the_next_requests_and_then_are_gone() {
    let kafka = in_memory(1).await;
    kafka
        .on_next(ApiKey::METADATA)
        .delay(Duration::from_secs(3));
    kafka.on_next(ApiKey::METADATA).drop_after();
    let mut client = RawClient::to(&kafka, 1);
    let before = tokio::time::Instant::now();
    client.ask(1, &MetadataRequest::default()).await;
    assert_eq!(before.elapsed(), Duration::from_secs(3));
    client.send(1, &MetadataRequest::default()).await;
    assert!(client.receive::<MetadataRequest>(1).await.is_none());
    assert_eq!(kafka.pending_faults(), 0);
}
