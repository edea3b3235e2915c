//! The reader as the application holds it.

mod buffered;
mod handle;
mod outside;
mod per_partition;
mod positions;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use ekafka_conn::{Cluster, Message};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::TopicPartition;
use crate::batch::RecordBatch;
use crate::config::{ReaderBuilder, Settings};
use crate::control::{Beginning, Control, Note};
use crate::error::ReaderError;
use crate::event::Event;
use crate::inbox::{Inbox, Item};
use crate::reset::{Start, StartOffset};
use crate::stats::{Counters, ReaderStats};
use crate::story::{Few, Story, narrate};

use buffered::Buffered;
pub use handle::ReaderHandle;
use outside::Outside;
pub use per_partition::{PartitionStream, PartitionStreams};
pub use stream::MessageStream;

/// What [`Reader::recv`] hands out.
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// use ekafka_reader::{Event, Received};
///
/// match reader.recv().await? {
///     Received::Message(message) => println!("{}: {:?}", message.offset(), message.value()),
///     Received::Event(Event::Revoked(partitions)) => println!("finish and commit {partitions:?}"),
///     other => println!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Received {
    /// A record.
    Message(Message),
    /// A change between the records before it and those after it.
    Event(Event),
}

/// Reads records: of chosen partitions, or as a member of a group.
///
/// Three ways to receive, by falling comfort and cost: [`read_message`](Self::read_message) and
/// [`fetch_message`](Self::fetch_message) give owned messages (one handle on their batch, no allocation);
/// [`next_batch`](Self::next_batch) gives whole batches whose records are borrowed;
/// [`recv`](Self::recv) gives messages and events such as rebalances. The first call starts the reader.
///
/// Dropping a reader stops it at once and commits nothing; [`close`](Self::close) ends in order.
///
/// ```no_run
/// use ekafka_reader::Reader;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut reader = Reader::builder()
///     .brokers(["localhost:9092"])
///     .topic("orders")
///     .group_id("shop")
///     .build()?;
/// for _ in 0..100 {
///     let message = reader.fetch_message().await?;
///     println!("{:?}", message.value());
///     reader.commit_messages(&[message]).await?;
/// }
/// reader.close().await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "consumer")]
#[derive(Debug)]
pub struct Reader {
    cluster: Cluster,
    settings: Settings,
    inbox: Arc<Inbox>,
    handle: ReaderHandle,
    counters: Arc<Counters>,
    /// What control starts with; `None` once it runs.
    unstarted: Option<UnboundedReceiver<Note>>,
    task: Option<JoinHandle<()>>,
    /// Where the partitions begin or were last sent by `set_offset`.
    start: Start,
    /// Where what was handed out last ended.
    buffered: Buffered,
    /// A message taken by a `read_message` that has not returned it.
    unconfirmed: Option<Message>,
    /// What the group gave to this reader, by the events that were taken.
    held: BTreeSet<TopicPartition>,
}

impl Reader {
    /// Sets a reader up.
    ///
    /// ```
    /// use ekafka_reader::Reader;
    ///
    /// let builder = Reader::builder().brokers(["localhost:9092"]).topic("orders");
    /// ```
    pub fn builder() -> ReaderBuilder {
        ReaderBuilder::default()
    }

    pub(crate) fn new(cluster: Cluster, settings: Settings) -> Self {
        let (sender, receiver) = unbounded_channel();
        let capacity = settings.queue_capacity.unwrap_or(u64::MAX);
        let inbox = Arc::new(Inbox::new(settings.buffer_memory).with_capacity(capacity));
        let counters = Arc::new(Counters::new(cluster.config().client_name()));
        let view = Outside::new(&settings, &cluster, &inbox, &counters);
        Self {
            handle: ReaderHandle::new(sender, &settings, view),
            buffered: Buffered::new(settings.limits, Arc::clone(&counters)),
            start: settings.start.start(),
            inbox,
            cluster,
            settings,
            counters,
            unstarted: Some(receiver),
            task: None,
            unconfirmed: None,
            held: BTreeSet::new(),
        }
    }

