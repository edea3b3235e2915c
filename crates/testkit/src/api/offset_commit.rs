//! OffsetCommit, versions 2 to 9.
//!
//! By a member of the current generation, or with generation -1 while the group has no members. Topics must exist and
//! metadata be at most 4,096 bytes.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::offset_commit_request::OffsetCommitRequestPartition;
use ekafka_protocol::cold::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use ekafka_protocol::cold::{OffsetCommitRequest, OffsetCommitResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::group::Committed;
use crate::server::Shared;

pub(super) type Request = OffsetCommitRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> OffsetCommitResponse {
    let checked = check(cluster, call, &request);
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let number = partition.partition_index;
            let refused = checked
                .err()
                .or_else(|| call.refused_for(&topic.name, number));
            let stored = refused.map_or_else(
                || store(cluster, call, &request.group_id, &topic.name, partition),
                Err,
            );
            let code =
                call.verdict_for(&topic.name, number, stored.err().unwrap_or(ErrorCode::NONE));
            OffsetCommitResponsePartition::default()
                .with_partition_index(number)
                .with_error_code(code.0)
        });
        let partitions = partitions.collect();
        OffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions)
    });
    let topics = topics.collect();
    OffsetCommitResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_topics(topics)
}

fn check(cluster: &mut Cluster, call: &Call, request: &Request) -> Result<(), ErrorCode> {
    if let Some(code) = call.refused() {
        return Err(code);
    }
    cluster.check_group(call.node, &request.group_id)?;
    let generation = request.generation_id_or_member_epoch;
    let group = match cluster.groups.at(&request.group_id, call.now) {
        Some(group) => group,
        None if generation < 0 => cluster.groups.at_or_new(&request.group_id, call.now),
        None => return Err(ErrorCode::ILLEGAL_GENERATION),
    };
    if generation > group.generation() {
        let given = group.generation();
        let what = format!("generation {generation} was never given, the newest is {given}");
        cluster.illegal.push(what);
        return Err(ErrorCode::ILLEGAL_GENERATION);
    }
    group.check_commit(
        &request.member_id,
        request.group_instance_id.as_deref(),
        generation,
        call.now,
    )
}

fn store(
    cluster: &mut Cluster,
    call: &Call,
    group: &str,
    topic: &str,
    partition: &OffsetCommitRequestPartition,
) -> Result<(), ErrorCode> {
    let number = partition.partition_index;
    cluster
        .partition(topic, number)
        .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let metadata = partition.committed_metadata.as_deref().unwrap_or_default();
    if metadata.len() > LONGEST_METADATA {
        return Err(ErrorCode::OFFSET_METADATA_TOO_LARGE);
    }
    let committed = Committed {
        offset: partition.committed_offset,
        leader_epoch: partition.committed_leader_epoch,
        metadata: metadata.to_owned(),
    };
    cluster
        .groups
        .at_or_new(group, call.now)
        .offsets
        .insert((topic.to_owned(), number), committed);
    Ok(())
}

/// Kafka's `offset.metadata.max.bytes`.
const LONGEST_METADATA: usize = 4096;
