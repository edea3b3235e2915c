//! The shelf between the application's threads and the sender: one queue per partition, each under its own short lock.

mod batch;
mod budget;
mod estimate;
mod pool;
mod queue;

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::BytesMut;
use ekafka_protocol::records::{BATCH_OVERHEAD, BatchBuilder, RecordData};
use ekafka_protocol::{EncodeError, StrBytes};
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::{Cause, TopicPartition};
use crate::outside::Outside;
use crate::partitioner::Sticky;
use crate::receipt::Receipt;
use crate::stats::TopicCounters;

pub(crate) use batch::OpenBatch;
pub(crate) use budget::{Budget, Permit};
use pool::LITTLE;
pub(crate) use pool::Pool;
pub(crate) use queue::{Patience, Queue, Shut, Taken};

/// All queues of a writer, what they may hold, and the buffers they reuse.
#[derive(Debug)]
pub(crate) struct Shelf {
    /// By name; replaced whole when a topic appears.
    topics: ArcSwap<HashMap<Arc<str>, Arc<Topic>>>,
    /// Taken to replace `topics` or a topic's partitions.
    changing: Mutex<()>,
    /// Lanes given to partitions so far.
    lanes: AtomicUsize,
    shut: AtomicBool,
    /// How long a batch waits behind others while every answer of late came from a long way off, in microseconds; else 0.
    pace: AtomicU32,
    /// Why the writer can do nothing any more, if it failed.
    failure: OnceLock<Cause>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) outside: Outside,
    pub(crate) limits: Limits,
}

/// Where batches end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes, before compression, at which a batch takes no more records.
    pub(crate) batch_bytes: usize,
    /// Bytes that a batch of one record may have.
    pub(crate) max_record: usize,
    /// Records at which a batch takes no more.
    pub(crate) batch_size: usize,
    /// The bound on a batch and on a record by kafka-go's estimate, where that decides.
    pub(crate) estimate: Option<usize>,
    pub(crate) patience: Patience,
    pub(crate) stretch: Option<Stretch>,
}

/// How far a batch may grow beyond the usual on a long way, while it could not leave anyway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    /// Bytes before compression.
    pub(crate) bytes: usize,
    /// Batches of a partition in flight behind which another cannot leave.
    pub(crate) behind: usize,
}

/// A topic that records are written to.
#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) name: Arc<str>,
    /// All zero where the brokers are too old for topic ids.
    pub(crate) id: Uuid,
    pub(crate) sticky: Sticky,
    /// Whether another of that name has taken its place.
    replaced: AtomicBool,
    /// As first known.
    partitions: Partitions,
}

/// The partitions of a topic, by their numbers.
#[derive(Debug)]
pub(crate) struct Partitions {
    pub(crate) list: Vec<Arc<Partition>>,
    /// The numbers alone, for balancers.
    pub(crate) ids: Vec<i32>,
    /// All of them and more, once the topic was widened. A link that is followed costs a record less than a snapshot
    /// that is borrowed, and topics are widened too seldom for a long chain.
    wider: OnceLock<Box<Self>>,
}

/// A partition and its queue.
#[derive(Debug)]
pub(crate) struct Partition {
    /// Index of its lane in the sender.
    pub(crate) lane: usize,
    pub(crate) at: TopicPartition,
    /// The topic's name in the form that messages take without a copy.
    pub(crate) name: StrBytes,
    pub(crate) topic_id: Uuid,
    pub(crate) counters: TopicCounters,
    queue: Mutex<Queue>,
}

/// What became of a record that was offered to a queue.
#[derive(Debug)]
pub(crate) enum Offer {
    /// It is in the open batch, at this index.
    Accepted(u32),
    /// So many bytes of the budget have to be taken first.
    NoRoom(usize),
    TooLarge {
        size: usize,
        limit: usize,
    },
    Shut(Shut),
    Invalid(EncodeError),
}

