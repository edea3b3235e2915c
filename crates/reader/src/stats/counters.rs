//! Where the rooms of a reader count what they do, without a lock and once per batch or answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use ekafka_conn::Summary;
use metrics::{Counter, counter};

use super::ReaderStats;
use crate::inbox::FetchedChunk;
use crate::lane::Lane;

/// The counters of one reader.
#[derive(Debug)]
pub(crate) struct Counters {
    client_id: String,
    dials: Total,
    fetches: Total,
    fetched_bytes: Total,
    received_bytes: Total,
    rebalances: Total,
    timeouts: Total,
    errors: Total,
    /// Of all topics; the metrics of each topic are with [`Gauges`].
    messages: AtomicU64,
    bytes: AtomicU64,
    batches: AtomicU64,
    dial_time: Summary,
    read_time: Summary,
    wait_time: Summary,
    fetch_size: Summary,
    fetch_bytes: Summary,
    /// Where what was handed out last ended; -1 before.
    offset: AtomicI64,
    lag: AtomicI64,
    /// The lane that it was of; 0 before.
    lane: AtomicU64,
}

/// A number since the last snapshot, and the metric that only goes up.
struct Total {
    since: AtomicU64,
    metric: Counter,
}

impl std::fmt::Debug for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.since.fmt(f)
    }
}

impl Total {
    fn new(metric: Counter) -> Self {
        let since = AtomicU64::new(0);
        Self { since, metric }
    }

    fn add(&self, count: u64) {
        self.since.fetch_add(count, Ordering::Relaxed);
        self.metric.increment(count);
    }

    fn take(&self) -> u64 {
        self.since.swap(0, Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn new(client_id: &str) -> Self {
        let total =
            |name: &'static str| Total::new(counter!(name, "client_id" => client_id.to_owned()));
        Self {
            client_id: client_id.to_owned(),
            dials: total("ekafka_reader_dials_total"),
            fetches: total("ekafka_reader_fetches_total"),
            fetched_bytes: total("ekafka_reader_fetched_bytes_total"),
            received_bytes: total("ekafka_reader_received_bytes_total"),
            rebalances: total("ekafka_reader_rebalances_total"),
            timeouts: total("ekafka_reader_timeouts_total"),
            errors: total("ekafka_reader_errors_total"),
            messages: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            dial_time: Summary::default(),
            read_time: Summary::default(),
            wait_time: Summary::default(),
            fetch_size: Summary::default(),
            fetch_bytes: Summary::default(),
            offset: AtomicI64::new(-1),
            lag: AtomicI64::new(0),
            lane: AtomicU64::new(0),
        }
    }

    /// A connection to fetch was opened, or failed to.
    pub(crate) fn note_dial(&self, took: Duration) {
        self.dials.add(1);
        self.dial_time.note_time(took);
    }

    /// An answer of `received` bytes of records with these chunks came after `waited`; the broker could have waited for
    /// `longest`.
    pub(crate) fn note_fetch(
        &self,
        received: u64,
        chunks: &[FetchedChunk],
        waited: Duration,
        longest: Duration,
    ) {
        self.fetches.add(1);
        self.received_bytes.add(received);
        self.wait_time.note_time(waited);
        if chunks.is_empty() && waited >= longest {
            self.timeouts.add(1);
        }
        for chunk in chunks {
            let bytes = chunk.records.len() as u64;
            self.fetched_bytes.add(bytes);
            self.fetch_bytes.note(bytes);
            self.fetch_size.note(survey(&chunk.records).0);
        }
    }

    /// So long it took to put an answer in line.
    pub(crate) fn note_read(&self, took: Duration) {
        self.read_time.note_time(took);
    }

    pub(crate) fn note_rebalance(&self) {
        self.rebalances.add(1);
    }

    pub(crate) fn note_error(&self) {
        self.errors.add(1);
    }

    /// The tag of the lane that was handed out last, and where that ended.
    pub(crate) fn last_read(&self) -> (u64, i64) {
        let lane = self.lane.load(Ordering::Relaxed);
        (lane, self.offset.load(Ordering::Relaxed))
    }

    /// How far the reader is behind, as leaders said.
    pub(crate) fn note_lag(&self, lag: i64) {
        self.lag.store(lag, Ordering::Relaxed);
    }

    pub(crate) fn lag(&self) -> i64 {
        self.lag.load(Ordering::Relaxed)
    }

    /// Takes the counts; what is not counted is left at its default.
    pub(crate) fn take(&self) -> ReaderStats {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        ReaderStats {
            dials: self.dials.take(),
            fetches: self.fetches.take(),
            messages: take(&self.messages),
            bytes: take(&self.bytes),
            rebalances: self.rebalances.take(),
            timeouts: self.timeouts.take(),
            errors: self.errors.take(),
            dial_time: self.dial_time.take_times(),
            read_time: self.read_time.take_times(),
            wait_time: self.wait_time.take_times(),
            fetch_size: self.fetch_size.take(),
            fetch_bytes: self.fetch_bytes.take(),
            offset: self.offset.load(Ordering::Relaxed),
            lag: self.lag.load(Ordering::Relaxed),
            batches: take(&self.batches),
            fetched_bytes: self.fetched_bytes.take(),
            received_bytes: self.received_bytes.take(),
            ..ReaderStats::default()
        }
    }
}

/// What one owner of chunks has handed out since it last told the counters.
#[derive(Debug)]
pub(crate) struct Gauges {
    counters: Arc<Counters>,
    topics: HashMap<Arc<str>, TopicMetrics>,
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub(crate) batches: u64,
}

struct TopicMetrics {
    messages: Counter,
    bytes: Counter,
}

impl std::fmt::Debug for TopicMetrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TopicMetrics")
    }
}

