//! What a producer's keys do when something fails or is too much.

use std::time::Duration;

use ekafka::{ApiKey, ErrorCode, Record};
use tokio::time::Instant;

use super::with;
use crate::rig::{kafka, soon};

const AUTO: &str = "batchTimeout = 'auto'";

/// How many produce requests there were, and the time between the first two, while the leader refuses all.
#[tokio::test(start_paused = true)]
async fn attempts_and_the_waits_between_them() {
    for (keys, attempts, least, most) in [
        ("maxAttempts = 3", 3, 80, 125),
        ("", 10, 80, 125),
        ("maxAttempts = 3\nwriteBackoffMin = '400ms'", 3, 320, 500),
        (
            "maxAttempts = 4\nwriteBackoffMin = '20ms'\nwriteBackoffMax = '20ms'",
            4,
            16,
            27,
        ),
    ] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let refused = kafka.on_next(ApiKey::PRODUCE);
        let _ = refused
            .error(ErrorCode::NOT_ENOUGH_REPLICAS)
            .times(usize::MAX);
        let producer = with(&kafka, "", &format!("{AUTO}\n{keys}"), "").producer("p1");
        let records = [Record::new("x")];
        soon(producer.write_messages(&records)).await.unwrap_err();
        let sent = kafka.requests_of(ApiKey::PRODUCE);
        assert_eq!(sent.len(), attempts, "{keys}");
        let wait = sent[1].at - sent[0].at;
        let range = Duration::from_millis(least)..Duration::from_millis(most);
        assert!(range.contains(&wait), "{keys}: {wait:?}");
    }
}

/// The waits grow, and not beyond the longest.
#[tokio::test(start_paused = true)]
async fn waits_between_attempts_grow_to_the_longest() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let refused = kafka.on_next(ApiKey::PRODUCE);
    let _ = refused
        .error(ErrorCode::NOT_ENOUGH_REPLICAS)
        .times(usize::MAX);
    let keys =
        format!("{AUTO}\nmaxAttempts = 8\nwriteBackoffMin = '100ms'\nwriteBackoffMax = '300ms'");
    let producer = with(&kafka, "", &keys, "").producer("p1");
    let records = [Record::new("x")];
    soon(producer.write_messages(&records)).await.unwrap_err();
    let sent = kafka.requests_of(ApiKey::PRODUCE);
    let longest = sent.windows(2).map(|pair| pair[1].at - pair[0].at).max();
    let longest = longest.unwrap();
    let range = Duration::from_millis(240)..Duration::from_millis(365);
    assert!(range.contains(&longest), "{longest:?}");
}

/// A leader that does not answer is given up after the time, and asked again.
#[tokio::test(start_paused = true)]
async fn a_silent_leader_costs_the_write_timeout() {
    for (keys, wait) in [("writeTimeout = '2s'", 2), ("", 10)] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        kafka.on_next(ApiKey::PRODUCE).silence();
        let producer = with(&kafka, "", &format!("{AUTO}\n{keys}"), "").producer("p1");
        let records = [Record::new("x")];
        let begun = Instant::now();
        soon(producer.write_messages(&records)).await.unwrap();
        let (took, wait) = (begun.elapsed(), Duration::from_secs(wait));
        assert!(
            took >= wait && took < wait + Duration::from_secs(1),
            "{keys}: {took:?}"
        );
    }
}

/// What does not fit waits until something has been acknowledged.
#[tokio::test(start_paused = true)]
async fn writing_waits_when_the_buffer_is_full() {
    for (keys, waits) in [("bufferMemory = 20000", true), ("", false)] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        kafka.on_next(ApiKey::PRODUCE).delay(Duration::from_secs(3));
        let keys = format!("{AUTO}\nasync = true\nbatchBytes = 16000\n{keys}");
        let producer = with(&kafka, "", &keys, "").producer("p1");
        let large = "x".repeat(12_000);
        let begun = Instant::now();
        for _ in 0..3 {
            let records = [Record::new(&large)];
            soon(producer.write_messages(&records)).await.unwrap();
        }
        let took = begun.elapsed();
        assert_eq!(took >= Duration::from_secs(2), waits, "{keys}: {took:?}");
        soon(producer.close()).await.unwrap();
        assert_eq!(kafka.offsets("t", 0).unwrap().1, 3);
    }
}

/// Brokers number the producer, unless that is switched off.
#[tokio::test(start_paused = true)]
async fn idempotence_asks_for_a_producer_id() {
    for (keys, asks) in [
        ("", true),
        ("idempotence = true", true),
        ("idempotence = false", false),
        ("requiredAcks = 1", false),
    ] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let producer = with(&kafka, "", &format!("{AUTO}\n{keys}"), "").producer("p1");
        let records = [Record::new("x")];
        soon(producer.write_messages(&records)).await.unwrap();
        let asked = kafka.requests_of(ApiKey::INIT_PRODUCER_ID).len();
        assert_eq!(asked > 0, asks, "{keys}");
    }
}
