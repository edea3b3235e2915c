//! DescribeGroups, versions 0 to 6. A group that does not exist is "Dead"; from version 6 on also GROUP_ID_NOT_FOUND.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::describe_groups_response::{DescribedGroup, DescribedGroupMember};
use ekafka_protocol::cold::{DescribeGroupsRequest, DescribeGroupsResponse, GroupId};

use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::Cluster;
use crate::group::{Group, Phase};
use crate::server::Shared;

pub(super) type Request = DescribeGroupsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> DescribeGroupsResponse {
    let operations = if request.include_authorized_operations {
        GROUP_OPERATIONS
    } else {
        i32::MIN
    };
    let groups = request.groups.into_iter().map(|id| {
        let described = describe(cluster, call, &id);
        described
            .with_group_id(id)
            .with_authorized_operations(operations)
    });
    let groups = groups.collect();
    DescribeGroupsResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_groups(groups)
}

fn describe(cluster: &mut Cluster, call: &Call, id: &GroupId) -> DescribedGroup {
    let checked = call
        .refused()
        .map_or_else(|| cluster.check_group(call.node, id), Err);
    if let Err(code) = checked {
        return DescribedGroup::default().with_error_code(code.0);
    }
    match cluster.groups.at(id, call.now) {
        Some(group) => describe_known(group),
        None if call.version >= 6 => DescribedGroup::default()
            .with_group_state(text("Dead"))
            .with_error_code(ErrorCode::GROUP_ID_NOT_FOUND.0)
            .with_error_message(Some(text(format!("Group {} not found.", id.as_str())))),
        None => DescribedGroup::default().with_group_state(text("Dead")),
    }
}

fn describe_known(group: &Group) -> DescribedGroup {
    let is_stable = group.phase() == Phase::Stable;
    let members = group.members().map(|(id, member)| {
        let described = DescribedGroupMember::default()
            .with_member_id(text(id))
            .with_group_instance_id(member.instance_id.as_deref().map(text))
            .with_client_id(text(&member.client_id))
            .with_client_host(text(&member.client_host));
        // Before the group is stable neither is settled.
        if !is_stable {
            return described;
        }
        described
            .with_member_metadata(member.subscription(group.protocol()))
            .with_member_assignment(member.assignment.clone())
    });
    DescribedGroup::default()
        .with_group_state(text(group.phase().name()))
        .with_protocol_type(text(group.protocol_type()))
        .with_protocol_data(text(if is_stable { group.protocol() } else { "" }))
        .with_members(members.collect())
}

/// What Kafka answers without an authorizer: every operation a group has, as bits.
const GROUP_OPERATIONS: i32 = 328;
