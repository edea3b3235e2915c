//! CreatePartitions, versions 0 to 3. Counts only grow (INVALID_PARTITIONS); new partitions may name their replicas.

use bytes::Bytes;
use ekafka_protocol::cold::create_partitions_request::CreatePartitionsTopic;
use ekafka_protocol::cold::create_partitions_response::CreatePartitionsTopicResult;
use ekafka_protocol::cold::{CreatePartitionsRequest, CreatePartitionsResponse};
use ekafka_protocol::{ErrorCode, StrBytes};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = CreatePartitionsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> CreatePartitionsResponse {
    let dry = request.validate_only;
    let results = request.topics.into_iter().map(|topic| {
        let code = grow(cluster, call, &topic, dry)
            .err()
            .unwrap_or(ErrorCode::NONE);
        let message =
            (code != ErrorCode::NONE).then(|| StrBytes::from_string(code.message().to_owned()));
        CreatePartitionsTopicResult::default()
            .with_name(topic.name)
            .with_error_code(code.0)
            .with_error_message(message)
    });
    let results = results.collect();
    CreatePartitionsResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_results(results)
}

fn grow(
    cluster: &mut Cluster,
    call: &Call,
    topic: &CreatePartitionsTopic,
    dry: bool,
) -> Result<(), ErrorCode> {
    if let Some(code) = call.refused() {
        return Err(code);
    }
    cluster.check_controller(call.node)?;
    let by_hand: Option<Vec<Vec<i32>>> = topic.assignments.as_ref().map(|assignments| {
        assignments
            .iter()
            .map(|assignment| assignment.broker_ids.iter().map(|id| id.0).collect())
            .collect()
    });
    cluster.add_partitions(&topic.name, topic.count, by_hand.as_deref(), dry)
}
