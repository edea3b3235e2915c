//! FindCoordinator, versions 0 to 6. One key up to version 3, several from version 4 on (KIP-699).
//!
//! Groups (type 0) and transactional ids (type 1); share groups are not offered. The choice follows from the key and the
//! nodes that are up, or from what the test has set.

use bytes::Bytes;
use ekafka_protocol::cold::find_coordinator_response::Coordinator;
use ekafka_protocol::cold::{BrokerId, FindCoordinatorRequest, FindCoordinatorResponse};
use ekafka_protocol::{ErrorCode, StrBytes};

use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = FindCoordinatorRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> FindCoordinatorResponse {
    let response = FindCoordinatorResponse::default().with_throttle_time_ms(cluster.throttle_ms());
    if call.version >= 4 {
        let keys = request.coordinator_keys.iter();
        return response.with_coordinators(
            keys.map(|key| find(cluster, call, key, request.key_type))
                .collect(),
        );
    }
    let found = find(cluster, call, &request.key, request.key_type);
    response
        .with_error_code(found.error_code)
        .with_error_message(found.error_message)
        .with_node_id(found.node_id)
        .with_host(found.host)
        .with_port(found.port)
}

fn find(cluster: &Cluster, call: &Call, key: &StrBytes, key_type: i8) -> Coordinator {
    let found = match (call.refused(), key_type) {
        (Some(code), _) => Err(code),
        (None, 0 | 1) => cluster
            .coordinator(key)
            .ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        (None, _) => Err(ErrorCode::INVALID_REQUEST),
    };
    let node = found.and_then(|id| {
        Ok((
            id,
            cluster
                .nodes
                .get(&id)
                .ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)?,
        ))
    });
    let coordinator = Coordinator::default().with_key(key.clone());
    match node {
        Ok((id, node)) => coordinator
            .with_node_id(BrokerId(id))
            .with_host(text(&node.host))
            .with_port(i32::from(node.port)),
        Err(code) => coordinator
            .with_node_id(BrokerId(-1))
            .with_port(-1)
            .with_error_code(code.0)
            .with_error_message(Some(text(code.message()))),
    }
}
