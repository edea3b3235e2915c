//! Reading from the replica nearby (KIP-392), and back to the leader when that does not work.

use std::time::Duration;

use ekafka_protocol::messages::FetchRequest;
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

use super::super::setup::*;
use crate::reader::Reader;

/// Three nodes in racks of their own; node 1 leads the partition, of which all have replicas.
async fn in_racks() -> EmbeddedKafka {
    let kafka = kafka_with(3, |builder| builder.racks(["a", "b", "c"])).await;
    kafka.create_topic_on("t", &[vec![1, 2, 3]]).unwrap();
    kafka
}

/// A reader in node 2's rack.
fn near_two(kafka: &EmbeddedKafka) -> Reader {
    let reader = builder(kafka).topic("t").rack("b").max_attempts(1_000);
    reader.build().unwrap()
}

/// How many fetches each node got since the log of requests was emptied.
fn fetches(kafka: &EmbeddedKafka) -> [usize; 3] {
    let all = kafka.requests_of(ApiKey::FETCH);
    [1, 2, 3].map(|node| all.iter().filter(|one| one.node == node).count())
}

/// The first pause after a failure.
const BACKOFF: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn s27_a_replica_nearby_is_read_in_the_place_of_the_leader() {
    let kafka = in_racks().await;
    write(&kafka, "t", 0, 10);
    let mut reader = near_two(&kafka);
    offsets(&mut reader, 10).await;
    assert_eq!(fetches(&kafka)[0], 1, "the leader sends it on");
    for round in 1..5 {
        write(&kafka, "t", 0, 10);
        let expected: Vec<i64> = (round * 10..round * 10 + 10).collect();
        assert_eq!(offsets(&mut reader, 10).await, expected);
    }
    let [leader, near, far] = fetches(&kafka);
    assert_eq!((leader, far), (1, 0));
    assert!(near >= 5, "{near}");
}

#[tokio::test(start_paused = true)]
async fn s27_whatever_is_wrong_with_the_replica_the_leader_is_read_a_backoff_later() {
    for fault in [
        "dead",
        "out of range",
        "lagging",
        "unknown",
        "not a replica",
    ] {
        let kafka = in_racks().await;
        write(&kafka, "t", 0, 10);
        let mut reader = near_two(&kafka);
        if fault == "unknown" {
            kafka.on_next(ApiKey::FETCH).edit::<FetchRequest>(|answer| {
                let topic = &mut answer.responses[0];
                topic.partitions[0].preferred_read_replica = 99;
            });
            // The next time the leader gives the records itself.
            kafka.hold_back("t", 0, 2, Some(-1)).unwrap();
        } else {
            assert_eq!(offsets(&mut reader, 5).await, [0, 1, 2, 3, 4]);
            assert_eq!(offsets(&mut reader, 5).await, [5, 6, 7, 8, 9]);
        }
        kafka.clear_requests();
        match fault {
            "dead" => kafka.stop_node(2).await,
            "out of range" => {
                let code = ErrorCode::OFFSET_OUT_OF_RANGE;
                kafka.on_next(ApiKey::FETCH).node(2).error(code);
                kafka.hold_back("t", 0, 2, Some(9)).unwrap();
            }
            // Its log ends before what was read already.
            "lagging" => kafka.hold_back("t", 0, 2, Some(5)).unwrap(),
            "not a replica" => {
                let code = ErrorCode::NOT_LEADER_OR_FOLLOWER;
                kafka.on_next(ApiKey::FETCH).node(2).error(code);
                kafka.hold_back("t", 0, 2, Some(9)).unwrap();
            }
            _ => {}
        }
        let begun = Instant::now();
        write(&kafka, "t", 0, 10);
        let first = if fault == "unknown" { 0 } else { 10 };
        let expected: Vec<i64> = (first..20).collect();
        let seen = offsets(&mut reader, expected.len()).await;
        assert_eq!(seen, expected, "{fault}");
        let pause = begun.elapsed();
        // A fetch that waits for records may have to end first.
        let longest = BACKOFF + Duration::from_millis(500);
        assert!(pause <= longest, "{fault}: {pause:?}");
        let from_leader = fetches(&kafka)[0];
        assert!((1..=3).contains(&from_leader), "{fault}: {from_leader}");
    }
}

