//! Reading as a member of a group.

use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};

use super::setup::*;
use crate::TopicPartition;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::{Reader, Received};

/// The next event; messages on the way are dropped.
pub(super) async fn event(reader: &mut Reader) -> Event {
    loop {
        let received = tokio::time::timeout(Duration::from_secs(120), reader.recv()).await;
        if let Received::Event(event) = received.expect("an event").unwrap() {
            return event;
        }
    }
}

pub(super) fn names(partitions: &[i32]) -> Vec<TopicPartition> {
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
    assert_eq!(kafka.committed("g", "t", 0), Some(2));
    first.close().await.unwrap();
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
    first.close().await.unwrap();
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
    first.close().await.unwrap();
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
    let alone = builder(&kafka).topic("t").build().unwrap();
    alone.close().await.unwrap();
    let member = builder(&kafka).topic("t").group_id("g").build().unwrap();
    member.close().await.unwrap();
    assert_eq!(kafka.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn t71_t72_members_share_the_partitions_and_lose_nothing() {
    let kafka = kafka_of(3).await;
    kafka.create_topic("t", 6).unwrap();
    let group = builder(&kafka).topic("t").group_id("g");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut members = Vec::new();
    for id in 0..3 {
        let mut reader = group.clone().build().unwrap();
        let tell = tell.clone();
        #[expect(clippy::disallowed_methods, reason = "members run side by side")]
        members.push(tokio::spawn(async move {
            loop {
                let message = reader.fetch_message().await.unwrap();
                if reader
                    .commit_messages(std::slice::from_ref(&message))
                    .await
                    .is_ok()
                {
                    tell.send((id, message.partition(), message.offset()))
                        .unwrap();
                }
            }
        }));
        tokio::time::sleep(Duration::from_secs(20)).await;
        for partition in 0..6 {
            write(&kafka, "t", partition, 10);
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut last_owner = [None; 6];
    while seen.len() < 180 {
        let patience = Duration::from_secs(120);
        let next = tokio::time::timeout(patience, told.recv()).await;
        let (id, partition, offset) = next.expect("every record").unwrap();
        assert!(
            seen.insert((partition, offset)),
            "{partition} {offset} twice"
        );
        last_owner[usize::try_from(partition).unwrap()] = Some(id);
    }
    for id in 0..3 {
        let owned = last_owner
            .iter()
            .filter(|owner| **owner == Some(id))
            .count();
        assert_eq!(owned, 2, "{last_owner:?}");
    }
    members.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn s46_the_group_gets_over_every_error_of_its_coordinator() {
    let codes = [
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
    ];
    let calls = [
        ApiKey::FIND_COORDINATOR,
        ApiKey::JOIN_GROUP,
        ApiKey::SYNC_GROUP,
        ApiKey::OFFSET_FETCH,
        ApiKey::HEARTBEAT,
        ApiKey::OFFSET_COMMIT,
    ];
    for api in calls {
        for code in codes {
            if api == ApiKey::FIND_COORDINATOR && code == ErrorCode::NOT_COORDINATOR {
                continue;
            }
            let kafka = kafka().await;
            kafka.create_topic("t", 1).unwrap();
            write(&kafka, "t", 0, 2);
            kafka.on_next(api).error(code);
            let mut reader = builder(&kafka).topic("t").group_id("g").build().unwrap();
            let message = fetch(&mut reader).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            reader.commit_messages(&[message]).await.unwrap();
            let message = fetch(&mut reader).await;
            reader.commit_messages(&[message]).await.unwrap();
            assert_eq!(kafka.pending_faults(), 0, "{api} {code}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s46_the_group_gets_over_connections_that_break() {
    for api in [
        ApiKey::FIND_COORDINATOR,
        ApiKey::JOIN_GROUP,
        ApiKey::SYNC_GROUP,
        ApiKey::OFFSET_FETCH,
        ApiKey::HEARTBEAT,
        ApiKey::OFFSET_COMMIT,
    ] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 2);
        kafka.on_next(api).drop_before();
        let mut reader = builder(&kafka).topic("t").group_id("g").build().unwrap();
        let message = fetch(&mut reader).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        reader.commit_messages(&[message]).await.unwrap();
        let message = fetch(&mut reader).await;
        reader.commit_messages(&[message]).await.unwrap();
        assert_eq!(kafka.pending_faults(), 0, "{api}");
    }
}

#[tokio::test(start_paused = true)]
async fn s40_a_commit_that_is_refused_is_a_typed_error_and_the_group_goes_on() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let mut reader = builder(&kafka).topic("t").group_id("g").build().unwrap();
    let message = fetch(&mut reader).await;
    let code = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    kafka.on_next(ApiKey::OFFSET_COMMIT).error(code);
    let refused = reader.commit_messages(std::slice::from_ref(&message)).await;
    assert!(
        matches!(&refused, Err(ReaderError::Kafka { code: of, .. }) if *of == code),
        "{refused:?}"
    );
    reader.commit_messages(&[message]).await.unwrap();
    assert_eq!(offsets(&mut reader, 2).await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn s38_a_member_the_group_forgot_loses_its_partitions_and_comes_back() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let mut reader = builder(&kafka).topic("t").group_id("g").build().unwrap();
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    let message = fetch(&mut reader).await;
    kafka
        .on_next(ApiKey::HEARTBEAT)
        .error(ErrorCode::UNKNOWN_MEMBER_ID);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let refused = reader.commit_messages(&[message]).await;
    assert!(
        matches!(refused, Err(ReaderError::NotAssigned { .. })),
        "{refused:?}"
    );
    assert_eq!(event(&mut reader).await, Event::Lost(names(&[0])));
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    // Nothing was committed, so all of it comes again.
    assert_eq!(offsets(&mut reader, 3).await, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn s43_heartbeats_go_on_while_the_application_works_until_max_poll() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let interval = Some(Duration::from_secs(400));
    let group = builder(&kafka).topic("t").group_id("g");
    let mut reader = group.max_poll_interval(interval).build().unwrap();
    let message = fetch(&mut reader).await;
    // Ten times the session timeout.
    tokio::time::sleep(Duration::from_secs(300)).await;
    reader.commit_messages(&[message]).await.unwrap();
    assert_eq!(offsets(&mut reader, 1).await, [1]);
    tokio::time::sleep(Duration::from_secs(500)).await;
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
    assert_eq!(event(&mut reader).await, Event::Lost(names(&[0])));
    let error = reader.recv().await.unwrap_err();
    assert!(matches!(error, ReaderError::Timeout { .. }), "{error}");
    // Asking again brings the member back, at what was committed.
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    assert_eq!(offsets(&mut reader, 2).await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn s45_an_idle_member_gets_work_when_the_topic_grows() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let group = builder(&kafka).topic("t").group_id("g");
    let mut first = group.clone().build().unwrap();
    event(&mut first).await;
    let mut second = group.build().unwrap();
    let mut assigned = [0, 0];
    let started = tokio::time::Instant::now();
    let mut has_grown = false;
    while assigned != [1, 1] {
        assert!(
            started.elapsed() < Duration::from_secs(1_200),
            "{assigned:?}"
        );
        if !has_grown && started.elapsed() > Duration::from_secs(60) {
            kafka.add_partitions("t", 2).unwrap();
            has_grown = true;
        }
        for (reader, count) in [&mut first, &mut second].into_iter().zip(&mut assigned) {
            let soon = tokio::time::timeout(Duration::from_secs(1), reader.recv()).await;
            match soon {
                Ok(Ok(Received::Event(Event::Assigned(partitions)))) => *count = partitions.len(),
                Ok(Ok(Received::Event(Event::Revoked(_)))) => *count = 0,
                _ => {}
            }
        }
    }
    assert!(has_grown);
}

#[tokio::test(start_paused = true)]
async fn t76_a_member_without_partitions_causes_no_rebalances() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let group = builder(&kafka).topic("t").group_id("g");
    let mut readers = [group.clone().build().unwrap(), group.build().unwrap()];
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    while tokio::time::Instant::now() < until {
        for reader in &mut readers {
            let _ = tokio::time::timeout(Duration::from_millis(100), reader.recv()).await;
        }
    }
    for reader in &mut readers {
        // It was heard of, and then left alone.
        let rebalances = reader.stats().rebalances;
        assert!((1..=2).contains(&rebalances), "{rebalances}");
    }
    // One for the id, one to join, and one more of the first when the second came.
    let joins = kafka.requests_of(ApiKey::JOIN_GROUP).len();
    assert!((4..=5).contains(&joins), "{joins}");
}

#[tokio::test(start_paused = true)]
async fn t78_several_topics_are_read_by_one_member() {
    let kafka = kafka().await;
    for topic in ["a", "b"] {
        kafka.create_topic(topic, 1).unwrap();
        write(&kafka, topic, 0, 1);
    }
    let mut reader = builder(&kafka)
        .topics(["a", "b"])
        .group_id("g")
        .build()
        .unwrap();
    let mut topics = [fetch(&mut reader).await, fetch(&mut reader).await]
        .map(|message| message.topic().to_owned());
    topics.sort();
    assert_eq!(topics, ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn s49_a_static_member_is_back_without_a_rebalance_and_fences_its_double() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 2);
    let group = builder(&kafka)
        .topic("t")
        .group_id("g")
        .group_instance_id("one");
    let mut first = group.clone().build().unwrap();
    fetch(&mut first).await;
    let mut second = group.build().unwrap();
    fetch(&mut second).await;
    let fenced = loop {
        if let Err(error) = first.recv().await {
            break error;
        }
    };
    assert!(fenced.is_fatal(), "{fenced}");
    let after = first.recv().await;
    assert!(matches!(after, Err(ReaderError::Closed)), "{after:?}");
    second.close().await.unwrap();
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn t54_what_needs_or_forbids_a_group_says_so() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 1);
    let mut grouped = builder(&kafka).topic("t").group_id("g").build().unwrap();
    assert_eq!((grouped.offset(), grouped.lag()), (None, None));
    let refused = grouped.set_offset(0).await;
    assert!(
        matches!(refused, Err(ReaderError::Unavailable { .. })),
        "{refused:?}"
    );
    let mut alone = builder(&kafka).topic("t").build().unwrap();
    let message = fetch(&mut alone).await;
    let refused = alone.commit_messages(&[message]).await;
    assert!(
        matches!(refused, Err(ReaderError::Unavailable { .. })),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn s29_a_seek_in_a_group_moves_the_position_and_not_the_commit() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut first = group.clone().build().unwrap();
    for _ in 0..4 {
        first.read_message().await.unwrap();
    }
    let partition = TopicPartition::new("t", 0);
    first.handle().seek(&partition, 1).await.unwrap();
    let message = fetch(&mut first).await;
    assert_eq!(message.offset(), 1);
    // A lower offset than the committed one is not sent.
    first.commit_messages(&[message]).await.unwrap();
    first.close().await.unwrap();
    let mut second = group.build().unwrap();
    assert_eq!(offsets(&mut second, 1).await, [4]);
}

#[tokio::test(start_paused = true)]
async fn s51_closing_during_a_rebalance_commits_what_was_marked() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let interval = Duration::from_secs(600);
    let group = builder(&kafka)
        .topic("t")
        .group_id("g")
        .commit_interval(interval);
    let mut first = group.clone().build().unwrap();
    for _ in 0..2 {
        first.read_message().await.unwrap();
    }
    let mut second = group.build().unwrap();
    let joining = tokio::time::timeout(Duration::from_secs(10), second.recv()).await;
    assert!(joining.is_err(), "{joining:?}");
    let closing = tokio::time::Instant::now();
    first.close().await.unwrap();
    assert!(
        closing.elapsed() < Duration::from_secs(5),
        "{:?}",
        closing.elapsed()
    );
    assert_eq!(offsets(&mut second, 1).await, [2]);
}
