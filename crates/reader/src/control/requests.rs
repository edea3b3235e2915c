//! The requests of a group member, and what their answers say.
//!
//! Source: `JoinGroup`, `SyncGroup`, `Heartbeat`, `LeaveGroup` (all versions), `OffsetFetch` 1-7,
//! `OffsetCommit` 2-9. Later versions of the last two name topics by id or many groups at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ekafka_conn::{Cluster, ConnError, Connection, CoordinatorKind, Purpose};
use ekafka_protocol::cold::join_group_request::JoinGroupRequestProtocol;
use ekafka_protocol::cold::leave_group_request::MemberIdentity;
use ekafka_protocol::cold::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use ekafka_protocol::cold::offset_fetch_request::OffsetFetchRequestTopic;
use ekafka_protocol::cold::sync_group_request::SyncGroupRequestAssignment;
use ekafka_protocol::cold::{
    GroupId, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
    OffsetCommitRequest, OffsetFetchRequest, SyncGroupRequest,
};
use ekafka_protocol::{ApiKey, ErrorCode, VersionRange};

use super::calls::{Done, own_connection, send, send_capped, send_version, text, topic_name};
use super::group::GroupDone;
use crate::TopicPartition;
use crate::assignor::{
    Assignor, GroupMember, GroupPartition, GroupTopic, LastAssignment, withhold_moving,
};
use crate::commit::CommitOffset;
use crate::config::GroupSettings;
use crate::lane::Assignment;
use crate::membership::blobs::{Subscription, decode_assignment, encode_assignment};
use crate::membership::classic::{Identity, JoinFailure, Joined, JoinedMember};
use crate::membership::verdict::Failure;
use crate::reset::Position;

/// What every group call needs.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) cluster: Cluster,
    pub(crate) settings: GroupSettings,
    /// The connection for joining and syncing, if it is open.
    pub(crate) link: Option<Connection>,
    pub(crate) now: Instant,
}

/// Joins the group, saying why (KIP-800), with every strategy's subscription.
pub(crate) async fn join(
    desk: Desk,
    topics: Vec<Arc<str>>,
    member_id: String,
    owned: BTreeMap<String, Vec<i32>>,
    last: LastAssignment,
    why: Option<&str>,
) -> Done {
    let topics: BTreeSet<String> = topics.iter().map(ToString::to_string).collect();
    let protocols = desk.settings.assignors.iter().map(|assignor| {
        let subscription = Subscription {
            topics: topics.iter().cloned().collect(),
            user_data: assignor.user_data(&last),
            generation: if owned.is_empty() {
                -1
            } else {
                last.generation
            },
            owned: owned.clone(),
            rack: desk.settings.rack.clone(),
        };
        JoinGroupRequestProtocol::default()
            .with_name(text(assignor.name()))
            .with_metadata(subscription.encode())
    });
    let request = JoinGroupRequest::default()
        .with_group_id(group_id(&desk))
        .with_session_timeout_ms(milliseconds(desk.settings.timing.session))
        .with_rebalance_timeout_ms(milliseconds(desk.settings.timing.rebalance))
        .with_member_id(text(&member_id))
        .with_group_instance_id(desk.settings.instance_id.as_deref().map(text))
        .with_protocol_type(text(PROTOCOL_TYPE))
        .with_protocols(protocols.collect())
        .with_reason(why.map(text));
    let deadline = desk.now + desk.settings.timing.rebalance + desk.settings.call_timeout;
    let refused = |error| Err(JoinFailure::Failed(Failure::Connection(error)));
    let link = match link(&desk).await {
        Ok(link) => link,
        Err(error) => return Done::Group(GroupDone::Joined(refused(error), None)),
    };
    let result = match send(&link, &request, deadline).await {
        Ok(answer) => joined(answer),
        Err(error) => refused(error),
    };
    Done::Group(GroupDone::Joined(result, Some(link)))
}

fn joined(answer: JoinGroupResponse) -> Result<Joined, JoinFailure> {
    match ErrorCode(answer.error_code) {
        ErrorCode::NONE => {}
        ErrorCode::MEMBER_ID_REQUIRED => {
            return Err(JoinFailure::MemberIdRequired(answer.member_id.to_string()));
        }
        code => return Err(JoinFailure::Failed(Failure::Code(code))),
    }
    let members = answer.members.into_iter().map(|member| JoinedMember {
        id: member.member_id.to_string(),
        instance_id: member.group_instance_id.map(|name| name.to_string()),
        subscription: member.metadata,
    });
    Ok(Joined {
        is_leader: answer.leader == answer.member_id && !answer.skip_assignment,
        identity: Identity {
            member_id: answer.member_id.to_string(),
            generation: answer.generation_id,
        },
        protocol: answer.protocol_name.unwrap_or_default().to_string(),
        members: members.collect(),
    })
}

