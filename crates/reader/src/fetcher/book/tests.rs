use super::*;
use crate::TopicPartition;
use crate::fetcher::BatchSizes;
use crate::lane::{Assignment, Lane};

fn cursor(partition: i32, tag: u64, offset: i64) -> Cursor {
    let assignment = Arc::new(Assignment::new(TopicPartition::new("t", partition)));
    let lane = Arc::new(Lane::new(assignment, tag));
    lane.start(offset);
    Cursor {
        lane,
        topic_id: Uuid::from_u128(1),
        leader_epoch: 0,
        offset,
        read_epoch: -1,
        sizes: BatchSizes::default(),
        has_read: false,
    }
}

/// The partitions named and forgotten in the next request of a session.
fn ask(book: &mut Book, is_full: bool) -> (Vec<(i32, i64)>, Vec<i32>) {
    let asked = book.ask(is_full, 100, 100);
    let topics = asked.topics.iter().flat_map(|topic| &topic.partitions);
    let mut named: Vec<(i32, i64)> = topics
        .map(|one| (one.partition, one.fetch_offset))
        .collect();
    named.sort_unstable();
    let forgotten = asked.forgotten.iter().flat_map(|topic| &topic.partitions);
    (named, forgotten.copied().collect())
}

#[test]
fn s28_a_session_names_only_what_changed_and_a_full_request_everything() {
    let mut book = Book::default();
    book.add(vec![cursor(0, 1, 5), cursor(1, 2, 7)]);
    assert_eq!(ask(&mut book, true), (vec![(0, 5), (1, 7)], vec![]));
    assert_eq!(ask(&mut book, false), (vec![], vec![]));
    book.find("", Uuid::from_u128(1), 1).unwrap().offset = 9;
    assert_eq!(ask(&mut book, false), (vec![(1, 9)], vec![]));
    assert_eq!(ask(&mut book, true), (vec![(0, 5), (1, 9)], vec![]));
}

#[test]
fn a_cursor_that_goes_is_forgotten_once() {
    let mut book = Book::default();
    let gone = cursor(0, 1, 5);
    book.add(vec![gone.clone(), cursor(1, 2, 7)]);
    ask(&mut book, true);
    gone.lane.freeze();
    book.drop_frozen();
    assert_eq!(ask(&mut book, false), (vec![], vec![0]));
    assert_eq!(ask(&mut book, false), (vec![], vec![]));
    assert!(book.find("t", Uuid::nil(), 0).is_none());
}

#[test]
fn a_cursor_that_comes_again_replaces_the_old_without_being_forgotten() {
    let mut book = Book::default();
    let old = cursor(0, 1, 5);
    book.add(vec![old.clone()]);
    ask(&mut book, true);
    old.lane.freeze();
    book.add(vec![cursor(0, 2, 1)]);
    book.drop_frozen();
    assert_eq!(ask(&mut book, false), (vec![(0, 1)], vec![]));
}

#[test]
fn s36_a_full_lane_is_left_out_until_it_has_room() {
    let mut book = Book::default();
    let full = cursor(0, 1, 5);
    book.add(vec![full.clone(), cursor(1, 2, 7)]);
    ask(&mut book, true);
    full.lane.add_buffered(100);
    assert!(book.has_hungry(100));
    assert_eq!(book.ask(false, 100, 100).left_out, 1);
    assert_eq!(ask(&mut book, false), (vec![], vec![]));
    full.lane.remove_buffered(1);
    assert_eq!(ask(&mut book, false), (vec![(0, 5)], vec![]));
}

#[test]
fn without_sessions_the_order_turns() {
    let mut book = Book::default();
    book.add((0..3).map(|partition| cursor(partition, 1, 0)).collect());
    let mut first = Vec::new();
    for _ in 0..3 {
        let asked = book.ask(true, 100, 100);
        first.push(asked.topics[0].partitions[0].partition);
    }
    first.sort_unstable();
    assert_eq!(first, [0, 1, 2]);
}

#[test]
fn everything_can_be_taken_back() {
    let mut book = Book::default();
    book.add(vec![cursor(0, 1, 5), cursor(1, 2, 7)]);
    assert_eq!(book.take_all().len(), 2);
    assert!(!book.has_live());
}
