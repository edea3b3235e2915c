//! DeleteGroups, versions 0 to 2. Only groups without members.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::delete_groups_response::DeletableGroupResult;
use ekafka_protocol::cold::{DeleteGroupsRequest, DeleteGroupsResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = DeleteGroupsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> DeleteGroupsResponse {
    let results = request.groups_names.into_iter().map(|id| {
        let checked = call
            .refused()
            .map_or_else(|| cluster.check_group(call.node, &id), Err);
        let deleted = checked.and_then(|()| cluster.groups.delete(&id, call.now));
        DeletableGroupResult::default()
            .with_group_id(id)
            .with_error_code(deleted.err().unwrap_or(ErrorCode::NONE).0)
    });
    let results = results.collect();
    DeleteGroupsResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_results(results)
}
