//! Positions outside the log: where reading goes on, what is told, and how often brokers are asked.

use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::{Instant, timeout};

use super::super::setup::*;
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::{Reader, Received};
use crate::reset::{OutOfRange, StartOffset};

/// A partition with offsets 10 to 19.
fn ten_to_twenty(kafka: &EmbeddedKafka) {
    kafka.create_topic("t", 1).unwrap();
    write(kafka, "t", 0, 10);
    write(kafka, "t", 0, 10);
    kafka.delete_records("t", 0, 10).unwrap();
}

/// Has the log start at `start` before the reader, who is paused meanwhile, can go on.
async fn overtake(kafka: &EmbeddedKafka, reader: &mut Reader, start: i64) {
    let partition = [TopicPartition::new("t", 0)];
    reader.pause(&partition).await.unwrap();
    write(kafka, "t", 0, 10);
    write(kafka, "t", 0, 10);
    kafka.delete_records("t", 0, start).unwrap();
    reader.resume(&partition).await.unwrap();
}

async fn received(reader: &mut Reader) -> Result<Received, ReaderError> {
    let received = timeout(Duration::from_secs(60), reader.recv()).await;
    received.expect("a word within a minute")
}

fn moved(from: i64, to: i64) -> Event {
    Event::OutOfRange {
        partition: TopicPartition::new("t", 0),
        from,
        to,
    }
}