impl Gauges {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self {
            counters,
            topics: HashMap::new(),
            messages: 0,
            bytes: 0,
            batches: 0,
        }
    }

    /// Adds what was handed out of a lane, up to `offset`, to the reader's counters.
    pub(crate) fn flush(&mut self, lane: &Lane, offset: i64) {
        let (messages, bytes) = (self.messages, self.bytes);
        if messages == 0 && self.batches == 0 {
            return;
        }
        (self.messages, self.bytes) = (0, 0);
        let counters = &self.counters;
        counters.messages.fetch_add(messages, Ordering::Relaxed);
        counters.bytes.fetch_add(bytes, Ordering::Relaxed);
        let batches = std::mem::take(&mut self.batches);
        counters.batches.fetch_add(batches, Ordering::Relaxed);
        counters.offset.store(offset, Ordering::Relaxed);
        counters.lag.store(lane.lag(offset), Ordering::Relaxed);
        counters.lane.store(lane.tag, Ordering::Relaxed);
        let topic = &lane.partition().topic;
        if !self.topics.contains_key(topic) {
            let total = |name: &'static str| {
                let client_id = counters.client_id.clone();
                counter!(name, "client_id" => client_id, "topic" => topic.to_string())
            };
            let metrics = TopicMetrics {
                messages: total("ekafka_reader_messages_total"),
                bytes: total("ekafka_reader_bytes_total"),
            };
            self.topics.insert(Arc::clone(topic), metrics);
        }
        if let Some(metrics) = self.topics.get(topic) {
            metrics.messages.increment(messages);
            metrics.bytes.increment(bytes);
        }
    }
}

/// Records in whole batches, by the counts in their headers, and whether any batch is compressed. A message of an
/// old format counts as one.
///
/// ```text
/// all formats   8 length i32 (bytes after it)   16 magic i8
/// formats 0, 1  17 attributes i8, the codec in its low bits
/// format 2      21 attributes i16, the codec in its low bits   57 count i32
/// ```
pub(crate) fn survey(records: &[u8]) -> (u64, bool) {
    let (mut count, mut is_packed) = (0, false);
    let mut rest = records;
    while let Some(length) = rest.get(8..12).and_then(|bytes| bytes.first_chunk()) {
        let length = i32::from_be_bytes(*length).max(0).unsigned_abs() as usize;
        let Some((batch, after)) = rest.split_at_checked(length.saturating_add(12)) else {
            break;
        };
        let is_set = batch.get(16).is_none_or(|magic| *magic < 2);
        let attributes = batch.get(if is_set { 17 } else { 22 });
        is_packed |= attributes.is_some_and(|low| low & CODEC_BITS != 0);
        let in_batch = batch.get(57..61).and_then(|bytes| bytes.first_chunk());
        count += match in_batch {
            Some(in_batch) if !is_set => {
                u64::from(i32::from_be_bytes(*in_batch).max(0).unsigned_abs())
            }
            _ => 1,
        };
        rest = after;
    }
    (count, is_packed)
}

/// The bits of a batch's attributes that name its codec.
const CODEC_BITS: u8 = 7;
