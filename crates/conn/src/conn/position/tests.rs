use super::{FIRST_OFFSET, LAST_OFFSET, Seek, SeekMode, Whence, describe, resolve, seek};

/// Seeks in a partition that holds the offsets from 10 to 99; `None` is out of range.
#[track_caller]
fn check(position: i64, offset: i64, mode: impl Into<SeekMode>, expected: Option<i64>) {
    let mode = mode.into();
    let reached = match seek(position, offset, mode) {
        Seek::Done(reached) => Some(reached),
        Seek::NeedsEnds => resolve(position, offset, mode, 10, 100),
        Seek::OutOfRange => None,
    };
    assert_eq!(reached, expected, "{offset} by {mode:?} from {position}");
}

#[test]
fn s3_47_from_the_start() {
    check(20, 0, Whence::Start, Some(10));
    check(20, 50, Whence::Start, Some(60));
    check(20, 90, Whence::Start, Some(100));
    check(20, 91, Whence::Start, None);
    check(20, -1, Whence::Start, None);
    check(20, 91, Whence::Start.dont_check(), Some(101));
    check(20, i64::MAX, Whence::Start, None);
}

#[test]
fn s3_48_absolute() {
    check(20, 50, Whence::Absolute, Some(50));
    check(20, 9, Whence::Absolute, None);
    check(20, 101, Whence::Absolute, None);
    check(20, 9, Whence::Absolute.dont_check(), Some(9));
    check(
        FIRST_OFFSET,
        FIRST_OFFSET,
        Whence::Absolute,
        Some(FIRST_OFFSET),
    );
    check(20, LAST_OFFSET, Whence::Absolute, Some(LAST_OFFSET));
    check(20, -3, Whence::Absolute, None);
    check(20, -3, Whence::Absolute.dont_check(), None);
}

#[test]
fn s3_49_from_the_end() {
    check(20, 0, Whence::End, Some(100));
    check(20, 50, Whence::End, Some(50));
    check(20, 91, Whence::End, None);
    check(20, -1, Whence::End, None);
}

#[test]
fn s3_50_from_the_current_position() {
    check(50, 50, Whence::Current, Some(100));
    check(60, -50, Whence::Current, Some(10));
    check(59, -50, Whence::Current, None);
    check(50, -51, Whence::Current.dont_check(), None);
    check(50, -45, Whence::Current.dont_check(), Some(5));
    check(50, i64::MAX, Whence::Current.dont_check(), None);
}

#[test]
fn c_09_a_fresh_connections_marker_is_resolved_before_it_is_added_to() {
    check(FIRST_OFFSET, 50, Whence::Current, Some(60));
    check(FIRST_OFFSET, 50, Whence::Current.dont_check(), Some(60));
    check(LAST_OFFSET, -50, Whence::Current, Some(50));
}

#[test]
fn broker_is_asked_only_where_needed() {
    let asks = |position, offset, mode| seek(position, offset, mode) == Seek::NeedsEnds;
    assert!(!asks(20, 20, Whence::Absolute.into()));
    assert!(!asks(20, 42, Whence::Absolute.dont_check()));
    assert!(!asks(20, 42, Whence::Current.dont_check()));
    assert!(asks(20, 42, Whence::Absolute.into()));
    assert!(asks(20, 0, Whence::Start.dont_check()));
    assert!(asks(FIRST_OFFSET, 1, Whence::Current.dont_check()));
}

#[test]
fn positions_are_described_as_seeks_that_reach_them() {
    assert_eq!(describe(FIRST_OFFSET), (0, Whence::Start));
    assert_eq!(describe(LAST_OFFSET), (0, Whence::End));
    assert_eq!(describe(7), (7, Whence::Absolute));
}
