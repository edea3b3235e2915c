//! The statistics in a text format.

use std::time::Duration;

use ekafka_conn::DetailedSummary;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::WriterStats;

/// All of a [`WriterStats`]; made by [`WriterStats::detailed`]. Serialised, times and sizes have counts and sums too, and
/// requests, bytes sent, failed records and buffered bytes are told.
#[derive(Debug, Clone, Copy)]
pub struct DetailedWriterStats<'a>(pub(super) &'a WriterStats);

impl Serialize for WriterStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("WriterStats", KEYS)?;
        counts(&mut object, self)?;
        object.serialize_field("BatchTime", &self.batch_time)?;
        object.serialize_field("BatchQueueTime", &self.batch_queue_time)?;
        object.serialize_field("WriteTime", &self.write_time)?;
        object.serialize_field("WaitTime", &self.wait_time)?;
        object.serialize_field("Retries", &self.retries)?;
        object.serialize_field("BatchSize", &self.batch_size)?;
        object.serialize_field("BatchBytes", &self.batch_bytes)?;
        settings(&mut object, self)?;
        object.serialize_field("Dials", &self.dials)?;
        object.serialize_field("DialTime", &self.dial_time)?;
        relics(&mut object, self)?;
        object.end()
    }
}

impl Serialize for DetailedWriterStats<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stats = self.0;
        let full = DetailedSummary::from;
        let times = |times| DetailedSummary::from(times);
        let mut object = serializer.serialize_struct("WriterStats", KEYS + 4)?;
        counts(&mut object, stats)?;
        object.serialize_field("BatchTime", &times(stats.batch_time))?;
        object.serialize_field("BatchQueueTime", &times(stats.batch_queue_time))?;
        object.serialize_field("WriteTime", &times(stats.write_time))?;
        object.serialize_field("WaitTime", &times(stats.wait_time))?;
        object.serialize_field("Retries", &stats.retries)?;
        object.serialize_field("BatchSize", &full(stats.batch_size))?;
        object.serialize_field("BatchBytes", &full(stats.batch_bytes))?;
        settings(&mut object, stats)?;
        object.serialize_field("Dials", &stats.dials)?;
        object.serialize_field("DialTime", &times(stats.dial_time))?;
        relics(&mut object, stats)?;
        object.serialize_field("Requests", &stats.requests)?;
        object.serialize_field("SentBytes", &stats.sent_bytes)?;
        object.serialize_field("FailedMessages", &stats.failed_messages)?;
        object.serialize_field("BufferedBytes", &stats.buffered_bytes)?;
        object.end()
    }
}

fn counts<O: SerializeStruct>(object: &mut O, stats: &WriterStats) -> Result<(), O::Error> {
    object.serialize_field("Writes", &stats.writes)?;
    object.serialize_field("Messages", &stats.messages)?;
    object.serialize_field("Bytes", &stats.bytes)?;
    object.serialize_field("Errors", &stats.errors)
}

fn settings<O: SerializeStruct>(object: &mut O, stats: &WriterStats) -> Result<(), O::Error> {
    object.serialize_field("MaxAttempts", &stats.max_attempts)?;
    object.serialize_field("WriteBackoffMin", &nanoseconds(stats.write_backoff_min))?;
    object.serialize_field("WriteBackoffMax", &nanoseconds(stats.write_backoff_max))?;
    object.serialize_field("MaxBatchSize", &stats.max_batch_size)?;
    object.serialize_field("BatchTimeout", &nanoseconds(stats.batch_timeout))?;
    object.serialize_field("ReadTimeout", &nanoseconds(stats.read_timeout))?;
    object.serialize_field("WriteTimeout", &nanoseconds(stats.write_timeout))?;
    object.serialize_field("RequiredAcks", &stats.required_acks)?;
    object.serialize_field("Async", &stats.asynchronous)?;
    object.serialize_field("Topic", &stats.topic)
}

/// What kafka-go keeps for users of its older versions, always zero there but for the last.
fn relics<O: SerializeStruct>(object: &mut O, stats: &WriterStats) -> Result<(), O::Error> {
    object.serialize_field("Rebalances", &0)?;
    object.serialize_field("RebalanceInterval", &0)?;
    object.serialize_field("QueueLength", &0)?;
    object.serialize_field("QueueCapacity", &0)?;
    object.serialize_field("ClientID", &stats.client_id)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Keys of a [`WriterStats`].
const KEYS: usize = 28;
