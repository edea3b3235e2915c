//! Single promises of the guides: positions, reconnecting, settings.

use std::time::Duration;

use ekafka_conn::{ConnConfig, dial_fn};
use ekafka_protocol::ApiKey;
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

use super::group::event;
use super::setup::*;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::Reader;
use crate::reset::{OutOfRange, StartOffset};

#[tokio::test(start_paused = true)]
async fn t43_s1_36_a_reader_that_waits_can_be_told_to_stop_at_once() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    for group in [false, true] {
        let mut builder = builder(&kafka).topic("t");
        if group {
            builder = builder.group_id("g");
        }
        let mut reader = builder.build().unwrap();
        for patience in [0, 1, 40, 3_000] {
            let patience = Duration::from_millis(patience);
            let begun = Instant::now();
            let early = tokio::time::timeout(patience, reader.fetch_message()).await;
            assert!(early.is_err(), "{early:?}");
            // The runtime's clock counts in milliseconds.
            assert!(begun.elapsed() <= patience + Duration::from_millis(1));
        }
        reader.close().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn t50_a_position_out_of_range_is_told_and_then_waits_until_the_caller_gives_up() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    let reader = builder(&kafka).topic("t").out_of_range(OutOfRange::Error);
    let mut reader = reader.build().unwrap();
    reader.set_offset(50).await.unwrap();
    let error = reader.fetch_message().await.unwrap_err();
    assert!(
        matches!(error, ReaderError::OffsetOutOfRange { offset: 50, .. }),
        "{error}"
    );
    let patience = Duration::from_secs(20);
    let begun = Instant::now();
    let early = tokio::time::timeout(patience, reader.fetch_message()).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(begun.elapsed(), patience);
}

#[tokio::test(start_paused = true)]
async fn t60_without_a_group_last_begins_at_the_end() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 7);
    let reader = builder(&kafka).topic("t").start_offset(StartOffset::Last);
    let mut reader = reader.build().unwrap();
    let early = tokio::time::timeout(Duration::from_secs(3), reader.fetch_message()).await;
    assert!(early.is_err(), "{early:?}");
    write(&kafka, "t", 0, 2);
    assert_eq!(offsets(&mut reader, 2).await, [7, 8]);
}

#[tokio::test(start_paused = true)]
async fn t55_topics_named_twice_by_one_member_or_by_several_are_divided_once() {
    let kafka = kafka().await;
    for topic in ["a", "b", "c"] {
        kafka.create_topic(topic, 2).unwrap();
        for partition in 0..2 {
            write(&kafka, topic, partition, 1);
        }
    }
    let group = builder(&kafka).group_id("g");
    let first = group.clone().topics(["b", "a", "b", "a"]);
    let mut first = first.build().unwrap();
    assert_eq!(first.config().topics, ["a", "b"]);
    let mut second = group.topics(["c", "b"]).build().unwrap();
    let assigned = async |reader: &mut Reader, until: usize| {
        loop {
            if let Event::Assigned(partitions) = event(reader).await
                && partitions.len() == until
            {
                let names = partitions.iter().map(ToString::to_string);
                return names.collect::<Vec<_>>();
            }
        }
    };
    assert_eq!(
        assigned(&mut first, 4).await,
        ["a[0]", "a[1]", "b[0]", "b[1]"]
    );
    let (first, second) = tokio::join!(assigned(&mut first, 3), assigned(&mut second, 3));
    let mut all = [first, second].concat();
    all.sort();
    assert_eq!(all, ["a[0]", "a[1]", "b[0]", "b[1]", "c[0]", "c[1]"]);
}

#[tokio::test(start_paused = true)]
async fn s1_34_s1_35_s3_28_connections_lost_in_the_middle_cost_neither_loss_nor_duplicates() {
    let kafka = kafka_of(3).await;
    kafka.create_topic("t", 1).unwrap();
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    let mut next = 0;
    for round in 0..12_usize {
        match round % 4 {
            0 => kafka.drop_connections().await.unwrap(),
            1 => drop(kafka.on_next(ApiKey::FETCH).drop_after()),
            // In the middle of an answer, with records in it.
            2 => drop(kafka.on_next(ApiKey::FETCH).cut(90)),
            _ => drop(kafka.on_next(ApiKey::FETCH).drop_before().times(2)),
        }
        write(&kafka, "t", 0, 5);
        let expected: Vec<i64> = (next..next + 5).collect();
        assert_eq!(offsets(&mut reader, 5).await, expected, "round {round}");
        next += 5;
        assert_eq!(reader.offset(), Some(next), "the reader keeps its position");
    }
    assert!(reader.stats().dials > 6, "it did connect again");
    let early = tokio::time::timeout(Duration::from_secs(5), reader.fetch_message()).await;
    assert!(early.is_err(), "{early:?}");
}

#[tokio::test(start_paused = true)]
async fn s1_38_three_brokers_are_enough_to_name_even_if_two_are_gone() {
    let kafka = EmbeddedKafka::builder().nodes(3).in_memory();
    let kafka = kafka.start().await.unwrap();
    kafka.create_topic_on("topic-A", &[vec![3]]).unwrap();
    write(&kafka, "topic-A", 0, 2);
    let addresses = kafka.addresses();
    assert_eq!(addresses.len(), 3);
    kafka.stop_node(1).await;
    kafka.stop_node(2).await;
    let connector = kafka.connector();
    let dial = dial_fn(move |host, port| connector.connect(host, port));
    let reader = Reader::builder()
        .brokers(addresses)
        .connection(ConnConfig::default().dial_fn(dial))
        .topic("topic-A")
        .partition(0)
        .max_bytes(10_000_000);
    let mut reader = reader.build().unwrap();
    let config = reader.config();
    assert_eq!(
        (config.topics, config.partitions),
        (vec!["topic-A".to_owned()], vec![0])
    );
    assert_eq!(config.max_bytes, 10_000_000);
    assert_eq!(offsets(&mut reader, 2).await, [0, 1]);
}

#[tokio::test(start_paused = true)]
async fn s3_34_statistics_tell_the_settings_as_the_documents_show_them() {
    let kafka = kafka().await;
    kafka.create_topic("test", 1).unwrap();
    write(&kafka, "test", 0, 3);
    let connector = kafka.connector();
    let dial = dial_fn(move |host, port| connector.connect(host, port));
    let builder = Reader::builder()
        .brokers([kafka.bootstrap()])
        .connection(ConnConfig::default().client_id("").dial_fn(dial))
        .topic("test")
        .group_id("consumer-group-id")
        .max_bytes(10_000_000)
        .max_wait(Duration::from_secs(10))
        .queue_capacity(1);
    let mut reader = builder.build().unwrap();
    let message = fetch(&mut reader).await;
    let json = serde_json::to_value(reader.stats()).unwrap();
    for (key, value) in [
        ("Dials", 1_i64),
        ("Fetches", 1),
        ("Rebalances", 1),
        ("Timeouts", 0),
        ("Errors", 0),
        ("MinBytes", 1),
        ("MaxBytes", 10_000_000),
        ("MaxWait", 10_000_000_000),
        ("QueueCapacity", 1),
        ("DeprecatedFetchesWithTypo", 1),
        ("Offset", message.offset() + 1),
        ("Lag", message.high_water_mark() - message.offset() - 1),
    ] {
        assert_eq!(json[key], value, "{key} of {json}");
    }
    for (key, value) in [("ClientID", ""), ("Topic", "test"), ("Partition", "-1")] {
        assert_eq!(json[key], value, "{key} of {json}");
    }
}
