//! CreateTopics, versions 2 to 7.
//!
//! Refused as Kafka does: illegal or existing names, the same name twice in one request, no or too many replicas, bad
//! assignments, unknown or malformed configurations; NOT_CONTROLLER on other nodes when the cluster insists on it.

use std::collections::BTreeMap;

use bytes::Bytes;
use ekafka_protocol::cold::create_topics_request::CreatableTopic;
use ekafka_protocol::cold::create_topics_response::{CreatableTopicConfigs, CreatableTopicResult};
use ekafka_protocol::cold::{CreateTopicsRequest, CreateTopicsResponse};
use ekafka_protocol::{ErrorCode, StrBytes};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::{Cluster, NewTopic};
use crate::server::Shared;
use crate::topic::{KNOWN_CONFIGS, TopicConfig};

pub(super) type Request = CreateTopicsRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> CreateTopicsResponse {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for topic in &request.topics {
        *times.entry(topic.name.to_string()).or_default() += 1;
    }
    let mut results = Vec::with_capacity(request.topics.len());
    for topic in &request.topics {
        let is_doubled = times
            .get(topic.name.as_str())
            .is_some_and(|times| *times > 1);
        if is_doubled
            && results
                .iter()
                .any(|result: &CreatableTopicResult| result.name == topic.name)
        {
            continue;
        }
        let made = if is_doubled {
            Err(ErrorCode::INVALID_REQUEST)
        } else {
            create(cluster, call, topic, request.validate_only)
        };
        results.push(result(topic, made, cluster, call.version));
    }
    CreateTopicsResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_topics(results)
}

fn create(
    cluster: &mut Cluster,
    call: &Call,
    topic: &CreatableTopic,
    dry: bool,
) -> Result<(), ErrorCode> {
    if let Some(code) = call.refused() {
        return Err(code);
    }
    cluster.check_controller(call.node)?;
    let mut config = TopicConfig::default();
    for entry in &topic.configs {
        config.set(
            &entry.name,
            entry.value.as_deref().ok_or(ErrorCode::INVALID_CONFIG)?,
        )?;
    }
    let replicas = by_hand(topic)?;
    let wanted = NewTopic {
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        replicas: replicas.as_deref(),
        config,
    };
    if dry {
        cluster.plan_topic(&topic.name, &wanted)?;
    } else {
        cluster.create_topic(&topic.name, &wanted)?;
    }
    Ok(())
}

/// The replicas of each partition when the request names them; they must be numbered 0, 1, 2 …
fn by_hand(topic: &CreatableTopic) -> Result<Option<Vec<Vec<i32>>>, ErrorCode> {
    if topic.assignments.is_empty() {
        return Ok(None);
    }
    if topic.num_partitions != -1 || topic.replication_factor != -1 {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    let mut assignments: Vec<_> = topic.assignments.iter().collect();
    assignments.sort_by_key(|assignment| assignment.partition_index);
    let is_dense = (0..)
        .zip(&assignments)
        .all(|(number, assignment)| assignment.partition_index == number);
    if !is_dense {
        return Err(ErrorCode::INVALID_REPLICA_ASSIGNMENT);
    }
    Ok(Some(
        assignments
            .iter()
            .map(|assignment| assignment.broker_ids.iter().map(|id| id.0).collect())
            .collect(),
    ))
}

fn result(
    topic: &CreatableTopic,
    made: Result<(), ErrorCode>,
    cluster: &Cluster,
    version: i16,
) -> CreatableTopicResult {
    let code = made.err().unwrap_or(ErrorCode::NONE);
    let result = CreatableTopicResult::default()
        .with_name(topic.name.clone())
        .with_error_code(code.0);
    if code != ErrorCode::NONE {
        let message = StrBytes::from_string(code.message().to_owned());
        return result
            .with_error_message(Some(message))
            .with_num_partitions(-1)
            .with_replication_factor(-1);
    }
    // What was made is told from version 5 on.
    let Some(topic) = cluster
        .topics
        .get(topic.name.as_str())
        .filter(|_| version >= 5)
    else {
        return result
            .with_num_partitions(topic.num_partitions)
            .with_replication_factor(topic.replication_factor);
    };
    let replicas = topic
        .partitions
        .first()
        .map_or(0, |partition| partition.replicas.len());
    let configs = KNOWN_CONFIGS.iter().map(|known| {
        let set = topic.config.set.get(known.name);
        CreatableTopicConfigs::default()
            .with_name(StrBytes::from_static_str(known.name))
            .with_value(Some(StrBytes::from_string(
                set.map_or_else(|| known.default.to_owned(), Clone::clone),
            )))
            .with_config_source(if set.is_some() { 1 } else { 5 })
    });
    result
        .with_topic_id(topic.id)
        .with_num_partitions(i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX))
        .with_replication_factor(i16::try_from(replicas).unwrap_or(i16::MAX))
        .with_configs(Some(configs.collect()))
}
