//! A reader as one stream for each partition it holds, for one task per partition.
//!
//! [`PartitionStreams::next`] is the only one that takes from the inbox. It hands each chunk to its
//! partition's queue, from where the partition's task takes it and unpacks it. A revocation closes the
//! queues of its partitions, and is answered when their tasks have dropped their streams: so whatever a
//! task commits before it ends counts.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};

use ekafka_conn::Message;
use futures_core::Stream;
use tokio::sync::Notify;

use super::stream::Arrival;
use super::{Reader, ReaderHandle};
use crate::TopicPartition;
use crate::batch::RecordBatch;
use crate::error::ReaderError;
use crate::event::Event;
use crate::inbox::{Chunk, Item};
use crate::reader::buffered::Buffered;

/// The partitions of a reader as they come; made by [`Reader::into_partitions`].
#[derive(Debug)]
pub struct PartitionStreams {
    reader: Reader,
    open: Open,
    /// Streams not yet handed out.
    fresh: VecDeque<PartitionStream>,
    /// Queues of revoked partitions whose streams are still held.
    ending: Vec<Weak<Queue>>,
    /// Told by each stream that goes.
    gone: Arc<Notify>,
}

/// The queues that are fed. Those that are left when it is dropped end their streams.
#[derive(Debug, Default)]
struct Open(HashMap<TopicPartition, Arc<Queue>>);

/// One partition's share between the reader and its stream.
struct Queue {
    state: Mutex<QueueState>,
    arrived: Notify,
    gone: Arc<Notify>,
}

#[derive(Default)]
struct QueueState {
    chunks: VecDeque<Chunk>,
    is_closed: bool,
}

impl Reader {
    /// Turns the reader into one stream per assigned partition, for a task each.
    ///
    /// Costs one wake-up more per fetch than [`fetch_message`](Self::fetch_message); batches are unpacked
    /// in the partitions' tasks, side by side. All partitions share `buffer_memory`: a task that stops
    /// taking holds up to `max_partition_bytes` of it.
    ///
    /// [`Event::OutOfRange`] and [`Event::Truncated`] are told to the loggers only: where they decide, set the policy
    /// `error`, or read by [`recv`](Self::recv).
    pub fn into_partitions(mut self) -> PartitionStreams {
        self.begin();
        let mut streams = PartitionStreams {
            open: Open::default(),
            fresh: VecDeque::new(),
            ending: Vec::new(),
            gone: Arc::new(Notify::new()),
            reader: self,
        };
        if streams.reader.settings.group.is_none() {
            for partition in streams.reader.fixed_partitions() {
                streams.add(partition);
            }
        }
        streams
    }
}

impl PartitionStreams {
    /// The next partition that the reader holds. Must be awaited all the time, since it also moves the
    /// records to the streams handed out before. `None` when the reader is closed.
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
            self.ending.retain(|queue| queue.strong_count() > 0);
            // Taking answers the revocation before, so while streams are held only records are moved.
            let item = if self.ending.is_empty() {
                match self.reader.try_take() {
                    Some(Ok(item)) => Some(item),
                    Some(Err(ReaderError::Closed)) => return self.end(),
                    Some(Err(error)) => return Some(Err(error)),
                    None => None,
                }
            } else {
                self.reader.inbox.take_chunk().map(Item::Chunk)
            };
            match item {
                Some(Item::Chunk(chunk)) => self.route(chunk),
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
    /// [`Reader::close`] does.
    ///
    /// # Errors
    /// As [`Reader::close`].
    ///
    /// # Cancel safety
    /// Dropping the future stops the reader at once.
    pub async fn close(mut self) -> Result<(), ReaderError> {
        let _ = self.end();
        loop {
            self.ending.retain(|queue| queue.strong_count() > 0);
            if self.ending.is_empty() {
                break;
            }
            self.gone.notified().await;
        }
        self.reader.close().await
    }

    fn add(&mut self, partition: TopicPartition) {
        if self.open.0.contains_key(&partition) {
            return;
        }
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            arrived: Notify::new(),
            gone: Arc::clone(&self.gone),
        });
        let counters = Arc::clone(&self.reader.counters);
        self.open.0.insert(partition.clone(), Arc::clone(&queue));
        self.fresh.push_back(PartitionStream {
            partition,
            buffered: Buffered::new(self.reader.settings.limits, counters),
            handle: self.reader.handle.clone(),
            queue: Some(queue),
            waiting: None,
        });
    }

    fn route(&self, chunk: Chunk) {
        let queue = self.open.0.get(chunk.lane.partition());
        if let Some(queue) = queue {
            queue.lock().chunks.push_back(chunk);
            queue.arrived.notify_one();
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
            _ => {}
        }
    }

    fn shut(&mut self, partition: &TopicPartition) {
        if let Some(queue) = self.open.0.remove(partition) {
            queue.close();
            self.ending.push(Arc::downgrade(&queue));
        }
    }

    fn end(&mut self) -> Option<Result<PartitionStream, ReaderError>> {
        self.fresh.clear();
        let partitions: Vec<TopicPartition> = self.open.0.keys().cloned().collect();
        for partition in &partitions {
            self.shut(partition);
        }
        None
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        for queue in self.0.values() {
            queue.close();
        }
    }
}

