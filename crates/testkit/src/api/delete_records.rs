//! DeleteRecords, versions 0 to 2. Moves the log start up to an offset, or to the high watermark for -1.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use ekafka_protocol::cold::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = DeleteRecordsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> DeleteRecordsResponse {
    let throttle = cluster.throttle_ms();
    let topics = request.topics.into_iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|wanted| {
            let deleted = delete(
                cluster,
                call,
                &topic.name,
                wanted.partition_index,
                wanted.offset,
            );
            let (low_watermark, code) =
                deleted.map_or_else(|code| (-1, code), |low| (low, ErrorCode::NONE));
            DeleteRecordsPartitionResult::default()
                .with_partition_index(wanted.partition_index)
                .with_low_watermark(low_watermark)
                .with_error_code(code.0)
        });
        let partitions = partitions.collect();
        DeleteRecordsTopicResult::default()
            .with_name(topic.name)
            .with_partitions(partitions)
    });
    DeleteRecordsResponse::default()
        .with_topics(topics.collect())
        .with_throttle_time_ms(throttle)
}

fn delete(
    cluster: &mut Cluster,
    call: &Call,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<i64, ErrorCode> {
    if let Some(code) = call.refused_for(topic, partition) {
        return Err(code);
    }
    let log = &mut cluster.led_by(call.node, topic, partition)?.log;
    let to = if offset == -1 {
        log.end_offset()
    } else {
        offset
    };
    if to < 0 || to > log.end_offset() {
        return Err(ErrorCode::OFFSET_OUT_OF_RANGE);
    }
    log.delete_before(to);
    Ok(log.start_offset())
}
