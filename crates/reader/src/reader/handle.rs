//! The part of a reader that other tasks may hold.

use std::sync::atomic::{AtomicU64, Ordering};

use ekafka_conn::Message;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::buffered::Fault;
use super::outside::Outside;
use crate::TopicPartition;
use crate::batch::RecordBatch;
use crate::config::Settings;
use crate::control::{Command, Note, Reply};
use crate::error::ReaderError;
use crate::lane::Lane;
use crate::reset::StartOffset;
use crate::stats::ReaderStats;

/// Commits, seeks and pauses from any task. Made by [`Reader::handle`](super::Reader::handle).
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// let handle = reader.handle();
/// let message = reader.fetch_message().await?;
/// // In another task, say:
/// handle.commit_messages(&[message]).await?;
/// # Ok(())
/// # }
/// ```
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// use ekafka_reader::{StartOffset, TopicPartition};
///
/// let handle = reader.handle();
/// let batch = reader.next_batch().await?;
/// handle.commit_batch(&batch).await?;
/// let partition = TopicPartition::new("orders", 0);
/// handle.pause(std::slice::from_ref(&partition)).await?;
/// handle.seek(&partition, StartOffset::First).await?;
/// handle.resume(std::slice::from_ref(&partition)).await?;
/// println!("{:?}, {} messages", handle.last_read(), handle.stats().messages);
/// // Ends the reader for whoever waits for its messages.
/// handle.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ReaderHandle {
    control: UnboundedSender<Note>,
    has_group: bool,
    /// Whether commits are only marked and sent on a tick.
    has_interval: bool,
    outside: Outside,
    /// The number of the reader in the process, in the high bits of its lanes' tags: messages of other
    /// readers are known by it.
    number: u64,
}

impl ReaderHandle {
    pub(super) fn new(
        control: UnboundedSender<Note>,
        settings: &Settings,
        outside: Outside,
    ) -> Self {
        let group = settings.group.as_ref();
        Self {
            control,
            has_group: group.is_some(),
            has_interval: group.is_some_and(|group| group.commit_interval.is_some()),
            outside,
            number: READERS.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// As [`Reader::commit_messages`](super::Reader::commit_messages).
    ///
    /// # Errors
    /// As [`Reader::commit_messages`](super::Reader::commit_messages).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the offsets marked: they go with the next commit.
    pub async fn commit_messages(&self, messages: &[Message]) -> Result<(), ReaderError> {
        self.need_group("commit_messages")?;
        self.need_open()?;
        let mut marked = Ok(());
        for message in messages {
            let one = self.mark(message);
            marked = marked.and(one);
        }
        if messages.is_empty() || self.has_interval {
            return marked;
        }
        self.commit_marked(messages).await.and(marked)
    }

    /// As [`Reader::commit_batch`](super::Reader::commit_batch).
    ///
    /// # Errors
    /// As [`Reader::commit_messages`](super::Reader::commit_messages).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the offset marked: it goes with the next commit.
    pub async fn commit_batch(&self, batch: &RecordBatch) -> Result<(), ReaderError> {
        self.need_group("commit_batch")?;
        self.need_open()?;
        if batch.lane.tag >> TAG_BITS != self.number {
            let partition = batch.lane.partition().clone();
            return Err(ReaderError::NotAssigned { partition });
        }
        mark_lane(&batch.lane, batch.end, batch.leader_epoch)?;
        if self.has_interval {
            return Ok(());
        }
        let committed = self.ask(Command::Commit).await;
        check_saved(&committed, &batch.lane, batch.end)
    }

    /// Reads on from `start` in an assigned partition. What was fetched before is dropped; committed
    /// offsets do not move.
    ///
    /// # Errors
    /// [`ReaderError::NotAssigned`], or [`ReaderError::Closed`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the position moved.
    pub async fn seek(
        &self,
        partition: &TopicPartition,
        start: impl Into<StartOffset>,
    ) -> Result<(), ReaderError> {
        let start = start.into().start();
        let partition = partition.clone();
        self.ask(|reply| Command::Seek(partition, start, reply))
            .await
    }

    /// Hands out nothing of these partitions until [`resume`](Self::resume); their positions stay.
    ///
    /// # Errors
    /// [`ReaderError::NotAssigned`] naming one that is not assigned, or [`ReaderError::Closed`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether they are paused.
    pub async fn pause(&self, partitions: &[TopicPartition]) -> Result<(), ReaderError> {
        let partitions = partitions.to_vec();
        self.ask(|reply| Command::Pause(partitions, reply)).await
    }

    /// Reads on in paused partitions.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether they are paused.
    pub async fn resume(&self, partitions: &[TopicPartition]) -> Result<(), ReaderError> {
        let partitions = partitions.to_vec();
        self.ask(|reply| Command::Resume(partitions, reply)).await
    }

    /// Ends the reader from another task, as [`Reader::close`](super::Reader::close) does: whoever waits for a
    /// message gets [`ReaderError::Closed`], and streams end. `Ok` if it has ended already.
    ///
    /// # Errors
    /// As [`Reader::close`](super::Reader::close).
    ///
    /// # Cancel safety
    /// Dropping the future leaves it to end by itself.
    pub async fn close(&self) -> Result<(), ReaderError> {
        match self.ask(Command::Close).await {
            Err(ReaderError::Closed) => Ok(()),
            result => result,
        }
    }

    /// As [`Reader::stats`](super::Reader::stats), but for the batch that messages are being taken from,
    /// which counts when it is used up.
    #[must_use]
    pub fn stats(&self) -> ReaderStats {
        self.outside.stats()
    }

    /// The offset behind what was handed out last, in whichever partition, and how far that is from the partition's end;
    /// -1 before the first message, and the lag of all partitions. Both are as in [`stats`](Self::stats), whose counts stay.
    #[must_use]
    pub fn last_read(&self) -> (i64, i64) {
        self.outside.last_read()
    }

    /// Marks a message as processed without committing.
    pub(super) fn mark(&self, message: &Message) -> Result<(), ReaderError> {
        let batch = message.batch();
        match self.lane_of(message) {
            Some(lane) => mark_lane(lane, message.offset() + 1, batch.leader_epoch),
            None => Err(ReaderError::NotAssigned {
                partition: TopicPartition::new(batch.topic.clone(), batch.partition),
            }),
        }
    }

    /// The lane by which a message came, if this reader handed it out.
    fn lane_of<'a>(&self, message: &'a Message) -> Option<&'a Lane> {
        let origin = message.batch().origin.as_deref();
        let lane = origin.and_then(|origin| origin.downcast_ref::<Lane>());
        lane.filter(|lane| lane.tag >> TAG_BITS == self.number)
    }

