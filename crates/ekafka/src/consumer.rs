//! A named consumer.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::SystemTime;

use ekafka_conn::Message;
use ekafka_reader::{Event, Reader, ReaderHandle, ReaderStats, Received, StartOffset};
use futures_core::Stream;

use crate::config::ConsumerConfig;
use crate::context::Context;
use crate::error::ComponentError;
use crate::interceptor::{self, Call, Chain, Command, Operation, Response};
use crate::seat::{Seat, Taken};

/// Reads messages as `[kafka.consumers.NAME]` says: one partition, or a share of a topic when `groupID` is set; made by
/// [`Component::consumer`](crate::Component::consumer).
///
/// Any number of tasks may take messages; each gets different ones. Reading begins with the first call.
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
/// component.producer("p1").write_messages(&[Record::new("two apples")]).await?;
/// let consumer = component.consumer("c1");
/// let message = consumer.fetch_message().await?;
/// assert_eq!(message.value(), Some(&b"two apples"[..]));
/// consumer.commit_messages(&[message]).await?;
/// consumer.close().await?;
/// # Ok(())
/// # }
/// ```
///
/// ```no_run
/// # async fn example(component: ekafka::Component) -> Result<(), Box<dyn std::error::Error>> {
/// let consumer = component.consumer("c1");
/// println!("{} from {:?}", consumer.config().topic, consumer.brokers());
/// println!("reads {:?} next, {:?} behind", consumer.offset(), consumer.lag());
/// consumer.close().await?;
/// assert!(consumer.is_closed());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Consumer {
    config: ConsumerConfig,
    seat: Seat,
    chain: Arc<Chain>,
    /// As of the last message handed out; -1 for none.
    offset: AtomicI64,
    lag: AtomicI64,
}

impl Consumer {
    pub(crate) fn new(config: ConsumerConfig, reader: Reader, chain: Arc<Chain>) -> Self {
        Self {
            offset: AtomicI64::new(reader.offset().unwrap_or(-1)),
            config,
            seat: Seat::new(reader),
            chain,
            lag: AtomicI64::new(-1),
        }
    }

