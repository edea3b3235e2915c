//! DescribeCluster, versions 0 to 2. Brokers only: endpoint type 2 (controllers) is MISMATCHED_ENDPOINT_TYPE.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::describe_cluster_response::DescribeClusterBroker;
use ekafka_protocol::cold::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};

use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = DescribeClusterRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> DescribeClusterResponse {
    let wrong = (request.endpoint_type != 1).then_some(ErrorCode::MISMATCHED_ENDPOINT_TYPE);
    let code = call.refused().or(wrong).unwrap_or(ErrorCode::NONE);
    let up = cluster.nodes.iter().filter(|(_, node)| node.is_up);
    let brokers = up.map(|(&id, node)| {
        DescribeClusterBroker::default()
            .with_broker_id(BrokerId(id))
            .with_host(text(&node.host))
            .with_port(i32::from(node.port))
    });
    let operations = if request.include_cluster_authorized_operations {
        super::CLUSTER_OPERATIONS
    } else {
        i32::MIN
    };
    DescribeClusterResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_error_code(code.0)
        .with_cluster_id(text(&cluster.cluster_id))
        .with_controller_id(BrokerId(cluster.controller))
        .with_brokers(brokers.collect())
        .with_cluster_authorized_operations(operations)
}
