//! A subscription: a task that takes messages, runs the handler, and commits.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use ekafka_reader::{ReaderBuilder, ReaderError};
use tokio::sync::watch;

use super::event::{Event, Handler};
use super::kafka::Live;
use super::options::ErrorHandler;
use super::subscribe_options::SubscribeOptions;
use super::topic_calls;
use super::topics::Topics;
use crate::config::{ConfigError, ConsumerConfig, ProducerConfig};
use crate::consumer::Consumer;
use crate::consumerserver::{
    ConsumptionError, Errors, MessageHandler, Mode, Order, Rules, Stage, Work,
};
use crate::context::Context;
use crate::error::ComponentError;
use crate::producer::Producer;
use crate::server::Stop;

mod lag;

use lag::Lag;

/// A running subscription, until [`unsubscribe`](Self::unsubscribe). Dropping it changes nothing: the broker keeps the
/// subscription.
///
/// ```no_run
/// use ekafka::pubsub::*;
///
/// # async fn example(broker: &dyn Broker) -> Result<(), Box<dyn std::error::Error>> {
/// let handler = |_context, event: Event| async move {
///     println!("{}", event.decode::<String>()?);
///     Ok(())
/// };
/// let subscriber = broker.subscribe("orders", handler, [with_queue_name("shop")]).await?;
/// println!("{} by {}, {:?} behind", subscriber.topic(), subscriber.group_id(), subscriber.lag());
/// println!("{:?}", subscriber.options());
/// // Waits until it ends by itself, or ends it.
/// if subscriber.is_active() && tokio::time::timeout(std::time::Duration::from_secs(60), subscriber.ended()).await.is_err() {
///     subscriber.unsubscribe().await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Subscriber {
    subscription: Arc<Subscription>,
}

/// What the task and its handles share.
pub(super) struct Subscription {
    topics: Topics,
    group: String,
    options: SubscribeOptions,
    stop: watch::Sender<Stop>,
    state: watch::Sender<Running>,
    /// The group's, as last looked up; -1 before.
    lag: AtomicI64,
}

#[derive(Debug, Clone)]
enum Running {
    Yes,
    /// With the failure that ended it, unless it was told to.
    Ended(Option<ConsumptionError>),
}

impl Subscriber {
    /// The topics as they were given; several are joined by commas.
    #[must_use]
    pub fn topic(&self) -> String {
        self.subscription.topics.text()
    }

    /// The group's name.
    #[must_use]
    #[doc(alias = "queue_name")]
    pub fn group_id(&self) -> &str {
        &self.subscription.group
    }

    /// The options it was made with.
    #[must_use]
    pub fn options(&self) -> &SubscribeOptions {
        &self.subscription.options
    }

    /// Whether messages are still handled.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.subscription.is_active()
    }

    /// How many messages the group has not committed yet, over all partitions with a commit, as last looked up: see
    /// [`BrokerOptions::read_lag_interval`](super::BrokerOptions::read_lag_interval). `None` before the first time.
    #[must_use]
    pub fn lag(&self) -> Option<i64> {
        let lag = self.subscription.lag.load(Ordering::Acquire);
        (lag >= 0).then_some(lag)
    }

    /// Ends the subscription after the message that is being handled: commits what was acknowledged and leaves the group.
    ///
    /// # Errors
    /// The failure that it had ended with before, or why the last commit failed.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it to end by itself.
    pub async fn unsubscribe(&self) -> Result<(), ConsumptionError> {
        self.subscription.stop(Stop::Graceful);
        self.subscription.ended().await
    }

    /// Waits until the subscription has ended.
    ///
    /// # Errors
    /// The failure that it ended with.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn ended(&self) -> Result<(), ConsumptionError> {
        self.subscription.ended().await
    }
}

impl Subscription {
    pub(super) fn is_active(&self) -> bool {
        matches!(*self.state.borrow(), Running::Yes)
    }

