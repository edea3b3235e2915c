use ekafka_protocol::messages::FetchedPartition;

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

/// The cursor that an answer finds by the topic's id.
fn found(book: &mut Book, partition: i32) -> Option<&mut Cursor> {
    let answered = FetchedTopic {
        topic_id: Uuid::from_u128(1),
        partitions: vec![FetchedPartition {
            partition_index: partition,
            ..FetchedPartition::default()
        }],
        ..FetchedTopic::default()
    };
    let at = book.locate(&answered).remove(0)?;
    book.find(at)
}

/// The partitions named and forgotten in the next request of a session.
fn ask(book: &mut Book, is_full: bool) -> (Vec<(i32, i64)>, Vec<i32>) {
    let asked = {
        book.settle(100);
        book.ask(is_full, 100)
    };
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
    book.add(cursor(0, 1, 5));
    book.add(cursor(1, 2, 7));
    assert_eq!(ask(&mut book, true), (vec![(0, 5), (1, 7)], vec![]));
    assert_eq!(ask(&mut book, false), (vec![], vec![]));
    found(&mut book, 1).unwrap().offset = 9;
    assert_eq!(ask(&mut book, false), (vec![(1, 9)], vec![]));
    assert_eq!(ask(&mut book, true), (vec![(0, 5), (1, 9)], vec![]));
}

#[test]
fn a_cursor_that_goes_is_forgotten_once() {
    let mut book = Book::default();
    let gone = cursor(0, 1, 5);
    book.add(gone.clone());
    book.add(cursor(1, 2, 7));
    ask(&mut book, true);
    gone.lane.freeze();
    book.drop_lane(&gone.lane);
    assert_eq!(ask(&mut book, false), (vec![], vec![0]));
    assert_eq!(ask(&mut book, false), (vec![], vec![]));
    assert!(found(&mut book, 0).is_none());
}

#[test]
fn a_cursor_that_comes_again_replaces_the_old_without_being_forgotten() {
    let mut book = Book::default();
    let old = cursor(0, 1, 5);
    book.add(old.clone());
    ask(&mut book, true);
    old.lane.freeze();
    book.add(cursor(0, 2, 1));
    book.drop_lane(&old.lane);
    assert_eq!(ask(&mut book, false), (vec![(0, 1)], vec![]));
}

#[test]
fn s36_a_full_lane_is_left_out_until_it_has_room() {
    let mut book = Book::default();
    let full = cursor(0, 1, 5);
    book.add(full.clone());
    book.add(cursor(1, 2, 7));
    ask(&mut book, true);
    full.lane.add_buffered(100);
    found(&mut book, 0).unwrap();
    book.settle(100);
    assert!(book.has_hungry(100));
    assert_eq!(book.ask(false, 100).left_out, 1);
    assert_eq!(ask(&mut book, false), (vec![], vec![]));
    full.lane.remove_buffered(1);
    assert_eq!(ask(&mut book, false), (vec![(0, 5)], vec![]));
}

#[test]
fn without_sessions_the_order_turns() {
    let mut book = Book::default();
    for partition in 0..3 {
        book.add(cursor(partition, 1, 0));
    }
    let mut first = Vec::new();
    for _ in 0..3 {
        let asked = book.ask(true, 100);
        first.push(asked.topics[0].partitions[0].partition);
    }
    first.sort_unstable();
    assert_eq!(first, [0, 1, 2]);
}

#[test]
fn everything_can_be_taken_back() {
    let mut book = Book::default();
    book.add(cursor(0, 1, 5));
    book.add(cursor(1, 2, 7));
    assert_eq!(book.take_all().len(), 2);
    assert!(book.is_empty());
}

#[test]
fn an_answer_costs_what_it_brings_and_not_what_is_assigned() {
    let mut book = Book::default();
    for partition in 0..10_000 {
        book.add(cursor(partition, 1, 0));
    }
    ask(&mut book, true);
    let full = cursor(10_000, 2, 0);
    full.lane.add_buffered(100);
    book.add(full);
    ask(&mut book, false);
    let before = book.looks;
    for round in 1..=10 {
        for partition in (0..10_000).step_by(100) {
            let found = found(&mut book, partition);
            found.unwrap().offset = round;
        }
        let (named, forgotten) = ask(&mut book, false);
        assert_eq!((named.len(), forgotten.len()), (100, 0));
        assert!(book.has_hungry(100));
    }
    // Each of the hundred when it is found, when it is settled and when it is named, and the one that is full.
    assert!(book.looks - before <= 10 * 301, "{}", book.looks - before);
}

#[test]
fn once_the_size_of_batches_is_known_every_partition_is_named_with_a_better_limit() {
    let mut book = Book::default();
    book.add(cursor(0, 1, 0));
    book.add(cursor(1, 2, 0));
    ask(&mut book, true);
    book.note_size(60);
    assert_eq!(ask(&mut book, false).0, [(0, 0), (1, 0)]);
    book.note_size(64);
    assert_eq!(ask(&mut book, false).0, []);
}

#[test]
fn s35_a_topic_that_has_its_old_id_again_is_found_by_name() {
    let mut book = Book::default();
    let with_id = |id: u128, tag| Cursor {
        topic_id: Uuid::from_u128(id),
        ..cursor(0, tag, 5)
    };
    let mut last = None;
    for (tag, id) in [(1, 7), (2, 0), (3, 7)] {
        let next = with_id(id, tag);
        if let Some(old) = last.replace(Arc::clone(&next.lane)) {
            book.drop_lane(&old);
        }
        book.add(next);
        // The broker has to forget the partition that it has to read.
        assert_eq!(book.is_mixed(), tag > 1);
        assert_eq!(ask(&mut book, true), (vec![(0, 5)], vec![]));
        assert!(!book.is_mixed());
    }
    let answered = FetchedTopic {
        topic: StrBytes::from_static_str("t"),
        partitions: vec![FetchedPartition::default()],
        ..FetchedTopic::default()
    };
    let at = book.locate(&answered).remove(0).expect("the partition");
    assert_eq!(book.find(at).unwrap().lane.tag, 3);
}
