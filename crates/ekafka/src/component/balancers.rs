//! Balancers by the names that configurations give them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ekafka_writer::balancer::{
    Balancer, Crc32Balancer, Hash, LeastBytes, Murmur2Balancer, ReferenceHash, RoundRobin,
};

/// Those built in, and those the application registered, which come first.
#[derive(Debug, Clone, Default)]
pub(super) struct Balancers {
    registered: BTreeMap<String, Arc<dyn Balancer>>,
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Found {
    /// A balancer, of its own for each producer when it is built in.
    Balancer(Arc<dyn Balancer>),
    /// The writer's own choice: murmur2 with a key, one partition for a batch without.
    Sticky,
}

impl Balancers {
    pub(super) fn register(&mut self, name: String, balancer: Arc<dyn Balancer>) {
        self.registered.insert(name, balancer);
    }

    /// Registered names match exactly, built-in ones in any case.
    pub(super) fn find(&self, name: &str) -> Option<Found> {
        if let Some(balancer) = self.registered.get(name) {
            return Some(Found::Balancer(Arc::clone(balancer)));
        }
        let balancer: Arc<dyn Balancer> = match name.to_ascii_lowercase().as_str() {
            "roundrobin" => Arc::new(RoundRobin::default()),
            "hash" => Arc::new(Hash::default()),
            "referencehash" => Arc::new(ReferenceHash::default()),
            "leastbytes" => Arc::new(LeastBytes::default()),
            "crc32" => Arc::new(Crc32Balancer::default()),
            "murmur2" => Arc::new(Murmur2Balancer::default()),
            "sticky" => return Some(Found::Sticky),
            _ => return None,
        };
        Some(Found::Balancer(balancer))
    }

    /// Every name, for errors.
    pub(super) fn names(&self) -> Vec<&str> {
        let registered = self.registered.keys().map(String::as_str);
        BUILT_IN.into_iter().chain(registered).collect()
    }
}

const BUILT_IN: [&str; 7] = [
    "roundRobin",
    "hash",
    "referenceHash",
    "leastBytes",
    "crc32",
    "murmur2",
    "sticky",
];
