use std::time::Duration;

use ekafka_protocol::messages::{AbortedTransaction, FetchedTopic};
use ekafka_protocol::{StrBytes, Uuid};

use super::*;
use crate::TopicPartition;
use crate::fetcher::BatchSizes;
use crate::lane::{Assignment, Lane};

fn settings(isolation_level: IsolationLevel) -> FetchSettings {
    FetchSettings {
        min_bytes: 1,
        max_bytes: 1_000,
        max_partition_bytes: 1_000,
        max_wait: Duration::ZERO,
        request_timeout: Duration::ZERO,
        isolation_level,
        rack: StrBytes::default(),
        budget: 1_000,
    }
}

fn book() -> Book {
    let assignment = Arc::new(Assignment::new(TopicPartition::new("t", 0)));
    let lane = Arc::new(Lane::new(assignment, 1));
    lane.start(5);
    let mut book = Book::default();
    book.add(Cursor {
        lane,
        topic_id: Uuid::nil(),
        leader_epoch: 0,
        offset: 5,
        read_epoch: -1,
        sizes: BatchSizes::default(),
        has_read: false,
    });
    book
}

fn answer(partition: FetchedPartition) -> FetchResponse {
    let topic = FetchedTopic {
        topic: StrBytes::from_static_str("t"),
        partitions: vec![partition],
        ..FetchedTopic::default()
    };
    FetchResponse {
        responses: vec![topic],
        ..FetchResponse::default()
    }
}

#[track_caller]
fn check_returned(partition: FetchedPartition, expected: Returned) {
    let settings = settings(IsolationLevel::ReadUncommitted);
    let outcome = sort(&mut book(), &settings, answer(partition));
    let returned: Vec<&Returned> = outcome.returned.iter().map(|(_, reason)| reason).collect();
    assert_eq!(returned, [&expected]);
    assert!(outcome.chunks.is_empty());
}

#[test]
fn each_error_gives_the_cursor_back_with_its_reason() {
    let refused = |code| Returned::Refused(code);
    for (error_code, expected) in [
        (ErrorCode::OFFSET_OUT_OF_RANGE, Returned::OutOfRange),
        (ErrorCode::NOT_LEADER_OR_FOLLOWER, Returned::Moved),
        (ErrorCode::FENCED_LEADER_EPOCH, Returned::Moved),
        (ErrorCode::UNKNOWN_LEADER_EPOCH, Returned::Moved),
        (
            ErrorCode::UNKNOWN_TOPIC_ID,
            refused(ErrorCode::UNKNOWN_TOPIC_ID),
        ),
        (
            ErrorCode::TOPIC_AUTHORIZATION_FAILED,
            refused(ErrorCode::TOPIC_AUTHORIZATION_FAILED),
        ),
    ] {
        let partition = FetchedPartition {
            error_code,
            ..FetchedPartition::default()
        };
        check_returned(partition, expected);
    }
}

#[test]
fn s27_a_preferred_replica_gives_the_cursor_back() {
    let partition = FetchedPartition {
        preferred_read_replica: 3,
        ..FetchedPartition::default()
    };
    check_returned(partition, Returned::Preferred(BrokerId(3)));
}

#[test]
fn s33_more_than_the_budget_gives_the_cursor_back() {
    let partition = FetchedPartition {
        records: Some(vec![0; 1_001].into()),
        ..FetchedPartition::default()
    };
    check_returned(partition, Returned::TooLarge(1_001));
}

#[test]
fn s19_bytes_without_a_whole_batch_give_the_cursor_back() {
    let mut bytes = [0; 40];
    bytes[8..12].copy_from_slice(&100i32.to_be_bytes());
    for (cut, needed) in [(40, 112), (12, 112), (11, 0)] {
        let partition = FetchedPartition {
            records: Some(bytes[..cut].to_vec().into()),
            ..FetchedPartition::default()
        };
        let error = DecodeError::Truncated {
            what: "record batch",
            needed,
            left: cut,
        };
        check_returned(partition, Returned::Incomplete(error));
    }
}

#[test]
fn the_end_is_the_last_stable_offset_only_under_read_committed() {
    for (level, end) in [
        (IsolationLevel::ReadUncommitted, 20),
        (IsolationLevel::ReadCommitted, 12),
    ] {
        let mut book = book();
        let partition = FetchedPartition {
            high_watermark: 20,
            last_stable_offset: 12,
            ..FetchedPartition::default()
        };
        sort(&mut book, &settings(level), answer(partition));
        let cursor = book.take_all().remove(0);
        assert_eq!((cursor.lane.end(), cursor.lane.high_watermark()), (end, 20));
        assert!(cursor.has_read);
    }
}

#[test]
fn aborted_transactions_travel_with_the_chunk_under_read_committed_only() {
    for (level, count) in [
        (IsolationLevel::ReadUncommitted, 0),
        (IsolationLevel::ReadCommitted, 1),
    ] {
        // A header that makes no sense is still handed on, for its reader to report.
        let partition = FetchedPartition {
            records: Some(vec![0; 20].into()),
            aborted_transactions: Some(vec![AbortedTransaction {
                producer_id: 7,
                first_offset: 5,
            }]),
            ..FetchedPartition::default()
        };
        let outcome = sort(&mut book(), &settings(level), answer(partition));
        assert_eq!(outcome.chunks[0].aborted.len(), count);
    }
}

#[test]
fn an_answer_about_a_partition_nobody_reads_is_dropped() {
    let partition = FetchedPartition {
        partition_index: 9,
        error_code: ErrorCode::OFFSET_OUT_OF_RANGE,
        ..FetchedPartition::default()
    };
    let settings = settings(IsolationLevel::ReadUncommitted);
    let outcome = sort(&mut book(), &settings, answer(partition));
    assert!(outcome.returned.is_empty());
}
