//! Reading partitions without a group.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ekafka_protocol::compression::Codec;
use ekafka_protocol::{ApiKey, ErrorCode};

use super::setup::*;
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::{Reader, Received};
use crate::reset::{OutOfRange, StartOffset};

#[tokio::test(start_paused = true)]
async fn t44_all_messages_arrive_in_order() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    for _ in 0..10 {
        write(&kafka, "t", 0, 100);
    }
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    let expected: Vec<i64> = (0..1000).collect();
    assert_eq!(offsets(&mut reader, 1000).await, expected);
    assert_eq!(reader.offset(), Some(1000));
    assert_eq!(reader.lag(), Some(0));
    reader.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn t45_first_begins_with_what_is_there_and_last_waits_for_the_next() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 4);
    let mut first = builder(&kafka).topic("t").build().unwrap();
    assert_eq!(first.lag(), Some(0));
    assert_eq!(offsets(&mut first, 1).await, [0]);
    assert_eq!(first.offset(), Some(1));
    assert_eq!(first.lag(), Some(3));
    let last = builder(&kafka).topic("t").start_offset(StartOffset::Last);
    let mut last = last.build().unwrap();
    assert_silent(&mut last).await;
    write(&kafka, "t", 0, 1);
    assert_eq!(offsets(&mut last, 1).await, [4]);
    assert_eq!(last.offset(), Some(5));
}

#[tokio::test(start_paused = true)]
async fn t46_t61_a_set_offset_delivers_nothing_stale() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    for round in 0..20 {
        let offset = (round * 7) % 10;
        reader.set_offset(offset).await.unwrap();
        assert_eq!(reader.offset(), Some(offset));
        assert_eq!(offsets(&mut reader, 1).await, [offset]);
    }
}

#[tokio::test(start_paused = true)]
async fn t47_a_time_leads_to_its_first_record() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    write(&kafka, "t", 0, 10);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    assert_eq!(offsets(&mut reader, 2).await, [0, 1]);
    let at = |milliseconds| -> SystemTime { UNIX_EPOCH + Duration::from_millis(milliseconds) };
    reader.set_offset_at(at(1_010)).await.unwrap();
    assert_eq!(offsets(&mut reader, 1).await, [10]);
    reader.set_offset_at(at(9_999)).await.unwrap();
    assert_silent(&mut reader).await;
    write(&kafka, "t", 0, 1);
    assert_eq!(offsets(&mut reader, 1).await, [20]);
}

#[tokio::test(start_paused = true)]
async fn t52_messages_of_another_partition_say_so() {
    let kafka = kafka_of(3).await;
    kafka.create_topic("t", 6).unwrap();
    write(&kafka, "t", 4, 3);
    let mut reader = builder(&kafka).topic("t").partition(4).build().unwrap();
    let message = fetch(&mut reader).await;
    assert_eq!((message.topic(), message.partition()), ("t", 4));
    assert_eq!(message.high_water_mark(), 3);
}

#[tokio::test(start_paused = true)]
async fn several_partitions_on_several_brokers_are_read_together() {
    let kafka = kafka_of(3).await;
    kafka.create_topic("t", 6).unwrap();
    for partition in 0..6 {
        write(&kafka, "t", partition, 50);
    }
    let mut reader = builder(&kafka).topic("t").partitions(0..6).build().unwrap();
    let mut next = [0; 6];
    for _ in 0..300 {
        let message = fetch(&mut reader).await;
        let expected = &mut next[usize::try_from(message.partition()).unwrap()];
        assert_eq!(message.offset(), *expected);
        *expected += 1;
    }
    assert_eq!(next, [50; 6]);
}

#[tokio::test(start_paused = true)]
async fn s34_every_codec_is_read() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    for codec in [
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ] {
        write_as(&kafka, "t", 0, 100, codec);
    }
    let mut reader = builder(&kafka).topic("t").start_offset(StartOffset::At(50));
    reader = reader.max_partition_bytes(1000);
    let expected: Vec<i64> = (50..500).collect();
    assert_eq!(offsets(&mut reader.build().unwrap(), 450).await, expected);
}

