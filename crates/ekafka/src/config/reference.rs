//! The configuration reference, generated from the sections themselves.

use std::fmt::Write as _;

use super::section::Section;
use super::{
    ClientConfig, ConnectionConfig, ConsumerConfig, ConsumerGroupConfig, ConsumerServerConfig, Key,
    ProducerConfig,
};

/// The reference of all keys, as Markdown.
///
/// ```
/// assert!(ekafka::config::reference().contains("### `[kafka.producers.NAME]`"));
/// ```
pub fn reference() -> String {
    let mut out = String::new();
    for (table, keys) in [
        ("[kafka]", ConnectionConfig::keys()),
        ("[kafka.client]", ClientConfig::keys()),
        ("[kafka.producers.NAME]", ProducerConfig::keys()),
        ("[kafka.consumers.NAME]", ConsumerConfig::keys()),
        ("[kafka.consumerGroups.NAME]", ConsumerGroupConfig::keys()),
        ("[kafkaConsumerServers.NAME]", ConsumerServerConfig::keys()),
    ] {
        section(&mut out, table, &keys);
    }
    out
}

fn section(out: &mut String, table: &str, keys: &[Key]) {
    let _ = write!(
        out,
        "### `{table}`\n\n| key | default | accepts | effect |\n| --- | --- | --- | --- |\n"
    );
    for key in keys {
        let default = match &key.default {
            toml::Value::String(text) if text.is_empty() => "none".to_owned(),
            default => format!("`{default}`"),
        };
        let _ = writeln!(
            out,
            "| `{}` | {default} | {} | {} |",
            key.name, key.accepts, key.effect
        );
    }
    out.push('\n');
}
