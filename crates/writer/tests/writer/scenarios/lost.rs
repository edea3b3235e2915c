//! Requests and answers that are lost, late or not understood.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{ErrorClass, Record};
use tokio::time::Instant;

use super::{FIRST_BACKOFF, copies, expect_frozen, sent};
use crate::faults::{expect_numbers, send_numbers, small_batches, stamps};
use crate::rig::{REQUEST_TIMEOUT, config, start, values};

/// The requests that a fault befell: connection and correlation id.
type Befallen = Arc<Mutex<Vec<(u64, i32)>>>;

/// Each seventh produce request is carried out, and its answer lost with the connection.
fn lose_each_seventh_answer(kafka: &EmbeddedKafka) -> Befallen {
    let befallen = Befallen::default();
    let (count, note) = (AtomicUsize::new(0), Arc::clone(&befallen));
    kafka
        .on_next(ApiKey::PRODUCE)
        .drop_after()
        .times(usize::MAX)
        .when(move |request| {
            let is_seventh = count.fetch_add(1, Ordering::Relaxed) % 7 == 6;
            if is_seventh {
                let mut befallen = note.lock().unwrap();
                befallen.push((request.connection, request.correlation_id));
            }
            is_seventh
        });
    befallen
}

/// 1,000 records, three partitions, each seventh answer lost: all written, once, without a gap between sequences, and what is
/// sent again is the same to the byte.
#[tokio::test(start_paused = true)]
async fn s01_lost_answers_lose_and_double_nothing() {
    let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
    kafka.create_topic("t", 3).unwrap();
    let writer = small_batches(&kafka).build().unwrap();
    let befallen = lose_each_seventh_answer(&kafka);
    for handle in send_numbers(&writer, 0..1000, 3).await {
        handle.await.unwrap();
    }
    assert!(
        befallen.lock().unwrap().len() >= 10,
        "{}",
        befallen.lock().unwrap().len()
    );
    expect_numbers(&kafka, 0..1000, 3);
    for partition in 0..3 {
        let mut next = 0;
        for (epoch, sequence, count) in stamps(&kafka, partition) {
            assert_eq!((epoch, sequence), (0, next), "partition {partition}");
            next += count;
        }
    }
    expect_frozen(&sent(&kafka));
}

/// A broker that says of a batch sent again that it has it: the batch is written.
#[tokio::test(start_paused = true)]
async fn s01_a_duplicate_is_written() {
    let kafka = start(EmbeddedKafka::builder()).await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    kafka.on_next(ApiKey::PRODUCE).drop_after();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::DUPLICATE_SEQUENCE_NUMBER);
    let handle = writer.send(Record::new("0")).await.unwrap();
    assert_eq!(handle.await.unwrap().offset(), None, "the broker said none");
    assert_eq!(kafka.pending_faults(), 0);
    writer.write(&[Record::new("1")]).await.unwrap();
    expect_numbers(&kafka, 0..2, 1);
}

/// The same without idempotence: all written, at most one copy for each attempt, and none but of records whose answer was
/// lost.
#[tokio::test(start_paused = true)]
async fn s02_without_idempotence_only_lost_answers_double() {
    let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
    kafka.create_topic("t", 3).unwrap();
    let writer = small_batches(&kafka).idempotence(false).build().unwrap();
    let befallen = lose_each_seventh_answer(&kafka);
    for handle in send_numbers(&writer, 0..1000, 3).await {
        handle.await.unwrap();
    }
    let befallen = befallen.lock().unwrap().clone();
    let (mut attempts, mut lost) = (Vec::new(), Vec::new());
    for batch in sent(&kafka) {
        if befallen.contains(&(batch.connection, batch.correlation_id)) {
            lost.extend(batch.values.iter().cloned());
        }
        attempts.extend(batch.values);
    }
    let stored: Vec<_> = (0..3)
        .flat_map(|partition| values(&kafka, "t", partition))
        .collect();
    let (stored, attempts, lost) = (copies(&stored), copies(&attempts), copies(&lost));
    assert_eq!(stored.len(), 1000);
    for (value, copies) in &stored {
        assert!(*copies <= attempts[value], "{value}");
        assert_eq!(
            *copies,
            1 + lost.get(value).copied().unwrap_or(0),
            "{value}"
        );
    }
    assert!(!lost.is_empty());
}

