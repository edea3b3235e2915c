//! The time of records that come without one.

use std::time::SystemTime;

use ekafka_conn::milliseconds_since_1970;

use crate::accumulator::Queue;

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    milliseconds_since_1970(SystemTime::now())
}

/// The time of a record about to be appended to `queue`. Reading the clock costs more than encoding a record, so only the
/// first of a batch does; for the others the system's tick will do, a few milliseconds old at most.
#[inline]
pub(super) fn stamp(queue: &mut Queue) -> i64 {
    match tick() {
        Some(tick) if queue.has_open() => queue.time().max(tick),
        _ => queue.set_time(now()),
    }
}

/// Milliseconds since 1970 at the system's last tick, where it can be had without reading a clock.
#[cfg(target_os = "linux")]
#[inline]
fn tick() -> Option<i64> {
    use nix::time::{ClockId, clock_gettime};
    let time = clock_gettime(ClockId::CLOCK_REALTIME_COARSE).ok()?;
    Some(time.tv_sec() * 1_000 + time.tv_nsec() / 1_000_000)
}

#[cfg(not(target_os = "linux"))]
#[inline]
fn tick() -> Option<i64> {
    None
}
