//! The door: what an application calls. It stamps the time, asks for the partition, waits for room and appends; all else
//! happens behind it.

mod accept;
mod call;
mod clock;
mod outside;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ekafka_conn::{ConnError, Record};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::accumulator::{Shelf, Topic};
use crate::balancer::Balancer;
use crate::config::{Checked, WriterConfig, config_error};
use crate::error::{Undelivered, WriteErrors, WriterError};
use crate::receipt::Delivery;
use crate::sender::{Event, Sender};
use crate::sink::RecordSink;

use self::call::Call;

/// Writes records to Kafka. Clones share it; dropping the last one gives up what was not delivered, [`close`](Self::close)
/// delivers it first.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use ekafka_writer::{Record, Writer};
///
/// let writer = Writer::builder().brokers(["localhost:9092"]).topic("orders").build()?;
/// writer.write(&[Record::new("first").key("user-7"), Record::new("second")]).await?;
/// let delivered = writer.send(Record::new("third")).await?.await?;
/// println!("offset {:?} of partition {}", delivered.offset(), delivered.partition());
/// # Ok(())
/// # }
/// ```
#[doc(alias = "producer")]
#[derive(Debug, Clone)]
pub struct Writer {
    door: Arc<Door>,
}

/// What clones share; the last one to go ends the sender.
struct Door {
    sender: Arc<Sender>,
    topic: Option<Arc<str>>,
    /// The writer's topic as first found, so that records need no look-up unless it is made anew.
    found: OnceLock<Arc<Topic>>,
    balancer: Option<Arc<dyn Balancer>>,
    max_block: Duration,
    /// How long a topic is looked for.
    read_timeout: Duration,
    auto_create: bool,
    /// Whether `write` returns once its records are accepted.
    asynchronous: bool,
}

impl Writer {
    /// A configuration to fill in; [`WriterConfig::build`] makes the writer.
    pub fn builder() -> WriterConfig {
        WriterConfig::default()
    }

