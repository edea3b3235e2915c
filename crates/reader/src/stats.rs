//! What a reader has done, as numbers: a snapshot that begins anew each time it is taken, and counters
//! for the `metrics` facade that only go up.

mod counters;
mod json;
#[cfg(test)]
mod tests;

use std::time::Duration;

use ekafka_conn::{DurationStats, SummaryStats};

pub(crate) use counters::{Counters, Gauges, survey};
pub use json::DetailedReaderStats;

/// What a reader has done since the snapshot before; see [`Reader::stats`](crate::Reader::stats).
///
/// Serialised it has the keys that users of kafka-go know; [`detailed`](Self::detailed) has all.
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// let stats = reader.stats();
/// println!("{} fetches, {} of them in vain", stats.fetches, stats.timeouts);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderStats {
    /// Connections opened to fetch.
    pub dials: u64,
    /// Answers to fetch requests.
    pub fetches: u64,
    /// Messages handed out, in batches or one by one.
    pub messages: u64,
    /// Bytes of keys and values of messages handed out one by one, and of the records of whole batches.
    pub bytes: u64,
    /// Assignments received from the group.
    pub rebalances: u64,
    /// Fetches for which the broker had nothing until the wait was over.
    pub timeouts: u64,
    /// Errors put in line for the application.
    pub errors: u64,
    /// Time to open a connection.
    pub dial_time: DurationStats,
    /// Time to sort an answer and put it in line.
    pub read_time: DurationStats,
    /// Time from a request to its answer.
    pub wait_time: DurationStats,
    /// Messages of one partition in one answer.
    pub fetch_size: SummaryStats,
    /// Bytes of one partition in one answer, as stored by the broker.
    pub fetch_bytes: SummaryStats,
    /// The offset behind what was handed out last, in whichever partition; -1 before.
    pub offset: i64,
    /// How far `offset` is from the end of its partition, as last fetched or, with
    /// [`read_lag_interval`](crate::ReaderBuilder::read_lag_interval), as last asked; before the first message the latter
    /// of all partitions together.
    pub lag: i64,
    /// As configured.
    pub min_bytes: u32,
    /// As configured.
    pub max_bytes: u32,
    /// As configured.
    pub max_wait: Duration,
    /// Messages fetched and not used up yet, by the counts of their batches; those of one answer
    /// leave the queue together.
    pub queue_length: u64,
    /// As configured; 0 when only bytes bound the queue.
    pub queue_capacity: u64,
    /// What the reader calls itself to the brokers.
    pub client_id: String,
    /// The topics, separated by commas.
    pub topic: String,
    /// The partitions, separated by commas; -1 in a group.
    pub partition: String,
    /// Batches handed out whole.
    pub batches: u64,
    /// Bytes of record batches fetched, as stored by the broker.
    pub fetched_bytes: u64,
    /// Bytes of records in those answers with the batches that the broker cut off, which are fetched again: what came over
    /// the network for `fetched_bytes`.
    pub received_bytes: u64,
    /// Bytes fetched and not used up yet, with those set aside for answers under way; at most
    /// `buffer_memory`, by which one batch at a time is let in whatever its size.
    pub buffered_bytes: u64,
    /// Events and errors that the application does not hear of by themselves, because it had not taken one about
    /// the same: of errors it hears the newest, of moves of a position where the first began and the last went.
    pub superseded: u64,
}

impl ReaderStats {
    /// Everything, for serialising: also what kafka-go has no key for.
    #[must_use]
    pub fn detailed(&self) -> DetailedReaderStats<'_> {
        DetailedReaderStats(self)
    }
}
