//! Random faults under a paused clock, by seed: whatever happens, the outcomes are true and the order is kept.

use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Delivery, Record, Writer};

use crate::rig::{config, kafka, soon, values};

const PARTITIONS: i32 = 3;
const RECORDS: usize = 600;

/// Codes that a broker may answer with while nothing is wrong with the records.
const CODES: [ErrorCode; 8] = [
    ErrorCode::NOT_LEADER_OR_FOLLOWER,
    ErrorCode::LEADER_NOT_AVAILABLE,
    ErrorCode::NOT_ENOUGH_REPLICAS,
    ErrorCode::KAFKA_STORAGE_ERROR,
    ErrorCode::CORRUPT_MESSAGE,
    ErrorCode::UNKNOWN_PRODUCER_ID,
    ErrorCode::INVALID_PRODUCER_EPOCH,
    ErrorCode::INVALID_RECORD,
];

#[tokio::test(start_paused = true)]
async fn outcomes_are_true_and_order_is_kept() {
    for seed in 0..200 {
        run(seed).await;
    }
}

async fn run(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let kafka = kafka().await;
    kafka
        .create_topic_on("t", &[vec![1, 2, 3], vec![2, 3, 1], vec![3, 1, 2]])
        .unwrap();
    let writer = config(&kafka)
        .topic("t")
        .batch_size(random.usize(1..20))
        .delivery_timeout(Duration::from_secs(random.u64(6..20)))
        .build()
        .unwrap();
    let mut handles: Vec<(i32, String, Delivery)> = Vec::new();
    for number in 0..RECORDS {
        if random.u8(..40) == 0 {
            break_something(&kafka, &mut random).await;
        }
        if random.u8(..20) == 0 {
            tokio::time::sleep(Duration::from_millis(random.u64(..400))).await;
        }
        handles.push(send(&writer, number, &mut random).await);
    }
    writer.flush().await;
    // Whatever happened, the writer is as good as new.
    kafka.clear_faults();
    for partition in 0..PARTITIONS {
        let late = Record::new("1000000").partition(partition);
        let outcome = writer.write(&[late]).await;
        assert!(outcome.is_ok(), "seed {seed}: {outcome:?}");
    }
    writer.close(soon()).await.unwrap();
    check(seed, &kafka, handles).await;
}

async fn send(
    writer: &Writer,
    number: usize,
    random: &mut fastrand::Rng,
) -> (i32, String, Delivery) {
    let partition = random.i32(0..PARTITIONS);
    let value = number.to_string();
    let handle = writer
        .send(Record::new(&value).partition(partition))
        .await
        .unwrap();
    (partition, value, handle)
}

async fn break_something(kafka: &EmbeddedKafka, random: &mut fastrand::Rng) {
    let fault = kafka.on_next(ApiKey::PRODUCE).skip(random.usize(..6));
    match random.u8(..10) {
        0 => drop(fault.drop_before()),
        1 => drop(fault.drop_after()),
        2 => drop(fault.silence()),
        3 => drop(fault.silence_after()),
        4 => drop(fault.delay(Duration::from_millis(random.u64(..3000)))),
        5 => drop(fault.cut(random.usize(..20))),
        6 => drop(fault.error_after(ErrorCode::REQUEST_TIMED_OUT)),
        7 => {
            drop(fault.error(CODES[random.usize(..CODES.len())]));
            kafka
                .move_leader("t", random.i32(0..PARTITIONS), random.i32(1..4))
                .unwrap();
        }
        8 => drop(
            fault
                .error(CODES[random.usize(..CODES.len())])
                .times(random.usize(1..4)),
        ),
        _ => {
            drop(fault.error_after(ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND));
            kafka.drop_connections().await.unwrap();
        }
    }
}

async fn check(seed: u64, kafka: &EmbeddedKafka, handles: Vec<(i32, String, Delivery)>) {
    let found: Vec<_> = (0..PARTITIONS)
        .map(|partition| values(kafka, "t", partition))
        .collect();
    let mut written = 0;
    for (partition, value, handle) in handles {
        let found = &found[partition as usize];
        let copies = found.iter().filter(|stored| **stored == value).count();
        match handle.await {
            Ok(delivered) => {
                assert_eq!(copies, 1, "seed {seed}: {value} was acknowledged");
                if let Some(offset) = delivered.offset() {
                    assert_eq!(found[offset as usize], value, "seed {seed}");
                }
                written += 1;
            }
            Err(error) if error.maybe_written() => {
                assert!(copies <= 1, "seed {seed}: {value}: {error}")
            }
            Err(error) => assert_eq!(copies, 0, "seed {seed}: {value}: {error}"),
        }
    }
    for (partition, values) in found.iter().enumerate() {
        let numbers: Vec<u32> = values.iter().map(|value| value.parse().unwrap()).collect();
        assert!(
            numbers.is_sorted(),
            "seed {seed}, partition {partition}: {numbers:?}"
        );
    }
    assert!(written > 0, "seed {seed}");
}
