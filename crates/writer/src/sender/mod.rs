//! The sender: takes ready batches from the shelf, sends them, and resolves their receipts.
//!
//! Its state ([`Core`]) is a value that one thread at a time takes from the desk, works with and puts back: the caller
//! whose record made a batch ready, the connection that read an answer, or the sender's own task, which waits for what
//! takes time (timers, dials, metadata, the producer identity). So an idle writer sends without waking anyone. Whoever
//! finds the state taken leaves its event in the inbox, which is empty again before the state is put back.

mod core;
mod identity;
mod in_flight;
mod outcome;
mod plan;
mod press;
mod sequence;
mod task;
mod way;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ekafka_conn::{
    BrokerId, Cluster, ClusterView, ConnError, Connection, HostPort, LeaderEpoch, LeaderHint,
    Purpose, Refresh,
};
use ekafka_protocol::messages::{
    PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData, TopicProduceResponse,
};
use ekafka_protocol::records::SealedBatch;
use ekafka_protocol::{EncodeError, ErrorCode, Uuid};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use crate::accumulator::{Partition, Shelf};
use crate::error::{Cause, TopicPartition, Undelivered};

pub(crate) use self::core::Rules;
use self::core::{Cargo, Core, Departure, Job, Leaders, Wishes};
pub(crate) use self::in_flight::Flight;
use self::press::Press;

/// What the threads that take turns at sending share.
#[derive(Debug)]
pub(crate) struct Sender {
    desk: Mutex<Desk>,
    rules: Rules,
    cluster: Cluster,
    pub(crate) shelf: Arc<Shelf>,
    press: Press,
    /// Wakes the task: there are wishes, or an earlier alarm.
    wake: Notify,
}

#[derive(Debug)]
struct Desk {
    /// What has happened and nobody has looked at.
    inbox: Vec<Event>,
    /// Absent while a thread works with it.
    core: Option<Box<Core>>,
    /// An emptied inbox, kept for its memory.
    spare: Vec<Event>,
    /// What the task is to do.
    wishes: Wishes,
    /// When the task is to say that time has passed.
    alarm: Option<Instant>,
    /// Nothing is sent any more; the task ends.
    ended: bool,
}

/// Something that the sender's state has to know.
#[derive(Debug)]
pub(crate) enum Event {
    /// A queue may have something to send.
    Ready(Arc<Partition>),
    /// A caller waits for room.
    Contention,
    Answer {
        request: u64,
        result: Result<ProduceResponse, ConnError>,
    },
    /// A request without an answer has left, or not.
    Written {
        request: u64,
        result: Result<(), ConnError>,
    },
    View,
    Time,
    /// A batch was compressed, or could not be.
    Sealed {
        lane: usize,
        flight: u64,
        result: Result<SealedBatch, EncodeError>,
    },
    Dialled {
        broker: BrokerId,
        error: Option<ConnError>,
    },
    Identity {
        id: i64,
        epoch: i16,
    },
    NoIdentity {
        cause: Cause,
        fatal: bool,
    },
    /// The end: what has no outcome yet gets one.
    Abandon(Option<oneshot::Sender<Undelivered>>),
}

