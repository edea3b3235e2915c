//! OffsetFetch, versions 1 to 9. One group up to version 7, several from version 8 on; no topics means all of them.
//!
//! What was never committed has offset -1. Offsets of an open transaction are UNSTABLE_OFFSET_COMMIT when the client asks
//! for stable ones (v7).

use std::collections::BTreeMap;

use bytes::Bytes;
use ekafka_protocol::cold::offset_fetch_response::{
    OffsetFetchResponseGroup, OffsetFetchResponsePartition, OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic, OffsetFetchResponseTopics,
};
use ekafka_protocol::cold::{GroupId, OffsetFetchRequest, OffsetFetchResponse, TopicName};
use ekafka_protocol::{ErrorCode, StrBytes};

use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = OffsetFetchRequest;

/// Topic names with partitions; none for everything that was committed.
type Wanted = Option<Vec<(TopicName, Vec<i32>)>>;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> OffsetFetchResponse {
    let response = OffsetFetchResponse::default().with_throttle_time_ms(cluster.throttle_ms());
    let is_stable = request.require_stable;
    if call.version >= 8 {
        let groups = request.groups.into_iter().map(|group| {
            let topics = group.topics.map(|topics| {
                topics
                    .into_iter()
                    .map(|topic| (topic.name, topic.partition_indexes))
                    .collect()
            });
            fetch(cluster, call, group.group_id, topics, is_stable)
        });
        return response.with_groups(groups.collect());
    }
    let topics = request.topics.map(|topics| {
        topics
            .into_iter()
            .map(|topic| (topic.name, topic.partition_indexes))
            .collect()
    });
    let group = fetch(cluster, call, request.group_id, topics, is_stable);
    let topics = group.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.into_iter().map(|partition| {
            OffsetFetchResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_committed_offset(partition.committed_offset)
                .with_committed_leader_epoch(partition.committed_leader_epoch)
                .with_metadata(partition.metadata)
                // Version 1 has no place for an error of the whole group.
                .with_error_code(if call.version < 2 {
                    group.error_code.max(partition.error_code)
                } else {
                    partition.error_code
                })
        });
        OffsetFetchResponseTopic::default()
            .with_name(topic.name)
            .with_partitions(partitions.collect())
    });
    let topics = topics.collect();
    response
        .with_topics(topics)
        .with_error_code(if call.version < 2 {
            0
        } else {
            group.error_code
        })
}

fn fetch(
    cluster: &mut Cluster,
    call: &Call,
    group: GroupId,
    wanted: Wanted,
    is_stable: bool,
) -> OffsetFetchResponseGroup {
    let response = OffsetFetchResponseGroup::default().with_group_id(group.clone());
    let checked = call
        .refused()
        .map_or_else(|| cluster.check_group(call.node, &group), Err);
    if let Err(code) = checked {
        return response
            .with_error_code(code.0)
            .with_topics(if call.version < 2 {
                refused(wanted, code)
            } else {
                Vec::new()
            });
    }
    let committed = cluster
        .groups
        .at(&group, call.now)
        .map(|group| group.offsets.clone())
        .unwrap_or_default();
    let wanted = wanted.unwrap_or_else(|| {
        let mut all: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
        for (topic, partition) in committed.keys() {
            all.entry(topic).or_default().push(*partition);
        }
        all.into_iter()
            .map(|(topic, partitions)| (TopicName(text(topic)), partitions))
            .collect()
    });
    let topics = wanted.into_iter().map(|(name, partitions)| {
        let partitions = partitions.into_iter().map(|number| {
            let key = (name.to_string(), number);
            let is_pending = is_stable && cluster.transactions.holds_offset(&group, &name, number);
            let pending = is_pending.then_some(ErrorCode::UNSTABLE_OFFSET_COMMIT);
            let code = call
                .refused_for(&name, number)
                .or(pending)
                .unwrap_or(ErrorCode::NONE);
            let found = committed.get(&key).filter(|_| code == ErrorCode::NONE);
            OffsetFetchResponsePartitions::default()
                .with_partition_index(number)
                .with_committed_offset(found.map_or(-1, |found| found.offset))
                .with_committed_leader_epoch(found.map_or(-1, |found| found.leader_epoch))
                .with_metadata(Some(
                    found.map_or_else(StrBytes::default, |found| text(&found.metadata)),
                ))
                .with_error_code(code.0)
        });
        let partitions = partitions.collect();
        OffsetFetchResponseTopics::default()
            .with_name(name)
            .with_partitions(partitions)
    });
    let topics = topics.collect();
    response.with_topics(topics)
}

fn refused(wanted: Wanted, code: ErrorCode) -> Vec<OffsetFetchResponseTopics> {
    let topics = wanted
        .unwrap_or_default()
        .into_iter()
        .map(|(name, partitions)| {
            let partitions = partitions.into_iter().map(|number| {
                OffsetFetchResponsePartitions::default()
                    .with_partition_index(number)
                    .with_committed_offset(-1)
                    .with_metadata(Some(StrBytes::default()))
                    .with_error_code(code.0)
            });
            OffsetFetchResponseTopics::default()
                .with_name(name)
                .with_partitions(partitions.collect())
        });
    topics.collect()
}
