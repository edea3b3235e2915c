//! The Java client's partitioner for keyed records.

use super::{Balancer, pick, pick_any};
use ekafka_conn::Record;

/// Murmur2 of the key, modulo the partitions. An absent key goes anywhere, unless `consistent`; an empty key is hashed.
///
/// ```
/// use ekafka_writer::Record;
/// use ekafka_writer::balancer::{Balancer, Murmur2Balancer};
///
/// let balancer = Murmur2Balancer::default();
/// assert_eq!(balancer.balance(&Record::new("v").key("Key-B"), &[0, 1, 2]), 2);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Murmur2Balancer {
    /// Hash an absent key as an empty one, so that such records always land on one partition.
    pub consistent: bool,
}

impl Balancer for Murmur2Balancer {
    fn balance(&self, record: &Record<'_>, partitions: &[i32]) -> i32 {
        match record.key {
            None if !self.consistent => pick_any(partitions),
            key => pick(partitions, murmur2(key.unwrap_or_default()) & 0x7fff_ffff),
        }
    }
}

/// The 32-bit murmur2 that Kafka uses: seed 0x9747b28c, words in little-endian order.
///
/// ```
/// assert_eq!(ekafka_writer::balancer::murmur2(b"kafka"), 0xd067_cf64);
/// ```
#[must_use]
pub fn murmur2(key: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const MULTIPLIER: u32 = 0x5bd1_e995;
    const SHIFT: u32 = 24;

    let (words, tail) = key.as_chunks::<4>();
    // The length enters modulo 2^32, as in Java, whose arrays cannot be longer.
    let mut hash = SEED ^ (key.len() as u32);
    for word in words {
        let mut mixed = u32::from_le_bytes(*word).wrapping_mul(MULTIPLIER);
        mixed ^= mixed >> SHIFT;
        hash = hash.wrapping_mul(MULTIPLIER) ^ mixed.wrapping_mul(MULTIPLIER);
    }
    if !tail.is_empty() {
        let mut last = [0; 4];
        for (slot, byte) in last.iter_mut().zip(tail) {
            *slot = *byte;
        }
        hash = (hash ^ u32::from_le_bytes(last)).wrapping_mul(MULTIPLIER);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MULTIPLIER);
    hash ^ (hash >> 15)
}
