//! Brokers that are slow, silent, hasty or throttled, and topics that are not what they were.

use std::time::Duration;

use ekafka_protocol::ApiKey;
use ekafka_protocol::messages::FetchRequest;
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

use super::super::setup::*;
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::Received;
use crate::reset::{OutOfRange, StartOffset};

/// How long it takes to read partitions 0 and 2 to their ends, while `partitions` are assigned.
async fn time_to_read(partitions: &[i32], is_silent: bool) -> Duration {
    let kafka = EmbeddedKafka::builder().nodes(3).in_memory();
    let kafka = kafka.round_trip(Duration::from_millis(2)).start();
    let kafka = kafka.await.unwrap();
    let replicas = vec![vec![1], vec![2], vec![3]];
    kafka.create_topic_on("t", &replicas).unwrap();
    for _ in 0..200 {
        for partition in [0, 2] {
            write(&kafka, "t", partition, 20);
        }
    }
    if is_silent {
        let fetches = kafka.on_next(ApiKey::FETCH).node(2);
        fetches.silence().times(usize::MAX);
    }
    let reader = builder(&kafka).topic("t").max_bytes(1_000);
    let reader = reader.partitions(partitions.iter().copied());
    let mut reader = reader.build().unwrap();
    offsets(&mut reader, 1).await;
    let begun = Instant::now();
    offsets(&mut reader, 7_999).await;
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn s31_an_idle_or_silent_broker_does_not_slow_the_others_down() {
    let alone = time_to_read(&[0, 2], false).await;
    for is_silent in [false, true] {
        let beside = time_to_read(&[0, 1, 2], is_silent).await;
        let rate = alone.as_secs_f64() / beside.as_secs_f64();
        assert!(rate >= 0.95, "{rate:.3} of the rate alone");
    }
}

#[tokio::test(start_paused = true)]
async fn s32_a_broker_that_answers_at_once_with_nothing_is_not_asked_in_a_loop() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    kafka
        .on_next(ApiKey::FETCH)
        .edit::<FetchRequest>(|answer| {
            for topic in &mut answer.responses {
                for partition in &mut topic.partitions {
                    partition.records = None;
                }
            }
        })
        .times(usize::MAX);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    let quiet = tokio::time::timeout(Duration::from_secs(60), reader.fetch_message()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    let fetches = kafka.requests_of(ApiKey::FETCH).len();
    assert!(fetches <= 140, "{fetches} fetches in a minute");
}

#[tokio::test(start_paused = true)]
async fn s30_a_throttled_fetch_is_followed_by_its_pause_and_by_no_new_connection() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    offsets(&mut reader, 5).await;
    let connections = kafka.accepted_connections();
    let pause = Duration::from_secs(3);
    kafka
        .on_next(ApiKey::FETCH)
        .edit::<FetchRequest>(move |answer| {
            answer.throttle_time_ms = i32::try_from(pause.as_millis()).unwrap();
        })
        .times(3);
    kafka.clear_requests();
    for offset in 5..9 {
        write(&kafka, "t", 0, 1);
        assert_eq!(offsets(&mut reader, 1).await, [offset]);
    }
    let fetches = kafka.requests_of(ApiKey::FETCH);
    for two in fetches.windows(2).take(2) {
        assert!(
            two[1].at - two[0].at >= pause,
            "{:?}",
            two[1].at - two[0].at
        );
    }
    assert_eq!(kafka.accepted_connections(), connections);
}

#[tokio::test(start_paused = true)]
async fn s35_a_topic_made_again_is_read_from_the_policys_start_and_told() {
    for policy in [OutOfRange::Earliest, OutOfRange::Error] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 30);
        let reader = builder(&kafka).topic("t").out_of_range(policy);
        let mut reader = reader.max_attempts(1_000).build().unwrap();
        offsets(&mut reader, 30).await;
        kafka.delete_topic("t").unwrap();
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 5);
        let partition = TopicPartition::new("t", 0);
        let patience = Duration::from_secs(120);
        let told = tokio::time::timeout(patience, reader.recv()).await.unwrap();
        if policy == OutOfRange::Error {
            let is_told = matches!(told, Err(ReaderError::OffsetOutOfRange { offset: 30, .. }));
            assert!(is_told, "{told:?}");
            reader.set_offset(StartOffset::First).await.unwrap();
        } else {
            let (from, to) = (30, 0);
            let Ok(Received::Event(event)) = told else {
                panic!("{told:?}");
            };
            assert_eq!(
                event,
                Event::OutOfRange {
                    partition,
                    from,
                    to
                }
            );
        }
        assert_eq!(offsets(&mut reader, 5).await, [0, 1, 2, 3, 4]);
    }
}

#[tokio::test(start_paused = true)]
async fn s24_a_position_above_the_end_goes_back_for_messages_and_batches_alike() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    let reader = || {
        let reader = builder(&kafka).topic("t").start_offset(StartOffset::At(50));
        reader.build().unwrap()
    };
    let patience = Duration::from_secs(30);
    let mut by_batch = reader();
    let batch = tokio::time::timeout(patience, by_batch.next_batch()).await;
    assert_eq!(batch.unwrap().unwrap().next_offset(), 10);
    let mut by_message = reader();
    assert_eq!(offsets(&mut by_message, 3).await, [0, 1, 2]);
    let partition = [TopicPartition::new("t", 0)];
    by_message.pause(&partition).await.unwrap();
    by_message.resume(&partition).await.unwrap();
    assert_eq!(offsets(&mut by_message, 1).await, [3]);
}
