//! Where the rooms of a writer count what they do: once per batch or request, without a lock.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ekafka_conn::Summary;
use metrics::{Counter, counter};

use super::WriterStats;

/// The counters of one writer.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    client_id: String,
    writes: AtomicU64,
    messages: AtomicU64,
    bytes: AtomicU64,
    errors: Total,
    retries: Total,
    requests: Total,
    sent_bytes: Total,
    dials: Total,
    /// Of all topics; the metrics of each topic are in [`TopicCounters`].
    failed: AtomicU64,
    batch_time: Summary,
    queue_time: Summary,
    write_time: Summary,
    wait_time: Summary,
    dial_time: Summary,
    batch_size: Summary,
    batch_bytes: Summary,
}

/// A batch that is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    pub(crate) records: usize,
    /// Before compression.
    pub(crate) bytes: usize,
    /// As sent.
    pub(crate) sent_bytes: usize,
    /// Since its first record was accepted; `None` when it is sent again.
    pub(crate) age: Option<Duration>,
}

/// A number since the last snapshot, and the metric that only goes up.
struct Total {
    since: AtomicU64,
    metric: Counter,
}

impl Total {
    fn add(&self, count: u64) {
        self.since.fetch_add(count, Ordering::Relaxed);
        self.metric.increment(count);
    }

    fn take(&self) -> u64 {
        self.since.swap(0, Ordering::Relaxed)
    }
}

impl Default for Total {
    /// Counts for snapshots alone.
    fn default() -> Self {
        Self {
            since: AtomicU64::new(0),
            metric: Counter::noop(),
        }
    }
}

impl fmt::Debug for Total {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.since.fmt(formatter)
    }
}

impl Counters {
    /// Counters whose metrics are registered under the name that the writer goes by.
    pub(crate) fn new(client_id: &str) -> Self {
        let total = |name: &'static str| Total {
            since: AtomicU64::new(0),
            metric: counter!(name, "client_id" => client_id.to_owned()),
        };
        Self {
            client_id: client_id.to_owned(),
            errors: total("ekafka_writer_errors_total"),
            retries: total("ekafka_writer_retries_total"),
            requests: total("ekafka_writer_requests_total"),
            sent_bytes: total("ekafka_writer_sent_bytes_total"),
            dials: total("ekafka_writer_dials_total"),
            ..Self::default()
        }
    }

    /// The metrics of one topic, registered now.
    pub(crate) fn of_topic(&self, topic: &str) -> TopicCounters {
        let total = |name: &'static str| {
            let client_id = self.client_id.clone();
            counter!(name, "client_id" => client_id, "topic" => topic.to_owned())
        };
        TopicCounters {
            messages: total("ekafka_writer_messages_total"),
            bytes: total("ekafka_writer_bytes_total"),
            failed: total("ekafka_writer_failed_messages_total"),
        }
    }

    /// A batch takes no more records, so long after its first.
    pub(crate) fn note_sealed(&self, age: Duration) {
        self.queue_time.note_time(age);
    }

    pub(crate) fn note_attempt(&self, attempt: &Attempt) {
        let (records, bytes) = (attempt.records as u64, attempt.bytes as u64);
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.messages.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.sent_bytes.add(attempt.sent_bytes as u64);
        match attempt.age {
            None => self.retries.add(1),
            Some(age) => {
                self.batch_time.note_time(age);
                self.batch_size.note(records);
                self.batch_bytes.note(bytes);
            }
        }
    }

    /// A batch came back with an error.
    pub(crate) fn note_error(&self) {
        self.errors.add(1);
    }

    /// A request has its answer, or is known to get none.
    pub(crate) fn note_request(&self, took: Duration) {
        self.requests.add(1);
        self.write_time.note_time(took);
    }

    /// The broker wants to be left alone for that long.
    pub(crate) fn note_throttle(&self, wait: Duration) {
        self.wait_time.note_time(wait);
    }

    pub(crate) fn note_dial(&self, took: Duration) {
        self.dials.add(1);
        self.dial_time.note_time(took);
    }

    /// Takes the counts; what is not counted is left at its default.
    pub(crate) fn take(&self) -> WriterStats {
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        WriterStats {
            writes: take(&self.writes),
            messages: take(&self.messages),
            bytes: take(&self.bytes),
            errors: self.errors.take(),
            batch_time: self.batch_time.take_times(),
            batch_queue_time: self.queue_time.take_times(),
            write_time: self.write_time.take_times(),
            wait_time: self.wait_time.take_times(),
            retries: self.retries.take(),
            batch_size: self.batch_size.take(),
            batch_bytes: self.batch_bytes.take(),
            dials: self.dials.take(),
            dial_time: self.dial_time.take_times(),
            client_id: self.client_id.clone(),
            requests: self.requests.take(),
            sent_bytes: self.sent_bytes.take(),
            failed_messages: take(&self.failed),
            ..WriterStats::default()
        }
    }
}

/// The metrics of one topic.
#[derive(Clone)]
pub(crate) struct TopicCounters {
    messages: Counter,
    bytes: Counter,
    failed: Counter,
}

impl TopicCounters {
    /// A batch was acknowledged.
    pub(crate) fn note_written(&self, records: usize, bytes: usize) {
        self.messages.increment(records as u64);
        self.bytes.increment(bytes as u64);
    }

    /// Records were given up, or refused.
    pub(crate) fn note_failed(&self, counters: &Counters, records: usize) {
        counters.failed.fetch_add(records as u64, Ordering::Relaxed);
        self.failed.increment(records as u64);
    }
}

impl fmt::Debug for TopicCounters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TopicCounters")
    }
}
