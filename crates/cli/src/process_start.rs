//! When this process began.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

static BEGUN: OnceLock<Instant> = OnceLock::new();

/// Notes that the process begins; the first call counts.
pub(crate) fn note() {
    BEGUN.get_or_init(Instant::now);
}

/// How long ago that was.
pub(crate) fn elapsed() -> Duration {
    BEGUN.get_or_init(Instant::now).elapsed()
}