/// As leader: divides the partitions and hands them to the coordinator.
pub(crate) async fn divide(desk: Desk, joined: Joined) -> Done {
    let (assignments, counts) = match assign(&desk, &joined).await {
        Ok(assigned) => assigned,
        Err(failure) => return synced(Err(failure), None),
    };
    let result = sync(&desk, &joined.identity, &joined.protocol, assignments).await;
    synced(result, Some(counts))
}

/// As follower: waits for what the leader assigned.
pub(crate) async fn follow(desk: Desk, identity: Identity, protocol: String) -> Done {
    let result = sync(&desk, &identity, &protocol, Vec::new()).await;
    synced(result, None)
}

fn synced(
    result: Result<BTreeMap<String, Vec<i32>>, Failure>,
    counts: Option<BTreeMap<String, usize>>,
) -> Done {
    Done::Group(GroupDone::Synced { result, counts })
}

async fn assign(
    desk: &Desk,
    joined: &Joined,
) -> Result<(Vec<SyncGroupRequestAssignment>, BTreeMap<String, usize>), Failure> {
    let assignor = desk
        .settings
        .assignors
        .iter()
        .find(|assignor| assignor.name() == joined.protocol)
        .ok_or(Failure::Code(ErrorCode::INCONSISTENT_GROUP_PROTOCOL))?;
    let members = members(joined)?;
    let names: BTreeSet<&String> = members.iter().flat_map(|member| &member.topics).collect();
    let mut topics = Vec::new();
    let mut counts = BTreeMap::new();
    for name in names {
        desk.cluster.track(name);
        let partitions = partitions(desk, name).await?;
        counts.insert(name.clone(), partitions.len());
        // A topic that does not exist yet is divided when it appears.
        if !partitions.is_empty() {
            let name = name.clone();
            topics.push(GroupTopic { name, partitions });
        }
    }
    Ok((divided(assignor, &members, &topics), counts))
}

fn members(joined: &Joined) -> Result<Vec<GroupMember>, Failure> {
    let members = joined.members.iter().map(|member| {
        let subscription = Subscription::decode(&member.subscription)
            .map_err(|error| Failure::Malformed("the subscription of a member", error))?;
        Ok(GroupMember {
            id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            topics: subscription.topics,
            user_data: subscription.user_data,
            owned: subscription.owned,
            generation: subscription.generation,
            rack: subscription.rack,
        })
    });
    members.collect()
}

/// The partitions of a topic; none when it does not exist. Any other error is one: to leave the topic
/// out would take its partitions from everybody.
async fn partitions(desk: &Desk, topic: &str) -> Result<Vec<GroupPartition>, Failure> {
    let deadline = desk.now + desk.settings.call_timeout;
    let view = match desk.cluster.topic(topic, deadline.into()).await {
        Ok(view) => view,
        Err(ConnError::Topic {
            code: ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            ..
        }) => return Ok(Vec::new()),
        Err(error) => return Err(Failure::Connection(error)),
    };
    let Some(topic) = view.topic(topic) else {
        return Ok(Vec::new());
    };
    let partitions = (0..)
        .zip(&topic.partitions)
        .map(|(id, partition)| GroupPartition {
            id,
            leader_rack: partition
                .leader
                .and_then(|leader| view.broker(leader)?.rack.as_deref())
                .map(str::to_owned),
        });
    Ok(partitions.collect())
}

/// Runs the strategy. A member it gave nothing still gets an (empty) assignment.
fn divided(
    assignor: &Arc<dyn Assignor>,
    members: &[GroupMember],
    topics: &[GroupTopic],
) -> Vec<SyncGroupRequestAssignment> {
    let mut assignment = assignor.assign(members, topics);
    if assignor.is_cooperative() {
        withhold_moving(members, &mut assignment);
    }
    let nothing = BTreeMap::new();
    let each = members.iter().map(|member| {
        let partitions = assignment.members.get(&member.id).unwrap_or(&nothing);
        SyncGroupRequestAssignment::default()
            .with_member_id(text(&member.id))
            .with_assignment(encode_assignment(partitions))
    });
    each.collect()
}

