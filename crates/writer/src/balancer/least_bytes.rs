//! The partition that has got the fewest bytes so far, as kafka-go's `LeastBytes` does it.

use std::sync::{Mutex, PoisonError};

use super::Balancer;
use ekafka_conn::Record;

/// Sends each record to the partition with the fewest key and value bytes so far; ties go to the lowest partition.
/// All counts start over when the number of partitions changes.
///
/// ```
/// use ekafka_writer::Record;
/// use ekafka_writer::balancer::{Balancer, LeastBytes};
///
/// let balancer = LeastBytes::new();
/// assert_eq!(balancer.balance(&Record::new("four"), &[0, 1]), 0);
/// assert_eq!(balancer.balance(&Record::new("two"), &[0, 1]), 1);
/// assert_eq!(balancer.balance(&Record::new("more"), &[0, 1]), 1);
/// ```
#[derive(Debug, Default)]
pub struct LeastBytes {
    /// Bytes sent, by position in the partition list.
    counts: Mutex<Vec<u64>>,
}

impl LeastBytes {
    /// Starts with nothing counted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Balancer for LeastBytes {
    fn balance(&self, record: &Record<'_>, partitions: &[i32]) -> i32 {
        let size = record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len);
        // Plain numbers: a thread that panicked in here left them usable.
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() != partitions.len() {
            counts.clear();
            counts.resize(partitions.len(), 0);
        }
        let fewest = counts
            .iter_mut()
            .zip(partitions)
            .min_by_key(|(count, _)| **count);
        let Some((count, partition)) = fewest else {
            return -1;
        };
        *count += size as u64;
        *partition
    }
}
