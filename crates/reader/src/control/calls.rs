//! The requests control makes: each builds a request, sends it, and says what came of it.
//!
//! Source: `ListOffsets` 1-9, `OffsetForLeaderEpoch` 2-4, `OffsetFetch` 1-7, `OffsetCommit` 2-9, `JoinGroup`, `SyncGroup`,
//! `Heartbeat`, `LeaveGroup`. Later versions of the first three name topics by id or add groups.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

use ekafka_conn::{BrokerId, Cluster, ConnError, Connection, Purpose, To};
use ekafka_protocol::cold::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ekafka_protocol::cold::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use ekafka_protocol::cold::{
    BrokerId as ColdBrokerId, ListOffsetsRequest, OffsetForLeaderEpochRequest, TopicName,
};
use ekafka_protocol::messages::{IsolationLevel, MetadataRequest};
use ekafka_protocol::{ErrorCode, Request, StrBytes, VersionRange};

use super::group::GroupDone;
use super::now;
use crate::TopicPartition;
use crate::ledger::{EpochQuestion, Question};
use crate::reset::Position;

/// What a call came to.
pub(crate) enum Done {
    Connected {
        broker: BrokerId,
        result: Result<Connection, ConnError>,
    },
    /// A second connection to a broker.
    Spare {
        broker: BrokerId,
        result: Result<Connection, ConnError>,
    },
    /// An answer for each question: the offset, or `None` when no record is that late.
    Listed(Vec<(TopicPartition, u64, Result<Option<i64>, ErrorCode>)>),
    /// As `Listed`, asked for the lag alone.
    Ends(Vec<(TopicPartition, u64, Result<Option<i64>, ErrorCode>)>),
    /// An answer for each question: where the epoch ends, or `None` when the broker does not know.
    Checked(Vec<(TopicPartition, u64, Result<Option<Position>, ErrorCode>)>),
    LookedUp {
        topic: Arc<str>,
        result: Result<(), ConnError>,
    },
    /// The names of all topics but Kafka's own.
    Topics(Result<Vec<Arc<str>>, ConnError>),
    /// The cluster view may have changed.
    NewView,
    Group(GroupDone),
    /// Nobody waits for it.
    Nothing,
}

/// Makes a call whose answer counts for nothing once `life` is over.
pub(crate) async fn unless_over(life: Weak<()>, call: impl Future<Output = Done>) -> Done {
    let done = call.await;
    match life.upgrade() {
        Some(_) => done,
        None => Done::Nothing,
    }
}

/// Connects to fetch from a broker.
pub(crate) async fn connect(cluster: Cluster, broker: BrokerId) -> Done {
    let result = own_connection(&cluster, broker).await;
    Done::Connected { broker, result }
}

/// Connects once more, for a fetch that must not wait for another.
pub(crate) async fn connect_spare(cluster: Cluster, broker: BrokerId) -> Done {
    let result = own_connection(&cluster, broker).await;
    Done::Spare { broker, result }
}

/// A connection that nobody else uses. Brokers answer in order, so a request that waits (for records, or
/// for other members) would hold up whoever shares the cluster handle.
pub(super) async fn own_connection(
    cluster: &Cluster,
    broker: BrokerId,
) -> Result<Connection, ConnError> {
    let view = cluster.view();
    let Some(known) = view.broker(broker) else {
        // Not in the view yet: the cluster knows how to find it, or says why not.
        return cluster.connection(broker, Purpose::General).await;
    };
    Connection::open(known.address.host(), known.address.port(), cluster.config()).await
}

/// Waits until the leaders of a topic are known, or it is known why not.
pub(crate) async fn look_up(cluster: Cluster, topic: Arc<str>, deadline: Instant) -> Done {
    let result = cluster.topic(&topic, deadline.into()).await.map(|_| ());
    Done::LookedUp { topic, result }
}

/// Lists all topics but Kafka's own.
pub(crate) async fn list_topics(cluster: Cluster, deadline: Instant) -> Done {
    let request = MetadataRequest {
        topics: None,
        ..MetadataRequest::default()
    };
    let answer = cluster.send_until(To::Any, Purpose::General, &request, deadline.into());
    let topics = answer.await.map(|answer| {
        let topics = answer.topics.into_iter().filter(|topic| !topic.is_internal);
        let names = topics.filter_map(|topic| topic.name.map(|name| Arc::from(name.as_str())));
        names.collect()
    });
    Done::Topics(topics)
}

/// Waits for a view newer than `generation`, or for `deadline`; false when it could not wait, as after a refused log-in.
pub(crate) async fn newer_view(cluster: Cluster, generation: u64, deadline: Instant) -> bool {
    cluster
        .view_newer_than(generation, deadline.into())
        .await
        .is_ok()
}

