//! New positions while a fetch waits at the broker.

use std::time::Duration;

use ekafka_protocol::ApiKey;
use ekafka_protocol::messages::FetchRequest;
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

use super::super::setup::*;
use crate::TopicPartition;
use crate::reader::Reader;

/// A reader that has read everything and whose fetch waits at the broker, for ten seconds.
async fn waiting(kafka: &EmbeddedKafka) -> Reader {
    kafka.create_topic("t", 2).unwrap();
    write(kafka, "t", 0, 10);
    let reader = builder(kafka).topic("t").partitions([0, 1]);
    let mut reader = reader.max_wait(Duration::from_secs(10)).build().unwrap();
    offsets(&mut reader, 10).await;
    let quiet = tokio::time::timeout(Duration::from_secs(1), reader.fetch_message()).await;
    assert!(quiet.is_err());
    reader
}

#[tokio::test(start_paused = true)]
async fn s29_a_seek_does_not_wait_for_the_fetch_under_way() {
    let kafka = kafka().await;
    let mut reader = waiting(&kafka).await;
    for offset in [3, 7, 0, 9, 4] {
        let begun = Instant::now();
        reader.set_offset(offset).await.unwrap();
        assert_eq!(offsets(&mut reader, 1).await, [offset]);
        let took = begun.elapsed();
        assert!(took <= Duration::from_millis(100), "{took:?} for {offset}");
    }
    assert_eq!(kafka.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn s29_seeks_far_apart_each_take_a_moment_and_keep_the_session() {
    let kafka = EmbeddedKafka::builder().nodes(1).in_memory().strict();
    let kafka = kafka.keep_bodies(true).start().await.unwrap();
    let mut reader = waiting(&kafka).await;
    let partition = TopicPartition::new("t", 0);
    for round in 0..20 {
        let begun = Instant::now();
        reader.seek(&partition, round % 10).await.unwrap();
        offsets(&mut reader, usize::try_from(10 - round % 10).unwrap()).await;
        let took = begun.elapsed();
        assert!(took <= Duration::from_millis(100), "{took:?}");
        tokio::time::sleep(Duration::from_millis(u64::try_from(round).unwrap() * 1_300)).await;
    }
    let fetches = kafka.requests_of(ApiKey::FETCH);
    let decoded = fetches.iter().map(|fetch| fetch.decode::<FetchRequest>());
    let opening = decoded.filter(|fetch| fetch.as_ref().unwrap().session_epoch == 0);
    assert_eq!(opening.count(), 1, "one session for all fetches");
}

#[tokio::test(start_paused = true)]
async fn s29_a_partition_that_resumes_does_not_wait_for_the_fetch_under_way() {
    let kafka = kafka().await;
    let mut reader = waiting(&kafka).await;
    let partition = [TopicPartition::new("t", 1)];
    reader.pause(&partition).await.unwrap();
    write(&kafka, "t", 1, 3);
    let quiet = tokio::time::timeout(Duration::from_secs(15), reader.fetch_message()).await;
    assert!(quiet.is_err());
    let begun = Instant::now();
    reader.resume(&partition).await.unwrap();
    assert_eq!(offsets(&mut reader, 3).await, [0, 1, 2]);
    assert!(begun.elapsed() <= Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn what_the_given_up_fetch_brings_is_not_handed_out() {
    let kafka = kafka().await;
    let mut reader = waiting(&kafka).await;
    reader.set_offset(5).await.unwrap();
    write(&kafka, "t", 0, 2);
    // The fetch under way asked for offset 10 and brings it now.
    assert_eq!(offsets(&mut reader, 7).await, [5, 6, 7, 8, 9, 10, 11]);
    let quiet = tokio::time::timeout(Duration::from_secs(30), reader.fetch_message()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}
