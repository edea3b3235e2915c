//! Messages written by Kafka's own classes: read, looked at, and written again byte by byte.
//! `golden/messages/Generate.java` made them.

use std::fmt::Debug;

use bytes::Bytes;
use ekafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, FetchRequest, FetchResponse, IsolationLevel,
    MetadataRequest, MetadataResponse, ProduceRequest, ProduceResponse, SaslAuthenticateRequest,
    SaslHandshakeRequest,
};
use ekafka_protocol::{ApiKey, BrokerRequest, ErrorCode, Frame, Request, Uuid, VersionRange};

const ID: Uuid = Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);

/// Version and body of each message of that name.
fn golden(name: &'static str) -> impl Iterator<Item = (i16, Bytes)> {
    let file = include_str!("golden/messages/messages.txt");
    file.lines().filter_map(move |line| {
        let mut parts = line.split(' ');
        let (found, version, hex) = (parts.next()?, parts.next()?, parts.next()?);
        let pairs = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).expect("ASCII"));
        let body = pairs
            .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal"))
            .collect();
        (found == name).then(|| (version.parse().expect("a version"), body))
    })
}

/// Reads and rewrites every version of request and response; hands the values to `look`.
fn check<R: BrokerRequest + Debug>(
    name: (&'static str, &'static str),
    look: impl Fn(i16, R, R::Response),
) {
    let mut versions = Vec::new();
    for ((version, request), (_, response)) in golden(name.0).zip(golden(name.1)) {
        versions.push(version);
        let read = R::decode(version, request.clone()).expect("a request");
        let mut body = Frame::new();
        read.encode(version, &mut body).expect("encodes");
        assert_eq!(body.to_bytes(), request, "{} version {version}", name.0);

        let answer = R::decode_response(version, response.clone()).expect("a response");
        let mut body = Frame::new();
        R::encode_response(&answer, version, &mut body).expect("encodes");
        assert_eq!(body.to_bytes(), response, "{} version {version}", name.1);
        look(version, read, answer);
    }
    assert!(
        <R as Request>::VERSIONS.iter().eq(versions),
        "every version of {}",
        name.0
    );
}

#[test]
fn api_versions() {
    let name = ("ApiVersionsRequest", "ApiVersionsResponse");
    check(
        name,
        |version, request: ApiVersionsRequest, response: ApiVersionsResponse| {
            if version >= 3 {
                assert_eq!(&*request.client_software_name, "ekafka");
                assert_eq!(&*request.client_software_version, "1.2.3");
                assert_eq!(&*response.supported_features[0].name, "metadata.version");
                assert_eq!(response.supported_features[0].max_version, 27);
                assert_eq!(response.finalized_features[0].min_version_level, 26);
                assert_eq!(response.finalized_features[0].max_version_level, 27);
                assert_eq!(response.finalized_features_epoch, 42);
                assert!(response.zk_migration_ready);
            }
            assert_eq!(response.api_keys[0].api_key, ApiKey::FETCH);
            assert_eq!(response.api_keys[0].versions, VersionRange::new(4, 18));
            assert_eq!(response.api_keys[1].api_key, ApiKey(999));
        },
    );
}

#[test]
fn sasl_handshake() {
    let name = ("SaslHandshakeRequest", "SaslHandshakeResponse");
    check(name, |_, request: SaslHandshakeRequest, response| {
        assert_eq!(&*request.mechanism, "SCRAM-SHA-256");
        assert_eq!(response.error_code, ErrorCode::UNSUPPORTED_SASL_MECHANISM);
        assert_eq!(&*response.mechanisms[1], "SCRAM-SHA-512");
    });
}

#[test]
fn sasl_authenticate() {
    let name = ("SaslAuthenticateRequest", "SaslAuthenticateResponse");
    check(
        name,
        |version, request: SaslAuthenticateRequest, response| {
            assert_eq!(request.auth_bytes, "token");
            assert_eq!(response.error_code, ErrorCode::SASL_AUTHENTICATION_FAILED);
            assert_eq!(response.error_message.as_deref(), Some("no"));
            assert_eq!(response.auth_bytes, "answer");
            let lifetime = if version >= 1 { 3_600_000 } else { 0 };
            assert_eq!(response.session_lifetime_ms, lifetime);
        },
    );
}

#[test]
fn metadata() {
    let name = ("MetadataRequest", "MetadataResponse");
    check(
        name,
        |version, request: MetadataRequest, response: MetadataResponse| {
            let topics = request.topics.expect("one topic");
            assert_eq!(topics[0].name.as_deref(), Some("orders"));
            assert_eq!(request.allow_auto_topic_creation, version < 4);

            assert_eq!(&*response.brokers[1].host, "kafka-2");
            assert_eq!(response.brokers[1].port, 9093);
            assert_eq!(response.controller_id, if version >= 1 { 2 } else { -1 });
            let orders = &response.topics[0];
            assert_eq!(orders.name.as_deref(), Some("orders"));
            assert_eq!(
                orders.topic_id,
                if version >= 10 { ID } else { Uuid::nil() }
            );
            let [first, second] = orders.partitions[..] else {
                panic!("two partitions")
            };
            assert_eq!(first.leader_id, 1);
            assert_eq!(first.leader_epoch, if version >= 7 { 5 } else { -1 });
            assert_eq!(response.nodes(first.replica_nodes), [1, 2]);
            assert_eq!(response.nodes(first.isr_nodes), [1]);
            let offline: &[i32] = if version >= 5 { &[2] } else { &[] };
            assert_eq!(response.nodes(first.offline_replicas), offline);
            assert_eq!(second.error_code, ErrorCode::LEADER_NOT_AVAILABLE);
            assert_eq!(response.nodes(second.isr_nodes), [0; 0]);
            if version >= 12 {
                assert_eq!(response.topics[1].name, None);
                assert_eq!(response.topics[1].error_code, ErrorCode::UNKNOWN_TOPIC_ID);
            }
            if version >= 13 {
                assert_eq!(response.error_code, ErrorCode::REBOOTSTRAP_REQUIRED);
            }
        },
    );
}

