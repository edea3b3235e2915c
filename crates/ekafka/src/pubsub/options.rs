//! What can be said about a broker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{ConnConfig, Dialer, Logger, Mechanism, Plain, Scram, Secret, TlsConfig};
use ekafka_reader::ReaderBuilder;

use super::balancing::BalancerName;
use super::payload::PayloadCodec;
use super::scram::ScramAlgorithm;
#[cfg(feature = "otel")]
use super::traces::Tracing;
use super::writer::WriterConfig;
use crate::consumerserver::ConsumptionError;
use crate::interceptor::Interceptor;

mod functions;
mod in_force;
mod reading;
mod writing;

pub use functions::*;

/// The options of a broker: methods that set one each, later ones over earlier ones. The `with_…` functions of this
/// module make the same [`BrokerOption`]s for [`new_broker`](super::new_broker).
///
/// ```
/// use ekafka::pubsub::BrokerOptions;
///
/// let broker = BrokerOptions::default().address(["localhost:9092"]).asynchronous(false).broker();
/// ```
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use ekafka::interceptor::Interceptor;
/// use ekafka::pubsub::*;
/// use ekafka::{Dialer, FIRST_OFFSET, Reader};
///
/// let layers: Vec<Arc<dyn Interceptor>> = Vec::new();
///
/// // Everything that can be set, or given as a whole.
/// let print = Arc::new(|line: std::fmt::Arguments<'_>| println!("{line}"));
/// let options = BrokerOptions::default()
///     .address(["broker-1:9092", "broker-2:9092"])
///     .codec(PayloadCodec::Json)
///     .error_handler(|error| eprintln!("{error}"))
///     .enable_secure(false)
///     .scram_mechanism(ScramAlgorithm::Sha512, "user", "password")
///     .dialer_timeout(Duration::from_secs(10))
///     .enable_one_topic_one_writer(true)
///     .retries(1)
///     .max_attempts(10)
///     .enable_logger(true)
///     .enable_error_logger(true)
///     .publish_middlewares(layers.clone())
///     .subscriber_middlewares(layers)
///     .min_bytes(1)
///     .max_bytes(1_000_000)
///     .max_wait(Duration::from_millis(500))
///     .queue_capacity(100)
///     .read_lag_interval(Duration::from_secs(60))
///     .heartbeat_interval(Duration::from_secs(3))
///     .commit_interval(Duration::from_secs(1))
///     .partition_watch_interval(Duration::from_secs(5))
///     .watch_partition_changes(true)
///     .session_timeout(Duration::from_secs(30))
///     .rebalance_timeout(Duration::from_secs(30))
///     .retention_time(Duration::from_secs(86_400))
///     .start_offset(FIRST_OFFSET)
///     .publish_max_attempts(10)
///     .batch_size(100)
///     .batch_bytes(1_048_576)
///     .batch_timeout(Duration::from_millis(10))
///     .asynchronous(true)
///     .read_timeout(Duration::from_secs(10))
///     .write_timeout(Duration::from_secs(10))
///     .allow_publish_auto_topic_creation(false)
///     .completion(|messages, error| println!("{} messages: {error:?}", messages.len()))
///     .logger(print.clone())
///     .error_logger(print);
/// let whole = BrokerOptions::default()
///     .reader_config(Reader::builder())
///     .writer_config(WriterConfig::default())
///     .plain_mechanism("user", "password")
///     .allow_plaintext_sasl()
///     .dialer(&Dialer::default())
///     .apply([with_async(false)]);
/// # #[cfg(feature = "otel")]
/// let traced = whole.clone().global_tracer_provider().global_propagator();
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
    plaintext_sasl: bool,
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
            plaintext_sasl: false,
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
        self.plaintext_sasl = true;
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