#[tokio::test(start_paused = true)]
async fn s27_a_leader_that_always_names_a_replica_of_no_use_is_not_asked_in_a_loop() {
    for is_known in [false, true] {
        let kafka = in_racks().await;
        write(&kafka, "t", 0, 10);
        kafka.hold_back("t", 0, 2, Some(-1)).unwrap();
        let named = if is_known { 2 } else { 99 };
        let code = ErrorCode::OFFSET_OUT_OF_RANGE;
        let refused = kafka.on_next(ApiKey::FETCH).node(2).error(code);
        drop(refused.times(usize::MAX));
        let always = kafka
            .on_next(ApiKey::FETCH)
            .edit::<FetchRequest>(move |answer| {
                for topic in &mut answer.responses {
                    topic.partitions[0].preferred_read_replica = named;
                    topic.partitions[0].records = None;
                }
            });
        drop(always.times(usize::MAX));
        let mut reader = near_two(&kafka);
        let quiet = tokio::time::timeout(Duration::from_secs(60), reader.fetch_message()).await;
        assert!(quiet.is_err(), "{quiet:?}");
        let asked = fetches(&kafka).iter().sum::<usize>();
        assert!((10..=140).contains(&asked), "{asked} fetches in a minute");
        kafka.clear_faults();
        let seen: Vec<i64> = (0..10).collect();
        assert_eq!(offsets(&mut reader, 10).await, seen);
    }
}

#[tokio::test(start_paused = true)]
async fn s27_random_faults_of_leaders_and_replicas_cost_nothing() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let kafka = in_racks().await;
        let mut reader = near_two(&kafka);
        let (mut written, mut next) = (0, 0);
        let mut is_down = false;
        for _ in 0..20 {
            match random.u8(0..8) {
                0 if is_down => {
                    kafka.start_node(2).await.unwrap();
                    is_down = false;
                }
                0 => {
                    kafka.stop_node(2).await;
                    is_down = true;
                }
                1 => {
                    let end = random.i64(0..=written);
                    kafka.hold_back("t", 0, 2, Some(end)).unwrap();
                }
                2 => kafka.hold_back("t", 0, 2, None).unwrap(),
                3 => kafka
                    .move_leader("t", 0, random.choice([1, 3]).unwrap())
                    .unwrap(),
                4 => {
                    let code = random.choice([
                        ErrorCode::OFFSET_OUT_OF_RANGE,
                        ErrorCode::NOT_LEADER_OR_FOLLOWER,
                        ErrorCode::FENCED_LEADER_EPOCH,
                        ErrorCode::UNKNOWN_LEADER_EPOCH,
                        ErrorCode::OFFSET_NOT_AVAILABLE,
                    ]);
                    kafka.on_next(ApiKey::FETCH).node(2).error(code.unwrap());
                }
                5 => {
                    kafka.on_next(ApiKey::FETCH).node(2).drop_after();
                }
                _ => {}
            }
            let count = random.i64(1..20);
            write(&kafka, "t", 0, count);
            written += count;
            while next < written && random.u8(0..10) > 0 {
                let wait = Duration::from_millis(random.u64(0..700));
                match tokio::time::timeout(wait, reader.fetch_message()).await {
                    Ok(message) => assert_eq!(message.unwrap().offset(), next, "seed {seed}"),
                    Err(_) => break,
                }
                next += 1;
            }
        }
        // A follower that never catches up would be waited for: Kafka takes it out of those in sync.
        kafka.hold_back("t", 0, 2, None).unwrap();
        while next < written {
            assert_eq!(fetch(&mut reader).await.offset(), next, "seed {seed}");
            next += 1;
        }
    }
}
