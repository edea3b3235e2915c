//! The end of a reader, from its own task or another.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use futures_core::Stream;
use tokio::time::{Instant, timeout};

use super::setup::*;
use crate::assignor::{Assignor, GroupAssignment, GroupMember, GroupTopic};
use crate::error::ReaderError;
use crate::{ConsumerGroup, TopicPartition};

#[tokio::test(start_paused = true)]
async fn s3_25_s3_27_after_a_close_fetching_and_committing_say_closed() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 9);
    for group in [None, Some("g")] {
        let builder = builder(&kafka).topic("t");
        let builder = match group {
            Some(group) => builder.group_id(group),
            None => builder,
        };
        let mut reader = builder.build().unwrap();
        let message = fetch(&mut reader).await;
        let handle = reader.handle();
        let (closed, ()) = tokio::join!(handle.close(), async {
            // The loop of an application: it ends with the first error that says closed.
            let mut fetched = 0;
            while let Ok(message) = reader.fetch_message().await {
                fetched += 1;
                assert_eq!(message.offset(), fetched);
            }
            let error = reader.fetch_message().await.unwrap_err();
            assert!(matches!(error, ReaderError::Closed), "{error}");
            assert!(error.is_fatal());
        });
        closed.unwrap();
        if group.is_some() {
            let refused = handle.commit_messages(&[message]).await.unwrap_err();
            assert!(matches!(refused, ReaderError::Closed), "{refused}");
            assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 0);
        }
        let partition = TopicPartition::new("t", 0);
        let refused = handle.seek(&partition, 0).await.unwrap_err();
        assert!(matches!(refused, ReaderError::Closed), "{refused}");
        // Again, from whichever side: it has ended already.
        handle.close().await.unwrap();
        let mut stream = pin!(reader.messages());
        let next = poll_fn(|context| stream.as_mut().poll_next(context)).await;
        assert!(next.is_none(), "{next:?}");
        reader.close().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiting_fetch_ends_when_another_task_closes() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut reader = builder(&kafka).topic("t").group_id("g").build().unwrap();
    let handle = reader.handle();
    let (fetched, closed) = tokio::join!(reader.fetch_message(), async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let begun = Instant::now();
        handle.close().await.unwrap();
        begun.elapsed()
    });
    let error = fetched.unwrap_err();
    assert!(matches!(error, ReaderError::Closed), "{error}");
    assert!(closed < Duration::from_secs(1), "{closed:?}");
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s1_41_close_tells_that_the_last_commit_was_refused() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let builder = builder(&kafka).topic("t").group_id("g");
    let builder = builder.commit_interval(Duration::from_secs(60));
    let mut reader = builder.clone().build().unwrap();
    reader.read_message().await.unwrap();
    let code = ErrorCode::GROUP_AUTHORIZATION_FAILED;
    kafka.on_next(ApiKey::OFFSET_COMMIT).error(code);
    let error = reader.close().await.unwrap_err();
    assert!(
        matches!(&error, ReaderError::Kafka { code: of, .. } if *of == code),
        "{error}"
    );
    assert_eq!(
        kafka.requests_of(ApiKey::LEAVE_GROUP).len(),
        1,
        "it left all the same"
    );
    let mut second = builder.build().unwrap();
    assert_eq!(offsets(&mut second, 1).await, [0]);
    second.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn t63_close_ends_within_a_second_when_the_broker_is_gone() {
    for (group, marks) in [(false, false), (true, false), (true, true)] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 3);
        let mut builder = builder(&kafka).topic("t");
        if group {
            builder = builder.group_id("g");
        }
        if marks {
            builder = builder.commit_interval(Duration::from_secs(60));
        }
        let mut reader = builder.build().unwrap();
        if marks {
            reader.read_message().await.unwrap();
        } else {
            fetch(&mut reader).await;
        }
        kafka.stop_node(1).await;
        let begun = Instant::now();
        let closed = reader.close().await;
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?} {group} {marks}");
        assert_eq!(closed.is_err(), marks, "{closed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_a_silent_broker_no_longer_than_its_timeout() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let limit = Duration::from_secs(3);
    let builder = builder(&kafka).topic("t").group_id("g");
    let builder = builder.commit_interval(Duration::from_secs(60));
    let mut reader = builder.close_timeout(limit).build().unwrap();
    reader.read_message().await.unwrap();
    kafka.on_next(ApiKey::OFFSET_COMMIT).silence();
    let begun = Instant::now();
    let error = reader.close().await.unwrap_err();
    assert!(
        matches!(error, ReaderError::Timeout { after, .. } if after == limit),
        "{error}"
    );
    assert_eq!(begun.elapsed(), limit);
}

#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_a_join_under_way() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 3);
    let group = builder(&kafka).topic("t").group_id("g");
    let mut first = group.clone().build().unwrap();
    first.read_message().await.unwrap();
    // The second waits for the first, which does not ask for its next item.
    let mut second = group.build().unwrap();
    let joining = timeout(Duration::from_secs(8), second.recv()).await;
    assert!(joining.is_err(), "{joining:?}");
    let begun = Instant::now();
    second.close().await.unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(offsets(&mut first, 2).await, [1, 2]);
}

/// A strategy of the application's with a fault in it.
#[derive(Debug)]
struct Panics;

impl Assignor for Panics {
    fn name(&self) -> &str {
        "panics"
    }

    fn assign(&self, _: &[GroupMember], _: &[GroupTopic]) -> GroupAssignment {
        panic!("a fault of the application");
    }
}

#[tokio::test(start_paused = true)]
async fn a_strategy_that_panics_ends_the_reader_and_leaves_nobody_waiting() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let group = builder(&kafka).topic("t").group_id("g");
    let mut reader = group.assignors([Arc::new(Panics) as _]).build().unwrap();
    let minute = Duration::from_secs(60);
    let ended = timeout(minute, reader.recv()).await.expect("an end");
    assert!(matches!(ended, Err(ReaderError::Closed)), "{ended:?}");
    let group = ConsumerGroup::builder().cluster(cluster(&kafka));
    let group = group.group_id("h").topics(["t"]);
    let mut member = group.assignors([Arc::new(Panics) as _]).build().unwrap();
    let ended = timeout(minute, member.next()).await.expect("an end");
    assert!(matches!(ended, Err(ReaderError::Closed)), "{ended:?}");
    timeout(minute, member.close())
        .await
        .expect("an end")
        .unwrap();
}
