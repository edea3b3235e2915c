use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::cold::join_group_request::JoinGroupRequestProtocol;
use ekafka_protocol::cold::leave_group_request::MemberIdentity;
use ekafka_protocol::cold::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use ekafka_protocol::cold::offset_fetch_request::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use ekafka_protocol::cold::sync_group_request::SyncGroupRequestAssignment;
use ekafka_protocol::cold::{
    DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, GroupId, HeartbeatRequest,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, OffsetCommitRequest,
    OffsetFetchRequest, SyncGroupRequest, SyncGroupResponse, TopicName,
};
use ekafka_protocol::{ErrorCode, Request, StrBytes};
use tokio::time::Instant;

use super::{RawClient, in_memory};

fn group() -> GroupId {
    GroupId("g".into())
}

fn join(member: &StrBytes) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name("range".into())
        .with_metadata(Bytes::from_static(b"subscription"));
    JoinGroupRequest::default()
        .with_group_id(group())
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(60_000)
        .with_member_id(member.clone())
        .with_protocol_type("consumer".into())
        .with_protocols(vec![protocol])
}

fn sync(joined: &JoinGroupResponse, assignments: &[(&StrBytes, &'static str)]) -> SyncGroupRequest {
    let assignments = assignments.iter().map(|(member, assignment)| {
        SyncGroupRequestAssignment::default()
            .with_member_id((*member).clone())
            .with_assignment(Bytes::from_static(assignment.as_bytes()))
    });
    SyncGroupRequest::default()
        .with_group_id(group())
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id.clone())
        .with_assignments(assignments.collect())
}

fn heartbeat(joined: &JoinGroupResponse) -> HeartbeatRequest {
    HeartbeatRequest::default()
        .with_group_id(group())
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id.clone())
}

fn commit(generation: i32, member: &StrBytes, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition::default()
        .with_committed_offset(offset)
        .with_committed_metadata(Some("note".into()));
    let topic = OffsetCommitRequestTopic::default()
        .with_name(TopicName("t".into()))
        .with_partitions(vec![partition]);
    OffsetCommitRequest::default()
        .with_group_id(group())
        .with_generation_id_or_member_epoch(generation)
        .with_member_id(member.clone())
        .with_topics(vec![topic])
}

/// Joins a group with an id of one's own first, as clients do since version 4.
async fn join_as_new(client: &mut RawClient) -> JoinGroupResponse {
    let first = client.ask(7, &join(&StrBytes::default())).await;
    assert_eq!(first.error_code, ErrorCode::MEMBER_ID_REQUIRED.0);
    client.ask(7, &join(&first.member_id)).await
}

async fn answered_late<R: Request>(client: &mut RawClient, version: i16) -> R::Response {
    client.receive::<R>(version).await.expect("an answer")
}

