//! Why a record was not, or may not have been, written.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::ConnError;
pub use ekafka_conn::TopicPartition;
use ekafka_protocol::{EncodeError, ErrorCode};

mod closing;
mod of_call;
#[cfg(test)]
mod tests;

pub use closing::{Undelivered, UndeliveredPartition};
pub use of_call::{MessageTooLarge, WriteErrors};

/// Why a call or a record failed. Cheap to clone: all records of a batch share one cause.
///
/// ```
/// use ekafka_writer::WriterError;
///
/// fn advise(error: &WriterError) -> &'static str {
///     match error {
///         WriterError::RecordTooLarge { .. } => "make it smaller",
///         error if error.is_fatal() => "make a new writer",
///         error if error.maybe_written() => "look before writing it again",
///         error if error.is_retriable() => "write it again",
///         _ => "give it up",
///     }
/// }
/// assert_eq!(advise(&WriterError::Closed), "make a new writer");
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum WriterError {
    /// The configuration is wrong; nothing was started. Lists every fault.
    #[error("invalid writer configuration: {faults}")]
    Config {
        /// Every fault found, separated by semicolons.
        faults: Arc<str>,
    },
    /// The writer was closed or dropped, or its runtime ended; the record was not accepted.
    #[error("the writer is closed")]
    Closed,
    /// Neither the writer nor the record names a topic, or both do; the record was not accepted.
    #[error("{}", match topic { None => "neither the writer nor the record names a topic".into(), Some(topic) => format!("the writer has a topic and the record names {topic}") })]
    Topic {
        /// The record's topic, when there is one too many.
        topic: Option<Arc<str>>,
    },
    /// The record does not fit in a batch; it was not accepted.
    #[error("the record takes {size} bytes in a batch of its own, batch_bytes allows {limit}")]
    RecordTooLarge {
        /// Bytes of a batch with this record alone, header included, before compression.
        size: usize,
        /// The configured `batch_bytes`.
        limit: usize,
    },
    /// The partition asked for, or chosen by the balancer, does not exist; the record was not accepted.
    #[error("topic {topic} has {partitions} partitions, there is no partition {partition}")]
    InvalidPartition {
        /// The topic.
        topic: Arc<str>,
        /// The partition asked for.
        partition: i32,
        /// How many the topic has.
        partitions: i32,
    },
    /// The topic could not be found before the deadline, or may not be seen; the record was not accepted.
    #[error("topic {topic} cannot be used: {source}")]
    TopicUnavailable {
        /// The topic.
        topic: Arc<str>,
        /// What the cluster said last.
        r#source: Arc<ConnError>,
    },
    /// `buffer_memory` was in use for too long; the record was not accepted.
    #[error(
        "no room in buffer_memory after {waited:?}: records come faster than brokers take them"
    )]
    NoRoom {
        /// How long the call waited; zero for calls that do not wait.
        waited: Duration,
    },
    /// The record cannot be encoded; it was not accepted.
    #[error("record cannot be encoded: {source}")]
    Encode {
        /// What does not fit the format.
        r#source: EncodeError,
    },
    /// Given up; no broker has the record.
    #[error("{at}: not written: {cause}")]
    NotWritten {
        /// Where it was to go.
        at: TopicPartition,
        /// What stood in the way last.
        cause: Cause,
    },
    /// Given up; a broker may have the record, so writing it again may duplicate it.
    #[error("{at}: given up, may have been written: {cause}")]
    MaybeWritten {
        /// Where it was to go.
        at: TopicPartition,
        /// What stood in the way last.
        cause: Cause,
    },
    /// The broker refused the record for good; it has not got it.
    #[error("{at}: rejected: {code}{}", Detail(detail.as_deref()))]
    Rejected {
        /// Where it was to go.
        at: TopicPartition,
        /// The broker's reason.
        code: ErrorCode,
        /// The broker's words, where it sent any.
        detail: Option<Arc<str>>,
    },
    /// The writer can do nothing any more; a new one is needed. `maybe_written` tells whether the record may have arrived.
    #[error("{at}: the writer has failed: {cause}")]
    Fatal {
        /// Where it was to go.
        at: TopicPartition,
        /// What ended the writer.
        cause: Cause,
        /// Whether a broker may have the record.
        maybe_written: bool,
    },
}

impl From<EncodeError> for WriterError {
    fn from(source: EncodeError) -> Self {
        Self::Encode { source }
    }
}

