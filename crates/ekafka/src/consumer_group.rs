//! A named member of a consumer group that is polled for messages and for what happens to the group.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll};

use ekafka_conn::Message;
use ekafka_reader::{Event, Reader, ReaderHandle, Received, StartOffset, TopicPartition};
use futures_core::Stream;

use crate::config::ConsumerGroupConfig;
use crate::consumer::{Committing, close, context_of};
use crate::context::Context;
use crate::error::ComponentError;
use crate::interceptor::{Call, Chain, Command, Operation, Response};
use crate::seat::Seat;

/// What a poll gives.
///
/// ```
/// use ekafka::GroupEvent;
///
/// fn describe(event: &GroupEvent) -> String {
///     match event {
///         GroupEvent::Message(message) => format!("a message with offset {}", message.offset()),
///         GroupEvent::AssignedPartitions(assigned) => format!("got {} partitions", assigned.partitions.len()),
///         GroupEvent::RevokedPartitions(revoked) => format!("gave {} back", revoked.partitions.len()),
///         GroupEvent::Error(error) => format!("failed: {error}"),
///         other => format!("{other:?}"),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum GroupEvent {
    /// A message. Taking the next event does not commit it.
    Message(Message),
    /// The group gave this member partitions: once for each assignment.
    AssignedPartitions(AssignedPartitions),
    /// The group takes partitions away: once for each generation that had any. Their finished messages can be committed
    /// until the next poll.
    RevokedPartitions(RevokedPartitions),
    /// Something failed. The member goes on, unless the error [is fatal](ComponentError::is_fatal).
    Error(ComponentError),
    /// The position in a partition was moved: it was outside the log, or the log lost records.
    Moved(Event),
}

/// Partitions that this member was given.
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
/// use ekafka::GroupEvent;
///
/// let GroupEvent::AssignedPartitions(assigned) = component.consumer_group("cg1").poll().await? else {
///     unreachable!("the assignment comes first");
/// };
/// assert_eq!(assigned.partitions.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssignedPartitions {
    /// Each with where reading begins; none when there are more members than partitions.
    pub partitions: Vec<AssignedPartition>,
}

/// A partition and where reading it begins.
///
/// ```
/// use ekafka::AssignedPartition;
///
/// fn begins_anew(partition: &AssignedPartition) -> bool {
///     partition.offset < 0
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssignedPartition {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
    /// The committed offset, or -2 (first) or -1 (last) where nothing is committed.
    pub offset: i64,
}

/// Partitions that were taken from this member.
///
/// ```
/// use ekafka::RevokedPartitions;
///
/// fn can_still_commit(revoked: &RevokedPartitions) -> bool {
///     !revoked.is_lost
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokedPartitions {
    /// Which.
    pub partitions: Vec<TopicPartition>,
    /// They were lost without notice, so that nothing of them can be committed any more.
    pub is_lost: bool,
}

/// A member of the group that `[kafka.consumerGroups.NAME]` describes; made by
/// [`Component::consumer_group`](crate::Component::consumer_group). It joins with the first poll.
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
/// use ekafka::{GroupEvent, Record};
///
/// component.producer("p1").write_messages(&[Record::new("two apples")]).await?;
/// let group = component.consumer_group("cg1");
/// loop {
///     if let GroupEvent::Message(message) = group.poll().await? {
///         group.commit_messages(&[message]).await?;
///         break;
///     }
/// }
/// group.close().await?;
/// # Ok(())
/// # }
/// ```
///
/// ```no_run
/// # async fn example(component: ekafka::Component) -> Result<(), Box<dyn std::error::Error>> {
/// let group = component.consumer_group("cg1");
/// println!("{} is in {}", group.config().topic, group.config().group_id);
/// // Seeks and pauses.
/// let handle = group.handle().await?;
/// handle.pause(&[ekafka::TopicPartition::new("orders", 0)]).await?;
/// group.close().await?;
/// assert!(group.is_closed());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ConsumerGroup {
    config: ConsumerGroupConfig,
    seat: Seat,
    chain: Arc<Chain>,
    /// Assignments whose beginnings are being asked for.
    assigned: Mutex<VecDeque<Vec<TopicPartition>>>,
}

impl ConsumerGroup {
    pub(crate) fn new(config: ConsumerGroupConfig, reader: Reader, chain: Arc<Chain>) -> Self {
        Self {
            config,
            seat: Seat::new(reader),
            chain,
            assigned: Mutex::default(),
        }
    }

