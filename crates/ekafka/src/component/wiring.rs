//! What the keys of a configuration become: settings of connections, writers and readers.

use std::sync::Arc;

use ekafka_admin::{AdminError, Client};
use ekafka_conn::{Cluster, ConnConfig, Mechanism, Plain, Scram, ScramAlgorithm, TlsConfig};
use ekafka_reader::assignor::{
    Assignor, CooperativeStickyAssignor, RackAffinityAssignor, RangeAssignor, RoundRobinAssignor,
    StickyAssignor,
};
use ekafka_reader::{Reader, ReaderBuilder};
use ekafka_writer::{CompletedBatch, WriterConfig};

use super::balancers::{Balancers, Found};
use crate::config::{
    BatchTimeout, ConfigError, ConnectionConfig, ConsumerConfig, ConsumerGroupConfig, Faults,
    KafkaConfig, ProducerConfig, READABLE_PASSWORD,
};
use crate::error::ComponentError;

/// Connections as `[kafka]` wants them.
pub(super) fn connection(config: &KafkaConfig) -> Result<ConnConfig, ConfigError> {
    let (path, config) = (&config.path, &config.connection);
    let mut faults = Faults::default();
    let mut connection = ConnConfig::default().client_id(config.client_id.as_str());
    if config.sasl_allow_plaintext == Some(true) {
        connection = connection.allow_plaintext_sasl_plain();
    }
    if config.tls_enable {
        match tls(config) {
            Ok(tls) => connection = connection.tls(tls),
            Err(problem) => faults.add(format!("{path}.tlsEnable"), problem),
        }
    }
    match mechanism(config) {
        Ok(Some(mechanism)) => {
            let is_readable = mechanism.exposes_secret() && !config.tls_enable;
            if is_readable && config.sasl_allow_plaintext != Some(true) {
                faults.add(format!("{path}.saslMechanism"), READABLE_PASSWORD);
            }
            connection = connection.sasl(mechanism);
        }
        Ok(None) => {}
        Err(problem) => faults.add(format!("{path}.saslMechanism"), problem),
    }
    faults.or(connection)
}

fn mechanism(config: &ConnectionConfig) -> Result<Option<Arc<dyn Mechanism>>, String> {
    let (name, password) = (&config.sasl_user_name, config.sasl_password.clone());
    let scram = |algorithm| -> Result<Option<Arc<dyn Mechanism>>, String> {
        let scram = Scram::new(algorithm, name, password.clone());
        let scram = scram.map_err(|error| error.to_string())?;
        Ok(Some(Arc::new(scram)))
    };
    match config.sasl_mechanism.as_str() {
        "" => Ok(None),
        "PLAIN" => {
            let plain = Plain::new(name, password).map_err(|error| error.to_string())?;
            Ok(Some(Arc::new(plain)))
        }
        "SCRAM-SHA-256" => scram(ScramAlgorithm::Sha256),
        "SCRAM-SHA-512" => scram(ScramAlgorithm::Sha512),
        other => Err(format!("{other:?} is no mechanism")),
    }
}

fn tls(config: &ConnectionConfig) -> Result<TlsConfig, String> {
    let mut tls = TlsConfig::builder();
    if !config.tls_ca_file.is_empty() {
        tls = tls.ca_file(&config.tls_ca_file);
    } else if !config.tls_insecure_skip_verify {
        tls = system_roots(tls)?;
    }
    if !config.tls_cert_file.is_empty() {
        tls = tls.client_certificate_files(&config.tls_cert_file, &config.tls_key_file);
    }
    if !config.tls_server_name.is_empty() {
        tls = tls.server_name(&config.tls_server_name);
    }
    if config.tls_insecure_skip_verify {
        tls = tls.dangerous_accept_any_certificate();
    }
    tls.build().map_err(|error| error.to_string())
}

#[cfg(feature = "native-roots")]
fn system_roots(tls: ekafka_conn::TlsBuilder) -> Result<ekafka_conn::TlsBuilder, String> {
    Ok(tls.native_roots())
}

#[cfg(not(feature = "native-roots"))]
fn system_roots(_tls: ekafka_conn::TlsBuilder) -> Result<ekafka_conn::TlsBuilder, String> {
    Err("nobody is trusted: set tlsCaFile, or use the feature native-roots".to_owned())
}

/// A client as `[kafka.client]` wants it.
pub(super) fn client(config: &KafkaConfig, cluster: Cluster) -> Result<Client, AdminError> {
    let timeout = config.client.timeout;
    let client = Client::builder().cluster(cluster);
    if timeout.is_zero() {
        return client.build();
    }
    client.timeout(timeout).request_timeout(timeout).build()
}

