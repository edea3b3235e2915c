//! The sender's decisions: what goes out when, and what an answer means for each batch. No clock, no I/O: time is passed
//! in, requests and wishes are handed out. Files beside it hold its parts.

mod giving_up;
mod loading;
mod renewal;
mod sealing;
mod settle;
mod split;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ekafka_conn::BrokerId;
use ekafka_protocol::Uuid;
use ekafka_protocol::compression::Compression;
use tokio::time::Instant;

use super::in_flight::{Lane, Place};
use super::plan::Plan;
use super::sequence::Producer;
use super::way::Way;
use crate::accumulator::{Partition, Shelf};
use crate::error::{Cause, TopicPartition};

pub(crate) use self::sealing::Job;

/// What the sender goes by; checked when the writer was built.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// As on the wire: 0 none, 1 leader, -1 all.
    pub(crate) acks: i16,
    pub(crate) idempotent: bool,
    pub(crate) compression: Compression,
    /// Requests to a broker, and batches of a partition, without an answer.
    pub(crate) depth: usize,
    /// Bytes of records in a request, unless one batch alone has more.
    pub(crate) max_request: usize,
    pub(crate) request_timeout: Duration,
    pub(crate) delivery_timeout: Duration,
    /// Requests that may carry a batch.
    pub(crate) max_attempts: u32,
    /// Wait before the second attempt, and the longest wait.
    pub(crate) backoff: (Duration, Duration),
}

/// Who leads what, as far as is known.
pub(crate) trait Leaders {
    /// The leader and its epoch.
    fn leader(&self, at: &TopicPartition) -> Option<(BrokerId, i32)>;
    /// The topic's id, nil where brokers have none; `None` for a topic that is not known, or has no partitions, at the
    /// moment.
    fn topic_id(&self, topic: &str) -> Option<Uuid>;
}

/// All that the sender knows.
#[derive(Debug)]
pub(crate) struct Core {
    rules: Rules,
    shelf: Arc<Shelf>,
    /// By the partition's lane number; empty until it first has something to send.
    lanes: Vec<Option<Lane>>,
    plan: Plan,
    producer: Producer,
    way: Way,
    /// Lanes whose sequence is in doubt.
    doubtful: Vec<usize>,
    /// Lanes with a batch that waits for a producer identity.
    unidentified: Vec<usize>,
    /// Batches that others are to compress.
    jobs: Vec<Job>,
    /// Lanes that may have full batches to be compressed ahead.
    to_seal: Vec<usize>,
    requests: HashMap<u64, Sent>,
    /// Emptied lists of answered requests, kept for their memory.
    spare_batches: Vec<Vec<Option<(usize, u64)>>>,
    spare_cargo: Vec<Cargo>,
    next_id: u64,
    /// When to look at which lane, earliest first; each lane has one entry at most, as it says itself.
    timers: BTreeSet<(Instant, usize)>,
    /// When buffers that nobody needs are given up next, while there are more than a few bytes of them.
    tidy_at: Option<Instant>,
    wishes: Wishes,
    /// Why nothing will be sent any more.
    failed: Option<Cause>,
}

/// A request without an answer.
#[derive(Debug)]
struct Sent {
    broker: BrokerId,
    /// When it left.
    at: Instant,
    /// Lane and batch, in the order of the request; empty once answered for.
    batches: Vec<Option<(usize, u64)>>,
}

/// A request to send now.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) request: u64,
    pub(crate) batches: Vec<Cargo>,
}

/// One batch of a request.
#[derive(Debug)]
pub(crate) struct Cargo {
    pub(crate) partition: Arc<Partition>,
    pub(crate) bytes: Bytes,
}

/// What the core would like its shell to do; taken by the shell after each turn.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// Connections to open.
    pub(crate) dial: Vec<BrokerId>,
    /// Topics whose metadata has proven wrong, or that have no leader.
    pub(crate) stale: Vec<Arc<str>>,
    /// A producer identity is needed.
    pub(crate) identity: bool,
}

impl Core {
    pub(crate) fn new(rules: Rules, shelf: Arc<Shelf>) -> Self {
        Self {
            plan: Plan::new(rules.depth),
            producer: Producer::new(rules.idempotent),
            way: Way::default(),
            rules,
            shelf,
            lanes: Vec::new(),
            doubtful: Vec::new(),
            unidentified: Vec::new(),
            jobs: Vec::new(),
            to_seal: Vec::new(),
            requests: HashMap::new(),
            spare_batches: Vec::new(),
            spare_cargo: Vec::new(),
            next_id: 0,
            timers: BTreeSet::new(),
            tidy_at: None,
            wishes: Wishes::default(),
            failed: None,
        }
    }

