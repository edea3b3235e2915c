//! When each record of a run with a rate is due. Latencies are counted from then, not from the call, so that a slow
//! answer also counts for the records that it held up (coordinated omission).

use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
pub(super) use self::alarm::Alarm;
#[cfg(not(target_os = "linux"))]
pub(super) use self::coarse::Alarm;

#[cfg(target_os = "linux")]
mod alarm;
#[cfg(not(target_os = "linux"))]
mod coarse;

/// Records at equal distances.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    start: Instant,
    /// Records per second.
    rate: u64,
}

impl Schedule {
    /// So many records per second from now on.
    pub(super) fn new(start: Instant, rate: u64) -> Self {
        Self { start, rate }
    }

    /// When the record with this number is due.
    pub(super) fn due(&self, number: u64) -> Instant {
        let rate = self.rate.max(1);
        let nanoseconds = u128::from(number) * 1_000_000_000 / u128::from(rate);
        self.start + Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_due_at_equal_distances() {
        let start = Instant::now();
        let schedule = Schedule::new(start, 3);
        assert_eq!(schedule.due(0), start);
        assert_eq!(schedule.due(3), start + Duration::from_secs(1));
        let long = schedule.due(3_000_001) - schedule.due(3_000_000);
        assert!(long >= Duration::from_nanos(333_333_333), "{long:?}");
    }
}