    /// The next message, without committing it.
    ///
    /// ```no_run
    /// # async fn example(consumer: &ekafka::Consumer) -> Result<(), ekafka::ComponentError> {
    /// let message = consumer.fetch_message().await?;
    /// // Handle it, then:
    /// consumer.commit_messages(&[message]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Reader`]: reading goes on unless it [is fatal](ComponentError::is_fatal).
    /// [`ComponentError::Closed`] once the consumer is closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn fetch_message(&self) -> Result<Message, ComponentError> {
        self.take(Command::FetchMessage).await
    }

    /// The next message; with a group, it is committed before it is returned, or at the next `commitInterval`. A crash
    /// between the two loses it: at most once.
    ///
    /// ```no_run
    /// # async fn example(consumer: &ekafka::Consumer) -> Result<(), ekafka::ComponentError> {
    /// let message = consumer.read_message().await?;
    /// println!("message at offset {}: {:?}", message.offset(), message.value());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`fetch_message`](Self::fetch_message), and the commit's.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn read_message(&self) -> Result<Message, ComponentError> {
        self.take(Command::ReadMessage).await
    }

    async fn take(&self, command: Command) -> Result<Message, ComponentError> {
        if self.chain.is_empty() {
            let message = self.taken(command).await?;
            self.note(&message);
            return Ok(message);
        }
        let context = Context::new();
        let mut call = self.chain.call(command, &self.config.topic, &context);
        let mut taking = Taking(self, Taken::nothing(&self.seat));
        let result = self.chain.run(&mut call, &mut taking).await;
        let taken = taking.1.into_received();
        result?;
        match taken {
            Some(Received::Message(message)) => Ok(message),
            _ => Err(ComponentError::Closed),
        }
    }

    async fn taken(&self, command: Command) -> Result<Message, ComponentError> {
        match command {
            Command::ReadMessage => self.seat.read().await,
            _ => self.seat.fetch().await,
        }
    }

    /// What belongs to a message and is not part of it: its custom keys, and the trace it is part of.
    ///
    /// ```no_run
    /// # async fn example(consumer: &ekafka::Consumer, producer: &ekafka::Producer) -> Result<(), ekafka::ComponentError> {
    /// use ekafka::Record;
    ///
    /// let message = consumer.fetch_message().await?;
    /// // What is written with it continues the message's trace and has its custom keys.
    /// let context = consumer.context(&message);
    /// producer.write_messages_with(&context, &[Record::new("done")]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn context(&self, message: &Message) -> Context {
        context_of(&self.chain, message)
    }

    /// Commits the highest offset of each partition among `messages`; waits for the coordinator, unless `commitInterval` is
    /// set.
    ///
    /// ```no_run
    /// # async fn example(consumer: &ekafka::Consumer) -> Result<(), ekafka::ComponentError> {
    /// let messages = [consumer.fetch_message().await?, consumer.fetch_message().await?];
    /// consumer.commit_messages(&messages).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Reader`]: without a group, for a partition that was taken away, or what the coordinator says.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the offsets marked: they go with the next commit.
    pub async fn commit_messages(&self, messages: &[Message]) -> Result<(), ComponentError> {
        self.commit(Command::CommitMessages, messages).await
    }

    pub(crate) async fn commit(
        &self,
        command: Command,
        messages: &[Message],
    ) -> Result<(), ComponentError> {
        let context = Context::new();
        let mut call = self.chain.call(command, &self.config.topic, &context);
        call.set_messages(messages);
        self.chain.run(&mut call, &mut Committing(&self.seat)).await
    }

    /// The offset behind the last message handed out, or where reading begins; `None` with a group, and while the beginning
    /// is not known.
    #[must_use]
    pub fn offset(&self) -> Option<i64> {
        let offset = self.offset.load(Ordering::Acquire);
        (self.config.group_id.is_empty() && offset >= 0).then_some(offset)
    }

    /// How many offsets lie between the last message handed out and the end of its partition, as last fetched or, each
    /// `readLagInterval`, as last asked; `None` with a group.
    #[must_use]
    pub fn lag(&self) -> Option<i64> {
        let fetched = self.lag.load(Ordering::Acquire);
        let offset = self.offset.load(Ordering::Acquire);
        let lag = match self.seat.last_read() {
            // The reader counts batch by batch: in the middle of one, the message knows better.
            Some((at, lag)) if at == offset || fetched < 0 => lag,
            _ => fetched.max(0),
        };
        self.config.group_id.is_empty().then_some(lag)
    }

    /// How far reading is behind the end of the partition, asked of its leader.
    ///
    /// ```no_run
    /// # async fn example(consumer: &ekafka::Consumer) -> Result<(), ekafka::ComponentError> {
    /// println!("{} messages behind", consumer.read_lag().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Reader`] with a group, or what the leader says.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn read_lag(&self) -> Result<i64, ComponentError> {
        let context = Context::new();
        let topic = &self.config.topic;
        let mut call = self.chain.call(Command::ReadLag, topic, &context);
        let mut asking = Lag(&self.seat, 0);
        self.chain.run(&mut call, &mut asking).await?;
        Ok(asking.1)
    }

    /// Reads on from `offset`. The numbers -2 and -1 are first and last.
    ///
    /// ```no_run
    /// # async fn example(consumer: &ekafka::Consumer) -> Result<(), ekafka::ComponentError> {
    /// consumer.set_offset(42).await?;
    /// assert_eq!(consumer.fetch_message().await?.offset(), 42);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Reader`] with a group, or when the partition cannot be asked.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the position moved.
    pub async fn set_offset(&self, offset: impl Into<StartOffset>) -> Result<(), ComponentError> {
        self.go(Command::SetOffset, offset.into()).await
    }

    /// Reads on from the first message with timestamp `time` or later.
    ///
    /// ```no_run
    /// # async fn example(consumer: &ekafka::Consumer) -> Result<(), ekafka::ComponentError> {
    /// use std::time::{Duration, SystemTime};
    ///
    /// consumer.set_offset_at(SystemTime::now() - Duration::from_secs(3600)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`set_offset`](Self::set_offset).
    ///
    /// # Cancel safety
    /// As [`set_offset`](Self::set_offset).
    pub async fn set_offset_at(&self, time: SystemTime) -> Result<(), ComponentError> {
        self.go(Command::SetOffsetAt, StartOffset::Time(time)).await
    }

    async fn go(&self, command: Command, start: StartOffset) -> Result<(), ComponentError> {
        let context = Context::new();
        let mut call = self.chain.call(command, &self.config.topic, &context);
        call.set_request(format_args!("{start:?}"));
        self.chain.run(&mut call, &mut Going(self, start)).await
    }

    /// Ends every call that waits, commits what is marked, leaves the group: 10 s at most, whatever brokers do; what has not
    /// happened by then does not happen. Closing again changes nothing.
    ///
    /// # Errors
    /// Why the last commit failed, so that messages will be read again, or what an interceptor says; the consumer is closed
    /// all the same.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the consumer closed; the group may then learn it only when the session is over.
    pub async fn close(&self) -> Result<(), ComponentError> {
        close(&self.chain, &self.config.topic, &self.seat).await
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.seat.is_closed()
    }

    /// The messages as a stream, not committed; it ends when the consumer is closed.
    /// [`Reader::messages`](ekafka_reader::Reader::messages) is the same for a reader that one task holds; what rebalances do
    /// is among [`ConsumerGroup::events`](crate::ConsumerGroup::events).
    #[doc(alias = "stream")]
    pub fn messages(self: &Arc<Self>) -> ConsumerStream {
        ConsumerStream {
            consumer: Arc::clone(self),
            waiting: None,
        }
    }

    /// The settings it was made with.
    #[must_use]
    pub fn config(&self) -> &ConsumerConfig {
        &self.config
    }

    /// Where the cluster is looked for.
    #[must_use]
    pub fn brokers(&self) -> &[String] {
        &self.chain.identity.brokers
    }

    /// What the reader has done since the last call.
    ///
    /// ```no_run
    /// # async fn example(consumer: &ekafka::Consumer) -> Result<(), ekafka::ComponentError> {
    /// let stats = consumer.stats().await?;
    /// println!("{} messages in {} fetches", stats.messages, stats.fetches);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Closed`].
    ///
    /// # Cancel safety
    /// Dropping the future may lose the counts.
    pub async fn stats(&self) -> Result<ReaderStats, ComponentError> {
        Ok(self.seat.now().await?.stats())
    }

    /// Seeks, pauses and commits single partitions, from any task.
    ///
    /// ```no_run
    /// # async fn example(consumer: &ekafka::Consumer) -> Result<(), Box<dyn std::error::Error>> {
    /// use ekafka::TopicPartition;
    ///
    /// consumer.handle().await?.pause(&[TopicPartition::new("orders", 0)]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Closed`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn handle(&self) -> Result<ReaderHandle, ComponentError> {
        Ok(self.seat.handle().await?.clone())
    }

    /// The next message or event, as a call of its own.
    pub(crate) async fn receive(&self) -> Result<Received, ComponentError> {
        if self.chain.is_empty() {
            return self.seat.recv().await;
        }
        let context = Context::new();
        let topic = &self.config.topic;
        let mut call = self.chain.call(Command::FetchMessage, topic, &context);
        let mut receiving = Receiving(Taken::nothing(&self.seat));
        let result = self.chain.run(&mut call, &mut receiving).await;
        let taken = receiving.0.into_received();
        result?;
        taken.ok_or(ComponentError::Closed)
    }

    pub(crate) fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    fn note(&self, message: &Message) {
        self.offset.store(message.offset() + 1, Ordering::Release);
        let behind = message.lag().saturating_sub(1).max(0);
        self.lag.store(behind, Ordering::Release);
    }
}

