//! How long to wait after failures. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// Waits that double from `first` to `longest` with each failure in a row, spread by ±20 %.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    /// Failures since the last success.
    failures: u32,
    /// Nothing may be tried before.
    not_before: Option<Instant>,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self {
            first,
            longest,
            failures: 0,
            not_before: None,
        }
    }

    /// How long to wait from `now`; zero when it may be tried.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        self.not_before
            .map_or(Duration::ZERO, |at| at.saturating_duration_since(now))
    }

    /// Notes a failure; `random` (0 to 1) spreads the wait.
    pub(crate) fn handle_failure(&mut self, now: Instant, random: f64) {
        let doubled = self
            .first
            .saturating_mul(1u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = (self.failures + 1).min(MOST_DOUBLINGS);
        let wait = doubled
            .min(self.longest)
            .mul_f64(1.0 + SPREAD * (2.0 * random - 1.0));
        self.not_before = Some(now + wait);
    }

    /// Notes a failure that waiting does not cure; tries stay at least `pause` apart.
    pub(crate) fn handle_refusal(&mut self, now: Instant, pause: Duration) {
        self.not_before = Some(now + pause);
    }

    pub(crate) fn handle_success(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }
}

/// How far a wait may be from its nominal length, as a part of it.
const SPREAD: f64 = 0.2;

/// Doublings after which a wait no longer grows.
const MOST_DOUBLINGS: u32 = 20;

#[cfg(test)]
mod tests;
