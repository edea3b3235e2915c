//! What the handles and the refresh task of a cluster share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use ekafka_protocol::ApiKey;
use tokio::runtime;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::refreshing;
use crate::address::HostPort;
use crate::broker::{self, Broker, Purpose};
use crate::config::ConnConfig;
use crate::coordinator::Coordinators;
use crate::error::{ConnError, Stage};
use crate::ids::BrokerId;
use crate::refresh::RefreshPlan;
use crate::view::ClusterView;

pub(super) struct Shared {
    pub(super) config: ConnConfig,
    /// The bootstrap addresses, each with its connection and backoff.
    pub(super) seeds: Vec<Arc<Broker>>,
    view: ArcSwap<ClusterView>,
    /// The brokers used so far.
    brokers: Mutex<HashMap<BrokerId, Arc<Broker>>>,
    plan: Mutex<RefreshPlan>,
    /// Tells the refresh task that the plan has changed.
    pub(super) to_task: Notify,
    /// Tells those who wait that the view has changed, or a round has failed.
    pub(super) progress: watch::Sender<Progress>,
    pub(super) coordinators: Coordinators,
    /// One coordinator look-up at a time.
    pub(super) looking_up: Semaphore,
    /// The refresh task is alive.
    is_running: AtomicBool,
    task: Mutex<Option<AbortHandle>>,
}

/// What the refresh task has achieved.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// Rounds that have ended.
    pub(super) rounds: u64,
    /// How the last round failed, if it did.
    pub(super) failure: Option<ConnError>,
}

impl Shared {
    pub(super) fn new(seeds: Vec<HostPort>, config: ConnConfig) -> Self {
        let seeds = seeds
            .into_iter()
            .map(|seed| Arc::new(Broker::new(seed, &config)))
            .collect();
        let plan = RefreshPlan::new(config.retry_backoff, config.metadata_max_age);
        Self {
            config,
            seeds,
            view: ArcSwap::default(),
            brokers: Mutex::default(),
            plan: Mutex::new(plan),
            to_task: Notify::new(),
            progress: watch::Sender::default(),
            coordinators: Coordinators::default(),
            looking_up: Semaphore::new(1),
            is_running: AtomicBool::new(false),
            task: Mutex::default(),
        }
    }

    pub(super) fn view(&self) -> Arc<ClusterView> {
        self.view.load_full()
    }

    pub(super) fn plan(&self) -> MutexGuard<'_, RefreshPlan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn bootstrap(&self) -> Vec<&HostPort> {
        self.seeds.iter().map(|seed| seed.address()).collect()
    }

    /// Tells the refresh task to look at the plan, and starts it where that is possible.
    pub(super) fn wake(self: &Arc<Self>) {
        self.ensure_running();
        self.to_task.notify_one();
    }

    /// Starts the refresh task if it does not run and there is a runtime to run it.
    pub(super) fn ensure_running(self: &Arc<Self>) {
        if self.is_running.load(Ordering::Acquire) {
            return;
        }
        let Ok(runtime) = runtime::Handle::try_current() else {
            return;
        };
        if !self.is_running.swap(true, Ordering::AcqRel) {
            self.plan().forget_in_flight();
            let running = Running(self.clone());
            let task = runtime.spawn(refreshing::run(running)).abort_handle();
            *self.task() = Some(task);
        }
    }

    /// Replaces the view by what `change` makes of it, if it makes anything; whether it did.
    pub(super) fn replace_view(
        &self,
        change: impl Fn(&ClusterView) -> Option<ClusterView>,
    ) -> bool {
        let mut is_changed = false;
        self.view.rcu(|view| match change(view) {
            Some(next) => {
                is_changed = true;
                Arc::new(next)
            }
            None => {
                is_changed = false;
                view.clone()
            }
        });
        if is_changed {
            self.retire_moved();
            self.progress.send_modify(|_| {});
        }
        is_changed
    }

    /// The broker of that id at its present address; `None` when the view does not have it.
    pub(super) fn known_broker(&self, id: BrokerId) -> Option<Arc<Broker>> {
        let view = self.view.load();
        let address = &view.broker(id)?.address;
        let mut brokers = self.brokers();
        if let Some(known) = brokers.get(&id)
            && known.address() == address
        {
            return Some(known.clone());
        }
        let fresh = Arc::new(Broker::new(address.clone(), &self.config));
        // The bootstrap connection to the same address serves on.
        let seed = self.seeds.iter().find(|seed| seed.address() == address);
        if let Some(connection) = seed.and_then(|seed| seed.release(Purpose::General)) {
            fresh.adopt(Purpose::General, connection);
        }
        let former = brokers.insert(id, fresh.clone());
        drop(brokers);
        if let Some(former) = former {
            former.retire(&broker::moved(&former));
        }
        Some(fresh)
    }

    /// The brokers of the view: first those with an open connection for `purpose`, then those that may be dialled, then
    /// the rest; at random among equals.
    pub(super) fn by_readiness(&self, purpose: Purpose) -> Vec<Arc<Broker>> {
        let now = Instant::now();
        let ids: Vec<BrokerId> = self.view().brokers().map(|broker| broker.id).collect();
        let mut brokers: Vec<Arc<Broker>> = ids
            .into_iter()
            .filter_map(|id| self.known_broker(id))
            .collect();
        fastrand::shuffle(&mut brokers);
        brokers.sort_by_cached_key(|broker| match broker.ready(purpose) {
            Some(connection) => (0, connection.in_flight()),
            None if broker.wait(now).is_zero() => (1, 0),
            None => (2, 0),
        });
        brokers
    }

    /// Ends the connections to brokers that are gone or live elsewhere now.
    fn retire_moved(&self) {
        let view = self.view.load();
        let moved: Vec<Arc<Broker>> = {
            let mut brokers = self.brokers();
            let is_moved = |id: &BrokerId, broker: &Arc<Broker>| {
                view.broker(*id)
                    .is_none_or(|now| now.address != *broker.address())
            };
            let ids: Vec<BrokerId> = brokers
                .iter()
                .filter(|(id, broker)| is_moved(id, broker))
                .map(|(id, _)| *id)
                .collect();
            ids.iter().filter_map(|id| brokers.remove(id)).collect()
        };
        for broker in moved {
            broker.retire(&broker::moved(&broker));
        }
    }

    /// Stops the task and ends every connection.
    pub(super) fn close(&self) {
        if let Some(task) = self.task().take() {
            task.abort();
        }
        let brokers = std::mem::take(&mut *self.brokers());
        for broker in brokers.values().chain(&self.seeds) {
            broker.retire(&ConnError::Closed);
        }
    }

    /// No answer came in time, and nothing has happened that would say why.
    pub(super) fn unanswered(&self, api: ApiKey) -> ConnError {
        let seed = self.seeds.first().map(|seed| seed.address().clone());
        ConnError::Timeout {
            broker: seed.unwrap_or_else(|| HostPort::new("", 0)),
            stage: Stage::Request(api),
            sent: false,
        }
    }

    fn brokers(&self) -> MutexGuard<'_, HashMap<BrokerId, Arc<Broker>>> {
        self.brokers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn task(&self) -> MutexGuard<'_, Option<AbortHandle>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by the refresh task while it is alive, wherever it ends.
pub(super) struct Running(pub(super) Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.is_running.store(false, Ordering::Release);
    }
}
