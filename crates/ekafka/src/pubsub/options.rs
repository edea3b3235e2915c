//! What can be said about a broker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{ConnConfig, Dialer, Logger, Mechanism, Plain, Scram, Secret, TlsConfig};
use ekafka_reader::{ReaderBuilder, StartOffset};
use ekafka_writer::WriterError;

use super::balancing::BalancerName;
use super::logger;
use super::message::Message;
use super::payload::PayloadCodec;
use super::scram::ScramAlgorithm;
#[cfg(feature = "otel")]
use super::traces::Tracing;
use super::writer::WriterConfig;
use crate::consumerserver::ConsumptionError;
use crate::interceptor::Interceptor;

mod functions;

pub use functions::*;

/// The options of a broker: methods that set one each, later ones over earlier ones. The `with_…` functions of this
/// module make the same [`BrokerOption`]s for [`new_broker`](super::new_broker).
///
/// ```
/// use ekafka::pubsub::BrokerOptions;
///
/// let broker = BrokerOptions::default().address(["localhost:9092"]).asynchronous(false).broker();
/// ```
#[derive(Clone)]
pub struct BrokerOptions {
    pub(super) addresses: Vec<String>,
    pub(super) codec: PayloadCodec,
    connection: ConnConfig,
    tls: Option<TlsConfig>,
    /// `None` for: if there is a TLS configuration.
    secure: Option<bool>,
    sasl: Option<Arc<dyn Mechanism>>,
    /// What is wrong with options, told when connecting.
    faults: Vec<String>,
    pub(super) one_topic_one_writer: bool,
    /// `None` for once, if nobody can have the message.
    pub(super) retries: Option<u32>,
    reader: ReaderBuilder,
    /// Whether the reader's configuration was given as a whole, and with it whether it has loggers.
    is_reader_given: bool,
    pub(super) read_lag_interval: Option<Duration>,
    writer: WriterConfig,
    /// What a writer without a balancer does.
    default_balancer: BalancerName,
    logger: Option<Arc<dyn Logger>>,
    error_logger: Option<Arc<dyn Logger>>,
    enable_logger: Option<bool>,
    enable_error_logger: Option<bool>,
    pub(super) error_handler: Option<ErrorHandler>,
    pub(super) publish_middlewares: Vec<Arc<dyn Interceptor>>,
    pub(super) subscriber_middlewares: Vec<Arc<dyn Interceptor>>,
    #[cfg(feature = "otel")]
    pub(super) tracing: Option<Tracing>,
}

/// A function that is told what goes wrong in subscriptions.
pub type ErrorHandler = Arc<dyn Fn(&ConsumptionError) + Send + Sync>;

/// One thing said about a broker: what the `with_…` functions make.
pub struct BrokerOption(Box<dyn FnOnce(BrokerOptions) -> BrokerOptions + Send>);

impl BrokerOption {
    pub(super) fn new(
        change: impl FnOnce(BrokerOptions) -> BrokerOptions + Send + 'static,
    ) -> Self {
        Self(Box::new(change))
    }
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            codec: PayloadCodec::Raw,
            connection: ConnConfig::default(),
            tls: None,
            secure: None,
            sasl: None,
            faults: Vec::new(),
            one_topic_one_writer: true,
            retries: None,
            reader: ReaderBuilder::default()
                .max_wait(Duration::from_millis(500))
                .watch_partition_changes(true),
            is_reader_given: false,
            read_lag_interval: Some(Duration::from_secs(60)),
            writer: WriterConfig {
                batch_timeout: Duration::from_millis(10),
                asynchronous: true,
                ..WriterConfig::default()
            },
            default_balancer: BalancerName::LeastBytes,
            logger: None,
            error_logger: None,
            enable_logger: None,
            enable_error_logger: None,
            error_handler: None,
            publish_middlewares: Vec::new(),
            subscriber_middlewares: Vec::new(),
            #[cfg(feature = "otel")]
            tracing: None,
        }
    }
}

