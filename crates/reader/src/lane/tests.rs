use std::time::Duration;

use super::*;

fn lane() -> Lane {
    let assignment = Assignment::new(TopicPartition::new("t", 0));
    Lane::new(Arc::new(assignment), 1)
}

#[test]
fn a_frozen_lane_keeps_its_position_and_hands_out_nothing() {
    let lane = lane();
    assert_eq!(lane.position(), None);
    lane.start(5);
    lane.start(7);
    assert!(lane.advance(6));
    assert_eq!(lane.freeze(), Some(6));
    assert!(!lane.advance(9));
    assert!(!lane.is_live());
    assert_eq!(lane.freeze(), Some(6));
    assert_eq!(lane.position(), Some(6));
}

#[test]
fn a_lane_frozen_before_its_start_has_no_position() {
    let lane = lane();
    assert_eq!(lane.freeze(), None);
    lane.start(3);
    assert!(!lane.advance(4));
    assert_eq!(lane.position(), None);
}

#[test]
fn s38_marks_keep_the_highest_and_are_refused_after_the_end() {
    let assignment = Assignment::new(TopicPartition::new("t", 0));
    assert_eq!(assignment.marked(), None);
    assert!(assignment.mark(5, 2));
    assert!(assignment.mark(3, 1));
    assert_eq!(assignment.marked(), Some((5, 2)));
    assignment.end();
    assert!(!assignment.mark(9, 2));
    assert_eq!(assignment.marked(), Some((5, 2)));
}

#[test]
fn a_partition_is_doubtful_from_the_end_of_its_lease_until_that_is_renewed() {
    let begun = Instant::now();
    let after = |seconds| begun + Duration::from_secs(seconds);
    let lease = Arc::new(Lease::new(begun));
    let assignment = Assignment::leased(TopicPartition::new("t", 0), Arc::clone(&lease));
    let lane = Lane::new(Arc::new(assignment), 1);
    assert!(!lane.is_doubtful(after(1_000)), "no end is known yet");
    lease.set(after(45));
    assert!(!lane.is_doubtful(after(45)));
    assert!(lane.is_doubtful(after(46)));
    lease.set(after(60));
    assert!(!lane.is_doubtful(after(46)));
}

#[test]
fn what_is_returned_and_marked_at_once_counts_with_what_is_marked_later() {
    let assignment = Assignment::new(TopicPartition::new("t", 0));
    assert!(assignment.mark_returned(5, 2));
    assert!(assignment.mark_returned(3, 1));
    assert_eq!(assignment.marked(), Some((5, 2)));
    assert!(assignment.mark(7, 2));
    assert!(assignment.mark_returned(6, 2));
    assert_eq!(assignment.marked(), Some((7, 2)));
    assert!(assignment.mark_returned(8, 3));
    assert_eq!(assignment.marked(), Some((8, 3)));
    assignment.end();
    assert!(!assignment.mark_returned(9, 3));
    assert_eq!(assignment.marked(), Some((8, 3)));
}

#[test]
fn a_successor_goes_on_where_its_predecessor_was_left() {
    let paused = lane();
    paused.start(5);
    assert_eq!(paused.freeze(), Some(5));
    let next = paused.successor(2);
    next.start(5);
    assert!(next.is_live() && !paused.is_live());
    // A door that had looked before the lane was frozen hands out one record more.
    paused.position.store(6, Ordering::Release);
    assert_eq!(next.position(), Some(6));
    assert!(next.advance(7));
    assert_eq!(next.freeze(), Some(7));
}
