//! Long sleeps, coordinators that die or move at each step, and commits in the middle of a rebalance.

use std::sync::Arc;
use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::group::{event, names};
use super::setup::*;
use crate::assignor::{Assignor, CooperativeStickyAssignor};
use crate::config::ReaderBuilder;
use crate::error::ReaderError;
use crate::event::Event;
use crate::reader::{Reader, Received};

const REBALANCE: Duration = Duration::from_secs(20);

fn group(kafka: &EmbeddedKafka) -> ReaderBuilder {
    let group = builder(kafka).topic("t").group_id("g");
    group.rebalance_timeout(REBALANCE)
}

/// Reads and commits on a task of its own until it is aborted.
fn keeps_reading(mut reader: Reader) -> JoinHandle<()> {
    #[expect(clippy::disallowed_methods, reason = "members run side by side")]
    tokio::spawn(async move {
        loop {
            match reader.recv().await {
                Ok(Received::Message(message)) => {
                    let _ = reader.commit_messages(&[message]).await;
                }
                Ok(Received::Event(_)) => {}
                Err(error) => assert!(!error.is_fatal(), "{error:?}"),
            }
        }
    })
}

/// Waits until the group has committed everything.
async fn all_committed(kafka: &EmbeddedKafka, longest: Duration, context: &str) {
    let committed = async {
        while kafka.committed("g", "t", 0) != Some(kafka.offsets("t", 0).unwrap().1) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = timeout(longest, committed).await;
    assert!(in_time.is_ok(), "not within {longest:?}: {context}");
}

#[tokio::test(start_paused = true)]
async fn s36_a_member_that_sleeps_with_a_hundred_full_partitions_stays_within_memory_and_group() {
    let kafka = kafka().await;
    kafka.create_topic("t", 100).unwrap();
    for partition in 0..100 {
        for _ in 0..10 {
            write(&kafka, "t", partition, 100);
        }
    }
    let budget = 200_000;
    let member = group(&kafka).max_poll_interval(None).max_bytes(20_000);
    let mut reader = member.buffer_memory(budget).build().unwrap();
    fetch(&mut reader).await;
    kafka.clear_requests();
    for _ in 0..600 {
        sleep(Duration::from_secs(1)).await;
        let used = reader.inbox.used();
        assert!(used <= budget, "{used}");
    }
    let beats = kafka.requests_of(ApiKey::HEARTBEAT).len();
    assert!(
        (190..=210).contains(&beats),
        "{beats} heartbeats in ten minutes"
    );
    assert_eq!(kafka.requests_of(ApiKey::JOIN_GROUP).len(), 0);
    for _ in 1..100_000 {
        fetch(&mut reader).await;
    }
}

#[tokio::test(start_paused = true)]
async fn s43_others_do_not_wait_longer_than_a_rebalance_for_an_application_that_never_asks() {
    for is_cooperative in [false, true] {
        let kafka = kafka().await;
        kafka.create_topic("t", 2).unwrap();
        let mut member = group(&kafka).max_poll_interval(None);
        if is_cooperative {
            let assignor: Arc<dyn Assignor> = Arc::new(CooperativeStickyAssignor);
            member = member.assignors([assignor]);
        }
        let mut first = member.clone().build().unwrap();
        assert_eq!(event(&mut first).await, Event::Assigned(names(&[0, 1])));
        write(&kafka, "t", 0, 1);
        write(&kafka, "t", 1, 1);
        let messages = [fetch(&mut first).await, fetch(&mut first).await];
        let mut second = member.build().unwrap();
        let begun = Instant::now();
        let theirs = loop {
            match event(&mut second).await {
                Event::Assigned(theirs) if !theirs.is_empty() => break theirs,
                _ => {}
            }
        };
        assert!(begun.elapsed() <= REBALANCE, "{:?}", begun.elapsed());
        kafka.clear_requests();
        // What was lost is told, and no commit of it reaches the broker.
        let told = event(&mut first).await;
        let Event::Lost(lost) = &told else {
            panic!("{told:?}");
        };
        assert!(theirs.iter().all(|one| lost.contains(one)), "{told:?}");
        let stale = messages.iter().filter(|message| {
            let mut lost = lost.iter();
            lost.any(|one| one.partition == message.partition())
        });
        for message in stale {
            let refused = first.commit_messages(std::slice::from_ref(message)).await;
            let is_typed = matches!(refused, Err(ReaderError::NotAssigned { .. }));
            assert!(is_typed, "{refused:?}");
        }
        assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn s46_a_coordinator_that_dies_or_moves_at_any_step_is_found_again() {
    for step in [
        ApiKey::FIND_COORDINATOR,
        ApiKey::JOIN_GROUP,
        ApiKey::SYNC_GROUP,
        ApiKey::OFFSET_FETCH,
        ApiKey::HEARTBEAT,
        ApiKey::OFFSET_COMMIT,
    ] {
        for what in ["dies", "moves", "moves and forgets", "comes back"] {
            let context = format!("{what} at {step}");
            let kafka = kafka_of(3).await;
            kafka.create_topic_on("t", &[vec![3]]).unwrap();
            kafka.set_coordinator("g", Some(1), false);
            write(&kafka, "t", 0, 1);
            kafka.on_next(step).drop_before();
            let member = keeps_reading(group(&kafka).build().unwrap());
            while kafka.pending_faults() > 0 {
                sleep(Duration::from_millis(10)).await;
            }
            match what {
                "dies" => {
                    kafka.stop_node(1).await;
                    kafka.set_coordinator("g", Some(2), true);
                }
                "moves" => kafka.set_coordinator("g", Some(2), false),
                "moves and forgets" => kafka.set_coordinator("g", Some(2), true),
                _ => {
                    kafka.stop_node(1).await;
                    sleep(Duration::from_secs(5)).await;
                    kafka.start_node(1).await.unwrap();
                }
            }
            let longest = REBALANCE + Duration::from_secs(5);
            all_committed(&kafka, longest, &context).await;
            write(&kafka, "t", 0, 5);
            all_committed(&kafka, longest, &context).await;
            member.abort();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s46_leaving_a_coordinator_that_is_not_there_ends_in_time() {
    for what in ["dies", "moves", "silent", "refuses"] {
        let kafka = kafka_of(3).await;
        kafka.create_topic_on("t", &[vec![3]]).unwrap();
        kafka.set_coordinator("g", Some(1), false);
        write(&kafka, "t", 0, 1);
        let mut reader = group(&kafka).build().unwrap();
        let message = fetch(&mut reader).await;
        reader.commit_messages(&[message]).await.unwrap();
        match what {
            "dies" => kafka.stop_node(1).await,
            "moves" => kafka.set_coordinator("g", Some(2), false),
            "silent" => drop(kafka.on_next(ApiKey::LEAVE_GROUP).silence()),
            _ => {
                let code = ErrorCode::COORDINATOR_LOAD_IN_PROGRESS;
                drop(kafka.on_next(ApiKey::LEAVE_GROUP).error(code));
            }
        }
        let begun = Instant::now();
        let closed = reader.close().await;
        // Ten seconds is what a close takes at most unless told otherwise.
        let longest = Duration::from_secs(10);
        assert!(begun.elapsed() <= longest, "{what}: {:?}", begun.elapsed());
        let is_told = match what {
            "silent" => matches!(closed, Err(ReaderError::Timeout { .. })),
            _ => closed.is_ok(),
        };
        assert!(is_told, "{what}: {closed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s40_every_code_of_a_commit_in_a_revocation_is_told_and_the_group_goes_on() {
    let all = std::iter::once(-1).chain(1..=133).map(ErrorCode);
    for code in all.filter(|code| *code != ErrorCode::FENCED_INSTANCE_ID) {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        write(&kafka, "t", 0, 3);
        let mut first = group(&kafka).build().unwrap();
        let message = fetch(&mut first).await;
        let second = keeps_reading(group(&kafka).build().unwrap());
        assert_eq!(event(&mut first).await, Event::Revoked(names(&[0])));
        kafka.on_next(ApiKey::OFFSET_COMMIT).error(code);
        let begun = Instant::now();
        let told = first.commit_messages(&[message]).await;
        assert!(begun.elapsed() < Duration::from_secs(10), "{code}");
        if let Err(error) = &told {
            let is_typed = match error {
                ReaderError::Kafka { code: of, .. } => *of == code,
                ReaderError::NotAssigned { .. } => true,
                _ => false,
            };
            assert!(is_typed, "{code}: {error:?}");
        } else {
            assert_eq!(kafka.committed("g", "t", 0), Some(1), "{code}");
        }
        let first = keeps_reading(first);
        all_committed(&kafka, REBALANCE * 2, &code.to_string()).await;
        first.abort();
        second.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn s49_a_static_member_that_restarts_disturbs_nobody_and_fences_its_double_at_once() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    let bystander = group(&kafka).group_instance_id("other").build().unwrap();
    let bystander = keeps_reading(bystander);
    let one = || group(&kafka).group_instance_id("one");
    let mut first = one().build().unwrap();
    let mine = loop {
        match event(&mut first).await {
            Event::Assigned(mine) if mine.len() == 1 => break mine,
            _ => {}
        }
    };
    drop(first);
    kafka.clear_requests();
    // Inside the session.
    sleep(Duration::from_secs(20)).await;
    let mut second = one().build().unwrap();
    assert_eq!(event(&mut second).await, Event::Assigned(mine.clone()));
    sleep(Duration::from_secs(20)).await;
    let joins = kafka.requests_of(ApiKey::JOIN_GROUP).len();
    assert_eq!(joins, 1, "the one that came back");
    // A double: the older one is told with its next heartbeat.
    let mut double = one().build().unwrap();
    let begun = Instant::now();
    assert_eq!(event(&mut double).await, Event::Assigned(mine));
    let fenced = loop {
        match second.recv().await {
            Err(error) => break error,
            Ok(received) => assert!(matches!(received, Received::Event(Event::Lost(_)))),
        }
    };
    assert!(fenced.is_fatal(), "{fenced}");
    let heartbeat = Duration::from_secs(3);
    assert!(begun.elapsed() <= heartbeat, "{:?}", begun.elapsed());
    sleep(Duration::from_secs(20)).await;
    assert_eq!(kafka.requests_of(ApiKey::JOIN_GROUP).len(), 2);
    bystander.abort();
}
