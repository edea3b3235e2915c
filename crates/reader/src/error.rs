//! What can go wrong while reading.

use std::mem::Discriminant;
use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::ConnError;
use ekafka_protocol::{DecodeError, ErrorCode};

use crate::TopicPartition;

#[cfg(test)]
mod tests;

/// Why a reader could not do what was asked.
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// use ekafka_reader::ReaderError;
///
/// let message = loop {
///     match reader.fetch_message().await {
///         Ok(message) => break message,
///         Err(error) if error.is_fatal() => return Err(error),
///         Err(ReaderError::Corrupt { partition, offset, .. }) => {
///             eprintln!("passing over offset {offset} of {partition}");
///             reader.seek(&partition, offset + 1).await?;
///         }
///         Err(error) => eprintln!("{error}; the reader goes on"),
///     }
/// };
/// # drop(message);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, thiserror::Error)]
// A result with a message is moved for each message. With a smaller tag the words of the message were copied from where two
// of them meet, which costs more than the rest of the move: the processor cannot forward such loads from the stores before.
#[repr(u64)]
#[non_exhaustive]
pub enum ReaderError {
    /// The configuration contradicts itself; every fault is listed.
    #[error("invalid reader configuration: {}", .faults.join("; "))]
    Config {
        /// One sentence for each fault.
        faults: Arc<[String]>,
    },
    /// A broker could not be reached, or the conversation with it broke.
    #[error("{step} failed: {source}")]
    Connection {
        /// What the reader was doing.
        step: &'static str,
        /// What the connection reported.
        r#source: Box<ConnError>,
    },
    /// A broker answered with an error code.
    #[error("{step} of {subject}: {code}")]
    Kafka {
        /// What the reader was doing.
        step: &'static str,
        /// The partition, topic or group it was doing it for.
        subject: Arc<str>,
        /// The broker's answer.
        code: ErrorCode,
    },
    /// A record batch cannot be read. The reader stays at `offset` until a seek moves it, or goes on behind
    /// the batch where [`skip_corrupt_batches`](crate::ReaderBuilder::skip_corrupt_batches) says so.
    #[error("record batch of {partition} at offset {offset} cannot be read: {source}")]
    Corrupt {
        /// Where.
        partition: TopicPartition,
        /// The first offset that was not handed out.
        offset: i64,
        /// What is wrong with the bytes.
        r#source: Box<DecodeError>,
    },
    /// One record batch is larger than the whole prefetch memory.
    #[error(
        "record batch of {partition} at offset {offset} needs {size} bytes, buffer_memory is {limit}"
    )]
    BatchTooLarge {
        /// Where.
        partition: TopicPartition,
        /// The first offset that was not handed out.
        offset: i64,
        /// Bytes of the batch.
        size: u32,
        /// The configured bound in bytes.
        limit: u32,
    },
    /// The position is outside the log and the policy is to stop.
    #[error("offset {offset} of {partition} is out of range: seek, or set out_of_range")]
    OffsetOutOfRange {
        /// Where.
        partition: TopicPartition,
        /// The position that was asked for.
        offset: i64,
    },
    /// Another leader has lost records that were handed out, and the policy is to stop (KIP-320).
    #[error("{partition} lost its records from offset {end} on, {offset} was next: seek to go on")]
    Truncated {
        /// Where.
        partition: TopicPartition,
        /// The offset behind what was handed out.
        offset: i64,
        /// The offset at which the logs part.
        end: i64,
    },
    /// A member of the group sent subscription or assignment bytes that cannot be read.
    #[error("{what} of group {group} cannot be read: {source}")]
    Malformed {
        /// Which bytes.
        what: &'static str,
        /// The group.
        group: Arc<str>,
        /// What is wrong with them.
        r#source: Box<DecodeError>,
    },
    /// The partition is not, or no longer, assigned to this reader.
    #[error("{partition} is not assigned to this reader any more")]
    NotAssigned {
        /// The partition.
        partition: TopicPartition,
    },
    /// The call exists only with, or only without, a group.
    #[error("{call} is unavailable {reason}")]
    Unavailable {
        /// The method.
        call: &'static str,
        /// "with a group" or "without a group".
        reason: &'static str,
    },
    /// The application did not ask for the next item within `max_poll_interval`, so that the group went on without
    /// this member; or the reader could not end in order within `close_timeout`.
    #[error("{step} took longer than {after:?}")]
    Timeout {
        /// What took too long.
        step: &'static str,
        /// The configured limit.
        after: Duration,
    },
    /// The reader is closed and everything it held was handed out.
    #[error("the reader is closed")]
    Closed,
}

/// What an error is about: its kind, whether it is fatal, the step or bytes, and the partition or group.
pub(crate) type Subject = (Discriminant<ReaderError>, bool, &'static str, String);

impl ReaderError {
    /// Of errors with the same subject only the newest is worth hearing.
    pub(crate) fn subject(&self) -> Subject {
        let (step, about) = match self {
            Self::Config { .. } | Self::Closed => ("", String::new()),
            Self::Connection { step, .. } | Self::Timeout { step, .. } => (*step, String::new()),
            Self::Kafka { step, subject, .. } => (*step, subject.to_string()),
            Self::Corrupt { partition, .. }
            | Self::BatchTooLarge { partition, .. }
            | Self::OffsetOutOfRange { partition, .. }
            | Self::Truncated { partition, .. }
            | Self::NotAssigned { partition } => ("", partition.to_string()),
            Self::Malformed { what, group, .. } => (*what, group.to_string()),
            Self::Unavailable { call, .. } => (*call, String::new()),
        };
        let kind = std::mem::discriminant(self);
        (kind, self.is_fatal(), step, about)
    }

    /// Whether the reader goes on by itself, so that asking again may succeed.
    ///
    /// ```
    /// use ekafka_reader::ReaderError;
    ///
    /// assert!(ReaderError::Closed.is_fatal() && !ReaderError::Closed.is_retriable());
    /// ```
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Connection { source, .. } => source.is_retriable(),
            Self::Kafka { code, .. } => {
                code.is_retriable() || *code == ErrorCode::UNKNOWN_MEMBER_ID
            }
            Self::Malformed { .. } | Self::Timeout { .. } => true,
            _ => false,
        }
    }

    /// Whether the reader has stopped for good and only `close` makes sense.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Config { .. } | Self::Closed => true,
            Self::Connection { source, .. } => source.is_fatal(),
            Self::Kafka { code, .. } => *code == ErrorCode::FENCED_INSTANCE_ID,
            _ => false,
        }
    }
}
