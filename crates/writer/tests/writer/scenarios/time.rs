//! Too large, too late, too much, too few.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Delivery, ErrorClass, Record, Writer};
use tokio::time::Instant;

use crate::rig::{DELIVERY_TIMEOUT, config, start, stored, values};

/// The broker takes 100 kB: a batch of 60 records of 5 kB is cut until it fits and is there once, in order, in at most eight
/// requests; one record of 200 kB is rejected, and those around it are not.
#[tokio::test(start_paused = true)]
async fn s09_what_is_too_large_is_split_or_rejected() {
    let kafka = start(EmbeddedKafka::builder().max_message_bytes(100_000)).await;
    kafka.create_topic("t", 1).unwrap();
    let config = config(&kafka).topic("t").batch_bytes(400_000);
    let writer = config.build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    let before = kafka.requests_of(ApiKey::PRODUCE).len();
    let large: Vec<_> = (0..60).map(|number| format!("{number:05000}")).collect();
    let records: Vec<_> = large.iter().map(Record::new).collect();
    writer.write(&records).await.unwrap();
    assert_eq!(values(&kafka, "t", 0)[1..], large[..]);
    let requests = kafka.requests_of(ApiKey::PRODUCE);
    assert!(requests.len() - before <= 8, "{}", requests.len() - before);

    let huge = "x".repeat(200_000);
    let mut handles = Vec::new();
    for value in ["small", &huge, "small too"] {
        handles.push(writer.send(Record::new(value)).await.unwrap());
    }
    let mut outcomes = Vec::new();
    for handle in handles {
        outcomes.push(handle.await.map_err(|error| error.class()));
    }
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    let rejected = ErrorClass::Rejected(ErrorCode::MESSAGE_TOO_LARGE);
    assert_eq!(outcomes[1].as_ref().unwrap_err(), &rejected);
}

/// The delivery timeout passes for a record (i) in a queue, (ii) in a request of which only a part has left, (iii) on the wire,
/// while another topic takes buffers from the same pool; then the broker reads on. (i) is not written, (ii) and (iii) may be,
/// each in time to 10 ms, and no record is ever found in the other topic. 10,000 times.
#[tokio::test(start_paused = true)]
async fn s10_expiry_tells_what_is_known_and_mixes_nothing_up() {
    let kafka = start(EmbeddedKafka::builder().pipe_bytes(1024)).await;
    kafka.create_topic_on("slow", &[vec![1], vec![1]]).unwrap();
    kafka.create_topic_on("quick", &[vec![2]]).unwrap();
    let writer = config(&kafka)
        .request_timeout(DELIVERY_TIMEOUT * 4)
        .delivery_timeout(DELIVERY_TIMEOUT)
        .idempotence(false)
        .build()
        .unwrap();
    for partition in 0..2 {
        let warm = Record::new("slow").topic("slow").partition(partition);
        writer.write(&[warm]).await.unwrap();
    }
    let mut random = fastrand::Rng::with_seed(10);
    for round in 0..ROUNDS {
        let slow = format!("slow {round} {}", "s".repeat(random.usize(0..100)));
        let long = format!("slow {round} {}", "l".repeat(random.usize(1500..6000)));
        kafka
            .on_next(ApiKey::PRODUCE)
            .node(1)
            .delay(DELIVERY_TIMEOUT + Duration::from_secs(random.u64(1..5)));
        let begun = Instant::now();
        let on_wire = send(&writer, &slow, 0).await;
        let partly = send(&writer, &long, 1).await;
        let queued = send(&writer, &slow, 0).await;
        let mut quick = Vec::new();
        for number in 0..3 {
            let value = format!(
                "quick {round} {number} {}",
                "q".repeat(random.usize(..6000))
            );
            let record = Record::new(&value).topic("quick").partition(0);
            quick.push(writer.send(record).await.unwrap());
        }
        for (handle, class) in [
            (on_wire, ErrorClass::MaybeWritten),
            (partly, ErrorClass::MaybeWritten),
            (queued, ErrorClass::NotWritten),
        ] {
            assert_eq!(handle.await.unwrap_err().class(), class, "round {round}");
            let late = begun.elapsed() - DELIVERY_TIMEOUT;
            assert!(late <= Duration::from_millis(10), "round {round}: {late:?}");
        }
        let after = format!("quick {round} after {}", "a".repeat(6000));
        let record = Record::new(&after).topic("quick").partition(0);
        writer.write(&[record]).await.unwrap();
        for handle in quick {
            handle.await.unwrap();
        }
        // The broker goes on, and reads what was sent to it so long ago.
        for partition in 0..2 {
            let value = format!("slow {round} again");
            let record = Record::new(&value).topic("slow").partition(partition);
            writer.write(&[record]).await.unwrap();
        }
        if round % 500 == 499 {
            expect_own(&kafka, round);
            kafka.clear_requests();
        }
    }
}