/// A writer as `[kafka.producers.NAME]` wants it.
pub(super) fn writer(
    config: &ProducerConfig,
    balancers: &Balancers,
    cluster: Cluster,
) -> Result<WriterConfig, ComponentError> {
    let found = balancers.find(&config.balancer).ok_or_else(|| {
        let known = balancers.names().into_iter().map(str::to_owned).collect();
        ComponentError::Unknown {
            path: "the list of balancers".to_owned(),
            name: config.balancer.clone(),
            known,
        }
    })?;
    let writer = match found {
        Found::Balancer(balancer) => WriterConfig::kafka_go().balancer_arc(balancer),
        Found::Sticky => WriterConfig::default(),
    };
    let writer = match config.batch_timeout {
        BatchTimeout::Auto => writer.adaptive(),
        BatchTimeout::After(wait) => writer.batch_timeout(wait),
    };
    let mut writer = writer
        .cluster(cluster)
        .acks(config.required_acks)
        .max_attempts(config.max_attempts)
        .batch_size(config.batch_size)
        .batch_bytes(config.batch_bytes)
        .read_timeout(config.read_timeout)
        .write_timeout(config.write_timeout)
        .write_backoff_min(config.write_backoff_min)
        .write_backoff_max(config.write_backoff_max)
        .asynchronous(config.asynchronous)
        .compression(config.compression)
        .allow_auto_topic_creation(config.allow_auto_topic_creation)
        .buffer_memory(config.buffer_memory);
    if !config.topic.is_empty() {
        writer = writer.topic(config.topic.as_str());
    }
    if config.asynchronous {
        writer = writer.completion(log_failure);
    }
    if let Some(idempotence) = config.idempotence {
        writer = writer.idempotence(idempotence);
    }
    Ok(writer)
}

/// Nobody waits for what an asynchronous producer writes, so the log must tell what failed.
fn log_failure(batch: &CompletedBatch) {
    if let Some(error) = batch.error() {
        let (topic, partition, records) = (batch.topic(), batch.partition(), batch.len());
        tracing::error!(target: "ekafka", topic, partition, records, %error, "not written");
    }
}

/// A reader as `[kafka.consumers.NAME]` wants it.
pub(super) fn consumer(
    config: &ConsumerConfig,
    brokers: &[String],
    connection: &ConnConfig,
) -> ReaderBuilder {
    let reader = Reader::builder()
        .brokers(brokers)
        .connection(connection.clone())
        .topic(&config.topic)
        .min_bytes(config.min_bytes)
        .max_bytes(config.max_bytes)
        .max_partition_bytes(config.max_bytes)
        .max_wait(config.max_wait)
        .start_offset(config.start_offset)
        .retry_backoff(config.read_backoff_min, config.read_backoff_max)
        .isolation_level(config.isolation_level);
    if config.group_id.is_empty() {
        return reader
            .partition(config.partition)
            .read_lag_interval(config.read_lag_interval);
    }
    reader
        .group_id(&config.group_id)
        .rebalance_timeout(config.rebalance_timeout)
        .session_timeout(config.session_timeout)
        .heartbeat_interval(config.heartbeat_interval)
        .join_backoff(config.join_group_backoff)
        .commit_interval(config.commit_interval)
        .retention_time(config.retention_time)
        .watch_partition_changes(config.watch_partition_changes)
        .partition_watch_interval(config.partition_watch_interval)
        .assignors(assignors(&config.group_balancers))
}

/// A reader as `[kafka.consumerGroups.NAME]` wants it.
pub(super) fn group(
    config: &ConsumerGroupConfig,
    brokers: &[String],
    connection: &ConnConfig,
) -> ReaderBuilder {
    Reader::builder()
        .brokers(brokers)
        .connection(connection.clone())
        .topic(&config.topic)
        .group_id(&config.group_id)
        .min_bytes(config.min_bytes)
        .max_bytes(config.max_bytes)
        .max_partition_bytes(config.max_bytes)
        .max_wait(config.max_wait)
        .start_offset(config.start_offset)
        .retry_backoff(config.read_backoff_min, config.read_backoff_max)
        .isolation_level(config.isolation_level)
        .request_timeout(config.timeout)
        .rebalance_timeout(config.rebalance_timeout)
        .session_timeout(config.session_timeout)
        .heartbeat_interval(config.heartbeat_interval)
        .join_backoff(config.join_group_backoff)
        .commit_interval(config.commit_interval)
        .retention_time(config.retention_time)
        .watch_partition_changes(config.watch_partition_changes)
        .partition_watch_interval(config.partition_watch_interval)
        .assignors(assignors(&config.group_balancers))
}

/// The names were checked with the configuration.
fn assignors(names: &[String]) -> Vec<Arc<dyn Assignor>> {
    let named = names
        .iter()
        .filter_map(|name| -> Option<Arc<dyn Assignor>> {
            match name.to_ascii_lowercase().as_str() {
                "range" => Some(Arc::new(RangeAssignor)),
                "roundrobin" => Some(Arc::new(RoundRobinAssignor)),
                "rack-affinity" => Some(Arc::new(RackAffinityAssignor::default())),
                "sticky" => Some(Arc::new(StickyAssignor)),
                "cooperative-sticky" => Some(Arc::new(CooperativeStickyAssignor)),
                _ => None,
            }
        });
    named.collect()
}
