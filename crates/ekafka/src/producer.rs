//! A named producer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ekafka_conn::Record;
use ekafka_writer::Writer;

use crate::config::ProducerConfig;
use crate::context::Context;
use crate::error::ComponentError;
use crate::interceptor::{Call, Chain, Command, Operation};

/// Writes messages as `[kafka.producers.NAME]` says; made by [`Component::producer`](crate::Component::producer).
///
/// Writing waits for the outcomes, unless `async` is set. How long that takes is `batchTimeout`'s choice: by default a call
/// with fewer than `batchSize` messages waits for one second.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("orders", 1)?;
/// # let toml = "
/// #     [kafka]
/// #     brokers = ['localhost:9092']
/// #     [kafka.producers.p1]
/// #     topic = 'orders'
/// #     batchTimeout = 'auto'
/// #     [kafka.consumers.c1]
/// #     topic = 'orders'
/// #     groupID = 'shop'
/// #     [kafka.consumerGroups.cg1]
/// #     topic = 'orders'
/// #     groupID = 'shop'
/// #     [kafkaConsumerServers.s1]
/// #     consumerName = 'c1'
/// # ";
/// # let component = ekafka::load_toml(toml, "kafka")?.brokers(kafka.addresses()).build();
/// use ekafka::Record;
///
/// let producer = component.producer("p1");
/// producer.write_messages(&[Record::new("two apples").key("user-7"), Record::new("a pear")]).await?;
/// producer.close().await?;
/// assert!(producer.is_closed());
/// # Ok(())
/// # }
/// ```
///
/// ```no_run
/// # async fn example(component: ekafka::Component) -> Result<(), Box<dyn std::error::Error>> {
/// let producer = component.producer("p1");
/// println!("{} after {:?}", producer.config().topic, producer.config().batch_timeout);
/// producer.close().await?;
/// assert!(producer.is_closed());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Producer {
    config: ProducerConfig,
    writer: Writer,
    chain: Arc<Chain>,
    is_closed: AtomicBool,
}

impl Producer {
    pub(crate) fn new(config: ProducerConfig, writer: Writer, chain: Arc<Chain>) -> Self {
        Self {
            config,
            writer,
            chain,
            is_closed: AtomicBool::new(false),
        }
    }

    /// Writes `records` and waits for their outcomes (with `async`, until they are accepted).
    ///
    /// ```no_run
    /// # async fn example(producer: &ekafka::Producer) -> Result<(), ekafka::ComponentError> {
    /// use ekafka::Record;
    ///
    /// producer.write_messages(&[Record::new("two apples").key("user-7"), Record::new("a pear")]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Write`] with one slot for each record, when any failed; the others are written.
    ///
    /// # Cancel safety
    /// Dropping the future before its first wait writes nothing. Later, the records that were accepted are written all the
    /// same.
    pub async fn write_messages(&self, records: &[Record<'_>]) -> Result<(), ComponentError> {
        if self.chain.is_empty() {
            return Ok(self.writer.write(records).await?);
        }
        self.write_messages_with(&Context::new(), records).await
    }

    /// As [`write_messages`](Self::write_messages), with a context: its custom keys become message headers, and the messages
    /// continue its trace.
    ///
    /// ```no_run
    /// # async fn example(producer: &ekafka::Producer) -> Result<(), ekafka::ComponentError> {
    /// use ekafka::{Context, Record};
    ///
    /// let context = Context::new().with_value("X-Ego-Uid", "9527");
    /// producer.write_messages_with(&context, &[Record::new("two apples")]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`write_messages`](Self::write_messages), and what an interceptor says.
    ///
    /// # Cancel safety
    /// As [`write_messages`](Self::write_messages).
    pub async fn write_messages_with(
        &self,
        context: &Context,
        records: &[Record<'_>],
    ) -> Result<(), ComponentError> {
        let topic = match records {
            [first, ..] if self.config.topic.is_empty() => first.topic.unwrap_or_default(),
            _ => &self.config.topic,
        };
        let mut call = self.chain.call(Command::WriteMessages, topic, context);
        call.set_records(records);
        self.chain.run(&mut call, &mut Writing(&self.writer)).await
    }

    /// Accepts nothing more and waits until everything accepted has its outcome, good or bad: as long as a delivery may
    /// take, whatever brokers do. [`close_within`](Self::close_within) takes less. Closing again changes nothing.
    ///
    /// # Errors
    /// What an interceptor says, or [`ComponentError::Undelivered`] when [`close_within`](Self::close_within) gives
    /// messages up meanwhile.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the producer closed to new messages, and delivering what it has.
    pub async fn close(&self) -> Result<(), ComponentError> {
        self.end(None).await
    }

    /// As [`close`](Self::close), but gives up what has no outcome after `limit`: for a process that must be gone by then.
    ///
    /// ```no_run
    /// # async fn example(producer: &ekafka::Producer) {
    /// use std::time::Duration;
    ///
    /// if let Err(error) = producer.close_within(Duration::from_secs(10)).await {
    ///     eprintln!("{error}");
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Undelivered`] with the number of messages that were given up; or what an interceptor says.
    ///
    /// # Cancel safety
    /// As [`close`](Self::close).
    pub async fn close_within(&self, limit: Duration) -> Result<(), ComponentError> {
        self.end(Some(limit)).await
    }

    async fn end(&self, limit: Option<Duration>) -> Result<(), ComponentError> {
        self.is_closed.store(true, Ordering::Release);
        let context = Context::new();
        let topic = &self.config.topic;
        let mut call = self.chain.call(Command::ProducerClose, topic, &context);
        let mut closing = Closing(&self.writer, limit);
        self.chain.run(&mut call, &mut closing).await
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// The settings it was made with.
    #[must_use]
    pub fn config(&self) -> &ProducerConfig {
        &self.config
    }

    /// The writer behind it, for all that the documents do not have: deliveries, flush, statistics. Interceptors do not see
    /// what is done there.
    ///
    /// ```no_run
    /// # async fn example(producer: &ekafka::Producer) -> Result<(), Box<dyn std::error::Error>> {
    /// use ekafka::Record;
    ///
    /// let delivery = producer.writer().send(Record::new("two apples")).await?;
    /// println!("at offset {:?}", delivery.await?.offset());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn writer(&self) -> &Writer {
        &self.writer
    }
}

struct Writing<'p>(&'p Writer);

impl Operation for Writing<'_> {
    async fn run(&mut self, call: &mut Call<'_>) -> Result<(), ComponentError> {
        let added = call.added_headers();
        let records = call.records();
        if added.is_empty() {
            return Ok(self.0.write(records).await?);
        }
        let headers = records
            .iter()
            .map(|record| [record.headers, &added].concat());
        let headers: Vec<_> = headers.collect();
        let records = records.iter().zip(&headers);
        let records: Vec<Record<'_>> = records
            .map(|(record, headers)| record.headers(headers))
            .collect();
        Ok(self.0.write(&records).await?)
    }
}

struct Closing<'p>(&'p Writer, Option<Duration>);

impl Operation for Closing<'_> {
    async fn run(&mut self, _call: &mut Call<'_>) -> Result<(), ComponentError> {
        let closed = match self.1 {
            Some(limit) => self.0.close_within(limit).await,
            None => self.0.close().await,
        };
        Ok(closed?)
    }
}
