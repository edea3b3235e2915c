//! From a role to a connection: which broker is meant, and a way to it.

use std::sync::Arc;

use ekafka_protocol::cold::FindCoordinatorRequest;
use ekafka_protocol::{ErrorCode, Request};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Cluster, To};
use crate::broker::{Broker, Purpose};
use crate::connection::Connection;
use crate::coordinator::{self, CoordinatorKind};
use crate::error::{ConnError, Stage};
use crate::ids::BrokerId;
use crate::refresh::Refresh;
use crate::view::ClusterView;

impl Cluster {
    pub(super) async fn route(
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

    pub(super) async fn connection_until(
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

    pub(super) async fn coordinator_until(
        &self,
        kind: CoordinatorKind,
        key: &str,
        deadline: Instant,
    ) -> Result<BrokerId, ConnError> {
        let shared = self.shared();
        loop {
            if let Some(known) = shared.coordinators.find(kind, key) {
                return Ok(known);
            }
            let refusal = match self.look_up(kind, key, deadline).await? {
                Ok(found) => return Ok(found),
                Err(refusal) => refusal,
            };
            let again = Instant::now() + shared.config.retry_backoff;
            if !is_passing(&refusal) || again >= deadline {
                return Err(refusal);
            }
            // Others have their turn meanwhile: one group without a coordinator holds nobody up.
            sleep_until(again).await;
        }
    }

    /// Asks once, or finds what another call has been told meanwhile: the coordinator, or the brokers' refusal.
    async fn look_up(
        &self,
        kind: CoordinatorKind,
        key: &str,
        deadline: Instant,
    ) -> Result<Result<BrokerId, ConnError>, ConnError> {
        let shared = self.shared();
        // One look-up at a time: who waited finds the answer of the one before.
        let _turn = timeout_at(deadline, shared.looking_up.acquire())
            .await
            .map_err(|_| shared.unanswered(FindCoordinatorRequest::API))?
            .map_err(|_| ConnError::Closed)?;
        if let Some(known) = shared.coordinators.find(kind, key) {
            return Ok(Ok(known));
        }
        let connection = self.any_connection(Purpose::General, deadline).await?;
        let version =
            connection.version_of(FindCoordinatorRequest::API, coordinator::versions(kind))?;
        let request = coordinator::question(kind, key, version);
        let answer = connection.send_version(&request, version, deadline).await?;
        Ok(match coordinator::read(&answer, key, version) {
            Ok((broker, address)) => {
                shared.replace_view(|view| view.with_broker(broker, &address));
                shared.coordinators.note(kind, key, broker);
                Ok(broker)
            }
            Err(code) => Err(ConnError::Kafka {
                broker: connection.address().clone(),
                api: FindCoordinatorRequest::API,
                code,
            }),
        })
    }
}

/// Whether a coordinator may be found a moment later.
fn is_passing(refusal: &ConnError) -> bool {
    let ConnError::Kafka { code, .. } = refusal else {
        return false;
    };
    *code == ErrorCode::COORDINATOR_NOT_AVAILABLE
        || *code == ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
}
