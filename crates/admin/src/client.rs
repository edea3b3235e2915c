//! The handle that calls are made on.

use std::time::Duration;

use ekafka_conn::Cluster;

use crate::builder::ClientBuilder;

/// Makes administrative calls. Clones share the cluster's metadata and connections.
///
/// Every call may be given up by dropping its future; what it was to change may have been changed all the same.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
/// # kafka.create_topic("orders", 3)?;
/// # let client = ekafka_admin::Client::builder().brokers([kafka.bootstrap()]).build()?;
/// use std::time::Duration;
///
/// use ekafka_admin::{Client, CreateTopics, Metadata};
/// use ekafka_conn::TopicConfig;
///
/// let client = Client::builder().brokers([kafka.bootstrap()]).build()?;
/// client.create_topics([TopicConfig::new("returns", 3, 1)]).await?.all()?;
///
/// // The same client, more patient or less so; `cluster` is what it shares with writers and readers.
/// let hasty = client.within(Duration::from_secs(5));
/// println!("{} topics", hasty.metadata(Metadata::all_topics()).await?.topics.len());
/// assert!(client.cluster().view().brokers().len() > 0);
/// # Ok(())
/// # }
/// ```
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
