use kafka_protocol::messages as generated;
use kafka_protocol::messages::{
    BrokerId, ProducerId, TopicName, fetch_request as request_parts, fetch_response as parts,
};

use super::*;
use crate::messages::tests::{Source, check_request, check_response};
use crate::messages::{LeaderIdAndEpoch, NodeEndpoint};

#[test]
fn requests_are_those_of_the_generated_codec() {
    check_request(draw_request, masked_request, generated_request);
}

#[test]
fn responses_are_those_of_the_generated_codec() {
    check_response::<FetchRequest, _>(draw_response, masked_response, generated_response);
}

fn draw_request(source: &mut Source) -> FetchRequest {
    FetchRequest {
        replica_id: source.i32(),
        max_wait_ms: source.i32(),
        min_bytes: source.i32(),
        max_bytes: source.i32(),
        isolation_level: if source.bool() {
            IsolationLevel::ReadCommitted
        } else {
            IsolationLevel::ReadUncommitted
        },
        session_id: source.i32(),
        session_epoch: source.i32(),
        topics: source.list(|source| FetchTopic {
            topic: source.name(),
            topic_id: source.topic_id(),
            partitions: source.list(|source| FetchPartition {
                partition: source.i32(),
                current_leader_epoch: source.i32(),
                fetch_offset: source.i64(),
                last_fetched_epoch: source.i32(),
                log_start_offset: source.i64(),
                partition_max_bytes: source.i32(),
            }),
        }),
        forgotten_topics_data: source.list(|source| ForgottenTopic {
            topic: source.name(),
            topic_id: source.topic_id(),
            partitions: source.list(Source::i32),
        }),
        rack_id: source.string(),
    }
}

fn masked_request(request: &FetchRequest, version: i16) -> FetchRequest {
    let mut masked = request.clone();
    if version > 14 {
        masked.replica_id = -1;
    }
    if version < 11 {
        masked.rack_id = StrBytes::default();
    }
    if version < 7 {
        masked.forgotten_topics_data.clear();
        (masked.session_id, masked.session_epoch) = (0, -1);
    }
    for topic in &mut masked.forgotten_topics_data {
        mask_name(version, &mut topic.topic, &mut topic.topic_id);
    }
    for topic in &mut masked.topics {
        mask_name(version, &mut topic.topic, &mut topic.topic_id);
        for partition in &mut topic.partitions {
            if version < 12 {
                partition.last_fetched_epoch = -1;
            }
            if version < 9 {
                partition.current_leader_epoch = -1;
            }
            if version < 5 {
                partition.log_start_offset = -1;
            }
        }
    }
    masked
}

fn mask_name(version: i16, name: &mut StrBytes, id: &mut Uuid) {
    if version >= 13 {
        *name = StrBytes::default();
    } else {
        *id = Uuid::nil();
    }
}

fn generated_request(request: &FetchRequest, _: i16) -> generated::FetchRequest {
    let partition = |partition: &FetchPartition| {
        request_parts::FetchPartition::default()
            .with_partition(partition.partition)
            .with_current_leader_epoch(partition.current_leader_epoch)
            .with_fetch_offset(partition.fetch_offset)
            .with_last_fetched_epoch(partition.last_fetched_epoch)
            .with_log_start_offset(partition.log_start_offset)
            .with_partition_max_bytes(partition.partition_max_bytes)
    };
    let topic = |topic: &FetchTopic| {
        request_parts::FetchTopic::default()
            .with_topic(TopicName(topic.topic.clone()))
            .with_topic_id(topic.topic_id)
            .with_partitions(topic.partitions.iter().map(partition).collect())
    };
    let forgotten = |topic: &ForgottenTopic| {
        request_parts::ForgottenTopic::default()
            .with_topic(TopicName(topic.topic.clone()))
            .with_topic_id(topic.topic_id)
            .with_partitions(topic.partitions.clone())
    };
    let level = match request.isolation_level {
        IsolationLevel::ReadUncommitted => 0,
        IsolationLevel::ReadCommitted => 1,
    };
    generated::FetchRequest::default()
        .with_replica_id(BrokerId(request.replica_id))
        .with_max_wait_ms(request.max_wait_ms)
        .with_min_bytes(request.min_bytes)
        .with_max_bytes(request.max_bytes)
        .with_isolation_level(level)
        .with_session_id(request.session_id)
        .with_session_epoch(request.session_epoch)
        .with_topics(request.topics.iter().map(topic).collect())
        .with_forgotten_topics_data(
            request
                .forgotten_topics_data
                .iter()
                .map(forgotten)
                .collect(),
        )
        .with_rack_id(request.rack_id.clone())
}