#[test]
fn produce() {
    let name = ("ProduceRequest", "ProduceResponse");
    check(
        name,
        |version, request: ProduceRequest, response: ProduceResponse| {
            assert_eq!(request.transactional_id.as_deref(), Some("tx"));
            assert_eq!((request.acks, request.timeout_ms), (-1, 30_000));
            let topic = &request.topic_data[0];
            assert_eq!((&*topic.name, topic.topic_id), topic_of(version));
            assert_eq!(topic.partition_data[0].index, 3);
            let records = topic.partition_data[0].records.as_ref().expect("a batch");
            assert_eq!(records[16], 2, "magic");

            assert_eq!(response.throttle_time_ms, 9);
            let topic = &response.responses[0];
            assert_eq!((&*topic.name, topic.topic_id), topic_of(version));
            let [fine, refused] = &topic.partition_responses[..] else {
                panic!("two partitions")
            };
            assert_eq!((fine.index, fine.base_offset), (3, 77));
            assert_eq!(fine.log_append_time_ms, 1_700_000_000_000);
            assert_eq!(fine.log_start_offset, if version >= 5 { 10 } else { -1 });
            assert_eq!(refused.error_code, ErrorCode::NOT_LEADER_OR_FOLLOWER);
            if version >= 8 {
                assert_eq!(refused.error_message.as_deref(), Some("moved"));
                assert_eq!(refused.record_errors[0].batch_index, 2);
                assert_eq!(refused.record_errors[0].message.as_deref(), Some("bad"));
            }
            if version >= 10 {
                let leader = refused.current_leader.expect("a leader");
                assert_eq!((leader.leader_id, leader.leader_epoch), (2, 6));
                assert_eq!(response.node_endpoints[0].port, 9093);
                assert_eq!(response.node_endpoints[0].rack.as_deref(), Some("b"));
            }
            assert_eq!(fine.current_leader, None);
        },
    );
}

#[test]
fn fetch() {
    let name = ("FetchRequest", "FetchResponse");
    check(
        name,
        |version, request: FetchRequest, response: FetchResponse| {
            assert_eq!(
                (request.max_wait_ms, request.min_bytes, request.max_bytes),
                (500, 1, 50 << 20)
            );
            assert_eq!(request.isolation_level, IsolationLevel::ReadCommitted);
            let topic = &request.topics[0];
            assert_eq!((&*topic.topic, topic.topic_id), topic_of(version));
            let partition = topic.partitions[0];
            assert_eq!((partition.partition, partition.fetch_offset), (3, 70));
            assert_eq!(partition.partition_max_bytes, 1 << 20);
            assert_eq!(
                partition.current_leader_epoch,
                if version >= 9 { 5 } else { -1 }
            );
            assert_eq!(
                partition.last_fetched_epoch,
                if version >= 12 { 4 } else { -1 }
            );
            if version >= 7 {
                assert_eq!((request.session_id, request.session_epoch), (11, 12));
                assert_eq!(request.forgotten_topics_data[0].partitions, [1, 2]);
            }
            assert_eq!(&*request.rack_id, if version >= 11 { "a" } else { "" });

            let topic = &response.responses[0];
            assert_eq!((&*topic.topic, topic.topic_id), topic_of(version));
            let [data, moved] = &topic.partitions[..] else {
                panic!("two partitions")
            };
            assert_eq!((data.high_watermark, data.last_stable_offset), (100, 90));
            let aborted = data.aborted_transactions.as_deref().expect("one");
            assert_eq!(
                (aborted[0].producer_id, aborted[0].first_offset),
                (1000, 71)
            );
            assert_eq!(
                data.preferred_read_replica,
                if version >= 11 { 2 } else { -1 }
            );
            assert_eq!(data.records.as_ref().expect("a batch")[16], 2, "magic");
            assert_eq!(moved.error_code, ErrorCode::FENCED_LEADER_EPOCH);
            assert_eq!(
                (&moved.records, &moved.aborted_transactions),
                (&None, &None)
            );
            if version >= 7 {
                assert_eq!(response.error_code, ErrorCode::INVALID_FETCH_SESSION_EPOCH);
                assert_eq!(response.session_id, 11);
            }
            if version >= 12 {
                let diverging = data.diverging_epoch.expect("an epoch");
                assert_eq!((diverging.epoch, diverging.end_offset), (4, 69));
                assert_eq!(moved.current_leader.expect("a leader").leader_id, 2);
            }
            assert_eq!(response.node_endpoints.len(), usize::from(version >= 16));
        },
    );
}

/// How a topic is named in produce and fetch.
fn topic_of(version: i16) -> (&'static str, Uuid) {
    if version >= 13 {
        ("", ID)
    } else {
        ("orders", Uuid::nil())
    }
}