    pub(crate) fn take_wishes(&mut self) -> Wishes {
        std::mem::take(&mut self.wishes)
    }

    /// Takes back the list of a departure that was sent, for its memory.
    pub(crate) fn reuse(&mut self, mut cargo: Vec<Cargo>) {
        cargo.clear();
        self.spare_cargo = cargo;
    }

    /// When [`handle_time`](Self::handle_time) has something to do.
    pub(crate) fn next_alarm(&self) -> Option<Instant> {
        let lanes = self.timers.first().map(|(time, _)| *time);
        lanes.into_iter().chain(self.tidy_at).min()
    }

    /// A queue may have something to send.
    pub(crate) fn handle_ready(&mut self, partition: &Arc<Partition>) {
        let number = partition.lane;
        if self.lanes.len() <= number {
            self.lanes.resize_with(number + 1, || None);
        }
        self.lanes[number].get_or_insert_with(|| Lane::new(Arc::clone(partition)));
        partition.queue().handle_look();
        if self.failed.is_some() {
            self.abandon_queue(number);
            return;
        }
        self.note_sealable(number);
        self.list(number);
    }

    /// Someone waits for room: no batch is kept open for more records.
    pub(crate) fn handle_contention(&mut self) {
        for number in 0..self.lanes.len() {
            let waiting = self.lanes[number]
                .as_ref()
                .is_some_and(|lane| !lane.partition.queue().is_empty());
            if waiting {
                self.list(number);
            }
        }
    }

    /// The cluster's metadata changed.
    pub(crate) fn handle_view(&mut self, leaders: &impl Leaders, now: Instant) {
        self.plan.handle_view();
        for number in 0..self.lanes.len() {
            let Some(lane) = &mut self.lanes[number] else {
                continue;
            };
            let Some(first) = lane.flights.front_mut() else {
                continue;
            };
            let Place::Waiting {
                stale_epoch: Some(stale),
                ..
            } = first.place
            else {
                continue;
            };
            let newer = leaders
                .leader(&lane.partition.at)
                .is_some_and(|(_, epoch)| epoch > stale);
            if newer {
                first.place = Place::Waiting {
                    until: now,
                    stale_epoch: None,
                };
                self.list(number);
            }
        }
    }

    /// A dial that was wished for has ended.
    pub(crate) fn handle_dialled(
        &mut self,
        broker: BrokerId,
        error: Option<Cause>,
        hopeless: bool,
    ) {
        let failures = self.plan.handle_dialled(broker, error.is_some());
        let Some(cause) = error else { return };
        let give_up = hopeless || failures >= self.rules.max_attempts;
        if give_up {
            self.plan.forget_failures(broker);
        }
        for number in self.plan.take_lanes(broker) {
            if let Some(lane) = &mut self.lanes[number] {
                lane.listed = false;
                lane.obstacle = Some(cause.clone());
                let topic = Arc::clone(&lane.partition.at.topic);
                self.wishes.stale.push(topic);
            }
            if give_up {
                self.give_up_lane(number, &cause);
            } else {
                // Looked up anew: by then another broker may lead.
                self.list(number);
            }
        }
    }

    /// A broker gave this writer its identity.
    pub(crate) fn handle_identity(&mut self, id: i64, epoch: i16) {
        self.producer.handle_identity(id, epoch);
        self.list_unidentified();
    }

    /// No identity can be had now: what waits for one is given up.
    pub(crate) fn handle_no_identity(&mut self, cause: &Cause) {
        for number in std::mem::take(&mut self.unidentified) {
            if let Some(lane) = &mut self.lanes[number] {
                lane.unidentified = false;
            }
            self.give_up_lane(number, cause);
        }
    }

    /// Gives up what has waited too long, and looks again at what was to wait until now.
    pub(crate) fn handle_time(&mut self, now: Instant) {
        if self.tidy_at.take_if(|time| *time <= now).is_some() {
            self.shelf.pool.tidy();
        }
        while let Some(number) = self.next_due(now) {
            if let Some(lane) = &mut self.lanes[number] {
                lane.armed = None;
            }
            self.expire(number, now);
            self.list(number);
            self.arm_for_expiry(number, now);
        }
    }

