//! Waiting by the runtime's timers, where there is no better one: up to a millisecond late.

use std::time::Instant;

use crate::failure::Failure;

/// A timer of one task.
pub(in crate::perf) struct Alarm;

impl Alarm {
    pub(in crate::perf) fn new() -> Result<Self, Failure> {
        Ok(Self)
    }

    /// Returns at `due`, or at once when it has passed.
    pub(in crate::perf) async fn wait_until(&self, due: Instant) -> Result<(), Failure> {
        tokio::time::sleep_until(due.into()).await;
        Ok(())
    }
}
