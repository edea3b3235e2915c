//! JoinGroup, versions 0 to 9. See `group::state` for what it does to the group.
//!
//! From version 4 on a new member is told its id first (KIP-394); static members from version 5 on (KIP-345). Waits until
//! the rebalance is complete.

use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::cold::join_group_response::JoinGroupResponseMember;
use ekafka_protocol::cold::{JoinGroupRequest, JoinGroupResponse};
use ekafka_protocol::{BrokerRequest, ErrorCode};
use tokio::sync::oneshot;

use super::waiting_member::WaitingMember;
use super::{Answer, Call, Refusal, reply, text};
use crate::cluster::Cluster;
use crate::group::{JoinAnswer, JoinTerms};
use crate::reply::Reply;
use crate::server::Shared;

pub(super) type Request = JoinGroupRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    let request = Request::decode(call.version, body)?;
    let joined = join(&mut shared.cluster(), call, &request);
    let receiver = match joined {
        Ok(receiver) => receiver,
        Err(code) => return respond(shared, call, JoinAnswer::refused(code, &request.member_id)),
    };
    let forgotten = || JoinAnswer::refused(ErrorCode::NOT_COORDINATOR, "");
    WaitingMember::new(call, &request.group_id, receiver, forgotten, respond).begin(shared, call)
}

fn join(
    cluster: &mut Cluster,
    call: &Call,
    request: &Request,
) -> Result<oneshot::Receiver<JoinAnswer>, ErrorCode> {
    if let Some(code) = call.refused() {
        return Err(code);
    }
    cluster.check_group(call.node, &request.group_id)?;
    let session_timeout = milliseconds(request.session_timeout_ms);
    let (shortest, longest) = cluster.settings.session_timeouts;
    if session_timeout < shortest || session_timeout > longest {
        return Err(ErrorCode::INVALID_SESSION_TIMEOUT);
    }
    let is_known = cluster.groups.at(&request.group_id, call.now).is_some();
    if !is_known && !request.member_id.is_empty() {
        return Err(ErrorCode::UNKNOWN_MEMBER_ID);
    }
    let prefix = request
        .group_instance_id
        .as_deref()
        .unwrap_or(&call.client_id);
    let unique =
        uuid::Builder::from_random_bytes(cluster.random.u128(..).to_be_bytes()).into_uuid();
    // Version 0 has one timeout for both.
    let rebalance_ms = if call.version == 0 {
        request.session_timeout_ms
    } else {
        request.rebalance_timeout_ms
    };
    let terms = JoinTerms {
        member_id: request.member_id.to_string(),
        instance_id: request.group_instance_id.as_ref().map(ToString::to_string),
        client_id: call.client_id.clone(),
        client_host: call.client_host.to_string(),
        session_timeout,
        rebalance_timeout: milliseconds(rebalance_ms),
        protocol_type: request.protocol_type.to_string(),
        protocols: request
            .protocols
            .iter()
            .map(|entry| (entry.name.to_string(), entry.metadata.clone()))
            .collect(),
        needs_known_id: call.version >= 4,
        fresh_id: format!("{prefix}-{unique}"),
        initial_delay: cluster.settings.initial_rebalance_delay,
    };
    let (promise, receiver) = Reply::new(&call.waker);
    cluster
        .groups
        .at_or_new(&request.group_id, call.now)
        .join(&terms, call.now, promise);
    Ok(receiver)
}

fn respond(shared: &Shared, call: &Call, answer: JoinAnswer) -> Result<Answer, Refusal> {
    let members = answer.members.iter().map(|(id, instance, subscription)| {
        JoinGroupResponseMember::default()
            .with_member_id(text(id))
            .with_group_instance_id(instance.as_deref().map(text))
            .with_metadata(subscription.clone())
    });
    // Null names exist from version 7 on.
    let named = |name: Option<String>| {
        name.or_else(|| (call.version < 7).then(String::new))
            .map(text)
    };
    let response = JoinGroupResponse::default()
        .with_throttle_time_ms(shared.cluster().throttle_ms())
        .with_error_code(call.verdict(answer.error).0)
        .with_generation_id(answer.generation)
        .with_protocol_type(answer.protocol_type.map(text))
        .with_protocol_name(named(answer.protocol))
        .with_leader(text(answer.leader))
        .with_skip_assignment(answer.skip_assignment && call.version >= 9)
        .with_member_id(text(answer.member_id))
        .with_members(members.collect());
    reply::<Request>(call, &response)
}

fn milliseconds(count: i32) -> Duration {
    Duration::from_millis(u64::try_from(count).unwrap_or(0))
}
