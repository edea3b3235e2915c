//! How a writer is set up, and checked once.

use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::{Acks, Cluster, ConnConfig, Logger, Loggers};
use ekafka_protocol::compression::Compression;

use crate::accumulator::{Limits, Patience, Stretch};
use crate::balancer::Balancer;
use crate::completion::{Callback, CompletedBatch};
use crate::error::WriterError;
use crate::sender::Rules;
use crate::writer::Writer;

mod kafka_go;
#[cfg(test)]
mod tests;

/// Everything that can be set on a [`Writer`]; obtained from [`Writer::builder`], ended by [`build`](Self::build).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ekafka_writer::WriterError> {
/// use std::time::Duration;
///
/// use ekafka_writer::WriterConfig;
///
/// let writer = WriterConfig::default()
///     .brokers(["broker-1:9092", "broker-2:9092"])
///     .topic("orders")
///     .linger(Duration::from_millis(5))
///     .delivery_timeout(Duration::from_secs(30))
///     .build()?;
/// # Ok(())
/// # }
/// ```
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use ekafka_conn::{Cluster, ConnConfig};
/// use ekafka_protocol::compression::Compression;
/// use ekafka_writer::balancer::RoundRobin;
/// use ekafka_writer::{Acks, Writer};
///
/// // Everything that can be set; most writers need the first two.
/// let config = Writer::builder()
///     .brokers(["broker-1:9092"])
///     .topic("orders")
///     .connection(ConnConfig::default().client_id("shop"))
///     .balancer(RoundRobin::new(1))
///     // What is waited for.
///     .acks(Acks::All)
///     .idempotence(true)
///     .request_timeout(Duration::from_secs(30))
///     .delivery_timeout(Duration::from_secs(120))
///     .max_attempts(10)
///     .retry_backoff(Duration::from_millis(100), Duration::from_secs(1))
///     .max_in_flight(5)
///     // How records are gathered.
///     .adaptive()
///     .batch_bytes(256 << 10)
///     .batch_size(10_000)
///     .compression(Compression::LZ4)
///     .max_request_size(1 << 20)
///     // What there is room for, and what happens without.
///     .buffer_memory(32 << 20)
///     .max_block(Duration::from_secs(60))
///     .allow_auto_topic_creation(false)
///     .logger(Arc::new(|line: std::fmt::Arguments<'_>| println!("{line}")))
///     .error_logger(Arc::new(|line: std::fmt::Arguments<'_>| eprintln!("{line}")));
/// let writer = config.clone().build()?;
///
/// // Over connections that others use, too, with a balancer that is chosen at run time.
/// let cluster = Cluster::new(["broker-1:9092"], ConnConfig::default())?;
/// let beside = Writer::builder().cluster(cluster).topic("orders").balancer_arc(Arc::new(RoundRobin::new(1))).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a writer is made by `build`"]
pub struct WriterConfig {
    brokers: Vec<String>,
    cluster: Option<Cluster>,
    connection: Option<ConnConfig>,
    topic: Option<Arc<str>>,
    balancer: Option<Arc<dyn Balancer>>,
    acks: Acks,
    idempotence: Option<bool>,
    linger: Option<Duration>,
    batch_bytes: Option<usize>,
    batch_size: usize,
    compression: Compression,
    request_timeout: Duration,
    delivery_timeout: Option<Duration>,
    max_attempts: u32,
    retry_backoff: (Duration, Duration),
    max_in_flight: usize,
    max_request_size: usize,
    buffer_memory: usize,
    max_block: Duration,
    read_timeout: Option<Duration>,
    auto_create: bool,
    asynchronous: bool,
    completion: Option<Callback>,
    loggers: Loggers,
    /// Sizes are kafka-go's estimates, and attempts alone bound the delivery.
    like_kafka_go: bool,
}

/// A configuration without faults, taken apart for the rooms that go by it.
pub(crate) struct Checked {
    pub(crate) cluster: Cluster,
    pub(crate) topic: Option<Arc<str>>,
    pub(crate) balancer: Option<Arc<dyn Balancer>>,
    pub(crate) limits: Limits,
    pub(crate) rules: Rules,
    pub(crate) buffer_memory: usize,
    pub(crate) max_block: Duration,
    /// How long a topic is looked for.
    pub(crate) read_timeout: Duration,
    pub(crate) auto_create: bool,
    /// Whether `write` returns once its records are accepted.
    pub(crate) asynchronous: bool,
    pub(crate) completion: Option<Callback>,
    pub(crate) loggers: Loggers,
}

