//! Servers that consume as long as the application runs: message by message, batch by batch, or as the application likes.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
//! # kafka.create_topic("sre-infra-test", 1)?;
//! # let writer = ekafka::Writer::builder().brokers(kafka.addresses()).topic("sre-infra-test").build()?;
//! # writer.write(&[ekafka::Record::new("hello")]).await?;
//! ekafka::config::load_from_str(r#"
//!     [kafka]
//!     brokers = ["localhost:9094"]
//!     [kafka.consumers.c1]
//!     topic = "sre-infra-test"
//!     groupID = "group-1"
//!     [kafkaConsumerServers.s1]
//!     consumerName = "c1"
//! "#)?;
//! let component = ekafka::load("kafka")
//! #   .brokers(kafka.addresses())
//!     .build();
//! let server = ekafka::consumerserver::load("kafkaConsumerServers.s1")
//!     .ekafka(&component)
//!     .build();
//! let (errors, _unread) = tokio::sync::mpsc::channel(16);
//! # let app = ekafka::App::new();
//! # let handle = app.handle();
//! server.on_each_message(errors, move |_context, message| {
//! #   let handle = handle.clone();
//!     async move {
//!         println!("got a message: {}", String::from_utf8_lossy(message.value().unwrap_or_default()));
//! #       handle.stop();
//!         Ok(())
//!     }
//! });
//! # let _ = &app;
//! app.serve(server).run().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! A message is committed after its handler succeeded, so each is handled at least once. A handler that fails with a
//! [`RecoverableError`] runs again, three times by default; any other failure, and the fourth of these, ends the server: it
//! leaves the group, and [`start`](crate::Server::start) returns the error. With a [dead letter](Container::dead_letter)
//! producer the message goes there instead, and consuming goes on.
//!
//! A handler that panics has failed. One that never returns keeps its place: with a concurrency of one the server stands
//! still, and after five minutes without a message taken its member leaves the group so that others go on. Errors are offered
//! to the channel; whoever does not read it misses them, and nothing waits. A consumer that somebody closes ends its servers
//! without an error: two servers of one consumer end together.

mod building;
mod concurrent;
mod dead_letter;
mod failure;
mod handling;
mod lanes;
mod progress;
mod serial;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ekafka_conn::Message;
use tokio::sync::{mpsc, watch};

use crate::component::Component;
use crate::config::ConsumerServerConfig;
use crate::consumer::Consumer;
use crate::consumer_group::ConsumerGroup;
use crate::context::Context;
use crate::error::ComponentError;
use crate::server::{BoxError, Server, ServerFuture, ServiceInfo, Stop};

pub use building::{Container, Order, load, load_file, load_toml, try_load};
pub use failure::{ConsumptionError, HandlerPanic, RecoverableError, Stage, is_recoverable};
use handling::{BatchHandler, GroupStart, Start};
pub(crate) use handling::{MessageHandler, Work};

/// Consumes what `[kafkaConsumerServers.NAME]` says, in the way that was registered last.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("orders", 1)?;
/// # let toml = "
/// #     [kafka]
/// #     brokers = ['localhost:9092']
/// #     [kafka.producers.p1]
/// #     topic = 'orders'
/// #     batchTimeout = 'auto'
/// #     [kafka.consumers.c1]
/// #     topic = 'orders'
/// #     groupID = 'shop'
/// #     [kafka.consumerGroups.cg1]
/// #     topic = 'orders'
/// #     groupID = 'shop'
/// #     [kafkaConsumerServers.s1]
/// #     consumerName = 'c1'
/// # ";
/// # let component = ekafka::load_toml(toml, "kafka")?.brokers(kafka.addresses()).build();
/// use ekafka::{Record, Server, consumerserver};
///
/// component.producer("p1").write_messages(&[Record::new("two apples")]).await?;
/// let server = consumerserver::load_toml(toml, "kafkaConsumerServers.s1")?.ekafka(&component).build();
/// server.on_start(|_context, consumer| async move {
///     let message = consumer.read_message().await?;
///     assert_eq!(message.value(), Some(&b"two apples"[..]));
///     Ok(())
/// });
/// // Ends when that returns; in an application it is started by `App`.
/// server.start().await.map_err(|error| error.to_string())?;
/// # Ok(())
/// # }
/// ```
pub struct ConsumerServer {
    shared: Arc<Shared>,
}

/// What the server's parts share.
struct Shared {
    name: String,
    config: ConsumerServerConfig,
    component: Component,
    rules: Rules,
    mode: Mutex<Mode>,
    stop: watch::Sender<Stop>,
    /// Whether `start` is running.
    is_running: watch::Sender<bool>,
}

