//! One generation as the application holds it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{oneshot, watch};

use super::host::Note;
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::reset::StartOffset;

/// The time between two rebalances, in which this member has certain partitions.
///
/// It ends when the group rebalances, when a function started in it returns, when the number of partitions changes (if
/// they are watched), when the member is lost, and when the group is closed. Clones are the same generation.
///
/// ```no_run
/// # async fn example(generation: ekafka_reader::Generation) -> Result<(), ekafka_reader::ReaderError> {
/// use ekafka_reader::TopicPartition;
///
/// let partition = TopicPartition::new("orders", 0);
/// generation.commit_offsets([(partition, 42)]).await?;
/// # Ok(())
/// # }
/// ```
///
/// ```no_run
/// # async fn example(generation: ekafka_reader::Generation) -> Result<(), ekafka_reader::ReaderError> {
/// println!("{} is {} in generation {}", generation.member_id(), generation.group_id(), generation.id());
/// for (topic, partitions) in generation.assignments() {
///     for partition in partitions {
///         let (topic, id) = (topic.clone(), partition.id);
///         generation.start(move |mut end| async move {
///             while !end.has_ended() {
///                 println!("reads partition {id} of {topic} until the generation ends");
///                 end.ended().await;
///             }
///         });
///     }
/// }
/// let mut end = generation.end();
/// end.ended().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Generation {
    facts: Arc<Facts>,
    life: Arc<Life>,
    notes: UnboundedSender<Note>,
}

#[derive(Debug)]
struct Facts {
    id: i32,
    group_id: Arc<str>,
    member_id: String,
    assignments: BTreeMap<String, Vec<PartitionAssignment>>,
}

/// One partition that is assigned.
///
/// ```no_run
/// # async fn example(generation: ekafka_reader::Generation) -> Result<(), ekafka_reader::ReaderError> {
/// for one in generation.assignments().values().flatten() {
///     println!("partition {} from {:?} on", one.id, one.offset);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionAssignment {
    /// The partition's number.
    pub id: i32,
    /// Where the group stands: what it committed last, or the configured start where it has committed nothing.
    pub offset: StartOffset,
}

/// Tells a function started in a generation that it should return.
///
/// ```no_run
/// # async fn example(generation: ekafka_reader::Generation) -> Result<(), ekafka_reader::ReaderError> {
/// generation.start(|mut end| async move {
///     println!("work goes here");
///     end.ended().await;
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct GenerationEnd(watch::Receiver<bool>);

impl Generation {
    pub(super) fn new(
        id: i32,
        group_id: Arc<str>,
        member_id: String,
        assignments: BTreeMap<String, Vec<PartitionAssignment>>,
        life: Arc<Life>,
        notes: UnboundedSender<Note>,
    ) -> Self {
        let facts = Arc::new(Facts {
            id,
            group_id,
            member_id,
            assignments,
        });
        Self { facts, life, notes }
    }

    /// Counts the rebalances of the group.
    #[must_use]
    pub fn id(&self) -> i32 {
        self.facts.id
    }

    /// The group.
    #[must_use]
    pub fn group_id(&self) -> &str {
        &self.facts.group_id
    }

    /// What the coordinator calls this member.
    #[must_use]
    pub fn member_id(&self) -> &str {
        &self.facts.member_id
    }

    /// Topic → partitions of this member, by ascending number. Every topic of the configuration has an entry, be it an
    /// empty one.
    #[must_use]
    pub fn assignments(&self) -> &BTreeMap<String, Vec<PartitionAssignment>> {
        &self.facts.assignments
    }

