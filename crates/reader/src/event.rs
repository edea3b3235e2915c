//! What a reader tells besides records.

use crate::TopicPartition;

/// A change the application may want to act on, in the order of the records around it.
///
/// An application that takes nothing for long finds one event for several: moves of a position with no records
/// between them are told as one, and partitions that came and were lost meanwhile are not told at all.
/// [`ReaderStats::superseded`](crate::ReaderStats::superseded) counts those that are missing.
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// use ekafka_reader::{Event, Received};
///
/// let mut unfinished = Vec::new();
/// loop {
///     match reader.recv().await? {
///         Received::Message(message) => unfinished.push(message),
///         Received::Event(Event::Revoked(_)) => {
///             reader.commit_messages(&unfinished).await?;
///             unfinished.clear();
///         }
///         Received::Event(Event::Lost(_)) => unfinished.clear(),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The group gave these partitions to this reader; their records follow.
    Assigned(Vec<TopicPartition>),
    /// The group takes these partitions away. Nothing of them is handed out after this event; work
    /// that is finished can still be committed. Asking for the next item answers the event: then the
    /// marked offsets are committed and the partitions are given up.
    Revoked(Vec<TopicPartition>),
    /// These partitions were taken away without notice. Their offsets cannot be committed any more.
    Lost(Vec<TopicPartition>),
    /// The position was outside the log, and the policy moved it.
    OutOfRange {
        /// Where.
        partition: TopicPartition,
        /// The offset that does not exist.
        from: i64,
        /// The offset at which reading goes on.
        to: i64,
    },
    /// Another leader has lost records that this reader was given, as after an unclean election
    /// (KIP-320). Reading goes on where the logs part: the offsets between the two now belong, or will
    /// belong, to other records.
    Truncated {
        /// Where.
        partition: TopicPartition,
        /// The offset behind what the application was given.
        from: i64,
        /// The offset at which the logs part and reading goes on.
        to: i64,
    },
}

impl Event {
    /// The partition whose position moved, if that is what it tells.
    pub(crate) fn moved(&self) -> Option<&TopicPartition> {
        match self {
            Self::OutOfRange { partition, .. } | Self::Truncated { partition, .. } => {
                Some(partition)
            }
            Self::Assigned(_) | Self::Revoked(_) | Self::Lost(_) => None,
        }
    }
}
