//! The requests control makes: each builds a request, sends it, and says what came of it.
//!
//! Source: `ListOffsets` 1-9, `OffsetFetch` 1-7, `OffsetCommit` 2-9, `JoinGroup`, `SyncGroup`,
//! `Heartbeat`, `LeaveGroup`. Later versions of the first three name topics by id or add groups.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use ekafka_conn::{BrokerId, Cluster, ConnError, Connection, Purpose};
use ekafka_protocol::cold::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ekafka_protocol::cold::{BrokerId as ColdBrokerId, ListOffsetsRequest, TopicName};
use ekafka_protocol::messages::IsolationLevel;
use ekafka_protocol::{ErrorCode, Request, StrBytes, VersionRange};

use super::group::GroupDone;
use crate::TopicPartition;
use crate::ledger::Question;

/// What a call came to.
pub(crate) enum Done {
    Connected {
        broker: BrokerId,
        result: Result<Connection, ConnError>,
    },
    /// An answer for each question: the offset, or `None` when no record is that late.
    Listed(Vec<(TopicPartition, u64, Result<Option<i64>, ErrorCode>)>),
    LookedUp {
        topic: Arc<str>,
        result: Result<(), ConnError>,
    },
    /// The cluster view may have changed.
    NewView,
    Group(GroupDone),
    /// Nobody waits for it.
    Nothing,
}

/// Connects to fetch from a broker.
pub(crate) async fn connect(cluster: Cluster, broker: BrokerId) -> Done {
    let result = own_connection(&cluster, broker).await;
    Done::Connected { broker, result }
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

/// Waits for a view newer than `generation`, or for `deadline`.
pub(crate) async fn newer_view(cluster: Cluster, generation: u64, deadline: Instant) -> Done {
    // Whatever ends the wait, the view is looked at again.
    let _ = cluster.view_newer_than(generation, deadline.into()).await;
    Done::NewView
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

/// Sends in the newest version within `versions` that the broker speaks.
pub(super) async fn send_capped<R: Request>(
    connection: &Connection,
    request: &R,
    versions: VersionRange,
    deadline: Instant,
) -> Result<R::Response, ConnError> {
    let version = connection.version_of(R::API, versions)?;
    let answer = connection.send_version(request, version, deadline.into());
    answer.await
}

pub(super) fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

pub(super) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}
