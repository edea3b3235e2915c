//! Brokers' fetchers: connecting for them, handing them cursors, calling them back for new ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ekafka_conn::{BrokerId, ConnError, Connection};

use super::{Control, calls, now};
use crate::fetcher::Fetcher;
use crate::inbox::Sent;
use crate::ledger::{Cursor, Returned};

/// Fetchers that have new cursors while their fetch is on the wire.
#[derive(Default)]
pub(super) struct Recalls {
    /// When each is called back, if its answer has not come.
    due: BTreeMap<BrokerId, Instant>,
    /// A second connection to each broker that needed one.
    spares: HashMap<BrokerId, Connection>,
    /// Brokers that are being dialled for one.
    dialled: BTreeSet<BrokerId>,
}

impl Recalls {
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.due.values().min().copied()
    }
}

impl Control {
    /// Hands cursors to the broker's fetcher, which is made if there is none.
    pub(super) fn serve(&mut self, broker: BrokerId, cursors: Vec<Cursor>) {
        match self.inbox.send(broker, cursors) {
            Sent::Run(fetcher) => fetcher.run(),
            Sent::Away => {
                let at = now() + RECALL_DELAY;
                self.recalls.due.entry(broker).or_insert(at);
            }
            Sent::Unknown => match self.connections.get(&broker) {
                Some(connection) if !connection.is_closed() => self.begin_fetching(broker),
                _ => self.connect(broker),
            },
        }
    }

    /// Calls back the fetchers that have waited long enough.
    pub(super) fn call_back_due(&mut self, now: Instant) {
        let due = self.recalls.due.iter().filter(|(_, at)| **at <= now);
        let brokers: Vec<BrokerId> = due.map(|(broker, _)| *broker).collect();
        for broker in brokers {
            self.recalls.due.remove(&broker);
            // A broker that has asked for a pause is not asked by another connection instead.
            let connection = self.connections.get(&broker);
            if let Some(until) = connection.and_then(Connection::throttled_until) {
                self.recalls.due.insert(broker, until.into());
            } else if self.inbox.can_call_back(broker) {
                self.call_back(broker);
            }
        }
    }

    pub(super) fn lose_broker(&mut self, now: Instant, cursors: Vec<Cursor>, error: ConnError) {
        for cursor in &cursors {
            self.take_back(now, cursor, &Returned::Disconnected);
        }
        self.note_unreachable("fetching", error);
    }

    pub(super) fn handle_connected(
        &mut self,
        now: Instant,
        broker: BrokerId,
        result: Result<Connection, ConnError>,
    ) {
        match result {
            Ok(connection) => {
                self.unreachable = 0;
                self.connections.insert(broker, connection);
                self.begin_fetching(broker);
            }
            Err(error) => {
                let cursors = self.inbox.remove(broker);
                self.lose_broker(now, cursors, error);
            }
        }
    }

    /// Makes the fetcher of a broker that is connected.
    fn begin_fetching(&self, broker: BrokerId) {
        if let Some(connection) = self.connections.get(&broker) {
            let settings = Arc::clone(&self.settings.fetch);
            let (inbox, control) = (Arc::clone(&self.inbox), self.sender.clone());
            let (connection, counters) = (connection.clone(), Arc::clone(&self.counters));
            Fetcher::new(broker, connection, settings, inbox, control, counters).run();
        }
    }

    /// The connection by which a fetcher can be called back is there; without it, new cursors wait.
    pub(super) fn handle_spare(&mut self, broker: BrokerId, result: Result<Connection, ConnError>) {
        self.recalls.dialled.remove(&broker);
        match result {
            Ok(connection) => {
                self.recalls.spares.insert(broker, connection);
                self.call_back(broker);
            }
            Err(error) => tracing::debug!(%error, "no second connection"),
        }
    }

    fn call_back(&mut self, broker: BrokerId) {
        let spare = self.recalls.spares.remove(&broker);
        let Some(spare) = spare.filter(|spare| !spare.is_closed()) else {
            if self.recalls.dialled.insert(broker) {
                self.call(calls::connect_spare(self.cluster.clone(), broker));
            }
            return;
        };
        let Some(fetcher) = self.inbox.call_back(broker) else {
            // Its answer has come meanwhile.
            self.recalls.spares.insert(broker, spare);
            return;
        };
        self.connections.insert(broker, spare.clone());
        let other = fetcher.run_by(spare);
        self.recalls.spares.insert(broker, other);
    }

    fn connect(&mut self, broker: BrokerId) {
        let (begun, counters) = (now(), Arc::clone(&self.counters));
        let connect = calls::connect(self.cluster.clone(), broker);
        self.call(async move {
            let done = connect.await;
            counters.note_dial(now().saturating_duration_since(begun));
            done
        });
    }
}

/// A fetch that waits for records is given up for new cursors after so long: several that come together
/// go together, and where records flow its answer is there by then.
const RECALL_DELAY: Duration = Duration::from_millis(10);
