//! Produce, versions 3 to 13 (announced from 0 on, as Kafka does for the sake of librdkafka).
//!
//! Each partition's batch is checked (size, magic, CRC-32C, record count), judged by its producer's sequence and stored as
//! sent; base offset and leader epoch are the broker's, the timestamps too on topics with log append time. acks = none
//! gets no answer; when a batch is refused then, the connection is closed. Other nodes than the leader name it (KIP-951).

use bytes::Bytes;
use ekafka_protocol::messages::{
    LeaderIdAndEpoch, NodeEndpoint, PartitionProduceData, PartitionProduceResponse, ProduceRequest,
    ProduceResponse, TopicProduceResponse,
};
use ekafka_protocol::{BrokerRequest, ErrorCode, StrBytes, VersionRange};

use super::{Answer, Call, Refusal, reply};
use crate::cluster::Cluster;
use crate::log::{AppendTerms, Appended, Batch};
use crate::server::Shared;

pub(super) const VERSIONS: VersionRange = VersionRange::new(0, 13);

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    let request = ProduceRequest::decode(call.version, body)?;
    let acks = request.acks;
    // The expensive checks are made before the cluster is locked.
    let checked: Vec<Vec<Result<Vec<Batch>, ErrorCode>>> = request
        .topic_data
        .iter()
        .map(|topic| topic.partition_data.iter().map(check).collect())
        .collect();
    let response = decide(&mut shared.cluster(), call, request, checked);
    if acks != 0 {
        return reply::<ProduceRequest>(call, &response);
    }
    let mut partitions = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses);
    let is_refused = partitions.any(|partition| partition.error_code != ErrorCode::NONE);
    Ok(if is_refused {
        Answer::Close
    } else {
        Answer::Nothing
    })
}

fn check(data: &PartitionProduceData) -> Result<Vec<Batch>, ErrorCode> {
    let batches = Batch::split(data.records.as_ref().ok_or(ErrorCode::INVALID_RECORD)?)?;
    match batches.as_slice() {
        [batch] if batch.is_control() => Err(ErrorCode::INVALID_RECORD),
        [_] => Ok(batches),
        // One batch a partition since version 3 (KIP-98).
        _ => Err(ErrorCode::INVALID_RECORD),
    }
}

fn decide(
    cluster: &mut Cluster,
    call: &Call,
    request: ProduceRequest,
    checked: Vec<Vec<Result<Vec<Batch>, ErrorCode>>>,
) -> ProduceResponse {
    let mut response = ProduceResponse {
        throttle_time_ms: cluster.throttle_ms(),
        ..ProduceResponse::default()
    };
    for (topic, checked) in request.topic_data.into_iter().zip(checked) {
        let by_id = call.version >= 13;
        let name = if by_id {
            cluster.topic_name(topic.topic_id).map(str::to_owned)
        } else {
            Some(topic.name.to_string())
        };
        let mut partition_responses = Vec::with_capacity(checked.len());
        for (data, checked) in topic.partition_data.iter().zip(checked) {
            let index = data.index;
            let appended = match &name {
                Some(name) => append(cluster, call, name, index, request.acks, checked),
                None => Err(ErrorCode::UNKNOWN_TOPIC_ID),
            };
            let described = describe(
                cluster,
                name.as_deref().unwrap_or_default(),
                index,
                appended,
            );
            partition_responses.push(described);
        }
        response.responses.push(TopicProduceResponse {
            name: topic.name,
            topic_id: topic.topic_id,
            partition_responses,
        });
    }
    let moved = response
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses);
    let leaders = moved
        .filter_map(|partition| partition.current_leader.map(|leader| leader.leader_id))
        .collect();
    response.node_endpoints = endpoints(cluster, leaders);
    response
}

