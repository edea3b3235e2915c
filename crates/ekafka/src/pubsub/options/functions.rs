//! Each option of a broker as a function, as the documents list them.

use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{Dialer, Logger, Secret, TlsConfig};
use ekafka_reader::ReaderBuilder;
use ekafka_writer::WriterError;

use super::{BrokerOption, BrokerOptions};
use crate::consumerserver::ConsumptionError;
use crate::interceptor::Interceptor;
use crate::pubsub::{Message, PayloadCodec, ScramAlgorithm, WriterConfig};

/// Where the cluster is: [`BrokerOptions::address`].
pub fn with_address(addresses: impl IntoIterator<Item = impl Into<String>>) -> BrokerOption {
    let addresses: Vec<String> = addresses.into_iter().map(Into::into).collect();
    BrokerOption::new(move |options| options.address(addresses))
}

/// How values become bodies: [`BrokerOptions::codec`].
pub fn with_codec(codec: PayloadCodec) -> BrokerOption {
    BrokerOption::new(move |options| options.codec(codec))
}

/// Who is told of failures: [`BrokerOptions::error_handler`].
pub fn with_error_handler(
    handler: impl Fn(&ConsumptionError) + Send + Sync + 'static,
) -> BrokerOption {
    BrokerOption::new(move |options| options.error_handler(handler))
}

/// Whether TLS is used: [`BrokerOptions::enable_secure`].
pub fn with_enable_secure(enable: bool) -> BrokerOption {
    BrokerOption::new(move |options| options.enable_secure(enable))
}

/// How connections are encrypted: [`BrokerOptions::tls_config`].
///
/// ```no_run
/// use ekafka::TlsConfig;
/// use ekafka::pubsub::{BrokerOptions, new_broker, with_tls_config};
///
/// # fn main() -> Result<(), ekafka::ConnError> {
/// let tls = TlsConfig::builder().ca_file("ca.pem").build()?;
/// let broker = new_broker([with_tls_config(tls.clone())]);
/// let same = BrokerOptions::default().tls_config(tls).broker();
/// # Ok(())
/// # }
/// ```
pub fn with_tls_config(tls: TlsConfig) -> BrokerOption {
    BrokerOption::new(move |options| options.tls_config(tls))
}

/// Layers around publications: [`BrokerOptions::publish_middlewares`].
pub fn with_publish_middlewares(
    layers: impl IntoIterator<Item = Arc<dyn Interceptor>>,
) -> BrokerOption {
    let layers: Vec<_> = layers.into_iter().collect();
    BrokerOption::new(move |options| options.publish_middlewares(layers))
}

/// Layers around handlers: [`BrokerOptions::subscriber_middlewares`].
pub fn with_subscriber_middlewares(
    layers: impl IntoIterator<Item = Arc<dyn Interceptor>>,
) -> BrokerOption {
    let layers: Vec<_> = layers.into_iter().collect();
    BrokerOption::new(move |options| options.subscriber_middlewares(layers))
}

/// How connections are made: [`BrokerOptions::dialer`].
pub fn with_dialer(dialer: Dialer) -> BrokerOption {
    BrokerOption::new(move |options| options.dialer(&dialer))
}

/// How long connecting may take: [`BrokerOptions::dialer_timeout`].
pub fn with_dialer_timeout(timeout: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.dialer_timeout(timeout))
}

/// Whether topics have writers of their own: [`BrokerOptions::enable_one_topic_one_writer`].
pub fn with_enable_one_topic_one_writer(enable: bool) -> BrokerOption {
    BrokerOption::new(move |options| options.enable_one_topic_one_writer(enable))
}

/// Log-in by SASL PLAIN: [`BrokerOptions::plain_mechanism`].
pub fn with_plain_mechanism(user_name: &str, password: impl Into<Secret>) -> BrokerOption {
    let (user_name, password) = (user_name.to_owned(), password.into());
    BrokerOption::new(move |options| options.plain_mechanism(&user_name, password))
}

/// A password without TLS: [`BrokerOptions::allow_plaintext_sasl`].
pub fn with_allow_plaintext_sasl() -> BrokerOption {
    BrokerOption::new(BrokerOptions::allow_plaintext_sasl)
}

/// Log-in by SCRAM: [`BrokerOptions::scram_mechanism`].
pub fn with_scram_mechanism(
    algorithm: ScramAlgorithm,
    user_name: &str,
    password: impl Into<Secret>,
) -> BrokerOption {
    let (user_name, password) = (user_name.to_owned(), password.into());
    BrokerOption::new(move |options| options.scram_mechanism(algorithm, &user_name, password))
}

/// How often a message is sent anew: [`BrokerOptions::retries`].
pub fn with_retries(retries: u32) -> BrokerOption {
    BrokerOption::new(move |options| options.retries(retries))
}

/// Attempts of readers and writers: [`BrokerOptions::max_attempts`].
pub fn with_max_attempts(attempts: u32) -> BrokerOption {
    BrokerOption::new(move |options| options.max_attempts(attempts))
}

/// A logger for what happens: [`BrokerOptions::logger`].
pub fn with_logger(logger: Arc<dyn Logger>) -> BrokerOption {
    BrokerOption::new(move |options| options.logger(logger))
}

