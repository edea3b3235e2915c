//! A configuration on its way to a component.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ekafka_conn::{Cluster, Dial};
use ekafka_writer::balancer::Balancer;
use tokio::time::Instant;

use super::balancers::Balancers;
use super::{Component, Parts, wiring};
use crate::client::ComponentClient;
use crate::config::loading::{self, FromTable};
use crate::config::{Config, ConfigError, ConnectionConfig, Faults, KafkaConfig};
use crate::interceptor::{
    Chain, Clock, Debug, Identity, Interceptor, Layers, Terminal, extra_keys_of_environment,
};
use crate::interceptor::{access, metric};

/// The table `key` of the process's configuration (see [`config::load_from_str`](crate::config::load_from_str)), such as
/// `kafka`.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// ekafka::config::load_from_str("[kafka]\nbrokers = ['localhost:9092']")?;
/// let component = ekafka::load("kafka").build();
/// assert_eq!(component.name(), "kafka");
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
/// let error = ekafka::try_load("nobody").unwrap_err();
/// assert_eq!(error.faults()[0].path, "nobody");
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
/// let component = ekafka::load_toml("[kafka]\nbrokers = ['localhost:9092']", "kafka")?.try_build()?;
/// assert_eq!(component.brokers(), ["localhost:9092"]);
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
/// let error = ekafka::load_file("/nowhere/config.toml", "kafka").unwrap_err();
/// assert!(error.to_string().contains("/nowhere/config.toml"));
/// ```
///
/// # Errors
/// [`ConfigError`] with every fault, or that the file cannot be read.
pub fn load_file(path: impl AsRef<Path>, key: &str) -> Result<Container, ConfigError> {
    loading::from_file(path.as_ref(), key)
}

/// A configuration and what a program adds to it; [`build`](Self::build) makes the component. Nothing is dialled.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ekafka::{Record, balancer};
///
/// let component = ekafka::load_toml("[kafka.producers.p1]\nbalancer = 'first'", "kafka")?
///     .brokers(["localhost:9092"])
///     .register_balancer("first", |_: &Record<'_>, partitions: &[i32]| partitions[0])
///     .register_balancer("hash", balancer::Hash::default())
///     .extra_keys(["X-Ego-Uid"])
///     .debug(false)
///     .try_build()?;
/// # let _ = component;
/// # Ok(())
/// # }
/// ```
///
/// ```
/// use ekafka::interceptor::{Call, CallFuture, Interceptor, Next};
/// use ekafka::{balancer, dial_async_fn};
/// use tokio::time::Instant;
///
/// /// Says what is about to be done.
/// struct Announce;
///
/// impl Interceptor for Announce {
///     fn call<'a>(&'a self, call: &'a mut Call<'_>, next: Next<'a>) -> CallFuture<'a> {
///         println!("{}", call.command().name());
///         next.run(call)
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = ekafka::config::Config::from_toml("[kafka]\nbrokers = ['localhost:9092']")?;
/// let component = ekafka::Container::new(config.kafka("kafka")?)
///     .brokers(["broker-1:9092"])
///     .client_interceptor(Announce)
///     .server_interceptor(Announce)
///     .register_balancer("my-balancer", balancer::Hash::default())
///     .extra_keys(["X-Ego-Uid"])
///     .debug(true)
///     .debug_output(std::io::stderr())
///     // For tests: time that can be moved, connections that are made elsewhere.
///     .clock(Instant::now)
///     .dial_fn(dial_async_fn(|host, port| tokio::net::TcpStream::connect((host, port))))
///     .try_build()?;
/// assert_eq!(component.brokers(), ["broker-1:9092"]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a container is made into a component by `build`"]
pub struct Container {
    config: KafkaConfig,
    client: Vec<Arc<dyn Interceptor>>,
    server: Vec<Arc<dyn Interceptor>>,
    debug: Option<bool>,
    terminal: Option<Terminal>,
    brokers: Option<Vec<String>>,
    balancers: Balancers,
    keys: Vec<String>,
    clock: Clock,
    dial: Option<Arc<dyn Dial>>,
}

