//! What must hold between keys. Nothing here needs a broker.

use super::error::Faults;
use super::{ConnectionConfig, ConsumerConfig, ConsumerGroupConfig, KafkaConfig, ProducerConfig};

/// Adds every fault of the whole table.
pub(super) fn kafka(config: &KafkaConfig, faults: &mut Faults) {
    let path = &config.path;
    connection(path, &config.connection, faults);
    for (name, entry) in &config.producers {
        producer(&format!("{path}.producers.{name}"), entry, faults);
    }
    for (name, entry) in &config.consumers {
        consumer(&format!("{path}.consumers.{name}"), entry, faults);
    }
    for (name, entry) in &config.consumer_groups {
        group(&format!("{path}.consumerGroups.{name}"), entry, faults);
    }
}

fn connection(path: &str, config: &ConnectionConfig, faults: &mut Faults) {
    let mechanism = config.sasl_mechanism.as_str();
    if !mechanism.is_empty() && !MECHANISMS.contains(&mechanism) {
        faults.add(
            format!("{path}.saslMechanism"),
            format!(
                "expected one of {}, found {mechanism:?}",
                MECHANISMS.join(", ")
            ),
        );
    }
    if mechanism == "PLAIN" && !config.tls_enable {
        plain_without_tls(path, config.sasl_allow_plaintext, faults);
    }
    if config.tls_cert_file.is_empty() != config.tls_key_file.is_empty() {
        faults.add(
            format!("{path}.tlsCertFile"),
            "a certificate and its key (tlsKeyFile) go together",
        );
    }
}

/// The documents' blocks say so, and load. What they lack is asked for before a password is sent.
fn plain_without_tls(path: &str, allowed: Option<bool>, faults: &mut Faults) {
    let path = format!("{path}.saslMechanism");
    match allowed {
        Some(true) => {}
        Some(false) => faults.add(path, READABLE_PASSWORD),
        None => tracing::warn!(%path, "refused when it connects: {READABLE_PASSWORD}"),
    }
}

/// What is wrong with PLAIN without TLS that nobody asked for.
pub(crate) const READABLE_PASSWORD: &str = "PLAIN without TLS shows the password to anyone on the path: set tlsEnable = true, or saslAllowPlaintext = true if that is meant";

fn producer(path: &str, config: &ProducerConfig, faults: &mut Faults) {
    if config.write_backoff_min > config.write_backoff_max {
        faults.add(
            format!("{path}.writeBackoffMin"),
            "is above writeBackoffMax",
        );
    }
}

fn consumer(path: &str, config: &ConsumerConfig, faults: &mut Faults) {
    topic(path, &config.topic, faults);
    if !config.group_id.is_empty() && config.partition != 0 {
        faults.add(
            format!("{path}.partition"),
            "is set together with groupID: a group shares the partitions out itself",
        );
    }
    if config.partition < 0 {
        faults.add(format!("{path}.partition"), "is negative");
    }
    reading(
        path,
        (config.min_bytes, config.max_bytes),
        config.read_backoff_min > config.read_backoff_max,
        faults,
    );
    balancers(path, &config.group_balancers, faults);
}

fn group(path: &str, config: &ConsumerGroupConfig, faults: &mut Faults) {
    topic(path, &config.topic, faults);
    if config.group_id.is_empty() {
        faults.add(format!("{path}.groupID"), "is missing");
    }
    reading(
        path,
        (config.min_bytes, config.max_bytes),
        config.read_backoff_min > config.read_backoff_max,
        faults,
    );
    balancers(path, &config.group_balancers, faults);
}

fn topic(path: &str, topic: &str, faults: &mut Faults) {
    if topic.is_empty() {
        faults.add(format!("{path}.topic"), "is missing");
    }
}

fn reading(path: &str, (min, max): (u32, u32), backoff_upside_down: bool, faults: &mut Faults) {
    if min > max {
        faults.add(
            format!("{path}.minBytes"),
            format!("{min} is above maxBytes, {max}"),
        );
    }
    if backoff_upside_down {
        faults.add(format!("{path}.readBackoffMin"), "is above readBackoffMax");
    }
}

fn balancers(path: &str, names: &[String], faults: &mut Faults) {
    for name in names {
        if !GROUP_BALANCERS.contains(&name.to_ascii_lowercase().as_str()) {
            faults.add(
                format!("{path}.groupBalancers"),
                format!(
                    "expected some of {}, found {name:?}",
                    GROUP_BALANCERS.join(", ")
                ),
            );
        }
    }
}

const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// As they are announced to the group.
const GROUP_BALANCERS: [&str; 5] = [
    "range",
    "roundrobin",
    "rack-affinity",
    "sticky",
    "cooperative-sticky",
];
