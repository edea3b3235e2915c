//! Which records of transactions are read: the option that `consume` and `perf consume` share.

use ekafka::IsolationLevel;

/// `uncommitted` or `committed`, with or without Kafka's `read_` before it.
pub(crate) fn isolation(text: &str) -> Result<IsolationLevel, String> {
    match text.strip_prefix("read_").unwrap_or(text) {
        "uncommitted" => Ok(IsolationLevel::ReadUncommitted),
        "committed" => Ok(IsolationLevel::ReadCommitted),
        _ => Err("uncommitted or committed".to_owned()),
    }
}
