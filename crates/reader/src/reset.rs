//! Where reading begins, and where it goes on when the broker refuses the position.

use std::time::{SystemTime, UNIX_EPOCH};

/// Where to begin when there is no position yet.
///
/// A group begins here only in partitions for which it has committed nothing.
///
/// ```
/// use ekafka_reader::{Reader, StartOffset};
///
/// let builder = Reader::builder().topic("orders").start_offset(StartOffset::At(42));
/// assert_eq!(StartOffset::from(-1), StartOffset::Last);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StartOffset {
    /// The first record that is still there.
    #[default]
    First,
    /// The end: only records written from now on.
    Last,
    /// This offset.
    At(i64),
    /// The first record with this timestamp or a later one; the end if there is none.
    Time(SystemTime),
}

/// What to do when the position is outside the log. Each time, an [`Event::OutOfRange`] tells it.
///
/// [`Event::OutOfRange`]: crate::Event::OutOfRange
///
/// ```
/// use ekafka_reader::{OutOfRange, Reader};
///
/// let builder = Reader::builder().topic("orders").out_of_range(OutOfRange::Latest);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OutOfRange {
    /// Goes on at the first record that is still there.
    #[default]
    Earliest,
    /// Goes on at the end, skipping what is there.
    Latest,
    /// Delivers [`ReaderError::OffsetOutOfRange`](crate::ReaderError::OffsetOutOfRange) and waits for a seek.
    Error,
}

/// A position that only the leader knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    First,
    Last,
    /// Milliseconds since the Unix epoch.
    Time(i64),
}

/// An offset to read next, as somebody else knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) offset: i64,
    /// Leader epoch of the record before it, -1 when unknown.
    pub(crate) leader_epoch: i32,
}

/// A position, or the question that yields it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    At(i64),
    Ask(Target),
}

impl StartOffset {
    pub(crate) fn start(self) -> Start {
        match self {
            Self::First => Start::Ask(Target::First),
            Self::Last => Start::Ask(Target::Last),
            Self::At(offset) => Start::At(offset.max(0)),
            Self::Time(time) => Start::Ask(Target::Time(milliseconds(time))),
        }
    }
}

impl OutOfRange {
    /// Where to go on; `None` waits for a seek.
    pub(crate) fn target(self) -> Option<Target> {
        match self {
            Self::Earliest => Some(Target::First),
            Self::Latest => Some(Target::Last),
            Self::Error => None,
        }
    }
}

impl Target {
    /// The timestamp that asks for it in a `ListOffsets` request.
    pub(crate) fn timestamp(self) -> i64 {
        match self {
            Self::First => -2,
            Self::Last => -1,
            Self::Time(milliseconds) => milliseconds,
        }
    }
}

/// Milliseconds since the Unix epoch; a time before it is 0.
pub(crate) fn milliseconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

impl From<i64> for StartOffset {
    /// -2 is first and -1 is last, as Kafka numbers them; other negative numbers are first.
    fn from(offset: i64) -> Self {
        match offset {
            -1 => Self::Last,
            ..0 => Self::First,
            offset => Self::At(offset),
        }
    }
}
