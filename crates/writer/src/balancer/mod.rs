//! How a record without an explicit partition gets one. Each balancer is bit-exact with the client it is named after,
//! so that records of one key land where that client puts them.

mod crc32;
mod fnv;
mod least_bytes;
mod murmur2;
mod round_robin;
#[cfg(test)]
mod tests;

use std::fmt;

use ekafka_conn::Record;

pub use crc32::Crc32Balancer;
pub use fnv::{Hash, Hasher32, ReferenceHash};
pub use least_bytes::LeastBytes;
pub use murmur2::{Murmur2Balancer, murmur2};
pub use round_robin::RoundRobin;

/// Chooses the partition of a record. Called by several threads at once, without a lock of the writer's held.
///
/// Closures `Fn(&Record<'_>, &[i32]) -> i32` are balancers.
///
/// ```
/// use ekafka_writer::{Record, Writer};
///
/// let by_shop = |record: &Record<'_>, partitions: &[i32]| match record.key {
///     Some(key) if key.starts_with(b"big-shop") => partitions[0],
///     _ => partitions[partitions.len() - 1],
/// };
/// let config = Writer::builder().topic("orders").balancer(by_shop);
/// ```
pub trait Balancer: Send + Sync {
    /// The partition for `record`, one of `partitions` (ascending, never empty). Anything else fails the record.
    fn balance(&self, record: &Record<'_>, partitions: &[i32]) -> i32;
}

impl<F: Fn(&Record<'_>, &[i32]) -> i32 + Send + Sync> Balancer for F {
    fn balance(&self, record: &Record<'_>, partitions: &[i32]) -> i32 {
        self(record, partitions)
    }
}

impl fmt::Debug for dyn Balancer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Balancer")
    }
}

/// The partition at `hash mod n`, of a list that a caller promised is not empty.
fn pick(partitions: &[i32], hash: u32) -> i32 {
    let count = u32::try_from(partitions.len()).unwrap_or(u32::MAX).max(1);
    partitions
        .get((hash % count) as usize)
        .copied()
        .unwrap_or(-1)
}

/// A partition at random, each equally likely.
fn pick_any(partitions: &[i32]) -> i32 {
    pick(partitions, fastrand::u32(..partitions.len().max(1) as u32))
}
