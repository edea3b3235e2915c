//! Random faults under a paused clock, by seed: whatever happens, the outcomes are true and the order is kept.

use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Delivery, Record, Writer};
use tokio::time::Instant;

use crate::rig::{REQUEST_TIMEOUT, config, kafka, values};

const PARTITIONS: i32 = 3;
const RECORDS: usize = 600;

/// What may go wrong in a run, and how long records may wait for it to pass.
struct Weather {
    /// Error codes that brokers answer with.
    codes: &'static [ErrorCode],
    delivery_timeout: fn(&mut fastrand::Rng) -> Duration,
}

/// Codes that a broker may answer with while nothing is wrong with the records.
const PASSING: [ErrorCode; 5] = [
    ErrorCode::NOT_LEADER_OR_FOLLOWER,
    ErrorCode::LEADER_NOT_AVAILABLE,
    ErrorCode::NOT_ENOUGH_REPLICAS,
    ErrorCode::KAFKA_STORAGE_ERROR,
    ErrorCode::CORRUPT_MESSAGE,
];

/// Those, and codes after which some records cannot be sent again or never will be accepted.
const ANY: [ErrorCode; 8] = [
    PASSING[0],
    PASSING[1],
    PASSING[2],
    PASSING[3],
    PASSING[4],
    ErrorCode::UNKNOWN_PRODUCER_ID,
    ErrorCode::INVALID_PRODUCER_EPOCH,
    ErrorCode::INVALID_RECORD,
];

/// A delivery timeout that one to three silent requests use up, so that each outcome occurs.
#[tokio::test(start_paused = true)]
async fn outcomes_are_true_and_order_is_kept() {
    let weather = Weather {
        codes: &ANY,
        delivery_timeout: |random| Duration::from_secs(random.u64(6..20)),
    };
    let mut written = 0;
    for seed in 0..200 {
        let of_seed = run(seed, &weather).await;
        assert!(of_seed >= RECORDS / 10, "seed {seed}: {of_seed} written");
        written += of_seed;
    }
    assert!(written / 200 >= RECORDS / 2, "{written} in all");
}

/// With time enough, nothing that passes costs a record: nobody waits for what never comes.
#[tokio::test(start_paused = true)]
async fn what_passes_costs_no_record() {
    let weather = Weather {
        codes: &PASSING,
        delivery_timeout: |_| Duration::from_secs(1000),
    };
    for seed in 0..200 {
        assert_eq!(run(seed, &weather).await, RECORDS, "seed {seed}");
    }
}

/// Says how many of the [`RECORDS`] were written.
async fn run(seed: u64, weather: &Weather) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    // The jitter of the client comes from the same seed.
    fastrand::seed(seed);
    let kafka = kafka().await;
    kafka
        .create_topic_on("t", &[vec![1, 2, 3], vec![2, 3, 1], vec![3, 1, 2]])
        .unwrap();
    let writer = config(&kafka)
        .topic("t")
        .batch_size(random.usize(1..20))
        .delivery_timeout((weather.delivery_timeout)(&mut random))
        .build()
        .unwrap();
    let mut handles: Vec<(i32, String, Delivery)> = Vec::new();
    let mut faults = 0;
    for number in 0..RECORDS {
        if random.u8(..40) == 0 {
            faults += break_something(&kafka, weather.codes, &mut random).await;
        }
        if random.u8(..20) == 0 {
            tokio::time::sleep(Duration::from_millis(random.u64(..400))).await;
        }
        handles.push(send(&writer, number, &mut random).await);
    }
    let all_sent = Instant::now();
    writer.flush().await;
    let waited = all_sent.elapsed();
    assert!(
        waited <= WORST_FAULT * faults,
        "seed {seed}: {waited:?} for {faults} faults"
    );
    // Whatever happened, the writer is as good as new, once a request that nobody answers has had its time.
    kafka.clear_faults();
    let healed = Instant::now();
    for partition in 0..PARTITIONS {
        let late = Record::new("1000000").partition(partition);
        let outcome = writer.write(&[late]).await;
        assert!(outcome.is_ok(), "seed {seed}: {outcome:?}");
    }
    assert!(healed.elapsed() <= WORST_FAULT, "seed {seed}");
    writer.close().await.unwrap();
    check(seed, &kafka, handles).await
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

/// Says how many requests will fare badly.
async fn break_something(
    kafka: &EmbeddedKafka,
    codes: &[ErrorCode],
    random: &mut fastrand::Rng,
) -> u32 {
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
            drop(fault.error(codes[random.usize(..codes.len())]));
            kafka
                .move_leader("t", random.i32(0..PARTITIONS), random.i32(1..4))
                .unwrap();
        }
        8 => {
            let times = random.u32(1..4);
            let code = codes[random.usize(..codes.len())];
            drop(fault.error(code).times(times as usize));
            return times;
        }
        _ => {
            drop(fault.error_after(ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND));
            kafka.drop_connections().await.unwrap();
        }
    }
    1
}

/// Compares outcomes with the log; says how many records were written.
async fn check(seed: u64, kafka: &EmbeddedKafka, handles: Vec<(i32, String, Delivery)>) -> usize {
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
    written
}

/// What a request can cost: its timeout, then the longest backoff with its 20 %.
const WORST_FAULT: Duration = REQUEST_TIMEOUT.saturating_add(Duration::from_millis(1200));
