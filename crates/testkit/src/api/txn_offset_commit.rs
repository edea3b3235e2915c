//! TxnOffsetCommit, versions 0 to 4. Offsets that the group gets when the transaction commits; from version 3 on the
//! member must belong to the group's current generation (KIP-447).

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use ekafka_protocol::cold::{TxnOffsetCommitRequest, TxnOffsetCommitResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::group::Committed;
use crate::server::Shared;

pub(super) type Request = TxnOffsetCommitRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> TxnOffsetCommitResponse {
    let checked = check(cluster, call, &request);
    let mut held = Vec::new();
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let partitions = topic.partitions.iter().map(|partition| {
            let number = partition.partition_index;
            let known = cluster.partition(&topic.name, number).map(drop);
            let stored = checked.and_then(|()| known.ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
            if stored.is_ok() {
                let position = Committed {
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: partition
                        .committed_metadata
                        .as_deref()
                        .unwrap_or_default()
                        .to_owned(),
                };
                held.push((
                    request.group_id.to_string(),
                    topic.name.to_string(),
                    number,
                    position,
                ));
            }
            let code =
                call.verdict_for(&topic.name, number, stored.err().unwrap_or(ErrorCode::NONE));
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(number)
                .with_error_code(code.0)
        });
        let partitions = partitions.collect();
        topics.push(
            TxnOffsetCommitResponseTopic::default()
                .with_name(topic.name.clone())
                .with_partitions(partitions),
        );
    }
    if let Some(producer) = cluster
        .transactions
        .by_id
        .get_mut(request.transactional_id.as_str())
    {
        producer.offsets.extend(held);
    }
    TxnOffsetCommitResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_topics(topics)
}

fn check(cluster: &mut Cluster, call: &Call, request: &Request) -> Result<(), ErrorCode> {
    if let Some(code) = call.refused() {
        return Err(code);
    }
    cluster.check_group(call.node, &request.group_id)?;
    let id = &request.transactional_id;
    let producer = cluster
        .transactions
        .owned(id, request.producer_id.0, request.producer_epoch)?;
    if !producer
        .groups
        .iter()
        .any(|group| *group == *request.group_id.as_str())
    {
        return Err(ErrorCode::INVALID_TXN_STATE);
    }
    let group = cluster.groups.at_or_new(&request.group_id, call.now);
    if call.version < 3 || request.member_id.is_empty() {
        return Ok(());
    }
    let instance = request.group_instance_id.as_deref();
    group.check_commit(
        &request.member_id,
        instance,
        request.generation_id,
        call.now,
    )
}
