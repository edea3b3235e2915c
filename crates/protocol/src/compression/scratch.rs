//! Output memory that a thread keeps from one batch to the next.
//!
//! Where a codec does not say how much it will give out, it writes into this buffer, which stays in
//! cache and is paged in, and the caller gets a copy of exactly the right size.

use std::cell::Cell;

use bytes::Bytes;

use crate::error::DecodeError;

thread_local! {
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Runs `fill` on an empty buffer and returns what it left in there.
pub(super) fn collect(
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), DecodeError>,
) -> Result<Bytes, DecodeError> {
    let mut buffer = KEPT.take();
    buffer.clear();
    let filled = fill(&mut buffer);
    if buffer.capacity() > KEEP {
        // A rare giant is handed out as it is rather than copied and kept.
        return filled.map(|()| {
            buffer.shrink_to_fit();
            Bytes::from(buffer)
        });
    }
    let exact = filled.map(|()| Bytes::copy_from_slice(&buffer));
    KEPT.set(buffer);
    exact
}

/// Makes room for at least one byte more, doubling up to `limit` bytes in all; `false` at the limit.
pub(super) fn grow(buffer: &mut Vec<u8>, limit: usize) -> bool {
    let more = buffer.len() < limit;
    if more {
        reserve(buffer, 1, limit);
    }
    more
}

/// Makes room for `extra` bytes, and for more while that stays within `limit` in all.
pub(super) fn reserve(buffer: &mut Vec<u8>, extra: usize, limit: usize) {
    let used = buffer.len();
    let needed = used.saturating_add(extra);
    if needed > buffer.capacity() {
        let roomy = used.saturating_mul(2).max(FIRST).min(limit);
        buffer.reserve_exact(needed.max(roomy) - used);
    }
}

const FIRST: usize = 16 * 1024;
const KEEP: usize = 2 * 1024 * 1024;
