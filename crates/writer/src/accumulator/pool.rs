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
    /// Buffers given back since the last look.
    returns: usize,
    /// Buffers that nobody has needed since then.
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
        kept.returns += 1;
        if kept.returns == LOOK {
            kept.give_back();
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Gives what a busier time has left behind back to the system.
    fn give_back(&mut self) {
        let unneeded = self.unneeded.min(self.buffers.len());
        let freed = self.buffers.drain(..unneeded);
        self.bytes -= freed.map(|buffer| buffer.capacity()).sum::<usize>();
        self.returns = 0;
        self.unneeded = self.buffers.len();
    }
}

/// Buffers are looked at each time so many came back.
const LOOK: usize = 256;
