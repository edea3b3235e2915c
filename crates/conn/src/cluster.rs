//! A cluster: what is known of it, and a way to every broker.

mod refreshing;
mod routing;
mod state;
mod waiting;

use std::fmt;
use std::sync::Arc;

use ekafka_protocol::Request;
use tokio::time::Instant;

use self::state::Shared;
use crate::address::HostPort;
use crate::broker::Purpose;
use crate::config::ConnConfig;
use crate::connection::Connection;
use crate::coordinator::CoordinatorKind;
use crate::error::ConnError;
use crate::ids::BrokerId;
use crate::refresh::Refresh;
use crate::view::ClusterView;

/// A handle on a cluster. Clones share one view and one set of connections; the last one dropped stops its task and
/// closes its sockets.
///
/// The first use inside a tokio runtime starts the task that keeps the view fresh.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("orders", 3)?;
/// # let address = kafka.addresses().remove(0);
/// use std::time::Duration;
///
/// use ekafka_conn::{Cluster, ConnConfig, CoordinatorKind, Purpose, Refresh, To};
/// use ekafka_protocol::messages::ApiVersionsRequest;
/// use tokio::time::Instant;
///
/// let cluster = Cluster::new([address], ConnConfig::default().client_id("shop"))?;
/// assert_eq!(cluster.config().client_name(), "shop");
/// let deadline = Instant::now() + Duration::from_secs(10);
///
/// // What is known of the brokers, and what is known anew.
/// let view = cluster.topic("orders", deadline).await?;
/// cluster.topic_or_create("returns", deadline).await?;
/// let (leader, epoch) = view.leader("orders", 0).ok_or("no leader yet")?;
/// cluster.track("orders");
/// cluster.invalidate(Refresh::Topic("orders".into()));
/// let newer = cluster.view_newer_than(view.generation, deadline).await?;
/// assert!(newer.leader("orders", 0).is_some_and(|(_, newer)| newer >= epoch));
/// cluster.untrack("orders");
///
/// // Requests go to a broker, or to whoever has a certain part.
/// let request = ApiVersionsRequest {
///     client_software_name: "my-client".into(),
///     client_software_version: "1.0".into(),
/// };
/// cluster.send(To::Broker(leader), Purpose::General, &request).await?;
/// cluster.send_until(To::Controller, Purpose::General, &request, deadline).await?;
///
/// // Connections are shared by all who have the same purpose.
/// let connection = cluster.connection(leader, Purpose::Produce).await?;
/// assert!(cluster.ready_connection(leader, Purpose::Produce).is_some());
/// cluster.connection_to(To::Group("shop"), Purpose::Group, deadline).await?;
/// let coordinator = cluster.coordinator(CoordinatorKind::Group, "shop").await?;
/// cluster.forget_coordinator(CoordinatorKind::Group, "shop");
/// println!("{coordinator:?}, {:?}", cluster.view().cluster_id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Cluster {
    handle: Arc<Handle>,
}