/// Asks a leader where its partitions begin, end, or stand at a time.
pub(crate) async fn list(
    cluster: Cluster,
    broker: BrokerId,
    questions: Vec<Question>,
    isolation: IsolationLevel,
    deadline: Instant,
) -> Done {
    let request = list_request(&questions, isolation);
    let answer = async {
        let connection = cluster.connection(broker, Purpose::General).await?;
        send_capped(&connection, &request, VersionRange::new(1, 9), deadline).await
    };
    let mut offsets: BTreeMap<(String, i32), Result<i64, ErrorCode>> = BTreeMap::new();
    let missing = match answer.await {
        Ok(answer) => {
            for topic in answer.topics {
                for partition in topic.partitions {
                    let key = (topic.name.to_string(), partition.partition_index);
                    let code = ErrorCode(partition.error_code);
                    let offset = match code {
                        ErrorCode::NONE => Ok(partition.offset),
                        code => Err(code),
                    };
                    offsets.insert(key, offset);
                }
            }
            ErrorCode::UNKNOWN_SERVER_ERROR
        }
        Err(_) => ErrorCode::NETWORK_EXCEPTION,
    };
    let answers = questions.into_iter().map(|question| {
        let partition = question.partition;
        let key = (partition.topic.to_string(), partition.partition);
        let offset = offsets.remove(&key).unwrap_or(Err(missing));
        let offset = offset.map(|offset| (offset >= 0).then_some(offset));
        (partition, question.tag, offset)
    });
    Done::Listed(answers.collect())
}

fn list_request(questions: &[Question], isolation: IsolationLevel) -> ListOffsetsRequest {
    let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for question in questions {
        let partition = ListOffsetsPartition::default()
            .with_partition_index(question.partition.partition)
            .with_current_leader_epoch(question.leader_epoch)
            .with_timestamp(question.target.timestamp());
        let topic = topics.entry(&question.partition.topic).or_default();
        topic.push(partition);
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        ListOffsetsTopic::default()
            .with_name(topic_name(name))
            .with_partitions(partitions)
    });
    ListOffsetsRequest::default()
        .with_replica_id(ColdBrokerId(-1))
        .with_isolation_level(isolation as i8)
        .with_topics(topics.collect())
}

/// Asks a leader where the epochs that were read end in its log (KIP-320).
pub(crate) async fn check(
    cluster: Cluster,
    broker: BrokerId,
    questions: Vec<EpochQuestion>,
    deadline: Instant,
) -> Done {
    let request = check_request(&questions);
    let answer = async {
        let connection = cluster.connection(broker, Purpose::General).await?;
        // Before version 2 the request is for brokers only.
        send_capped(&connection, &request, VersionRange::new(2, 4), deadline).await
    };
    let mut ends: BTreeMap<(String, i32), Result<Option<Position>, ErrorCode>> = BTreeMap::new();
    let missing = match answer.await {
        Ok(answer) => {
            for topic in answer.topics {
                for partition in topic.partitions {
                    let key = (topic.topic.to_string(), partition.partition);
                    let end = Position {
                        offset: partition.end_offset,
                        leader_epoch: partition.leader_epoch,
                    };
                    let is_known = end.offset >= 0 && end.leader_epoch >= 0;
                    let end = match ErrorCode(partition.error_code) {
                        ErrorCode::NONE => Ok(is_known.then_some(end)),
                        code => Err(code),
                    };
                    ends.insert(key, end);
                }
            }
            Err(ErrorCode::UNKNOWN_SERVER_ERROR)
        }
        // A broker that old has no epochs to compare.
        Err(ConnError::Unsupported { .. }) => Ok(None),
        Err(_) => Err(ErrorCode::NETWORK_EXCEPTION),
    };
    let answers = questions.into_iter().map(|question| {
        let partition = question.partition;
        let key = (partition.topic.to_string(), partition.partition);
        let end = ends.remove(&key).unwrap_or(missing);
        (partition, question.tag, end)
    });
    Done::Checked(answers.collect())
}

fn check_request(questions: &[EpochQuestion]) -> OffsetForLeaderEpochRequest {
    let mut topics: BTreeMap<&str, Vec<OffsetForLeaderPartition>> = BTreeMap::new();
    for question in questions {
        let partition = OffsetForLeaderPartition::default()
            .with_partition(question.partition.partition)
            .with_current_leader_epoch(question.leader_epoch)
            .with_leader_epoch(question.read_epoch);
        let topic = topics.entry(&question.partition.topic).or_default();
        topic.push(partition);
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        OffsetForLeaderTopic::default()
            .with_topic(topic_name(name))
            .with_partitions(partitions)
    });
    OffsetForLeaderEpochRequest::default()
        .with_replica_id(ColdBrokerId(-1))
        .with_topics(topics.collect())
}

/// Sends in the newest version within `versions` that the broker speaks.
pub(super) async fn send_capped<R: Request>(
    connection: &Connection,
    request: &R,
    versions: VersionRange,
    deadline: Instant,
) -> Result<R::Response, ConnError> {
    let version = connection.version_of(R::API, versions)?;
    send_version(connection, request, version, deadline).await
}

/// Sends in that version. The time for which the broker has asked for silence comes on top of the deadline.
pub(super) async fn send_version<R: Request>(
    connection: &Connection,
    request: &R,
    version: i16,
    deadline: Instant,
) -> Result<R::Response, ConnError> {
    let deadline = after_pause(connection, deadline);
    let answer = connection.send_version(request, version, deadline.into());
    answer.await
}

/// As [`send_version`], in the newest version that both sides speak.
pub(super) async fn send<R: Request>(
    connection: &Connection,
    request: &R,
    deadline: Instant,
) -> Result<R::Response, ConnError> {
    let deadline = after_pause(connection, deadline);
    connection.send(request, deadline.into()).await
}

/// A deadline without the time for which the broker has asked this connection to send nothing.
fn after_pause(connection: &Connection, deadline: Instant) -> Instant {
    let until = connection.throttled_until().map(Into::<Instant>::into);
    let pause = until.map(|until| until.saturating_duration_since(now()));
    deadline + pause.unwrap_or_default()
}

pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
