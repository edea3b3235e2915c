//! OffsetDelete, version 0. Not for topics that a member of the group reads.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use ekafka_protocol::cold::{OffsetDeleteRequest, OffsetDeleteResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = OffsetDeleteRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> OffsetDeleteResponse {
    let response = OffsetDeleteResponse::default().with_throttle_time_ms(cluster.throttle_ms());
    let checked = call
        .refused()
        .map_or_else(|| cluster.check_group(call.node, &request.group_id), Err);
    if let Err(code) = checked {
        return response.with_error_code(code.0);
    }
    let Some(group) = cluster.groups.at(&request.group_id, call.now) else {
        return response.with_error_code(ErrorCode::GROUP_ID_NOT_FOUND.0);
    };
    let topics = request.topics.iter().map(|topic| {
        let is_read = group.reads(&topic.name);
        let partitions = topic.partitions.iter().map(|partition| {
            let number = partition.partition_index;
            let code = if is_read {
                ErrorCode::GROUP_SUBSCRIBED_TO_TOPIC
            } else {
                group.offsets.remove(&(topic.name.to_string(), number));
                ErrorCode::NONE
            };
            OffsetDeleteResponsePartition::default()
                .with_partition_index(number)
                .with_error_code(code.0)
        });
        let partitions = partitions.collect();
        OffsetDeleteResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(partitions)
    });
    response.with_topics(topics.collect())
}
