//! Groups whose members come, go, die and freeze, in and out of order.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use futures_core::Stream;
use tokio::time::{Instant, sleep, timeout};

use super::crowd::{Crowd, Habits, Member};
use super::group::{event, names};
use super::setup::*;
use crate::assignor::{
    Assignor, CooperativeStickyAssignor, RangeAssignor, RoundRobinAssignor, StickyAssignor,
};
use crate::config::ReaderBuilder;
use crate::error::ReaderError;
use crate::event::Event;

const SESSION: Duration = Duration::from_secs(10);
const REBALANCE: Duration = Duration::from_secs(20);

const STEADY: Habits = Habits {
    commit_interval: None,
    piece: 20,
    work: Duration::ZERO,
};

fn timed(reader: ReaderBuilder, assignor: &Arc<dyn Assignor>) -> ReaderBuilder {
    reader
        .assignors([Arc::clone(assignor)])
        .session_timeout(SESSION)
        .rebalance_timeout(REBALANCE)
        .heartbeat_interval(Duration::from_secs(1))
        .join_backoff(Duration::from_secs(1))
        .watch_partition_changes(true)
}

/// Eight members at most, who join, leave, are killed and freeze, while records are written.
async fn swarm(seed: u64, assignor: &Arc<dyn Assignor>, steps: usize, most: i64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).seed(seed);
    let kafka = kafka
        .in_memory()
        .strict()
        .round_trip(Duration::from_millis(1));
    let mut crowd = Crowd::new(kafka.start().await.unwrap(), random.i32(3..=12));
    let join = |crowd: &mut Crowd, random: &mut fastrand::Rng| {
        let habits = Habits {
            commit_interval: random.bool().then_some(Duration::from_millis(200)),
            piece: random.usize(1..80),
            work: Duration::from_millis(random.u64(0..20)),
        };
        crowd.join(habits, |reader| timed(reader, assignor));
    };
    for _ in 0..random.usize(1..6) {
        join(&mut crowd, &mut random);
    }
    for _ in 0..steps {
        let count = crowd.members.len();
        match random.u8(0..10) {
            0 | 1 if count < 8 => join(&mut crowd, &mut random),
            2 if count > 1 => drop(crowd.leave(random.usize(0..count))),
            3 if count > 1 => crowd.kill(random.usize(0..count)),
            4 | 5 if count > 0 => {
                let member = &crowd.members[random.usize(0..count)];
                member.freeze(random.bool());
            }
            6 | 7 => crowd.members.iter().for_each(Member::thaw),
            _ => {}
        }
        crowd.write_somewhere(&mut random, most);
        for _ in 0..random.u8(0..8) {
            sleep(Duration::from_millis(random.u64(0..2_500))).await;
            crowd.check_commits();
        }
    }
    crowd.members.iter().for_each(Member::thaw);
    crowd.write_everywhere(1);
    let thawed = Instant::now();
    crowd.finish(REBALANCE * 2).await;
    // What was written may be processed before those that were frozen have joined again.
    while crowd.loads().values().sum::<usize>() < crowd.partitions() {
        let took = thawed.elapsed();
        let loads = crowd.loads();
        assert!(
            took <= REBALANCE * 2,
            "seed {seed}: {loads:?} after {took:?}"
        );
        sleep(Duration::from_millis(100)).await;
    }
    for member in &crowd.members {
        assert!(member.is_alive(), "seed {seed}");
    }
    while !crowd.members.is_empty() {
        let _ = timeout(REBALANCE * 2, crowd.leave(0))
            .await
            .expect("a member that leaves");
    }
    crowd.check_commits();
    crowd.check_all_committed();
}

async fn swarms(assignor: impl Assignor + 'static) {
    let assignor: Arc<dyn Assignor> = Arc::new(assignor);
    // `EKAFKA_SEEDS` asks for so many seeds of each strategy, or for `from..to`, and for more records.
    let asked = std::env::var("EKAFKA_SEEDS").ok();
    let asked = asked.and_then(|seeds| match seeds.split_once("..") {
        Some((from, to)) => Some(from.parse().ok()?..to.parse().ok()?),
        None => Some(0..seeds.parse().ok()?),
    });
    let (seeds, steps, most) = asked.map_or((0..50, 12, 50), |seeds| (seeds, 25, 400));
    for seed in seeds {
        swarm(seed, &assignor, steps, most).await;
    }
}