async fn sync(
    desk: &Desk,
    identity: &Identity,
    protocol: &str,
    assignments: Vec<SyncGroupRequestAssignment>,
) -> Result<BTreeMap<String, Vec<i32>>, Failure> {
    let request = SyncGroupRequest::default()
        .with_group_id(group_id(desk))
        .with_generation_id(identity.generation)
        .with_member_id(text(&identity.member_id))
        .with_group_instance_id(desk.settings.instance_id.as_deref().map(text))
        .with_protocol_type(Some(text(PROTOCOL_TYPE)))
        .with_protocol_name(Some(text(protocol)))
        .with_assignments(assignments);
    let deadline = desk.now + desk.settings.timing.rebalance + desk.settings.call_timeout;
    let answer = async {
        let link = link(desk).await?;
        send(&link, &request, deadline).await
    };
    let answer = answer.await.map_err(Failure::Connection)?;
    accepted(answer.error_code)?;
    decode_assignment(&answer.assignment)
        .map_err(|error| Failure::Malformed("the assignment of this member", error))
}

pub(crate) async fn beat(desk: Desk, identity: Identity) -> Done {
    let sent = desk.now;
    let request = HeartbeatRequest::default()
        .with_group_id(group_id(&desk))
        .with_generation_id(identity.generation)
        .with_member_id(text(&identity.member_id))
        .with_group_instance_id(desk.settings.instance_id.as_deref().map(text));
    let deadline = sent + desk.settings.timing.session;
    let answer = async {
        let connection = coordinator(&desk, Purpose::Group).await?;
        connection.send(&request, deadline.into()).await
    };
    let result = match answer.await {
        Ok(answer) => accepted(answer.error_code),
        Err(error) => Err(Failure::Connection(error)),
    };
    Done::Group(GroupDone::Beat {
        sent,
        generation: identity.generation,
        result,
    })
}

/// Leaves the group; an error changes nothing, the session ends by itself.
pub(crate) async fn leave(desk: Desk, member_id: String, why: &'static str) {
    let left = async {
        let connection = coordinator(&desk, Purpose::Group).await?;
        let version = connection.version_of(ApiKey::LEAVE_GROUP, VersionRange::new(0, 5))?;
        let member = MemberIdentity::default()
            .with_member_id(text(&member_id))
            .with_reason(Some(text(why)));
        let request = LeaveGroupRequest::default().with_group_id(group_id(&desk));
        let request = if version >= FIRST_WITH_MEMBERS {
            request.with_members(vec![member])
        } else {
            request.with_member_id(text(&member_id))
        };
        let deadline = desk.now + desk.settings.call_timeout;
        send_version(&connection, &request, version, deadline).await
    };
    let left: Result<_, ConnError> = left.await;
    if let Err(error) = left {
        tracing::debug!(%error, group = &*desk.settings.id, "left without saying so");
    }
}

/// Asks where the group stands in `partitions`.
pub(crate) async fn fetch_offsets(
    desk: Desk,
    asked: HashMap<TopicPartition, Arc<Assignment>>,
    partitions: Vec<TopicPartition>,
) -> Done {
    let mut topics: BTreeMap<&str, Vec<i32>> = BTreeMap::new();
    for partition in &partitions {
        let topic = topics.entry(&partition.topic).or_default();
        topic.push(partition.partition);
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        OffsetFetchRequestTopic::default()
            .with_name(topic_name(name))
            .with_partition_indexes(partitions)
    });
    let request = OffsetFetchRequest::default()
        .with_group_id(group_id(&desk))
        .with_topics(Some(topics.collect()));
    let deadline = desk.now + desk.settings.call_timeout;
    let answer = async {
        let connection = coordinator(&desk, Purpose::General).await?;
        // An offset inside an open transaction is waited for (KIP-447) where that can be asked.
        let versions = VersionRange::new(1, 7);
        let version = connection.version_of(ApiKey::OFFSET_FETCH, versions)?;
        let request = request.with_require_stable(version >= FIRST_WITH_STABLE);
        send_version(&connection, &request, version, deadline).await
    };
    let mut offsets: BTreeMap<(String, i32), Result<Option<Position>, ErrorCode>> = BTreeMap::new();
    // Only an explicit -1 means that nothing is committed; a partition left out is asked for again.
    let missing = match answer.await {
        Ok(answer) if answer.error_code == 0 => {
            for topic in answer.topics {
                for partition in topic.partitions {
                    let position = Position {
                        offset: partition.committed_offset,
                        leader_epoch: partition.committed_leader_epoch,
                    };
                    let offset = match ErrorCode(partition.error_code) {
                        ErrorCode::NONE => Ok((position.offset >= 0).then_some(position)),
                        code => Err(code),
                    };
                    offsets.insert((topic.name.to_string(), partition.partition_index), offset);
                }
            }
            ErrorCode::UNKNOWN_SERVER_ERROR
        }
        Ok(answer) => ErrorCode(answer.error_code),
        Err(error) => {
            tracing::debug!(%error, group = &*desk.settings.id, "committed offsets not fetched");
            ErrorCode::NETWORK_EXCEPTION
        }
    };
    let answers = partitions.into_iter().map(|partition| {
        let key = (partition.topic.to_string(), partition.partition);
        let offset = offsets.remove(&key).unwrap_or(Err(missing));
        (partition, offset)
    });
    Done::Group(GroupDone::Fetched {
        asked,
        answers: answers.collect(),
    })
}

