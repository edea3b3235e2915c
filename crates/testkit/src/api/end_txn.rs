//! EndTxn, versions 0 to 4. Commits or aborts: markers are in the partitions before the answer goes out.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::{EndTxnRequest, EndTxnResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = EndTxnRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> EndTxnResponse {
    let code = end(cluster, call, &request)
        .err()
        .unwrap_or(ErrorCode::NONE);
    EndTxnResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_error_code(call.verdict(code).0)
}

fn end(cluster: &mut Cluster, call: &Call, request: &Request) -> Result<(), ErrorCode> {
    if let Some(code) = call.refused() {
        return Err(code);
    }
    let id = &request.transactional_id;
    cluster.check_coordinator(call.node, id)?;
    let producer = cluster
        .transactions
        .owned(id, request.producer_id.0, request.producer_epoch)?;
    match producer.may_end(request.committed) {
        // The answer got lost, and the client asks again.
        Ok(false) => Ok(()),
        Ok(true) => {
            cluster.end_transaction(id, request.committed, call.now);
            Ok(())
        }
        Err(code) => Err(code),
    }
}