    /// The next message or event.
    ///
    /// Asking again answers the event before: after [`Event::Revoked`] the next call lets the group go
    /// on, so finish and commit first.
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// use ekafka_reader::Received;
    ///
    /// match reader.recv().await? {
    ///     Received::Message(message) => println!("{}", message.offset()),
    ///     Received::Event(event) => println!("{event:?}"),
    ///     _ => {}
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ReaderError`]; the reader goes on unless the error [is fatal](ReaderError::is_fatal).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Result<Received, ReaderError> {
        if let Some(message) = self.unconfirmed.take() {
            return Ok(Received::Message(message));
        }
        loop {
            if let Some(message) = self.next_buffered() {
                return Ok(Received::Message(message));
            }
            if let Some(event) = self.refill().await? {
                return Ok(Received::Event(event));
            }
        }
    }

    /// The next message, without committing it. Ready at once while the batch before it has more.
    /// Events are answered silently: asking for the next message says that those before are done with.
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// let message = reader.fetch_message().await?;
    /// println!("{:?} at {}", message.value(), message.offset());
    /// // Without a group, where it reads next, and how far that is from the end: known, and asked of the leader.
    /// println!("{:?}, {:?} behind, {} behind", reader.offset(), reader.lag(), reader.read_lag().await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn fetch_message(&mut self) -> Result<Message, ReaderError> {
        if self.unconfirmed.is_none()
            && let Some(message) = self.buffered.ready()
        {
            return Ok(message);
        }
        self.fetch_next().await
    }

    async fn fetch_next(&mut self) -> Result<Message, ReaderError> {
        if let Some(message) = self.unconfirmed.take() {
            return Ok(message);
        }
        loop {
            if let Some(message) = self.next_buffered() {
                return Ok(message);
            }
            self.refill().await?;
        }
    }

    /// The next message; with a group, commits it before it is returned (at once, or at the next tick of
    /// `commit_interval`). A crash between the two loses it: at most once.
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// let message = reader.read_message().await?;
    /// println!("{:?}, committed already", message.value());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`recv`](Self::recv), and the commit's. After a failed commit the next call tries it again.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call returns the same message.
    pub async fn read_message(&mut self) -> Result<Message, ReaderError> {
        // With an interval no message is kept unconfirmed.
        if self.handle.only_marks()
            && let Some(message) = self.buffered.ready()
            && self.buffered.mark_last(message.leader_epoch())
        {
            return Ok(message);
        }
        self.read_next().await
    }

    async fn read_next(&mut self) -> Result<Message, ReaderError> {
        loop {
            let is_second_try = self.unconfirmed.is_some();
            let message = self.fetch_next().await?;
            if !self.handle.commits() {
                return Ok(message);
            }
            if self.handle.only_marks() {
                // The message is the one that was handed out last.
                if self.buffered.mark_last(message.leader_epoch()) {
                    return Ok(message);
                }
                continue;
            }
            if self.handle.mark(&message).is_err() {
                // The partition was taken away between two calls. Whether a commit that was dropped reached
                // the group is not known: better twice than never.
                if is_second_try {
                    return Ok(message);
                }
                continue;
            }
            let message = self.unconfirmed.insert(message);
            let message = std::slice::from_ref(message);
            self.handle.commit_marked(message).await?;
            if let Some(message) = self.unconfirmed.take() {
                return Ok(message);
            }
        }
    }

    /// The next batch of records, or what is left of the one that single messages were taken from.
    /// Events are answered silently, as in [`fetch_message`](Self::fetch_message).
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// let batch = reader.next_batch().await?;
    /// let bytes: usize = batch
    ///     .iter()
    ///     .filter_map(|record| Some(record.ok()?.value?.len()))
    ///     .sum();
    /// println!("{bytes} bytes before offset {}", batch.next_offset());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_batch(&mut self) -> Result<RecordBatch, ReaderError> {
        loop {
            match self.buffered.next_batch(self.unconfirmed.as_ref()) {
                Ok(Some(batch)) => {
                    self.unconfirmed
                        .take_if(|message| batch.begins_with(message));
                    return Ok(batch);
                }
                Ok(None) => {}
                Err(fault) => self.handle.report(fault),
            }
            self.refill().await?;
        }
    }

    /// Commits the highest offset of each partition among `messages`, plus one. Without
    /// `commit_interval` it waits for the coordinator; with it, it only marks.
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// let (one, other) = (reader.fetch_message().await?, reader.fetch_message().await?);
    /// reader.commit_messages(&[one, other]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ReaderError::NotAssigned`] for a message whose partition was taken away since (then nothing of
    /// that partition is committed), the coordinator's refusal, or [`ReaderError::Unavailable`] without a group.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the offsets marked: they go with the next commit.
    pub async fn commit_messages(&self, messages: &[Message]) -> Result<(), ReaderError> {
        self.handle.commit_messages(messages).await
    }

    /// Commits the end of a batch, as [`commit_messages`](Self::commit_messages) does.
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// let batch = reader.next_batch().await?;
    /// reader.commit_batch(&batch).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`commit_messages`](Self::commit_messages).
    ///
    /// # Cancel safety
    /// As [`commit_messages`](Self::commit_messages).
    pub async fn commit_batch(&self, batch: &RecordBatch) -> Result<(), ReaderError> {
        self.handle.commit_batch(batch).await
    }

    /// A handle that commits, seeks and pauses from other tasks. Starts the reader, which needs a tokio
    /// runtime around the call.
    pub fn handle(&mut self) -> ReaderHandle {
        self.begin();
        self.handle.clone()
    }

    /// Reads on from `offset` in every partition. Numbers -2 and -1 are first and last.
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// use ekafka_reader::StartOffset;
    ///
    /// reader.set_offset(42).await?;
    /// reader.set_offset(StartOffset::Last).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ReaderError::Unavailable`] with a group, where [`ReaderHandle::seek`] moves one partition.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the position moved.
    pub async fn set_offset(&mut self, offset: impl Into<StartOffset>) -> Result<(), ReaderError> {
        if self.settings.group.is_some() {
            return Err(ReaderError::Unavailable {
                call: "set_offset",
                reason: "with a group",
            });
        }
        let start = offset.into();
        self.start = start.start();
        self.unconfirmed = None;
        self.buffered.forget_offset();
        if self.unstarted.is_some() {
            return Ok(());
        }
        for partition in self.fixed_partitions() {
            self.handle.seek(&partition, start).await?;
        }
        Ok(())
    }

    /// Reads on from the first record with timestamp `time` or later, or from the end.
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// use std::time::{Duration, SystemTime};
    ///
    /// reader.set_offset_at(SystemTime::now() - Duration::from_secs(3_600)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`set_offset`](Self::set_offset).
    ///
    /// # Cancel safety
    /// As [`set_offset`](Self::set_offset).
    pub async fn set_offset_at(&mut self, time: SystemTime) -> Result<(), ReaderError> {
        self.set_offset(StartOffset::Time(time)).await
    }

    /// The offset behind the last message handed out, or the one set; `None` with a group, and while a
    /// start by position or time is not resolved.
    pub fn offset(&self) -> Option<i64> {
        if self.settings.group.is_some() {
            return None;
        }
        self.buffered.offset().or(match self.start {
            Start::At(offset) => Some(offset),
            Start::Ask(_) => None,
        })
    }

    /// How many offsets lie between the last message handed out and the end of its partition as last
    /// fetched; 0 before the first, `None` with a group.
    pub fn lag(&self) -> Option<i64> {
        self.settings.group.is_none().then(|| self.buffered.lag())
    }

    /// What the reader has done since the last call; counts begin anew, positions and settings stay.
    ///
    /// ```no_run
    /// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
    /// let stats = reader.stats();
    /// println!("{} messages, {} behind", stats.messages, stats.lag);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stats(&mut self) -> ReaderStats {
        self.buffered.flush();
        self.handle.stats()
    }

    /// Stops: hands out nothing more, commits what is marked, leaves the group. Waits at most
    /// `close_timeout`; what has not happened by then does not happen. The reader is gone whatever the result.
    ///
    /// # Errors
    /// Why the last commit failed, so that the records since the one before will be read again; or
    /// [`ReaderError::Timeout`] when the brokers took longer than `close_timeout`.
    ///
    /// # Cancel safety
    /// Dropping the future stops the reader at once.
    pub async fn close(self) -> Result<(), ReaderError> {
        if self.task.is_none() {
            return Ok(());
        }
        self.handle.close().await
    }

    /// The next message without waiting.
    fn next_buffered(&mut self) -> Option<Message> {
        match self.buffered.next_message() {
            Ok(message) => message,
            Err(fault) => {
                self.handle.report(fault);
                None
            }
        }
    }

    /// Waits for the next item: puts a chunk at the ready, or returns an event.
    async fn refill(&mut self) -> Result<Option<Event>, ReaderError> {
        loop {
            if let Some(refilled) = self.try_refill() {
                return refilled;
            }
            self.inbox.arrived().await;
            if self.buffered.is_doubtful() {
                return Ok(None);
            }
        }
    }

    /// As [`refill`](Self::refill), without waiting.
    fn try_refill(&mut self) -> Option<Result<Option<Event>, ReaderError>> {
        self.begin();
        if self.buffered.is_doubtful() {
            self.handle.note(Note::Doubtful);
            return None;
        }
        Some(match self.try_take()? {
            Ok(Item::Chunk(chunk)) => {
                self.buffered.put(chunk);
                Ok(None)
            }
            Ok(Item::Event { event, .. }) => Ok(Some(event)),
            Ok(Item::Error(error)) | Err(error) => Err(error),
        })
    }

    /// The next item, if there is one; answers the event before.
    fn try_take(&mut self) -> Option<Result<Item, ReaderError>> {
        let taken = self.inbox.take();
        if let Some(ticket) = taken.answered {
            self.handle.note(Note::Answered(ticket));
        }
        match &taken.item {
            Some(Item::Event {
                event: Event::Assigned(partitions),
                ..
            }) => self.held.extend(partitions.iter().cloned()),
            Some(Item::Event {
                event: Event::Revoked(partitions) | Event::Lost(partitions),
                ..
            }) => self.held.retain(|one| !partitions.contains(one)),
            _ => {}
        }
        match taken.item {
            None if taken.is_closed => Some(Err(ReaderError::Closed)),
            item => item.map(Ok),
        }
    }

    /// Starts the control task, once.
    fn begin(&mut self) {
        let Some(notes) = self.unstarted.take() else {
            return;
        };
        let control = Control::new(Beginning {
            cluster: self.cluster.clone(),
            settings: self.settings.clone(),
            inbox: Arc::clone(&self.inbox),
            sender: self.handle.sender(),
            notes,
            counters: Arc::clone(&self.counters),
            start: self.start,
            first_tag: self.handle.first_tag(),
        });
        #[expect(
            clippy::disallowed_methods,
            reason = "the control task, one per Reader; ends when the reader is closed or dropped"
        )]
        let task = tokio::spawn(control.run().instrument(self.span()));
        self.task = Some(task);
        if !self.settings.loggers.is_silent() {
            let (story, lines) = Story::new();
            story.tell(format!("reading {}", self.subject()));
            self.inbox.narrate(story);
            #[expect(
                clippy::disallowed_methods,
                reason = "the task of the loggers, at most one per Reader; ends when the reader is gone"
            )]
            tokio::spawn(narrate(self.settings.loggers.clone(), lines));
        }
    }

    /// What events of the reader's own task lie in.
    fn span(&self) -> tracing::Span {
        let group = self.settings.group.as_ref().map(|group| &*group.id);
        let client_id = self.cluster.config().client_name();
        tracing::info_span!("reader", client_id, group, topics = self.subject())
    }

    /// The topics, or the pattern of their names.
    fn subject(&self) -> String {
        let group = self.settings.group.as_ref();
        let pattern = group.and_then(|group| group.watch.name.clone());
        pattern.unwrap_or_else(|| Few(&self.settings.topics).to_string())
    }

    fn fixed_partitions(&self) -> Vec<TopicPartition> {
        let topics = self.settings.topics.iter();
        let all = topics.flat_map(|topic| {
            let partitions = self.settings.partitions.iter();
            partitions.map(|partition| TopicPartition::new(Arc::clone(topic), *partition))
        });
        all.collect()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.inbox.close();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
