use kafka_protocol::messages as generated;
use kafka_protocol::messages::{BrokerId, TopicName, metadata_request, metadata_response as parts};

use super::*;
use crate::messages::tests::{Source, check_request, check_response};

#[test]
fn requests_are_those_of_the_generated_codec() {
    check_request(draw_request, masked_request, generated_request);
}

#[test]
fn responses_are_those_of_the_generated_codec() {
    check_response::<MetadataRequest, _>(draw_response, masked_response, generated_response);
}

fn draw_request(source: &mut Source) -> MetadataRequest {
    let by_id = source.bool();
    MetadataRequest {
        topics: source.option(|source| {
            source.list(|source| MetadataRequestTopic {
                topic_id: source.uuid(),
                name: if by_id { None } else { Some(source.string()) },
            })
        }),
        allow_auto_topic_creation: source.bool(),
        include_cluster_authorized_operations: source.bool(),
        include_topic_authorized_operations: source.bool(),
    }
}

fn masked_request(request: &MetadataRequest, version: i16) -> MetadataRequest {
    let mut masked = request.clone();
    masked.allow_auto_topic_creation |= version < 4;
    masked.include_cluster_authorized_operations &= (8..=10).contains(&version);
    masked.include_topic_authorized_operations &= version >= 8;
    if version == 0 && masked.topics.as_ref().is_some_and(Vec::is_empty) {
        masked.topics = None;
    }
    for topic in masked.topics.iter_mut().flatten().filter(|_| version < 10) {
        topic.topic_id = Uuid::nil();
    }
    masked
}

/// In version 0 the generated type spells "all topics" as an empty list, as the wire does.
fn generated_request(request: &MetadataRequest, version: i16) -> generated::MetadataRequest {
    let topic = |topic: &MetadataRequestTopic| {
        metadata_request::MetadataRequestTopic::default()
            .with_topic_id(topic.topic_id)
            .with_name(topic.name.clone().map(TopicName))
    };
    let all = if version == 0 { Some(Vec::new()) } else { None };
    let topics = request
        .topics
        .as_ref()
        .map(|topics| topics.iter().map(topic).collect());
    generated::MetadataRequest::default()
        .with_topics(topics.or(all))
        .with_allow_auto_topic_creation(request.allow_auto_topic_creation)
        .with_include_cluster_authorized_operations(request.include_cluster_authorized_operations)
        .with_include_topic_authorized_operations(request.include_topic_authorized_operations)
}

fn draw_response(source: &mut Source) -> MetadataResponse {
    let mut response = MetadataResponse {
        throttle_time_ms: source.i32(),
        brokers: source.list(|source| MetadataBroker {
            node_id: source.i32(),
            host: source.string(),
            port: source.i32(),
            rack: source.option(Source::string),
        }),
        cluster_id: source.option(Source::string),
        controller_id: source.i32(),
        cluster_authorized_operations: source.i32(),
        error_code: source.error_code(),
        ..MetadataResponse::default()
    };
    response.topics = source.list(|source| MetadataTopic {
        error_code: source.error_code(),
        name: Some(source.string()),
        topic_id: source.uuid(),
        is_internal: source.bool(),
        partitions: source.list(|source| MetadataPartition {
            error_code: source.error_code(),
            partition_index: source.i32(),
            leader_id: source.i32(),
            leader_epoch: source.i32(),
            replica_nodes: response.add_nodes(&source.list(Source::i32)),
            isr_nodes: response.add_nodes(&source.list(Source::i32)),
            offline_replicas: response.add_nodes(&source.list(Source::i32)),
        }),
        topic_authorized_operations: source.i32(),
    });
    response
}

/// Rebuilt, because the spans of a version without offline replicas are others.
fn masked_response(response: &MetadataResponse, version: i16) -> MetadataResponse {
    let from = |first, value, default| if version >= first { value } else { default };
    let mut masked = MetadataResponse {
        throttle_time_ms: from(3, response.throttle_time_ms, 0),
        brokers: response.brokers.clone(),
        cluster_id: response.cluster_id.clone().filter(|_| version >= 2),
        controller_id: from(1, response.controller_id, -1),
        cluster_authorized_operations: if (8..=10).contains(&version) {
            response.cluster_authorized_operations
        } else {
            i32::MIN
        },
        error_code: if version >= 13 {
            response.error_code
        } else {
            ErrorCode::NONE
        },
        ..MetadataResponse::default()
    };
    masked
        .brokers
        .iter_mut()
        .filter(|_| version < 1)
        .for_each(|broker| broker.rack = None);
    for topic in &response.topics {
        let mut kept = topic.clone();
        kept.topic_id = if version >= 10 {
            topic.topic_id
        } else {
            Uuid::nil()
        };
        kept.is_internal &= version >= 1;
        kept.topic_authorized_operations = from(8, topic.topic_authorized_operations, i32::MIN);
        for partition in &mut kept.partitions {
            partition.leader_epoch = from(7, partition.leader_epoch, -1);
            let offline = response.nodes(partition.offline_replicas);
            partition.replica_nodes = masked.add_nodes(response.nodes(partition.replica_nodes));
            partition.isr_nodes = masked.add_nodes(response.nodes(partition.isr_nodes));
            partition.offline_replicas = if version >= 5 {
                masked.add_nodes(offline)
            } else {
                NodeSpan::default()
            };
        }
        masked.topics.push(kept);
    }
    masked
}