#[tokio::test(start_paused = true)]
async fn two_members_share_a_group_and_one_inherits_when_the_other_leaves() {
    let kafka = in_memory(1).await;
    let (mut one, mut two) = (RawClient::to(&kafka, 1), RawClient::to(&kafka, 1));
    let first = join_as_new(&mut one).await;
    assert_eq!((first.error_code, first.generation_id), (0, 1));
    assert_eq!((&first.leader, first.members.len()), (&first.member_id, 1));
    let synced = one
        .ask(5, &sync(&first, &[(&first.member_id, "all")]))
        .await;
    assert_eq!(&synced.assignment[..], b"all");
    assert_eq!(one.ask(4, &heartbeat(&first)).await.error_code, 0);

    let pending = two.ask(7, &join(&StrBytes::default())).await;
    two.send(7, &join(&pending.member_id)).await;
    // The newcomer's request must have been read before the other asks.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let told = one.ask(4, &heartbeat(&first)).await.error_code;
    assert_eq!(told, ErrorCode::REBALANCE_IN_PROGRESS.0);
    let again = one.ask(7, &join(&first.member_id)).await;
    let second = answered_late::<JoinGroupRequest>(&mut two, 7).await;
    assert_eq!((again.generation_id, second.generation_id), (2, 2));
    assert_eq!((again.members.len(), second.members.len()), (2, 0));

    two.send(5, &sync(&second, &[])).await;
    let shares = [(&again.member_id, "left"), (&second.member_id, "right")];
    assert_eq!(
        &one.ask(5, &sync(&again, &shares)).await.assignment[..],
        b"left"
    );
    let right: SyncGroupResponse = answered_late::<SyncGroupRequest>(&mut two, 5).await;
    assert_eq!(&right.assignment[..], b"right");

    let member = MemberIdentity::default().with_member_id(second.member_id.clone());
    let leave = LeaveGroupRequest::default()
        .with_group_id(group())
        .with_members(vec![member]);
    assert_eq!(two.ask(4, &leave).await.members[0].error_code, 0);
    let told = one.ask(4, &heartbeat(&again)).await.error_code;
    assert_eq!(told, ErrorCode::REBALANCE_IN_PROGRESS.0);
    assert_eq!(one.ask(7, &join(&again.member_id)).await.members.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_member_is_out_after_its_session() {
    let kafka = in_memory(1).await;
    let mut client = RawClient::to(&kafka, 1);
    let joined = join_as_new(&mut client).await;
    client.ask(5, &sync(&joined, &[])).await;
    tokio::time::advance(Duration::from_millis(9_900)).await;
    assert_eq!(client.ask(4, &heartbeat(&joined)).await.error_code, 0);
    tokio::time::advance(Duration::from_millis(9_900)).await;
    assert_eq!(client.ask(4, &heartbeat(&joined)).await.error_code, 0);
    tokio::time::advance(Duration::from_secs(10)).await;
    let told = client.ask(4, &heartbeat(&joined)).await.error_code;
    assert_eq!(told, ErrorCode::UNKNOWN_MEMBER_ID.0);
}

#[tokio::test(start_paused = true)]
async fn a_rebalance_waits_for_a_silent_member_until_its_session_ends() {
    let kafka = in_memory(1).await;
    let (mut one, mut two) = (RawClient::to(&kafka, 1), RawClient::to(&kafka, 1));
    let gone = join_as_new(&mut one).await;
    one.ask(5, &sync(&gone, &[])).await;
    let began = Instant::now();
    let joined = join_as_new(&mut two).await;
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    assert_eq!((joined.generation_id, joined.members.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_unclaimed_member_id_holds_the_rebalance_up_until_it_expires() {
    let kafka = in_memory(1).await;
    let (mut one, mut two) = (RawClient::to(&kafka, 1), RawClient::to(&kafka, 1));
    two.ask(7, &join(&StrBytes::default())).await;
    let began = Instant::now();
    join_as_new(&mut one).await;
    assert_eq!(began.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn the_first_rebalance_waits_for_more_members_when_told_to() {
    let kafka = crate::EmbeddedKafka::builder()
        .nodes(1)
        .in_memory()
        .seed(1)
        .initial_rebalance_delay(Duration::from_secs(3))
        .start()
        .await
        .unwrap();
    let (mut one, mut two) = (RawClient::to(&kafka, 1), RawClient::to(&kafka, 1));
    let began = Instant::now();
    one.send(3, &join(&StrBytes::default())).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    two.send(3, &join(&StrBytes::default())).await;
    let first = answered_late::<JoinGroupRequest>(&mut one, 3).await;
    let second = answered_late::<JoinGroupRequest>(&mut two, 3).await;
    assert_eq!(first.members.len() + second.members.len(), 2);
    // Someone came during the first delay, so there was a second.
    assert_eq!(began.elapsed(), Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_static_member_comes_back_without_a_rebalance_and_fences_its_old_self() {
    let kafka = in_memory(1).await;
    let mut client = RawClient::to(&kafka, 1);
    let fixed = |member: &StrBytes| join(member).with_group_instance_id(Some("i".into()));
    let first = client.ask(9, &fixed(&StrBytes::default())).await;
    assert_eq!((first.error_code, first.generation_id), (0, 1));
    client
        .ask(5, &sync(&first, &[(&first.member_id, "all")]))
        .await;
    let back = client.ask(9, &fixed(&StrBytes::default())).await;
    assert_eq!((back.generation_id, back.skip_assignment), (1, true));
    assert_ne!(back.member_id, first.member_id);
    assert_eq!(
        &client.ask(5, &sync(&back, &[])).await.assignment[..],
        b"all"
    );
    let old = heartbeat(&first).with_group_instance_id(Some("i".into()));
    assert_eq!(
        client.ask(4, &old).await.error_code,
        ErrorCode::FENCED_INSTANCE_ID.0
    );
}

#[tokio::test(start_paused = true)]
async fn bad_joins_are_refused() {
    let kafka = in_memory(1).await;
    let mut client = RawClient::to(&kafka, 1);
    let none = StrBytes::default();
    for (request, expected) in [
        (
            join(&none).with_session_timeout_ms(5_999),
            ErrorCode::INVALID_SESSION_TIMEOUT,
        ),
        (
            join(&none).with_session_timeout_ms(1_800_001),
            ErrorCode::INVALID_SESSION_TIMEOUT,
        ),
        (
            join(&none).with_group_id(GroupId::default()),
            ErrorCode::INVALID_GROUP_ID,
        ),
        (
            join(&none).with_protocols(Vec::new()),
            ErrorCode::INCONSISTENT_GROUP_PROTOCOL,
        ),
        (join(&"stranger".into()), ErrorCode::UNKNOWN_MEMBER_ID),
    ] {
        assert_eq!(client.ask(7, &request).await.error_code, expected.0);
    }
    join_as_new(&mut client).await;
    let mut other = RawClient::to(&kafka, 1);
    let connect = join(&none).with_protocol_type("connect".into());
    let told = other.ask(7, &connect).await.error_code;
    assert_eq!(told, ErrorCode::INCONSISTENT_GROUP_PROTOCOL.0);
}

#[tokio::test(start_paused = true)]
async fn offsets_are_committed_by_the_generation_in_force_or_without_members() {
    let kafka = in_memory(1).await;
    kafka.create_topic("t", 1).unwrap();
    let mut client = RawClient::to(&kafka, 1);
    let none = StrBytes::default();
    let code = |answer: &ekafka_protocol::cold::OffsetCommitResponse| {
        answer.topics[0].partitions[0].error_code
    };
    assert_eq!(code(&client.ask(8, &commit(-1, &none, 5)).await), 0);
    let joined = join_as_new(&mut client).await;
    client.ask(5, &sync(&joined, &[])).await;
    assert_eq!(
        code(&client.ask(8, &commit(1, &joined.member_id, 6)).await),
        0
    );
    for (generation, member, expected) in [
        (0, &joined.member_id, ErrorCode::ILLEGAL_GENERATION),
        (2, &joined.member_id, ErrorCode::ILLEGAL_GENERATION),
        (1, &"stranger".into(), ErrorCode::UNKNOWN_MEMBER_ID),
        (-1, &none, ErrorCode::UNKNOWN_MEMBER_ID),
    ] {
        assert_eq!(
            code(&client.ask(8, &commit(generation, member, 9)).await),
            expected.0
        );
    }
    for version in 1..=7 {
        let topic = OffsetFetchRequestTopic::default()
            .with_name(TopicName("t".into()))
            .with_partition_indexes(vec![0, 1]);
        let request = OffsetFetchRequest::default()
            .with_group_id(group())
            .with_topics(Some(vec![topic]));
        let answer = client.ask(version, &request).await;
        let offsets: Vec<_> = answer.topics[0]
            .partitions
            .iter()
            .map(|partition| partition.committed_offset)
            .collect();
        assert_eq!(offsets, [6, -1], "v{version}");
    }
    for version in 8..=9 {
        let topic = OffsetFetchRequestTopics::default()
            .with_name(TopicName("t".into()))
            .with_partition_indexes(vec![0, 1]);
        let all = OffsetFetchRequestGroup::default()
            .with_group_id(group())
            .with_topics(None);
        let asked = all.clone().with_topics(Some(vec![topic]));
        let answer = client
            .ask(
                version,
                &OffsetFetchRequest::default().with_groups(vec![asked, all]),
            )
            .await;
        assert_eq!(answer.groups[0].topics[0].partitions.len(), 2);
        assert_eq!(answer.groups[1].topics[0].partitions[0].committed_offset, 6);
        assert_eq!(
            answer.groups[1].topics[0].partitions[0].metadata.as_deref(),
            Some("note")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn groups_are_listed_described_and_deleted_in_every_version() {
    let kafka = in_memory(1).await;
    let mut client = RawClient::to(&kafka, 1);
    let joined = join_as_new(&mut client).await;
    client
        .ask(5, &sync(&joined, &[(&joined.member_id, "all")]))
        .await;
    for version in ListGroupsRequest::VERSIONS.iter() {
        let answer = client.ask(version, &ListGroupsRequest::default()).await;
        assert_eq!(answer.groups[0].group_id, group());
    }
    let other = ListGroupsRequest::default().with_states_filter(vec!["Empty".into()]);
    assert!(client.ask(5, &other).await.groups.is_empty());
    for version in DescribeGroupsRequest::VERSIONS.iter() {
        let request =
            DescribeGroupsRequest::default().with_groups(vec![group(), GroupId("x".into())]);
        let answer = client.ask(version, &request).await;
        assert_eq!(answer.groups[0].group_state.as_str(), "Stable");
        assert_eq!(&answer.groups[0].members[0].member_assignment[..], b"all");
        assert_eq!(answer.groups[1].group_state.as_str(), "Dead");
    }
    let delete = DeleteGroupsRequest::default().with_groups_names(vec![group()]);
    for version in DeleteGroupsRequest::VERSIONS.iter() {
        let answer = client.ask(version, &delete).await;
        assert_eq!(answer.results[0].error_code, ErrorCode::NON_EMPTY_GROUP.0);
    }
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(client.ask(2, &delete).await.results[0].error_code, 0);
    assert_eq!(
        client.ask(2, &delete).await.results[0].error_code,
        ErrorCode::GROUP_ID_NOT_FOUND.0
    );
}

#[tokio::test(start_paused = true)]
async fn only_the_coordinator_serves_a_group_and_every_version_names_it() {
    let kafka = in_memory(3).await;
    kafka.set_coordinator("g", Some(2), false);
    let mut wrong = RawClient::to(&kafka, 1);
    let told = wrong.ask(7, &join(&StrBytes::default())).await.error_code;
    assert_eq!(told, ErrorCode::NOT_COORDINATOR.0);
    for version in FindCoordinatorRequest::VERSIONS.iter() {
        let (found, host) = if version < 4 {
            let request = FindCoordinatorRequest::default().with_key("g".into());
            let answer = wrong.ask(version, &request).await;
            (answer.node_id.0, answer.host)
        } else {
            let request = FindCoordinatorRequest::default().with_coordinator_keys(vec!["g".into()]);
            let answer = wrong.ask(version, &request).await;
            (
                answer.coordinators[0].node_id.0,
                answer.coordinators[0].host.clone(),
            )
        };
        assert_eq!((found, host.as_str()), (2, "kafka-2"));
    }
}

#[tokio::test(start_paused = true)]
async fn every_version_of_the_membership_calls_is_answered() {
    let kafka = in_memory(1).await;
    let mut client = RawClient::to(&kafka, 1);
    for version in JoinGroupRequest::VERSIONS.iter() {
        let mut joined = client.ask(version, &join(&StrBytes::default())).await;
        if version >= 4 {
            joined = client.ask(version, &join(&joined.member_id)).await;
        }
        assert_eq!(joined.error_code, 0, "v{version}");
        let sync_version = version.min(SyncGroupRequest::VERSIONS.max);
        let synced = client
            .ask(sync_version, &sync(&joined, &[(&joined.member_id, "x")]))
            .await;
        assert_eq!(&synced.assignment[..], b"x");
        let beat = heartbeat(&joined);
        let beat_version = version.min(HeartbeatRequest::VERSIONS.max);
        assert_eq!(client.ask(beat_version, &beat).await.error_code, 0);
        let leave_version = version.min(LeaveGroupRequest::VERSIONS.max);
        let leave = LeaveGroupRequest::default().with_group_id(group());
        let leave = if leave_version < 3 {
            leave.with_member_id(joined.member_id)
        } else {
            leave.with_members(vec![
                MemberIdentity::default().with_member_id(joined.member_id),
            ])
        };
        assert_eq!(client.ask(leave_version, &leave).await.error_code, 0);
    }
    assert_eq!(kafka.violations(), Vec::<String>::new());
}