fn draw_response(source: &mut Source) -> FetchResponse {
    FetchResponse {
        throttle_time_ms: source.i32(),
        error_code: source.error_code(),
        session_id: source.i32(),
        responses: source.list(|source| FetchedTopic {
            topic: source.string(),
            topic_id: source.uuid(),
            partitions: source.list(draw_partition),
        }),
        node_endpoints: source.list(|source| NodeEndpoint {
            node_id: source.i32(),
            host: source.string(),
            port: source.i32(),
            rack: source.option(Source::string),
        }),
    }
}

fn draw_partition(source: &mut Source) -> FetchedPartition {
    FetchedPartition {
        partition_index: source.i32(),
        error_code: source.error_code(),
        high_watermark: source.i64(),
        last_stable_offset: source.i64(),
        log_start_offset: source.i64(),
        diverging_epoch: source.option(|source| EpochEndOffset {
            epoch: source.i32() & i32::MAX,
            end_offset: source.i64(),
        }),
        current_leader: source.option(|source| LeaderIdAndEpoch {
            leader_id: source.i32() & i32::MAX,
            leader_epoch: source.i32(),
        }),
        aborted_transactions: source.option(|source| {
            source.list(|source| AbortedTransaction {
                producer_id: source.i64(),
                first_offset: source.i64(),
            })
        }),
        preferred_read_replica: source.i32(),
        records: source.option(Source::bytes),
    }
}

fn masked_response(response: &FetchResponse, version: i16) -> FetchResponse {
    let mut masked = response.clone();
    if version < 7 {
        (masked.error_code, masked.session_id) = (crate::ErrorCode::NONE, 0);
    }
    masked.node_endpoints.retain(|_| version >= 16);
    for topic in &mut masked.responses {
        mask_name(version, &mut topic.topic, &mut topic.topic_id);
        for partition in &mut topic.partitions {
            if version < 5 {
                partition.log_start_offset = -1;
            }
            if version < 11 {
                partition.preferred_read_replica = -1;
            }
            if version < 12 {
                (partition.diverging_epoch, partition.current_leader) = (None, None);
            }
        }
    }
    masked
}

fn generated_response(response: &FetchResponse, _: i16) -> generated::FetchResponse {
    let topic = |topic: &FetchedTopic| {
        parts::FetchableTopicResponse::default()
            .with_topic(TopicName(topic.topic.clone()))
            .with_topic_id(topic.topic_id)
            .with_partitions(topic.partitions.iter().map(generated_partition).collect())
    };
    let endpoint = |node: &NodeEndpoint| {
        parts::NodeEndpoint::default()
            .with_node_id(BrokerId(node.node_id))
            .with_host(node.host.clone())
            .with_port(node.port)
            .with_rack(node.rack.clone())
    };
    generated::FetchResponse::default()
        .with_throttle_time_ms(response.throttle_time_ms)
        .with_error_code(response.error_code.0)
        .with_session_id(response.session_id)
        .with_responses(response.responses.iter().map(topic).collect())
        .with_node_endpoints(response.node_endpoints.iter().map(endpoint).collect())
}

