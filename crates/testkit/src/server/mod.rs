//! The shell: listeners, one task per connection, waiting. What is answered is decided in `api`.

mod inbound;
pub(crate) mod listener;
mod outbound;
mod session;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ekafka_protocol::{ApiKey, VersionRange};
use tokio_rustls::TlsAcceptor;

use crate::cluster::Cluster;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::sasl::UserBase;

pub(crate) use session::serve;

/// What all nodes of one embedded cluster share. Of the locks only one is held at a time, none across an await.
pub(crate) struct Shared {
    cluster: Mutex<Cluster>,
    faults: Mutex<Faults>,
    journal: Mutex<Journal>,
    /// Versions offered less than what is implemented, by API.
    pub(crate) limits: BTreeMap<ApiKey, VersionRange>,
    pub(crate) users: UserBase,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Added to the way of every connection, there and back.
    pub(crate) round_trip: Duration,
    /// The largest request taken, in bytes.
    pub(crate) max_request_bytes: usize,
    connections: AtomicU64,
    /// Connections open now, by node id.
    open: Mutex<BTreeMap<i32, usize>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(cluster: Cluster, tls: Option<TlsAcceptor>) -> Arc<Self> {
        Arc::new(Self {
            limits: cluster.settings.limits.clone(),
            round_trip: cluster.settings.round_trip,
            max_request_bytes: cluster.settings.max_request_bytes,
            users: UserBase::new(
                cluster.settings.users.clone(),
                cluster.settings.session_lifetime,
            ),
            journal: Mutex::new(Journal::new(cluster.settings.keeps_bodies)),
            cluster: Mutex::new(cluster),
            faults: Mutex::default(),
            tls,
            connections: AtomicU64::new(0),
            open: Mutex::default(),
        })
    }

    pub(crate) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Connections accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Connections open now, over all nodes.
    pub(crate) fn open(&self) -> usize {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .sum()
    }

    fn count_open(self: &Arc<Self>, node: i32) -> OpenGuard {
        *self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(node)
            .or_default() += 1;
        OpenGuard {
            shared: Arc::clone(self),
            node,
        }
    }
}

/// Counts one open connection for as long as it lives.
struct OpenGuard {
    shared: Arc<Shared>,
    node: i32,
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        let mut open = self
            .shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.node) {
            *count = count.saturating_sub(1);
        }
    }
}
