//! Questions that the application asks beside the control task: where partitions begin and end, and
//! what the group has committed.

use std::collections::HashMap;
use std::time::Instant;

use ekafka_conn::{Cluster, ConnError};
use ekafka_protocol::ErrorCode;
use ekafka_protocol::messages::IsolationLevel;

use super::calls::{self, Done};
use super::group::GroupDone;
use super::requests::{self, Desk};
use crate::TopicPartition;
use crate::config::GroupSettings;
use crate::error::ReaderError;
use crate::ledger::Question;
use crate::reset::Target;

/// The offset of `target` in a partition, as its leader knows it; `None` when no record is that late.
pub(crate) async fn offset_of(
    cluster: &Cluster,
    partition: &TopicPartition,
    target: Target,
    isolation: IsolationLevel,
    deadline: Instant,
) -> Result<Option<i64>, ReaderError> {
    const STEP: &str = "asking for offsets";
    let refused = |code| ReaderError::Kafka {
        step: STEP,
        subject: partition.to_string().into(),
        code,
    };
    let view = cluster.topic(&partition.topic, deadline.into()).await;
    let view = view.map_err(|error| unreachable(STEP, error))?;
    let (broker, epoch) = view
        .leader(&partition.topic, partition.partition)
        .ok_or_else(|| refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION))?;
    let question = Question {
        partition: partition.clone(),
        tag: 0,
        target,
        leader_epoch: epoch.0,
    };
    let cluster = cluster.clone();
    let done = calls::list(cluster, broker, vec![question], isolation, deadline).await;
    let Done::Listed(answers) = done else {
        return Err(ReaderError::Closed);
    };
    match answers.into_iter().next() {
        Some((_, _, answer)) => answer.map_err(refused),
        None => Err(refused(ErrorCode::UNKNOWN_SERVER_ERROR)),
    }
}

/// What the group has committed for each of `partitions`; `None` for nothing.
pub(crate) async fn committed(
    cluster: Cluster,
    settings: GroupSettings,
    partitions: Vec<TopicPartition>,
    now: Instant,
) -> Result<Vec<(TopicPartition, Option<i64>)>, ReaderError> {
    let desk = Desk {
        cluster,
        settings,
        link: None,
        now,
    };
    let done = requests::fetch_offsets(desk, HashMap::new(), partitions).await;
    let Done::Group(GroupDone::Fetched { answers, .. }) = done else {
        return Err(ReaderError::Closed);
    };
    let answers = answers.into_iter().map(|(partition, answer)| match answer {
        Ok(position) => Ok((partition, position.map(|position| position.offset))),
        Err(code) => Err(ReaderError::Kafka {
            step: "asking for committed offsets",
            subject: partition.to_string().into(),
            code,
        }),
    });
    answers.collect()
}

fn unreachable(step: &'static str, error: ConnError) -> ReaderError {
    let source = Box::new(error);
    ReaderError::Connection { step, source }
}
