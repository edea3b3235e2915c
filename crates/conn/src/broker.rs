//! One broker: a connection for each purpose, and how often it may be dialled.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};

use crate::address::HostPort;
use crate::backoff::Backoff;
use crate::config::ConnConfig;
use crate::connection::Connection;
use crate::error::ConnError;

/// What a connection is used for; each broker has one connection per purpose, so that a long wait of one (a fetch, a
/// join) never delays another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Producing records.
    Produce,
    /// Fetching records.
    Fetch,
    /// Group membership and committed offsets.
    Group,
    /// Metadata and everything else.
    General,
}

pub(crate) struct Broker {
    address: HostPort,
    slots: Mutex<Slots>,
    /// One dial at a time; the others wait for its outcome.
    dialling: Semaphore,
    /// Tells those who dial, or wait to, that the broker is gone from here.
    retiring: Notify,
}

struct Slots {
    /// By purpose; may have ended.
    connections: [Option<Connection>; PURPOSES],
    backoff: Backoff,
    /// Dials that failed so far.
    failures: u64,
    last_error: Option<ConnError>,
    /// Set once the broker is gone from the cluster, or moved.
    retired: Option<ConnError>,
}

impl Broker {
    pub(crate) fn new(address: HostPort, config: &ConnConfig) -> Self {
        Self {
            address,
            slots: Mutex::new(Slots {
                connections: [const { None }; PURPOSES],
                backoff: Backoff::new(config.reconnect_backoff, config.reconnect_backoff_max),
                failures: 0,
                last_error: None,
                retired: None,
            }),
            dialling: Semaphore::new(1),
            retiring: Notify::new(),
        }
    }

    pub(crate) fn address(&self) -> &HostPort {
        &self.address
    }

    /// The connection for `purpose`, if one is open.
    pub(crate) fn ready(&self, purpose: Purpose) -> Option<Connection> {
        let connection = self.slots().connections.get(purpose as usize)?.clone()?;
        (!connection.is_closed()).then_some(connection)
    }

    /// How long until it may be dialled again; zero when it may be, or is connected.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.slots().backoff.wait(now)
    }

    /// The connection for `purpose`, dialled after the backoff when none is open. Callers that come while a dial is
    /// under way share its outcome. A dial to a place that the broker has left is not waited for: packets to it may vanish.
    pub(crate) async fn connect(
        &self,
        purpose: Purpose,
        config: &ConnConfig,
    ) -> Result<Connection, ConnError> {
        if let Some(connection) = self.ready(purpose) {
            return Ok(connection);
        }
        let mut retiring = pin!(self.retiring.notified());
        // From here on no notification is missed, and what came before is seen next.
        retiring.as_mut().enable();
        if let Some(cause) = &self.slots().retired {
            return Err(cause.clone());
        }
        tokio::select! {
            biased;
            outcome = self.connect_in_turn(purpose, config) => outcome,
            () = retiring => {
                let cause = self.slots().retired.clone();
                Err(cause.unwrap_or(ConnError::Closed))
            }
        }
    }

    async fn connect_in_turn(
        &self,
        purpose: Purpose,
        config: &ConnConfig,
    ) -> Result<Connection, ConnError> {
        let failures = self.slots().failures;
        let _permit = self
            .dialling
            .acquire()
            .await
            .map_err(|_| ConnError::Closed)?;
        if let Some(connection) = self.ready(purpose) {
            return Ok(connection);
        }
        let wait = {
            let slots = self.slots();
            if let Some(cause) = &slots.retired {
                return Err(cause.clone());
            }
            let wait = slots.backoff.wait(Instant::now());
            let has_failed_meanwhile = slots.failures != failures;
            let is_refused = matches!(slots.last_error, Some(ConnError::Login { .. }));
            if let Some(error) = &slots.last_error
                && (has_failed_meanwhile || is_refused && !wait.is_zero())
            {
                return Err(error.clone());
            }
            wait
        };
        if !wait.is_zero() {
            sleep(wait).await;
        }
        self.dial(purpose, config).await
    }

    async fn dial(&self, purpose: Purpose, config: &ConnConfig) -> Result<Connection, ConnError> {
        let turn = usize::try_from(self.slots().failures).unwrap_or_default();
        let opening = Connection::open_checked(self.address.clone(), config, turn);
        let opened = Box::pin(opening).await;
        let mut slots = self.slots();
        if let Some(cause) = &slots.retired {
            return Err(cause.clone());
        }
        match opened {
            Ok(connection) => {
                slots.backoff.handle_success();
                slots.last_error = None;
                if let Some(slot) = slots.connections.get_mut(purpose as usize) {
                    *slot = Some(connection.clone());
                }
                Ok(connection)
            }
            Err(error) => {
                let now = Instant::now();
                if matches!(error, ConnError::Login { .. }) {
                    slots.backoff.handle_refusal(now, AFTER_REFUSAL);
                } else {
                    slots.backoff.handle_failure(now, fastrand::f64());
                }
                slots.failures += 1;
                slots.last_error = Some(error.clone());
                drop(slots);
                tracing::debug!(broker = %self.address, %error, "dial failed");
                Err(error)
            }
        }
    }

    /// Takes over an open connection to this very address.
    pub(crate) fn adopt(&self, purpose: Purpose, connection: Connection) {
        if let Some(slot) = self.slots().connections.get_mut(purpose as usize)
            && slot.is_none()
        {
            *slot = Some(connection);
        }
    }

    /// Gives a connection away, if one is open.
    pub(crate) fn release(&self, purpose: Purpose) -> Option<Connection> {
        self.slots().connections.get_mut(purpose as usize)?.take()
    }

    /// Ends every connection with `cause`, and makes no more.
    pub(crate) fn retire(&self, cause: &ConnError) {
        let connections = {
            let mut slots = self.slots();
            slots.retired = Some(cause.clone());
            std::mem::replace(&mut slots.connections, [const { None }; PURPOSES])
        };
        self.retiring.notify_waiters();
        for connection in connections.into_iter().flatten() {
            connection.end(cause);
        }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A broker that leaves the cluster, or answers at another address now.
pub(crate) fn moved(broker: &Arc<Broker>) -> ConnError {
    ConnError::Disconnected {
        broker: broker.address().clone(),
        cause: "the broker has left the cluster or moved to another address".into(),
        sent: false,
    }
}

/// How many purposes there are.
const PURPOSES: usize = 4;

/// The wait after a refused log-in, so that an account is not locked by its own client: at most three tries a minute.
const AFTER_REFUSAL: Duration = Duration::from_secs(20);