/// How messages are handled.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Further runs of a handler that failed recoverably.
    pub(crate) retries: u32,
    pub(crate) retry_backoff: Duration,
    /// Handlers at a time.
    pub(crate) concurrency: usize,
    pub(crate) order: Order,
    /// A producer of the component.
    pub(crate) dead_letter: Option<String>,
    /// Whether messages are committed once they are handled; else the handler does it.
    pub(crate) commits: bool,
    /// Whether a message that cannot be handled is passed over; else it ends the server.
    pub(crate) skips: bool,
    pub(crate) debug: bool,
}

/// Which way of consuming was registered.
#[derive(Clone)]
pub(crate) enum Mode {
    Unset,
    EachMessage(Errors, MessageHandler),
    EachBatch(Errors, usize, Duration, BatchHandler),
    Start(Start),
    GroupStart(GroupStart),
}

/// Where errors are offered.
#[derive(Clone)]
pub(crate) enum Errors {
    Channel(Option<mpsc::Sender<ConsumptionError>>),
    Function(Arc<dyn Fn(&ConsumptionError) + Send + Sync>),
}

impl ConsumerServer {
    /// Runs `handler` on each message, then commits it. Errors of reading, handling and committing are offered to `errors`.
    ///
    /// The consumer needs a `groupID`. What was registered before is replaced.
    ///
    /// ```no_run
    /// # fn example(server: &ekafka::consumerserver::ConsumerServer) {
    /// use ekafka::consumerserver::RecoverableError;
    ///
    /// let (errors, mut told) = tokio::sync::mpsc::channel(16);
    /// server.on_each_message(errors, |_context, message| async move {
    ///     if message.value().is_none() {
    ///         return Err(RecoverableError::new("run again").into());
    ///     }
    ///     Ok(())
    /// });
    /// # let _ = told.try_recv();
    /// # }
    /// ```
    pub fn on_each_message<F, R>(
        &self,
        errors: impl Into<Option<mpsc::Sender<ConsumptionError>>>,
        handler: F,
    ) where
        F: Fn(Context, Message) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let handler: MessageHandler =
            Arc::new(move |context, message| Box::pin(handler(context, message)));
        self.set(Mode::EachMessage(Errors::Channel(errors.into()), handler));
    }

    /// Runs `handler` on up to `count` messages at a time, then commits them. A batch that is not full is handled when
    /// `wait` has passed since its first message.
    ///
    /// One batch is handled after the other, whatever the concurrency is. A dead letter takes the whole batch. The context is
    /// that of the first message.
    ///
    /// ```no_run
    /// # fn example(server: &ekafka::consumerserver::ConsumerServer) {
    /// use std::time::Duration;
    ///
    /// server.on_each_batch(None, 500, Duration::from_millis(100), |_context, messages| async move {
    ///     println!("{} messages", messages.len());
    ///     Ok(())
    /// });
    /// # }
    /// ```
    pub fn on_each_batch<F, R>(
        &self,
        errors: impl Into<Option<mpsc::Sender<ConsumptionError>>>,
        count: usize,
        wait: Duration,
        handler: F,
    ) where
        F: Fn(Context, Vec<Message>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let handler: BatchHandler =
            Arc::new(move |context, messages| Box::pin(handler(context, messages)));
        let errors = Errors::Channel(errors.into());
        self.set(Mode::EachBatch(errors, count.max(1), wait, handler));
    }

    /// Runs `handler` once with the consumer; when it returns, the consumer is closed and the server has ended. The context
    /// tells when to stop.
    ///
    /// ```no_run
    /// # fn example(server: &ekafka::consumerserver::ConsumerServer) {
    /// server.on_start(|context, consumer| async move {
    ///     while !context.is_stopping() {
    ///         let message = consumer.fetch_message().await?;
    ///         consumer.commit_messages(&[message]).await?;
    ///     }
    ///     Ok(())
    /// });
    /// # }
    /// ```
    pub fn on_start<F, R>(&self, handler: F)
    where
        F: Fn(Context, Arc<Consumer>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let start: Start = Arc::new(move |context, consumer| Box::pin(handler(context, consumer)));
        self.set(Mode::Start(start));
    }

    /// Runs `handler` once with the group; when it returns, the group is closed and the server has ended. The context tells
    /// when to stop.
    ///
    /// ```no_run
    /// # fn example(server: &ekafka::consumerserver::ConsumerServer) {
    /// use ekafka::GroupEvent;
    ///
    /// server.on_consumer_group_start(|_context, group| async move {
    ///     loop {
    ///         match group.poll().await? {
    ///             GroupEvent::Message(message) => group.commit_messages(&[message]).await?,
    ///             GroupEvent::Error(error) if error.is_fatal() => return Err(error.into()),
    ///             _ => {}
    ///         }
    ///     }
    /// });
    /// # }
    /// ```
    pub fn on_consumer_group_start<F, R>(&self, handler: F)
    where
        F: Fn(Context, Arc<ConsumerGroup>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let start: GroupStart = Arc::new(move |context, group| Box::pin(handler(context, group)));
        self.set(Mode::GroupStart(start));
    }

    /// The consumer that the server uses.
    ///
    /// # Errors
    /// As [`Component::try_consumer`].
    pub fn consumer(&self) -> Result<Arc<Consumer>, ComponentError> {
        let shared = &self.shared;
        shared.component.try_consumer(&shared.config.consumer_name)
    }

    /// The group that the server uses.
    ///
    /// # Errors
    /// As [`Component::try_consumer_group`].
    pub fn consumer_group(&self) -> Result<Arc<ConsumerGroup>, ComponentError> {
        let shared = &self.shared;
        let name = &shared.config.consumer_group_name;
        shared.component.try_consumer_group(name)
    }

    fn set(&self, mode: Mode) {
        *self.shared.mode() = mode;
    }

    async fn run(&self) -> Result<(), BoxError> {
        let mode = self.shared.mode().clone();
        let context = Context::new().with_stopping(&self.shared.stop);
        match mode {
            Mode::Unset => Err("no handler is registered: call on_each_message, on_each_batch, on_start or on_consumer_group_start first".into()),
            Mode::EachMessage(..) | Mode::EachBatch(..) => {
                let consumer = self.consumer()?;
                if consumer.config().group_id.is_empty() {
                    let name = &self.shared.config.consumer_name;
                    return Err(format!("consumer {name} has no groupID, so nothing could be committed").into());
                }
                let work = Work::new(&self.shared, Arc::clone(&consumer), context)?;
                let result = work.until_stopped(&mode).await;
                let closed = consumer.close().await;
                result?;
                Ok(closed?)
            }
            Mode::Start(start) => {
                let consumer = self.consumer()?;
                let run = || start(context.clone(), Arc::clone(&consumer));
                let result = handling::contained(&context, run).await;
                let closed = consumer.close().await;
                result?;
                Ok(closed?)
            }
            Mode::GroupStart(start) => {
                let group = self.consumer_group()?;
                let run = || start(context.clone(), Arc::clone(&group));
                let result = handling::contained(&context, run).await;
                let closed = group.close().await;
                result?;
                Ok(closed?)
            }
        }
    }
}

