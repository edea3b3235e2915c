//! Heartbeat, versions 0 to 4. REBALANCE_IN_PROGRESS tells a member to join again.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::{HeartbeatRequest, HeartbeatResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = HeartbeatRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> HeartbeatResponse {
    let code = call
        .refused()
        .unwrap_or_else(|| call.verdict(beat(cluster, call, &request)));
    HeartbeatResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_error_code(code.0)
}

fn beat(cluster: &mut Cluster, call: &Call, request: &Request) -> ErrorCode {
    if let Err(code) = cluster.check_group(call.node, &request.group_id) {
        return code;
    }
    let instance = request.group_instance_id.as_deref();
    let group = cluster.groups.at(&request.group_id, call.now);
    group.map_or(ErrorCode::UNKNOWN_MEMBER_ID, |group| {
        group.heartbeat(
            &request.member_id,
            instance,
            request.generation_id,
            call.now,
        )
    })
}
