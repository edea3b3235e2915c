//! A reader as one stream for each partition it holds, for one task per partition.
//!
//! The inbox keeps a queue for each stream and wakes its task, which unpacks what came. So records flow
//! whether [`PartitionStreams::next`] is awaited or not. A revocation closes the queues of its partitions,
//! and is answered when their tasks have dropped their streams: whatever a task commits before it ends
//! counts.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use ekafka_conn::Message;
use futures_core::Stream;
use tokio::sync::Notify;

use super::{Reader, ReaderHandle, Received};
use crate::TopicPartition;
use crate::batch::RecordBatch;
use crate::control::Note;
use crate::error::ReaderError;
use crate::event::Event;
use crate::inbox::{Inbox, Item};
use crate::reader::buffered::Buffered;

/// The partitions of a reader as they come; made by [`Reader::into_partitions`].
///
/// ```no_run
/// # async fn example(reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// let mut streams = reader.into_partitions();
/// while let Some(stream) = streams.next().await {
///     let mut stream = stream?;
///     tokio::spawn(async move {
///         while let Some(message) = stream.next().await {
///             println!("{}: {:?}", stream.partition(), message.value());
///             // Fails when the partition was taken away: another member reads the message again.
///             let _ = stream.commit_messages(&[message]).await;
///         }
///     });
/// }
/// # Ok(())
/// # }
/// ```
///
/// ```no_run
/// # async fn example(reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// let mut streams = reader.into_partitions();
/// println!("{} messages", streams.handle().stats().messages);
/// streams.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PartitionStreams {
    reader: Reader,
    open: Open,
    /// Streams not yet handed out.
    fresh: VecDeque<PartitionStream>,
    /// Streams of revoked partitions that are still held.
    ending: Vec<Weak<Life>>,
    /// Told by each stream that goes.
    gone: Arc<Notify>,
}

/// The streams that are fed. Those that are left when it is dropped end.
#[derive(Debug)]
struct Open {
    inbox: Arc<Inbox>,
    routes: HashMap<TopicPartition, (u64, Weak<Life>)>,
}

/// Lasts as long as a stream.
#[derive(Debug)]
struct Life {
    inbox: Arc<Inbox>,
    /// The stream's queue in the inbox.
    route: u64,
    gone: Arc<Notify>,
}

impl Reader {
    /// Turns the reader into one stream per assigned partition, for a task each. What was taken from the
    /// inbox and not handed out goes to its partition's stream.
    ///
    /// Costs what [`fetch_message`](Self::fetch_message) costs, and a copy of answers that bring records for
    /// several partitions. Batches are unpacked in the partitions' tasks, side by side within half of
    /// `buffer_memory`; all partitions share it, and a task that stops taking holds up to
    /// `max_partition_bytes` of it and the batch it is in.
    pub fn into_partitions(mut self) -> PartitionStreams {
        self.begin();
        let held: Vec<TopicPartition> = match self.settings.group {
            Some(_) => self.held.iter().cloned().collect(),
            None => self.fixed_partitions(),
        };
        let mut streams = PartitionStreams {
            open: Open {
                inbox: Arc::clone(&self.inbox),
                routes: HashMap::new(),
            },
            fresh: VecDeque::new(),
            ending: Vec::new(),
            gone: Arc::new(Notify::new()),
            reader: self,
        };
        for partition in held {
            streams.add(partition);
        }
        streams.pass_on();
        streams
    }
}