impl Shelf {
    pub(crate) fn new(limits: Limits, buffer_memory: usize) -> Self {
        Self {
            topics: ArcSwap::default(),
            changing: Mutex::default(),
            lanes: AtomicUsize::new(0),
            shut: AtomicBool::new(false),
            pace: AtomicU32::new(0),
            failure: OnceLock::new(),
            budget: Budget::new(buffer_memory),
            // Not all that batches may have: a small batch in a large buffer counts as a large one.
            pool: Arc::new(Pool::new(buffer_memory / 2)),
            outside: Outside::default(),
            limits,
        }
    }

    pub(crate) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics.load().get(name).map(Arc::clone)
    }

    /// The topic with that many partitions; made, widened or replaced as the cluster says. Partitions never go away.
    pub(crate) fn set_topic(&self, name: &str, id: Uuid, partitions: usize) -> Arc<Topic> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.topic(name);
        let topic = match known {
            Some(topic) if topic.is_same(id) => topic,
            replaced => {
                let name = Arc::from(name);
                let topic = Arc::new(Topic {
                    partitions: self.more_partitions(&name, id, &[], partitions),
                    name,
                    id,
                    sticky: Sticky::default(),
                    replaced: AtomicBool::new(false),
                });
                let mut topics = HashMap::clone(&self.topics.load());
                topics.insert(Arc::clone(&topic.name), Arc::clone(&topic));
                self.topics.store(Arc::new(topics));
                if let Some(old) = replaced {
                    old.replaced.store(true, Ordering::Release);
                    old.each_queue(|queue| queue.set_shut(Shut::Replaced));
                }
                topic
            }
        };
        let known = topic.partitions();
        if known.list.len() < partitions {
            let wider = self.more_partitions(&topic.name, topic.id, &known.list, partitions);
            // Only one thread at a time changes a topic, and nobody else follows the last one known.
            let _ = known.wider.set(Box::new(wider));
        }
        topic
    }

    /// Appends to the partition's open batch, opening the next one when it is full. `paid` is room taken before, and is
    /// used up first.
    #[inline]
    pub(crate) fn offer(
        &self,
        partition: &Partition,
        queue: &mut Queue,
        record: &RecordData<'_>,
        paid: &mut Option<Permit>,
        clock: impl Fn() -> Instant,
    ) -> Offer {
        if self.limits.estimate.is_none()
            && let Some(index) = queue.append(record, self.limits.batch_size)
        {
            return Offer::Accepted(index);
        }
        self.offer_otherwise(partition, queue, record, paid, clock)
    }

    /// What most records need not: another batch, more room, an estimate, a refusal.
    #[inline(never)]
    fn offer_otherwise(
        &self,
        partition: &Partition,
        queue: &mut Queue,
        record: &RecordData<'_>,
        paid: &mut Option<Permit>,
        clock: impl Fn() -> Instant,
    ) -> Offer {
        let mut estimated = 0;
        if let Some(limit) = self.limits.estimate {
            estimated = estimate::estimate(record);
            if estimated > limit {
                return Offer::TooLarge {
                    size: estimated,
                    limit,
                };
            }
            if queue
                .open()
                .is_some_and(|open| open.estimated() + estimated > limit)
            {
                queue.close_open();
            }
        }
        loop {
            if let Some(shut) = queue.shut() {
                return Offer::Shut(shut);
            }
            let Some(open) = queue.open() else {
                match self.open_batch(partition, queue, record, paid, &clock) {
                    Ok(()) => continue,
                    Err(offer) => return offer,
                }
            };
            match open.append(record) {
                Ok(true) => {
                    let index = open.count() - 1;
                    if let Some(limit) = self.limits.estimate {
                        open.add_estimate(estimated, limit);
                    }
                    if open.is_full(self.limits.batch_size) {
                        queue.close_open();
                    }
                    return Offer::Accepted(index as u32);
                }
                Ok(false) => {}
                Err(error) => return Offer::Invalid(error),
            }
            let Some(bytes) = open.room_wanted(record) else {
                if !self.stretch(queue) {
                    queue.close_open();
                }
                continue;
            };
            match self.pay(bytes, paid) {
                Some(permit) => open.add_room(permit),
                None => return Offer::NoRoom(bytes),
            }
        }
    }

    /// Lets a full batch grow on if it has to wait and the way is long: what a round trip carries is bounded by the number
    /// of batches.
    fn stretch(&self, queue: &mut Queue) -> bool {
        match self.limits.stretch {
            Some(stretch) if self.pace.load(Ordering::Relaxed) > 0 => queue.stretch(stretch),
            _ => false,
        }
    }

    /// When a batch that is not full goes out, as far away as the brokers are.
    #[inline]
    pub(crate) fn patience(&self) -> Patience {
        match (self.limits.patience, self.pace.load(Ordering::Relaxed)) {
            (Patience::Adaptive, pace) if pace > 0 => {
                Patience::Paced(Duration::from_micros(pace.into()))
            }
            (patience, _) => patience,
        }
    }

    /// The way is so long that a batch goes out that long after its first record; `None` when it is not.
    pub(crate) fn set_pace(&self, pace: Option<Duration>) {
        let micros = pace.map_or(0, |pace| {
            u32::try_from(pace.as_micros()).unwrap_or(u32::MAX)
        });
        self.pace.store(micros, Ordering::Relaxed);
    }

    /// Appends what fits of `records` to the batch that is open, without opening another; says how many records it took.
    /// The next one, if any, is for [`offer`](Self::offer), as are all where kafka-go's estimate ends batches.
    #[inline]
    pub(crate) fn offer_all<'a>(
        &self,
        queue: &mut Queue,
        records: impl Iterator<Item = RecordData<'a>>,
    ) -> usize {
        if queue.shut().is_some() || self.limits.estimate.is_some() {
            return 0;
        }
        let Some(open) = queue.open() else { return 0 };
        let count = open.append_all(records, self.limits.batch_size);
        if open.is_full(self.limits.batch_size) {
            queue.close_open();
        }
        count
    }

    /// Whether batches, or buffers kept for them, have so much memory that some may have to be given back.
    pub(crate) fn holds_much(&self) -> bool {
        self.budget.in_use() > LITTLE as u64 || self.pool.bytes() > LITTLE
    }

    /// Refuses everything from now on, in every queue; what is buffered stays.
    pub(crate) fn shut(&self) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.shut.store(true, Ordering::Release);
        self.each_topic(|topic| topic.each_queue(|queue| queue.set_shut(Shut::Writer)));
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::Acquire)
    }

    /// Like [`shut`](Self::shut), telling later callers why.
    pub(crate) fn fail(&self, cause: Cause) {
        // A second failure changes nothing.
        let _ = self.failure.set(cause);
        self.shut();
    }

    pub(crate) fn failure(&self) -> Option<&Cause> {
        self.failure.get()
    }

    pub(crate) fn each_topic(&self, action: impl FnMut(&Arc<Topic>)) {
        self.topics.load().values().for_each(action);
    }

    /// The partitions in `known`, and new ones up to that many.
    fn more_partitions(
        &self,
        topic: &Arc<str>,
        topic_id: Uuid,
        known: &[Arc<Partition>],
        count: usize,
    ) -> Partitions {
        let name = match known.first() {
            Some(first) => first.name.clone(),
            None => StrBytes::from_string(topic.to_string()),
        };
        let counters = match known.first() {
            Some(first) => first.counters.clone(),
            None => self.outside.counters.of_topic(topic),
        };
        let mut list = known.to_vec();
        for number in list.len()..count {
            let mut queue = Queue::default();
            if self.is_shut() {
                queue.set_shut(Shut::Writer);
            }
            list.push(Arc::new(Partition {
                lane: self.lanes.fetch_add(1, Ordering::Relaxed),
                at: TopicPartition {
                    topic: Arc::clone(topic),
                    partition: number as i32,
                },
                name: name.clone(),
                topic_id,
                counters: counters.clone(),
                queue: Mutex::new(queue),
            }));
        }
        let ids = list
            .iter()
            .map(|partition| partition.at.partition)
            .collect();
        Partitions {
            list,
            ids,
            wider: OnceLock::new(),
        }
    }

    fn open_batch(
        &self,
        partition: &Partition,
        queue: &mut Queue,
        record: &RecordData<'_>,
        paid: &mut Option<Permit>,
        clock: impl Fn() -> Instant,
    ) -> Result<(), Offer> {
        let mut size = size_bound(record);
        if size > self.limits.max_record {
            size = exact_size(record);
            if size > self.limits.max_record {
                return Err(Offer::TooLarge {
                    size,
                    limit: self.limits.max_record,
                });
            }
        }
        let least = size.max(FIRST_ROOM.min(self.limits.batch_bytes));
        let mut buffer = self.pool.take();
        let wanted = least.max(buffer.capacity());
        let permit = match self.pay(wanted, paid) {
            Some(permit) => permit,
            None => {
                self.pool.put(mem::take(&mut buffer));
                // Who has waited must not wait again because a larger buffer has come back meanwhile.
                let enough = paid.take_if(|permit| permit.bytes() >= least);
                enough.ok_or(Offer::NoRoom(wanted))?
            }
        };
        // A buffer keeps the length of its last batch, and `reserve` counts from there.
        buffer.reserve(least.saturating_sub(buffer.len()));
        let (_, mut resolver) = Receipt::new(partition.at.clone());
        resolver.set_teller(self.outside.teller.clone());
        let limit = self.limits.batch_bytes.max(size);
        queue.set_open(OpenBatch::new(buffer, resolver, permit, limit, clock()));
        Ok(())
    }

    /// Room from what was paid before, if it is enough, else from the budget without waiting.
    fn pay(&self, bytes: usize, paid: &mut Option<Permit>) -> Option<Permit> {
        match paid.take() {
            Some(permit) if permit.bytes() >= bytes || self.budget.is_whole(&permit) => {
                Some(permit)
            }
            other => {
                *paid = other;
                self.budget.try_take(bytes)
            }
        }
    }
}