async fn assert_moved(reader: &mut Reader, from: i64, to: i64) {
    match received(reader).await {
        Ok(Received::Event(event)) => assert_eq!(event, moved(from, to)),
        other => panic!("not told of {from} to {to}: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn s24_each_policy_goes_on_at_its_offset_from_both_sides_and_says_so_each_time() {
    for (policy, to) in [(OutOfRange::Earliest, 10), (OutOfRange::Latest, 20)] {
        let kafka = kafka().await;
        ten_to_twenty(&kafka);
        let start = StartOffset::At(5);
        let reader = builder(&kafka).topic("t").out_of_range(policy);
        let mut reader = reader.start_offset(start).build().unwrap();
        assert_moved(&mut reader, 5, to).await;
        for from in [50, 0, 9, 21] {
            kafka.clear_requests();
            reader.set_offset(from).await.unwrap();
            assert_moved(&mut reader, from, to).await;
            assert_eq!(kafka.requests_of(ApiKey::LIST_OFFSETS).len(), 1);
        }
        write(&kafka, "t", 0, 1);
        let expected: Vec<i64> = (to..21).collect();
        assert_eq!(offsets(&mut reader, expected.len()).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn s24_with_the_error_policy_both_sides_are_errors_and_nothing_is_looked_up() {
    let kafka = kafka().await;
    ten_to_twenty(&kafka);
    let start = StartOffset::At(5);
    let reader = builder(&kafka).topic("t").out_of_range(OutOfRange::Error);
    let mut reader = reader.start_offset(start).build().unwrap();
    for outside in [5, 50, 0, 21] {
        reader.set_offset(outside).await.unwrap();
        let told = received(&mut reader).await;
        let is_told =
            matches!(told, Err(ReaderError::OffsetOutOfRange { offset, .. }) if offset == outside);
        assert!(is_told, "{outside}: {told:?}");
        assert_silent(&mut reader).await;
    }
    assert_eq!(kafka.requests_of(ApiKey::LIST_OFFSETS).len(), 0);
    reader.set_offset(12).await.unwrap();
    assert_eq!(offsets(&mut reader, 1).await, [12]);
}

#[tokio::test(start_paused = true)]
async fn s24_a_log_start_that_overtakes_the_reader_is_told_each_time() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    for round in 0..5 {
        let position = round * 20;
        let expected: Vec<i64> = (position..position + 10).collect();
        assert_eq!(offsets(&mut reader, 10).await, expected);
        overtake(&kafka, &mut reader, position + 20).await;
        assert_moved(&mut reader, position + 10, position + 20).await;
    }
}

#[tokio::test(start_paused = true)]
async fn s24_what_a_follower_says_is_asked_of_the_leader_before_the_policy_counts() {
    let kafka = kafka_with(3, |builder| builder.racks(["a", "b", "c"])).await;
    kafka.create_topic_on("t", &[vec![1, 2, 3]]).unwrap();
    write(&kafka, "t", 0, 10);
    let mut reader = builder(&kafka).topic("t").rack("b").build().unwrap();
    offsets(&mut reader, 10).await;
    // The follower alone is wrong: nothing moves.
    let refused = kafka.on_next(ApiKey::FETCH).node(2);
    drop(refused.error(ErrorCode::OFFSET_OUT_OF_RANGE));
    write(&kafka, "t", 0, 10);
    let expected: Vec<i64> = (10..20).collect();
    assert_eq!(offsets(&mut reader, 10).await, expected);
    // Both say so: the policy counts once.
    overtake(&kafka, &mut reader, 30).await;
    assert_moved(&mut reader, 20, 30).await;
    assert_eq!(offsets(&mut reader, 1).await, [30]);
}

#[tokio::test(start_paused = true)]
async fn s24_above_the_end_with_epochs_the_log_is_checked_before_the_policy_counts() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    offsets(&mut reader, 10).await;
    kafka.clear_requests();
    let refused = kafka.on_next(ApiKey::FETCH);
    drop(refused.error(ErrorCode::OFFSET_OUT_OF_RANGE));
    // The fetch under way ends.
    write(&kafka, "t", 0, 1);
    let first = received(&mut reader).await.unwrap();
    let mut told = first;
    while let Received::Message(_) = told {
        told = received(&mut reader).await.unwrap();
    }
    assert!(matches!(told, Received::Event(Event::OutOfRange { .. })));
    let asked = kafka.requests().into_iter().map(|request| request.api);
    let asked: Vec<ApiKey> = asked
        .filter(|api| ![ApiKey::FETCH, ApiKey::METADATA].contains(api))
        .collect();
    let order = [ApiKey::OFFSET_FOR_LEADER_EPOCH, ApiKey::LIST_OFFSETS];
    assert_eq!(asked, order);
}

#[tokio::test(start_paused = true)]
async fn s24_a_broker_that_refuses_every_position_is_asked_at_the_backoffs_rate() {
    let kafka = kafka().await;
    ten_to_twenty(&kafka);
    let refused = kafka.on_next(ApiKey::FETCH);
    drop(
        refused
            .error(ErrorCode::OFFSET_OUT_OF_RANGE)
            .times(usize::MAX),
    );
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while let Ok(told) = tokio::time::timeout_at(until, reader.recv()).await {
        let told = told.unwrap();
        let Received::Event(event) = told else {
            panic!("{told:?}");
        };
        assert_eq!(event, moved(10, 10));
    }
    // 100, 200, 400 and 800 ms, and a second each time from then on.
    let steps = 4 + 59;
    let lookups = kafka.requests_of(ApiKey::LIST_OFFSETS).len();
    assert!((steps / 2..=2 * steps).contains(&lookups), "{lookups}");
    let fetches = kafka.requests_of(ApiKey::FETCH).len();
    assert!(fetches <= 2 * steps, "{fetches}");
    // What succeeds ends the row.
    kafka.clear_faults();
    assert_eq!(offsets(&mut reader, 10).await.first(), Some(&10));
}

#[tokio::test(start_paused = true)]
async fn moves_that_nobody_takes_do_not_pile_up() {
    for has_stream in [false, true] {
        let kafka = kafka().await;
        ten_to_twenty(&kafka);
        let refused = kafka.on_next(ApiKey::FETCH);
        drop(
            refused
                .error(ErrorCode::OFFSET_OUT_OF_RANGE)
                .times(usize::MAX),
        );
        let start = StartOffset::At(3);
        let mut reader = builder(&kafka)
            .topic("t")
            .start_offset(start)
            .build()
            .unwrap();
        let handle = reader.handle();
        let asleep = Duration::from_secs(600);
        let mut events = Vec::new();
        if has_stream {
            let mut streams = reader.into_partitions();
            let mut stream = streams.next().await.unwrap().unwrap();
            tokio::time::sleep(asleep).await;
            let settles = Duration::from_secs(5);
            kafka.clear_faults();
            tokio::time::sleep(settles).await;
            loop {
                match stream.recv().await.unwrap() {
                    Received::Event(event) => events.push(event),
                    Received::Message(message) => break assert_eq!(message.offset(), 10),
                }
            }
        } else {
            tokio::time::sleep(asleep).await;
            let settles = Duration::from_secs(5);
            kafka.clear_faults();
            tokio::time::sleep(settles).await;
            loop {
                match received(&mut reader).await.unwrap() {
                    Received::Event(event) => events.push(event),
                    Received::Message(message) => break assert_eq!(message.offset(), 10),
                }
            }
        }
        assert_eq!(events, [moved(3, 10)], "with a stream: {has_stream}");
        let superseded = handle.stats().superseded;
        assert!((500..700).contains(&superseded), "{superseded}");
        assert_eq!(
            handle.stats().superseded,
            0,
            "counted from snapshot to snapshot"
        );
    }
}