/// The records of one partition for as long as this reader holds it; made by [`PartitionStreams::next`].
///
/// Ends when the partition is taken away or the reader is closed. The group waits until the stream has
/// been dropped, so finish and commit what was taken, then drop it.
pub struct PartitionStream {
    partition: TopicPartition,
    buffered: Buffered,
    handle: ReaderHandle,
    /// Taken out on drop only.
    queue: Option<Arc<Queue>>,
    waiting: Option<Arrival>,
}

impl PartitionStream {
    /// Which partition.
    pub fn partition(&self) -> &TopicPartition {
        &self.partition
    }

    /// The next message; `None` at the end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Message> {
        std::future::poll_fn(|context| self.poll_message(context)).await
    }

    /// The next batch, or what is left of the one that messages were taken from; `None` at the end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_batch(&mut self) -> Option<RecordBatch> {
        loop {
            match self.buffered.next_batch(None) {
                Ok(Some(batch)) => return Some(batch),
                Ok(None) => {}
                Err(fault) => self.handle.report(fault),
            }
            if !std::future::poll_fn(|context| self.poll_chunk(context)).await {
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
            match self.buffered.next_message() {
                Ok(Some(message)) => return Poll::Ready(Some(message)),
                Ok(None) => {}
                // Control tells the application, through the reader, if reading again does not help.
                Err(fault) => self.handle.report(fault),
            }
            match self.poll_chunk(context) {
                Poll::Ready(true) => {}
                Poll::Ready(false) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Puts the next chunk at the ready; false at the end.
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let Some(queue) = &self.queue else {
            return Poll::Ready(false);
        };
        loop {
            if let Some(waiting) = &mut self.waiting {
                if waiting.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.waiting = None;
            }
            let mut state = queue.lock();
            let chunk = state.chunks.pop_front();
            let is_closed = state.is_closed;
            drop(state);
            match chunk {
                Some(chunk) => {
                    self.buffered.put(chunk);
                    return Poll::Ready(true);
                }
                None if is_closed => return Poll::Ready(false),
                None => {
                    let queue = Arc::clone(queue);
                    let arrived = async move { queue.arrived.notified().await };
                    self.waiting = Some(Box::pin(arrived));
                }
            }
        }
    }
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
        self.waiting = None;
        let gone = self.queue.take().map(|queue| Arc::clone(&queue.gone));
        if let Some(gone) = gone {
            gone.notify_one();
        }
    }
}

impl fmt::Debug for PartitionStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionStream")
            .field("partition", &self.partition)
            .finish_non_exhaustive()
    }
}

impl Queue {
    /// Nothing more is given, and what was not taken is dropped: its partition is another's.
    fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let dropped = std::mem::take(&mut state.chunks);
        drop(state);
        drop(dropped);
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}