/// The context of a message that somebody took.
pub(crate) fn context_of(chain: &Chain, message: &Message) -> Context {
    let context = interceptor::extract(&chain.layers.keys, message, Context::new());
    #[cfg(feature = "otel")]
    if chain.layers.trace.is_some()
        && let Some(parent) = interceptor::remote_parent(message)
    {
        use opentelemetry::trace::TraceContextExt;
        let trace = opentelemetry::Context::current().with_remote_span_context(parent);
        return context.with_trace(trace);
    }
    context
}

struct Taking<'c>(&'c Consumer, Taken<'c>);

impl Operation for Taking<'_> {
    async fn run(&mut self, call: &mut Call<'_>) -> Result<(), ComponentError> {
        let message = self.0.taken(call.command()).await?;
        self.0.note(&message);
        self.1.put(Received::Message(message.clone()));
        call.respond(Response::Message(message));
        Ok(())
    }
}

struct Receiving<'c>(Taken<'c>);

impl Operation for Receiving<'_> {
    async fn run(&mut self, call: &mut Call<'_>) -> Result<(), ComponentError> {
        let received = self.0.seat.recv().await?;
        match &received {
            Received::Message(message) => call.respond(Response::Message(message.clone())),
            Received::Event(event) => {
                let (command, partitions) = match event {
                    Event::Assigned(partitions) => {
                        (Command::AssignedPartitions, partitions.clone())
                    }
                    Event::Revoked(partitions) | Event::Lost(partitions) => {
                        (Command::RevokedPartitions, partitions.clone())
                    }
                    _ => (Command::FetchMessage, Vec::new()),
                };
                call.set_command(command);
                call.respond(Response::Partitions(partitions));
            }
            _ => {}
        }
        self.0.put(received);
        Ok(())
    }
}