fn generated_response(response: &MetadataResponse, _: i16) -> generated::MetadataResponse {
    let broker = |broker: &MetadataBroker| {
        parts::MetadataResponseBroker::default()
            .with_node_id(BrokerId(broker.node_id))
            .with_host(broker.host.clone())
            .with_port(broker.port)
            .with_rack(broker.rack.clone())
    };
    let nodes = |span| response.nodes(span).iter().copied().map(BrokerId).collect();
    let partition = |partition: &MetadataPartition| {
        parts::MetadataResponsePartition::default()
            .with_error_code(partition.error_code.0)
            .with_partition_index(partition.partition_index)
            .with_leader_id(BrokerId(partition.leader_id))
            .with_leader_epoch(partition.leader_epoch)
            .with_replica_nodes(nodes(partition.replica_nodes))
            .with_isr_nodes(nodes(partition.isr_nodes))
            .with_offline_replicas(nodes(partition.offline_replicas))
    };
    let topic = |topic: &MetadataTopic| {
        parts::MetadataResponseTopic::default()
            .with_error_code(topic.error_code.0)
            .with_name(topic.name.clone().map(TopicName))
            .with_topic_id(topic.topic_id)
            .with_is_internal(topic.is_internal)
            .with_partitions(topic.partitions.iter().map(partition).collect())
            .with_topic_authorized_operations(topic.topic_authorized_operations)
    };
    generated::MetadataResponse::default()
        .with_throttle_time_ms(response.throttle_time_ms)
        .with_brokers(response.brokers.iter().map(broker).collect())
        .with_cluster_id(response.cluster_id.clone())
        .with_controller_id(BrokerId(response.controller_id))
        .with_topics(response.topics.iter().map(topic).collect())
        .with_cluster_authorized_operations(response.cluster_authorized_operations)
        .with_error_code(response.error_code.0)
}

#[test]
fn a_topic_without_a_name_needs_a_version_that_asks_by_id() {
    let topics = Some(vec![MetadataRequestTopic::with_id(Uuid::from_u128(7))]);
    let request = MetadataRequest {
        topics,
        ..Default::default()
    };
    assert_eq!(request.versions(), VersionRange::new(12, 13));
    let error = request.encode(11, &mut Frame::new());
    assert_eq!(
        error,
        Err(EncodeError::Version {
            api: 3,
            version: 11
        })
    );
}

#[test]
fn the_default_request_asks_for_no_topic_and_creates_none() {
    let mut body = Frame::new();
    MetadataRequest::default()
        .encode(12, &mut body)
        .expect("encodes");
    assert_eq!(body.to_bytes(), &[1, 0, 0, 0][..]);
}

#[test]
fn an_unknown_topic_asked_for_by_id_has_no_name() {
    let response = MetadataResponse {
        topics: vec![MetadataTopic {
            error_code: ErrorCode::UNKNOWN_TOPIC_ID,
            topic_id: Uuid::from_u128(7),
            ..Default::default()
        }],
        ..Default::default()
    };
    let mut body = Frame::new();
    MetadataRequest::encode_response(&response, 12, &mut body).expect("encodes");
    assert_eq!(
        MetadataRequest::decode_response(12, body.to_bytes()),
        Ok(response)
    );
}

#[test]
fn a_thousand_topics_cost_about_a_thousand_allocations() {
    let mut response = MetadataResponse::default();
    for topic in 0..1000 {
        let partitions = (0..10)
            .map(|partition| MetadataPartition {
                error_code: ErrorCode::NONE,
                partition_index: partition,
                leader_id: 1,
                leader_epoch: 0,
                replica_nodes: response.add_nodes(&[1, 2, 3]),
                isr_nodes: response.add_nodes(&[1, 2, 3]),
                offline_replicas: NodeSpan::default(),
            })
            .collect();
        let name = Some(StrBytes::from_string(format!("topic-{topic}")));
        response.topics.push(MetadataTopic {
            name,
            partitions,
            ..Default::default()
        });
    }
    for version in [8, 12] {
        let mut body = Frame::new();
        MetadataRequest::encode_response(&response, version, &mut body).expect("encodes");
        let body = body.to_bytes();
        let read = || drop(MetadataRequest::decode_response(version, body.clone()));
        let count = allocation_counter::measure(read).count_total;
        assert!(count < 1050, "{count} allocations in version {version}");
    }
}
