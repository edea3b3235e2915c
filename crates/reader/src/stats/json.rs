//! The statistics in a text format.

use std::time::Duration;

use ekafka_conn::DetailedSummary;
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::ReaderStats;

/// All of a [`ReaderStats`]; made by [`ReaderStats::detailed`]. Serialised, times have counts and sums
/// too, and bytes fetched and buffered, whole batches and superseded events are told.
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// let stats = reader.stats();
/// println!("{}", serde_json::to_string(&stats.detailed()).unwrap_or_default());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct DetailedReaderStats<'a>(pub(super) &'a ReaderStats);

impl Serialize for ReaderStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("ReaderStats", KEYS)?;
        counts(&mut object, self)?;
        object.serialize_field("DialTime", &self.dial_time)?;
        object.serialize_field("ReadTime", &self.read_time)?;
        object.serialize_field("WaitTime", &self.wait_time)?;
        object.serialize_field("FetchSize", &self.fetch_size)?;
        object.serialize_field("FetchBytes", &self.fetch_bytes)?;
        settings(&mut object, self)?;
        object.end()
    }
}

impl Serialize for DetailedReaderStats<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stats = self.0;
        let mut object = serializer.serialize_struct("ReaderStats", KEYS + 5)?;
        counts(&mut object, stats)?;
        object.serialize_field("DialTime", &DetailedSummary::from(stats.dial_time))?;
        object.serialize_field("ReadTime", &DetailedSummary::from(stats.read_time))?;
        object.serialize_field("WaitTime", &DetailedSummary::from(stats.wait_time))?;
        object.serialize_field("FetchSize", &DetailedSummary::from(stats.fetch_size))?;
        object.serialize_field("FetchBytes", &DetailedSummary::from(stats.fetch_bytes))?;
        settings(&mut object, stats)?;
        object.serialize_field("Batches", &stats.batches)?;
        object.serialize_field("FetchedBytes", &stats.fetched_bytes)?;
        object.serialize_field("ReceivedBytes", &stats.received_bytes)?;
        object.serialize_field("BufferedBytes", &stats.buffered_bytes)?;
        object.serialize_field("Superseded", &stats.superseded)?;
        object.end()
    }
}

fn counts<O: SerializeStruct>(object: &mut O, stats: &ReaderStats) -> Result<(), O::Error> {
    object.serialize_field("Dials", &stats.dials)?;
    object.serialize_field("Fetches", &stats.fetches)?;
    object.serialize_field("Messages", &stats.messages)?;
    object.serialize_field("Bytes", &stats.bytes)?;
    object.serialize_field("Rebalances", &stats.rebalances)?;
    object.serialize_field("Timeouts", &stats.timeouts)?;
    object.serialize_field("Errors", &stats.errors)
}

fn settings<O: SerializeStruct>(object: &mut O, stats: &ReaderStats) -> Result<(), O::Error> {
    object.serialize_field("Offset", &stats.offset)?;
    object.serialize_field("Lag", &stats.lag)?;
    object.serialize_field("MinBytes", &stats.min_bytes)?;
    object.serialize_field("MaxBytes", &stats.max_bytes)?;
    object.serialize_field("MaxWait", &nanoseconds(stats.max_wait))?;
    object.serialize_field("QueueLength", &stats.queue_length)?;
    object.serialize_field("QueueCapacity", &stats.queue_capacity)?;
    object.serialize_field("ClientID", &stats.client_id)?;
    object.serialize_field("Topic", &stats.topic)?;
    object.serialize_field("Partition", &stats.partition)?;
    object.serialize_field("DeprecatedFetchesWithTypo", &stats.fetches)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Keys of a [`ReaderStats`].
const KEYS: usize = 23;