impl PartitionStreams {
    /// The next partition that the reader holds; `None` when the reader is closed. Await it all the time in
    /// a group: it also takes note of revocations, and until then their streams go on for as long as the
    /// group waits.
    ///
    /// When partitions are revoked, their streams end, and the group waits until they have been dropped.
    ///
    /// # Errors
    /// As [`Reader::recv`]; reading goes on unless the error [is fatal](ReaderError::is_fatal).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<PartitionStream, ReaderError>> {
        loop {
            if let Some(stream) = self.fresh.pop_front() {
                return Some(Ok(stream));
            }
            self.ending.retain(|life| life.strong_count() > 0);
            // Taking answers the revocation before.
            let item = if self.ending.is_empty() {
                match self.reader.try_take() {
                    Some(Ok(item)) => Some(item),
                    Some(Err(ReaderError::Closed)) => return self.end(),
                    Some(Err(error)) => return Some(Err(error)),
                    None => None,
                }
            } else {
                None
            };
            match item {
                // Records go to the streams; those without one are of a partition that is gone.
                Some(Item::Chunk(_)) => {}
                Some(Item::Event { event, .. }) => self.apply(event),
                Some(Item::Error(error)) => return Some(Err(error)),
                None => {
                    tokio::select! {
                        () = self.reader.inbox.arrived() => {}
                        () = self.gone.notified() => {}
                    }
                }
            }
        }
    }

    /// A handle that commits, seeks and pauses from other tasks.
    pub fn handle(&mut self) -> ReaderHandle {
        self.reader.handle()
    }

    /// Ends the streams, waits until they have been dropped, then closes the reader as
    /// [`Reader::close`] does. Each of the two takes `close_timeout` at most.
    ///
    /// # Errors
    /// As [`Reader::close`]; and [`ReaderError::Timeout`] when a stream was not dropped in time: what its task commits
    /// from then on fails.
    ///
    /// # Cancel safety
    /// Dropping the future stops the reader at once.
    pub async fn close(mut self) -> Result<(), ReaderError> {
        let _ = self.end();
        let after = self.reader.settings.close_timeout;
        let dropped = tokio::time::timeout(after, self.dropped()).await;
        self.reader.close().await?;
        let step = "waiting for the streams to be dropped";
        dropped.map_err(|_| ReaderError::Timeout { step, after })
    }

    /// Waits until the streams that were ended have been dropped.
    async fn dropped(&mut self) {
        loop {
            self.ending.retain(|life| life.strong_count() > 0);
            if self.ending.is_empty() {
                return;
            }
            self.gone.notified().await;
        }
    }

    fn add(&mut self, partition: TopicPartition) {
        if self.open.routes.contains_key(&partition) {
            return;
        }
        let inbox = Arc::clone(&self.reader.inbox);
        let life = Arc::new(Life {
            route: inbox.open_route(&partition),
            inbox,
            gone: Arc::clone(&self.gone),
        });
        let known = (life.route, Arc::downgrade(&life));
        self.open.routes.insert(partition.clone(), known);
        let counters = Arc::clone(&self.reader.counters);
        let mut buffered = Buffered::new(self.reader.settings.limits, counters);
        buffered.ask_for_leave();
        self.fresh.push_back(PartitionStream {
            partition,
            first: None,
            buffered,
            has_asked: false,
            handle: self.reader.handle.clone(),
            life,
        });
    }

    /// Gives what the reader was in the middle of to its partition's stream.
    fn pass_on(&mut self) {
        let reader = &mut self.reader;
        if let Some(message) = reader.unconfirmed.take() {
            let is_its = |stream: &&mut PartitionStream| {
                stream.partition.partition == message.partition()
                    && *stream.partition.topic == *message.topic()
            };
            if let Some(stream) = self.fresh.iter_mut().find(is_its) {
                stream.first = Some(message);
            }
        }
        let Some(partition) = reader.buffered.partition() else {
            return;
        };
        let stream = self
            .fresh
            .iter_mut()
            .find(|stream| stream.partition == *partition);
        if let Some(stream) = stream {
            std::mem::swap(&mut stream.buffered, &mut reader.buffered);
            stream.buffered.ask_for_leave();
        }
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Assigned(partitions) => {
                for partition in partitions {
                    self.add(partition);
                }
            }
            Event::Revoked(partitions) | Event::Lost(partitions) => {
                self.fresh
                    .retain(|stream| !partitions.contains(&stream.partition));
                for partition in &partitions {
                    self.shut(partition);
                }
            }
            // Those of one partition go to its stream.
            _ => {}
        }
    }

    fn shut(&mut self, partition: &TopicPartition) {
        if let Some((route, life)) = self.open.routes.remove(partition) {
            self.open.inbox.close_route(route);
            if life.strong_count() == 0 {
                self.open.inbox.forget_route(route);
            }
            self.ending.push(life);
        }
    }

    fn end(&mut self) -> Option<Result<PartitionStream, ReaderError>> {
        self.fresh.clear();
        let partitions: Vec<TopicPartition> = self.open.routes.keys().cloned().collect();
        for partition in &partitions {
            self.shut(partition);
        }
        None
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        for (route, _) in self.routes.values() {
            self.inbox.close_route(*route);
        }
    }
}

/// The records of one partition for as long as this reader holds it; made by [`PartitionStreams::next`].
///
/// Ends when the partition is taken away or the reader is closed. The group waits until the stream has
/// been dropped, so finish and commit what was taken, then drop it.
///
/// ```no_run
/// # async fn example(mut stream: ekafka_reader::PartitionStream) -> Result<(), ekafka_reader::ReaderError> {
/// while let Some(batch) = stream.next_batch().await {
///     println!("{} up to {}", stream.partition(), batch.next_offset());
///     stream.commit_batch(&batch).await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// ```no_run
/// # async fn example(mut stream: ekafka_reader::PartitionStream) -> Result<(), ekafka_reader::ReaderError> {
/// use ekafka_reader::Received;
///
/// while let Some(received) = stream.recv().await {
///     match received {
///         Received::Message(message) => stream.commit_messages(&[message]).await?,
///         Received::Event(event) => println!("{event:?}"),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct PartitionStream {
    partition: TopicPartition,
    /// A message that the reader had taken before it was turned into streams.
    first: Option<Message>,
    buffered: Buffered,
    /// Whether control was asked whose the partition is.
    has_asked: bool,
    handle: ReaderHandle,
    /// Dropped last: it tells that the stream is gone.
    life: Arc<Life>,
}