    /// Commits everything that is marked, waits for the coordinator, and says what became of these messages, which
    /// are marked. What is wrong with other partitions, those are told who commit in them.
    pub(super) async fn commit_marked(&self, messages: &[Message]) -> Result<(), ReaderError> {
        let committed = self.ask(Command::Commit).await;
        for message in messages {
            if let Some(lane) = self.lane_of(message) {
                check_saved(&committed, lane, message.offset() + 1)?;
            }
        }
        Ok(())
    }

    /// Tags of lanes begin here.
    pub(super) fn first_tag(&self) -> u64 {
        self.number << TAG_BITS
    }

    /// The offset the application gets next; `None` while the start is not known.
    pub(super) async fn position(&self, partition: &TopicPartition) -> Option<i64> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Position(partition.clone(), reply));
        answer.await.ok()?
    }

    pub(super) fn commits(&self) -> bool {
        self.has_group
    }

    /// Whether commits wait for the next tick.
    pub(super) fn only_marks(&self) -> bool {
        self.has_group && self.has_interval
    }

    /// Tells control about bytes that cannot be read.
    pub(super) fn report(&self, fault: Fault) {
        self.note(Note::Unreadable {
            lane: fault.lane,
            offset: fault.offset,
            end: fault.end,
            error: fault.error,
        });
    }

    pub(super) fn note(&self, note: Note) {
        // Control is gone only when the reader is closed.
        let _ = self.control.send(note);
    }

    /// False when the reader is closed.
    pub(super) fn send(&self, command: Command) -> bool {
        self.control.send(Note::Command(command)).is_ok()
    }

    pub(super) fn sender(&self) -> UnboundedSender<Note> {
        self.control.clone()
    }

    async fn ask(&self, command: impl FnOnce(Reply) -> Command) -> Result<(), ReaderError> {
        let (reply, answer) = oneshot::channel();
        if !self.send(command(reply)) {
            return Err(ReaderError::Closed);
        }
        answer.await.unwrap_or(Err(ReaderError::Closed))
    }

    /// Control ends when the reader is closed.
    fn need_open(&self) -> Result<(), ReaderError> {
        if self.control.is_closed() {
            return Err(ReaderError::Closed);
        }
        Ok(())
    }

    fn need_group(&self, call: &'static str) -> Result<(), ReaderError> {
        if self.has_group {
            return Ok(());
        }
        Err(ReaderError::Unavailable {
            call,
            reason: "without a group",
        })
    }
}

fn mark_lane(lane: &Lane, next: i64, leader_epoch: i32) -> Result<(), ReaderError> {
    if lane.assignment.mark(next, leader_epoch) {
        return Ok(());
    }
    Err(ReaderError::NotAssigned {
        partition: lane.partition().clone(),
    })
}

/// What a commit came to in one partition: it failed there, or came too late.
fn check_saved(
    committed: &Result<(), ReaderError>,
    lane: &Lane,
    next: i64,
) -> Result<(), ReaderError> {
    if lane.assignment.is_saved(next) {
        return Ok(());
    }
    committed.clone()?;
    if !lane.assignment.is_ended() {
        return Ok(());
    }
    Err(ReaderError::NotAssigned {
        partition: lane.partition().clone(),
    })
}

/// Readers made by this process.
static READERS: AtomicU64 = AtomicU64::new(0);
/// A reader's lanes are fewer than 2 to this power.
const TAG_BITS: u32 = 40;
