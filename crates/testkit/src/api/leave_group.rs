//! LeaveGroup, versions 0 to 5. One member up to version 2; several, also by instance id, from version 3 on (KIP-345).

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::leave_group_request::MemberIdentity;
use ekafka_protocol::cold::leave_group_response::MemberResponse;
use ekafka_protocol::cold::{LeaveGroupRequest, LeaveGroupResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = LeaveGroupRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> LeaveGroupResponse {
    let response = LeaveGroupResponse::default().with_throttle_time_ms(cluster.throttle_ms());
    let checked = call
        .refused()
        .map_or_else(|| cluster.check_group(call.node, &request.group_id), Err);
    if let Err(code) = checked {
        return response.with_error_code(code.0);
    }
    let mut leave = |member: &MemberIdentity| {
        let group = cluster
            .groups
            .at(&request.group_id, call.now)
            .ok_or(ErrorCode::UNKNOWN_MEMBER_ID);
        let left = group.and_then(|group| {
            group.leave(
                &member.member_id,
                member.group_instance_id.as_deref(),
                call.now,
            )
        });
        left.err().unwrap_or(ErrorCode::NONE)
    };
    if call.version < 3 {
        let code = leave(&MemberIdentity::default().with_member_id(request.member_id));
        return response.with_error_code(call.verdict(code).0);
    }
    let members = request.members.iter().map(|member| {
        MemberResponse::default()
            .with_member_id(member.member_id.clone())
            .with_group_instance_id(member.group_instance_id.clone())
            .with_error_code(leave(member).0)
    });
    let members = members.collect();
    response
        .with_error_code(call.verdict(ErrorCode::NONE).0)
        .with_members(members)
}
