//! Numbers that were observed many times, told as average, smallest and largest.

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Gathers observations from any thread, without a lock.
///
/// ```
/// use std::time::Duration;
///
/// use ekafka_conn::Summary;
///
/// let sizes = Summary::default();
/// sizes.note(3);
/// sizes.note(5);
/// assert_eq!(sizes.take().avg, 4);
///
/// let times = Summary::default();
/// times.note_time(Duration::from_millis(2));
/// assert_eq!(times.take_times().max, Duration::from_millis(2));
/// ```
#[derive(Debug)]
pub struct Summary {
    count: AtomicU64,
    sum: AtomicU64,
    /// `u64::MAX` before the first observation.
    min: AtomicU64,
    max: AtomicU64,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            count: AtomicU64::new(0),
            sum: AtomicU64::new(0),
            min: AtomicU64::new(u64::MAX),
            max: AtomicU64::new(0),
        }
    }
}

impl Summary {
    /// Adds one observation.
    pub fn note(&self, value: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
        // Mostly neither moves, and looking costs a tenth of writing.
        if value < self.min.load(Ordering::Relaxed) {
            self.min.fetch_min(value, Ordering::Relaxed);
        }
        if value > self.max.load(Ordering::Relaxed) {
            self.max.fetch_max(value, Ordering::Relaxed);
        }
    }

    /// Adds a time.
    pub fn note_time(&self, time: Duration) {
        self.note(nanoseconds(time));
    }

    /// What was observed since the last call. An observation made during the call may be counted in
    /// this one and in the next by parts.
    pub fn take(&self) -> SummaryStats {
        let count = self.count.swap(0, Ordering::Relaxed);
        let sum = self.sum.swap(0, Ordering::Relaxed);
        let min = self.min.swap(u64::MAX, Ordering::Relaxed);
        let max = self.max.swap(0, Ordering::Relaxed);
        SummaryStats {
            avg: sum.checked_div(count).unwrap_or(0),
            min: if count == 0 { 0 } else { min },
            max,
            count,
            sum,
        }
    }

    /// As [`take`](Self::take), for times.
    pub fn take_times(&self) -> DurationStats {
        let stats = self.take();
        DurationStats {
            avg: Duration::from_nanos(stats.avg),
            min: Duration::from_nanos(stats.min),
            max: Duration::from_nanos(stats.max),
            count: stats.count,
            sum: Duration::from_nanos(stats.sum),
        }
    }
}

/// Observed numbers; all 0 when there was none.
///
/// Serialised it has the keys `Avg`, `Min` and `Max`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SummaryStats {
    /// Sum divided by count.
    pub avg: u64,
    /// The smallest.
    pub min: u64,
    /// The largest.
    pub max: u64,
    /// How many there were.
    pub count: u64,
    /// All together.
    pub sum: u64,
}

/// Observed times; all 0 when there was none.
///
/// Serialised it has the keys `Avg`, `Min` and `Max`, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DurationStats {
    /// Sum divided by count.
    pub avg: Duration,
    /// The shortest.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
    /// How many there were.
    pub count: u64,
    /// All together.
    pub sum: Duration,
}

/// A summary that is serialised with its count and sum, too: with the keys `Avg`, `Min`, `Max`, `Count` and `Sum`, times in
/// nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DetailedSummary(SummaryStats);

impl From<SummaryStats> for DetailedSummary {
    fn from(stats: SummaryStats) -> Self {
        Self(stats)
    }
}

impl From<DurationStats> for DetailedSummary {
    fn from(stats: DurationStats) -> Self {
        Self(SummaryStats {
            avg: nanoseconds(stats.avg),
            min: nanoseconds(stats.min),
            max: nanoseconds(stats.max),
            count: stats.count,
            sum: nanoseconds(stats.sum),
        })
    }
}

impl Serialize for DetailedSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("SummaryStats", 5)?;
        object.serialize_field("Avg", &self.0.avg)?;
        object.serialize_field("Min", &self.0.min)?;
        object.serialize_field("Max", &self.0.max)?;
        object.serialize_field("Count", &self.0.count)?;
        object.serialize_field("Sum", &self.0.sum)?;
        object.end()
    }
}

impl Serialize for SummaryStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("SummaryStats", 3)?;
        object.serialize_field("Avg", &self.avg)?;
        object.serialize_field("Min", &self.min)?;
        object.serialize_field("Max", &self.max)?;
        object.end()
    }
}

impl Serialize for DurationStats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stats = SummaryStats {
            avg: nanoseconds(self.avg),
            min: nanoseconds(self.min),
            max: nanoseconds(self.max),
            ..SummaryStats::default()
        };
        stats.serialize(serializer)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
