//! Which lanes go into the next request to a broker, in turns, and how many requests a broker may have. Pure.

use std::collections::{BTreeMap, VecDeque};

use ekafka_conn::BrokerId;

#[cfg(test)]
mod tests;

/// Lanes that may have something to send, sorted by the broker that leads them.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Ordered, so that the same events always lead to the same requests.
    brokers: BTreeMap<BrokerId, Route>,
    /// Lanes whose leader is to be looked up.
    unplaced: VecDeque<usize>,
    /// Lanes that no broker leads at the moment.
    homeless: Vec<usize>,
    /// Requests a broker may have without an answer.
    depth: usize,
}

/// The way to one broker.
#[derive(Debug, Default)]
struct Route {
    /// Lanes in the order of their turns.
    lanes: VecDeque<usize>,
    /// Requests without an answer.
    in_flight: usize,
    link: Link,
    /// Dials that failed since the last that did not.
    failures: u32,
}

/// What is known of the connection to a broker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Link {
    /// Perhaps open: look.
    #[default]
    Unknown,
    /// Being dialled.
    Dialling,
}

impl Plan {
    pub(crate) fn new(depth: usize) -> Self {
        Self {
            brokers: BTreeMap::new(),
            unplaced: VecDeque::new(),
            homeless: Vec::new(),
            depth,
        }
    }

    /// A lane may have something to send; the caller keeps it from standing in two lists.
    pub(crate) fn add(&mut self, lane: usize) {
        self.unplaced.push_back(lane);
    }

    pub(crate) fn take_unplaced(&mut self) -> Option<usize> {
        self.unplaced.pop_front()
    }

    pub(crate) fn place(&mut self, lane: usize, leader: Option<BrokerId>) {
        match leader {
            Some(broker) => self
                .brokers
                .entry(broker)
                .or_default()
                .lanes
                .push_back(lane),
            None => self.homeless.push(lane),
        }
    }

    /// Metadata changed: leaders may be known now, and others than before. A lane in line for a broker that cannot be
    /// reached, or does not answer, need not wait for that one.
    pub(crate) fn handle_view(&mut self) {
        self.unplaced.extend(self.homeless.drain(..));
        for route in self.brokers.values_mut() {
            self.unplaced.extend(route.lanes.drain(..));
        }
    }

    /// A broker that a request could go to.
    pub(crate) fn next_broker(&self) -> Option<BrokerId> {
        let ready = |route: &Route| {
            !route.lanes.is_empty() && route.in_flight < self.depth && route.link != Link::Dialling
        };
        self.brokers
            .iter()
            .find(|(_, route)| ready(route))
            .map(|(broker, _)| *broker)
    }

    /// How many lanes stand in line for a broker.
    pub(crate) fn waiting(&self, broker: BrokerId) -> usize {
        self.brokers
            .get(&broker)
            .map_or(0, |route| route.lanes.len())
    }

    pub(crate) fn take_turn(&mut self, broker: BrokerId) -> Option<usize> {
        self.brokers.get_mut(&broker)?.lanes.pop_front()
    }

    /// The lane had its turn, and may have more for the next.
    pub(crate) fn requeue(&mut self, broker: BrokerId, lane: usize) {
        self.brokers
            .entry(broker)
            .or_default()
            .lanes
            .push_back(lane);
    }

    /// The lane's turn came to nothing for want of space; it is the first of the next request.
    pub(crate) fn keep_turn(&mut self, broker: BrokerId, lane: usize) {
        self.brokers
            .entry(broker)
            .or_default()
            .lanes
            .push_front(lane);
    }

    pub(crate) fn handle_sent(&mut self, broker: BrokerId) {
        self.brokers.entry(broker).or_default().in_flight += 1;
    }

    pub(crate) fn handle_answered(&mut self, broker: BrokerId) {
        if let Some(route) = self.brokers.get_mut(&broker) {
            route.in_flight = route.in_flight.saturating_sub(1);
        }
    }

    pub(crate) fn handle_dialling(&mut self, broker: BrokerId) {
        self.brokers.entry(broker).or_default().link = Link::Dialling;
    }

    /// A dial ended; says how many in a row have failed.
    pub(crate) fn handle_dialled(&mut self, broker: BrokerId, failed: bool) -> u32 {
        let route = self.brokers.entry(broker).or_default();
        route.link = Link::Unknown;
        route.failures = if failed { route.failures + 1 } else { 0 };
        route.failures
    }

    /// What waited for a broker was given up; whatever comes next has all its tries before it.
    pub(crate) fn forget_failures(&mut self, broker: BrokerId) {
        if let Some(route) = self.brokers.get_mut(&broker) {
            route.failures = 0;
        }
    }

    /// Takes every lane that stands in line for a broker.
    pub(crate) fn take_lanes(&mut self, broker: BrokerId) -> Vec<usize> {
        let route = self.brokers.get_mut(&broker);
        route
            .map(|route| route.lanes.drain(..).collect())
            .unwrap_or_default()
    }
}