async fn send(writer: &Writer, value: &str, partition: i32) -> Delivery {
    let record = Record::new(value).topic("slow").partition(partition);
    writer.send(record).await.unwrap()
}

/// Each topic has only its own records, whole; then they are deleted.
fn expect_own(kafka: &EmbeddedKafka, round: usize) {
    for (topic, partition) in [("slow", 0), ("slow", 1), ("quick", 0)] {
        let found = stored(kafka, topic, partition);
        assert!(!found.is_empty());
        for record in &found {
            let value = String::from_utf8(record.value.clone().unwrap()).unwrap();
            let filling = value.rsplit(' ').next().unwrap_or_default();
            let is_whole = filling
                .bytes()
                .all(|byte| Some(byte) == filling.bytes().next())
                || ["again", "slow"].contains(&filling);
            assert!(
                value.starts_with(topic) && is_whole,
                "round {round}: {value} in {topic}"
            );
        }
        let end = kafka.offsets(topic, partition).unwrap().1;
        kafka.delete_records(topic, partition, end).unwrap();
    }
}

const ROUNDS: usize = 10_000;

/// A broker that takes a batch a second, 200 tasks that send more than the memory holds, some of which give up waiting at a
/// random time: the memory keeps its bound, who gives up leaves nothing behind, and when the broker is well again everyone
/// else is served.
#[tokio::test(start_paused = true)]
async fn s11_a_slow_broker_meets_a_bound() {
    for seed in 0..200 {
        let kafka = start(EmbeddedKafka::builder()).await;
        kafka.create_topic("t", 1).unwrap();
        let writer = config(&kafka)
            .topic("t")
            .buffer_memory(MEMORY)
            .batch_bytes(MEMORY / 4)
            .delivery_timeout(Duration::from_secs(600))
            .max_block(Duration::from_secs(600))
            .build()
            .unwrap();
        writer.write(&[Record::new("before")]).await.unwrap();
        kafka
            .on_next(ApiKey::PRODUCE)
            .delay(Duration::from_secs(1))
            .times(10);
        let outstanding = Arc::new(AtomicUsize::new(0));
        let mut random = fastrand::Rng::with_seed(seed);
        let mut tasks = Vec::new();
        for number in 0..200 {
            let patience = random
                .bool()
                .then(|| Duration::from_millis(random.u64(..8000)));
            let size = random.usize(100..4000);
            let (writer, outstanding) = (writer.clone(), Arc::clone(&outstanding));
            tasks.push(tokio::spawn(async move {
                let value = format!("{number} {}", "x".repeat(size));
                let sending = writer.send(Record::new(&value));
                let patience = patience.unwrap_or(Duration::from_secs(600));
                let Ok(handle) = tokio::time::timeout(patience, sending).await else {
                    return false;
                };
                let handle = handle.unwrap();
                let bytes = outstanding.fetch_add(size, Ordering::Relaxed) + size;
                assert!(bytes <= MEMORY, "seed {seed}: {bytes}");
                assert!(
                    writer.stats().buffered_bytes <= MEMORY as u64,
                    "seed {seed}"
                );
                // No answer is awaited longer than it takes for this task to see it.
                let outcome = handle.await;
                outstanding.fetch_sub(size, Ordering::Relaxed);
                outcome.is_ok()
            }));
        }
        let mut written = 0;
        for task in tasks {
            written += usize::from(task.await.unwrap());
        }
        assert!(written >= 50, "seed {seed}: {written}");
        assert_eq!(values(&kafka, "t", 0).len(), 1 + written, "seed {seed}");
        writer.flush().await;
        assert_eq!(writer.stats().buffered_bytes, 0, "seed {seed}");
    }
}