impl PartitionStream {
    /// Which partition.
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The next message, or a change of the position between the messages around it
    /// ([`Event::OutOfRange`], [`Event::Truncated`]); `None` at the end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn recv(&mut self) -> Option<Received> {
        std::future::poll_fn(|context| self.poll_received(context)).await
    }

    /// The next message; `None` at the end. Events are passed over, as in [`Reader::fetch_message`].
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Message> {
        std::future::poll_fn(|context| self.poll_message(context)).await
    }

    /// The next batch, or what is left of the one that messages were taken from; `None` at the end. Events
    /// are passed over.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_batch(&mut self) -> Option<RecordBatch> {
        loop {
            match self.buffered.next_batch(self.first.as_ref()) {
                Ok(Some(batch)) => {
                    self.first.take_if(|message| batch.begins_with(message));
                    return Some(batch);
                }
                Ok(None) => {}
                Err(fault) => self.handle.report(fault),
            }
            let more = std::future::poll_fn(|context| self.poll_more(context));
            if matches!(more.await, More::End) {
                return None;
            }
        }
    }

    /// Commits, as [`Reader::commit_messages`] does.
    ///
    /// # Errors
    /// As [`Reader::commit_messages`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves the offsets marked: they go with the next commit.
    pub async fn commit_messages(&self, messages: &[Message]) -> Result<(), ReaderError> {
        self.handle.commit_messages(messages).await
    }

    /// Commits the end of a batch, as [`Reader::commit_batch`] does.
    ///
    /// # Errors
    /// As [`Reader::commit_messages`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves the offset marked: it goes with the next commit.
    pub async fn commit_batch(&self, batch: &RecordBatch) -> Result<(), ReaderError> {
        self.handle.commit_batch(batch).await
    }

    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Option<Message>> {
        loop {
            match ready!(self.poll_received(context)) {
                Some(Received::Message(message)) => return Poll::Ready(Some(message)),
                Some(Received::Event(_)) => {}
                None => return Poll::Ready(None),
            }
        }
    }

    fn poll_received(&mut self, context: &mut Context<'_>) -> Poll<Option<Received>> {
        if let Some(message) = self.first.take() {
            return Poll::Ready(Some(Received::Message(message)));
        }
        loop {
            match self.buffered.next_message() {
                Ok(Some(message)) => return Poll::Ready(Some(Received::Message(message))),
                Ok(None) => {}
                // Control tells the application, through the reader, if reading again does not help.
                Err(fault) => self.handle.report(fault),
            }
            match ready!(self.poll_more(context)) {
                More::Records => {}
                More::Event(event) => return Poll::Ready(Some(Received::Event(event))),
                More::End => return Poll::Ready(None),
            }
        }
    }

    /// Puts records at the ready, or takes an event.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<More> {
        if self.buffered.is_doubtful() && !std::mem::replace(&mut self.has_asked, true) {
            if self.life.inbox.watch_route(self.life.route, context) {
                self.handle.note(Note::Doubtful);
                return Poll::Pending;
            }
            return Poll::Ready(More::End);
        }
        if std::mem::take(&mut self.has_asked) {
            return Poll::Ready(More::Records);
        }
        if self.buffered.wants_leave() {
            let route = self.life.route;
            ready!(self.life.inbox.poll_unpack(route, context));
            self.buffered.give_leave();
            return Poll::Ready(More::Records);
        }
        let item = ready!(self.life.inbox.poll_route(self.life.route, context));
        Poll::Ready(match item {
            Some(Item::Chunk(chunk)) => {
                self.buffered.put(chunk);
                More::Records
            }
            Some(Item::Event { event, .. }) => More::Event(event),
            // Errors concern the whole reader and go to `PartitionStreams::next`.
            Some(Item::Error(_)) => More::Records,
            None => More::End,
        })
    }
}

/// What a stream has after it waited.
enum More {
    /// Perhaps records.
    Records,
    Event(Event),
    /// Nothing any more.
    End,
}

impl Stream for PartitionStream {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        self.poll_message(context)
    }
}

impl Drop for PartitionStream {
    fn drop(&mut self) {
        self.buffered.flush();
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.inbox.forget_route(self.route);
        self.gone.notify_one();
    }
}

impl fmt::Debug for PartitionStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionStream")
            .field("partition", &self.partition)
            .finish_non_exhaustive()
    }
}
