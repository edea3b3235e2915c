//! The handle that calls are made on.

use std::time::Duration;

use ekafka_conn::Cluster;

use crate::builder::ClientBuilder;

/// Makes administrative calls. Clones share the cluster's metadata and connections.
///
/// Every call may be given up by dropping its future; what it was to change may have been changed all the same.
#[doc(alias = "admin")]
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) cluster: Cluster,
    /// How long one call may take.
    pub(crate) timeout: Duration,
    /// How long one request of a call may take.
    pub(crate) request_timeout: Duration,
    /// The first and the longest wait between tries.
    pub(crate) retry_backoff: (Duration, Duration),
}

impl Client {
    /// Everything that can be set.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The same client with another limit for one call, all tries together.
    #[must_use]
    pub fn within(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
    }

    /// The cluster that is asked.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }
}
