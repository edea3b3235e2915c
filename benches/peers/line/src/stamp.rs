//! Values that say when they were written, so that another process can tell how long they took.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Error;

/// Stamped records that a receiver lets pass before it measures: connections open, caches fill.
pub const BEFORE_STAMPS: usize = 50;

/// The value with the time now in its first eight bytes: nanoseconds since 1970, big-endian.
///
/// # Errors
/// When the value has no eight bytes.
pub fn stamp(value: &mut [u8]) -> Result<(), Error> {
    let first = value.first_chunk_mut().ok_or("a stamp takes eight bytes")?;
    *first = u64::try_from(since_1970().as_nanos())?.to_be_bytes();
    Ok(())
}

/// How long ago the value was stamped, by the clock of the same machine.
///
/// # Errors
/// When it has no stamp.
pub fn age(value: Option<&[u8]>) -> Result<Duration, Error> {
    let stamp = value
        .and_then(<[u8]>::first_chunk)
        .ok_or("a value without a stamp")?;
    let then = Duration::from_nanos(u64::from_be_bytes(*stamp));
    Ok(since_1970().saturating_sub(then))
}

pub(crate) fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
