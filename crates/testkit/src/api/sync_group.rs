//! SyncGroup, versions 0 to 5. Waits until the group's leader has sent the assignments.

use bytes::Bytes;
use ekafka_protocol::cold::{SyncGroupRequest, SyncGroupResponse};
use ekafka_protocol::{BrokerRequest, ErrorCode};
use tokio::sync::oneshot;

use super::waiting_member::WaitingMember;
use super::{Answer, Call, Refusal, reply, text};
use crate::cluster::Cluster;
use crate::group::{SyncAnswer, SyncTerms};
use crate::reply::Reply;
use crate::server::Shared;

pub(super) type Request = SyncGroupRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    let request = Request::decode(call.version, body)?;
    let group = request.group_id.to_string();
    let synced = sync(&mut shared.cluster(), call, request);
    let receiver = match synced {
        Ok(receiver) => receiver,
        Err(code) => return respond(shared, call, SyncAnswer::refused(code)),
    };
    let forgotten = || SyncAnswer::refused(ErrorCode::NOT_COORDINATOR);
    WaitingMember::new(call, &group, receiver, forgotten, respond).begin(shared, call)
}

fn sync(
    cluster: &mut Cluster,
    call: &Call,
    request: Request,
) -> Result<oneshot::Receiver<SyncAnswer>, ErrorCode> {
    if let Some(code) = call.refused() {
        return Err(code);
    }
    cluster.check_group(call.node, &request.group_id)?;
    let group = cluster
        .groups
        .at(&request.group_id, call.now)
        .ok_or(ErrorCode::UNKNOWN_MEMBER_ID)?;
    let assignments = request.assignments.into_iter();
    let terms = SyncTerms {
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.map(|id| id.to_string()),
        generation: request.generation_id,
        protocol_type: request.protocol_type.map(|name| name.to_string()),
        protocol: request.protocol_name.map(|name| name.to_string()),
        assignments: assignments
            .map(|entry| (entry.member_id.to_string(), entry.assignment))
            .collect(),
    };
    let (promise, receiver) = Reply::new(&call.waker);
    group.sync(terms, call.now, promise);
    Ok(receiver)
}

fn respond(shared: &Shared, call: &Call, answer: SyncAnswer) -> Result<Answer, Refusal> {
    let response = SyncGroupResponse::default()
        .with_throttle_time_ms(shared.cluster().throttle_ms())
        .with_error_code(call.verdict(answer.error).0)
        .with_protocol_type(answer.protocol_type.map(text))
        .with_protocol_name(answer.protocol.map(text))
        .with_assignment(answer.assignment);
    reply::<Request>(call, &response)
}
