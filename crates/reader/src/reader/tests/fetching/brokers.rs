//! Brokers that are slow, silent or hasty, and topics that are not what they were.

use std::time::Duration;

use ekafka_protocol::messages::FetchRequest;
use ekafka_protocol::{ApiKey, ErrorCode, VersionRange};
use ekafka_testkit::{Builder, EmbeddedKafka};
use tokio::time::{Instant, timeout};

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
    let quiet = timeout(Duration::from_secs(60), reader.fetch_message()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    let fetches = kafka.requests_of(ApiKey::FETCH).len();
    assert!(fetches <= 140, "{fetches} fetches in a minute");
}

#[tokio::test(start_paused = true)]
async fn s35_a_topic_made_again_is_read_from_the_policys_start_and_told() {
    for has_ids in [true, false] {
        for was_seen_missing in [true, false] {
            for policy in [OutOfRange::Earliest, OutOfRange::Latest, OutOfRange::Error] {
                read_made_again(has_ids, was_seen_missing, policy).await;
            }
        }
    }
}

/// Reads a topic to its end, and then a smaller one of the same name.
async fn read_made_again(has_ids: bool, was_seen_missing: bool, policy: OutOfRange) {
    let case = format!("ids {has_ids}, seen missing {was_seen_missing}, {policy:?}");
    let kafka = if has_ids {
        kafka().await
    } else {
        let first_with_ids = [(ApiKey::METADATA, 10), (ApiKey::FETCH, 13)];
        let limited = |builder, (api, first): (ApiKey, i16)| {
            let builder: Builder = builder;
            builder.limit_api(api, VersionRange::new(4, first - 1))
        };
        kafka_with(1, |builder| {
            first_with_ids.into_iter().fold(builder, limited)
        })
        .await
    };
    kafka.create_topic("t", 1).unwrap();
    if was_seen_missing {
        // The new topic's epochs begin anew; where the old one is never missed, only an id tells them apart.
        kafka.move_leader("t", 0, 1).unwrap();
    }
    write(&kafka, "t", 0, 30);
    let reader = builder(&kafka).topic("t").out_of_range(policy);
    let mut reader = reader.max_attempts(1_000).build().unwrap();
    offsets(&mut reader, 30).await;
    kafka.delete_topic("t").unwrap();
    if was_seen_missing {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let partition = TopicPartition::new("t", 0);
    let patience = Duration::from_secs(10);
    let told = timeout(patience, reader.recv()).await;
    let told = told.unwrap_or_else(|_| panic!("{case}: silent"));
    let (from, to) = match policy {
        OutOfRange::Earliest => (30, 0),
        OutOfRange::Latest => (30, 5),
        OutOfRange::Error => {
            let is_told = matches!(told, Err(ReaderError::OffsetOutOfRange { offset: 30, .. }));
            assert!(is_told, "{case}: {told:?}");
            reader.set_offset(StartOffset::First).await.unwrap();
            assert_eq!(offsets(&mut reader, 5).await, [0, 1, 2, 3, 4], "{case}");
            return;
        }
    };
    let Ok(Received::Event(event)) = told else {
        panic!("{case}: {told:?}");
    };
    let expected = Event::OutOfRange {
        partition,
        from,
        to,
    };
    assert_eq!(event, expected, "{case}");
    write(&kafka, "t", 0, 1);
    let expected: Vec<i64> = (to..6).collect();
    assert_eq!(
        offsets(&mut reader, expected.len()).await,
        expected,
        "{case}"
    );
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
    let batch = timeout(patience, by_batch.next_batch()).await;
    assert_eq!(batch.unwrap().unwrap().next_offset(), 10);
    let mut by_message = reader();
    assert_eq!(offsets(&mut by_message, 3).await, [0, 1, 2]);
    let partition = [TopicPartition::new("t", 0)];
    by_message.pause(&partition).await.unwrap();
    by_message.resume(&partition).await.unwrap();
    assert_eq!(offsets(&mut by_message, 1).await, [3]);
}

#[tokio::test(start_paused = true)]
async fn a_partition_without_a_leader_is_looked_for_at_a_pace_while_others_are_read() {
    let kafka = kafka_of(2).await;
    kafka.create_topic_on("t", &[vec![1], vec![2]]).unwrap();
    write(&kafka, "t", 0, 3);
    write(&kafka, "t", 1, 3);
    kafka.stop_node(2).await;
    let reader = builder(&kafka).topic("t").partitions(0..2);
    let mut reader = reader.max_attempts(1_000).build().unwrap();
    assert_eq!(offsets(&mut reader, 3).await, [0, 1, 2]);
    kafka.clear_requests();
    let quiet = timeout(Duration::from_secs(20), reader.fetch_message()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    let asked = kafka.requests_of(ApiKey::METADATA).len();
    assert!((10..=40).contains(&asked), "asked {asked} times in 20 s");
    kafka.start_node(2).await.unwrap();
    let back = Instant::now();
    assert_eq!(offsets(&mut reader, 3).await, [0, 1, 2]);
    assert!(back.elapsed() < Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_does_not_exist_is_told_and_read_once_it_does() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    let reader = builder(&kafka).topic("t").partitions([0, 2]);
    let mut reader = reader.build().unwrap();
    assert_eq!(offsets(&mut reader, 1).await, [0]);
    let told = timeout(Duration::from_secs(60), reader.fetch_message()).await;
    let error = told.expect("a word within a minute").unwrap_err();
    let ReaderError::Kafka { subject, code, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(&**subject, "t[2]");
    assert_eq!(*code, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    kafka.add_partitions("t", 3).unwrap();
    write(&kafka, "t", 2, 1);
    while reader.fetch_message().await.is_err() {}
}

#[tokio::test(start_paused = true)]
async fn s32_a_broker_that_repeats_what_was_read_is_not_asked_in_a_loop() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let old = kafka.log("t", 0).unwrap();
    write(&kafka, "t", 0, 1);
    let repeating = kafka
        .on_next(ApiKey::FETCH)
        .edit::<FetchRequest>(move |answer| {
            for topic in &mut answer.responses {
                for partition in &mut topic.partitions {
                    partition.records = Some(old.clone());
                }
            }
        });
    drop(repeating.times(usize::MAX));
    let reader = builder(&kafka).topic("t").start_offset(StartOffset::At(5));
    let mut reader = reader.build().unwrap();
    let quiet = timeout(Duration::from_secs(60), reader.fetch_message()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    let fetches = kafka.requests_of(ApiKey::FETCH).len();
    assert!(fetches <= 200, "{fetches} fetches in a minute");
    kafka.clear_faults();
    assert_eq!(offsets(&mut reader, 1).await, [5]);
}