impl Topic {
    #[inline]
    pub(crate) fn partitions(&self) -> &Partitions {
        let mut widest = &self.partitions;
        while let Some(wider) = widest.wider.get() {
            widest = wider;
        }
        widest
    }

    pub(crate) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    /// Whether an id seen in metadata is this topic's; brokers too old for ids say zero.
    fn is_same(&self, id: Uuid) -> bool {
        self.id == id || self.id.is_nil() || id.is_nil()
    }

    fn each_queue(&self, mut action: impl FnMut(&mut Queue)) {
        for partition in &self.partitions().list {
            action(&mut partition.queue());
        }
    }
}

impl Partition {
    /// Locks the queue, for a few instructions: never across an await, and with no second lock of the writer's.
    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        // A queue is consistent between calls of its methods, none of which runs the application's code.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of a batch with this record alone, or a few more.
fn size_bound(record: &RecordData<'_>) -> usize {
    let field = |bytes: Option<&[u8]>| LONGEST_LENGTH + bytes.map_or(0, <[u8]>::len);
    let headers = record.headers.iter();
    let headers = headers.map(|header| LONGEST_LENGTH + header.key.len() + field(header.value));
    BATCH_OVERHEAD + FIXED_BOUND + field(record.key) + field(record.value) + headers.sum::<usize>()
}

fn exact_size(record: &RecordData<'_>) -> usize {
    BATCH_OVERHEAD + BatchBuilder::new(BytesMut::new()).encoded_len(record)
}

/// A length as a varint of 32 bits.
const LONGEST_LENGTH: usize = 5;

/// Length, attributes, timestamp delta of the first record, offset delta of the first record, header count.
const FIXED_BOUND: usize = LONGEST_LENGTH + 1 + 1 + 1 + LONGEST_LENGTH;

/// Room a batch starts with; doubled as it fills. A burst of small batches over many partitions stays small so.
const FIRST_ROOM: usize = 16 * 1024;