    pub(super) fn stop(&self, how: Stop) {
        self.stop.send_modify(|stop| *stop = (*stop).max(how));
    }

    pub(super) async fn ended(&self) -> Result<(), ConsumptionError> {
        let mut state = self.state.subscribe();
        let ended = state
            .wait_for(|state| matches!(state, Running::Ended(_)))
            .await;
        match ended.as_deref() {
            Ok(Running::Ended(Some(failure))) => Err(failure.clone()),
            _ => Ok(()),
        }
    }

    async fn stopped_hard(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives in `self`.
        let _ = stop.wait_for(|stop| *stop == Stop::Hard).await;
    }
}

impl Live {
    pub(super) async fn subscribe(
        &self,
        topics: Topics,
        handler: Handler,
        options: SubscribeOptions,
    ) -> Result<Subscriber, ComponentError> {
        if !options.auto_ack && options.order == Order::Key && options.concurrency > 1 {
            let problem =
                "disable_auto_ack needs messages of a partition in order, not by key alone";
            return Err(ConfigError::one("subscribe", problem).into());
        }
        let group = options.group.clone().unwrap_or_else(name_by_chance);
        let reader = self.subscribing_reader(&topics, &group, &options);
        let reader = reader.build().map_err(|error| match error {
            ReaderError::Config { faults } => {
                ConfigError::one("subscribe", faults.join("; ")).into()
            }
            error => ComponentError::from(error),
        })?;
        for (topic, partitions, replication_factor) in &options.auto_create {
            topic_calls::create(&self.admin, topic, *partitions, *replication_factor).await?;
        }
        let config = ConsumerConfig {
            topic: match topics.names_or_pattern() {
                Ok([one]) => one.clone(),
                _ => String::new(),
            },
            group_id: group.clone(),
            ..ConsumerConfig::default()
        };
        let chain = Arc::clone(&self.server_chain);
        let consumer = Arc::new(Consumer::new(config, reader, chain));
        let subscription = Arc::new(Subscription {
            topics,
            group,
            options,
            stop: watch::Sender::new(Stop::No),
            state: watch::Sender::new(Running::Yes),
            lag: AtomicI64::new(-1),
        });
        let work = self.work(&subscription, &consumer)?;
        let errors = told(self.options.error_handler.clone());
        let mode = Mode::EachMessage(errors, self.handler(handler, &consumer));
        let lag = Lag {
            admin: self.admin.clone(),
            interval: self.options.read_lag_interval,
            subscription: Arc::clone(&subscription),
        };
        self.remember(Arc::clone(&subscription));
        #[expect(
            clippy::disallowed_methods,
            reason = "the task of a subscription; ends when it is ended, fails, or its broker is gone"
        )]
        tokio::spawn(run(Arc::clone(&subscription), work, mode, lag));
        Ok(Subscriber { subscription })
    }

    fn subscribing_reader(
        &self,
        topics: &Topics,
        group: &str,
        options: &SubscribeOptions,
    ) -> ReaderBuilder {
        let mut reader = self.options.reader();
        if let Some(change) = &options.reader {
            reader = change(reader);
        }
        // Not the writers' cluster: a fetch that waits, or a member that joins, would delay others on its connections.
        reader = reader
            .brokers(&self.addresses)
            .connection(self.connection.clone())
            .group_id(group);
        match topics.names_or_pattern() {
            Ok(names) => reader.topics(names),
            Err(pattern) => reader.topic_pattern(pattern),
        }
    }

    fn work(
        &self,
        subscription: &Subscription,
        consumer: &Arc<Consumer>,
    ) -> Result<Work, ComponentError> {
        let options = &subscription.options;
        let dead_letter = match &options.dead_letter {
            None => None,
            Some(topic) => {
                let writer = self.options.writer();
                let writer = writer.build_waiting(topic, self.cluster.clone())?;
                let config = ProducerConfig {
                    topic: topic.clone(),
                    ..ProducerConfig::default()
                };
                let chain = Arc::clone(&self.client_chain);
                Some(Arc::new(Producer::new(config, writer, chain)))
            }
        };
        Ok(Work {
            consumer: Arc::clone(consumer),
            rules: Rules {
                retries: options.retries,
                retry_backoff: options.retry_backoff,
                concurrency: options.concurrency,
                order: options.order,
                dead_letter: None,
                commits: options.auto_ack,
                skips: options.skips_failures,
                debug: false,
            },
            context: Context::new().with_stopping(&subscription.stop),
            dead_letter,
            stop: subscription.stop.subscribe(),
        })
    }

    /// The application's handler, behind what it is given.
    fn handler(&self, handler: Handler, consumer: &Arc<Consumer>) -> MessageHandler {
        let codec = self.options.codec;
        let consumer = Arc::clone(consumer);
        Arc::new(move |context, message| {
            #[cfg(feature = "otel")]
            note(&context, &message);
            handler(context, Event::new(message, codec, Arc::clone(&consumer)))
        })
    }
}

