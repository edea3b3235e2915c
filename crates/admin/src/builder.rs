//! How a client is set up, and checked once.

use std::time::Duration;

use ekafka_conn::{Cluster, ConnConfig};

use crate::client::Client;
use crate::error::AdminError;

/// Everything that can be set on a [`Client`]; obtained from [`Client::builder`], ended by [`build`](Self::build).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use ekafka_admin::Client;
/// use ekafka_conn::{Cluster, ConnConfig};
///
/// let client = Client::builder()
///     .brokers(["broker-1:9092", "broker-2:9092"])
///     .connection(ConnConfig::default().client_id("tool"))
///     .timeout(Duration::from_secs(60))
///     .request_timeout(Duration::from_secs(30))
///     .retry_backoff(Duration::from_millis(100), Duration::from_secs(1))
///     .build()?;
///
/// // Over the connections of a writer or reader.
/// let cluster = Cluster::new(["broker-1:9092"], ConnConfig::default())?;
/// let beside = Client::builder().cluster(cluster).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a client is made by `build`"]
pub struct ClientBuilder {
    brokers: Vec<String>,
    cluster: Option<Cluster>,
    connection: Option<ConnConfig>,
    timeout: Duration,
    request_timeout: Duration,
    retry_backoff: (Duration, Duration),
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            cluster: None,
            connection: None,
            timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
            retry_backoff: (Duration::from_millis(100), Duration::from_secs(1)),
        }
    }
}

impl ClientBuilder {
    /// Where to find the cluster: `host:port` of one or more brokers, all tried.
    ///
    /// Kafka: `bootstrap.servers`. Default: none; either this or [`cluster`](Self::cluster) must be set.
    pub fn brokers<I: IntoIterator<Item = impl Into<String>>>(mut self, brokers: I) -> Self {
        self.brokers = brokers.into_iter().map(Into::into).collect();
        self
    }

    /// Uses a cluster handle that others share, with its metadata and its connections.
    ///
    /// Default: none; either this or [`brokers`](Self::brokers) must be set.
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// How connections are made when [`brokers`](Self::brokers) is used: TLS, SASL, client id and time limits.
    ///
    /// Default: plaintext without log-in. Setting this and [`cluster`](Self::cluster), which has its own, is a fault.
    pub fn connection(mut self, connection: ConnConfig) -> Self {
        self.connection = Some(connection);
        self
    }

    /// How long one call may take, all tries together.
    ///
    /// Kafka: `default.api.timeout.ms`. Default: 60 s. A short limit ends a call while the cluster elects a leader; a
    /// long one keeps the caller waiting for a cluster that is gone.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long one request of a call waits for its answer before another try.
    ///
    /// Kafka: `request.timeout.ms`. Default: 30 s. Never longer than what is left of [`timeout`](Self::timeout).
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// The wait before the second try, which doubles with each further one up to `longest`; spread by ±20 %.
    ///
    /// Kafka: `retry.backoff.ms`, `retry.backoff.max.ms`. Default: 100 ms, 1 s.
    pub fn retry_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.retry_backoff = (first, longest);
        self
    }

    /// Checks everything and makes the client. Nothing is dialled before the first call.
    ///
    /// # Errors
    /// [`AdminError::Config`] listing every fault.
    pub fn build(self) -> Result<Client, AdminError> {
        let mut faults = Vec::new();
        if self.timeout.is_zero() || self.request_timeout.is_zero() {
            faults.push("a time limit is zero".to_owned());
        }
        if self.retry_backoff.0 > self.retry_backoff.1 {
            faults.push("the first wait between tries is longer than the longest".to_owned());
        }
        let cluster = match (self.cluster, self.brokers.is_empty()) {
            (Some(_), false) => Err("both brokers and a cluster are given".to_owned()),
            (Some(_), true) if self.connection.is_some() => {
                Err("the cluster has its own way to connect".to_owned())
            }
            (Some(cluster), true) => Ok(cluster),
            (None, true) => Err("no brokers".to_owned()),
            (None, false) => Cluster::new(self.brokers, self.connection.unwrap_or_default())
                .map_err(|error| error.to_string()),
        };
        match cluster {
            Ok(cluster) if faults.is_empty() => Ok(Client {
                cluster,
                timeout: self.timeout,
                request_timeout: self.request_timeout,
                retry_backoff: self.retry_backoff,
            }),
            cluster => {
                faults.extend(cluster.err());
                let faults = faults.join("; ").into();
                Err(AdminError::Config { faults })
            }
        }
    }
}
