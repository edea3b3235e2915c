//! What can be said about one subscription.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ekafka_reader::ReaderBuilder;

use crate::consumerserver::Order;

/// The options of one subscription; obtained from `SubscribeOptions::default()`, or made of [`SubscribeOption`]s.
///
/// ```
/// use std::time::Duration;
///
/// use ekafka::consumerserver::Order;
/// use ekafka::pubsub::SubscribeOptions;
///
/// let options = SubscribeOptions::default()
///     .queue_name("fx-group")
///     .auto_create_topic("orders", 3, 1)
///     .disable_auto_ack()
///     .concurrency(8)
///     .order(Order::Key)
///     .handler_retries(3, Duration::from_millis(100))
///     .dead_letter_topic("orders.failed")
///     .skip_failures()
///     .reader(|reader| reader.max_bytes(1 << 20));
/// ```
#[derive(Clone)]
pub struct SubscribeOptions {
    pub(super) group: Option<String>,
    pub(super) auto_ack: bool,
    pub(super) auto_create: Vec<(String, i32, i16)>,
    pub(super) reader: Option<Arc<ChangeReader>>,
    pub(super) concurrency: usize,
    pub(super) order: Order,
    pub(super) retries: u32,
    pub(super) retry_backoff: Duration,
    pub(super) dead_letter: Option<String>,
    pub(super) skips_failures: bool,
}

pub(super) type ChangeReader = dyn Fn(ReaderBuilder) -> ReaderBuilder + Send + Sync;

/// One thing said about a subscription: what the `with_…` functions make.
///
/// ```
/// use ekafka::pubsub::*;
///
/// let options = [
///     with_queue_name("fx-group"),
///     with_subscribe_auto_create_topic("orders", 3, 1),
///     disable_auto_ack(),
///     with_subscribe_concurrency(8),
///     with_dead_letter_topic("orders.failed"),
///     with_skip_failures(),
///     with_subscribe_reader(|reader| reader.max_bytes(1 << 20)),
/// ];
/// ```
pub struct SubscribeOption(Box<dyn FnOnce(SubscribeOptions) -> SubscribeOptions + Send>);

impl SubscribeOption {
    fn new(change: impl FnOnce(SubscribeOptions) -> SubscribeOptions + Send + 'static) -> Self {
        Self(Box::new(change))
    }
}

impl<I: IntoIterator<Item = SubscribeOption>> From<I> for SubscribeOptions {
    fn from(options: I) -> Self {
        options
            .into_iter()
            .fold(Self::default(), |all, option| (option.0)(all))
    }
}

impl Default for SubscribeOptions {
    fn default() -> Self {
        Self {
            group: None,
            auto_ack: true,
            auto_create: Vec::new(),
            reader: None,
            concurrency: 1,
            order: Order::Partition,
            retries: 3,
            retry_backoff: Duration::ZERO,
            dead_letter: None,
            skips_failures: false,
        }
    }
}

impl SubscribeOptions {
    /// The group that shares the topics' partitions: each message goes to one of its members. Default: a group of the
    /// subscription's own with a name by chance, so that every subscription gets every message, from the start offset on.
    #[must_use]
    #[doc(alias = "group_id")]
    pub fn queue_name(mut self, group: impl Into<String>) -> Self {
        self.group = Some(group.into());
        self
    }

    /// Commits only what the handler acknowledges by [`Event::ack`](super::Event::ack). Default: what a handler succeeded
    /// with is acknowledged for it.
    #[must_use]
    pub fn disable_auto_ack(mut self) -> Self {
        self.auto_ack = false;
        self
    }

    /// Creates a topic before subscribing; one that exists is left as it is. May be said of several. Default: none.
    #[must_use]
    pub fn auto_create_topic(
        mut self,
        topic: impl Into<String>,
        partitions: i32,
        replication_factor: i16,
    ) -> Self {
        let topic = (topic.into(), partitions, replication_factor);
        self.auto_create.push(topic);
        self
    }

