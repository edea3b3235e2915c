//! Durations, and what can be said about many of them.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::failure::Failure;

/// Durations from 1 µs to 10 minutes, to three digits.
pub(super) struct Latencies(Histogram<u64>);

/// What one task measured, in µs: kept small, because it counts for the memory of the run.
#[derive(Default)]
pub(super) struct Timings {
    /// From the moment the record was due; without a rate from the call.
    pub(super) latencies: Vec<u32>,
    /// From the call, where that is another moment.
    pub(super) calls: Vec<u32>,
}

/// In µs; 0 when nothing was noted.
#[derive(Debug, Serialize)]
pub(super) struct Quantiles {
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) p999_us: u64,
    pub(super) max_us: u64,
}

impl Latencies {
    pub(super) fn new() -> Result<Self, Failure> {
        let histogram = Histogram::new_with_bounds(1, 600_000_000, 3);
        Ok(Self(histogram.map_err(|error| {
            Failure::new("cannot measure latencies", &error)
        })?))
    }

    /// Notes one duration.
    pub(super) fn note(&mut self, duration: Duration) {
        self.0.saturating_record(u64::from(microseconds(duration)));
    }

    /// Notes many, in µs.
    pub(super) fn note_all(&mut self, microseconds: Vec<u32>) {
        for duration in microseconds {
            self.0.saturating_record(u64::from(duration));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn quantiles(&self) -> Quantiles {
        Quantiles {
            p50_us: self.0.value_at_quantile(0.5),
            p99_us: self.0.value_at_quantile(0.99),
            p999_us: self.0.value_at_quantile(0.999),
            max_us: self.0.max(),
        }
    }
}

impl Timings {
    pub(super) fn note(&mut self, latency: Duration) {
        self.latencies.push(microseconds(latency));
    }

    pub(super) fn note_call(&mut self, duration: Duration) {
        self.calls.push(microseconds(duration));
    }
}

/// Saturates after 71 minutes.
fn microseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_told_to_three_digits() {
        let mut latencies = Latencies::new().expect("valid bounds");
        assert!(latencies.is_empty());
        latencies.note_all((1..=1000).collect());
        latencies.note(Duration::from_secs(1));
        let told = latencies.quantiles();
        assert_eq!((told.p50_us, told.p99_us, told.p999_us), (501, 991, 1000));
        assert!((999_000..=1_001_000).contains(&told.max_us), "{told:?}");
    }
}