#[tokio::test(start_paused = true)]
async fn s47_members_come_go_die_and_freeze_under_range() {
    swarms(RangeAssignor).await;
}

#[tokio::test(start_paused = true)]
async fn s47_members_come_go_die_and_freeze_under_round_robin() {
    swarms(RoundRobinAssignor).await;
}

#[tokio::test(start_paused = true)]
async fn s47_members_come_go_die_and_freeze_under_sticky() {
    swarms(StickyAssignor).await;
}

#[tokio::test(start_paused = true)]
async fn s47_members_come_go_die_and_freeze_under_cooperative_sticky() {
    swarms(CooperativeStickyAssignor).await;
}

#[tokio::test(start_paused = true)]
async fn s44_after_a_freeze_nothing_stale_is_delivered_or_committed() {
    for is_cooperative in [false, true] {
        for commits_first in [false, true] {
            let kafka = kafka().await;
            kafka.create_topic("t", 1).unwrap();
            for _ in 0..5 {
                write(&kafka, "t", 0, 1);
            }
            let assignor: Arc<dyn Assignor> = if is_cooperative {
                Arc::new(CooperativeStickyAssignor)
            } else {
                Arc::new(RangeAssignor)
            };
            let group = timed(builder(&kafka).topic("t").group_id("g"), &assignor);
            let mut reader = group.build().unwrap();
            assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
            let message = fetch(&mut reader).await;
            assert_eq!(message.offset(), 0);
            kafka.clear_requests();
            tokio::time::advance(SESSION * 10).await;
            if commits_first {
                let message = std::slice::from_ref(&message);
                let told = reader.commit_messages(message).await;
                assert!(told.is_err(), "{told:?}");
            }
            let first = timeout(SESSION, reader.recv())
                .await
                .expect("a word")
                .unwrap();
            let crate::reader::Received::Event(first) = first else {
                panic!("stale: {first:?}");
            };
            assert_eq!(first, Event::Lost(names(&[0])));
            let told = reader.commit_messages(&[message]).await;
            assert!(
                matches!(told, Err(ReaderError::NotAssigned { .. })),
                "{told:?}"
            );
            assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
            assert_eq!(offsets(&mut reader, 5).await, [0, 1, 2, 3, 4]);
            assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 0);
            assert_eq!(kafka.committed("g", "t", 0), None);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s44_what_was_marked_before_a_freeze_is_not_committed_after_it() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 5);
    let assignor: Arc<dyn Assignor> = Arc::new(CooperativeStickyAssignor);
    let group = timed(builder(&kafka).topic("t").group_id("g"), &assignor);
    let group = group.commit_interval(SESSION * 5);
    let mut reader = group.build().unwrap();
    reader.read_message().await.unwrap();
    tokio::time::advance(SESSION * 10).await;
    assert_eq!(event(&mut reader).await, Event::Lost(names(&[0])));
    assert_eq!(event(&mut reader).await, Event::Assigned(names(&[0])));
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 0);
    assert_eq!(fetch(&mut reader).await.offset(), 0);
}

