//! The broker that is Kafka.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use ekafka_admin::Client;
use ekafka_conn::{Cluster, ConnConfig};
use ekafka_writer::WriterError;

use super::balancing::Remembered;
use super::broker::{Broker, BrokerFuture};
use super::event::Handler;
use super::options::{BrokerOption, BrokerOptions};
use super::payload::PayloadCodec;
use super::publish_options::PublishOptions;
use super::subscribe_options::SubscribeOptions;
use super::subscriber::{Subscriber, Subscription};
use super::topic_calls;
use super::topics::Topics;
use super::writer::Writer;
use crate::config::ConfigError;
use crate::context::Context;
use crate::error::ComponentError;
use crate::interceptor::{Chain, Clock, Identity, Interceptor, Layers, extra_keys_of_environment};
use crate::server::Stop;

/// A broker on Kafka with these options.
///
/// ```
/// use std::time::Duration;
/// use ekafka::pubsub::{new_broker, with_address, with_batch_timeout};
///
/// let broker = new_broker([
///     with_address(["localhost:9092"]),
///     with_batch_timeout(Duration::from_millis(5)),
/// ]);
/// assert_eq!(broker.name(), "kafka");
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
/// let broker = new_broker([
///     with_address(["broker-1:9092", "broker-2:9092"]),
///     with_codec(PayloadCodec::Json),
///     with_error_handler(|error| eprintln!("{error}")),
///     with_enable_secure(false),
///     with_scram_mechanism(ScramAlgorithm::Sha512, "user", "password"),
///     with_dialer_timeout(Duration::from_secs(10)),
///     with_enable_one_topic_one_writer(true),
///     with_retries(1),
///     with_max_attempts(10),
///     with_enable_logger(true),
///     with_enable_error_logger(true),
///     with_publish_middlewares(layers.clone()),
///     with_subscriber_middlewares(layers),
///     with_min_bytes(1),
///     with_max_bytes(1_000_000),
///     with_max_wait(Duration::from_millis(500)),
///     with_queue_capacity(100),
///     with_read_lag_interval(Duration::from_secs(60)),
///     with_heartbeat_interval(Duration::from_secs(3)),
///     with_commit_interval(Duration::from_secs(1)),
///     with_partition_watch_interval(Duration::from_secs(5)),
///     with_watch_partition_changes(true),
///     with_session_timeout(Duration::from_secs(30)),
///     with_rebalance_timeout(Duration::from_secs(30)),
///     with_retention_time(Duration::from_secs(86_400)),
///     with_start_offset(FIRST_OFFSET),
///     with_publish_max_attempts(10),
///     with_batch_size(100),
///     with_batch_bytes(1_048_576),
///     with_batch_timeout(Duration::from_millis(10)),
///     with_async(true),
///     with_read_timeout(Duration::from_secs(10)),
///     with_write_timeout(Duration::from_secs(10)),
///     with_allow_publish_auto_topic_creation(false),
///     with_completion(|messages, error| println!("{} messages: {error:?}", messages.len())),
///     with_logger(print.clone()),
///     with_error_logger(print),
/// ]);
/// let whole = new_broker([
///     with_reader_config(Reader::builder()),
///     with_writer_config(WriterConfig::default()),
///     with_plain_mechanism("user", "password"),
///     with_allow_plaintext_sasl(),
///     with_dialer(Dialer::default()),
///     with_publish_max_attempts(10),
/// ]);
/// # #[cfg(feature = "otel")]
/// let traced = new_broker([with_global_tracer_provider(), with_global_propagator()]);
/// ```
#[must_use]
pub fn new_broker(options: impl IntoIterator<Item = BrokerOption>) -> Arc<dyn Broker> {
    Arc::new(BrokerOptions::default().apply(options).broker())
}

/// Publishes to Kafka and subscribes to it. Clones share it; dropping the last one ends its subscriptions at once and gives
/// up what was not delivered, [`disconnect`](Broker::disconnect) ends in order.
///
/// ```no_run
/// use ekafka::pubsub::KafkaBroker;
///
/// # async fn example() -> Result<(), ekafka::ComponentError> {
/// let broker = KafkaBroker::builder().address(["localhost:9092"]).broker();
/// broker.create_topic("orders", 3, 1).await?;
/// println!("{} writers", broker.writers().writers.len());
/// broker.delete_topic(["orders"]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KafkaBroker {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    options: BrokerOptions,
    phase: Phase,
}

