//! How a publication's partition is chosen when it asks for a way of its own.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ekafka_conn::Record;
use ekafka_writer::balancer::{
    Balancer, Crc32Balancer, Hash, Hasher32, LeastBytes, Murmur2Balancer, ReferenceHash, RoundRobin,
};

/// A way to spread messages over partitions, by name.
///
/// ```
/// use ekafka::Record;
/// use ekafka::pubsub::BalancerName;
///
/// let balancer = BalancerName::Crc32Balancer.balancer();
/// assert_eq!(balancer.balance(&Record::new("v").key("Key-A"), &[0, 1, 2]), 1);
/// assert_eq!(BalancerName::Crc32Balancer.as_str(), "CRC32Balancer");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BalancerName {
    /// To the partition that got the fewest bytes: what a broker does by default.
    LeastBytes,
    /// To one partition after the other: what a [`WriterConfig`](super::WriterConfig) does by default.
    RoundRobin,
    /// By FNV-1a of the key, as Sarama does.
    Hash,
    /// By FNV-1a of the key, as Sarama's reference partitioner does.
    ReferenceHash,
    /// By CRC-32 of the key, as librdkafka does.
    Crc32Balancer,
    /// By murmur2 of the key, as the Java client does.
    Murmur2Balancer,
}

impl BalancerName {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::LeastBytes,
        Self::RoundRobin,
        Self::Hash,
        Self::ReferenceHash,
        Self::Crc32Balancer,
        Self::Murmur2Balancer,
    ];

    /// The name as the documents have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LeastBytes => "LeastBytes",
            Self::RoundRobin => "RoundRobin",
            Self::Hash => "Hash",
            Self::ReferenceHash => "ReferenceHash",
            Self::Crc32Balancer => "CRC32Balancer",
            Self::Murmur2Balancer => "Murmur2Balancer",
        }
    }

    /// A balancer of this name that has not chosen anything yet.
    #[must_use]
    pub fn balancer(self) -> Arc<dyn Balancer> {
        match self {
            Self::LeastBytes => Arc::new(LeastBytes::new()),
            Self::RoundRobin => Arc::new(RoundRobin::default()),
            Self::Hash => Arc::new(Hash::new()),
            Self::ReferenceHash => Arc::new(ReferenceHash::new()),
            Self::Crc32Balancer => Arc::new(Crc32Balancer::default()),
            Self::Murmur2Balancer => Arc::new(Murmur2Balancer::default()),
        }
    }
}

impl fmt::Display for BalancerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BalancerName {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == name);
        let known = "LeastBytes, RoundRobin, Hash, ReferenceHash, CRC32Balancer, Murmur2Balancer";
        found.ok_or_else(|| UnknownName::new(name, known))
    }
}

/// A text that names nothing known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not known, there are: {known}")]
pub struct UnknownName {
    name: String,
    known: &'static str,
}

impl UnknownName {
    pub(super) fn new(name: &str, known: &'static str) -> Self {
        let name = name.to_owned();
        Self { name, known }
    }
}

/// What a publication asks for.
#[derive(Clone)]
pub(super) enum Choice {
    /// A balancer that remembers what it chose, so that each topic has one.
    Remembered(BalancerName),
    /// A hash of the caller's; what has no key goes round robin, as with [`Hash`].
    Hash(Arc<dyn Hasher32>),
    Plain(Arc<dyn Balancer>),
}

/// The balancers of publications that remember what they chose, one for each topic.
#[derive(Debug, Default)]
pub(super) struct Remembered(HashMap<(String, BalancerName), Arc<dyn Balancer>>);

impl Remembered {
    /// The balancer that a publication to a topic asks for.
    pub(super) fn find(&mut self, topic: &str, choice: &Choice) -> Arc<dyn Balancer> {
        match choice {
            Choice::Remembered(name) => self.of(topic, *name),
            Choice::Hash(hasher) => Arc::new(Keyed {
                hash: Hash::with_hasher(shared(hasher)),
                without_key: self.of(topic, BalancerName::RoundRobin),
            }),
            Choice::Plain(balancer) => Arc::clone(balancer),
        }
    }

    fn of(&mut self, topic: &str, name: BalancerName) -> Arc<dyn Balancer> {
        let entry = self.0.entry((topic.to_owned(), name));
        Arc::clone(entry.or_insert_with(|| name.balancer()))
    }
}

/// A hasher that others hold, too.
pub(super) fn shared(hasher: &Arc<dyn Hasher32>) -> impl Fn(&[u8]) -> u32 + Send + Sync + 'static {
    let hasher = Arc::clone(hasher);
    move |key: &[u8]| hasher.hash(key)
}

/// A hash, with a memory of its own for messages without a key.
struct Keyed {
    hash: Hash,
    without_key: Arc<dyn Balancer>,
}

impl Balancer for Keyed {
    fn balance(&self, record: &Record<'_>, partitions: &[i32]) -> i32 {
        match record.key {
            Some(_) => self.hash.balance(record, partitions),
            None => self.without_key.balance(record, partitions),
        }
    }
}