impl Server for ConsumerServer {
    fn name(&self) -> &str {
        &self.shared.name
    }

    fn package_name(&self) -> &'static str {
        PACKAGE_NAME
    }

    fn info(&self) -> ServiceInfo {
        ServiceInfo::provider(self.name(), PACKAGE_NAME)
    }

    fn init(&self) -> ServerFuture<'_> {
        Box::pin(async { Ok(()) })
    }

    fn start(&self) -> ServerFuture<'_> {
        Box::pin(async {
            let _running = Running::new(&self.shared.is_running);
            let mut stop = self.shared.stop.subscribe();
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop == Stop::Hard) => Ok(()),
                result = self.run() => result,
            }
        })
    }

    fn stop(&self) -> ServerFuture<'_> {
        Box::pin(async {
            self.shared.stop.send_replace(Stop::Hard);
            self.shared.ended().await;
            Ok(())
        })
    }

    fn graceful_stop(&self) -> ServerFuture<'_> {
        Box::pin(async {
            let raise = |stop: &mut Stop| *stop = (*stop).max(Stop::Graceful);
            self.shared.stop.send_modify(raise);
            self.shared.ended().await;
            Ok(())
        })
    }
}

impl Shared {
    fn mode(&self) -> std::sync::MutexGuard<'_, Mode> {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ended(&self) {
        let mut running = self.is_running.subscribe();
        // The sender lives in `self`.
        let _ = running.wait_for(|running| !*running).await;
    }
}

/// Marks the server as running until it is dropped.
struct Running<'s>(&'s watch::Sender<bool>);

impl<'s> Running<'s> {
    fn new(running: &'s watch::Sender<bool>) -> Self {
        running.send_replace(true);
        Self(running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}

impl fmt::Debug for ConsumerServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerServer")
            .field("name", &self.shared.name)
            .field("config", &self.shared.config)
            .field("rules", &self.shared.rules)
            .finish_non_exhaustive()
    }
}

/// The field `package` of the server's description.
pub const PACKAGE_NAME: &str = "component.ekafka.consumerserver";
