//! What may be committed, and who waits for whom.

use std::sync::Arc;

use super::lanes::Lanes;
use super::progress::{Place, Progress};

fn place(partition: i32) -> Place {
    (Arc::from("t"), partition)
}

#[test]
fn only_what_is_done_without_a_gap_is_committed() {
    let mut progress = Progress::new();
    for offset in [3, 5, 6, 9] {
        progress.begin(&place(0), offset);
    }
    progress.begin(&place(1), 5);
    assert_eq!(progress.finish(&place(0), 5, 5), None);
    assert_eq!(progress.finish(&place(0), 9, 9), None);
    assert_eq!(progress.finish(&place(1), 5, 105), Some(105));
    assert_eq!(progress.finish(&place(0), 3, 3), Some(5));
    assert_eq!(progress.finish(&place(0), 6, 6), Some(9));
    assert_eq!(progress.finish(&place(0), 6, 6), None, "done before");
    assert_eq!(progress.finish(&place(7), 1, 1), None, "never begun");
    progress.begin(&place(0), 10);
    progress.forget(&place(0));
    assert_eq!(progress.finish(&place(0), 10, 10), None);
}

#[test]
fn what_was_begun_before_a_jump_back_does_not_hold_up_commits() {
    let mut progress = Progress::new();
    for offset in [100, 101, 5, 6] {
        progress.begin(&place(0), offset);
    }
    assert_eq!(progress.finish(&place(0), 100, 100), None);
    assert_eq!(progress.finish(&place(0), 101, 101), None);
    assert_eq!(progress.finish(&place(0), 5, 5), Some(5));
    assert_eq!(progress.finish(&place(0), 6, 6), Some(6));
}

#[test]
fn a_lane_has_one_message_at_work_and_all_lanes_have_so_many() {
    let mut lanes = Lanes::new(2);
    for (lane, message) in [("a", 1), ("a", 2), ("b", 3), ("c", 4)] {
        lanes.add(lane, message);
    }
    assert_eq!(lanes.start(), Some(("a", 1)));
    assert_eq!(lanes.start(), Some(("b", 3)));
    assert_eq!(lanes.start(), None, "two are at work");
    lanes.finish(&"a");
    assert_eq!(lanes.start(), Some(("c", 4)), "it waits longer");
    lanes.finish(&"b");
    assert_eq!(lanes.start(), Some(("a", 2)));
    assert_eq!(lanes.running(), 2);
    lanes.add("a", 5);
    lanes.add("d", 6);
    lanes.clear();
    lanes.finish(&"a");
    lanes.finish(&"c");
    assert_eq!((lanes.start(), lanes.running()), (None, 0));
    lanes.add("a", 7);
    assert_eq!(lanes.start(), Some(("a", 7)));
}

#[test]
fn so_many_messages_are_taken_ahead() {
    let mut lanes = Lanes::new(2);
    let mut taken = 0;
    while lanes.has_room() {
        lanes.add("slow", taken);
        taken += 1;
    }
    assert_eq!(taken, 16);
}
