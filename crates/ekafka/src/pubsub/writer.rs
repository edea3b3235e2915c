//! The writers that a broker publishes with, and how they are set up.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ekafka_conn::{Cluster, ConnConfig, Logger, Mechanism, TlsConfig};
use ekafka_writer::balancer::Balancer;
use ekafka_writer::{Acks, CompletedBatch, Undelivered, WriterError};

use super::balancing::BalancerName;
use super::message::{Message, MessageHeader};

/// How a writer is set up, field by field as the documents list them.
///
/// ```
/// use std::time::Duration;
/// use ekafka::pubsub::WriterConfig;
///
/// let config = WriterConfig { batch_timeout: Duration::from_millis(5), ..WriterConfig::default() };
/// assert_eq!(config.batch_size, 100);
/// ```
#[derive(Clone)]
pub struct WriterConfig {
    /// Where to find the cluster. Default: none; a broker uses its own addresses.
    pub brokers: Vec<String>,
    /// Spreads messages over partitions. Default: `None`, round robin.
    pub balancer: Option<Arc<dyn Balancer>>,
    /// How often a message is tried to be delivered, the first time included. Default: 10.
    pub max_attempts: u32,
    /// Messages at which a batch is full. Default: 100.
    pub batch_size: usize,
    /// Bytes at which a batch is full, and of the largest message. Default: 1,048,576.
    pub batch_bytes: usize,
    /// How long a batch that is not full waits for more. Default: 1 s.
    pub batch_timeout: Duration,
    /// How long a topic's partitions are looked for. Default: 10 s.
    pub read_timeout: Duration,
    /// How long the answer to one request is waited for. Default: 10 s.
    pub write_timeout: Duration,
    /// Whose confirmation counts. Default: that of all replicas in sync, idempotently; none and one are there, too.
    pub required_acks: Acks,
    /// Whether publishing returns once a message is accepted: failures are then told to `completion`, and logged.
    /// Default: no.
    pub asynchronous: bool,
    /// Takes lines about what the writer does. Default: none.
    pub logger: Option<Arc<dyn Logger>>,
    /// Takes lines about what goes wrong. Default: `None`, the `logger`.
    pub error_logger: Option<Arc<dyn Logger>>,
    /// Whether a topic that is missing is created by the broker. Default: no.
    pub allow_auto_topic_creation: bool,
    /// Is told what became of messages, a batch at a time. Default: none.
    pub completion: Option<Completion>,
}

/// A function that is told which messages were published, with their offsets, or why they were not.
pub type Completion = Arc<dyn Fn(&[Message], Option<&WriterError>) + Send + Sync>;

impl Default for WriterConfig {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            balancer: None,
            max_attempts: 10,
            batch_size: 100,
            batch_bytes: 1_048_576,
            batch_timeout: Duration::from_secs(1),
            read_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            required_acks: Acks::All,
            asynchronous: false,
            logger: None,
            error_logger: None,
            allow_auto_topic_creation: false,
            completion: None,
        }
    }
}

impl WriterConfig {
    /// The writer, on a cluster that others share.
    pub(super) fn build(&self, cluster: Cluster) -> Result<ekafka_writer::Writer, WriterError> {
        self.settings().cluster(cluster).build()
    }

    /// A writer for one topic that waits for outcomes.
    pub(super) fn build_waiting(
        &self,
        topic: &str,
        cluster: Cluster,
    ) -> Result<ekafka_writer::Writer, WriterError> {
        let waiting = Self {
            asynchronous: false,
            completion: None,
            ..self.clone()
        };
        waiting.settings().topic(topic).cluster(cluster).build()
    }

    fn settings(&self) -> ekafka_writer::WriterConfig {
        let balancer = self.balancer.clone();
        let balancer = balancer.unwrap_or_else(|| BalancerName::RoundRobin.balancer());
        let completion = self.completion.clone();
        let mut config = ekafka_writer::WriterConfig::kafka_go()
            .balancer_arc(balancer)
            .max_attempts(self.max_attempts)
            .batch_size(self.batch_size)
            .batch_bytes(self.batch_bytes)
            .batch_timeout(self.batch_timeout)
            .read_timeout(self.read_timeout)
            .write_timeout(self.write_timeout)
            .acks(self.required_acks)
            .asynchronous(self.asynchronous)
            .allow_auto_topic_creation(self.allow_auto_topic_creation);
        if self.asynchronous || completion.is_some() {
            let is_asynchronous = self.asynchronous;
            config = config.completion(move |batch| {
                if let Some(error) = batch.error().filter(|_| is_asynchronous) {
                    let (topic, partition, messages) =
                        (batch.topic(), batch.partition(), batch.len());
                    tracing::error!(target: "ekafka::pubsub", topic, partition, messages, %error, "not published");
                }
                if let Some(completion) = &completion {
                    completion(&messages(batch), batch.error());
                }
            });
        }
        if let Some(logger) = &self.logger {
            config = config.logger(Arc::clone(logger));
        }
        if let Some(logger) = &self.error_logger {
            config = config.error_logger(Arc::clone(logger));
        }
        config
    }
}

