//! A test that takes too long fails, unless it names its reason.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

/// How long a test may take on the embedded broker.
const USUAL: Duration = Duration::from_secs(1);

/// Real brokers sync to disk, elect leaders and form groups in their own time.
const ON_REAL_BROKERS: Duration = Duration::from_secs(60);

/// Multiplies every limit, for machines that are busy with something else.
const FACTOR: &str = "EKAFKA_TEST_TIME_FACTOR";

/// Fails the test when it is dropped too late.
pub(super) struct TimeLimit {
    started: Instant,
    limit: Duration,
    reason: &'static str,
}

impl TimeLimit {
    pub(super) fn usual() -> Self {
        Self::longer(USUAL, "the usual limit")
    }

    pub(super) fn longer(limit: Duration, reason: &'static str) -> Self {
        Self {
            started: Instant::now(),
            limit,
            reason,
        }
    }

    pub(super) fn for_real_brokers(mut self) -> Self {
        self.limit = self.limit.max(ON_REAL_BROKERS);
        self
    }
}

impl Drop for TimeLimit {
    fn drop(&mut self) {
        let factor = env::var(FACTOR)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(1);
        let (took, limit) = (self.started.elapsed(), self.limit * factor);
        // A test that fails anyway should say why it failed, not that it was slow.
        if !thread::panicking() {
            assert!(
                took <= limit,
                "took {took:?}, more than {limit:?} ({})",
                self.reason
            );
        }
    }
}