    /// Sets this subscription's reader otherwise than the broker's options do. Default: as those say.
    #[must_use]
    pub fn reader(
        mut self,
        change: impl Fn(ReaderBuilder) -> ReaderBuilder + Send + Sync + 'static,
    ) -> Self {
        self.reader = Some(Arc::new(change));
        self
    }

    /// Handlers that may run at a time. Default: 1. Messages of a partition are still handled one after the other, unless
    /// [`order`](Self::order) says else.
    #[must_use]
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.concurrency = handlers.max(1);
        self
    }

    /// Which messages wait for each other with a concurrency above one. Default: those of a partition. By key, offsets are
    /// still committed without a gap, which leaves no room for acknowledging by hand.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// How often a handler that failed with a [`RecoverableError`](crate::consumerserver::RecoverableError) runs again,
    /// and the pause before. Default: 3 times, without a pause.
    #[must_use]
    pub fn handler_retries(mut self, retries: u32, pause: Duration) -> Self {
        self.retries = retries;
        self.retry_backoff = pause;
        self
    }

    /// Where messages go that cannot be handled, with headers that say where they were and what happened. They then count
    /// as handled. Default: none.
    #[must_use]
    pub fn dead_letter_topic(mut self, topic: impl Into<String>) -> Self {
        self.dead_letter = Some(topic.into());
        self
    }

    /// Goes on behind a message that cannot be handled: it is told to the error handler and then lost to this group.
    /// Default: the subscription ends there with the failure, the message is not committed and will be read again.
    #[must_use]
    pub fn skip_failures(mut self) -> Self {
        self.skips_failures = true;
        self
    }
}

impl fmt::Debug for SubscribeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscribeOptions")
            .field("group", &self.group)
            .field("auto_ack", &self.auto_ack)
            .field("auto_create", &self.auto_create)
            .field("concurrency", &self.concurrency)
            .field("order", &self.order)
            .field("retries", &self.retries)
            .field("dead_letter", &self.dead_letter)
            .field("skips_failures", &self.skips_failures)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SubscribeOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubscribeOption")
    }
}

/// The group: [`SubscribeOptions::queue_name`].
pub fn with_queue_name(group: impl Into<String>) -> SubscribeOption {
    let group = group.into();
    SubscribeOption::new(move |options| options.queue_name(group))
}

/// Acknowledges nothing by itself: [`SubscribeOptions::disable_auto_ack`].
pub fn disable_auto_ack() -> SubscribeOption {
    SubscribeOption::new(SubscribeOptions::disable_auto_ack)
}

/// Creates a topic first: [`SubscribeOptions::auto_create_topic`].
pub fn with_subscribe_auto_create_topic(
    topic: impl Into<String>,
    partitions: i32,
    replication_factor: i16,
) -> SubscribeOption {
    let topic = topic.into();
    SubscribeOption::new(move |options| {
        options.auto_create_topic(topic, partitions, replication_factor)
    })
}

/// A reader set otherwise: [`SubscribeOptions::reader`].
pub fn with_subscribe_reader(
    change: impl Fn(ReaderBuilder) -> ReaderBuilder + Send + Sync + 'static,
) -> SubscribeOption {
    SubscribeOption::new(move |options| options.reader(change))
}

/// Handlers at a time: [`SubscribeOptions::concurrency`].
pub fn with_subscribe_concurrency(handlers: usize) -> SubscribeOption {
    SubscribeOption::new(move |options| options.concurrency(handlers))
}

/// Where failures go: [`SubscribeOptions::dead_letter_topic`].
pub fn with_dead_letter_topic(topic: impl Into<String>) -> SubscribeOption {
    let topic = topic.into();
    SubscribeOption::new(move |options| options.dead_letter_topic(topic))
}

/// Goes on behind failures: [`SubscribeOptions::skip_failures`].
pub fn with_skip_failures() -> SubscribeOption {
    SubscribeOption::new(SubscribeOptions::skip_failures)
}
