//! A deadline that can be moved while something waits for it.

#[cfg(test)]
mod tests;

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The point in time by which requests of one kind must be answered, if any.
pub(super) struct Deadline(watch::Sender<Option<Instant>>);

impl Deadline {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(super) fn set(&self, deadline: Option<Instant>) {
        self.0.send_replace(deadline);
    }

    pub(super) fn get(&self) -> Option<Instant> {
        *self.0.borrow()
    }

    /// Runs `work` until the deadline, as it then is; `fallback` holds while none is set. `None`
    /// when it passed.
    pub(super) async fn bound<T>(
        &self,
        fallback: Option<Instant>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut moved = self.0.subscribe();
        let mut work = pin!(work);
        loop {
            let limit = moved.borrow_and_update().or(fallback);
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                // Fails only when the sender is gone, which is borrowed.
                _ = moved.changed() => {}
                () = reached(limit) => return None,
            }
        }
    }
}

/// How long the broker may take, so that its answer is here before the deadline: what is left, less
/// a margin of one second, or of a quarter when less than a second is left.
pub(super) fn broker_timeout(deadline: Option<Instant>, now: Instant) -> Duration {
    let Some(deadline) = deadline else {
        return LONGEST;
    };
    let left = deadline.saturating_duration_since(now);
    let margin = if left < MARGIN { left / 4 } else { MARGIN };
    left.saturating_sub(margin).min(LONGEST)
}

/// As a request carries it.
pub(super) fn milliseconds(timeout: Duration) -> i32 {
    i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
}

async fn reached(limit: Option<Instant>) {
    match limit {
        Some(limit) => sleep_until(limit).await,
        None => std::future::pending().await,
    }
}

const MARGIN: Duration = Duration::from_secs(1);

/// The longest time a request can carry.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);
