//! Reading as a member of a group.

use std::time::Duration;

use ekafka_protocol::ApiKey;

use super::setup::*;
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::{Reader, Received};

/// The next event; messages on the way are dropped.
async fn event(reader: &mut Reader) -> Event {
    loop {
        let received = tokio::time::timeout(Duration::from_secs(120), reader.recv()).await;
        if let Received::Event(event) = received.expect("an event").unwrap() {
            return event;
        }
    }
}

fn names(partitions: &[i32]) -> Vec<TopicPartition> {
    let names = partitions.iter();
    names
        .map(|partition| TopicPartition::new("t", *partition))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn t68_the_committed_offset_is_where_the_next_member_begins() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut first = group.clone().build().unwrap();
    assert_eq!(event(&mut first).await, Event::Assigned(names(&[0])));
    let messages = [fetch(&mut first).await, fetch(&mut first).await];
    first.commit_messages(&messages[1..]).await.unwrap();
    first.close().await;
    let mut second = group.build().unwrap();
    assert_eq!(offsets(&mut second, 3).await, [2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn t67_read_message_commits_what_it_returned() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut first = group.clone().build().unwrap();
    for offset in 0..3 {
        assert_eq!(first.read_message().await.unwrap().offset(), offset);
    }
    drop(first);
    let mut second = group.build().unwrap();
    assert_eq!(offsets(&mut second, 2).await, [3, 4]);
}

#[tokio::test(start_paused = true)]
async fn t69_t70_interval_commits_go_on_the_tick_and_at_close() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let interval = Duration::from_secs(1);
    let group = builder(&kafka)
        .topic("t")
        .group_id("g")
        .commit_interval(interval);
    let mut first = group.clone().build().unwrap();
    let message = fetch(&mut first).await;
    first.commit_messages(&[message]).await.unwrap();
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 0);
    tokio::time::sleep(interval * 2).await;
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 1);
    let message = fetch(&mut first).await;
    first.commit_messages(&[message]).await.unwrap();
    first.close().await;
    let mut second = group.build().unwrap();
    assert_eq!(offsets(&mut second, 3).await, [2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn s37_a_revocation_waits_for_the_application_and_its_commit() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    write(&kafka, "t", 0, 5);
    write(&kafka, "t", 1, 5);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut first = group.clone().build().unwrap();
    assert_eq!(event(&mut first).await, Event::Assigned(names(&[0, 1])));
    let message = fetch(&mut first).await;
    let mut second = group.build().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a second member")]
    let joining = tokio::spawn(async move {
        let event = event(&mut second).await;
        (second, event)
    });
    assert_eq!(event(&mut first).await, Event::Revoked(names(&[0, 1])));
    // The application is still at work; the group waits for it.
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!joining.is_finished());
    first
        .commit_messages(std::slice::from_ref(&message))
        .await
        .unwrap();
    let Event::Assigned(mine) = event(&mut first).await else {
        panic!("not an assignment");
    };
    let (mut second, others) = joining.await.unwrap();
    let Event::Assigned(theirs) = others else {
        panic!("not an assignment");
    };
    assert_eq!([mine.len(), theirs.len()], [1, 1]);
    assert_ne!(mine, theirs);
    // The one who has the partition goes on behind the commit.
    let owner = if mine[0].partition == message.partition() {
        &mut first
    } else {
        &mut second
    };
    assert_eq!(offsets(owner, 1).await, [message.offset() + 1]);
    let refused = first.commit_messages(&[message]).await;
    assert!(
        matches!(refused, Err(ReaderError::NotAssigned { .. })),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn t75_close_leaves_the_group_at_once() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut first = group.clone().build().unwrap();
    fetch(&mut first).await;
    let before = tokio::time::Instant::now();
    first.close().await;
    let mut second = group.build().unwrap();
    fetch(&mut second).await;
    assert!(
        before.elapsed() < Duration::from_secs(1),
        "{:?}",
        before.elapsed()
    );
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn t66_closing_a_reader_that_never_read_returns() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    builder(&kafka).topic("t").build().unwrap().close().await;
    builder(&kafka)
        .topic("t")
        .group_id("g")
        .build()
        .unwrap()
        .close()
        .await;
    assert_eq!(kafka.requests().len(), 0);
}