impl Default for WriterConfig {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            cluster: None,
            connection: None,
            topic: None,
            balancer: None,
            acks: Acks::All,
            idempotence: None,
            linger: None,
            batch_bytes: None,
            batch_size: usize::MAX,
            compression: Compression::NONE,
            request_timeout: Duration::from_secs(30),
            delivery_timeout: None,
            max_attempts: u32::MAX,
            retry_backoff: (Duration::from_millis(100), Duration::from_secs(1)),
            max_in_flight: 5,
            max_request_size: MIB,
            buffer_memory: 32 * MIB,
            max_block: Duration::from_secs(60),
            read_timeout: None,
            auto_create: false,
            asynchronous: false,
            completion: None,
            loggers: Loggers::default(),
            like_kafka_go: false,
        }
    }
}

impl WriterConfig {
    /// Where to find the cluster: `host:port` of one or more brokers, all tried.
    ///
    /// Kafka: `bootstrap.servers`. Default: none; either this or [`cluster`](Self::cluster) must be set.
    pub fn brokers<I: IntoIterator<Item = impl Into<String>>>(mut self, brokers: I) -> Self {
        self.brokers = brokers.into_iter().map(Into::into).collect();
        self
    }

    /// Uses a cluster handle that others share: its metadata, though not its produce connections' pace.
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

    /// The topic of every record; without it, each record names its own.
    ///
    /// Default: none.
    pub fn topic(mut self, topic: impl Into<Arc<str>>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Chooses the partition of records that do not name one.
    ///
    /// Kafka: `partitioner.class`. Default: keyed records by murmur2 as the Java client does, others batch by batch to a
    /// partition drawn at random, where slow partitions are drawn less often (KIP-794).
    pub fn balancer(mut self, balancer: impl Balancer + 'static) -> Self {
        self.balancer = Some(Arc::new(balancer));
        self
    }

    /// Like [`balancer`](Self::balancer), for one that is shared or boxed already.
    pub fn balancer_arc(mut self, balancer: Arc<dyn Balancer>) -> Self {
        self.balancer = Some(balancer);
        self
    }

    /// Who has to have a batch before it counts as written.
    ///
    /// Kafka: `acks`. Default: all. Less is faster by a replication round trip, and loses acknowledged records when a
    /// broker fails.
    pub fn acks(mut self, acks: Acks) -> Self {
        self.acks = acks;
        self
    }

    /// Whether brokers recognise a batch that is sent twice (KIP-98).
    ///
    /// Kafka: `enable.idempotence`. Default: on with [`Acks::All`], off otherwise. Without it a retry may duplicate, and one
    /// batch per partition is in flight at a time, so that order is kept.
    pub fn idempotence(mut self, on: bool) -> Self {
        self.idempotence = Some(on);
        self
    }

    /// How long a batch waits for more records after its first.
    ///
    /// Kafka: `linger.ms`. Default: not set: a batch goes at once while its partition has nothing in flight, and fills while
    /// it has. Zero sends every call's records at once, more requests for less delay; longer makes fuller batches and adds
    /// its length to each record's latency.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = Some(linger);
        self
    }

    /// Lets batches go at once while nothing is in flight, and fill while something is: undoes [`linger`](Self::linger).
    ///
    /// Default: on.
    pub fn adaptive(mut self) -> Self {
        self.linger = None;
        self
    }

