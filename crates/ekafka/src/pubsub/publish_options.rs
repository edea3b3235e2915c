//! What can be said about one publication.

use std::sync::Arc;

use bytes::Bytes;
use ekafka_writer::balancer::{Balancer, Crc32Balancer, Hasher32, Murmur2Balancer, ReferenceHash};

use super::balancing::{BalancerName, Choice, shared};
use super::message::MessageHeader;

mod functions;
mod header_value;

pub use functions::*;
pub use header_value::HeaderValue;

/// The options of one publication; obtained from `PublishOptions::default()`, or made of [`PublishOption`]s.
///
/// ```
/// use std::sync::Arc;
///
/// use ekafka::balancer::RoundRobin;
/// use ekafka::pubsub::{BalancerName, PublishOptions};
///
/// let options = PublishOptions::default()
///     .headers([("version", "1.0.0")])
///     .message_key("kitchen")
///     .message_offset(42)
///     .partition(0);
/// // Whichever comes last counts.
/// let balanced = PublishOptions::default()
///     .balancer_name(BalancerName::LeastBytes)
///     .balancer(Arc::new(RoundRobin::new(1)))
///     .least_bytes_balancer()
///     .round_robin_balancer()
///     .hash_balancer(None)
///     .reference_hash_balancer(None)
///     .crc32_balancer(true)
///     .murmur2_balancer(true);
/// ```
#[derive(Clone, Default)]
pub struct PublishOptions {
    pub(super) headers: Vec<MessageHeader>,
    pub(super) key: Option<Bytes>,
    pub(super) offset: Option<i64>,
    pub(super) partition: Option<i32>,
    pub(super) balancer: Option<Choice>,
}

/// One thing said about a publication: what the `with_…` functions make.
///
/// ```
/// use ekafka::pubsub::*;
///
/// let options = [
///     with_headers([("version", "1.0.0")]),
///     with_message_key("kitchen"),
///     with_message_offset(42),
///     with_partition(0),
/// ];
/// // Each for one publication.
/// let balancers = [
///     with_balancer(BalancerName::LeastBytes),
///     with_least_bytes_balancer(),
///     with_round_robin_balancer(),
///     with_hash_balancer(None),
///     with_reference_hash_balancer(None),
///     with_crc32_balancer(true),
///     with_murmur2_balancer(true),
/// ];
/// ```
pub struct PublishOption(Box<dyn FnOnce(PublishOptions) -> PublishOptions + Send>);

impl PublishOption {
    fn new(change: impl FnOnce(PublishOptions) -> PublishOptions + Send + 'static) -> Self {
        Self(Box::new(change))
    }
}

impl<I: IntoIterator<Item = PublishOption>> From<I> for PublishOptions {
    fn from(options: I) -> Self {
        options
            .into_iter()
            .fold(Self::default(), |all, option| (option.0)(all))
    }
}

impl PublishOptions {
    /// Adds headers behind those that are there. Texts and bytes go as they are, numbers and truth values as text,
    /// everything else by [`HeaderValue::json`]. Default: none.
    #[must_use]
    pub fn headers<K: Into<String>, V: Into<HeaderValue>>(
        mut self,
        headers: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let headers = headers.into_iter().map(|(key, value)| MessageHeader {
            key: key.into(),
            value: value.into().0,
        });
        self.headers.extend(headers);
        self
    }

    /// The key. Default: none, which is a null key and not an empty one.
    #[must_use]
    pub fn message_key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// An offset to be seen in the publication's span. Kafka itself gives messages their offsets. Default: the one that
    /// Kafka gave.
    #[must_use]
    pub fn message_offset(mut self, offset: i64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The partition; no balancer is asked. Default: the balancer's choice.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// A balancer by its name, which counts for this publication alone. Default: the broker's.
    #[must_use]
    pub fn balancer_name(self, name: BalancerName) -> Self {
        self.chosen(Choice::Remembered(name))
    }

    /// A balancer, which counts for this publication alone. Default: the broker's.
    #[must_use]
    pub fn balancer(self, balancer: Arc<dyn Balancer>) -> Self {
        self.chosen(Choice::Plain(balancer))
    }

    /// To the partition that got the fewest bytes by publications that asked for this. Default: the broker's balancer,
    /// which does the same over all publications.
    #[must_use]
    pub fn least_bytes_balancer(self) -> Self {
        self.balancer_name(BalancerName::LeastBytes)
    }

    /// To one partition after the other. Default: the broker's balancer, least bytes.
    #[must_use]
    pub fn round_robin_balancer(self) -> Self {
        self.balancer_name(BalancerName::RoundRobin)
    }

    /// By a hash of the key as Sarama takes it: by a function of the caller's, or FNV-1a with `None`. What has no key goes
    /// to one partition after the other.
    #[must_use]
    pub fn hash_balancer(self, hasher: Option<Arc<dyn Hasher32>>) -> Self {
        match hasher {
            Some(hasher) => self.chosen(Choice::Hash(hasher)),
            None => self.balancer_name(BalancerName::Hash),
        }
    }

    /// By a hash of the key as Sarama's reference partitioner takes it: by a function of the caller's, or FNV-1a with
    /// `None`. What has no key goes anywhere.
    #[must_use]
    pub fn reference_hash_balancer(self, hasher: Option<Arc<dyn Hasher32>>) -> Self {
        let balancer = match hasher {
            Some(hasher) => ReferenceHash::with_hasher(shared(&hasher)),
            None => ReferenceHash::new(),
        };
        self.balancer(Arc::new(balancer))
    }

    /// By CRC-32 of the key, as librdkafka does. What has no key goes anywhere, or with `consistent` where an empty key
    /// goes.
    #[must_use]
    pub fn crc32_balancer(self, consistent: bool) -> Self {
        self.balancer(Arc::new(Crc32Balancer { consistent }))
    }

    /// By murmur2 of the key, as the Java client does. What has no key goes anywhere, or with `consistent` where an empty
    /// key goes.
    #[must_use]
    pub fn murmur2_balancer(self, consistent: bool) -> Self {
        self.balancer(Arc::new(Murmur2Balancer { consistent }))
    }

    fn chosen(mut self, choice: Choice) -> Self {
        self.balancer = Some(choice);
        self
    }
}

impl std::fmt::Debug for PublishOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublishOptions")
            .field("headers", &self.headers.len())
            .field("partition", &self.partition)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for PublishOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PublishOption")
    }
}