fn generated_partition(partition: &FetchedPartition) -> parts::PartitionData {
    let diverging = |diverging: EpochEndOffset| {
        parts::EpochEndOffset::default()
            .with_epoch(diverging.epoch)
            .with_end_offset(diverging.end_offset)
    };
    let leader = |leader: LeaderIdAndEpoch| {
        parts::LeaderIdAndEpoch::default()
            .with_leader_id(BrokerId(leader.leader_id))
            .with_leader_epoch(leader.leader_epoch)
    };
    let aborted = |aborted: &AbortedTransaction| {
        parts::AbortedTransaction::default()
            .with_producer_id(ProducerId(aborted.producer_id))
            .with_first_offset(aborted.first_offset)
    };
    let transactions = partition.aborted_transactions.as_ref();
    parts::PartitionData::default()
        .with_partition_index(partition.partition_index)
        .with_error_code(partition.error_code.0)
        .with_high_watermark(partition.high_watermark)
        .with_last_stable_offset(partition.last_stable_offset)
        .with_log_start_offset(partition.log_start_offset)
        .with_diverging_epoch(partition.diverging_epoch.map(diverging).unwrap_or_default())
        .with_current_leader(partition.current_leader.map(leader).unwrap_or_default())
        .with_aborted_transactions(transactions.map(|all| all.iter().map(aborted).collect()))
        .with_preferred_read_replica(BrokerId(partition.preferred_read_replica))
        .with_records(partition.records.clone())
}

#[test]
fn records_are_a_slice_of_the_answer() {
    let records = Bytes::from(vec![9; 100]);
    let partition = FetchedPartition {
        records: Some(records.clone()),
        ..Default::default()
    };
    let topic = FetchedTopic {
        topic: StrBytes::from_static_str("t"),
        partitions: vec![partition],
        ..Default::default()
    };
    let response = FetchResponse {
        responses: vec![topic],
        ..Default::default()
    };
    let mut body = Frame::new();
    FetchRequest::encode_response(&response, 12, &mut body).expect("encodes");
    let body = body.to_bytes();
    let read = FetchRequest::decode_response(12, body.clone()).expect("reads");
    let got = read.responses[0].partitions[0]
        .records
        .clone()
        .expect("records");
    assert_eq!(got, records);
    assert!(body.as_ptr_range().contains(&got.as_ptr()), "no copy");
}

#[test]
fn what_replicas_send_is_skipped() {
    let theirs = generated::FetchRequest::default()
        .with_cluster_id(Some(StrBytes::from_static_str("cluster")))
        .with_replica_state(
            request_parts::ReplicaState::default()
                .with_replica_id(BrokerId(5))
                .with_replica_epoch(9),
        )
        .with_topics(vec![request_parts::FetchTopic::default().with_partitions(
            vec![
            request_parts::FetchPartition::default()
                .with_replica_directory_id(Uuid::from_u128(3))
                .with_high_watermark(12),
        ],
        )]);
    let mut body = Frame::new();
    Request::encode(&theirs, 18, &mut body).expect("encodes");
    let ours = <FetchRequest as BrokerRequest>::decode(18, body.to_bytes()).expect("reads");
    assert_eq!(ours.replica_id, 5);
    assert_eq!(
        ours.topics[0].partitions,
        [FetchPartition {
            partition_max_bytes: 0,
            ..Default::default()
        }]
    );
}

#[test]
fn an_unknown_isolation_level_is_refused() {
    let mut body = Frame::new();
    FetchRequest::default()
        .encode(4, &mut body)
        .expect("encodes");
    let mut body = body.to_bytes().to_vec();
    body[16] = 2;
    let error = FetchRequest::decode(4, body.into()).expect_err("refused");
    assert!(
        matches!(
            error,
            DecodeError::Corrupt {
                what: "isolation level",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn one_topic_without_id_rules_out_naming_by_id() {
    let topic = |name, id| FetchTopic {
        topic: StrBytes::from_static_str(name),
        topic_id: Uuid::from_u128(id),
        partitions: vec![],
    };
    let request = FetchRequest {
        topics: vec![topic("a", 1), topic("b", 0)],
        ..Default::default()
    };
    assert_eq!(request.versions(), VersionRange::new(4, 12));
    let forgotten = ForgottenTopic {
        topic_id: Uuid::from_u128(1),
        ..Default::default()
    };
    let request = FetchRequest {
        topics: vec![topic("a", 1)],
        forgotten_topics_data: vec![forgotten],
        ..Default::default()
    };
    assert_eq!(request.versions(), VersionRange::new(13, 18));
}