/// Handles messages until the subscription is to end or fails, then leaves the group.
async fn run(subscription: Arc<Subscription>, work: Work, mode: Mode, lag: Lag) {
    let ending = Ending(&subscription);
    let consumer = Arc::clone(&work.consumer);
    let result = tokio::select! {
        biased;
        () = subscription.stopped_hard() => Ok(()),
        result = work.until_stopped(&mode) => result,
        () = lag.look_up() => Ok(()),
    };
    let closed = consumer.close().await;
    let closed = closed.map_err(|error| ConsumptionError::new(Stage::Commit, None, &error));
    ending.with(result.and(closed));
}

/// Tells that the subscription has ended, even when an interceptor panics.
struct Ending<'s>(&'s Subscription);

impl Ending<'_> {
    fn with(self, result: Result<(), ConsumptionError>) {
        let failure = result.err();
        if let Some(failure) = &failure {
            let (topics, cause) = (self.0.topics.text(), &failure.cause);
            tracing::error!(target: "ekafka::pubsub", topics, group = self.0.group, %failure, %cause, "the subscription ended");
        }
        self.0.state.send_replace(Running::Ended(failure));
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        if self.0.is_active() {
            let panicked =
                ComponentError::Handler(Arc::from(
                    Box::<dyn std::error::Error + Send + Sync>::from("a middleware panicked"),
                ));
            let failure = ConsumptionError::new(Stage::Handle, None, &panicked);
            self.0.state.send_replace(Running::Ended(Some(failure)));
        }
    }
}

/// Errors for the log and for the application's function.
fn told(handler: Option<ErrorHandler>) -> Errors {
    Errors::Function(Arc::new(move |error| {
        tracing::error!(target: "ekafka::pubsub", %error, cause = %error.cause, "subscription");
        let Some(handler) = &handler else { return };
        if catch_unwind(AssertUnwindSafe(|| handler(error))).is_err() {
            tracing::error!(target: "ekafka::pubsub", "an error handler panicked");
        }
    }))
}

/// Tells the span where the message is from.
#[cfg(feature = "otel")]
fn note(context: &Context, message: &ekafka_conn::Message) {
    use opentelemetry::KeyValue;
    use opentelemetry::trace::TraceContextExt;

    let context = context.trace();
    context.span().set_attributes([
        KeyValue::new("messaging.operation", "receive"),
        KeyValue::new("messaging.message_id", message.offset().to_string()),
        KeyValue::new("messaging.kafka.partition", i64::from(message.partition())),
    ]);
}

/// A name that nobody else has: 128 bits by chance.
fn name_by_chance() -> String {
    let chance = || RandomState::new().hash_one(std::process::id());
    format!("ekafka-{:016x}{:016x}", chance(), chance())
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.subscription.fmt(f)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("topics", &self.topics)
            .field("group", &self.group)
            .field("is_active", &self.is_active())
            .finish_non_exhaustive()
    }
}
