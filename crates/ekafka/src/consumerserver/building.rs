//! A consumer server's configuration on its way to the server.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use super::{ConsumerServer, Mode, Rules, Shared};
use crate::component::Component;
use crate::config::loading::{self, FromTable};
use crate::config::{Config, ConfigError, ConsumerServerConfig};
use crate::server::Stop;

/// The table `key` of the process's configuration, such as `kafkaConsumerServers.s1`.
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
/// use ekafka::consumerserver;
///
/// ekafka::config::load_from_str("[kafkaConsumerServers.s1]\nconsumerName = 'c1'")?;
/// let server = consumerserver::load("kafkaConsumerServers.s1").ekafka(&component).build();
/// # let _ = server;
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// When there is no such table, or it has faults: with all of them. [`try_load`] returns them.
#[track_caller]
pub fn load(key: &str) -> Container {
    loading::or_panic(try_load(key))
}

/// As [`load`].
///
/// ```
/// use ekafka::consumerserver;
///
/// let error = consumerserver::try_load("kafkaConsumerServers.nobody").unwrap_err();
/// assert!(error.to_string().contains("kafkaConsumerServers.nobody"));
/// ```
///
/// # Errors
/// [`ConfigError`] with every fault.
pub fn try_load(key: &str) -> Result<Container, ConfigError> {
    loading::from_installed(key)
}

/// The table `key` of a TOML text, with the environment laid over it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ekafka::consumerserver;
///
/// let text = "[kafkaConsumerServers.s1]\nconsumerName = 'c1'";
/// let container = consumerserver::load_toml(text, "kafkaConsumerServers.s1")?;
/// # let _ = container;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ConfigError`] with every fault.
pub fn load_toml(text: &str, key: &str) -> Result<Container, ConfigError> {
    loading::from_toml(text, key)
}

/// The table `key` of a TOML file, with the environment laid over it.
///
/// ```
/// use ekafka::consumerserver;
///
/// let error = consumerserver::load_file("/nowhere/config.toml", "s1").unwrap_err();
/// assert!(error.to_string().contains("/nowhere/config.toml"));
/// ```
///
/// # Errors
/// [`ConfigError`] with every fault, or that the file cannot be read.
pub fn load_file(path: impl AsRef<Path>, key: &str) -> Result<Container, ConfigError> {
    loading::from_file(path.as_ref(), key)
}

/// Which messages are handled one after another when several handlers run at a time.
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
/// use ekafka::consumerserver::{self, Order};
///
/// let server = consumerserver::load_toml(toml, "kafkaConsumerServers.s1")?
///     .ekafka(&component)
///     .concurrency(16)
///     .order(Order::Key)
///     .build();
/// # let _ = server;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Order {
    /// Those of one partition.
    #[default]
    Partition,
    /// Those of one partition with the same key, and those without a key.
    Key,
}

/// A configuration and what a program adds to it; [`build`](Self::build) makes the server.
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
/// use std::time::Duration;
/// use ekafka::consumerserver;
///
/// let server = consumerserver::load_toml(toml, "kafkaConsumerServers.s1")?
///     .ekafka(&component)
///     .retries(5)
///     .retry_backoff(Duration::from_millis(200))
///     .dead_letter("p1")
///     .build();
/// # let _ = server;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a container is made into a server by `build`"]
pub struct Container {
    name: String,
    config: ConsumerServerConfig,
    component: Option<Component>,
    rules: Rules,
}

impl FromTable for Container {
    fn from_table(document: &Config, key: &str) -> Result<Self, ConfigError> {
        Ok(Self::new(key, document.consumer_server(key)?))
    }
}

impl Container {
    /// Starts from a configuration that is at hand.
    pub fn new(name: impl Into<String>, config: ConsumerServerConfig) -> Self {
        let rules = Rules {
            retries: 3,
            retry_backoff: Duration::ZERO,
            concurrency: 1,
            order: Order::Partition,
            dead_letter: None,
            commits: true,
            skips: false,
            debug: config.debug,
        };
        Self {
            name: name.into(),
            config,
            component: None,
            rules,
        }
    }

    /// The component that has the consumer. It must be given.
    pub fn ekafka(mut self, component: &Component) -> Self {
        self.component = Some(component.clone());
        self
    }

    /// Logs each message at debug level, or does not. Default: as the key `debug` says.
    pub fn debug(mut self, on: bool) -> Self {
        self.rules.debug = on;
        self
    }

    /// How often a handler that failed recoverably runs again.
    ///
    /// Default: 3, which makes 4 runs.
    pub fn retries(mut self, retries: u32) -> Self {
        self.rules.retries = retries;
        self
    }

    /// The wait before each further run.
    ///
    /// Default: none.
    pub fn retry_backoff(mut self, wait: Duration) -> Self {
        self.rules.retry_backoff = wait;
        self
    }

    /// How many handlers may run at a time, each in a task of its own. Messages that are in [order](Self::order) wait for
    /// each other; offsets are committed up to the first message that is not done.
    ///
    /// Default: 1, in the server's own task.
    pub fn concurrency(mut self, handlers: usize) -> Self {
        self.rules.concurrency = handlers.max(1);
        self
    }

    /// Which messages wait for each other. Default: those of one partition.
    pub fn order(mut self, order: Order) -> Self {
        self.rules.order = order;
        self
    }

    /// Writes messages whose handler failed for good with this producer of the component, commits them, and goes on.
    ///
    /// They keep key, value and headers; further headers say where they were and why: `ekafka-topic`, `ekafka-partition`,
    /// `ekafka-offset`, `ekafka-timestamp`, `ekafka-attempts`, `ekafka-error`.
    ///
    /// Default: none: such a failure ends the server.
    pub fn dead_letter(mut self, producer: impl Into<String>) -> Self {
        self.rules.dead_letter = Some(producer.into());
        self
    }

    /// Makes the server.
    ///
    /// # Panics
    /// Without a component.
    #[must_use]
    #[track_caller]
    pub fn build(self) -> ConsumerServer {
        let component = self.component.expect("a component: call `ekafka` first");
        ConsumerServer {
            shared: Arc::new(Shared {
                name: self.name,
                config: self.config,
                component,
                rules: self.rules,
                mode: Mutex::new(Mode::Unset),
                stop: watch::Sender::new(Stop::No),
                is_running: watch::Sender::new(false),
            }),
        }
    }
}
