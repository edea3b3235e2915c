//! Each option of a publication as a function, as the documents list them.

use std::sync::Arc;

use bytes::Bytes;
use ekafka_writer::balancer::Hasher32;

use super::{HeaderValue, PublishOption, PublishOptions};
use crate::pubsub::balancing::BalancerName;

/// Headers: [`PublishOptions::headers`].
pub fn with_headers<K: Into<String>, V: Into<HeaderValue>>(
    headers: impl IntoIterator<Item = (K, V)>,
) -> PublishOption {
    let given = PublishOptions::default().headers(headers).headers;
    PublishOption::new(move |mut options| {
        options.headers.extend(given);
        options
    })
}

/// The key: [`PublishOptions::message_key`].
pub fn with_message_key(key: impl Into<Bytes>) -> PublishOption {
    let key = key.into();
    PublishOption::new(move |options| options.message_key(key))
}

/// An offset for the span: [`PublishOptions::message_offset`].
pub fn with_message_offset(offset: i64) -> PublishOption {
    PublishOption::new(move |options| options.message_offset(offset))
}

/// The partition: [`PublishOptions::partition`].
pub fn with_partition(partition: i32) -> PublishOption {
    PublishOption::new(move |options| options.partition(partition))
}

/// A balancer by name: [`PublishOptions::balancer_name`].
pub fn with_balancer(name: BalancerName) -> PublishOption {
    PublishOption::new(move |options| options.balancer_name(name))
}

/// The partition with the fewest bytes: [`PublishOptions::least_bytes_balancer`].
pub fn with_least_bytes_balancer() -> PublishOption {
    PublishOption::new(PublishOptions::least_bytes_balancer)
}

/// One partition after the other: [`PublishOptions::round_robin_balancer`].
pub fn with_round_robin_balancer() -> PublishOption {
    PublishOption::new(PublishOptions::round_robin_balancer)
}

/// A hash of the key: [`PublishOptions::hash_balancer`].
pub fn with_hash_balancer(hasher: Option<Arc<dyn Hasher32>>) -> PublishOption {
    PublishOption::new(move |options| options.hash_balancer(hasher))
}

/// A hash of the key: [`PublishOptions::reference_hash_balancer`].
pub fn with_reference_hash_balancer(hasher: Option<Arc<dyn Hasher32>>) -> PublishOption {
    PublishOption::new(move |options| options.reference_hash_balancer(hasher))
}

/// CRC-32 of the key: [`PublishOptions::crc32_balancer`].
pub fn with_crc32_balancer(consistent: bool) -> PublishOption {
    PublishOption::new(move |options| options.crc32_balancer(consistent))
}

/// Murmur2 of the key: [`PublishOptions::murmur2_balancer`].
pub fn with_murmur2_balancer(consistent: bool) -> PublishOption {
    PublishOption::new(move |options| options.murmur2_balancer(consistent))
}
