//! Round robin with a chunk size, as kafka-go's `RoundRobin` does it.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{Balancer, pick};
use ekafka_conn::Record;

/// Hands `chunk_size` records to one partition, then moves to the next.
///
/// ```
/// use ekafka_writer::Record;
/// use ekafka_writer::balancer::{Balancer, RoundRobin};
///
/// let balancer = RoundRobin::new(2);
/// let chosen = [0; 5].map(|_| balancer.balance(&Record::new("v"), &[0, 1]));
/// assert_eq!(chosen, [0, 0, 1, 1, 0]);
/// ```
#[derive(Debug)]
pub struct RoundRobin {
    /// Records per partition before moving on, at least one.
    chunk_size: u32,
    /// Records balanced so far; wraps at 2^32.
    counter: AtomicU32,
}

impl RoundRobin {
    /// Starts at the first partition; a `chunk_size` of zero means one.
    #[must_use]
    pub fn new(chunk_size: u32) -> Self {
        Self {
            chunk_size: chunk_size.max(1),
            counter: AtomicU32::new(0),
        }
    }
}

impl Default for RoundRobin {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Balancer for RoundRobin {
    fn balance(&self, _record: &Record<'_>, partitions: &[i32]) -> i32 {
        let turn = self.counter.fetch_add(1, Ordering::Relaxed);
        pick(partitions, turn / self.chunk_size)
    }
}