impl Sender {
    /// Makes the sender and starts its task.
    pub(crate) fn start(rules: Rules, cluster: Cluster, shelf: Arc<Shelf>) -> Arc<Self> {
        let core = Core::new(rules.clone(), Arc::clone(&shelf));
        let sender = Arc::new(Self {
            desk: Mutex::new(Desk {
                inbox: Vec::new(),
                core: Some(Box::new(core)),
                spare: Vec::new(),
                wishes: Wishes::default(),
                alarm: None,
                ended: false,
            }),
            rules,
            cluster,
            shelf,
            press: Press::new(),
            wake: Notify::new(),
        });
        #[expect(
            clippy::disallowed_methods,
            reason = "the sender's task: one per writer"
        )]
        tokio::spawn(task::run(Arc::clone(&sender)));
        sender
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Hands an event over, and works on it right away unless another thread is at it.
    pub(crate) fn post(self: &Arc<Self>, event: Event) {
        self.post_all(std::iter::once(event));
    }

    /// Like [`post`](Self::post) for several queues at once, so that their batches share requests. Empties the list.
    pub(crate) fn post_ready(self: &Arc<Self>, ready: &mut Vec<Arc<Partition>>) {
        if !ready.is_empty() {
            self.post_all(ready.drain(..).map(Event::Ready));
        }
    }

    fn post_all(self: &Arc<Self>, events: impl Iterator<Item = Event>) {
        let core = {
            let mut desk = self.desk();
            desk.inbox.extend(events);
            desk.core.take()
        };
        if let Some(core) = core {
            Turn {
                sender: self,
                core: Some(core),
                events: Vec::new(),
                jobs: Vec::new(),
            }
            .work();
        }
    }

    /// What the task is to do now, and when to come back.
    fn take_orders(&self) -> (Wishes, Option<Instant>, bool) {
        let mut desk = self.desk();
        (std::mem::take(&mut desk.wishes), desk.alarm, desk.ended)
    }

    /// Encodes and enqueues a request; on an idle connection its bytes leave before this returns.
    fn send(self: &Arc<Self>, connection: &Connection, departure: &mut Departure, now: Instant) {
        let request = departure.request;
        let message = self.request(&mut departure.batches);
        let deadline = now + self.rules.request_timeout;
        let sender = Arc::clone(self);
        if self.rules.acks == 0 {
            connection.enqueue_no_reply(&message, deadline, move |result| {
                sender.post(Event::Written { request, result });
            });
        } else {
            connection.enqueue(&message, deadline, move |result| {
                sender.post(Event::Answer { request, result });
            });
        }
    }

    fn request(&self, batches: &mut Vec<Cargo>) -> ProduceRequest {
        let mut topic_data: Vec<TopicProduceData> = Vec::new();
        let count = batches.len();
        for cargo in batches.drain(..) {
            let partition = &cargo.partition;
            let data = PartitionProduceData {
                index: partition.at.partition,
                records: Some(cargo.bytes),
            };
            let same = topic_data
                .iter_mut()
                .rev()
                .find(|topic| topic.name == partition.name);
            match same {
                Some(topic) => topic.partition_data.push(data),
                None => {
                    let mut partition_data = Vec::with_capacity(count);
                    partition_data.push(data);
                    topic_data.push(TopicProduceData {
                        name: partition.name.clone(),
                        topic_id: partition.topic_id,
                        partition_data,
                    });
                }
            }
        }
        let timeout_ms = i32::try_from(self.rules.request_timeout.as_millis()).unwrap_or(i32::MAX);
        ProduceRequest {
            transactional_id: None,
            acks: self.rules.acks,
            timeout_ms,
            topic_data,
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        // Nothing that can panic runs under this lock.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread's time with the state. Ends with the state back on the desk, also when a bug made it panic: then the state
/// is gone, and with it every batch that it held, which tells their receipts.
struct Turn<'a> {
    sender: &'a Arc<Sender>,
    core: Option<Box<Core>>,
    events: Vec<Event>,
    /// Batches to be compressed once the state is back on the desk.
    jobs: Vec<Job>,
}

impl Turn<'_> {
    fn work(mut self) {
        loop {
            self.work_with_core();
            if !self.press() {
                return;
            }
        }
    }

    /// Does what there is to do with the state, and puts it back.
    fn work_with_core(&mut self) {
        while self.next_events() {
            let Some(core) = &mut self.core else { return };
            let sender = self.sender;
            let now = Instant::now();
            let view = sender.cluster.view();
            let leaders = Known(&view);
            for event in self.events.drain(..) {
                handle(sender, core, event, &leaders, now);
            }
            let mut connection = None;
            loop {
                let is_open = |broker| {
                    connection = sender.cluster.ready_connection(broker, Purpose::Produce);
                    connection.is_some()
                };
                let Some(mut departure) = core.next_departure(&leaders, is_open, now) else {
                    break;
                };
                if let Some(connection) = &connection {
                    sender.send(connection, &mut departure, now);
                }
                core.reuse(departure.batches);
            }
        }
    }

    /// Sees to the batches to be compressed, and takes the state to send them, if it is there and there is something to send.
    fn press(&mut self) -> bool {
        let sender = self.sender;
        let compression = sender.rules.compression;
        let mut any = false;
        for job in self.jobs.drain(..) {
            if press::is_small(&job, compression) {
                let event = press::press(job, compression, sender.shelf.pool.take());
                sender.desk().inbox.push(event);
                any = true;
            } else {
                sender.press.submit(sender, job);
            }
        }
        if any {
            self.core = sender.desk().core.take();
        }
        self.core.is_some()
    }

    /// Takes what is in the inbox; with nothing in there, puts the state back and is done.
    fn next_events(&mut self) -> bool {
        let Some(core) = &mut self.core else {
            return false;
        };
        let mut wishes = core.take_wishes();
        let stale = std::mem::take(&mut wishes.stale);
        let alarm = core.next_alarm();
        for topic in &stale {
            self.sender
                .cluster
                .invalidate(Refresh::Topic(Arc::clone(topic)));
        }
        let mut desk = self.sender.desk();
        let mut wake = !wishes.dial.is_empty() || wishes.identity;
        desk.wishes.dial.append(&mut wishes.dial);
        // The newest turn knows best: what was wished for before may have come meanwhile.
        desk.wishes.identity = wishes.identity;
        if alarm.is_some() && (desk.alarm.is_none() || alarm < desk.alarm) {
            wake = true;
        }
        desk.alarm = alarm;
        let more = !desk.inbox.is_empty();
        if more {
            let spare = std::mem::take(&mut desk.spare);
            self.events = std::mem::replace(&mut desk.inbox, spare);
        } else {
            core.swap_jobs(&mut self.jobs);
            desk.spare = std::mem::take(&mut self.events);
            desk.core = self.core.take();
        }
        drop(desk);
        if wake {
            self.sender.wake.notify_one();
        }
        more
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let Some(core) = self.core.take() else { return };
        // Only a panic leads here. No record may wait for a state that nobody can trust: a new one ends everything.
        tracing::error!("the sender failed by a bug; the writer is of no use any more");
        drop(core);
        let mut core = Core::new(self.sender.rules.clone(), Arc::clone(&self.sender.shelf));
        core.fail(Cause::Closed);
        let mut desk = self.sender.desk();
        desk.core = Some(Box::new(core));
        desk.ended = true;
        drop(desk);
        self.sender.wake.notify_one();
    }
}

