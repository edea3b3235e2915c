//! Where a connection reads next, and how seeking moves it.

#[cfg(test)]
mod tests;

/// Stands for the first offset of a partition, whichever it is.
pub const FIRST_OFFSET: i64 = -2;

/// Stands for the offset behind the last record of a partition, whichever it is.
pub const LAST_OFFSET: i64 = -1;

/// What an offset given to [`Conn::seek`](crate::Conn::seek) is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whence {
    /// Forward from the first offset.
    Start,
    /// From offset 0: the offset itself, or one of [`FIRST_OFFSET`] and [`LAST_OFFSET`].
    Absolute,
    /// Backward from the offset behind the last record.
    End,
    /// From where the connection reads next; negative goes back.
    Current,
}

impl Whence {
    /// Without asking the broker whether the result lies in the partition.
    #[must_use]
    pub fn dont_check(self) -> SeekMode {
        SeekMode {
            whence: self,
            check: false,
        }
    }
}

/// A [`Whence`], and whether the result is compared with the partition's ends. By default it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SeekMode {
    pub(super) whence: Whence,
    pub(super) check: bool,
}

impl From<Whence> for SeekMode {
    fn from(whence: Whence) -> Self {
        Self {
            whence,
            check: true,
        }
    }
}

/// What a position means: an offset and what it is counted from.
pub(super) fn describe(position: i64) -> (i64, Whence) {
    match position {
        FIRST_OFFSET => (0, Whence::Start),
        LAST_OFFSET => (0, Whence::End),
        offset => (offset, Whence::Absolute),
    }
}

/// What a seek comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seek {
    /// This is the new position.
    Done(i64),
    /// The partition's first and last offset must be asked for; then see [`resolve`].
    NeedsEnds,
    /// No such offset can exist.
    OutOfRange,
}

/// Seeks as far as that goes without asking the broker.
pub(super) fn seek(position: i64, offset: i64, mode: SeekMode) -> Seek {
    match mode.whence {
        Whence::Absolute if offset == position => Seek::Done(position),
        Whence::Absolute if offset == FIRST_OFFSET || offset == LAST_OFFSET => Seek::Done(offset),
        Whence::Absolute | Whence::Start | Whence::End if offset < 0 => Seek::OutOfRange,
        Whence::Absolute if !mode.check => Seek::Done(offset),
        Whence::Current if !mode.check && position >= 0 => match position.checked_add(offset) {
            Some(sum) if sum >= 0 => Seek::Done(sum),
            _ => Seek::OutOfRange,
        },
        _ => Seek::NeedsEnds,
    }
}

/// The new position, given the partition's ends; `None` when it is out of range.
pub(super) fn resolve(
    position: i64,
    offset: i64,
    mode: SeekMode,
    first: i64,
    last: i64,
) -> Option<i64> {
    let current = match position {
        FIRST_OFFSET => first,
        LAST_OFFSET => last,
        offset => offset,
    };
    let sum = match mode.whence {
        Whence::Start => first.checked_add(offset)?,
        Whence::Absolute => offset,
        Whence::End => last.checked_sub(offset)?,
        Whence::Current => current.checked_add(offset)?,
    };
    let inside = if mode.check {
        (first..=last).contains(&sum)
    } else {
        sum >= 0
    };
    inside.then_some(sum)
}
