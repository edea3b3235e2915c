//! Leaders that lost records (KIP-320).

use ekafka_protocol::{ApiKey, ErrorCode};

use super::super::setup::*;
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::{Reader, Received};
use crate::reset::OutOfRange;

/// The next item that is an event, with the messages before it.
async fn until_event(reader: &mut Reader) -> (Vec<i64>, Event) {
    let mut before = Vec::new();
    loop {
        match reader.recv().await.unwrap() {
            Received::Message(message) => before.push(message.offset()),
            Received::Event(event) => return (before, event),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s25_a_truncation_is_told_with_both_offsets_and_nothing_is_skipped() {
    for nodes in [1, 3] {
        let kafka = kafka_of(nodes).await;
        kafka.create_topic("t", 1).unwrap();
        for _ in 0..3 {
            write(&kafka, "t", 0, 10);
        }
        let mut reader = builder(&kafka).topic("t").build().unwrap();
        let expected: Vec<i64> = (0..30).collect();
        assert_eq!(offsets(&mut reader, 30).await, expected);
        kafka.truncate("t", 0, 20).unwrap();
        write(&kafka, "t", 0, 15);
        let (before, event) = until_event(&mut reader).await;
        assert!(before.is_empty(), "{before:?}");
        let truncated = Event::Truncated {
            partition: TopicPartition::new("t", 0),
            from: 30,
            to: 20,
        };
        assert_eq!(event, truncated);
        let expected: Vec<i64> = (20..35).collect();
        assert_eq!(offsets(&mut reader, 15).await, expected);
        let resets = kafka.requests_of(ApiKey::LIST_OFFSETS).len();
        assert_eq!(resets, 1, "only the start is looked up");
    }
}

#[tokio::test(start_paused = true)]
async fn s25_with_the_error_policy_the_loss_is_an_error_until_a_seek() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    write(&kafka, "t", 0, 10);
    let reader = builder(&kafka).topic("t").out_of_range(OutOfRange::Error);
    let mut reader = reader.build().unwrap();
    offsets(&mut reader, 20).await;
    kafka.truncate("t", 0, 10).unwrap();
    write(&kafka, "t", 0, 3);
    let error = reader.fetch_message().await.unwrap_err();
    let is_truncated = matches!(
        error,
        ReaderError::Truncated {
            offset: 20,
            end: 10,
            ..
        }
    );
    assert!(is_truncated, "{error}");
    assert!(!error.is_retriable() && !error.is_fatal());
    reader.set_offset(10).await.unwrap();
    assert_eq!(offsets(&mut reader, 3).await, [10, 11, 12]);
}

#[tokio::test(start_paused = true)]
async fn s25_while_the_check_fails_nothing_is_reset() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    let reader = builder(&kafka).topic("t").max_attempts(10);
    let mut reader = reader.build().unwrap();
    offsets(&mut reader, 10).await;
    for code in [
        ErrorCode::FENCED_LEADER_EPOCH,
        ErrorCode::UNKNOWN_LEADER_EPOCH,
    ] {
        let api = ApiKey::OFFSET_FOR_LEADER_EPOCH;
        kafka.on_next(api).error(code);
    }
    kafka.move_leader("t", 0, 1).unwrap();
    write(&kafka, "t", 0, 5);
    assert_eq!(offsets(&mut reader, 5).await, [10, 11, 12, 13, 14]);
    let checks = kafka.requests_of(ApiKey::OFFSET_FOR_LEADER_EPOCH).len();
    assert_eq!(checks, 3);
    assert_eq!(kafka.requests_of(ApiKey::LIST_OFFSETS).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s25_a_group_checks_the_epoch_it_committed() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    write(&kafka, "t", 0, 10);
    let member = || builder(&kafka).topic("t").group_id("g").build().unwrap();
    let mut first = member();
    for _ in 0..20 {
        first.read_message().await.unwrap();
    }
    first.close().await.unwrap();
    kafka.truncate("t", 0, 10).unwrap();
    write(&kafka, "t", 0, 15);
    let mut second = member();
    let truncated = loop {
        match until_event(&mut second).await.1 {
            Event::Assigned(_) => {}
            event => break event,
        }
    };
    let (from, to) = (20, 10);
    let partition = TopicPartition::new("t", 0);
    assert_eq!(
        truncated,
        Event::Truncated {
            partition,
            from,
            to
        }
    );
    assert_eq!(offsets(&mut second, 1).await, [10]);
}
