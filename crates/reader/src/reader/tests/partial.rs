//! Commits that succeed in part: what is wrong with one partition is no matter of another.

use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;

use super::group::{event, names};
use super::setup::*;
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::{Reader, Received};

/// A member with two partitions of three records each, which may not commit in the second.
async fn member() -> (EmbeddedKafka, Reader) {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    for partition in [0, 1] {
        write(&kafka, "t", partition, 3);
    }
    let code = ErrorCode::TOPIC_AUTHORIZATION_FAILED;
    let refuse = kafka.on_next(ApiKey::OFFSET_COMMIT).error(code);
    drop(refuse.partition("t", 1).times(usize::MAX));
    let group = builder(&kafka).topic("t").group_id("g");
    let mut reader = group.build().unwrap();
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0, 1])));
    (kafka, reader)
}

fn is_about(error: &ReaderError, partition: i32) -> bool {
    let name = TopicPartition::new("t", partition).to_string();
    matches!(error, ReaderError::Kafka { subject, .. } if **subject == *name)
}

#[tokio::test(start_paused = true)]
async fn a_commit_fails_for_the_partitions_of_its_messages_alone() {
    let (kafka, mut reader) = member().await;
    for _ in 0..6 {
        let message = fetch(&mut reader).await;
        let (partition, next) = (message.partition(), message.offset() + 1);
        let committed = reader.commit_messages(&[message]).await;
        if partition == 0 {
            committed.unwrap();
            assert_eq!(kafka.committed("g", "t", 0), Some(next));
        } else {
            let error = committed.unwrap_err();
            assert!(is_about(&error, 1), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn batches_are_committed_one_by_one() {
    let (kafka, mut reader) = member().await;
    for _ in 0..2 {
        let batch = reader.next_batch().await.unwrap();
        let committed = reader.commit_batch(&batch).await;
        assert_eq!(
            committed.is_ok(),
            batch.partition().partition == 0,
            "{committed:?}"
        );
    }
    assert_eq!(kafka.committed("g", "t", 0), Some(3));
}

#[tokio::test(start_paused = true)]
async fn reading_goes_on_where_it_can_be_committed() {
    let (kafka, mut reader) = member().await;
    let mut read = 0;
    for _ in 0..8 {
        match reader.read_message().await {
            Ok(message) => {
                assert_eq!(message.partition(), 0);
                read += 1;
            }
            Err(error) => {
                assert!(is_about(&error, 1), "{error}");
                // What cannot be committed stands in the way until it is passed by.
                reader.fetch_message().await.unwrap();
            }
        }
        if read == 3 {
            break;
        }
    }
    assert_eq!(read, 3);
    assert_eq!(kafka.committed("g", "t", 0), Some(3));
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_lost_partition_keep_no_others_from_being_committed() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut reader = group.build().unwrap();
    let old = fetch(&mut reader).await;
    kafka
        .on_next(ApiKey::HEARTBEAT)
        .error(ErrorCode::UNKNOWN_MEMBER_ID);
    loop {
        let received = tokio::time::timeout(Duration::from_secs(60), reader.recv()).await;
        if let Received::Event(Event::Lost(_)) = received.expect("a loss").unwrap() {
            break;
        }
    }
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    let new = fetch(&mut reader).await;
    for order in [[old.clone(), new.clone()], [new, old]] {
        let refused = reader.commit_messages(&order).await.unwrap_err();
        assert!(
            matches!(refused, ReaderError::NotAssigned { .. }),
            "{refused}"
        );
        assert_eq!(kafka.committed("g", "t", 0), Some(1));
    }
}