pub(crate) struct Committing<'c>(pub(crate) &'c Seat);

impl Operation for Committing<'_> {
    async fn run(&mut self, call: &mut Call<'_>) -> Result<(), ComponentError> {
        self.0.commit(call.messages()).await
    }
}

struct Lag<'c>(&'c Seat, i64);

impl Operation for Lag<'_> {
    async fn run(&mut self, call: &mut Call<'_>) -> Result<(), ComponentError> {
        let reader = self.0.now().await?;
        self.1 = self.0.unless_closing(reader.read_lag()).await?;
        call.respond(Response::Number(self.1));
        Ok(())
    }
}

struct Going<'c>(&'c Consumer, StartOffset);

impl Operation for Going<'_> {
    async fn run(&mut self, _call: &mut Call<'_>) -> Result<(), ComponentError> {
        let seat = &self.0.seat;
        let mut reader = seat.now().await?;
        seat.unless_closing(reader.set_offset(self.1)).await?;
        seat.forget_left();
        let offset = reader.offset().unwrap_or(-1);
        self.0.offset.store(offset, Ordering::Release);
        Ok(())
    }
}

/// Closes a seat through its layers, and also where one of them refuses.
pub(crate) async fn close(chain: &Chain, topic: &str, seat: &Seat) -> Result<(), ComponentError> {
    let context = Context::new();
    let mut call = chain.call(Command::ConsumerClose, topic, &context);
    let result = chain.run(&mut call, &mut Closing(seat)).await;
    result.and(seat.close().await)
}

struct Closing<'c>(&'c Seat);

impl Operation for Closing<'_> {
    async fn run(&mut self, _call: &mut Call<'_>) -> Result<(), ComponentError> {
        self.0.close().await
    }
}

/// The messages of a consumer; made by [`Consumer::messages`].
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
/// use futures_util::StreamExt;
/// use ekafka::Record;
///
/// component.producer("p1").write_messages(&[Record::new("two apples")]).await?;
/// let mut messages = component.consumer("c1").messages();
/// let message = messages.next().await.unwrap()?;
/// assert_eq!(message.value(), Some(&b"two apples"[..]));
/// # Ok(())
/// # }
/// ```
pub struct ConsumerStream {
    consumer: Arc<Consumer>,
    waiting: Option<Waiting>,
}

type Waiting = Pin<Box<dyn Future<Output = Result<Message, ComponentError>> + Send>>;

impl Stream for ConsumerStream {
    type Item = Result<Message, ComponentError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let stream = &mut *self;
        let consumer = &stream.consumer;
        let waiting = stream.waiting.get_or_insert_with(|| {
            let consumer = Arc::clone(consumer);
            Box::pin(async move { consumer.fetch_message().await })
        });
        let taken = std::task::ready!(waiting.as_mut().poll(task));
        stream.waiting = None;
        match taken {
            Err(ComponentError::Closed) => Poll::Ready(None),
            taken => Poll::Ready(Some(taken)),
        }
    }
}

impl std::fmt::Debug for ConsumerStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsumerStream").finish_non_exhaustive()
    }
}
