//! Buffers that were used, for the next batches.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;

#[cfg(test)]
mod tests;

/// The buffer given back last is handed out first: its memory is still in the cache. What is needed again and again is
/// kept, since pages that are new to the process cost more than filling them.
#[derive(Debug)]
pub(crate) struct Pool {
    kept: Mutex<Kept>,
    /// Bytes kept at most.
    bound: usize,
}

#[derive(Debug, Default)]
struct Kept {
    buffers: Vec<BytesMut>,
    /// Their capacities together.
    bytes: usize,
    /// Buffers that nobody has needed since the last look.
    unneeded: usize,
}

impl Pool {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            kept: Mutex::default(),
            bound,
        }
    }

    pub(crate) fn take(&self) -> BytesMut {
        let mut kept = self.kept();
        let buffer = kept.buffers.pop().unwrap_or_default();
        kept.bytes -= buffer.capacity();
        kept.unneeded = kept.unneeded.min(kept.buffers.len());
        buffer
    }

    /// Keeps a buffer with its length: what was initialised once is not initialised again.
    pub(crate) fn put(&self, buffer: BytesMut) {
        if buffer.capacity() == 0 {
            return;
        }
        let mut kept = self.kept();
        if kept.bytes + buffer.capacity() <= self.bound {
            kept.bytes += buffer.capacity();
            kept.buffers.push(buffer);
        }
    }

    /// How much is kept.
    pub(super) fn bytes(&self) -> usize {
        self.kept().bytes
    }

    /// Gives what nobody has needed since the last time back to the system, except for a little.
    pub(crate) fn tidy(&self) {
        let mut kept = self.kept();
        let (mut count, mut bytes) = (0, kept.bytes);
        for buffer in kept.buffers.iter().take(kept.unneeded) {
            if bytes <= LITTLE {
                break;
            }
            bytes -= buffer.capacity();
            count += 1;
        }
        let freed: Vec<_> = kept.buffers.drain(..count).collect();
        kept.bytes = bytes;
        kept.unneeded = kept.buffers.len();
        drop(kept);
        // Outside the lock, since it may take a while.
        drop(freed);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes that are kept however long nobody needs them.
pub(super) const LITTLE: usize = 1024 * 1024;