const MEMORY: usize = 64 * 1024;

/// Too few replicas until the delivery timeout: not written when the broker refused, maybe written when it had stored the batch
/// before. Attempts follow the backoff: 100 ms doubling to 1 s, 20 % more or less.
#[tokio::test(start_paused = true)]
async fn s12_missing_replicas_are_classed_by_what_was_stored() {
    for (code, class) in [
        (ErrorCode::NOT_ENOUGH_REPLICAS, ErrorClass::NotWritten),
        (
            ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            ErrorClass::MaybeWritten,
        ),
    ] {
        let kafka = start(EmbeddedKafka::builder()).await;
        kafka.create_topic("t", 1).unwrap();
        let writer = config(&kafka).topic("t").build().unwrap();
        let fault = kafka.on_next(ApiKey::PRODUCE).times(usize::MAX);
        drop(match class {
            ErrorClass::NotWritten => fault.error(code),
            _ => fault.error_after(code),
        });
        let begun = Instant::now();
        let handle = writer.send(Record::new("v")).await.unwrap();
        let error = handle.await.unwrap_err();
        assert_eq!(error.class(), class, "{error}");
        let late = begun.elapsed() - DELIVERY_TIMEOUT;
        assert!(late <= Duration::from_millis(10), "{late:?}");
        let copies = usize::from(class == ErrorClass::MaybeWritten);
        assert_eq!(values(&kafka, "t", 0).len(), copies);
        let requests = kafka.requests_of(ApiKey::PRODUCE);
        for (attempt, pair) in requests.windows(2).enumerate() {
            let wait = pair[1].at - pair[0].at;
            let planned = Duration::from_millis(100 << attempt.min(4)).min(Duration::from_secs(1));
            // Timers are rounded up to a millisecond.
            let longest = planned.mul_f64(1.2) + Duration::from_millis(2);
            assert!(
                (planned.mul_f64(0.8)..=longest).contains(&wait),
                "attempt {attempt}: {wait:?}"
            );
        }
    }
}

/// A quota is used up (KIP-219): the next request waits as long as the broker asked for, which costs nobody an error.
#[tokio::test(start_paused = true)]
async fn a_throttled_writer_slows_down() {
    let pause = Duration::from_secs(3);
    let kafka = start(EmbeddedKafka::builder().throttle(pause)).await;
    kafka.create_topic_on("t", &[vec![1]]).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    for number in 0..4 {
        writer
            .write(&[Record::new(&number.to_string())])
            .await
            .unwrap();
    }
    let requests = kafka.requests_of(ApiKey::PRODUCE);
    assert_eq!(requests.len(), 4, "none is sent twice");
    for pair in requests.windows(2) {
        assert!(pair[1].at - pair[0].at >= pause);
        assert_eq!(pair[1].connection, pair[0].connection);
    }
}

/// A leader with slow answers gets fewer of the records without a key than its share (KIP-794).
#[tokio::test(start_paused = true)]
async fn a_slow_leader_gets_fewer_records() {
    let kafka = start(EmbeddedKafka::builder()).await;
    kafka
        .create_topic_on("t", &[vec![1], vec![2], vec![3]])
        .unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .node(2)
        .delay(Duration::from_millis(200))
        .times(usize::MAX);
    let config = config(&kafka).topic("t").batch_bytes(4096);
    let writer = config.build().unwrap();
    let value = "x".repeat(100);
    for _ in 0..20_000 {
        drop(writer.send(Record::new(&value)).await.unwrap());
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    writer.flush().await;
    let counts = [0, 1, 2].map(|partition| values(&kafka, "t", partition).len());
    assert_eq!(counts.iter().sum::<usize>(), 20_000);
    let [first, slow, third] = counts;
    assert!(slow * 2 < first.min(third), "{counts:?}");
}
