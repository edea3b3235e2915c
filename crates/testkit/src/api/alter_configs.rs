//! AlterConfigs, versions 0 to 2 (replaces all values of a resource) and IncrementalAlterConfigs, versions 0 and 1 (one
//! value at a time: set, delete, and for lists append and subtract; KIP-339). Topics and brokers.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::alter_configs_response::AlterConfigsResourceResponse;
use ekafka_protocol::cold::incremental_alter_configs_response::AlterConfigsResourceResponse as IncrementalResponse;
use ekafka_protocol::cold::{
    AlterConfigsRequest, AlterConfigsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
};

use super::describe_configs::{BROKER, TOPIC};
use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::Cluster;
use crate::server::Shared;
use crate::topic::TopicConfig;

pub(super) type Replace = AlterConfigsRequest;
pub(super) type Incremental = IncrementalAlterConfigsRequest;

pub(super) fn replace(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Replace>(shared, call, body, |cluster, call, request| {
        let responses = request.resources.into_iter().map(|resource| {
            let all = resource
                .configs
                .iter()
                .map(|config| (config.name.as_str(), SET, config.value.as_deref()));
            let changes: Vec<_> = all.collect();
            let (kind, name) = (resource.resource_type, resource.resource_name.as_str());
            let code = alter(
                cluster,
                call,
                kind,
                name,
                &changes,
                true,
                request.validate_only,
            );
            let message = (code != ErrorCode::NONE).then(|| text(code.message()));
            AlterConfigsResourceResponse::default()
                .with_error_code(code.0)
                .with_error_message(message)
                .with_resource_type(kind)
                .with_resource_name(resource.resource_name.clone())
        });
        let responses = responses.collect();
        AlterConfigsResponse::default()
            .with_throttle_time_ms(cluster.throttle_ms())
            .with_responses(responses)
    })
}

pub(super) fn incremental(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Incremental>(shared, call, body, |cluster, call, request| {
        let responses = request.resources.into_iter().map(|resource| {
            let all = resource.configs.iter();
            let changes: Vec<_> = all
                .map(|config| {
                    (
                        config.name.as_str(),
                        config.config_operation,
                        config.value.as_deref(),
                    )
                })
                .collect();
            let (kind, name) = (resource.resource_type, resource.resource_name.as_str());
            let code = alter(
                cluster,
                call,
                kind,
                name,
                &changes,
                false,
                request.validate_only,
            );
            let message = (code != ErrorCode::NONE).then(|| text(code.message()));
            IncrementalResponse::default()
                .with_error_code(code.0)
                .with_error_message(message)
                .with_resource_type(kind)
                .with_resource_name(resource.resource_name.clone())
        });
        let responses = responses.collect();
        IncrementalAlterConfigsResponse::default()
            .with_throttle_time_ms(cluster.throttle_ms())
            .with_responses(responses)
    })
}

/// Name, operation and value of one change.
type Change<'a> = (&'a str, i8, Option<&'a str>);

const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

fn alter(
    cluster: &mut Cluster,
    call: &Call,
    kind: i8,
    name: &str,
    changes: &[Change<'_>],
    afresh: bool,
    dry: bool,
) -> ErrorCode {
    let altered = match (call.refused(), kind) {
        (Some(code), _) => Err(code),
        (None, TOPIC) => alter_topic(cluster, name, changes, afresh, dry),
        (None, BROKER) => alter_broker(cluster, name, changes, afresh, dry),
        (None, _) => Err(ErrorCode::INVALID_REQUEST),
    };
    altered.err().unwrap_or(ErrorCode::NONE)
}

fn alter_topic(
    cluster: &mut Cluster,
    name: &str,
    changes: &[Change<'_>],
    afresh: bool,
    dry: bool,
) -> Result<(), ErrorCode> {
    let topic = cluster
        .topics
        .get_mut(name)
        .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let mut config = if afresh {
        TopicConfig::default()
    } else {
        topic.config.clone()
    };
    for (key, operation, value) in changes {
        match changed(config.set.get(*key).map(String::as_str), *operation, *value)? {
            Some(value) => config.set(key, &value)?,
            None => drop(config.set.remove(*key)),
        }
    }
    if !dry {
        topic.config = config;
    }
    Ok(())
}

fn alter_broker(
    cluster: &mut Cluster,
    name: &str,
    changes: &[Change<'_>],
    afresh: bool,
    dry: bool,
) -> Result<(), ErrorCode> {
    let id: i32 = if name.is_empty() {
        -1
    } else {
        name.parse().map_err(|_| ErrorCode::INVALID_REQUEST)?
    };
    if id != -1 && !cluster.nodes.contains_key(&id) {
        return Err(ErrorCode::INVALID_REQUEST);
    }
    let mut configs = cluster.broker_configs.clone();
    if afresh {
        configs.retain(|(of, _), _| *of != id);
    }
    for (key, operation, value) in changes {
        let at = (id, (*key).to_owned());
        match changed(configs.get(&at).map(String::as_str), *operation, *value)? {
            Some(value) => drop(configs.insert(at, value)),
            None => drop(configs.remove(&at)),
        }
    }
    if !dry {
        cluster.broker_configs = configs;
    }
    Ok(())
}

/// A value after one operation; none when it is back at its default.
fn changed(
    old: Option<&str>,
    operation: i8,
    value: Option<&str>,
) -> Result<Option<String>, ErrorCode> {
    let given = || value.ok_or(ErrorCode::INVALID_CONFIG);
    let parts = || {
        old.unwrap_or_default()
            .split(',')
            .filter(|part| !part.is_empty())
    };
    match operation {
        SET => Ok(value.map(str::to_owned)),
        DELETE => Ok(None),
        APPEND => {
            let given = given()?;
            let kept = parts().filter(|part| *part != given);
            Ok(Some(kept.chain([given]).collect::<Vec<_>>().join(",")))
        }
        SUBTRACT => {
            let given = given()?;
            Ok(Some(
                parts()
                    .filter(|part| *part != given)
                    .collect::<Vec<_>>()
                    .join(","),
            ))
        }
        _ => Err(ErrorCode::INVALID_REQUEST),
    }
}
