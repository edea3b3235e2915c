//! ListPartitionReassignments, version 0. Moves are complete at once, so there is none to list.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use super::{Answer, Call, Refusal, answer};
use crate::server::Shared;

pub(super) type Request = ListPartitionReassignmentsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, |cluster, call, _: Request| {
        let refused = call
            .refused()
            .or_else(|| cluster.check_controller(call.node).err());
        ListPartitionReassignmentsResponse::default()
            .with_throttle_time_ms(cluster.throttle_ms())
            .with_error_code(refused.unwrap_or(ErrorCode::NONE).0)
            .with_error_message(None)
    })
}