impl FromTable for Container {
    fn from_table(document: &Config, key: &str) -> Result<Self, ConfigError> {
        Ok(Self::new(document.kafka(key)?))
    }
}

impl Container {
    /// Starts from a configuration that is at hand.
    pub fn new(config: KafkaConfig) -> Self {
        Self {
            config,
            client: Vec::new(),
            server: Vec::new(),
            debug: None,
            terminal: None,
            brokers: None,
            balancers: Balancers::default(),
            keys: extra_keys_of_environment(),
            clock: Clock(None),
            dial: None,
        }
    }

    /// Adds a layer around what producers and the client do, inside of those added before.
    ///
    /// ```
    /// use ekafka::interceptor::{Call, CallFuture, Interceptor, Next};
    ///
    /// struct Numbered;
    ///
    /// impl Interceptor for Numbered {
    ///     fn call<'a>(&'a self, call: &'a mut Call<'_>, next: Next<'a>) -> CallFuture<'a> {
    ///         call.add_header("number", "1");
    ///         next.run(call)
    ///     }
    /// }
    ///
    /// let container = ekafka::load_toml("[kafka]\nbrokers = ['a:9092']", "kafka").unwrap();
    /// let component = container.client_interceptor(Numbered).build();
    /// # let _ = component;
    /// ```
    pub fn client_interceptor(mut self, interceptor: impl Interceptor + 'static) -> Self {
        self.client.push(Arc::new(interceptor));
        self
    }

    /// Adds a layer around what consumers, groups and consumer servers do, inside of those added before.
    pub fn server_interceptor(mut self, interceptor: impl Interceptor + 'static) -> Self {
        self.server.push(Arc::new(interceptor));
        self
    }

    /// Prints each call with its request and response, or does not.
    ///
    /// Default: as the key `debug` says; without it, as `EGO_DEBUG=true` says. Passwords are never printed.
    pub fn debug(mut self, on: bool) -> Self {
        self.debug = Some(on);
        self
    }

    /// Where [`debug`](Self::debug) prints, without colours.
    ///
    /// Default: standard output, with colours when it is a terminal.
    pub fn debug_output(mut self, out: impl Write + Send + 'static) -> Self {
        self.terminal = Some(Terminal::to(out));
        self
    }

    /// Where to find the cluster, in the place of the key `brokers`.
    pub fn brokers<I: IntoIterator<Item = impl Into<String>>>(mut self, brokers: I) -> Self {
        self.brokers = Some(brokers.into_iter().map(Into::into).collect());
        self
    }

    /// A balancer that configurations can name: `balancer = "NAME"`. It may take the name of a built-in one.
    pub fn register_balancer(
        mut self,
        name: impl Into<String>,
        balancer: impl Balancer + 'static,
    ) -> Self {
        self.balancers.register(name.into(), Arc::new(balancer));
        self
    }

