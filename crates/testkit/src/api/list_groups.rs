//! ListGroups, versions 0 to 5. The groups this node coordinates, by state (v4) and type (v5); all are classic.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::list_groups_response::ListedGroup;
use ekafka_protocol::cold::{GroupId, ListGroupsRequest, ListGroupsResponse};

use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = ListGroupsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> ListGroupsResponse {
    let all: Vec<(String, ListedGroup)> = cluster
        .groups
        .all(call.now)
        .map(|(id, group)| {
            let listed = ListedGroup::default()
                .with_group_id(GroupId(text(id)))
                .with_protocol_type(text(group.protocol_type()))
                .with_group_state(text(group.phase().name()))
                .with_group_type(text("classic"));
            (id.to_owned(), listed)
        })
        .collect();
    let fits = |filter: &[ekafka_protocol::StrBytes], value: &str| {
        filter.is_empty()
            || filter
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let ours = all.into_iter().filter(|(id, group)| {
        cluster.coordinator(id) == Some(call.node)
            && fits(&request.states_filter, &group.group_state)
            && fits(&request.types_filter, &group.group_type)
    });
    let groups = ours.map(|(_, group)| group).collect();
    ListGroupsResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_error_code(call.refused().unwrap_or(ErrorCode::NONE).0)
        .with_groups(groups)
}
