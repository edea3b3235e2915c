//! Sarama's two hash partitioners: FNV-1a of the key, folded to a partition in two different ways.

use std::fmt;

use super::{Balancer, RoundRobin, pick_any};
use ekafka_conn::Record;

/// A 32-bit hash of a key, for [`Hash`](struct@Hash) and [`ReferenceHash`]. Functions `Fn(&[u8]) -> u32` are hashers.
///
/// ```
/// use ekafka_writer::balancer::{Balancer, Hash};
/// use ekafka_writer::Record;
///
/// let by_length = |key: &[u8]| key.len() as u32;
/// let balancer = Hash::with_hasher(by_length);
/// assert_eq!(balancer.balance(&Record::new("v").key("four"), &[0, 1, 2]), 1);
/// ```
///
/// ```
/// use ekafka_writer::Record;
/// use ekafka_writer::balancer::{Balancer, Hasher32, ReferenceHash};
///
/// /// A sum that begins with a number of its own.
/// struct Seeded(u32);
///
/// impl Hasher32 for Seeded {
///     fn hash(&self, key: &[u8]) -> u32 {
///         key.iter().fold(self.0, |sum, &byte| sum.wrapping_add(byte.into()))
///     }
/// }
///
/// let balancer = ReferenceHash::with_hasher(Seeded(2));
/// assert_eq!(balancer.balance(&Record::new("v").key(&[1]), &[0, 1, 2, 3]), 3);
/// ```
pub trait Hasher32: Send + Sync {
    /// The hash of `key`.
    fn hash(&self, key: &[u8]) -> u32;
}

impl<F: Fn(&[u8]) -> u32 + Send + Sync> Hasher32 for F {
    fn hash(&self, key: &[u8]) -> u32 {
        self(key)
    }
}

/// Sarama's hash partitioner: the hash as a signed number, its remainder, made positive. Records without a key go round robin.
///
/// ```
/// use ekafka_writer::Record;
/// use ekafka_writer::balancer::{Balancer, Hash};
///
/// assert_eq!(Hash::new().balance(&Record::new("v").key("Key-A"), &[0, 1, 2]), 2);
/// ```
pub struct Hash {
    hasher: Box<dyn Hasher32>,
    without_key: RoundRobin,
}

impl Hash {
    /// With FNV-1a, as Sarama has it.
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(fnv1a)
    }

    /// With a hash of the caller's.
    #[must_use]
    pub fn with_hasher(hasher: impl Hasher32 + 'static) -> Self {
        Self {
            hasher: Box::new(hasher),
            without_key: RoundRobin::default(),
        }
    }
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

impl Balancer for Hash {
    fn balance(&self, record: &Record<'_>, partitions: &[i32]) -> i32 {
        let Some(key) = record.key else {
            return self.without_key.balance(record, partitions);
        };
        let count = i32::try_from(partitions.len()).unwrap_or(i32::MAX).max(1);
        (self.hasher.hash(key).cast_signed() % count).abs()
    }
}

/// Sarama's reference hash partitioner: the sign bit masked, then the remainder. Records without a key go anywhere.
///
/// ```
/// use ekafka_writer::Record;
/// use ekafka_writer::balancer::{Balancer, ReferenceHash};
///
/// assert_eq!(ReferenceHash::new().balance(&Record::new("v").key("Key-A"), &[0, 1, 2]), 2);
/// ```
pub struct ReferenceHash {
    hasher: Box<dyn Hasher32>,
}

impl ReferenceHash {
    /// With FNV-1a, as Sarama has it.
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(fnv1a)
    }

    /// With a hash of the caller's.
    #[must_use]
    pub fn with_hasher(hasher: impl Hasher32 + 'static) -> Self {
        Self {
            hasher: Box::new(hasher),
        }
    }
}

impl Default for ReferenceHash {
    fn default() -> Self {
        Self::new()
    }
}

impl Balancer for ReferenceHash {
    fn balance(&self, record: &Record<'_>, partitions: &[i32]) -> i32 {
        let Some(key) = record.key else {
            return pick_any(partitions);
        };
        let count = i32::try_from(partitions.len()).unwrap_or(i32::MAX).max(1);
        (self.hasher.hash(key) & 0x7fff_ffff).cast_signed() % count
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Hash").finish_non_exhaustive()
    }
}

impl fmt::Debug for ReferenceHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ReferenceHash")
            .finish_non_exhaustive()
    }
}

fn fnv1a(key: &[u8]) -> u32 {
    const OFFSET_BASIS: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    key.iter().fold(OFFSET_BASIS, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(PRIME)
    })
}