/// A logger for what goes wrong: [`BrokerOptions::error_logger`].
pub fn with_error_logger(logger: Arc<dyn Logger>) -> BrokerOption {
    BrokerOption::new(move |options| options.error_logger(logger))
}

/// Whether what happens is logged: [`BrokerOptions::enable_logger`].
pub fn with_enable_logger(enable: bool) -> BrokerOption {
    BrokerOption::new(move |options| options.enable_logger(enable))
}

/// Whether what goes wrong is logged: [`BrokerOptions::enable_error_logger`].
pub fn with_enable_error_logger(enable: bool) -> BrokerOption {
    BrokerOption::new(move |options| options.enable_error_logger(enable))
}

/// All settings of readers: [`BrokerOptions::reader_config`].
pub fn with_reader_config(reader: ReaderBuilder) -> BrokerOption {
    BrokerOption::new(move |options| options.reader_config(reader))
}

/// Messages fetched ahead: [`BrokerOptions::queue_capacity`].
pub fn with_queue_capacity(messages: u64) -> BrokerOption {
    BrokerOption::new(move |options| options.queue_capacity(messages))
}

/// Bytes waited for: [`BrokerOptions::min_bytes`].
pub fn with_min_bytes(bytes: u32) -> BrokerOption {
    BrokerOption::new(move |options| options.min_bytes(bytes))
}

/// Bytes of an answer: [`BrokerOptions::max_bytes`].
pub fn with_max_bytes(bytes: u32) -> BrokerOption {
    BrokerOption::new(move |options| options.max_bytes(bytes))
}

/// How long bytes are waited for: [`BrokerOptions::max_wait`].
pub fn with_max_wait(wait: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.max_wait(wait))
}

/// How often the lag is looked up: [`BrokerOptions::read_lag_interval`].
pub fn with_read_lag_interval(interval: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.read_lag_interval(interval))
}

/// How often members tell that they are alive: [`BrokerOptions::heartbeat_interval`].
pub fn with_heartbeat_interval(interval: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.heartbeat_interval(interval))
}

/// How often is committed: [`BrokerOptions::commit_interval`].
pub fn with_commit_interval(interval: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.commit_interval(interval))
}

/// How often partitions are looked at: [`BrokerOptions::partition_watch_interval`].
pub fn with_partition_watch_interval(interval: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.partition_watch_interval(interval))
}

/// Whether partitions are looked at: [`BrokerOptions::watch_partition_changes`].
pub fn with_watch_partition_changes(watch: bool) -> BrokerOption {
    BrokerOption::new(move |options| options.watch_partition_changes(watch))
}

/// Silence of a dead member: [`BrokerOptions::session_timeout`].
pub fn with_session_timeout(timeout: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.session_timeout(timeout))
}

/// How long members are waited for: [`BrokerOptions::rebalance_timeout`].
pub fn with_rebalance_timeout(timeout: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.rebalance_timeout(timeout))
}

/// How long offsets are kept: [`BrokerOptions::retention_time`].
pub fn with_retention_time(time: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.retention_time(time))
}

/// Where reading begins: [`BrokerOptions::start_offset`].
pub fn with_start_offset(offset: i64) -> BrokerOption {
    BrokerOption::new(move |options| options.start_offset(offset))
}

/// All settings of writers: [`BrokerOptions::writer_config`].
pub fn with_writer_config(config: WriterConfig) -> BrokerOption {
    BrokerOption::new(move |options| options.writer_config(config))
}

/// Attempts of writers: [`BrokerOptions::publish_max_attempts`].
pub fn with_publish_max_attempts(attempts: u32) -> BrokerOption {
    BrokerOption::new(move |options| options.publish_max_attempts(attempts))
}

/// Messages of a batch: [`BrokerOptions::batch_size`].
pub fn with_batch_size(messages: usize) -> BrokerOption {
    BrokerOption::new(move |options| options.batch_size(messages))
}

/// Bytes of a batch: [`BrokerOptions::batch_bytes`].
pub fn with_batch_bytes(bytes: usize) -> BrokerOption {
    BrokerOption::new(move |options| options.batch_bytes(bytes))
}

/// How long a batch waits: [`BrokerOptions::batch_timeout`].
pub fn with_batch_timeout(timeout: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.batch_timeout(timeout))
}

/// Whether publishing waits for outcomes: [`BrokerOptions::asynchronous`].
pub fn with_async(enable: bool) -> BrokerOption {
    BrokerOption::new(move |options| options.asynchronous(enable))
}

/// How long topics are looked for: [`BrokerOptions::read_timeout`].
pub fn with_read_timeout(timeout: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.read_timeout(timeout))
}

/// How long answers are waited for: [`BrokerOptions::write_timeout`].
pub fn with_write_timeout(timeout: Duration) -> BrokerOption {
    BrokerOption::new(move |options| options.write_timeout(timeout))
}

/// Whether publishing creates topics: [`BrokerOptions::allow_publish_auto_topic_creation`].
pub fn with_allow_publish_auto_topic_creation(enable: bool) -> BrokerOption {
    BrokerOption::new(move |options| options.allow_publish_auto_topic_creation(enable))
}

/// Who is told of outcomes: [`BrokerOptions::completion`].
pub fn with_completion(
    completion: impl Fn(&[Message], Option<&WriterError>) + Send + Sync + 'static,
) -> BrokerOption {
    BrokerOption::new(move |options| options.completion(completion))
}
