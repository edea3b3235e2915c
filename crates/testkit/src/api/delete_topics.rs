//! DeleteTopics, versions 1 to 6. By name, or by id from version 6 on.

use bytes::Bytes;
use ekafka_protocol::cold::delete_topics_request::DeleteTopicState;
use ekafka_protocol::cold::delete_topics_response::DeletableTopicResult;
use ekafka_protocol::cold::{DeleteTopicsRequest, DeleteTopicsResponse, TopicName};
use ekafka_protocol::{ErrorCode, StrBytes};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = DeleteTopicsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> DeleteTopicsResponse {
    let named = request
        .topic_names
        .into_iter()
        .map(|name| DeleteTopicState::default().with_name(Some(name)));
    let wanted: Vec<_> = request.topics.into_iter().chain(named).collect();
    let results = wanted
        .into_iter()
        .map(|topic| delete(cluster, call, topic))
        .collect();
    DeleteTopicsResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_responses(results)
}

fn delete(cluster: &mut Cluster, call: &Call, topic: DeleteTopicState) -> DeletableTopicResult {
    let name = match &topic.name {
        Some(name) => Ok(name.to_string()),
        None => cluster
            .topic_name(topic.topic_id)
            .map(str::to_owned)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_ID),
    };
    let checked = call
        .refused()
        .map_or_else(|| cluster.check_controller(call.node), Err);
    let deleted = checked
        .and(name)
        .and_then(|name| cluster.delete_topic(&name).map(|id| (name, id)));
    match deleted {
        Ok((name, id)) => DeletableTopicResult::default()
            .with_name(Some(TopicName(StrBytes::from_string(name))))
            .with_topic_id(id)
            .with_error_code(call.verdict(ErrorCode::NONE).0),
        Err(code) => DeletableTopicResult::default()
            .with_name(topic.name)
            .with_topic_id(topic.topic_id)
            .with_error_code(code.0),
    }
}
