//! A cluster: what is known of it, and a way to every broker.

mod refreshing;
mod state;

use std::fmt;
use std::sync::Arc;

use ekafka_protocol::cold::FindCoordinatorRequest;
use ekafka_protocol::{ApiKey, ErrorCode, Request};
use tokio::time::{Instant, sleep, timeout_at};

use self::state::Shared;
use crate::address::HostPort;
use crate::broker::{Broker, Purpose};
use crate::config::ConnConfig;
use crate::connection::Connection;
use crate::coordinator::{self, CoordinatorKind};
use crate::error::{ConnError, Stage};
use crate::ids::BrokerId;
use crate::refresh::Refresh;
use crate::view::ClusterView;

/// A handle on a cluster. Clones share one view and one set of connections; the last one dropped stops its task and
/// closes its sockets.
///
/// The first use inside a tokio runtime starts the task that keeps the view fresh.
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

    async fn route(
        &self,
        to: To<'_>,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<Connection, ConnError> {
        let broker = match to {
            To::Broker(id) => id,
            To::Any => return self.any_connection(purpose, deadline).await,
            To::Controller => {
                let found = |view: &ClusterView| view.controller().map(|_| Ok(()));
                if found(&self.view()).is_none() {
                    self.invalidate(Refresh::All);
                }
                let view = self.wait_for(deadline, found).await?;
                view.controller().ok_or(ConnError::Closed)?
            }
            To::Group(key) => {
                self.coordinator_until(CoordinatorKind::Group, key, deadline)
                    .await?
            }
            To::Transaction(key) => {
                let kind = CoordinatorKind::Transaction;
                self.coordinator_until(kind, key, deadline).await?
            }
        };
        self.connection_until(broker, purpose, deadline).await
    }

    async fn connection_until(
        &self,
        id: BrokerId,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<Connection, ConnError> {
        self.shared().ensure_running();
        let broker = match self.shared().known_broker(id) {
            Some(broker) => broker,
            None => {
                let generation = self.view().generation;
                self.invalidate(Refresh::All);
                self.view_newer_than(generation, deadline).await?;
                self.shared()
                    .known_broker(id)
                    .ok_or_else(|| ConnError::NoBroker {
                        wanted: Some(id),
                        attempts: Arc::default(),
                    })?
            }
        };
        self.connect(&broker, purpose, deadline).await
    }

    /// A connection to whoever answers, open ones first.
    async fn any_connection(
        &self,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<Connection, ConnError> {
        self.view_newer_than(0, deadline).await?;
        let mut attempts = Vec::new();
        for broker in self.shared().by_readiness(purpose) {
            match self.connect(&broker, purpose, deadline).await {
                Ok(connection) => return Ok(connection),
                Err(error) => attempts.push(error),
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        self.invalidate(Refresh::All);
        Err(ConnError::NoBroker {
            wanted: None,
            attempts: attempts.into(),
        })
    }

    async fn connect(
        &self,
        broker: &Arc<Broker>,
        purpose: Purpose,
        deadline: Instant,
    ) -> Result<Connection, ConnError> {
        let connecting = broker.connect(purpose, &self.shared().config);
        let outcome = timeout_at(deadline, connecting).await.unwrap_or_else(|_| {
            Err(ConnError::Timeout {
                broker: broker.address().clone(),
                stage: Stage::Connect,
                sent: false,
            })
        });
        if outcome.is_err() {
            // The address may be an old one.
            self.invalidate(Refresh::All);
        }
        outcome
    }

    async fn coordinator_until(
        &self,
        kind: CoordinatorKind,
        key: &str,
        deadline: Instant,
    ) -> Result<BrokerId, ConnError> {
        let shared = self.shared();
        if let Some(known) = shared.coordinators.find(kind, key) {
            return Ok(known);
        }
        // One look-up at a time: who waited finds the answer of the one before.
        let _turn = shared
            .looking_up
            .acquire()
            .await
            .map_err(|_| ConnError::Closed)?;
        loop {
            if let Some(known) = shared.coordinators.find(kind, key) {
                return Ok(known);
            }
            let connection = self.any_connection(Purpose::General, deadline).await?;
            let version =
                connection.version_of(FindCoordinatorRequest::API, coordinator::versions(kind))?;
            let request = coordinator::question(kind, key, version);
            let answer = connection.send_version(&request, version, deadline).await?;
            match coordinator::read(&answer, key, version) {
                Ok((broker, address)) => {
                    shared.replace_view(|view| view.with_broker(broker, &address));
                    shared.coordinators.note(kind, key, broker);
                }
                Err(code) => {
                    let again = Instant::now() + shared.config.retry_backoff;
                    if !is_passing(code) || again >= deadline {
                        return Err(ConnError::Kafka {
                            broker: connection.address().clone(),
                            api: ApiKey::FIND_COORDINATOR,
                            code,
                        });
                    }
                    sleep(shared.config.retry_backoff).await;
                }
            }
        }
    }

    async fn wait_for_topic(
        &self,
        name: &str,
        deadline: Instant,
        mut ask: impl FnMut(Arc<str>),
    ) -> Result<Arc<ClusterView>, ConnError> {
        let first = self.view().generation;
        let mut last_code = None;
        let mut asked_in = None;
        let waiting = self.wait_for(deadline, |view| {
            let code = match view.topic(name) {
                Some(topic) if topic.error == ErrorCode::NONE && topic.has_leader() => {
                    return Some(Ok(()));
                }
                Some(topic) if topic.error != ErrorCode::NONE => topic.error,
                Some(_) => ErrorCode::LEADER_NOT_AVAILABLE,
                None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            };
            // What was known before the call may be out of date.
            if view.generation > first {
                last_code = Some(code);
                if !code.is_retriable() {
                    return Some(Err(topic_error(name, code)));
                }
            }
            if asked_in != Some(view.generation) {
                asked_in = Some(view.generation);
                ask(name.into());
                self.shared().wake();
            }
            None
        });
        match waiting.await {
            Err(ConnError::Timeout { .. }) if last_code.is_some() => {
                Err(topic_error(name, last_code.unwrap_or(ErrorCode::NONE)))
            }
            outcome => outcome,
        }
    }

    /// Waits until `check` is content with a view.
    async fn wait_for(
        &self,
        deadline: Instant,
        mut check: impl FnMut(&ClusterView) -> Option<Result<(), ConnError>>,
    ) -> Result<Arc<ClusterView>, ConnError> {
        let shared = self.shared();
        shared.ensure_running();
        let mut progress = shared.progress.subscribe();
        let rounds = progress.borrow_and_update().rounds;
        loop {
            let view = shared.view();
            if let Some(outcome) = check(&view) {
                return outcome.map(|()| view);
            }
            // The last round's failure counts once a round has ended since this call began.
            let failure = {
                let now = progress.borrow_and_update();
                now.failure
                    .clone()
                    .filter(|failure| now.rounds > rounds || failure.is_fatal())
            };
            if let Some(failure) = &failure
                && failure.is_fatal()
            {
                return Err(failure.clone());
            }
            match timeout_at(deadline, progress.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(ConnError::Closed),
                Err(_) => return Err(failure.unwrap_or_else(|| shared.no_metadata())),
            }
        }
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

fn topic_error(name: &str, code: ErrorCode) -> ConnError {
    ConnError::Topic {
        topic: name.into(),
        code,
    }
}

/// Whether a coordinator may be found a moment later.
fn is_passing(code: ErrorCode) -> bool {
    code == ErrorCode::COORDINATOR_NOT_AVAILABLE || code == ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
}

/// Tries of one request of which nothing has left.
const MOST_TRIES: usize = 3;

#[cfg(test)]
mod tests;
