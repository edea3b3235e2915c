//! `max_poll_interval`: who counts as working, and who as gone.

use std::time::Duration;

use ekafka_protocol::ApiKey;
use tokio::time::{sleep, timeout};

use super::group::{event, names};
use super::setup::*;
use crate::error::ReaderError;
use crate::event::Event;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_application_that_works_its_way_through_one_answer_stays_in_the_group() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 100);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut reader = group.max_poll_interval(Some(SECOND * 60)).build().unwrap();
    for offset in 0..100 {
        let message = fetch(&mut reader).await;
        assert_eq!(message.offset(), offset);
        // All together take 1,000 s, each less than the interval.
        sleep(SECOND * 10).await;
        reader.commit_messages(&[message]).await.unwrap();
    }
    assert!(kafka.requests_of(ApiKey::LEAVE_GROUP).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_application_that_gave_up_waiting_is_not_taken_for_one_that_waits() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let group = builder(&kafka).topic("t").group_id("g");
    let mut reader = group.max_poll_interval(Some(SECOND * 60)).build().unwrap();
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    // Whoever waits, waits as long as it takes.
    timeout(SECOND * 300, reader.recv()).await.unwrap_err();
    assert!(kafka.requests_of(ApiKey::LEAVE_GROUP).is_empty());
    sleep(SECOND * 100).await;
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
    assert_eq!(event(&mut reader).await, Event::Lost(names(&[0])));
    let error = reader.recv().await.unwrap_err();
    assert!(matches!(error, ReaderError::Timeout { .. }), "{error}");
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
}

#[tokio::test(start_paused = true)]
async fn a_static_member_that_takes_nothing_falls_silent_and_does_not_leave() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let group = builder(&kafka).topic("t").group_id("g");
    let group = group.group_instance_id("one").session_timeout(SECOND * 60);
    let mut reader = group.max_poll_interval(Some(SECOND * 60)).build().unwrap();
    let message = fetch(&mut reader).await;
    sleep(SECOND * 80).await;
    assert!(kafka.requests_of(ApiKey::LEAVE_GROUP).is_empty());
    let refused = reader.commit_messages(&[message]).await.unwrap_err();
    assert!(
        matches!(refused, ReaderError::NotAssigned { .. }),
        "{refused}"
    );
    let joins = kafka.requests_of(ApiKey::JOIN_GROUP).len();
    assert_eq!(event(&mut reader).await, Event::Lost(names(&[0])));
    reader.recv().await.unwrap_err();
    // Back within the session it has its partitions at once.
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    assert_eq!(kafka.requests_of(ApiKey::JOIN_GROUP).len(), joins + 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_the_member_that_left_is_not_taken_for_one_to_the_member_that_came() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let joins = || kafka.on_next(ApiKey::JOIN_GROUP);
    // The second join of each of the two, with the id that the first has brought.
    drop(joins().skip(1).delay_answer(SECOND * 100));
    drop(joins().skip(2).delay_answer(SECOND * 100));
    let group = builder(&kafka).topic("t").group_id("g");
    let group = group
        .session_timeout(SECOND * 200)
        .rebalance_timeout(SECOND * 200);
    let mut reader = group.max_poll_interval(Some(SECOND * 60)).build().unwrap();
    timeout(SECOND, reader.recv()).await.unwrap_err();
    sleep(SECOND * 80).await;
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
    reader.recv().await.unwrap_err();
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    assert_eq!(kafka.requests_of(ApiKey::JOIN_GROUP).len(), 4);
    assert_eq!(kafka.requests_of(ApiKey::SYNC_GROUP).len(), 1);
}
