use kafka_protocol::messages as generated;
use kafka_protocol::messages::{
    BrokerId, TopicName, TransactionalId, produce_request as request_parts,
    produce_response as parts,
};

use super::*;
use crate::ErrorCode;
use crate::messages::tests::{Source, check_request, check_response};
use crate::messages::{LeaderIdAndEpoch, NodeEndpoint};

#[test]
fn requests_are_those_of_the_generated_codec() {
    check_request(draw_request, masked_request, generated_request);
}

#[test]
fn responses_are_those_of_the_generated_codec() {
    check_response::<ProduceRequest, _>(draw_response, masked_response, generated_response);
}

fn draw_request(source: &mut Source) -> ProduceRequest {
    ProduceRequest {
        transactional_id: source.option(Source::string),
        acks: source.i16(),
        timeout_ms: source.i32(),
        topic_data: source.list(|source| TopicProduceData {
            name: source.name(),
            topic_id: source.topic_id(),
            partition_data: source.list(|source| PartitionProduceData {
                index: source.i32(),
                records: source.option(Source::bytes),
            }),
        }),
    }
}

fn masked_request(request: &ProduceRequest, version: i16) -> ProduceRequest {
    let mut masked = request.clone();
    for topic in &mut masked.topic_data {
        mask_name(version, &mut topic.name, &mut topic.topic_id);
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

fn generated_request(request: &ProduceRequest, _: i16) -> generated::ProduceRequest {
    let partition = |partition: &PartitionProduceData| {
        request_parts::PartitionProduceData::default()
            .with_index(partition.index)
            .with_records(partition.records.clone())
    };
    let topic = |topic: &TopicProduceData| {
        request_parts::TopicProduceData::default()
            .with_name(TopicName(topic.name.clone()))
            .with_topic_id(topic.topic_id)
            .with_partition_data(topic.partition_data.iter().map(partition).collect())
    };
    generated::ProduceRequest::default()
        .with_transactional_id(request.transactional_id.clone().map(TransactionalId))
        .with_acks(request.acks)
        .with_timeout_ms(request.timeout_ms)
        .with_topic_data(request.topic_data.iter().map(topic).collect())
}

fn draw_response(source: &mut Source) -> ProduceResponse {
    ProduceResponse {
        responses: source.list(|source| TopicProduceResponse {
            name: source.string(),
            topic_id: source.uuid(),
            partition_responses: source.list(draw_partition),
        }),
        throttle_time_ms: source.i32(),
        node_endpoints: source.list(|source| NodeEndpoint {
            node_id: source.i32(),
            host: source.string(),
            port: source.i32(),
            rack: source.option(Source::string),
        }),
    }
}

fn draw_partition(source: &mut Source) -> PartitionProduceResponse {
    PartitionProduceResponse {
        index: source.i32(),
        error_code: source.error_code(),
        base_offset: source.i64(),
        log_append_time_ms: source.i64(),
        log_start_offset: source.i64(),
        record_errors: source.list(|source| RecordError {
            batch_index: source.i32(),
            message: source.option(Source::string),
        }),
        error_message: source.option(Source::string),
        current_leader: source.option(|source| LeaderIdAndEpoch {
            leader_id: source.i32() & i32::MAX,
            leader_epoch: source.i32(),
        }),
    }
}

fn masked_response(response: &ProduceResponse, version: i16) -> ProduceResponse {
    let mut masked = response.clone();
    for topic in &mut masked.responses {
        mask_name(version, &mut topic.name, &mut topic.topic_id);
        for partition in &mut topic.partition_responses {
            if version < 5 {
                partition.log_start_offset = -1;
            }
            if version < 8 {
                partition.record_errors.clear();
                partition.error_message = None;
            }
            partition.current_leader = partition.current_leader.filter(|_| version >= 10);
        }
    }
    masked.node_endpoints.retain(|_| version >= 10);
    masked
}

fn generated_response(response: &ProduceResponse, _: i16) -> generated::ProduceResponse {
    let error = |error: &RecordError| {
        parts::BatchIndexAndErrorMessage::default()
            .with_batch_index(error.batch_index)
            .with_batch_index_error_message(error.message.clone())
    };
    let leader = |leader: LeaderIdAndEpoch| {
        parts::LeaderIdAndEpoch::default()
            .with_leader_id(BrokerId(leader.leader_id))
            .with_leader_epoch(leader.leader_epoch)
    };
    let partition = |partition: &PartitionProduceResponse| {
        parts::PartitionProduceResponse::default()
            .with_index(partition.index)
            .with_error_code(partition.error_code.0)
            .with_base_offset(partition.base_offset)
            .with_log_append_time_ms(partition.log_append_time_ms)
            .with_log_start_offset(partition.log_start_offset)
            .with_record_errors(partition.record_errors.iter().map(error).collect())
            .with_error_message(partition.error_message.clone())
            .with_current_leader(partition.current_leader.map(leader).unwrap_or_default())
    };
    let topic = |topic: &TopicProduceResponse| {
        parts::TopicProduceResponse::default()
            .with_name(TopicName(topic.name.clone()))
            .with_topic_id(topic.topic_id)
            .with_partition_responses(topic.partition_responses.iter().map(partition).collect())
    };
    let endpoint = |node: &NodeEndpoint| {
        parts::NodeEndpoint::default()
            .with_node_id(BrokerId(node.node_id))
            .with_host(node.host.clone())
            .with_port(node.port)
            .with_rack(node.rack.clone())
    };
    generated::ProduceResponse::default()
        .with_responses(response.responses.iter().map(topic).collect())
        .with_throttle_time_ms(response.throttle_time_ms)
        .with_node_endpoints(response.node_endpoints.iter().map(endpoint).collect())
}

fn request_for(name: &'static str, topic_id: Uuid, records: Bytes) -> ProduceRequest {
    let partition_data = vec![PartitionProduceData {
        index: 0,
        records: Some(records),
    }];
    let name = StrBytes::from_static_str(name);
    let topic_data = vec![TopicProduceData {
        name,
        topic_id,
        partition_data,
    }];
    ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data,
        ..Default::default()
    }
}

#[test]
fn the_versions_follow_what_is_known_of_the_topics() {
    let check = |name, id, min, max| {
        let request = request_for(name, Uuid::from_u128(id), Bytes::new());
        assert_eq!(
            request.versions(),
            VersionRange::new(min, max),
            "{name} {id}"
        );
    };
    check("t", 7, 3, 13);
    check("t", 0, 3, 12);
    check("", 7, 13, 13);
    let request = request_for("t", Uuid::nil(), Bytes::new());
    let error = request.encode(13, &mut Frame::new());
    assert_eq!(
        error,
        Err(EncodeError::Version {
            api: 0,
            version: 13
        })
    );
}

#[test]
fn a_batch_is_written_without_a_copy() {
    let records = Bytes::from(vec![1; 1 << 20]);
    let request = request_for("t", Uuid::nil(), records.clone());
    let frame = Frame::request(9, 1, Some("me"), &request).expect("encodes");
    assert!(
        frame
            .segments()
            .any(|part| part.as_ptr() == records.as_ptr()),
        "spliced"
    );
    let small: usize = frame.segments().map(<[u8]>::len).sum::<usize>() - records.len();
    assert!(small < 64, "{small} bytes around the batch");
}

#[test]
fn error_codes_survive() {
    let partition = PartitionProduceResponse {
        error_code: ErrorCode::MESSAGE_TOO_LARGE,
        ..Default::default()
    };
    let topic = TopicProduceResponse {
        name: StrBytes::from_static_str("t"),
        partition_responses: vec![partition],
        ..Default::default()
    };
    let response = ProduceResponse {
        responses: vec![topic],
        ..Default::default()
    };
    let mut body = Frame::new();
    ProduceRequest::encode_response(&response, 3, &mut body).expect("encodes");
    let golden = [
        0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 0, 0, 10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
    ];
    assert_eq!(body.to_bytes(), &golden[..]);
}