impl BrokerOptions {
    /// Applies options in their order.
    #[must_use]
    pub fn apply(self, options: impl IntoIterator<Item = BrokerOption>) -> Self {
        options
            .into_iter()
            .fold(self, |all, option| (option.0)(all))
    }

    /// The broker with these options.
    #[must_use]
    pub fn broker(self) -> super::KafkaBroker {
        super::KafkaBroker::new(self)
    }

    /// Where to find the cluster, `host:port` of one or more brokers; empty ones are left out. Default: `127.0.0.1:9092`.
    #[must_use]
    pub fn address<S: Into<String>>(mut self, addresses: impl IntoIterator<Item = S>) -> Self {
        self.addresses = addresses.into_iter().map(Into::into).collect();
        self.addresses.retain(|address| !address.trim().is_empty());
        self
    }

    /// How values become message bodies. Default: raw, which takes bytes and texts alone.
    #[must_use]
    pub fn codec(mut self, codec: PayloadCodec) -> Self {
        self.codec = codec;
        self
    }

    /// Is told each failure of a subscription: of reading, of a handler's run, of committing. Default: none; failures are
    /// logged all the same.
    #[must_use]
    pub fn error_handler(
        mut self,
        handler: impl Fn(&ConsumptionError) + Send + Sync + 'static,
    ) -> Self {
        self.error_handler = Some(Arc::new(handler));
        self
    }

    /// Whether the TLS configuration is used. Default: when there is one.
    #[must_use]
    pub fn enable_secure(mut self, enable: bool) -> Self {
        self.secure = Some(enable);
        self
    }

    /// Encrypts connections, of readers and writers. Default: plaintext.
    #[must_use]
    pub fn tls_config(mut self, tls: TlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Layers around each publication, the first outermost. Default: none.
    #[must_use]
    pub fn publish_middlewares(
        mut self,
        layers: impl IntoIterator<Item = Arc<dyn Interceptor>>,
    ) -> Self {
        self.publish_middlewares.extend(layers);
        self
    }

    /// Layers around each handled message and around fetching and committing, the first outermost. Default: none.
    #[must_use]
    pub fn subscriber_middlewares(
        mut self,
        layers: impl IntoIterator<Item = Arc<dyn Interceptor>>,
    ) -> Self {
        self.subscriber_middlewares.extend(layers);
        self
    }

    /// How connections are made, of readers and writers: TLS and log-in are set beside it. Default: within 10 s, by IPv6
    /// and IPv4.
    #[must_use]
    pub fn dialer(mut self, dialer: &Dialer) -> Self {
        self.connection = dialer.config().clone();
        self
    }

    /// How long opening a connection may take. Default: 10 s.
    #[must_use]
    pub fn dialer_timeout(mut self, timeout: Duration) -> Self {
        self.connection = self.connection.timeout(timeout);
        self
    }

    /// Whether each topic has a writer of its own: its own memory, and its own place in the brokers' view of producers.
    /// Default: yes; else one writer has all topics.
    #[must_use]
    pub fn enable_one_topic_one_writer(mut self, enable: bool) -> Self {
        self.one_topic_one_writer = enable;
        self
    }

    /// Logs in with SASL PLAIN, readers and writers. Without TLS that shows the password to everyone on the way, so it is
    /// refused unless [`allow_plaintext_sasl`](Self::allow_plaintext_sasl) says otherwise. Default: no log-in.
    #[must_use]
    pub fn plain_mechanism(mut self, user_name: &str, password: impl Into<Secret>) -> Self {
        match Plain::new(user_name, password) {
            Ok(plain) => self.sasl = Some(Arc::new(plain)),
            Err(error) => self.faults.push(format!("plain_mechanism: {error}")),
        }
        self
    }

    /// Lets [`plain_mechanism`](Self::plain_mechanism) send the password without TLS. Default: no.
    #[must_use]
    pub fn allow_plaintext_sasl(mut self) -> Self {
        self.connection = self.connection.allow_plaintext_sasl_plain();
        self
    }

    /// Logs in with SCRAM, readers and writers. Default: no log-in.
    #[must_use]
    pub fn scram_mechanism(
        mut self,
        algorithm: ScramAlgorithm,
        user_name: &str,
        password: impl Into<Secret>,
    ) -> Self {
        match Scram::new(algorithm.into(), user_name, password) {
            Ok(scram) => self.sasl = Some(Arc::new(scram)),
            Err(error) => self.faults.push(format!("scram_mechanism: {error}")),
        }
        self
    }

    /// How often a message that failed is sent anew, after the writer's own attempts are used up; what may have been written
    /// may be doubled by that. Default: once, and only what cannot have been written.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Attempts of the writer for a batch, and failures in a row from which on a reader tells each. Default: 10 and 3.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.reader = self.reader.max_attempts(attempts);
        self.publish_max_attempts(attempts)
    }

