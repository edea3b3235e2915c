//! ListOffsets, versions 1 to 10.
//!
//! Timestamps with a meaning of their own: -1 the end (last stable offset for committed reads), -2 the start, -3 the record
//! with the greatest timestamp (v7), -4 the local start (v8), -5 the end of tiered storage (v9: there is none, so -1).
//! Any other: the first record stamped at or after it, -1 when there is none.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::list_offsets_request::ListOffsetsPartition;
use ekafka_protocol::cold::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use ekafka_protocol::cold::{ListOffsetsRequest, ListOffsetsResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::log::PartitionLog;
use crate::server::Shared;

pub(super) type Request = ListOffsetsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> ListOffsetsResponse {
    let throttle = cluster.throttle_ms();
    let committed = request.isolation_level == 1;
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let found = find(cluster, call, &topic.name, wanted, committed);
            let (code, found) =
                found.map_or_else(|code| (code, NOTHING), |found| (ErrorCode::NONE, found));
            ListOffsetsPartitionResponse::default()
                .with_partition_index(wanted.partition_index)
                .with_error_code(code.0)
                .with_timestamp(found.timestamp)
                .with_offset(found.offset)
                .with_leader_epoch(if call.version >= 4 {
                    found.leader_epoch
                } else {
                    -1
                })
        });
        let partitions = partitions.collect();
        ListOffsetsTopicResponse::default()
            .with_name(topic.name)
            .with_partitions(partitions)
    });
    ListOffsetsResponse::default()
        .with_topics(topics.collect())
        .with_throttle_time_ms(throttle)
}

#[derive(Debug, Clone, Copy)]
struct Found {
    offset: i64,
    timestamp: i64,
    leader_epoch: i32,
}

const NOTHING: Found = Found {
    offset: -1,
    timestamp: -1,
    leader_epoch: -1,
};

fn find(
    cluster: &mut Cluster,
    call: &Call,
    topic: &str,
    wanted: &ListOffsetsPartition,
    committed: bool,
) -> Result<Found, ErrorCode> {
    let number = wanted.partition_index;
    if let Some(code) = call.refused_for(topic, number) {
        return Err(code);
    }
    let partition = cluster.led_by(call.node, topic, number)?;
    partition.check_epoch(wanted.current_leader_epoch)?;
    let log = &partition.log;
    let at = |offset| Found {
        offset,
        timestamp: -1,
        leader_epoch: log.epoch_at(offset),
    };
    let current = partition.leader_epoch;
    Ok(match wanted.timestamp {
        -1 if committed => Found {
            leader_epoch: current,
            ..at(log.stable_offset())
        },
        -1 => Found {
            leader_epoch: current,
            ..at(log.end_offset())
        },
        -2 | -4 => at(log.start_offset()),
        -3 => of_max_time(log).unwrap_or(NOTHING),
        -5 => NOTHING,
        timestamp if timestamp < 0 => return Err(ErrorCode::INVALID_REQUEST),
        timestamp => at_time(log, timestamp).unwrap_or(NOTHING),
    })
}

fn at_time(log: &PartitionLog, timestamp: i64) -> Option<Found> {
    let (offset, timestamp) = log.record_at_time(timestamp)?;
    Some(Found {
        offset,
        timestamp,
        leader_epoch: log.epoch_at(offset),
    })
}

fn of_max_time(log: &PartitionLog) -> Option<Found> {
    let (offset, timestamp) = log.record_of_max_time()?;
    Some(Found {
        offset,
        timestamp,
        leader_epoch: log.epoch_at(offset),
    })
}
