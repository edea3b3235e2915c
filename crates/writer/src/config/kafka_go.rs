//! A writer as users of kafka-go know it: its defaults, its estimate of sizes, and its words where they differ from Kafka's.

use std::time::Duration;

use ekafka_conn::Cluster;

use super::{Acks, MIB, WriterConfig};
use crate::balancer::RoundRobin;

impl WriterConfig {
    /// kafka-go's defaults: round robin, batches of 100 records or 1 MiB by its estimate or after one second, 10 attempts,
    /// 10 s for each; but acknowledged by all replicas and idempotent, which kafka-go cannot be.
    ///
    /// A lone record waits for the whole second: that is what its documents promise. The default configuration does not.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), ekafka_writer::WriterError> {
    /// use ekafka_writer::{Acks, WriterConfig};
    ///
    /// let writer = WriterConfig::kafka_go()
    ///     .addr("localhost:9092")
    ///     .topic("orders")
    ///     .required_acks(Acks::One)
    ///     .build()?;
    /// assert_eq!(writer.stats().max_batch_size, 100);
    /// # Ok(())
    /// # }
    /// ```
    pub fn kafka_go() -> Self {
        Self {
            like_kafka_go: true,
            batch_size: 100,
            batch_bytes: Some(MIB),
            linger: Some(Duration::from_secs(1)),
            max_attempts: 10,
            request_timeout: Duration::from_secs(10),
            read_timeout: Some(Duration::from_secs(10)),
            ..Self::default()
        }
        .balancer(RoundRobin::default())
    }

    /// One broker's address: [`brokers`](Self::brokers) with one element. kafka-go: `Addr`.
    pub fn addr(self, address: impl Into<String>) -> Self {
        self.brokers([address.into()])
    }

    /// How long a batch waits for more records: [`linger`](Self::linger). kafka-go: `BatchTimeout`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use ekafka_conn::{Cluster, ConnConfig};
    /// use ekafka_writer::{Acks, WriterConfig};
    ///
    /// let cluster = Cluster::new(["localhost:9092"], ConnConfig::default())?;
    /// let writer = WriterConfig::kafka_go()
    ///     .transport(cluster)
    ///     .topic("orders")
    ///     .required_acks(Acks::All)
    ///     .asynchronous(true)
    ///     .batch_timeout(Duration::from_millis(10))
    ///     .read_timeout(Duration::from_secs(10))
    ///     .write_timeout(Duration::from_secs(10))
    ///     .write_backoff_min(Duration::from_millis(100))
    ///     .write_backoff_max(Duration::from_secs(1))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch_timeout(self, timeout: Duration) -> Self {
        self.linger(timeout)
    }

    /// How long to wait for the answer to one request: [`request_timeout`](Self::request_timeout). kafka-go:
    /// `WriteTimeout`.
    pub fn write_timeout(self, timeout: Duration) -> Self {
        self.request_timeout(timeout)
    }

    /// How long a call looks for a topic's metadata. kafka-go: `ReadTimeout`.
    ///
    /// Default: as [`max_block`](Self::max_block); 10 s for [`kafka_go`](Self::kafka_go). Short ones fail while a topic is
    /// being made.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = Some(timeout);
        self
    }

    /// The wait before the second attempt. kafka-go: `WriteBackoffMin`. Default: 100 ms.
    pub fn write_backoff_min(mut self, wait: Duration) -> Self {
        self.retry_backoff.0 = wait;
        self
    }

    /// The longest wait between attempts. kafka-go: `WriteBackoffMax`. Default: 1 s.
    pub fn write_backoff_max(mut self, wait: Duration) -> Self {
        self.retry_backoff.1 = wait;
        self
    }

    /// Who has to have a batch before it counts as written: [`acks`](Self::acks). kafka-go: `RequiredAcks`.
    pub fn required_acks(self, acks: Acks) -> Self {
        self.acks(acks)
    }

    /// Uses connections and metadata that others share: [`cluster`](Self::cluster). kafka-go: `Transport`.
    pub fn transport(self, cluster: Cluster) -> Self {
        self.cluster(cluster)
    }

    /// Lets [`write`](crate::Writer::write) return once its records are accepted. kafka-go: `Async`.
    ///
    /// Default: no. Only records that were not accepted are errors then; what became of the others is told to
    /// [`completion`](Self::completion).
    pub fn asynchronous(mut self, yes: bool) -> Self {
        self.asynchronous = yes;
        self
    }
}
