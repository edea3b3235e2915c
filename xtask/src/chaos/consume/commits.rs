//! Every commit that the brokers accepted, as Kafka's own formatter reads it from the topic they keep them in.

use std::process::Stdio;

use crate::failure::Failure;
use crate::kafka::Tools;
use crate::process;

/// One commit of the group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// Milliseconds since 1970, by the broker.
    pub(super) at: u64,
}

/// In the order in which they were accepted: one group's are all in one partition.
pub(super) fn all(tools: &Tools, brokers: &str, group: &str) -> Result<Vec<Commit>, Failure> {
    let mut command = tools.class("org.apache.kafka.tools.consumer.ConsoleConsumer");
    command.args([
        "--bootstrap-server",
        brokers,
        "--topic",
        "__consumer_offsets",
    ]);
    command.args(["--from-beginning", "--timeout-ms", "15000", "--formatter"]);
    command.arg("org.apache.kafka.tools.consumer.OffsetsMessageFormatter");
    let seen = process::capture(command.stderr(Stdio::null()))?;
    let mut commits = Vec::new();
    // One value behind the other, with or without a line end between them.
    for value in serde_json::Deserializer::from_str(&seen).into_iter() {
        let value: serde_json::Value =
            value.map_err(|error| Failure::new(format!("not a commit: {error}")))?;
        if value["key"]["data"]["group"] == group {
            let commit =
                parse(&value).ok_or_else(|| Failure::new(format!("not a commit: {value}")))?;
            commits.extend(commit);
        }
    }
    Ok(commits)
}

/// `None` inside for an offset that was deleted.
pub(super) fn parse(value: &serde_json::Value) -> Option<Option<Commit>> {
    let partition = value["key"]["data"]["partition"].as_i64()?;
    if value["value"].is_null() {
        return Some(None);
    }
    let data = &value["value"]["data"];
    Some(Some(Commit {
        partition: partition.try_into().ok()?,
        offset: data["offset"].as_i64()?,
        at: data["commitTimestamp"].as_u64()?,
    }))
}