    pub(crate) fn new(config: Checked) -> Result<Self, WriterError> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(config_error(&[
                "not called within a Tokio runtime".to_owned()
            ]));
        }
        let mut shelf = Shelf::new(config.limits, config.buffer_memory);
        shelf.outside = outside::start(
            config.cluster.config().client_name(),
            config.topic.as_deref(),
            config.loggers,
            config.completion,
            &shelf.pool,
        );
        let sender = Sender::start(config.rules, config.cluster, Arc::new(shelf));
        let door = Door {
            sender,
            topic: config.topic,
            found: OnceLock::new(),
            balancer: config.balancer,
            max_block: config.max_block,
            read_timeout: config.read_timeout,
            auto_create: config.auto_create,
            asynchronous: config.asynchronous,
        };
        Ok(Self {
            door: Arc::new(door),
        })
    }

    /// Writes `records` and waits for their outcomes. Records of one partition keep their order, also across calls.
    ///
    /// The records that can be written are, whatever becomes of the others.
    ///
    /// ```no_run
    /// # async fn example(writer: ekafka_writer::Writer) {
    /// use ekafka_writer::Record;
    ///
    /// let records = [Record::new("two apples").key("user-7"), Record::new("a pear")];
    /// if let Err(errors) = writer.write(&records).await {
    ///     for (index, error) in errors.iter() {
    ///         eprintln!("record {index}: {error}, may be there: {}", error.maybe_written());
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`WriteErrors`] with one slot for each record, when any failed.
    ///
    /// # Cancel safety
    /// Dropping the future before its first wait writes nothing. Later, the records that were accepted are written all the
    /// same; nobody is told of their outcomes.
    pub async fn write(&self, records: &[Record<'_>]) -> Result<(), WriteErrors> {
        let mut call = Call::new(records.len());
        self.door.accept(records, &mut call).await;
        if self.door.asynchronous {
            return call.refusals();
        }
        call.finish().await
    }

    /// Accepts one record, waiting for room if need be; the handle gives its outcome.
    ///
    /// A record without a timestamp gets the time of this call, which on Linux may be some milliseconds early (the
    /// system's last clock tick) but not earlier than its batch.
    ///
    /// ```no_run
    /// # async fn example(writer: ekafka_writer::Writer) -> Result<(), ekafka_writer::WriterError> {
    /// use ekafka_writer::Record;
    ///
    /// // Both are on their way before the first outcome is waited for.
    /// let first = writer.send(Record::new("one")).await?;
    /// let second = writer.send(Record::new("two")).await?;
    /// println!("offsets {:?} and {:?}", first.await?.offset(), second.await?.offset());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The reason why the record was not accepted: no class but "not written".
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready writes nothing and takes no room. Dropping the [`Delivery`] changes nothing.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn moves its arguments once more, which costs more than encoding them"
    )]
    pub fn send(
        &self,
        record: Record<'_>,
    ) -> impl Future<Output = Result<Delivery, WriterError>> + Send {
        async move {
            match self.door.try_accept(&record) {
                Ok(delivery) => Ok(delivery),
                Err(obstacle) => self.door.accept_in_time(&record, obstacle).await,
            }
        }
    }

    /// Accepts one record if that takes no waiting.
    ///
    /// ```no_run
    /// # fn example(writer: ekafka_writer::Writer) {
    /// use ekafka_writer::{Record, WriterError};
    ///
    /// match writer.try_send(Record::new("a measurement that may be left out")) {
    ///     Ok(delivery) => drop(delivery),
    ///     Err(WriterError::NoRoom { .. }) => println!("left out"),
    ///     Err(error) => eprintln!("{error}"),
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`WriterError::NoRoom`] when there is no room now or the topic's partitions are not known yet; otherwise as
    /// [`send`](Self::send).
    pub fn try_send(&self, record: Record<'_>) -> Result<Delivery, WriterError> {
        self.door
            .try_accept(&record)
            .map_err(|obstacle| match *obstacle {
                Obstacle::Error(error) => error,
                Obstacle::Topic | Obstacle::Room(_) => WriterError::NoRoom {
                    waited: Duration::ZERO,
                },
            })
    }

    /// The writer as a [`Sink`](futures_sink::Sink) of records, for code that is written in terms of streams and sinks.
    ///
    /// ```no_run
    /// # async fn example(writer: ekafka_writer::Writer) -> Result<(), ekafka_writer::WriterError> {
    /// use ekafka_writer::Record;
    /// use futures_util::SinkExt;
    ///
    /// let mut sink = writer.sink();
    /// sink.feed(Record::new("first")).await?;
    /// sink.feed(Record::new("second")).await?;
    /// SinkExt::<Record<'_>>::flush(&mut sink).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn sink(&self) -> RecordSink {
        RecordSink::new(self.clone())
    }

    /// Sends what is buffered now without delay, and waits until all of it has its outcome, good or bad.
    ///
    /// ```no_run
    /// # async fn example(writer: ekafka_writer::Writer) -> Result<(), ekafka_writer::WriterError> {
    /// let delivery = writer.send(ekafka_writer::Record::new("the last one")).await?;
    /// writer.flush().await;
    /// assert!(delivery.is_done());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropping the future stops the waiting only.
    pub async fn flush(&self) {
        self.door.flush().await;
    }

    /// Accepts nothing more and waits until all that was accepted has its outcome, good or bad. That takes `delivery_timeout`
    /// at most, whatever brokers do; [`close_within`](Self::close_within) takes less. Closing again changes nothing.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
    /// # kafka.create_topic("orders", 1)?;
    /// use ekafka_writer::{Record, Writer};
    ///
    /// let writer = Writer::builder().brokers(kafka.addresses()).topic("orders").build()?;
    /// let delivery = writer.send(Record::new("the last one")).await?;
    /// writer.close().await?;
    /// assert!(delivery.is_done());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Undelivered`] when [`close_within`](Self::close_within) gives records up meanwhile. Records that fail by themselves are
    /// not counted: their handles and the completion function tell.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the writer closed to new records, and delivering what it has.
    pub async fn close(&self) -> Result<(), Undelivered> {
        self.door.sender.shelf.shut();
        self.door.flush().await;
        self.give_up().await
    }

    /// As [`close`](Self::close), but gives up what has no outcome after `limit`: for a process that must be gone by then.
    ///
    /// ```no_run
    /// # async fn example(writer: ekafka_writer::Writer) {
    /// use std::time::Duration;
    ///
    /// if let Err(undelivered) = writer.close_within(Duration::from_secs(10)).await {
    ///     for share in &undelivered.partitions {
    ///         eprintln!("{}: {} records not written", share.at, share.not_written);
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Undelivered`] with the number of records that were given up, for each partition. Records that failed before are
    /// not counted: they have had their outcomes.
    ///
    /// # Cancel safety
    /// As [`close`](Self::close).
    pub async fn close_within(&self, limit: Duration) -> Result<(), Undelivered> {
        self.door.sender.shelf.shut();
        // In time or not: what has no outcome by now is counted next.
        let _ = tokio::time::timeout(limit, self.door.flush()).await;
        self.give_up().await
    }

    /// Gives up what has no outcome, and ends the sender.
    async fn give_up(&self) -> Result<(), Undelivered> {
        let sender = &self.door.sender;
        let (tell, told) = oneshot::channel();
        sender.post(Event::Abandon(Some(tell)));
        let abandoned = told.await.unwrap_or_default();
        if abandoned.is_nothing() {
            Ok(())
        } else {
            Err(abandoned)
        }
    }
}

impl Door {
    async fn flush(&self) {
        let shelf = &self.sender.shelf;
        let mut ready = Vec::new();
        let mut unresolved = Vec::new();
        shelf.each_topic(|topic| {
            for partition in &topic.partitions().list {
                let mut queue = partition.queue();
                queue.flush();
                unresolved.extend(queue.unresolved().map(Arc::clone));
                if queue.poke(shelf.patience(), false) {
                    ready.push(Arc::clone(partition));
                }
            }
        });
        self.sender.post_ready(&mut ready);
        for receipt in unresolved {
            receipt.done().await;
        }
    }

    /// The writer's topic or the record's: exactly one of them must name it.
    fn topic_of<'a>(&'a self, record: &Record<'a>) -> Result<&'a str, WriterError> {
        match (&self.topic, record.topic) {
            (Some(topic), None) => Ok(topic),
            (None, Some(topic)) => Ok(topic),
            (_, topic) => Err(WriterError::Topic {
                topic: topic.map(Arc::from),
            }),
        }
    }

    /// The topic's queues, from the cluster's metadata where they are new.
    async fn find_topic(&self, name: &str) -> Result<Arc<Topic>, WriterError> {
        if let Some(topic) = self.sender.shelf.topic(name) {
            return Ok(topic);
        }
        if self.sender.shelf.is_shut() {
            return Err(self.closed_error(&Arc::from(name), UNCHOSEN));
        }
        let unavailable = |source: ConnError| WriterError::TopicUnavailable {
            topic: Arc::from(name),
            source: Arc::new(source),
        };
        let deadline = Instant::now() + self.read_timeout;
        let cluster = self.sender.cluster();
        let found = if self.auto_create {
            cluster.topic_or_create(name, deadline).await
        } else {
            cluster.topic(name, deadline).await
        };
        let view = found.map_err(unavailable)?;
        let Some(known) = view.topic(name) else {
            return Err(unavailable(ConnError::Closed));
        };
        cluster.track(name);
        Ok(self
            .sender
            .shelf
            .set_topic(name, known.id, known.partitions.len()))
    }

    /// Why nothing is accepted any more.
    fn closed_error(&self, topic: &Arc<str>, partition: i32) -> WriterError {
        match self.sender.shelf.failure() {
            None => WriterError::Closed,
            Some(cause) => WriterError::Fatal {
                at: crate::error::TopicPartition {
                    topic: Arc::clone(topic),
                    partition,
                },
                cause: cause.clone(),
                maybe_written: false,
            },
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.sender.post(Event::Abandon(None));
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Door")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

/// Why a record could not be accepted without waiting.
#[derive(Debug)]
enum Obstacle {
    /// The topic's partitions are to be looked up.
    Topic,
    /// So many bytes are to be waited for.
    Room(usize),
    Error(WriterError),
}

/// Stands for the partition in errors of records that did not get as far.
const UNCHOSEN: i32 = -1;