#[tokio::test(start_paused = true)]
async fn batches_are_borrowed_and_go_on_where_messages_stopped() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    write(&kafka, "t", 0, 10);
    let reader = builder(&kafka).topic("t").start_offset(StartOffset::At(2));
    let mut reader = reader.build().unwrap();
    assert_eq!(offsets(&mut reader, 3).await, [2, 3, 4]);
    let batch = reader.next_batch().await.unwrap();
    let rest: Vec<i64> = batch.iter().map(|record| record.unwrap().offset).collect();
    assert_eq!(rest, [5, 6, 7, 8, 9]);
    assert_eq!(batch.next_offset(), 10);
    assert_eq!(batch.partition(), &TopicPartition::new("t", 0));
    let batch = reader.next_batch().await.unwrap();
    assert_eq!(batch.messages().unwrap().len(), 10);
    assert_eq!(reader.offset(), Some(20));
}

#[tokio::test(start_paused = true)]
async fn s24_out_of_range_below_the_start_follows_the_policy_and_says_so() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    write(&kafka, "t", 0, 10);
    kafka.delete_records("t", 0, 10).unwrap();
    for (policy, to) in [(OutOfRange::Earliest, 10), (OutOfRange::Latest, 20)] {
        let reader = builder(&kafka).topic("t").start_offset(StartOffset::At(5));
        let mut reader = reader.out_of_range(policy).build().unwrap();
        let partition = TopicPartition::new("t", 0);
        let from = 5;
        assert_eq!(
            event(&mut reader).await,
            Event::OutOfRange {
                partition,
                from,
                to
            }
        );
    }
}

#[tokio::test(start_paused = true)]
async fn t51_s24_with_the_error_policy_the_reader_waits_for_a_seek() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    let reader = builder(&kafka).topic("t").start_offset(StartOffset::At(50));
    let mut reader = reader.out_of_range(OutOfRange::Error).build().unwrap();
    let error = reader.fetch_message().await.unwrap_err();
    assert!(
        matches!(error, ReaderError::OffsetOutOfRange { offset: 50, .. }),
        "{error}"
    );
    assert_silent(&mut reader).await;
    reader.set_offset(9).await.unwrap();
    assert_eq!(offsets(&mut reader, 1).await, [9]);
}