    /// Further custom keys: values of the [`Context`](crate::Context) that are logged, written as message headers, and given
    /// to handlers.
    ///
    /// Default: those that `EGO_LOG_EXTRA_KEYS` lists, separated by commas.
    pub fn extra_keys<I: IntoIterator<Item = impl Into<String>>>(mut self, keys: I) -> Self {
        self.keys.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Tells the time that calls are measured by.
    ///
    /// Default: tokio's clock, which tests can stop.
    pub fn clock(mut self, now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        self.clock = Clock(Some(Arc::new(now)));
        self
    }

    /// Opens streams in place of the built-in TCP dial, for tests on an embedded broker in memory and for proxies.
    pub fn dial_fn(mut self, dial: Arc<dyn Dial>) -> Self {
        self.dial = Some(dial);
        self
    }

    /// Checks everything that can be checked without a broker, and makes the component.
    ///
    /// # Errors
    /// [`ConfigError`] with every fault: no brokers, a balancer that nobody registered, certificates that cannot be read.
    pub fn try_build(self) -> Result<Component, ConfigError> {
        let mut faults = Faults::default();
        let path = &self.config.path;
        let brokers = self.brokers.clone();
        let mut brokers = brokers.unwrap_or_else(|| self.config.connection.brokers.clone());
        brokers.retain(|broker| !broker.trim().is_empty());
        if brokers.is_empty() {
            let problem = "names no broker: expected \"host:port\" of one or more";
            faults.add(format!("{path}.brokers"), problem);
        }
        for (name, producer) in &self.config.producers {
            if self.balancers.find(&producer.balancer).is_none() {
                let (known, found) = (self.balancers.names().join(", "), &producer.balancer);
                faults.add(
                    format!("{path}.producers.{name}.balancer"),
                    format!("expected one of {known}, found {found:?}"),
                );
            }
        }
        let connection = faults.take(wiring::connection(&self.config));
        let connection = connection.map(|connection| match &self.dial {
            Some(dial) => connection.dial_fn(Arc::clone(dial)),
            None => connection,
        });
        let cluster = connection.clone().filter(|_| !brokers.is_empty());
        let cluster = cluster.and_then(|connection| {
            Cluster::new(brokers.clone(), connection)
                .map_err(|error| faults.add(format!("{path}.brokers"), error.to_string()))
                .ok()
        });
        let (Some(connection), Some(cluster)) = (connection, cluster) else {
            return Err(faults.into_error());
        };
        faults.or(())?;
        let identity = Arc::new(Identity {
            name: self.config.path.clone(),
            brokers,
        });
        let layers = || self.layers();
        let chain = |interceptors: &[Arc<dyn Interceptor>]| {
            Arc::new(Chain {
                identity: Arc::clone(&identity),
                clock: self.clock.clone(),
                interceptors: interceptors.to_vec(),
                layers: layers(),
            })
        };
        let (client_chain, server_chain) = (chain(&self.client), chain(&self.server));
        let client = wiring::client(&self.config, cluster.clone());
        let client = client.map_err(|error| {
            ConfigError::one(format!("{}.client", self.config.path), error.to_string())
        })?;
        Ok(Component::new(Parts {
            client: ComponentClient::new(client, Arc::clone(&client_chain)),
            config: self.config,
            balancers: self.balancers,
            connection,
            cluster,
            client_chain,
            server_chain,
            producers: Default::default(),
            consumers: Default::default(),
            groups: Default::default(),
        }))
    }

    /// As [`try_build`](Self::try_build), for configurations that are part of the program.
    ///
    /// # Panics
    /// With every fault, where [`try_build`](Self::try_build) fails.
    #[must_use]
    #[track_caller]
    pub fn build(self) -> Component {
        match self.try_build() {
            Ok(component) => component,
            Err(error) => panic!("{error}"),
        }
    }

    fn layers(&self) -> Layers {
        let config = &self.config.connection;
        Layers {
            keys: self.keys.as_slice().into(),
            #[cfg(feature = "otel")]
            trace: config
                .enable_trace_interceptor
                .then(crate::interceptor::Trace::default),
            debug: self.is_debugging().then(|| Debug {
                terminal: self.terminal.clone().unwrap_or_else(Terminal::standard),
            }),
            access: access_log(config),
            metric: config
                .enable_metric_interceptor
                .then(metric::Metric::default),
        }
    }

    fn is_debugging(&self) -> bool {
        let configured = self.debug.or(self.config.connection.debug);
        configured.unwrap_or_else(|| std::env::var("EGO_DEBUG").is_ok_and(|set| set == "true"))
    }
}

fn access_log(config: &ConnectionConfig) -> Option<access::Access> {
    let slow = config.slow_log_threshold;
    let logs_all = config.enable_access_interceptor;
    (logs_all || !slow.is_zero()).then_some(access::Access {
        logs_all,
        with_request: config.enable_access_interceptor_req,
        with_response: config.enable_access_interceptor_res,
        with_trace: config.enable_trace_interceptor,
        slow,
    })
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Container")
            .field("name", &self.config.path)
            .field("client_interceptors", &self.client.len())
            .field("server_interceptors", &self.server.len())
            .finish_non_exhaustive()
    }
}