/// A batch is stored and answered with REQUEST_TIMED_OUT; its caller goes away; 100 records follow: those are there once, the
/// batch at most once and classed as maybe written, and no sequence number stands for two things.
#[tokio::test(start_paused = true)]
async fn s03_what_follows_an_ambiguous_batch_never_takes_its_numbers() {
    for appended in [true, false] {
        let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
        kafka.create_topic("t", 1).unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&told);
        let writer = config(&kafka)
            .topic("t")
            .max_attempts(1)
            .completion(move |batch| {
                if let Some(error) = batch.error() {
                    let class = (error.class(), batch.len());
                    note.lock().unwrap().push(class);
                }
            })
            .build()
            .unwrap();
        writer.write(&[Record::new("before")]).await.unwrap();
        let fault = kafka.on_next(ApiKey::PRODUCE);
        if appended {
            drop(fault.error_after(ErrorCode::REQUEST_TIMED_OUT));
        } else {
            drop(fault.error(ErrorCode::REQUEST_TIMED_OUT));
        }
        drop(writer.send(Record::new("ambiguous")).await.unwrap());
        for handle in send_numbers(&writer, 0..100, 1).await {
            handle.await.unwrap();
        }
        assert_eq!(*told.lock().unwrap(), [(ErrorClass::MaybeWritten, 1)]);
        let mut found = values(&kafka, "t", 0);
        found.retain(|value| value != "ambiguous");
        assert_eq!(found.len(), 101, "each once, the ambiguous one aside");
        let numbers: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        assert_eq!(found[1..], numbers);
        let ambiguous = values(&kafka, "t", 0).len() - found.len();
        assert_eq!(ambiguous, usize::from(appended));
        expect_frozen(&sent(&kafka));
    }
}

/// A broker is silent on one request for three request timeouts, then sends the old answer: the request fails at its timeout
/// to the millisecond, its connection is given up, the batch goes over another and is there once.
#[tokio::test(start_paused = true)]
async fn s04_a_silent_broker_costs_one_request_timeout() {
    let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("0")]).await.unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .delay_answer(REQUEST_TIMEOUT * 3);
    let begun = Instant::now();
    writer.write(&[Record::new("1")]).await.unwrap();
    let again = begun.elapsed() - REQUEST_TIMEOUT;
    assert!(FIRST_BACKOFF.contains(&again), "{again:?}");
    let [_, first, second] = &sent(&kafka)[..] else {
        panic!("two attempts");
    };
    assert_ne!(first.connection, second.connection);
    tokio::time::sleep(REQUEST_TIMEOUT * 3).await;
    writer.write(&[Record::new("2")]).await.unwrap();
    expect_numbers(&kafka, 0..3, 1);
    let late: Vec<_> = sent(&kafka).iter().map(|batch| batch.connection).collect();
    assert_eq!(late[2], late[3], "the late answer disturbs nobody");
}

/// Where a refused batch should have gone (KIP-951) is in the answer: it goes there at once, and nobody asks for metadata.
#[tokio::test(start_paused = true)]
async fn a_leader_named_in_the_answer_is_used_at_once() {
    let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
    kafka.create_topic_on("t", &[vec![1, 2, 3]]).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("0")]).await.unwrap();
    kafka.move_leader("t", 0, 2).unwrap();
    kafka
        .on_next(ApiKey::METADATA)
        .delay(Duration::from_secs(60))
        .times(usize::MAX);
    let begun = Instant::now();
    writer.write(&[Record::new("1")]).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let nodes: Vec<_> = sent(&kafka).iter().map(|batch| batch.node).collect();
    assert_eq!(nodes, [1, 1, 2]);
    expect_numbers(&kafka, 0..2, 1);
}