    /// Runs a function in a task of its own. It should return when the [`GenerationEnd`] it is given says so: the group
    /// waits for it, at most `rebalance_timeout`, and this member waits for it before it joins again. When it returns by
    /// itself, the generation ends.
    ///
    /// After the end the function still runs, with an end that has come, and nobody waits for it.
    pub fn start<F, T>(&self, function: F)
    where
        F: FnOnce(GenerationEnd) -> T,
        T: Future<Output = ()> + Send + 'static,
    {
        let counted = self.life.begin().then(|| Running {
            life: Arc::clone(&self.life),
            notes: self.notes.clone(),
        });
        let future = function(self.end());
        #[expect(
            clippy::disallowed_methods,
            reason = "the application's function, one task for each call; ends when it returns"
        )]
        tokio::spawn(async move {
            // Counted until the function has returned, panicked or was dropped with the runtime.
            let _counted = counted;
            future.await;
        });
    }

    /// Tells when the generation is over, outside of [`start`](Self::start).
    #[must_use]
    pub fn end(&self) -> GenerationEnd {
        GenerationEnd(self.life.over.subscribe())
    }

    /// Commits an offset (the next one to read) for each of these partitions, and waits for the coordinator. Calls are
    /// carried out one by one, in the order in which they were made. With no offsets nothing is sent.
    ///
    /// Errors that pass are tried three times.
    ///
    /// # Errors
    /// [`ReaderError::NotAssigned`] for a partition that is not assigned in this generation;
    /// [`ReaderError::Kafka`] with `ILLEGAL_GENERATION`, without asking the coordinator, once the member has gone on; the
    /// coordinator's refusal.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open whether the offsets are committed.
    pub async fn commit_offsets<I>(&self, offsets: I) -> Result<(), ReaderError>
    where
        I: IntoIterator<Item = (TopicPartition, i64)>,
    {
        let offsets: Vec<_> = offsets.into_iter().collect();
        if let Some((partition, _)) = offsets.iter().find(|(one, _)| !self.has(one)) {
            let partition = partition.clone();
            return Err(ReaderError::NotAssigned { partition });
        }
        if offsets.is_empty() {
            return Ok(());
        }
        let (reply, answer) = oneshot::channel();
        let commit = Note::Commit {
            generation: self.facts.id,
            offsets,
            reply,
        };
        if self.notes.send(commit).is_err() {
            return Err(ReaderError::Closed);
        }
        answer.await.unwrap_or(Err(ReaderError::Closed))
    }

    fn has(&self, partition: &TopicPartition) -> bool {
        let assigned = self.facts.assignments.get(&*partition.topic);
        let mut assigned = assigned.into_iter().flatten();
        assigned.any(|one| one.id == partition.partition)
    }
}

impl GenerationEnd {
    /// Waits until the generation is over.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn ended(&mut self) {
        // The sender goes only when the member does.
        let _ = self.0.wait_for(|is_over| *is_over).await;
    }

    /// Whether the generation is over.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

/// Whether a generation lasts, and how many functions run in it.
#[derive(Debug)]
pub(super) struct Life {
    over: watch::Sender<bool>,
    count: Mutex<Count>,
}

#[derive(Debug, Default)]
struct Count {
    /// Functions begun in time that have not returned.
    running: usize,
    /// Set with `over`, so that no function is counted after the end.
    is_over: bool,
}

impl Life {
    pub(super) fn new() -> Self {
        Self {
            over: watch::Sender::new(false),
            count: Mutex::default(),
        }
    }

    /// Ends the generation; false when it was over.
    pub(super) fn end(&self) -> bool {
        let was_over = std::mem::replace(&mut self.count().is_over, true);
        self.over.send_replace(true);
        !was_over
    }

    /// Functions that have not returned yet.
    pub(super) fn running(&self) -> usize {
        self.count().running
    }

    /// Counts a function that begins; false after the end.
    fn begin(&self) -> bool {
        let mut count = self.count();
        if !count.is_over {
            count.running += 1;
        }
        !count.is_over
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A function that has not returned.
struct Running {
    life: Arc<Life>,
    notes: UnboundedSender<Note>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.life.count().running -= 1;
        // Without a host there is nobody left to tell.
        let _ = self.notes.send(Note::Returned(Arc::clone(&self.life)));
    }
}