    /// Bytes, before compression, at which a batch takes no more records; also the largest record.
    ///
    /// Kafka: `batch.size`. Default: batches end at 256 KiB, and a record may have 1 MiB alone; a batch that has to wait for
    /// an answer from a broker milliseconds away grows up to 1 MiB meanwhile. Larger makes fewer requests
    /// when many records wait; brokers refuse batches over their `message.max.bytes`, 1 MiB by default.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = Some(bytes);
        self
    }

    /// Records at which a batch takes no more.
    ///
    /// kafka-go: `BatchSize`. Default: no bound but the bytes. One sends every record alone.
    pub fn batch_size(mut self, records: usize) -> Self {
        self.batch_size = records;
        self
    }

    /// How batches are compressed.
    ///
    /// Kafka: `compression.type`. Default: not. Costs CPU in exchange for network and disk. Small batches are compressed by
    /// the thread that sends them, large ones on the runtime's threads for blocking work, at most one for each processor.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    /// How long to wait for the answer to one request.
    ///
    /// Kafka: `request.timeout.ms`. Default: 30 s. Too short resends to a broker that is only slow; too long finds out late
    /// about one that is gone.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How long a record may take, from its acceptance to its outcome, all retries included.
    ///
    /// Kafka: `delivery.timeout.ms` (KIP-91). Default: 2 min. Short ones give up during a leader election, which takes
    /// seconds.
    pub fn delivery_timeout(mut self, timeout: Duration) -> Self {
        self.delivery_timeout = Some(timeout);
        self
    }

    /// How many requests may carry a batch, the first included.
    ///
    /// Kafka: `retries` + 1. Default: no bound but [`delivery_timeout`](Self::delivery_timeout). One never retries.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The wait before the second attempt, doubled for each further one up to the longest; 20 % more or less at random.
    ///
    /// Kafka: `retry.backoff.ms`, `retry.backoff.max.ms` (KIP-580). Default: 100 ms, 1 s.
    pub fn retry_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.retry_backoff = (first, longest);
        self
    }

    /// Requests to a broker, and batches of a partition, that may be without an answer.
    ///
    /// Kafka: `max.in.flight.requests.per.connection`. Default: 5, and no more with idempotence. One waits for each answer.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// Bytes of records in one request, unless a single batch has more.
    ///
    /// Kafka: `max.request.size`. Default: 1 MiB. Larger requests delay the answer for the batches in them.
    pub fn max_request_size(mut self, bytes: usize) -> Self {
        self.max_request_size = bytes;
        self
    }

    /// Bytes that batches without an outcome may hold in memory; calls wait for room when they are used up. Their buffers are
    /// kept for the next batches, up to half as much; what was not needed for ten seconds, but for 1 MiB, is given back.
    ///
    /// Kafka: `buffer.memory`. Default: 32 MiB. Too small for `batch_bytes` times the busy partitions makes calls wait.
    pub fn buffer_memory(mut self, bytes: usize) -> Self {
        self.buffer_memory = bytes;
        self
    }

    /// How long a call waits for room in the memory, or for a topic's metadata.
    ///
    /// Kafka: `max.block.ms`. Default: 60 s.
    pub fn max_block(mut self, wait: Duration) -> Self {
        self.max_block = wait;
        self
    }

    /// Lets brokers create a topic that does not exist when the first record for it is written.
    ///
    /// Kafka: `allow.auto.create.topics`. Default: no: a misspelt name is an error. The broker's
    /// `auto.create.topics.enable` must allow it, too.
    pub fn allow_auto_topic_creation(mut self, allow: bool) -> Self {
        self.auto_create = allow;
        self
    }

    /// Calls a function with every batch that has its outcome: once, before those who wait for its records are told, in the
    /// order of the outcomes, also for what is given up when the writer is closed or dropped.
    ///
    /// kafka-go: `Completion`. Default: none. It runs in a task of its own, never under a lock; while it runs the batch keeps
    /// its room in the memory, so that a slow one slows writing down. It must not wait for the writer. If it panics, the
    /// panic ends there. A function that holds the writer keeps it alive for ever.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), ekafka_writer::WriterError> {
    /// use ekafka_writer::{CompletedBatch, Writer};
    ///
    /// let told = |batch: &CompletedBatch| match batch.error() {
    ///     None => println!("{} records from offset {:?} on", batch.len(), batch.base_offset()),
    ///     Some(error) => batch.records().for_each(|record| eprintln!("{}: {error}", record.tag())),
    /// };
    /// let writer = Writer::builder()
    ///     .brokers(["localhost:9092"])
    ///     .topic("orders")
    ///     .asynchronous(true)
    ///     .completion(told)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn completion(
        mut self,
        completion: impl Fn(&CompletedBatch) + Send + Sync + 'static,
    ) -> Self {
        self.completion = Some(Callback(Arc::new(completion)));
        self
    }

    /// Takes lines about what the writer does: each batch written. A task of its own calls it; lines that come faster than it
    /// takes them are left out.
    ///
    /// kafka-go: `Logger`. Default: none. The same events go to `tracing`, with fields.
    pub fn logger(mut self, logger: Arc<dyn Logger>) -> Self {
        self.loggers.logger = Some(logger);
        self
    }

    /// Takes lines about what goes wrong: attempts that failed, records given up. As [`logger`](Self::logger), which takes
    /// these lines too where this is not set.
    ///
    /// kafka-go: `ErrorLogger`. Default: none.
    pub fn error_logger(mut self, logger: Arc<dyn Logger>) -> Self {
        self.loggers.error_logger = Some(logger);
        self
    }

    /// Checks everything and makes the writer. Nothing is dialled before the first record.
    ///
    /// # Errors
    /// [`WriterError::Config`] with every fault at once; also outside of a Tokio runtime.
    pub fn build(self) -> Result<Writer, WriterError> {
        Writer::new(self.check()?)
    }

    fn check(self) -> Result<Checked, WriterError> {
        let mut faults = self.faults();
        let limits = self.limits();
        let rules = self.rules();
        let cluster = match (self.cluster, self.brokers.is_empty()) {
            (Some(cluster), _) => Some(cluster),
            (None, true) => None,
            (None, false) => {
                match Cluster::new(self.brokers, self.connection.unwrap_or_default()) {
                    Ok(cluster) => Some(cluster),
                    Err(error) => {
                        faults.push(error.to_string());
                        None
                    }
                }
            }
        };
        match cluster {
            Some(cluster) if faults.is_empty() => Ok(Checked {
                cluster,
                topic: self.topic,
                balancer: self.balancer,
                limits,
                rules,
                buffer_memory: self.buffer_memory,
                max_block: self.max_block.min(FOREVER),
                read_timeout: self.read_timeout.unwrap_or(self.max_block).min(FOREVER),
                auto_create: self.auto_create,
                asynchronous: self.asynchronous,
                completion: self.completion,
                loggers: self.loggers,
            }),
            _ => Err(config_error(&faults)),
        }
    }

    /// Everything that can be said before a cluster is made.
    fn faults(&self) -> Vec<String> {
        let rules = self.rules();
        let bytes = self.limits().batch_bytes;
        let table = [
            (
                self.brokers.is_empty() && self.cluster.is_none(),
                "no brokers",
            ),
            (
                !self.brokers.is_empty() && self.cluster.is_some(),
                "both brokers and a cluster",
            ),
            (
                self.connection.is_some() && self.cluster.is_some(),
                "both connection and a cluster, which has its own",
            ),
            (
                rules.idempotent && self.acks != Acks::All,
                "idempotence needs acks all",
            ),
            (
                rules.idempotent && rules.depth > 5,
                "idempotence allows 5 requests in flight",
            ),
            (rules.depth == 0, "max_in_flight is zero"),
            (rules.max_attempts == 0, "max_attempts is zero"),
            (self.batch_size == 0, "batch_size is zero"),
            (
                bytes < SMALLEST_BATCH,
                "batch_bytes has no room for a record (68 bytes)",
            ),
            (
                self.like_kafka_go && self.batch_bytes.unwrap_or(MIB) < SMALLEST_ESTIMATE,
                "batch_bytes has no room for a record (23 bytes)",
            ),
            (bytes > LARGEST_BATCH, "batch_bytes is over 1 GiB"),
            (
                self.buffer_memory < bytes,
                "buffer_memory is less than batch_bytes",
            ),
            (
                self.buffer_memory > LARGEST_MEMORY,
                "buffer_memory is over 256 GiB",
            ),
            (rules.max_request == 0, "max_request_size is zero"),
            (rules.request_timeout.is_zero(), "request_timeout is zero"),
            (
                rules.request_timeout > FOREVER,
                "request_timeout is over a year",
            ),
            (rules.delivery_timeout.is_zero(), "delivery_timeout is zero"),
            (
                rules.delivery_timeout > FOREVER,
                "delivery_timeout is over a year",
            ),
            (
                rules.delivery_timeout < self.waiting(),
                "delivery_timeout is less than linger",
            ),
            (
                rules.backoff.0 > rules.backoff.1,
                "the first retry_backoff is the longer one",
            ),
            (
                self.topic.as_ref().is_some_and(|topic| topic.is_empty()),
                "the topic has no name",
            ),
        ];
        let faults = table.iter().filter(|(is_one, _)| *is_one);
        faults.map(|(_, text)| (*text).to_owned()).collect()
    }

    fn limits(&self) -> Limits {
        let patience = match self.linger {
            None => Patience::Adaptive,
            Some(_) => Patience::Linger(self.waiting()),
        };
        if self.like_kafka_go {
            let estimate = self.batch_bytes.unwrap_or(MIB);
            // What is sent may be a little more than the estimate, which alone decides.
            let exact = estimate.saturating_add(BEYOND_ESTIMATE);
            return Limits {
                batch_bytes: exact,
                max_record: exact,
                batch_size: self.batch_size,
                estimate: Some(estimate),
                patience,
                stretch: None,
            };
        }
        Limits {
            batch_bytes: self
                .batch_bytes
                .unwrap_or_else(|| DEFAULT_BATCH.min(self.buffer_memory)),
            max_record: self
                .batch_bytes
                .unwrap_or_else(|| MIB.min(self.buffer_memory)),
            batch_size: self.batch_size,
            estimate: None,
            patience,
            stretch: self.batch_bytes.is_none().then(|| Stretch {
                // A share of the memory, so that those in flight leave room for the next.
                bytes: MIB.min(self.max_request_size).min(self.buffer_memory / 16),
                behind: if self.rules().idempotent || self.acks == Acks::None {
                    self.max_in_flight
                } else {
                    1
                },
            }),
        }
    }

    /// How long a batch waits for more records. kafka-go allows for ever, which is cut to what can be added to a time.
    fn waiting(&self) -> Duration {
        let linger = self.linger.unwrap_or_default();
        if self.like_kafka_go {
            linger.min(FOREVER / 2)
        } else {
            linger
        }
    }

    /// As set, else Kafka's default; like kafka-go, what all attempts may take together.
    fn delivery(&self) -> Duration {
        match self.delivery_timeout {
            Some(timeout) => timeout,
            None if self.like_kafka_go => {
                let attempt = self.request_timeout.saturating_add(self.retry_backoff.1);
                let all = attempt.saturating_mul(self.max_attempts);
                self.waiting().saturating_add(all).min(FOREVER)
            }
            None => Duration::from_secs(120),
        }
    }

    fn rules(&self) -> Rules {
        Rules {
            acks: self.acks.number(),
            idempotent: self.idempotence.unwrap_or(self.acks == Acks::All),
            compression: self.compression,
            depth: self.max_in_flight,
            max_request: self.max_request_size,
            request_timeout: self.request_timeout,
            delivery_timeout: self.delivery(),
            max_attempts: self.max_attempts,
            backoff: self.retry_backoff,
        }
    }
}

pub(crate) fn config_error(faults: &[String]) -> WriterError {
    WriterError::Config {
        faults: faults.join("; ").into(),
    }
}

const MIB: usize = 1024 * 1024;

/// Where a batch ends unless configured: fills a request, and stays in the second-level cache until it is sent.
const DEFAULT_BATCH: usize = 256 * 1024;

/// A header and the shortest record.
const SMALLEST_BATCH: usize = 61 + 7;

/// What kafka-go counts for a record without key, value and headers.
const SMALLEST_ESTIMATE: usize = 23;

/// A batch's header, and by how much a lone record may exceed kafka-go's estimate of it.
const BEYOND_ESTIMATE: usize = 61 + 64;

/// Lengths on the wire are 32 bits.
const LARGEST_BATCH: usize = 1 << 30;

const LARGEST_MEMORY: usize = 256 << 30;

/// Longer than any wait, short enough to be added to any time.
const FOREVER: Duration = Duration::from_secs(366 * 24 * 3600);
