//! Metadata, versions 0 to 13.
//!
//! All topics, named topics, or topics by id (v12 on). A named topic that does not exist is made when both the request and
//! the cluster allow it, and answered as existing at once. Nodes that are down are left out of the brokers.

use bytes::Bytes;
use ekafka_protocol::messages::{
    MetadataBroker, MetadataPartition, MetadataRequestTopic, MetadataResponse, MetadataTopic,
};
use ekafka_protocol::{ErrorCode, StrBytes};

use super::{Answer, CLUSTER_OPERATIONS, Call, Refusal, answer, text};
use crate::cluster::{Cluster, NewTopic};
use crate::server::Shared;
use crate::topic::Topic;

pub(super) type Request = ekafka_protocol::messages::MetadataRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, without_surplus(call.version, body), decide)
}

/// librdkafka leaves room for a length of four bytes, also where a length is one byte, when it asks for all topics: three
/// bytes stand behind the message's end. Apache Kafka reads no further than that end, so this is no fault here either.
fn without_surplus(version: i16, mut body: Bytes) -> Bytes {
    // No list of topics, then flags of one byte each, then no tagged fields.
    let length = match version {
        9 | 10 => 5,
        11.. => 4,
        _ => return body,
    };
    let asks_for_all = body.get(..length).is_some_and(is_zero);
    if asks_for_all && body.len() == length + 3 {
        body.truncate(length);
    }
    body
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> MetadataResponse {
    let mut response = head(cluster, request.include_cluster_authorized_operations);
    let may_create = request.allow_auto_topic_creation && cluster.settings.auto_create;
    let wanted = request.topics.unwrap_or_else(|| {
        let names = cluster
            .topics
            .keys()
            .map(|name| StrBytes::from_string(name.clone()));
        names.map(MetadataRequestTopic::named).collect()
    });
    for asked in wanted {
        let mut topic = describe(cluster, call, &mut response, asked, may_create);
        if request.include_topic_authorized_operations {
            topic.topic_authorized_operations = TOPIC_OPERATIONS;
        }
        response.topics.push(topic);
    }
    response
}

/// The answer but for its topics.
#[expect(
    clippy::field_reassign_with_default,
    reason = "a field is private, which struct update syntax cannot pass by"
)]
fn head(cluster: &Cluster, tells_operations: bool) -> MetadataResponse {
    let mut response = MetadataResponse::default();
    response.throttle_time_ms = cluster.throttle_ms();
    response.cluster_id = Some(text(&cluster.cluster_id));
    response.controller_id = cluster.controller;
    if tells_operations {
        response.cluster_authorized_operations = CLUSTER_OPERATIONS;
    }
    let up = cluster.nodes.iter().filter(|(_, node)| node.is_up);
    response.brokers = up
        .map(|(&node_id, node)| MetadataBroker {
            node_id,
            host: text(&node.host),
            port: i32::from(node.port),
            rack: node.rack.as_deref().map(text),
        })
        .collect();
    response
}

fn describe(
    cluster: &mut Cluster,
    call: &Call,
    response: &mut MetadataResponse,
    asked: MetadataRequestTopic,
    may_create: bool,
) -> MetadataTopic {
    let by_id = asked.name.is_none();
    let name = match &asked.name {
        Some(name) => Some(name.as_str().to_owned()),
        None => cluster.topic_name(asked.topic_id).map(str::to_owned),
    };
    let refused = |error_code| MetadataTopic {
        error_code,
        name: asked.name.clone(),
        topic_id: asked.topic_id,
        ..MetadataTopic::default()
    };
    if let Some(code) = call.refused() {
        return refused(code);
    }
    let Some(name) = name.filter(|_| !by_id || call.version >= 12) else {
        return refused(ErrorCode::UNKNOWN_TOPIC_ID);
    };
    if !cluster.topics.contains_key(&name) {
        let wanted = NewTopic {
            partitions: -1,
            replication_factor: -1,
            ..NewTopic::default()
        };
        let made = match crate::topic::check_topic_name(&name) {
            Ok(()) if may_create => cluster.create_topic(&name, &wanted).map(drop),
            Ok(()) => Err(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
            Err(code) => Err(code),
        };
        if let Err(code) = made {
            return refused(code);
        }
    }
    match cluster.topics.get(&name) {
        Some(topic) => MetadataTopic {
            name: Some(StrBytes::from_string(name)),
            topic_id: topic.id,
            partitions: partitions(cluster, topic, response),
            ..MetadataTopic::default()
        },
        None => refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
    }
}

fn partitions(
    cluster: &Cluster,
    topic: &Topic,
    response: &mut MetadataResponse,
) -> Vec<MetadataPartition> {
    let numbered = (0..).zip(&topic.partitions);
    let described = numbered.map(|(partition_index, partition)| {
        let offline: Vec<i32> = partition
            .replicas
            .iter()
            .copied()
            .filter(|id| !cluster.is_up(*id))
            .collect();
        let error_code = if partition.leader < 0 {
            ErrorCode::LEADER_NOT_AVAILABLE
        } else {
            ErrorCode::NONE
        };
        MetadataPartition {
            error_code,
            partition_index,
            leader_id: partition.leader,
            leader_epoch: partition.leader_epoch,
            replica_nodes: response.add_nodes(&partition.replicas),
            isr_nodes: response.add_nodes(&partition.in_sync),
            offline_replicas: response.add_nodes(&offline),
        }
    });
    described.collect()
}

/// What Kafka answers without an authorizer: every operation a topic has, as bits.
const TOPIC_OPERATIONS: i32 = 3_576;