#[tokio::test(start_paused = true)]
async fn s44_streams_hand_out_nothing_stale_after_a_freeze() {
    for is_by_partition in [false, true] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        for _ in 0..5 {
            write(&kafka, "t", 0, 1);
        }
        let assignor: Arc<dyn Assignor> = Arc::new(CooperativeStickyAssignor);
        let group = timed(builder(&kafka).topic("t").group_id("g"), &assignor);
        let mut reader = group.build().unwrap();
        if is_by_partition {
            let mut streams = reader.into_partitions();
            let mut stream = streams.next().await.unwrap().unwrap();
            assert_eq!(stream.next().await.unwrap().offset(), 0);
            tokio::time::advance(SESSION * 10).await;
            let rest = async move { stream.next().await };
            let (rest, again) = tokio::join!(rest, streams.next());
            assert!(rest.is_none(), "stale: {rest:?}");
            let mut again = again.unwrap().unwrap();
            assert_eq!(again.next().await.unwrap().offset(), 0);
        } else {
            let mut stream = reader.messages();
            let mut next = async || {
                let next = std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context));
                next.await.unwrap().unwrap().offset()
            };
            assert_eq!(next().await, 0);
            tokio::time::advance(SESSION * 10).await;
            // It is assigned anew, and nothing was committed.
            assert_eq!(next().await, 0);
            assert_eq!(next().await, 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s45_idle_members_stay_get_work_when_the_topic_grows_and_take_over() {
    for assignor in [
        Arc::new(RangeAssignor) as Arc<dyn Assignor>,
        Arc::new(RoundRobinAssignor),
        Arc::new(StickyAssignor),
        Arc::new(CooperativeStickyAssignor),
    ] {
        let mut crowd = Crowd::new(kafka().await, 3);
        for _ in 0..5 {
            crowd.join(STEADY, |reader| timed(reader, &assignor));
        }
        crowd.settle(&[0, 0, 1, 1, 1]).await;
        // Long enough for idle members to be thrown out, were they not heard of.
        sleep(SESSION * 10).await;
        assert!(crowd.members.iter().all(Member::is_alive));
        crowd.settle(&[0, 0, 1, 1, 1]).await;
        crowd.grow(6);
        let grown = Instant::now();
        crowd.settle(&[1, 1, 1, 1, 2]).await;
        // The topic is looked at every five seconds.
        let longest = REBALANCE + Duration::from_secs(5);
        assert!(grown.elapsed() <= longest, "{:?}", grown.elapsed());
        for left in [&[1, 1, 2, 2][..], &[2, 2, 2], &[3, 3], &[6]] {
            let leaving = crowd.leave(0);
            crowd.settle(left).await;
            crowd.write_everywhere(5);
            crowd.finish(REBALANCE).await;
            leaving.await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s48_errors_in_each_phase_do_not_stop_what_stays_of_a_cooperative_group() {
    let assignor: Arc<dyn Assignor> = Arc::new(CooperativeStickyAssignor);
    let codes = [
        ErrorCode::NOT_COORDINATOR,
        ErrorCode::COORDINATOR_NOT_AVAILABLE,
        ErrorCode::COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode::REQUEST_TIMED_OUT,
        ErrorCode::REBALANCE_IN_PROGRESS,
        ErrorCode::UNKNOWN_SERVER_ERROR,
        ErrorCode::GROUP_AUTHORIZATION_FAILED,
    ];
    let phases = [
        ApiKey::FIND_COORDINATOR,
        ApiKey::JOIN_GROUP,
        ApiKey::SYNC_GROUP,
        ApiKey::HEARTBEAT,
        ApiKey::OFFSET_FETCH,
        ApiKey::OFFSET_COMMIT,
    ];
    for phase in phases {
        for code in codes.into_iter().map(Some).chain([None]) {
            let mut crowd = Crowd::new(kafka().await, 6);
            for _ in 0..2 {
                crowd.join(STEADY, |reader| timed(reader, &assignor));
            }
            crowd.settle(&[3, 3]).await;
            flow(&mut crowd, Duration::from_secs(3)).await;
            let before = crowd.owners();
            crowd.take_gaps();
            let next = crowd.kafka.on_next(phase).times(3);
            match code {
                Some(code) => drop(next.error(code)),
                None => drop(next.drop_before()),
            }
            crowd.join(STEADY, |reader| timed(reader, &assignor));
            flow(&mut crowd, Duration::from_secs(20)).await;
            crowd.settle(&[2, 2, 2]).await;
            let (after, gaps) = (crowd.owners(), crowd.take_gaps());
            let mut stayed = 0;
            for (partition, owner) in &before {
                if after.get(partition) == Some(owner) {
                    stayed += 1;
                    let gap = gaps[partition];
                    assert!(gap <= Duration::from_secs(1), "{phase} {code:?}: {gap:?}");
                }
            }
            assert_eq!(stayed, 4, "{phase} {code:?}: {before:?} {after:?}");
            crowd.finish(REBALANCE).await;
        }
    }
}

/// Writes to every partition five times a second.
async fn flow(crowd: &mut Crowd, time: Duration) {
    let pause = Duration::from_millis(200);
    for _ in 0..time.as_millis() / pause.as_millis() {
        crowd.write_everywhere(1);
        sleep(pause).await;
    }
}
