//! What a writer has done, as numbers: a snapshot that begins anew each time it is taken, and counters for the `metrics`
//! facade that only go up.

mod counters;
mod json;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ekafka_conn::{DurationStats, SummaryStats};

pub(crate) use counters::{Attempt, Counters, TopicCounters};
pub use json::DetailedWriterStats;

/// What a writer has done since the snapshot before; see [`Writer::stats`](crate::Writer::stats).
///
/// Serialised it has the keys that users of kafka-go know; [`detailed`](Self::detailed) has all.
///
/// ```no_run
/// # fn example(writer: &ekafka_writer::Writer) {
/// let stats = writer.stats();
/// println!("{:?} per request, {} records per batch", stats.write_time.avg, stats.batch_size.avg);
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriterStats {
    /// Batches sent, each as often as it was.
    pub writes: u64,
    /// Records in them.
    pub messages: u64,
    /// Bytes of those batches before compression, their headers included.
    pub bytes: u64,
    /// Batches that were sent and came back with an error.
    pub errors: u64,
    /// Time from the first record of a batch until the batch is first sent.
    pub batch_time: DurationStats,
    /// Time from the first record of a batch until no more are added.
    pub batch_queue_time: DurationStats,
    /// Time from a request to its answer.
    pub write_time: DurationStats,
    /// Time that a broker asked to be left alone for (its quota was used up), of each answer.
    pub wait_time: DurationStats,
    /// Batches sent again.
    pub retries: u64,
    /// Records of each batch.
    pub batch_size: SummaryStats,
    /// Bytes of each batch before compression.
    pub batch_bytes: SummaryStats,
    /// As configured.
    pub max_attempts: u64,
    /// As configured.
    pub write_backoff_min: Duration,
    /// As configured.
    pub write_backoff_max: Duration,
    /// As configured: `batch_size`.
    pub max_batch_size: u64,
    /// As configured: `linger`; zero when batches wait for nothing but the batch before.
    pub batch_timeout: Duration,
    /// As configured.
    pub read_timeout: Duration,
    /// As configured: `request_timeout`.
    pub write_timeout: Duration,
    /// As configured, in Kafka's numbers: 0 none, 1 the leader, -1 all.
    pub required_acks: i16,
    /// As configured.
    pub asynchronous: bool,
    /// As configured; empty when each record names its own.
    pub topic: String,
    /// Connections looked for to send on, opened or found open.
    pub dials: u64,
    /// Time until one was there, or could not be had.
    pub dial_time: DurationStats,
    /// What the writer calls itself to the brokers.
    pub client_id: String,
    /// Requests that carried batches.
    pub requests: u64,
    /// Bytes of record batches sent, compressed where they are.
    pub sent_bytes: u64,
    /// Records that have failed for good, after they were accepted.
    pub failed_messages: u64,
    /// Bytes that records without an outcome hold of `buffer_memory`, to a kibibyte; what is set aside for a batch counts
    /// from its first record on.
    pub buffered_bytes: u64,
}

impl WriterStats {
    /// Everything, for serialising: also what kafka-go has no key for.
    ///
    /// ```no_run
    /// # fn example(writer: &ekafka_writer::Writer) -> Result<(), serde_json::Error> {
    /// println!("{}", serde_json::to_string(&writer.stats().detailed())?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn detailed(&self) -> DetailedWriterStats<'_> {
        DetailedWriterStats(self)
    }
}