/// Stops everything when the last handle goes.
struct Handle {
    shared: Arc<Shared>,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To<'a> {
    /// That broker.
    Broker(BrokerId),
    /// Any broker that answers.
    Any,
    /// The broker for administrative requests.
    Controller,
    /// The coordinator of that consumer group.
    Group(&'a str),
    /// The coordinator of that transactional id.
    Transaction(&'a str),
}

impl Cluster {
    /// A cluster known by some of its brokers' addresses (`host:port`, or several joined by commas). Nothing is dialled
    /// yet.
    ///
    /// # Errors
    /// [`ConnError::Config`] listing every bad address and every fault of `config`.
    pub fn new<I>(bootstrap: I, config: ConnConfig) -> Result<Self, ConnError>
    where
        I: IntoIterator<Item: Into<String>>,
    {
        let mut faults = Vec::new();
        let mut seeds = Vec::new();
        for text in bootstrap {
            let text: String = text.into();
            for address in text.split(',').filter(|part| !part.trim().is_empty()) {
                match address.parse::<HostPort>() {
                    Ok(address) if seeds.contains(&address) => {}
                    Ok(address) => seeds.push(address),
                    Err(ConnError::Config(fault)) => faults.push(fault.to_string()),
                    Err(other) => faults.push(other.to_string()),
                }
            }
        }
        if seeds.is_empty() && faults.is_empty() {
            faults.push("no bootstrap address".to_owned());
        }
        if let Err(ConnError::Config(fault)) = config.check() {
            faults.push(fault.to_string());
        }
        if !faults.is_empty() {
            return Err(ConnError::config(faults.join("; ")));
        }
        let shared = Arc::new(Shared::new(seeds, config));
        Ok(Self {
            handle: Arc::new(Handle { shared }),
        })
    }

    /// What is known now; never waits. Generation 0 means: nothing yet.
    pub fn view(&self) -> Arc<ClusterView> {
        self.shared().view()
    }

    /// A view with a generation above `generation`, as soon as there is one. This only waits: say by
    /// [`invalidate`](Self::invalidate) that one is needed. The first view comes by itself.
    ///
    /// # Errors
    /// At the deadline, why metadata could not be read, or [`ConnError::Timeout`]; earlier only what waiting cannot cure.
    ///
    /// # Cancel safety
    /// Safe: nothing is lost by dropping the future.
    pub async fn view_newer_than(
        &self,
        generation: u64,
        deadline: Instant,
    ) -> Result<Arc<ClusterView>, ConnError> {
        self.wait_for(deadline, |view| {
            (view.generation > generation).then_some(Ok(()))
        })
        .await
    }

    /// A view in which the topic exists and has a leader, as soon as there is one. Never creates the topic.
    ///
    /// # Errors
    /// [`ConnError::Topic`] at once when the cluster refuses the topic for good, at the deadline when it does not exist
    /// or has no leader; otherwise as [`view_newer_than`](Self::view_newer_than).
    ///
    /// # Cancel safety
    /// Safe: nothing is lost by dropping the future.
    pub async fn topic(
        &self,
        name: &str,
        deadline: Instant,
    ) -> Result<Arc<ClusterView>, ConnError> {
        let shared = self.shared();
        self.wait_for_topic(name, deadline, |name| shared.plan().want(name))
            .await
    }

    /// Like [`topic`](Self::topic), and lets the broker create the topic (its `auto.create.topics.enable` decides).
    ///
    /// # Errors
    /// As [`topic`](Self::topic).
    ///
    /// # Cancel safety
    /// Safe; the topic may have been created.
    pub async fn topic_or_create(
        &self,
        name: &str,
        deadline: Instant,
    ) -> Result<Arc<ClusterView>, ConnError> {
        let shared = self.shared();
        self.wait_for_topic(name, deadline, |name| shared.plan().create(name))
            .await
    }

    /// Keeps the topic's metadata fresh from now on.
    pub fn track(&self, topic: &str) {
        if self.shared().plan().track(topic) {
            self.shared().wake();
        }
    }

    /// Undoes [`track`](Self::track): the topic is forgotten when metadata is next read as a whole.
    pub fn untrack(&self, topic: &str) {
        self.shared().plan().untrack(topic);
    }

    /// Says why the view may be out of date. Reasons are merged: one request is under way at a time, and at most one
    /// per [`retry_backoff`](ConnConfig::retry_backoff) begins.
    pub fn invalidate(&self, reason: Refresh) {
        let shared = self.shared();
        match reason {
            Refresh::Topic(topic) => shared.plan().want(topic),
            Refresh::All => shared.plan().want_everything(),
            Refresh::Leader(hint) => {
                shared.replace_view(|view| view.with_hint(&hint));
                return;
            }
        }
        shared.wake();
    }

    /// Sends a request and waits for the answer, at most
    /// [`request_timeout`](ConnConfig::request_timeout) with everything that comes before it.
    ///
    /// A request of which nothing has left is tried again where another try may help.
    ///
    /// # Errors
    /// [`ConnError`]; an error code inside the answer is not one.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connections intact; the request may have been sent.
    pub async fn send<R: Request>(
        &self,
        to: To<'_>,
        purpose: Purpose,
        request: &R,
    ) -> Result<R::Response, ConnError> {
        let deadline = self.shared().config.request_deadline(Instant::now());
        self.send_until(to, purpose, request, deadline).await
    }

    /// Like [`send`](Self::send), with a deadline of its own.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    /// As [`send`](Self::send).
    pub async fn send_until<R: Request>(
        &self,
        to: To<'_>,
        purpose: Purpose,
        request: &R,
        deadline: Instant,
    ) -> Result<R::Response, ConnError> {
        let mut tries = MOST_TRIES;
        loop {
            tries -= 1;
            let outcome = match self.route(to, purpose, deadline).await {
                Ok(connection) => connection.send(request, deadline).await,
                Err(error) => Err(error),
            };
            match outcome {
                Err(error)
                    if tries > 0
                        && error.is_retriable()
                        && !error.maybe_sent()
                        && !matches!(
                            error,
                            ConnError::NoBroker { .. } | ConnError::Timeout { .. }
                        )
                        && Instant::now() < deadline =>
                {
                    tracing::debug!(%error, ?to, "trying again");
                }
                outcome => return outcome,
            }
        }
    }

    /// The connection to a broker for a purpose; dialled when needed, not more often than the backoff allows.
    ///
    /// # Errors
    /// Why it could not be opened; [`ConnError::NoBroker`] when the cluster has no such broker.
    ///
    /// # Cancel safety
    /// Safe: a dial under way is given up when its last caller goes.
    pub async fn connection(
        &self,
        broker: BrokerId,
        purpose: Purpose,
    ) -> Result<Connection, ConnError> {
        let deadline = self.shared().config.request_deadline(Instant::now());
        self.connection_until(broker, purpose, deadline).await
    }

    /// The connection to whoever `to` means: for a request whose form depends on the version both sides speak.
    ///
    /// # Errors
    /// As [`connection`](Self::connection); a coordinator's refusal to be found is [`ConnError::Kafka`].
    ///
    /// # Cancel safety
    /// As [`connection`](Self::connection).
    pub async fn connection_to(
        &self,
        to: To<'_>,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<Connection, ConnError> {
        self.route(to, purpose, deadline).await
    }

    /// The open connection to a broker for a purpose, if there is one; never waits.
    pub fn ready_connection(&self, broker: BrokerId, purpose: Purpose) -> Option<Connection> {
        self.shared().known_broker(broker)?.ready(purpose)
    }

    /// The coordinator of `key`, asked for when it is not known.
    ///
    /// # Errors
    /// [`ConnError::Kafka`] with the coordinator's refusal, or why no broker could be asked.
    ///
    /// # Cancel safety
    /// Safe: nothing is lost by dropping the future.
    pub async fn coordinator(
        &self,
        kind: CoordinatorKind,
        key: &str,
    ) -> Result<BrokerId, ConnError> {
        let deadline = self.shared().config.request_deadline(Instant::now());
        self.coordinator_until(kind, key, deadline).await
    }

    /// Forgets the coordinator of `key`, because it said that it no longer is.
    pub fn forget_coordinator(&self, kind: CoordinatorKind, key: &str) {
        self.shared().coordinators.forget(kind, key);
    }

    /// The configuration that every connection of the cluster uses.
    pub fn config(&self) -> &ConnConfig {
        &self.shared().config
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("bootstrap", &self.shared().bootstrap())
            .field("generation", &self.view().generation)
            .finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// Tries of one request of which nothing has left.
const MOST_TRIES: usize = 3;

#[cfg(test)]
mod tests;
