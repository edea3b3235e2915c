use ekafka_conn::{Conn, Dialer};
use ekafka_protocol::cold::join_group_request::JoinGroupRequestProtocol;
use ekafka_protocol::cold::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use ekafka_protocol::cold::offset_fetch_request::OffsetFetchRequestTopic;
use ekafka_protocol::cold::{
    FindCoordinatorRequest, GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse,
    LeaveGroupRequest, ListGroupsRequest, OffsetCommitRequest, OffsetFetchRequest,
    SyncGroupRequest, TopicName,
};
use ekafka_protocol::{ErrorCode, StrBytes};

use super::any;
use crate::support::Kafka;

fn string(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn group_id(group: &str) -> GroupId {
    GroupId(string(group))
}

/// A connection to the coordinator of a group.
async fn coordinator(kafka: &Kafka, group: &str) -> Conn {
    let conn = any(kafka).await;
    loop {
        let request = FindCoordinatorRequest::default().with_key(string(group));
        let found = conn
            .send_version(&request, 1)
            .await
            .expect("the broker answers");
        match ErrorCode(found.error_code) {
            ErrorCode::NONE => {
                assert!(*found.node_id >= 0 && !found.host.is_empty() && found.port > 0);
                let address = format!("{}:{}", &*found.host, found.port);
                return Dialer::default()
                    .dial(&address)
                    .await
                    .expect("the broker answers");
            }
            // A real broker makes its internal topic first.
            code if code.is_retriable() => tokio::task::yield_now().await,
            code => panic!("{code}"),
        }
    }
}

fn join(group: &str, member: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(string("range"))
        .with_metadata(bytes::Bytes::from_static(b"\0\0\0\0\0\0\0\0\0\0"));
    JoinGroupRequest::default()
        .with_group_id(group_id(group))
        .with_member_id(string(member))
        .with_session_timeout_ms(10_000)
        .with_rebalance_timeout_ms(10_000)
        .with_protocol_type(string("consumer"))
        .with_protocols(vec![protocol])
}

/// Joins as the only member.
async fn joined(conn: &Conn, group: &str) -> JoinGroupResponse {
    let mut member = String::new();
    loop {
        let answer = conn
            .send_version(&join(group, &member), 4)
            .await
            .expect("the broker answers");
        match ErrorCode(answer.error_code) {
            ErrorCode::NONE => return answer,
            ErrorCode::MEMBER_ID_REQUIRED => member = answer.member_id.to_string(),
            code if code.is_retriable() => tokio::task::yield_now().await,
            code => panic!("{code}"),
        }
    }
}

#[tokio::test]
async fn t18_coordinator_is_found() {
    let kafka = Kafka::start().await;
    let group = kafka.unique("group");
    coordinator(&kafka, &group).await;
}

#[tokio::test]
async fn t19_join_requests_that_cannot_be_granted() {
    let kafka = Kafka::start().await;
    let group = kafka.unique("group");
    let conn = coordinator(&kafka, &group).await;
    let code = async |request: JoinGroupRequest| {
        ErrorCode(conn.send_version(&request, 2).await.unwrap().error_code)
    };
    assert_eq!(code(join("", "")).await, ErrorCode::INVALID_GROUP_ID);
    for timeout in [0, 1] {
        let request = join(&group, "").with_session_timeout_ms(timeout);
        assert_eq!(
            code(request).await,
            ErrorCode::INVALID_SESSION_TIMEOUT,
            "{timeout}"
        );
    }
}

#[tokio::test]
async fn t20_members_that_never_joined_are_unknown() {
    let kafka = Kafka::start().await;
    let group = kafka.unique("group");
    let conn = coordinator(&kafka, &group).await;
    let leave = LeaveGroupRequest::default().with_group_id(group_id(&group));
    let sync = SyncGroupRequest::default()
        .with_group_id(group_id(&group))
        .with_generation_id(1);
    let heartbeat = HeartbeatRequest::default()
        .with_group_id(group_id(&group))
        .with_generation_id(1);
    loop {
        let codes = [
            conn.send_version(&leave, 1).await.unwrap().error_code,
            conn.send_version(&sync, 2).await.unwrap().error_code,
            conn.send_version(&heartbeat, 2).await.unwrap().error_code,
        ];
        let codes = codes.map(ErrorCode);
        // A real broker may still be loading what it knows about groups.
        if codes.into_iter().any(ErrorCode::is_retriable) {
            tokio::task::yield_now().await;
            continue;
        }
        assert_eq!(codes, [ErrorCode::UNKNOWN_MEMBER_ID; 3]);
        return;
    }
}

#[tokio::test]
async fn t21_live_group_is_listed_and_its_member_can_leave() {
    let kafka = Kafka::start().await;
    let group = kafka.unique("group");
    let conn = coordinator(&kafka, &group).await;
    let member = joined(&conn, &group).await;
    let sync = SyncGroupRequest::default()
        .with_group_id(group_id(&group))
        .with_generation_id(member.generation_id)
        .with_member_id(member.member_id.clone());
    let synced = conn.send_version(&sync, 2).await.unwrap();
    assert_eq!(ErrorCode(synced.error_code), ErrorCode::NONE);
    let listed = conn
        .send_version(&ListGroupsRequest::default(), 2)
        .await
        .unwrap();
    assert!(
        listed
            .groups
            .iter()
            .any(|listed| *listed.group_id.0 == *group)
    );
    let heartbeat = HeartbeatRequest::default()
        .with_group_id(group_id(&group))
        .with_generation_id(member.generation_id)
        .with_member_id(member.member_id.clone());
    let answer = conn.send_version(&heartbeat, 2).await.unwrap();
    assert_eq!(ErrorCode(answer.error_code), ErrorCode::NONE);
    let leave = LeaveGroupRequest::default()
        .with_group_id(group_id(&group))
        .with_member_id(member.member_id);
    let left = conn.send_version(&leave, 1).await.unwrap();
    assert_eq!(ErrorCode(left.error_code), ErrorCode::NONE);
}

#[tokio::test]
async fn t22_committed_offset_is_fetched_back() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let group = kafka.unique("group");
    let conn = coordinator(&kafka, &group).await;
    let committed = async || {
        let topic = OffsetFetchRequestTopic::default()
            .with_name(TopicName(string(&topic)))
            .with_partition_indexes(vec![0]);
        let request = OffsetFetchRequest::default()
            .with_group_id(group_id(&group))
            .with_topics(Some(vec![topic]));
        loop {
            let answer = conn.send_version(&request, 2).await.unwrap();
            let code = ErrorCode(answer.error_code);
            if code == ErrorCode::NONE {
                return answer.topics[0].partitions[0].committed_offset;
            }
            assert!(code.is_retriable(), "{code}");
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(committed().await, -1);
    let partition = OffsetCommitRequestPartition::default()
        .with_partition_index(0)
        .with_committed_offset(42);
    let named = OffsetCommitRequestTopic::default()
        .with_name(TopicName(string(&topic)))
        .with_partitions(vec![partition]);
    let request = OffsetCommitRequest::default()
        .with_group_id(group_id(&group))
        .with_generation_id_or_member_epoch(-1)
        .with_topics(vec![named]);
    let answer = conn.send_version(&request, 5).await.unwrap();
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    assert_eq!(committed().await, 42);
}
