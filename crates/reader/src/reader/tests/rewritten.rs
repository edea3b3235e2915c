//! Logs that do not hold any more what a group committed in them: the offsets committed next are those of the new log.

use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};

use super::group::{event, names};
use super::setup::*;
use crate::StartOffset;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::{Reader, Received};
use crate::reset::OutOfRange;

/// The next message, past events.
async fn message(reader: &mut Reader) -> ekafka_conn::Message {
    loop {
        let received = tokio::time::timeout(Duration::from_secs(60), reader.recv()).await;
        if let Received::Message(message) = received.expect("an item").unwrap() {
            return message;
        }
    }
}

async fn read(reader: &mut Reader) -> ekafka_conn::Message {
    let read = tokio::time::timeout(Duration::from_secs(60), reader.read_message()).await;
    read.expect("a message").unwrap()
}

#[tokio::test(start_paused = true)]
async fn s35_a_topic_made_again_is_committed_from_its_beginning() {
    for interval in [None, Some(Duration::from_secs(1))] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 10);
        let mut group = builder(&kafka).topic("t").group_id("g");
        if let Some(interval) = interval {
            group = group.commit_interval(interval);
        }
        let mut reader = group.build().unwrap();
        for _ in 0..10 {
            read(&mut reader).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(kafka.committed("g", "t", 0), Some(10));
        kafka.delete_topic("t").unwrap();
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 3);
        for offset in 0..3 {
            assert_eq!(read(&mut reader).await.offset(), offset);
        }
        reader.close().await.unwrap();
        assert_eq!(kafka.committed("g", "t", 0), Some(3), "{interval:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s25_after_a_truncation_what_is_read_again_is_committed() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    write(&kafka, "t", 0, 10);
    let member = || builder(&kafka).topic("t").group_id("g").build().unwrap();
    let mut reader = member();
    for _ in 0..20 {
        read(&mut reader).await;
    }
    kafka.truncate("t", 0, 10).unwrap();
    write(&kafka, "t", 0, 3);
    for offset in 10..12 {
        let message = message(&mut reader).await;
        assert_eq!(message.offset(), offset);
        reader.commit_messages(&[message]).await.unwrap();
        assert_eq!(kafka.committed("g", "t", 0), Some(offset + 1));
    }
    drop(reader);
    // Were 20 committed still, the records that follow would be skipped.
    write(&kafka, "t", 0, 20);
    let mut next = member();
    assert_eq!(message(&mut next).await.offset(), 12);
}

#[tokio::test(start_paused = true)]
async fn s25_a_member_that_begins_beyond_the_end_commits_where_it_goes_on() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    write(&kafka, "t", 0, 10);
    let member = || builder(&kafka).topic("t").group_id("g").build().unwrap();
    let mut first = member();
    for _ in 0..20 {
        read(&mut first).await;
    }
    first.close().await.unwrap();
    kafka.truncate("t", 0, 10).unwrap();
    write(&kafka, "t", 0, 3);
    let mut second = member();
    let next = message(&mut second).await;
    assert_eq!(next.offset(), 10);
    second.commit_messages(&[next]).await.unwrap();
    assert_eq!(kafka.committed("g", "t", 0), Some(11));
}

#[tokio::test(start_paused = true)]
async fn s35_under_the_error_policy_the_seek_that_follows_begins_anew() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut reader = group.out_of_range(OutOfRange::Error).build().unwrap();
    for _ in 0..10 {
        read(&mut reader).await;
    }
    kafka.delete_topic("t").unwrap();
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let error = loop {
        let waited = tokio::time::timeout(Duration::from_secs(600), reader.recv()).await;
        if let Err(error @ ReaderError::OffsetOutOfRange { .. }) = waited.expect("an error") {
            break error;
        }
    };
    assert!(!error.is_fatal(), "{error}");
    let first = StartOffset::First;
    reader.seek(&names(&[0])[0], first).await.unwrap();
    for offset in 0..3 {
        let message = message(&mut reader).await;
        assert_eq!(message.offset(), offset);
        reader.commit_messages(&[message]).await.unwrap();
        assert_eq!(kafka.committed("g", "t", 0), Some(offset + 1));
    }
}

#[tokio::test(start_paused = true)]
async fn s35_a_seek_before_anybody_noticed_begins_anew_too() {
    for start in [StartOffset::First, StartOffset::At(0)] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 10);
        let group = builder(&kafka).topic("t").group_id("g");
        let mut reader = group.build().unwrap();
        for _ in 0..10 {
            read(&mut reader).await;
        }
        // While it is paused, nothing is asked of the topic.
        let all = names(&[0]);
        reader.pause(&all).await.unwrap();
        kafka.delete_topic("t").unwrap();
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 3);
        reader.seek(&all[0], start).await.unwrap();
        reader.resume(&all).await.unwrap();
        for offset in 0..3 {
            let message = message(&mut reader).await;
            assert_eq!(message.offset(), offset);
            reader.commit_messages(&[message]).await.unwrap();
            assert_eq!(kafka.committed("g", "t", 0), Some(offset + 1), "{start:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s25_the_stream_of_a_partition_goes_on_in_the_log_that_was_cut() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    write(&kafka, "t", 0, 10);
    let reader = builder(&kafka).topic("t").group_id("g").build().unwrap();
    let mut streams = reader.into_partitions();
    let mut stream = streams.next().await.unwrap().unwrap();
    let mut old = Vec::new();
    for _ in 0..20 {
        old.extend(stream.next().await);
    }
    stream.commit_messages(&old).await.unwrap();
    kafka.truncate("t", 0, 10).unwrap();
    write(&kafka, "t", 0, 3);
    for offset in 10..13 {
        let next = tokio::time::timeout(Duration::from_secs(60), stream.next()).await;
        let message = next.expect("a message").unwrap();
        assert_eq!(message.offset(), offset);
        // Those before the cut say nothing of those behind it.
        stream.commit_messages(&old).await.unwrap();
        stream.commit_messages(&[message]).await.unwrap();
        assert_eq!(kafka.committed("g", "t", 0), Some(offset + 1));
    }
    // The loss of the partition is one of the old messages too.
    kafka
        .on_next(ApiKey::HEARTBEAT)
        .error(ErrorCode::UNKNOWN_MEMBER_ID);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let refused = stream.commit_messages(&old).await.unwrap_err();
    assert!(
        matches!(refused, ReaderError::NotAssigned { .. }),
        "{refused}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_seek_back_leaves_the_committed_offset_where_it_is() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 10);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut reader = group.build().unwrap();
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    for _ in 0..10 {
        read(&mut reader).await;
    }
    reader
        .seek(&names(&[0])[0], StartOffset::At(2))
        .await
        .unwrap();
    let again = fetch(&mut reader).await;
    assert_eq!(again.offset(), 2);
    reader.commit_messages(&[again]).await.unwrap();
    assert_eq!(kafka.committed("g", "t", 0), Some(10));
}