/// The messages of a batch that has its outcome.
fn messages(batch: &CompletedBatch) -> Vec<Message> {
    let messages = batch.records().map(|record| {
        let headers = record.headers().map(|header| MessageHeader {
            key: header.key.to_owned(),
            value: header.value.map(Bytes::copy_from_slice),
        });
        Message {
            topic: batch.topic().to_owned(),
            partition: batch.partition(),
            offset: record.offset().unwrap_or(-1),
            high_water_mark: -1,
            key: record.key().map(Bytes::copy_from_slice),
            value: record.value().map(Bytes::copy_from_slice),
            headers: headers.collect(),
            time: u64::try_from(record.timestamp())
                .ok()
                .and_then(|since| std::time::UNIX_EPOCH.checked_add(Duration::from_millis(since))),
        }
    });
    messages.collect()
}

impl fmt::Debug for WriterConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriterConfig")
            .field("brokers", &self.brokers)
            .field("max_attempts", &self.max_attempts)
            .field("batch_size", &self.batch_size)
            .field("batch_bytes", &self.batch_bytes)
            .field("batch_timeout", &self.batch_timeout)
            .field("required_acks", &self.required_acks)
            .field("asynchronous", &self.asynchronous)
            .finish_non_exhaustive()
    }
}

/// The writers of a broker: one for all topics, or one for each.
///
/// ```
/// use ekafka::pubsub::{WriterConfig, new_writer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut holder = new_writer(true);
/// let config = WriterConfig { brokers: vec!["localhost:9092".into()], ..WriterConfig::default() };
/// let producer = holder.create_producer(&config, None, None)?;
/// holder.writers.insert("orders".into(), producer);
/// assert!(holder.of("orders").is_some());
/// holder.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Writer {
    /// The one for all topics, once it is there.
    pub writer: Option<ekafka_writer::Writer>,
    /// Those of single topics.
    pub writers: HashMap<String, ekafka_writer::Writer>,
    /// Whether each topic has a writer of its own.
    pub enable_one_topic_one_writer: bool,
}

/// As [`Writer::new`], under the documents' name.
#[must_use]
pub fn new_writer(enable_one_topic_one_writer: bool) -> Writer {
    Writer::new(enable_one_topic_one_writer)
}

impl Writer {
    /// A holder without writers.
    ///
    /// ```
    /// use ekafka::pubsub::Writer;
    ///
    /// let writer = Writer::new(true);
    /// assert!(writer.enable_one_topic_one_writer && writer.writers.is_empty());
    /// ```
    #[must_use]
    pub fn new(enable_one_topic_one_writer: bool) -> Self {
        Self {
            enable_one_topic_one_writer,
            ..Self::default()
        }
    }

    /// Makes a writer for any topic that belongs to nobody: it is not put into the holder.
    ///
    /// # Errors
    /// [`WriterError::Config`] with every fault, such as that no brokers are given.
    pub fn create_producer(
        &self,
        config: &WriterConfig,
        sasl: Option<Arc<dyn Mechanism>>,
        tls: Option<TlsConfig>,
    ) -> Result<ekafka_writer::Writer, WriterError> {
        let mut connection = ConnConfig::default();
        if let Some(sasl) = sasl {
            connection = connection.sasl(sasl);
        }
        if let Some(tls) = tls {
            connection = connection.tls(tls);
        }
        let settings = config.settings().brokers(&config.brokers);
        settings.connection(connection).build()
    }

    /// Accepts nothing more, waits until all that was accepted has its outcome, which takes as long as a delivery may at
    /// most, and forgets the writers.
    ///
    /// # Errors
    /// What the first of those that failed could not deliver; all are closed.
    ///
    /// # Cancel safety
    /// Dropping the future gives up what was not delivered by writers that nobody else holds.
    pub async fn close(&mut self) -> Result<(), Undelivered> {
        let all = self.writer.take().into_iter();
        let all: Vec<_> = all
            .chain(self.writers.drain().map(|(_, writer)| writer))
            .collect();
        let mut result = Ok(());
        for writer in all {
            // Records' times run side by side, so all of this takes no longer than one delivery may.
            result = result.and(writer.close().await);
        }
        result
    }

    /// The writer for a topic, if there is one.
    #[must_use]
    pub fn of(&self, topic: &str) -> Option<&ekafka_writer::Writer> {
        if self.enable_one_topic_one_writer {
            self.writers.get(topic)
        } else {
            self.writer.as_ref()
        }
    }

    pub(super) fn forget(&mut self, topic: &str) {
        if self.enable_one_topic_one_writer {
            self.writers.remove(topic);
        } else {
            self.writer = None;
        }
    }

    pub(super) fn put(&mut self, topic: &str, writer: ekafka_writer::Writer) {
        if self.enable_one_topic_one_writer {
            self.writers.insert(topic.to_owned(), writer);
        } else {
            self.writer = Some(writer);
        }
    }
}
