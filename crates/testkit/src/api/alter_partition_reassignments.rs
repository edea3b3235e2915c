//! AlterPartitionReassignments, versions 0 and 1. A move is complete at once, so there is never one to end.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use ekafka_protocol::cold::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
};

use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = AlterPartitionReassignmentsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(
    cluster: &mut Cluster,
    call: &Call,
    request: Request,
) -> AlterPartitionReassignmentsResponse {
    let response = AlterPartitionReassignmentsResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_error_message(None);
    let refused = call
        .refused()
        .or_else(|| cluster.check_controller(call.node).err());
    if let Some(code) = refused {
        return response.with_error_code(code.0);
    }
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let ids = wanted.replicas.as_ref();
            let ids: Option<Vec<i32>> = ids.map(|ids| ids.iter().map(|id| id.0).collect());
            let number = wanted.partition_index;
            let code = reassign(cluster, &topic.name, number, ids).err();
            ReassignablePartitionResponse::default()
                .with_partition_index(number)
                .with_error_code(code.unwrap_or(ErrorCode::NONE).0)
                .with_error_message(code.map(|code| text(code.message())))
        });
        let partitions = partitions.collect();
        ReassignableTopicResponse::default()
            .with_name(topic.name)
            .with_partitions(partitions)
    });
    let topics = topics.collect();
    response.with_responses(topics)
}

fn reassign(
    cluster: &mut Cluster,
    topic: &str,
    number: i32,
    replicas: Option<Vec<i32>>,
) -> Result<(), ErrorCode> {
    cluster
        .partition(topic, number)
        .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let replicas = replicas.ok_or(ErrorCode::NO_REASSIGNMENT_IN_PROGRESS)?;
    let is_known = |id: &i32| cluster.nodes.contains_key(id);
    let is_once = |id: &i32| replicas.iter().filter(|other| *other == id).count() == 1;
    if replicas.is_empty() || !replicas.iter().all(|id| is_known(id) && is_once(id)) {
        return Err(ErrorCode::INVALID_REPLICA_ASSIGNMENT);
    }
    let up = replicas.iter().find(|id| cluster.nodes[id].is_up).copied();
    let partition = cluster
        .partition_mut(topic, number)
        .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let leads_on = replicas.contains(&partition.leader);
    partition.replicas.clone_from(&replicas);
    partition.in_sync = replicas;
    if leads_on {
        return Ok(());
    }
    cluster.move_leader(topic, number, up.unwrap_or(-1))
}