    /// Injects a logger for what happens. Default: none.
    #[must_use]
    pub fn logger(mut self, logger: Arc<dyn Logger>) -> Self {
        self.logger = Some(logger);
        self
    }

    /// Injects a logger for what goes wrong. Default: [`ErrorLogger`](super::ErrorLogger).
    #[must_use]
    pub fn error_logger(mut self, logger: Arc<dyn Logger>) -> Self {
        self.error_logger = Some(logger);
        self
    }

    /// Switches logging of what happens on, by [`Logger`](super::Logger) unless another was injected, or off. Default: on
    /// with an injected logger.
    #[must_use]
    pub fn enable_logger(mut self, enable: bool) -> Self {
        self.enable_logger = Some(enable);
        self
    }

    /// Switches logging of what goes wrong on or off. Default: on.
    #[must_use]
    pub fn enable_error_logger(mut self, enable: bool) -> Self {
        self.enable_error_logger = Some(enable);
        self
    }
}

/// How subscriptions read.
impl BrokerOptions {
    /// All of the readers' settings at once, in the place of what was said before. Addresses, connections, group and topics
    /// are set by the broker. Default: kafka-go's, but for a wait of 500 ms and watched partitions.
    #[must_use]
    pub fn reader_config(mut self, reader: ReaderBuilder) -> Self {
        self.reader = reader;
        self.is_reader_given = true;
        self
    }

    /// Messages fetched ahead. Default: as many as fit in the readers' memory.
    #[must_use]
    pub fn queue_capacity(self, messages: u64) -> Self {
        self.read(|reader| reader.queue_capacity(messages))
    }

    /// Bytes that a broker waits for before it answers. Kafka: `fetch.min.bytes`. Default: 1.
    #[must_use]
    pub fn min_bytes(self, bytes: u32) -> Self {
        self.read(|reader| reader.min_bytes(bytes))
    }

    /// Bytes of one answer. Kafka: `fetch.max.bytes`. Default: 1 MiB.
    #[must_use]
    pub fn max_bytes(self, bytes: u32) -> Self {
        self.read(|reader| reader.max_bytes(bytes).max_partition_bytes(bytes))
    }

    /// How long a broker waits for `min_bytes`. Kafka: `fetch.max.wait.ms`. Default: 500 ms.
    #[must_use]
    pub fn max_wait(self, wait: Duration) -> Self {
        self.read(|reader| reader.max_wait(wait))
    }

    /// How often [`Subscriber::lag`](super::Subscriber::lag) is looked up; zero never does. Default: 60 s.
    #[must_use]
    pub fn read_lag_interval(mut self, interval: Duration) -> Self {
        self.read_lag_interval = (!interval.is_zero()).then_some(interval);
        self
    }

    /// How often a member tells its group that it is alive. Default: 3 s.
    #[must_use]
    pub fn heartbeat_interval(self, interval: Duration) -> Self {
        self.read(|reader| reader.heartbeat_interval(interval))
    }