/// Commits offsets as the member `identity`; without one the group is between two generations.
pub(crate) async fn commit(
    desk: Desk,
    number: u64,
    identity: Option<Identity>,
    offsets: Vec<CommitOffset>,
) -> Done {
    let generation = identity.as_ref().map_or(-1, |identity| identity.generation);
    let result = match identity {
        Some(identity) => send_commit(&desk, &identity, offsets).await,
        None => Err(Failure::Code(ErrorCode::REBALANCE_IN_PROGRESS)),
    };
    Done::Group(GroupDone::Committed {
        number,
        generation,
        result,
    })
}

async fn send_commit(
    desk: &Desk,
    identity: &Identity,
    offsets: Vec<CommitOffset>,
) -> Result<Vec<(TopicPartition, ErrorCode)>, Failure> {
    let mut topics: BTreeMap<&str, Vec<OffsetCommitRequestPartition>> = BTreeMap::new();
    for offset in &offsets {
        let partition = OffsetCommitRequestPartition::default()
            .with_partition_index(offset.partition.partition)
            .with_committed_offset(offset.offset)
            .with_committed_leader_epoch(offset.leader_epoch)
            .with_committed_metadata(Some(text("")));
        let topic = topics.entry(&offset.partition.topic).or_default();
        topic.push(partition);
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        OffsetCommitRequestTopic::default()
            .with_name(topic_name(name))
            .with_partitions(partitions)
    });
    let retention = desk.settings.retention_time.map(|time| {
        let milliseconds = time.as_millis();
        i64::try_from(milliseconds).unwrap_or(i64::MAX)
    });
    let request = OffsetCommitRequest::default()
        .with_group_id(group_id(desk))
        .with_generation_id_or_member_epoch(identity.generation)
        .with_member_id(text(&identity.member_id))
        .with_group_instance_id(desk.settings.instance_id.as_deref().map(text))
        .with_retention_time_ms(retention.unwrap_or(-1))
        .with_topics(topics.collect());
    let deadline = desk.now + desk.settings.call_timeout;
    let answer = async {
        let connection = coordinator(desk, Purpose::General).await?;
        let newest = match desk.settings.retention_time {
            Some(_) => LAST_WITH_RETENTION,
            None => 9,
        };
        send_capped(
            &connection,
            &request,
            VersionRange::new(2, newest),
            deadline,
        )
        .await
    };
    let answer = answer.await.map_err(Failure::Connection)?;
    let mut codes: BTreeMap<(String, i32), ErrorCode> = BTreeMap::new();
    for topic in answer.topics {
        for partition in topic.partitions {
            let key = (topic.name.to_string(), partition.partition_index);
            codes.insert(key, ErrorCode(partition.error_code));
        }
    }
    let each = offsets.into_iter().map(|offset| {
        let partition = offset.partition;
        let key = (partition.topic.to_string(), partition.partition);
        // What the coordinator does not mention it has not committed.
        let code = codes.remove(&key);
        (partition, code.unwrap_or(ErrorCode::UNKNOWN_SERVER_ERROR))
    });
    Ok(each.collect())
}

/// The connection for calls that the coordinator answers late.
async fn link(desk: &Desk) -> Result<Connection, ConnError> {
    if let Some(link) = desk.link.as_ref().filter(|link| !link.is_closed()) {
        return Ok(link.clone());
    }
    let kind = CoordinatorKind::Group;
    let broker = desk.cluster.coordinator(kind, &desk.settings.id).await?;
    own_connection(&desk.cluster, broker).await
}

async fn coordinator(desk: &Desk, purpose: Purpose) -> Result<Connection, ConnError> {
    let kind = CoordinatorKind::Group;
    let broker = desk.cluster.coordinator(kind, &desk.settings.id).await?;
    desk.cluster.connection(broker, purpose).await
}

fn accepted(code: i16) -> Result<(), Failure> {
    match ErrorCode(code) {
        ErrorCode::NONE => Ok(()),
        code => Err(Failure::Code(code)),
    }
}

fn group_id(desk: &Desk) -> GroupId {
    GroupId(text(&desk.settings.id))
}

fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX)
}

const PROTOCOL_TYPE: &str = "consumer";
/// The first `LeaveGroup` that lists members.
const FIRST_WITH_MEMBERS: i16 = 3;
/// The first `OffsetFetch` with `require_stable`.
const FIRST_WITH_STABLE: i16 = 7;
/// The last `OffsetCommit` that says how long offsets are kept.
const LAST_WITH_RETENTION: i16 = 4;
