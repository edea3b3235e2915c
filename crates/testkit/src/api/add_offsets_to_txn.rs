//! AddOffsetsToTxn, versions 0 to 4. The group's offsets become part of the open transaction.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = AddOffsetsToTxnRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> AddOffsetsToTxnResponse {
    let code = add(cluster, call, &request)
        .err()
        .unwrap_or(ErrorCode::NONE);
    AddOffsetsToTxnResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_error_code(call.verdict(code).0)
}

fn add(cluster: &mut Cluster, call: &Call, request: &Request) -> Result<(), ErrorCode> {
    if let Some(code) = call.refused() {
        return Err(code);
    }
    let id = &request.transactional_id;
    cluster.check_coordinator(call.node, id)?;
    if request.group_id.is_empty() {
        return Err(ErrorCode::INVALID_GROUP_ID);
    }
    cluster
        .transactions
        .owned(id, request.producer_id.0, request.producer_epoch)?
        .add_group(&request.group_id);
    Ok(())
}
