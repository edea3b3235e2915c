//! DescribeConfigs, versions 1 to 4. Topics, and what this broker knows of its own configuration.

use bytes::Bytes;
use ekafka_protocol::cold::describe_configs_request::DescribeConfigsResource;
use ekafka_protocol::cold::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use ekafka_protocol::cold::{DescribeConfigsRequest, DescribeConfigsResponse};
use ekafka_protocol::{ErrorCode, StrBytes};

use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::Cluster;
use crate::server::Shared;
use crate::topic::{ConfigKind, KNOWN_CONFIGS};

pub(super) type Request = DescribeConfigsRequest;

/// Kafka's number for topics among resource types.
pub(super) const TOPIC: i8 = 2;
/// Kafka's number for brokers among resource types.
pub(super) const BROKER: i8 = 4;
/// Where a value comes from: set on the topic.
const FROM_TOPIC: i8 = 1;
/// Where a value comes from: set on the broker while it runs.
const FROM_BROKER: i8 = 2;
/// Where a value comes from: the broker's start.
const FROM_START: i8 = 4;
/// Where a value comes from: the default.
const FROM_DEFAULT: i8 = 5;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> DescribeConfigsResponse {
    let results = request.resources.iter().map(|resource| {
        let described = call
            .refused()
            .map_or_else(|| describe(cluster, resource), Err);
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match described {
            Ok(entries) => result.with_configs(
                entries
                    .into_iter()
                    .map(|entry| entry.answer(&request))
                    .collect(),
            ),
            Err(code) => result
                .with_error_code(code.0)
                .with_error_message(Some(text(code.message()))),
        }
    });
    let results = results.collect();
    DescribeConfigsResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_results(results)
}

struct Entry {
    name: String,
    value: String,
    source: i8,
    kind: ConfigKind,
    is_read_only: bool,
}

fn describe(
    cluster: &Cluster,
    resource: &DescribeConfigsResource,
) -> Result<Vec<Entry>, ErrorCode> {
    let mut entries = match resource.resource_type {
        TOPIC => topic(cluster, &resource.resource_name)?,
        BROKER => broker(cluster, &resource.resource_name)?,
        _ => return Err(ErrorCode::INVALID_REQUEST),
    };
    if let Some(keys) = &resource.configuration_keys {
        entries.retain(|entry| keys.iter().any(|key| key.as_str() == entry.name));
    }
    Ok(entries)
}

fn topic(cluster: &Cluster, name: &str) -> Result<Vec<Entry>, ErrorCode> {
    crate::topic::check_topic_name(name)?;
    let topic = cluster
        .topics
        .get(name)
        .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let entries = KNOWN_CONFIGS.iter().map(|known| {
        let set = topic.config.set.get(known.name);
        Entry {
            name: known.name.to_owned(),
            value: set.map_or_else(|| known.default.to_owned(), Clone::clone),
            source: if set.is_some() {
                FROM_TOPIC
            } else {
                FROM_DEFAULT
            },
            kind: known.kind,
            is_read_only: false,
        }
    });
    Ok(entries.collect())
}

fn broker(cluster: &Cluster, name: &str) -> Result<Vec<Entry>, ErrorCode> {
    // The empty name stands for the cluster-wide default.
    let id = if name.is_empty() {
        -1
    } else {
        name.parse().map_err(|_| ErrorCode::INVALID_REQUEST)?
    };
    if id != -1 && !cluster.nodes.contains_key(&id) {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    let settings = &cluster.settings;
    let started = |name: &str, value: String, kind| Entry {
        name: name.to_owned(),
        value,
        source: FROM_START,
        kind,
        is_read_only: true,
    };
    let mut entries = Vec::new();
    if id != -1 {
        entries.push(started("broker.id", id.to_string(), ConfigKind::Int));
        entries.push(started(
            "auto.create.topics.enable",
            settings.auto_create.to_string(),
            ConfigKind::Boolean,
        ));
        entries.push(started(
            "num.partitions",
            settings.default_partitions.to_string(),
            ConfigKind::Int,
        ));
        entries.push(started(
            "default.replication.factor",
            settings.default_replication.to_string(),
            ConfigKind::Int,
        ));
        entries.push(started(
            "message.max.bytes",
            settings.max_message_bytes.to_string(),
            ConfigKind::Int,
        ));
    }
    let set = cluster
        .broker_configs
        .iter()
        .filter(|((of, _), _)| *of == id);
    entries.extend(set.map(|((_, name), value)| Entry {
        name: name.clone(),
        value: value.clone(),
        source: FROM_BROKER,
        kind: ConfigKind::Text,
        is_read_only: false,
    }));
    Ok(entries)
}

impl Entry {
    fn answer(self, request: &Request) -> DescribeConfigsResourceResult {
        let (name, value) = (text(self.name), Some(text(self.value)));
        let synonym = || {
            DescribeConfigsSynonym::default()
                .with_name(name.clone())
                .with_value(value.clone())
                .with_source(self.source)
        };
        DescribeConfigsResourceResult::default()
            .with_synonyms(if request.include_synonyms {
                vec![synonym()]
            } else {
                Vec::new()
            })
            .with_name(name.clone())
            .with_value(value.clone())
            .with_config_source(self.source)
            .with_read_only(self.is_read_only)
            .with_config_type(self.kind as i8)
            .with_documentation(request.include_documentation.then(StrBytes::default))
    }
}