    /// Commits what was acknowledged this often, in the place of each at once. Default: zero, at once.
    #[must_use]
    pub fn commit_interval(self, interval: Duration) -> Self {
        self.read(|reader| reader.commit_interval(interval))
    }

    /// How often new partitions and topics are looked for. Default: 5 s.
    #[must_use]
    pub fn partition_watch_interval(self, interval: Duration) -> Self {
        self.read(|reader| reader.partition_watch_interval(interval))
    }

    /// Whether new partitions, and new topics of a pattern, are looked for that often. Default: yes.
    #[must_use]
    pub fn watch_partition_changes(self, watch: bool) -> Self {
        self.read(|reader| reader.watch_partition_changes(watch))
    }

    /// Silence after which a group counts a member as dead. Default: 30 s.
    #[must_use]
    pub fn session_timeout(self, timeout: Duration) -> Self {
        self.read(|reader| reader.session_timeout(timeout))
    }

    /// How long a group waits for its members to join. Default: 30 s.
    #[must_use]
    pub fn rebalance_timeout(self, timeout: Duration) -> Self {
        self.read(|reader| reader.rebalance_timeout(timeout))
    }

    /// How long the cluster keeps committed offsets. Default: as it is set to.
    #[must_use]
    pub fn retention_time(self, time: Duration) -> Self {
        self.read(|reader| reader.retention_time(Some(time)))
    }

    /// Where reading begins in a partition without a committed offset: -2 is the first message, -1 the end. Default: first.
    #[must_use]
    pub fn start_offset(self, offset: i64) -> Self {
        self.read(|reader| reader.start_offset(StartOffset::from(offset)))
    }

    fn read(mut self, change: impl FnOnce(ReaderBuilder) -> ReaderBuilder) -> Self {
        self.reader = change(self.reader);
        self
    }
}

/// How messages are written.
impl BrokerOptions {
    /// All of the writers' settings at once, in the place of what was said before; its brokers, if there are any, are the
    /// addresses. Default: as [`WriterConfig::default`], but 10 ms for a batch, asynchronous, and balanced by bytes.
    #[must_use]
    pub fn writer_config(mut self, config: WriterConfig) -> Self {
        if !config.brokers.is_empty() {
            self = self.address(config.brokers.clone());
        }
        self.writer = config;
        self.default_balancer = BalancerName::RoundRobin;
        self
    }

    /// Attempts of the writer for a batch. Default: 10.
    #[must_use]
    pub fn publish_max_attempts(self, attempts: u32) -> Self {
        self.write(|writer| writer.max_attempts = attempts)
    }

    /// Messages at which a batch is full. Kafka: `batch.size`, which counts bytes. Default: 100.
    #[must_use]
    pub fn batch_size(self, messages: usize) -> Self {
        self.write(|writer| writer.batch_size = messages)
    }

    /// Bytes at which a batch is full, and of the largest message. Default: 1,048,576.
    #[must_use]
    pub fn batch_bytes(self, bytes: usize) -> Self {
        self.write(|writer| writer.batch_bytes = bytes)
    }

    /// How long a batch that is not full waits. Kafka: `linger.ms`. Default: 10 ms.
    #[must_use]
    pub fn batch_timeout(self, timeout: Duration) -> Self {
        self.write(|writer| writer.batch_timeout = timeout)
    }

    /// Whether publishing returns once a message is accepted; what then becomes of it is told to
    /// [`completion`](Self::completion). Default: yes.
    #[must_use]
    pub fn asynchronous(self, enable: bool) -> Self {
        self.write(|writer| writer.asynchronous = enable)
    }

    /// How long a topic's partitions are looked for. Default: 10 s.
    #[must_use]
    pub fn read_timeout(self, timeout: Duration) -> Self {
        self.write(|writer| writer.read_timeout = timeout)
    }

    /// How long the answer to one request is waited for. Default: 10 s.
    #[must_use]
    pub fn write_timeout(self, timeout: Duration) -> Self {
        self.write(|writer| writer.write_timeout = timeout)
    }