    /// Waits for the next event. Polling again answers [`GroupEvent::RevokedPartitions`]: then the group goes on.
    ///
    /// ```no_run
    /// # async fn example(group: &ekafka::ConsumerGroup) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use ekafka::GroupEvent;
    ///
    /// loop {
    ///     match tokio::time::timeout(Duration::from_secs(60), group.poll()).await?? {
    ///         GroupEvent::Message(message) => group.commit_messages(&[message]).await?,
    ///         GroupEvent::Error(_) => break group.close().await?,
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Closed`] once the group is closed, and what an interceptor says. All else is an event.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn poll(&self) -> Result<GroupEvent, ComponentError> {
        let mut polling = Polling {
            group: self,
            event: None,
        };
        if self.chain.is_empty() {
            return self.next().await;
        }
        let context = Context::new();
        let topic = &self.config.topic;
        let mut call = self.chain.call(Command::FetchMessage, topic, &context);
        let result = self.chain.run(&mut call, &mut polling).await;
        match (polling.event.take(), result) {
            (Some(event), _) => Ok(event),
            (None, Err(error)) => Err(error),
            (None, Ok(())) => Err(ComponentError::Closed),
        }
    }

    async fn next(&self) -> Result<GroupEvent, ComponentError> {
        if let Some(event) = self.assigned_event().await? {
            return Ok(event);
        }
        let revoked = |partitions, is_lost| {
            GroupEvent::RevokedPartitions(RevokedPartitions {
                partitions,
                is_lost,
            })
        };
        Ok(match self.seat.recv().await {
            Ok(Received::Message(message)) => GroupEvent::Message(message),
            Ok(Received::Event(Event::Assigned(partitions))) => {
                self.assignments().push_back(partitions);
                match self.assigned_event().await? {
                    Some(event) => event,
                    // Another poll has taken it.
                    None => return Box::pin(self.next()).await,
                }
            }
            Ok(Received::Event(Event::Revoked(partitions))) => revoked(partitions, false),
            Ok(Received::Event(Event::Lost(partitions))) => revoked(partitions, true),
            Ok(Received::Event(event)) => GroupEvent::Moved(event),
            Ok(_) => return Box::pin(self.next()).await,
            Err(ComponentError::Closed) => return Err(ComponentError::Closed),
            Err(error) => GroupEvent::Error(error),
        })
    }

    /// The oldest assignment that was not told, with where its partitions begin. Kept until it is told, so that a poll that
    /// is given up does not lose it.
    async fn assigned_event(&self) -> Result<Option<GroupEvent>, ComponentError> {
        let Some(partitions) = self.assignments().front().cloned() else {
            return Ok(None);
        };
        let nothing_committed = match self.config.start_offset {
            StartOffset::Last => -1,
            _ => -2,
        };
        let committed = if partitions.is_empty() {
            Vec::new()
        } else {
            let reader = self.seat.now().await?;
            let asked = self.seat.unless_closing(reader.committed(&partitions));
            match asked.await {
                Err(ComponentError::Closed) => return Err(ComponentError::Closed),
                Err(error) => {
                    tracing::warn!(%error, group = self.config.group_id, "committed offsets are not known");
                    partitions.iter().map(|one| (one.clone(), None)).collect()
                }
                Ok(committed) => committed,
            }
        };
        if self.assignments().front() != Some(&partitions) {
            return Ok(None);
        }
        self.assignments().pop_front();
        let partitions = committed.into_iter();
        let partitions = partitions.map(|(at, offset)| AssignedPartition {
            topic: at.topic,
            partition: at.partition,
            offset: offset.unwrap_or(nothing_committed),
        });
        Ok(Some(GroupEvent::AssignedPartitions(AssignedPartitions {
            partitions: partitions.collect(),
        })))
    }

    fn assignments(&self) -> std::sync::MutexGuard<'_, VecDeque<Vec<TopicPartition>>> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits the highest offset of each partition among `messages`; waits for the coordinator, unless `commitInterval` is
    /// set.
    ///
    /// ```no_run
    /// # async fn example(group: &ekafka::ConsumerGroup) -> Result<(), ekafka::ComponentError> {
    /// use ekafka::GroupEvent;
    ///
    /// if let GroupEvent::Message(message) = group.poll().await? {
    ///     group.commit_messages(&[message]).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ComponentError::Reader`]: for a partition that was taken away since, or what the coordinator says.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the offsets marked: they go with the next commit.
    pub async fn commit_messages(&self, messages: &[Message]) -> Result<(), ComponentError> {
        let context = Context::new();
        let topic = &self.config.topic;
        let mut call = self.chain.call(Command::CommitMessages, topic, &context);
        call.set_messages(messages);
        self.chain.run(&mut call, &mut Committing(&self.seat)).await
    }

    /// What belongs to a message and is not part of it: its custom keys, and the trace it is part of.
    #[must_use]
    pub fn context(&self, message: &Message) -> Context {
        context_of(&self.chain, message)
    }