impl WriterError {
    /// What is known about the record: the answer that decides whether to write it again.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::MaybeWritten { .. } => ErrorClass::MaybeWritten,
            Self::Rejected { code, .. } => ErrorClass::Rejected(*code),
            Self::Fatal { .. } => ErrorClass::Fatal,
            _ => ErrorClass::NotWritten,
        }
    }

    /// What a broker said last, if the failure comes from an answer of one.
    ///
    /// ```
    /// use ekafka_protocol::ErrorCode;
    /// use ekafka_writer::WriterError;
    ///
    /// /// Whether it is worth waiting for a leader.
    /// fn is_elected_soon(error: &WriterError) -> bool {
    ///     error.code() == Some(ErrorCode::LEADER_NOT_AVAILABLE)
    /// }
    /// assert!(!is_elected_soon(&WriterError::Closed));
    /// ```
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Rejected { code, .. } => Some(*code),
            Self::TopicUnavailable { source, .. } => source.code(),
            Self::NotWritten { cause, .. }
            | Self::MaybeWritten { cause, .. }
            | Self::Fatal { cause, .. } => match cause {
                Cause::Code(code) => Some(*code),
                Cause::Connection(error) => error.code(),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a broker may have the record, so that writing it again may duplicate it.
    #[must_use]
    pub fn maybe_written(&self) -> bool {
        match self {
            Self::MaybeWritten { .. } => true,
            Self::Fatal { maybe_written, .. } => *maybe_written,
            _ => false,
        }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::NoRoom { .. } | Self::NotWritten { .. } | Self::MaybeWritten { .. } => true,
            Self::TopicUnavailable { source, .. } => source.is_retriable(),
            Self::Rejected { code, .. } => code.is_retriable(),
            _ => false,
        }
    }

    /// Whether no later call on this writer can succeed.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::Closed | Self::Fatal { .. } | Self::Config { .. }
        )
    }

    /// Whether a transaction in which this happened can only be aborted.
    ///
    /// ```
    /// use ekafka_writer::WriterError;
    ///
    /// assert!(!WriterError::Closed.needs_abort());
    /// ```
    #[must_use]
    pub fn needs_abort(&self) -> bool {
        matches!(
            self,
            Self::NotWritten { .. } | Self::MaybeWritten { .. } | Self::Rejected { .. }
        )
    }
}

/// What is known about a record that failed.
///
/// ```
/// use ekafka_writer::{ErrorClass, WriterError};
///
/// /// Whether the record can be written again without a second copy.
/// fn is_safe_to_repeat(error: &WriterError) -> bool {
///     matches!(error.class(), ErrorClass::NotWritten)
/// }
/// assert!(is_safe_to_repeat(&WriterError::Closed));
/// assert_eq!(WriterError::Closed.class().to_string(), "not_written");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// No broker has it.
    NotWritten,
    /// A broker may have it.
    MaybeWritten,
    /// A broker refused it for good.
    Rejected(ErrorCode),
    /// The writer is of no use any more.
    Fatal,
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotWritten => "not_written",
            Self::MaybeWritten => "maybe_written",
            Self::Rejected(_) => "rejected",
            Self::Fatal => "fatal",
        })
    }
}

/// What stood in the way of a batch when it was given up.
///
/// ```
/// use ekafka_writer::{Cause, WriterError};
///
/// /// Whether the record was given up because nobody answered in time.
/// fn is_late(error: &WriterError) -> bool {
///     matches!(error, WriterError::NotWritten { cause: Cause::Expired, .. })
/// }
/// assert!(!is_late(&WriterError::Closed));
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Cause {
    /// The broker's last answer.
    Code(ErrorCode),
    /// The connection's last failure.
    Connection(Arc<ConnError>),
    /// `delivery_timeout` passed before anything was tried.
    Expired,
    /// The writer was closed within a limit that has passed, dropped, or its runtime ended.
    Closed,
    /// The topic was deleted and made again while the record waited.
    TopicReplaced,
    /// Encoding or compressing the batch failed.
    Encode(Arc<EncodeError>),
    /// The broker's answer did not mention the partition.
    NoAnswer,
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => code.fmt(formatter),
            Self::Connection(error) => error.fmt(formatter),
            Self::Expired => {
                formatter.write_str("delivery timeout passed while waiting to be sent")
            }
            Self::Closed => formatter.write_str("the writer was closed"),
            Self::TopicReplaced => formatter.write_str("the topic was deleted and created anew"),
            Self::Encode(error) => error.fmt(formatter),
            Self::NoAnswer => formatter.write_str("the broker did not answer for this partition"),
        }
    }
}

/// A broker's explanation after its code, when there is one.
struct Detail<'a>(Option<&'a str>);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .map_or(Ok(()), |detail| write!(formatter, " ({detail})"))
    }
}