    /// Whether publishing to a topic that is missing creates it, where the cluster allows that. Default: no.
    #[must_use]
    pub fn allow_publish_auto_topic_creation(self, enable: bool) -> Self {
        self.write(|writer| writer.allow_auto_topic_creation = enable)
    }

    /// Is told what became of messages, a batch at a time: with their offsets, or with the error. It must not wait for the
    /// broker. Default: none.
    #[must_use]
    pub fn completion(
        self,
        completion: impl Fn(&[Message], Option<&WriterError>) + Send + Sync + 'static,
    ) -> Self {
        self.write(|writer| writer.completion = Some(Arc::new(completion)))
    }

    fn write(mut self, change: impl FnOnce(&mut WriterConfig)) -> Self {
        change(&mut self.writer);
        self
    }
}

/// What the options come to.
impl BrokerOptions {
    /// The addresses, or the one by default.
    pub(super) fn bootstrap(&self) -> Vec<String> {
        if self.addresses.is_empty() {
            vec![DEFAULT_ADDRESS.to_owned()]
        } else {
            self.addresses.clone()
        }
    }

    /// Connections, or what is wrong with the options.
    pub(super) fn connection(&self) -> Result<ConnConfig, String> {
        if !self.faults.is_empty() {
            return Err(self.faults.join("; "));
        }
        let mut connection = self.connection.clone();
        if let Some(sasl) = &self.sasl {
            connection = connection.sasl(Arc::clone(sasl));
        }
        match (&self.tls, self.secure) {
            (Some(tls), None | Some(true)) => connection = connection.tls(tls.clone()),
            (None, Some(true)) => {
                return Err("enable_secure needs a TLS configuration: tls_config".to_owned());
            }
            (_, Some(false)) | (None, None) => {}
        }
        Ok(connection)
    }

    /// The settings of a new writer.
    pub(super) fn writer(&self) -> WriterConfig {
        let mut writer = self.writer.clone();
        let balancer = || self.default_balancer.balancer();
        writer.balancer.get_or_insert_with(balancer);
        writer.logger = writer.logger.or_else(|| self.info());
        writer.error_logger = writer.error_logger.or_else(|| self.errors());
        writer
    }

    /// Whether publishing does not wait for the outcome.
    pub(super) fn is_asynchronous(&self) -> bool {
        self.writer.asynchronous
    }

    pub(super) fn auto_creates(&self) -> bool {
        self.writer.allow_auto_topic_creation
    }

    pub(super) fn topic_timeout(&self) -> Duration {
        self.writer.read_timeout
    }

    /// The settings of a new reader.
    pub(super) fn reader(&self) -> ReaderBuilder {
        let mut reader = self.reader.clone();
        if let Some(logger) = self.info() {
            reader = reader.logger(logger);
        }
        let is_said = self.error_logger.is_some() || self.enable_error_logger.is_some();
        if let Some(logger) = self.errors().filter(|_| is_said || !self.is_reader_given) {
            reader = reader.error_logger(logger);
        }
        reader
    }

    fn info(&self) -> Option<Arc<dyn Logger>> {
        match self.enable_logger {
            Some(false) => None,
            Some(true) => Some(match &self.logger {
                Some(logger) => Arc::clone(logger),
                None => Arc::new(logger::Logger),
            }),
            None => self.logger.clone(),
        }
    }

    fn errors(&self) -> Option<Arc<dyn Logger>> {
        if self.enable_error_logger == Some(false) {
            return None;
        }
        Some(match &self.error_logger {
            Some(logger) => Arc::clone(logger),
            None => Arc::new(logger::ErrorLogger),
        })
    }
}

impl fmt::Debug for BrokerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerOptions")
            .field("addresses", &self.addresses)
            .field("codec", &self.codec)
            .field("connection", &self.connection)
            .field("writer", &self.writer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BrokerOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrokerOption")
    }
}

/// What a broker that was not told an address asks.
const DEFAULT_ADDRESS: &str = "127.0.0.1:9092";
