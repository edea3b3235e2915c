//! InitProducerId, versions 0 to 5.
//!
//! Without a transactional id: a new producer id, or the next epoch for the one named (KIP-360). With one: the id's
//! producer with a raised epoch; a transaction it had open is aborted first. Two-phase commit (v6) is not offered.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::{InitProducerIdRequest, InitProducerIdResponse, ProducerId};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = InitProducerIdRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> InitProducerIdResponse {
    let response = InitProducerIdResponse::default().with_throttle_time_ms(cluster.throttle_ms());
    match init(cluster, call, &request) {
        Ok((id, epoch)) => response
            .with_producer_id(ProducerId(id))
            .with_producer_epoch(epoch)
            .with_error_code(call.verdict(ErrorCode::NONE).0),
        Err(code) => response
            .with_producer_id(ProducerId(-1))
            .with_producer_epoch(-1)
            .with_error_code(code.0),
    }
}

fn init(cluster: &mut Cluster, call: &Call, request: &Request) -> Result<(i64, i16), ErrorCode> {
    if let Some(code) = call.refused() {
        return Err(code);
    }
    let Some(transactional_id) = &request.transactional_id else {
        return Ok((cluster.transactions.fresh_id(), 0));
    };
    if transactional_id.is_empty() {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    if request.transaction_timeout_ms <= 0 {
        return Err(ErrorCode::INVALID_TRANSACTION_TIMEOUT);
    }
    cluster.check_coordinator(call.node, transactional_id)?;
    let named = (request.producer_id.0, request.producer_epoch);
    let known = cluster.transactions.by_id.get(transactional_id.as_str());
    if named.0 >= 0
        && known.is_some_and(|known| known.producer_id != named.0 || known.epoch != named.1)
    {
        return Err(ErrorCode::PRODUCER_FENCED);
    }
    cluster.end_transaction(transactional_id, false, call.now);
    Ok(cluster.transactions.init(transactional_id))
}