fn handle(sender: &Arc<Sender>, core: &mut Core, event: Event, leaders: &Known<'_>, now: Instant) {
    match event {
        Event::Ready(partition) => core.handle_ready(&partition),
        Event::Contention => core.handle_contention(),
        Event::Answer {
            request,
            result: Ok(answer),
        } => {
            learn_leaders(sender, &answer);
            core.handle_answer(request, &answer, leaders, now);
        }
        Event::Answer {
            request,
            result: Err(error),
        }
        | Event::Written {
            request,
            result: Err(error),
        } => {
            core.handle_failure(request, &error, leaders, now);
        }
        Event::Written {
            request,
            result: Ok(()),
        } => core.handle_written(request, now),
        Event::View => {
            widen_topics(&sender.shelf, leaders.0);
            core.handle_view(leaders, now);
        }
        Event::Time => core.handle_time(now),
        Event::Sealed {
            lane,
            flight,
            result,
        } => core.handle_sealed(lane, flight, result),
        Event::Dialled { broker, error } => {
            let hopeless = error.as_ref().is_some_and(|error| !error.is_retriable());
            core.handle_dialled(
                broker,
                error.map(|error| Cause::Connection(Arc::new(error))),
                hopeless,
            );
        }
        Event::Identity { id, epoch } => core.handle_identity(id, epoch),
        Event::NoIdentity { cause, fatal: true } => core.fail(cause),
        Event::NoIdentity {
            cause,
            fatal: false,
        } => core.handle_no_identity(&cause),
        Event::Abandon(tell) => {
            let abandoned = core.abandon();
            sender.desk().ended = true;
            sender.wake.notify_one();
            if let Some(tell) = tell {
                // Whoever asked may have given up waiting.
                let _ = tell.send(abandoned);
            }
        }
    }
}

/// Tells the cluster where a refused batch should have gone, if the broker said (KIP-951).
fn learn_leaders(sender: &Sender, answer: &ProduceResponse) {
    for topic in &answer.responses {
        for partition in &topic.partition_responses {
            if partition.error_code == ErrorCode::NONE {
                continue;
            }
            let Some(leader) = partition.current_leader else {
                continue;
            };
            if leader.leader_id < 0 {
                continue;
            }
            let Some(name) = topic_name(sender, topic) else {
                continue;
            };
            let node = answer
                .node_endpoints
                .iter()
                .find(|node| node.node_id == leader.leader_id);
            let address = node
                .and_then(|node| Some(HostPort::new(&*node.host, u16::try_from(node.port).ok()?)));
            sender.cluster.invalidate(Refresh::Leader(LeaderHint {
                topic: name,
                partition: partition.index,
                leader: BrokerId(leader.leader_id),
                leader_epoch: LeaderEpoch(leader.leader_epoch),
                address,
            }));
        }
    }
}

/// The name of a topic in an answer, which newer versions give by id alone.
fn topic_name(sender: &Sender, topic: &TopicProduceResponse) -> Option<Arc<str>> {
    if topic.name.is_empty() {
        let view = sender.cluster.view();
        return Some(Arc::clone(&view.topic_by_id(topic.topic_id)?.name));
    }
    Some(Arc::from(&*topic.name))
}

/// Makes queues for partitions that were added, and new ones for topics that were made anew.
fn widen_topics(shelf: &Shelf, view: &ClusterView) {
    let mut topics = Vec::new();
    shelf.each_topic(|topic| topics.push(Arc::clone(topic)));
    for topic in topics {
        // A topic without partitions has nowhere to put a record; the answer that gives some comes later.
        if let Some(known) = view.topic(&topic.name)
            && !known.partitions.is_empty()
        {
            shelf.set_topic(&topic.name, known.id, known.partitions.len());
        }
    }
}

/// The cluster's view, as the sender asks it.
struct Known<'a>(&'a ClusterView);

impl Leaders for Known<'_> {
    fn leader(&self, at: &TopicPartition) -> Option<(BrokerId, i32)> {
        let (broker, epoch) = self.0.leader(&at.topic, at.partition)?;
        Some((broker, epoch.0))
    }

    fn topic_id(&self, topic: &str) -> Option<Uuid> {
        let known = self.0.topic(topic)?;
        (!known.partitions.is_empty()).then_some(known.id)
    }
}