    /// The next request, when one can go to a broker whose connection `is_open`.
    pub(crate) fn next_departure(
        &mut self,
        leaders: &impl Leaders,
        mut is_open: impl FnMut(BrokerId) -> bool,
        now: Instant,
    ) -> Option<Departure> {
        if self.tidy_at.is_none() && self.shelf.holds_much() {
            self.tidy_at = Some(now + BETWEEN_TIDYING);
        }
        self.place_lanes(leaders, now);
        self.seal_ahead(now);
        while let Some(broker) = self.plan.next_broker() {
            if !is_open(broker) {
                self.plan.handle_dialling(broker);
                self.wishes.dial.push(broker);
            } else if let Some(departure) = self.compose(broker, leaders, now) {
                return Some(departure);
            } else {
                // Those that were in line for the wrong broker.
                self.place_lanes(leaders, now);
            }
        }
        self.wishes.identity = self.producer.needs_identity() && !self.unidentified.is_empty();
        None
    }

    fn list(&mut self, number: usize) {
        if let Some(lane) = &mut self.lanes[number]
            && !lane.listed
        {
            lane.listed = true;
            self.plan.add(number);
        }
    }

    fn place_lanes(&mut self, leaders: &impl Leaders, now: Instant) {
        while let Some(number) = self.plan.take_unplaced() {
            let Some(lane) = &self.lanes[number] else {
                continue;
            };
            let at = &lane.partition.at;
            if is_replaced(&lane.partition, leaders) {
                self.unlist(number);
                self.give_up_lane(number, &Cause::TopicReplaced);
                continue;
            }
            let leader = leaders.leader(at).map(|(broker, _)| broker);
            if leader.is_none() {
                self.wishes.stale.push(Arc::clone(&at.topic));
            }
            self.plan.place(number, leader);
            // Nobody knows how long it stands in line: its broker may be out of reach, or silent.
            self.arm_for_expiry(number, now);
        }
    }

    /// Not in line any more, so that a batch that fails meanwhile can still be sent again under its old identity.
    fn await_identity(&mut self, number: usize) {
        if let Some(lane) = &mut self.lanes[number] {
            lane.listed = false;
            if !std::mem::replace(&mut lane.unidentified, true) {
                self.unidentified.push(number);
            }
        }
    }

    fn list_unidentified(&mut self) {
        for number in std::mem::take(&mut self.unidentified) {
            if let Some(lane) = &mut self.lanes[number] {
                lane.unidentified = false;
            }
            self.list(number);
        }
    }

    fn unlist(&mut self, number: usize) {
        if let Some(lane) = &mut self.lanes[number] {
            lane.listed = false;
        }
    }

    /// Takes out the first entry of the timers whose time has come.
    fn next_due(&mut self, now: Instant) -> Option<usize> {
        let (time, number) = *self.timers.first()?;
        (time <= now && self.timers.remove(&(time, number))).then_some(number)
    }

    /// Makes the timer look at a lane at `time`, or earlier.
    fn arm(&mut self, number: usize, time: Instant) {
        if let Some(lane) = &mut self.lanes[number]
            && lane.armed.is_none_or(|armed| time < armed)
        {
            if let Some(later) = lane.armed.replace(time) {
                self.timers.remove(&(later, number));
            }
            self.timers.insert((time, number));
        }
    }

    /// Makes the timer look when the lane's oldest batch expires; nothing to do while it looks earlier anyway.
    fn arm_for_expiry(&mut self, number: usize, now: Instant) {
        let Some(lane) = &self.lanes[number] else {
            return;
        };
        if lane.armed.is_some() {
            return;
        }
        let oldest = lane.flights.iter().find(|flight| flight.resolver.is_some());
        let timeout = self.rules.delivery_timeout;
        let expiry = match oldest {
            Some(flight) => Some(flight.expires),
            None => match lane.partition.queue().oldest() {
                Some(opened) => Some(opened + timeout),
                // What is opened behind a batch on the wire is not announced, and expires no earlier than this.
                None => (!lane.flights.is_empty()).then(|| now + timeout),
            },
        };
        if let Some(expiry) = expiry {
            self.arm(number, expiry);
        }
    }

    fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// Whether the topic was deleted and made again since the partition's queue was made.
fn is_replaced(partition: &Partition, leaders: &impl Leaders) -> bool {
    let id = leaders.topic_id(&partition.at.topic).unwrap_or_default();
    !id.is_nil() && !partition.topic_id.is_nil() && id != partition.topic_id
}

/// A writer that writes again within this time finds the buffers it needed before.
const BETWEEN_TIDYING: Duration = Duration::from_secs(5);