/// Where a broker is in its life.
#[derive(Debug, Clone)]
enum Phase {
    Unconnected,
    Connected(Arc<Live>),
    Disconnected,
}

/// What a connected broker has.
pub(super) struct Live {
    pub(super) options: BrokerOptions,
    pub(super) addresses: Vec<String>,
    pub(super) connection: ConnConfig,
    pub(super) cluster: Cluster,
    pub(super) admin: Client,
    pub(super) client_chain: Arc<Chain>,
    pub(super) server_chain: Arc<Chain>,
    /// `None` once the broker disconnects.
    writers: Mutex<Option<Writer>>,
    balancers: Mutex<Remembered>,
    /// Those that have ended are forgotten when another one begins.
    subscriptions: Mutex<Vec<Arc<Subscription>>>,
}

impl KafkaBroker {
    pub(super) fn new(options: BrokerOptions) -> Self {
        let state = State {
            options,
            phase: Phase::Unconnected,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The options to begin with.
    #[must_use]
    pub fn builder() -> BrokerOptions {
        BrokerOptions::default()
    }

    /// The writers as they are now.
    #[must_use]
    pub fn writers(&self) -> Writer {
        let state = self.state();
        let live = match &state.phase {
            Phase::Connected(live) => live.writers().clone(),
            Phase::Unconnected | Phase::Disconnected => None,
        };
        live.unwrap_or_else(|| Writer::new(state.options.one_topic_one_writer))
    }

    /// Creates a topic, over connections as the options say; one that exists is left as it is.
    ///
    /// # Errors
    /// [`ComponentError::Admin`] when the cluster refuses or does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the topic is created.
    pub async fn create_topic(
        &self,
        topic: &str,
        partitions: i32,
        replication_factor: i16,
    ) -> Result<(), ComponentError> {
        let live = self.live()?;
        topic_calls::create(&live.admin, topic, partitions, replication_factor).await
    }

    /// Deletes topics, over connections as the options say.
    ///
    /// # Errors
    /// [`ComponentError::Admin`] with the first that was refused, such as one that does not exist; the others are deleted.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the topics are deleted.
    pub async fn delete_topic<S: Into<String>>(
        &self,
        topics: impl IntoIterator<Item = S>,
    ) -> Result<(), ComponentError> {
        let topics: Vec<String> = topics.into_iter().map(Into::into).collect();
        let live = self.live()?;
        topic_calls::delete(&live.admin, topics).await
    }

    /// What is there while the broker is connected; connects it the first time.
    fn live(&self) -> Result<Arc<Live>, ComponentError> {
        let mut state = self.state();
        match &state.phase {
            Phase::Connected(live) => Ok(Arc::clone(live)),
            Phase::Disconnected => Err(ComponentError::Closed),
            Phase::Unconnected => state.connect(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn connect(&mut self) -> Result<Arc<Live>, ComponentError> {
        if let Phase::Connected(live) = &self.phase {
            return Ok(Arc::clone(live));
        }
        let live = Arc::new(Live::new(self.options.clone())?);
        self.phase = Phase::Connected(Arc::clone(&live));
        Ok(live)
    }
}

impl Live {
    fn new(options: BrokerOptions) -> Result<Self, ConfigError> {
        let fault = |problem: String| ConfigError::one(NAME, problem);
        let addresses = options.bootstrap();
        let connection = options.connection().map_err(fault)?;
        let cluster = Cluster::new(addresses.clone(), connection.clone());
        let cluster = cluster.map_err(|error| fault(error.to_string()))?;
        let admin = Client::builder().cluster(cluster.clone()).build();
        let identity = Arc::new(Identity {
            name: NAME.to_owned(),
            brokers: addresses.clone(),
        });
        let keys: Arc<[String]> = extra_keys_of_environment().into();
        let chain = |interceptors: &[Arc<dyn Interceptor>]| {
            Arc::new(Chain {
                identity: Arc::clone(&identity),
                clock: Clock(None),
                interceptors: interceptors.to_vec(),
                layers: Layers {
                    keys: Arc::clone(&keys),
                    #[cfg(feature = "otel")]
                    trace: options.tracing.as_ref().map(super::traces::Tracing::trace),
                    ..Layers::default()
                },
            })
        };
        Ok(Self {
            client_chain: chain(&options.publish_middlewares),
            server_chain: chain(&options.subscriber_middlewares),
            writers: Mutex::new(Some(Writer::new(options.one_topic_one_writer))),
            balancers: Mutex::default(),
            subscriptions: Mutex::default(),
            admin: admin.map_err(|error| fault(error.to_string()))?,
            options,
            addresses,
            connection,
            cluster,
        })
    }

    /// The writer for a topic, made when it is first asked for.
    pub(super) fn writer(&self, topic: &str) -> Result<ekafka_writer::Writer, WriterError> {
        let mut writers = self.writers();
        let writers = writers.as_mut().ok_or(WriterError::Closed)?;
        if let Some(writer) = writers.of(topic) {
            return Ok(writer.clone());
        }
        let writer = self.options.writer().build(self.cluster.clone())?;
        writers.put(topic, writer.clone());
        Ok(writer)
    }

    /// Lets go of a writer that is of no use any more.
    pub(super) fn forget_writer(&self, topic: &str) {
        if let Some(writers) = self.writers().as_mut() {
            writers.forget(topic);
        }
    }

    pub(super) fn balancers(&self) -> MutexGuard<'_, Remembered> {
        self.balancers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remember(&self, subscription: Arc<Subscription>) {
        let mut subscriptions = self.subscriptions();
        subscriptions.retain(|subscription| subscription.is_active());
        subscriptions.push(subscription);
    }

    fn writers(&self) -> MutexGuard<'_, Option<Writer>> {
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn subscriptions(&self) -> MutexGuard<'_, Vec<Arc<Subscription>>> {
        self.subscriptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn end(&self) -> Result<(), ComponentError> {
        let subscriptions = std::mem::take(&mut *self.subscriptions());
        for subscription in &subscriptions {
            subscription.stop(Stop::Graceful);
        }
        for subscription in &subscriptions {
            // Its failure was told when it happened.
            let _ = subscription.ended().await;
        }
        let writers = self.writers().take();
        match writers {
            Some(mut writers) => Ok(writers.close().await?),
            None => Ok(()),
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        for subscription in self.subscriptions().iter() {
            subscription.stop(Stop::Hard);
        }
    }
}

impl Broker for KafkaBroker {
    fn name(&self) -> &'static str {
        NAME
    }

    fn options(&self) -> BrokerOptions {
        self.state().options.clone()
    }

    fn address(&self) -> String {
        let addresses = self.state().options.bootstrap();
        addresses.into_iter().next().unwrap_or_default()
    }

    fn codec(&self) -> PayloadCodec {
        self.state().options.codec
    }

    fn init(&self, options: Vec<BrokerOption>) -> Result<(), ComponentError> {
        let mut state = self.state();
        if matches!(state.phase, Phase::Connected(_)) {
            let problem = "options are set before the broker connects";
            return Err(ConfigError::one(NAME, problem).into());
        }
        state.options = state.options.clone().apply(options);
        Ok(())
    }

    fn connect(&self) -> BrokerFuture<'_, ()> {
        Box::pin(async { self.state().connect().map(drop) })
    }

    fn disconnect(&self) -> BrokerFuture<'_, ()> {
        Box::pin(async {
            let phase = {
                let mut state = self.state();
                match &state.phase {
                    Phase::Connected(_) => std::mem::replace(&mut state.phase, Phase::Disconnected),
                    phase => phase.clone(),
                }
            };
            match phase {
                Phase::Connected(live) => live.end().await,
                Phase::Unconnected | Phase::Disconnected => Ok(()),
            }
        })
    }

    fn publish_bytes<'a>(
        &'a self,
        context: &'a Context,
        topic: &'a str,
        body: Bytes,
        options: PublishOptions,
    ) -> BrokerFuture<'a, ()> {
        Box::pin(async move { self.live()?.publish(context, topic, &body, &options).await })
    }

    fn subscribe_events<'a>(
        &'a self,
        topics: Topics,
        handler: Handler,
        options: SubscribeOptions,
    ) -> BrokerFuture<'a, Subscriber> {
        Box::pin(async move { self.live()?.subscribe(topics, handler, options).await })
    }

    fn request<'a>(
        &'a self,
        _context: &'a Context,
        _topic: &'a str,
        _body: Bytes,
    ) -> BrokerFuture<'a, Bytes> {
        Box::pin(async { Err(ComponentError::Unsupported { call: "request" }) })
    }
}

impl fmt::Debug for KafkaBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaBroker").finish_non_exhaustive()
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

/// What carries the messages, and where faults of options are said to be.
const NAME: &str = "kafka";