    /// Ends every call that waits, commits what is marked, leaves the group: 10 s at most, whatever brokers do; what has not
    /// happened by then does not happen. Closing again changes nothing.
    ///
    /// # Errors
    /// Why the last commit failed, so that messages will be read again, or what an interceptor says; it is closed all the
    /// same.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it closed; the group may then learn it only when the session is over.
    pub async fn close(&self) -> Result<(), ComponentError> {
        close(&self.chain, &self.config.topic, &self.seat).await
    }

    /// Whether [`close`](Self::close) was called.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.seat.is_closed()
    }

    /// What [`poll`](Self::poll) returns, as a stream: messages, and assignments, revocations and errors between them, in
    /// their order. That is why it is not called `messages` as [`Consumer::messages`](crate::Consumer::messages) is. It
    /// ends when the group is closed.
    #[doc(alias = "stream")]
    pub fn events(self: &Arc<Self>) -> GroupStream {
        GroupStream {
            group: Arc::clone(self),
            waiting: None,
        }
    }

    /// The settings it was made with.
    #[must_use]
    pub fn config(&self) -> &ConsumerGroupConfig {
        &self.config
    }

    /// Seeks, pauses and commits single partitions, from any task.
    ///
    /// # Errors
    /// [`ComponentError::Closed`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn handle(&self) -> Result<ReaderHandle, ComponentError> {
        Ok(self.seat.handle().await?.clone())
    }
}

struct Polling<'g> {
    group: &'g ConsumerGroup,
    event: Option<GroupEvent>,
}

/// A poll that is given up leaves its event for the next one.
impl Drop for Polling<'_> {
    fn drop(&mut self) {
        let received = match self.event.take() {
            Some(GroupEvent::Message(message)) => Received::Message(message),
            Some(GroupEvent::RevokedPartitions(revoked)) if revoked.is_lost => {
                Received::Event(Event::Lost(revoked.partitions))
            }
            Some(GroupEvent::RevokedPartitions(revoked)) => {
                Received::Event(Event::Revoked(revoked.partitions))
            }
            Some(GroupEvent::AssignedPartitions(assigned)) => {
                let partitions = assigned.partitions.into_iter();
                let partitions = partitions.map(|at| TopicPartition::new(at.topic, at.partition));
                Received::Event(Event::Assigned(partitions.collect()))
            }
            Some(GroupEvent::Moved(event)) => Received::Event(event),
            Some(GroupEvent::Error(_)) | None => return,
        };
        self.group.seat.leave(received);
    }
}

impl Operation for Polling<'_> {
    async fn run(&mut self, call: &mut Call<'_>) -> Result<(), ComponentError> {
        let event = self.group.next().await?;
        let mut result = Ok(());
        match &event {
            GroupEvent::Message(message) => call.respond(Response::Message(message.clone())),
            GroupEvent::AssignedPartitions(assigned) => {
                call.set_command(Command::AssignedPartitions);
                let partitions = assigned.partitions.iter();
                let partitions =
                    partitions.map(|at| TopicPartition::new(Arc::clone(&at.topic), at.partition));
                call.respond(Response::Partitions(partitions.collect()));
            }
            GroupEvent::RevokedPartitions(revoked) => {
                call.set_command(Command::RevokedPartitions);
                call.respond(Response::Partitions(revoked.partitions.clone()));
            }
            GroupEvent::Error(error) => {
                call.set_command(Command::FetchError);
                result = Err(error.clone());
            }
            GroupEvent::Moved(event) => call.respond(Response::Text(format!("{event:?}"))),
        }
        self.event = Some(event);
        result
    }
}

/// The events of a group; made by [`ConsumerGroup::events`].
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
/// use ekafka::GroupEvent;
///
/// let mut events = component.consumer_group("cg1").events();
/// let first = events.next().await.unwrap();
/// assert!(matches!(first, GroupEvent::AssignedPartitions(_)));
/// # Ok(())
/// # }
/// ```
pub struct GroupStream {
    group: Arc<ConsumerGroup>,
    waiting: Option<Waiting>,
}

type Waiting = Pin<Box<dyn Future<Output = Result<GroupEvent, ComponentError>> + Send>>;

impl Stream for GroupStream {
    type Item = GroupEvent;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<GroupEvent>> {
        let stream = &mut *self;
        let group = &stream.group;
        let waiting = stream.waiting.get_or_insert_with(|| {
            let group = Arc::clone(group);
            Box::pin(async move { group.poll().await })
        });
        let polled = std::task::ready!(waiting.as_mut().poll(task));
        stream.waiting = None;
        Poll::Ready(match polled {
            Ok(event) => Some(event),
            Err(ComponentError::Closed) => None,
            Err(error) => Some(GroupEvent::Error(error)),
        })
    }
}

impl std::fmt::Debug for GroupStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupStream").finish_non_exhaustive()
    }
}