#[tokio::test(start_paused = true)]
async fn t62_s26_a_leader_that_moves_costs_neither_loss_nor_duplicates() {
    let kafka = kafka_of(3).await;
    kafka.create_topic_on("t", &[vec![1, 2, 3]]).unwrap();
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    for round in 0..6 {
        write(&kafka, "t", 0, 10);
        let expected: Vec<i64> = (round * 10..round * 10 + 10).collect();
        assert_eq!(offsets(&mut reader, 10).await, expected);
        let to = i32::try_from(round % 3).unwrap() + 1;
        kafka.move_leader("t", 0, to).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn errors_of_a_fetch_are_got_over() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    let mut next = 0;
    for code in [
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::FENCED_LEADER_EPOCH,
        ErrorCode::UNKNOWN_LEADER_EPOCH,
        ErrorCode::KAFKA_STORAGE_ERROR,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode::OFFSET_NOT_AVAILABLE,
        ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
        ErrorCode::INVALID_FETCH_SESSION_EPOCH,
    ] {
        kafka.on_next(ApiKey::FETCH).error(code);
        write(&kafka, "t", 0, 5);
        let expected: Vec<i64> = (next..next + 5).collect();
        assert_eq!(offsets(&mut reader, 5).await, expected, "{code}");
        next += 5;
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_connection_is_made_anew() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    for round in 0..3 {
        kafka.on_next(ApiKey::FETCH).drop_before();
        write(&kafka, "t", 0, 5);
        let expected: Vec<i64> = (round * 5..round * 5 + 5).collect();
        assert_eq!(offsets(&mut reader, 5).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn s23_bytes_damaged_once_are_fetched_again_and_damaged_always_are_reported() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    write(&kafka, "t", 0, 5);
    write(&kafka, "t", 1, 5);
    plant_damaged(&kafka, "t", 0, 5);
    write(&kafka, "t", 0, 5);
    let mut reader = builder(&kafka)
        .topic("t")
        .partitions([0, 1])
        .build()
        .unwrap();
    let mut seen = [0; 2];
    for _ in 0..10 {
        seen[usize::try_from(fetch(&mut reader).await.partition()).unwrap()] += 1;
    }
    assert_eq!(seen, [5, 5]);
    for _ in 0..2 {
        let error = reader.fetch_message().await.unwrap_err();
        assert!(
            matches!(&error, ReaderError::Corrupt { offset: 5, .. }),
            "{error}"
        );
    }
    // The other partition goes on, and a seek gets past the damage.
    write(&kafka, "t", 1, 1);
    let next = loop {
        if let Ok(message) = reader.fetch_message().await {
            break message;
        }
    };
    assert_eq!((next.partition(), next.offset()), (1, 5));
    let damaged = TopicPartition::new("t", 0);
    reader.handle().seek(&damaged, 10).await.unwrap();
    let next = loop {
        if let Ok(message) = reader.fetch_message().await {
            break message;
        }
    };
    assert_eq!((next.partition(), next.offset()), (0, 10));
}

#[tokio::test(start_paused = true)]
async fn s29_a_paused_partition_is_silent_and_resumes_where_it_stopped() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    write(&kafka, "t", 0, 10);
    write(&kafka, "t", 1, 10);
    let mut reader = builder(&kafka)
        .topic("t")
        .partitions([0, 1])
        .build()
        .unwrap();
    let mut next = [0; 2];
    let mut take = async |reader: &mut Reader| {
        let message = fetch(reader).await;
        let partition = usize::try_from(message.partition()).unwrap();
        assert_eq!(message.offset(), next[partition]);
        next[partition] += 1;
        partition
    };
    let paused = take(&mut reader).await;
    let name = [TopicPartition::new("t", i32::try_from(paused).unwrap())];
    reader.handle().pause(&name).await.unwrap();
    for _ in 0..10 {
        assert_ne!(take(&mut reader).await, paused);
    }
    assert_silent(&mut reader).await;
    reader.handle().resume(&name).await.unwrap();
    for _ in 0..9 {
        assert_eq!(take(&mut reader).await, paused);
    }
    let unknown = [TopicPartition::new("t", 7)];
    let refused = reader.handle().pause(&unknown).await;
    assert!(matches!(refused, Err(ReaderError::NotAssigned { .. })));
}

#[tokio::test(start_paused = true)]
async fn t77_a_topic_that_appears_later_is_read() {
    let kafka = kafka().await;
    let mut reader = builder(&kafka)
        .topic("t")
        .max_attempts(u32::MAX)
        .build()
        .unwrap();
    assert_silent_but_for_errors(&mut reader).await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    let message = loop {
        if let Ok(message) = reader.fetch_message().await {
            break message;
        }
    };
    assert_eq!(message.offset(), 0);
}

#[tokio::test(start_paused = true)]
async fn t56_an_unreachable_broker_is_an_error_in_time() {
    let kafka = kafka().await;
    let cluster = cluster(&kafka);
    kafka.stop_node(1).await;
    for group in [false, true] {
        let mut reader = Reader::builder()
            .cluster(cluster.clone())
            .topic("t")
            .max_attempts(1);
        if group {
            reader = reader.group_id("g");
        }
        let mut reader = reader.build().unwrap();
        let error = tokio::time::timeout(Duration::from_secs(60), reader.fetch_message()).await;
        let error = error.expect("an error in time").unwrap_err();
        assert!(matches!(error, ReaderError::Connection { .. }), "{error}");
        let closing = tokio::time::Instant::now();
        reader.close().await.unwrap();
        assert!(
            closing.elapsed() < Duration::from_secs(1),
            "t63: {:?}",
            closing.elapsed()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn s36_a_sleeping_application_is_not_fetched_ahead_of_without_bound() {
    let kafka = kafka().await;
    kafka.create_topic("t", 20).unwrap();
    for partition in 0..20 {
        for _ in 0..20 {
            write(&kafka, "t", partition, 100);
        }
    }
    let reader = builder(&kafka).topic("t").partitions(0..20);
    let reader = reader
        .max_bytes(8_000)
        .max_partition_bytes(4_000)
        .buffer_memory(32_000);
    let mut reader = reader.build().unwrap();
    fetch(&mut reader).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(
        reader.stats().buffered_bytes <= 32_000,
        "{}",
        reader.stats().buffered_bytes
    );
    let fetches = kafka.requests_of(ApiKey::FETCH).len();
    tokio::time::sleep(Duration::from_secs(600)).await;
    let idle = kafka.requests_of(ApiKey::FETCH).len() - fetches;
    assert!(idle <= 1_300, "{idle} fetches in ten idle minutes");
    for _ in 0..39_999 {
        fetch(&mut reader).await;
    }
    assert_silent(&mut reader).await;
}

#[tokio::test(start_paused = true)]
async fn errors_that_a_sleeping_application_does_not_take_do_not_pile_up() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    fetch(&mut reader).await;
    kafka.stop_node(1).await;
    tokio::time::sleep(Duration::from_secs(1_000)).await;
    let happened = reader.stats().errors;
    assert!(happened > 50, "{happened} errors");
    kafka.start_node(1).await.unwrap();
    write(&kafka, "t", 0, 1);
    let mut told = 0;
    while let Err(error) = reader.fetch_message().await {
        assert!(matches!(error, ReaderError::Connection { .. }), "{error}");
        told += 1;
    }
    // One for each step that failed.
    assert!((1..=3).contains(&told), "{told} of {happened} errors");
}

async fn event(reader: &mut Reader) -> Event {
    match reader.recv().await.unwrap() {
        Received::Event(event) => event,
        Received::Message(message) => panic!("{message:?}"),
    }
}

/// Nothing arrives for five seconds.
async fn assert_silent_but_for_errors(reader: &mut Reader) {
    let until = tokio::time::Instant::now() + Duration::from_secs(5);
    while let Ok(received) = tokio::time::timeout_at(until, reader.fetch_message()).await {
        assert!(received.is_err(), "{received:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s33_one_batch_larger_than_every_limit_is_read_if_the_budget_allows() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 2_000);
    write(&kafka, "t", 0, 1);
    let small = builder(&kafka)
        .topic("t")
        .max_bytes(1_000)
        .max_partition_bytes(1_000);
    let expected: Vec<i64> = (0..2_001).collect();
    let mut enough = small.clone().buffer_memory(64_000).build().unwrap();
    assert_eq!(offsets(&mut enough, 2_001).await, expected);
    let mut too_little = small.buffer_memory(20_000).build().unwrap();
    let error = too_little.fetch_message().await.unwrap_err();
    assert!(
        matches!(
            error,
            ReaderError::BatchTooLarge {
                offset: 0,
                limit: 20_000,
                ..
            }
        ),
        "{error}"
    );
    assert_silent(&mut too_little).await;
    too_little.set_offset(2_000).await.unwrap();
    assert_eq!(offsets(&mut too_little, 1).await, [2_000]);
}

#[tokio::test(start_paused = true)]
async fn t43_a_dropped_future_loses_nothing() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    for offset in 0..20 {
        let early = tokio::time::timeout(Duration::from_millis(70), reader.fetch_message()).await;
        assert!(early.is_err());
        write(&kafka, "t", 0, 1);
        assert_eq!(offsets(&mut reader, 1).await, [offset]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_cluster_is_not_asked_after_the_reader_is_dropped() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    fetch(&mut reader).await;
    drop(reader);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let fetches = kafka.requests_of(ApiKey::FETCH).len();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(kafka.requests_of(ApiKey::FETCH).len(), fetches);
    assert_eq!(kafka.open_connections(), 0);
}