fn append(
    cluster: &mut Cluster,
    call: &Call,
    topic: &str,
    partition: i32,
    acks: i16,
    checked: Result<Vec<Batch>, ErrorCode>,
) -> Result<Appended, ErrorCode> {
    if let Some(code) = call.refused_for(topic, partition) {
        return Err(code);
    }
    if !(-1..=1).contains(&acks) {
        return Err(ErrorCode::INVALID_REQUIRED_ACKS);
    }
    let known = cluster
        .topics
        .get(topic)
        .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let largest = known
        .config
        .max_message_bytes()
        .unwrap_or(cluster.settings.max_message_bytes);
    let retained = known
        .config
        .retention_bytes()
        .or(cluster.settings.retention_bytes);
    let append_time = known
        .config
        .stamps_records()
        .then(|| cluster.wall_ms(call.now));
    let min_in_sync = known.config.min_in_sync();
    let compaction = known.config.compaction();
    cluster.led_by(call.node, topic, partition)?;
    let batches = checked.inspect_err(|code| {
        cluster.illegal.push(format!(
            "{topic}/{partition}: a batch that is refused with {code}"
        ));
    })?;
    for batch in batches.iter().filter(|batch| batch.is_transactional()) {
        cluster.transactions.check_append(batch, topic, partition)?;
    }
    let found = cluster.led_by(call.node, topic, partition)?;
    if batches.iter().any(|batch| batch.bytes.len() > largest) {
        return Err(ErrorCode::MESSAGE_TOO_LARGE);
    }
    if acks == -1 && found.in_sync.len() < min_in_sync {
        return Err(ErrorCode::NOT_ENOUGH_REPLICAS);
    }
    let terms = AppendTerms {
        leader_epoch: found.leader_epoch,
        append_time,
        compaction,
    };
    let appended = found.log.append(&batches, terms)?;
    if let Some(bytes) = retained {
        found.log.retain_bytes(bytes);
    }
    found.wake();
    match call.verdict_for(topic, partition, ErrorCode::NONE) {
        ErrorCode::NONE => Ok(appended),
        code => Err(code),
    }
}

fn describe(
    cluster: &Cluster,
    topic: &str,
    index: i32,
    appended: Result<Appended, ErrorCode>,
) -> PartitionProduceResponse {
    let known = cluster.partition(topic, index);
    match appended {
        Ok(appended) => PartitionProduceResponse {
            index,
            base_offset: appended.base_offset,
            log_append_time_ms: appended.append_time,
            log_start_offset: known.map_or(-1, |partition| partition.log.start_offset()),
            ..PartitionProduceResponse::default()
        },
        Err(error_code) => PartitionProduceResponse {
            index,
            error_code,
            error_message: Some(StrBytes::from_string(error_code.message().to_owned())),
            current_leader: known.and_then(|partition| current_leader(error_code, partition)),
            ..PartitionProduceResponse::default()
        },
    }
}

/// Whom to ask instead, for the errors that are about leadership (KIP-951).
pub(super) fn current_leader(
    code: ErrorCode,
    partition: &crate::topic::Partition,
) -> Option<LeaderIdAndEpoch> {
    let is_about_leader = matches!(
        code,
        ErrorCode::NOT_LEADER_OR_FOLLOWER | ErrorCode::FENCED_LEADER_EPOCH
    );
    let (leader_id, leader_epoch) = (partition.leader, partition.leader_epoch);
    is_about_leader.then_some(LeaderIdAndEpoch {
        leader_id,
        leader_epoch,
    })
}

/// The addresses of these nodes, each once; those that are down have none.
pub(super) fn endpoints(cluster: &Cluster, mut ids: Vec<i32>) -> Vec<NodeEndpoint> {
    ids.sort_unstable();
    ids.dedup();
    let known = ids
        .into_iter()
        .filter_map(|id| Some((id, cluster.nodes.get(&id).filter(|node| node.is_up)?)));
    known
        .map(|(node_id, node)| NodeEndpoint {
            node_id,
            host: StrBytes::from_string(node.host.clone()),
            port: i32::from(node.port),
            rack: node.rack.clone().map(StrBytes::from_string),
        })
        .collect()
}
