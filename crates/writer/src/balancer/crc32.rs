//! librdkafka's `consistent_random` and `consistent` partitioners.

use super::{Balancer, pick, pick_any};
use ekafka_conn::Record;

/// IEEE CRC-32 of the key, modulo the partitions. An absent or empty key goes anywhere, unless `consistent`.
///
/// ```
/// use ekafka_writer::Record;
/// use ekafka_writer::balancer::{Balancer, Crc32Balancer};
///
/// let balancer = Crc32Balancer { consistent: true };
/// assert_eq!(balancer.balance(&Record::new("v").key("Key-C"), &[0, 1, 2]), 2);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Crc32Balancer {
    /// Hash absent and empty keys too, so that they always land on one partition (librdkafka's `consistent`).
    pub consistent: bool,
}

impl Balancer for Crc32Balancer {
    fn balance(&self, record: &Record<'_>, partitions: &[i32]) -> i32 {
        let key = record.key.unwrap_or_default();
        if key.is_empty() && !self.consistent {
            return pick_any(partitions);
        }
        pick(partitions, crc32fast::hash(key))
    }
}
