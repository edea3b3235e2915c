//! OffsetForLeaderEpoch, versions 2 to 4. Where a leader epoch ended (KIP-101, KIP-320).

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use ekafka_protocol::cold::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use ekafka_protocol::cold::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = OffsetForLeaderEpochRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> OffsetForLeaderEpochResponse {
    let throttle = cluster.throttle_ms();
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let found = find(cluster, call, &topic.topic, wanted);
            let (code, (epoch, end)) =
                found.map_or_else(|code| (code, (-1, -1)), |found| (ErrorCode::NONE, found));
            EpochEndOffset::default()
                .with_partition(wanted.partition)
                .with_error_code(code.0)
                .with_leader_epoch(epoch)
                .with_end_offset(end)
        });
        let partitions = partitions.collect();
        OffsetForLeaderTopicResult::default()
            .with_topic(topic.topic)
            .with_partitions(partitions)
    });
    OffsetForLeaderEpochResponse::default()
        .with_topics(topics.collect())
        .with_throttle_time_ms(throttle)
}

fn find(
    cluster: &mut Cluster,
    call: &Call,
    topic: &str,
    wanted: &OffsetForLeaderPartition,
) -> Result<(i32, i64), ErrorCode> {
    if let Some(code) = call.refused_for(topic, wanted.partition) {
        return Err(code);
    }
    let partition = cluster.led_by(call.node, topic, wanted.partition)?;
    partition.check_epoch(wanted.current_leader_epoch)?;
    Ok(partition
        .log
        .end_of_epoch(wanted.leader_epoch, partition.leader_epoch))
}
