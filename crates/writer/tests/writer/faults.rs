//! What happens to records when brokers and connections misbehave: exactly one outcome each, and the truth.

use std::collections::HashMap;
use std::time::Duration;

use ekafka_protocol::messages::ProduceRequest;
use ekafka_protocol::records::{BatchIter, DecodeLimits};
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Acks, Delivery, ErrorClass, Record, Writer, WriterConfig, WriterError};
use tokio::time::Instant;

use crate::rig::{DELIVERY_TIMEOUT, REQUEST_TIMEOUT, config, kafka, start, values};

/// Small batches, so that several of a partition are in flight.
pub(crate) fn small_batches(kafka: &EmbeddedKafka) -> WriterConfig {
    config(kafka).topic("t").batch_size(10)
}

pub(crate) async fn send_numbers(
    writer: &Writer,
    numbers: std::ops::Range<i32>,
    partitions: i32,
) -> Vec<Delivery> {
    let mut handles = Vec::new();
    for number in numbers {
        let value = number.to_string();
        handles.push(
            writer
                .send(Record::new(&value).partition(number % partitions))
                .await
                .unwrap(),
        );
    }
    handles
}

pub(crate) fn expect_numbers(
    kafka: &EmbeddedKafka,
    numbers: std::ops::Range<i32>,
    partitions: i32,
) {
    for partition in 0..partitions {
        let expected = numbers
            .clone()
            .filter(|number| number % partitions == partition);
        let expected: Vec<_> = expected.map(|number| number.to_string()).collect();
        assert_eq!(
            values(kafka, "t", partition),
            expected,
            "partition {partition}"
        );
    }
}

/// Epoch, base sequence and record count of the batches that a partition holds.
pub(crate) fn stamps(kafka: &EmbeddedKafka, partition: i32) -> Vec<(i16, i32, i32)> {
    let batches = BatchIter::new(kafka.log("t", partition).unwrap(), &DecodeLimits::default());
    let stamps = batches.map(|batch| {
        let batch = batch.unwrap();
        (
            batch.producer_epoch(),
            batch.base_sequence(),
            batch.count().unwrap() as i32,
        )
    });
    stamps.collect()
}

/// S01, S02: answers are lost with their connections; the broker has the batches.
#[tokio::test(start_paused = true)]
async fn lost_answers_lose_and_double_nothing() {
    let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
    kafka.create_topic("t", 3).unwrap();
    let writer = small_batches(&kafka).build().unwrap();
    for round in 0..10 {
        kafka.on_next(ApiKey::PRODUCE).skip(6).drop_after();
        let handles = send_numbers(&writer, round * 100..round * 100 + 100, 3).await;
        for handle in handles {
            handle.await.unwrap();
        }
    }
    expect_numbers(&kafka, 0..1000, 3);
    for partition in 0..3 {
        let mut next = 0;
        for (epoch, sequence, count) in stamps(&kafka, partition) {
            assert_eq!((epoch, sequence), (0, next), "sequences have no gap");
            next += count;
        }
    }
    // Whatever was sent twice was sent with the same bytes.
    let mut sent = HashMap::new();
    for request in kafka.requests_of(ApiKey::PRODUCE) {
        for topic in request.decode::<ProduceRequest>().unwrap().topic_data {
            for partition in topic.partition_data {
                let records = partition.records.unwrap();
                let limits = DecodeLimits::default();
                let first = BatchIter::new(records.clone(), &limits)
                    .next()
                    .unwrap()
                    .unwrap()
                    .base_sequence();
                let before = sent
                    .entry((partition.index, first))
                    .or_insert_with(|| records.clone());
                assert_eq!(*before, records);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_idempotence_lost_answers_may_double_but_not_lose_or_reorder() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = small_batches(&kafka).idempotence(false).build().unwrap();
    kafka.on_next(ApiKey::PRODUCE).skip(2).drop_after();
    for handle in send_numbers(&writer, 0..100, 1).await {
        handle.await.unwrap();
    }
    let found: Vec<i32> = values(&kafka, "t", 0)
        .iter()
        .map(|value| value.parse().unwrap())
        .collect();
    let mut once = found.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once, (0..100).collect::<Vec<_>>());
    assert!(
        found.len() > 100,
        "the batch whose answer was lost is there twice"
    );
    let firsts: Vec<_> = found.chunks(10).map(|batch| batch[0]).collect();
    assert!(firsts.is_sorted(), "{firsts:?}");
}

/// S03: an ambiguous batch whose caller is gone; what follows must not take its numbers.
#[tokio::test(start_paused = true)]
async fn records_after_an_ambiguous_batch_are_stored_once() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").max_attempts(1).build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error_after(ErrorCode::REQUEST_TIMED_OUT);
    let ambiguous = writer.send(Record::new("ambiguous")).await.unwrap();
    let handles = send_numbers(&writer, 0..100, 1).await;
    for handle in handles {
        handle.await.unwrap();
    }
    let error = ambiguous.await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::MaybeWritten);
    assert!(error.maybe_written());
    let found = values(&kafka, "t", 0);
    assert_eq!(found[..2], ["before", "ambiguous"]);
    assert_eq!(
        found[2..],
        (0..100)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
    );
}

/// S04: a silent broker; the request ends at its timeout, the batch goes over a new connection.
#[tokio::test(start_paused = true)]
async fn a_silent_broker_costs_one_request_timeout() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka.on_next(ApiKey::PRODUCE).silence_after();
    let begun = Instant::now();
    writer.write(&[Record::new("silent")]).await.unwrap();
    assert!(begun.elapsed() >= REQUEST_TIMEOUT, "{:?}", begun.elapsed());
    assert!(
        begun.elapsed() < REQUEST_TIMEOUT + Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(values(&kafka, "t", 0), ["before", "silent"]);
}

/// S05: several batches of a partition in flight, one in the middle is refused.
#[tokio::test(start_paused = true)]
async fn a_refused_batch_keeps_its_place() {
    let codes = [
        ErrorCode::NOT_LEADER_OR_FOLLOWER,
        ErrorCode::CORRUPT_MESSAGE,
        ErrorCode::NOT_ENOUGH_REPLICAS,
        ErrorCode::KAFKA_STORAGE_ERROR,
        ErrorCode::LEADER_NOT_AVAILABLE,
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
    ];
    for code in codes {
        for idempotent in [true, false] {
            let kafka = kafka().await;
            kafka.create_topic("t", 1).unwrap();
            let writer = small_batches(&kafka)
                .idempotence(idempotent)
                .build()
                .unwrap();
            writer.write(&[Record::new("0")]).await.unwrap();
            kafka.on_next(ApiKey::PRODUCE).skip(1).error(code);
            for handle in send_numbers(&writer, 1..100, 1).await {
                handle.await.unwrap();
            }
            expect_numbers(&kafka, 0..100, 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_cut_with_batches_in_flight_keeps_their_order() {
    for before in 0..8 {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let writer = small_batches(&kafka).build().unwrap();
        kafka.on_next(ApiKey::PRODUCE).skip(before).drop_before();
        kafka.on_next(ApiKey::PRODUCE).skip(before + 3).drop_after();
        for handle in send_numbers(&writer, 0..200, 1).await {
            handle.await.unwrap();
        }
        expect_numbers(&kafka, 0..200, 1);
    }
}

/// S06: the leader moves while batches are in flight.
#[tokio::test(start_paused = true)]
async fn a_moving_leader_is_followed() {
    let kafka = kafka().await;
    kafka.create_topic_on("t", &[vec![1, 2, 3]]).unwrap();
    let writer = small_batches(&kafka).build().unwrap();
    let mut next = 0;
    for leader in [2, 3, 1, 2] {
        let mut handles = send_numbers(&writer, next..next + 100, 1).await;
        kafka.move_leader("t", 0, leader).unwrap();
        handles.extend(send_numbers(&writer, next + 100..next + 200, 1).await);
        for handle in handles {
            handle.await.unwrap();
        }
        next += 200;
    }
    expect_numbers(&kafka, 0..next, 1);
}

/// S07: the broker has forgotten the producer, or knows a newer epoch.
#[tokio::test(start_paused = true)]
async fn a_lost_sequence_begins_a_new_epoch_once() {
    for code in [
        ErrorCode::UNKNOWN_PRODUCER_ID,
        ErrorCode::INVALID_PRODUCER_EPOCH,
        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER,
    ] {
        let kafka = kafka().await;
        kafka.create_topic("t", 3).unwrap();
        let writer = small_batches(&kafka).build().unwrap();
        for handle in send_numbers(&writer, 0..30, 3).await {
            handle.await.unwrap();
        }
        kafka
            .on_next(ApiKey::PRODUCE)
            .error(code)
            .partition("t", 1)
            .when(|request| {
                let request: ProduceRequest = request.decode().unwrap();
                request.topic_data[0]
                    .partition_data
                    .iter()
                    .any(|partition| partition.index == 1)
            });
        for handle in send_numbers(&writer, 30..600, 3).await {
            handle.await.unwrap();
        }
        expect_numbers(&kafka, 0..600, 3);
        let identities = kafka.requests_of(ApiKey::INIT_PRODUCER_ID).len();
        let epochs = stamps(&kafka, 1).last().unwrap().0;
        if code == ErrorCode::INVALID_PRODUCER_EPOCH {
            assert_eq!(identities, 2, "a refused epoch asks for a new identity");
        } else {
            assert_eq!(
                (identities, epochs),
                (1, 1),
                "one new epoch, without asking"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fenced_writer_fails_everything_at_once() {
    let kafka = kafka().await;
    kafka.create_topic("t", 2).unwrap();
    let writer = small_batches(&kafka).build().unwrap();
    writer
        .write(&[Record::new("before").partition(0)])
        .await
        .unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::PRODUCER_FENCED)
        .times(usize::MAX);
    let handles = send_numbers(&writer, 0..100, 2).await;
    let begun = Instant::now();
    for handle in handles {
        assert_eq!(handle.await.unwrap_err().class(), ErrorClass::Fatal);
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
    let error = writer.send(Record::new("later")).await.unwrap_err();
    assert!(error.is_fatal(), "{error}");
    assert_eq!(error.class(), ErrorClass::Fatal);
}

/// S09: a batch over the broker's limit is cut in two, a record over it is rejected alone.
#[tokio::test(start_paused = true)]
async fn a_batch_too_large_for_the_broker_is_split() {
    let kafka = start(EmbeddedKafka::builder().max_message_bytes(100_000)).await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka)
        .topic("t")
        .batch_bytes(400_000)
        .build()
        .unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    let values: Vec<_> = (0..60).map(|number| format!("{number:05000}")).collect();
    let records: Vec<_> = values.iter().map(Record::new).collect();
    let requests = kafka.requests_of(ApiKey::PRODUCE).len();
    writer.write(&records).await.unwrap();
    let stored = crate::rig::values(&kafka, "t", 0);
    assert_eq!(stored[1..], values[..]);
    assert!(kafka.requests_of(ApiKey::PRODUCE).len() - requests <= 8);

    let large = "x".repeat(200_000);
    let handles = [
        writer.send(Record::new("small")).await.unwrap(),
        writer.send(Record::new(&large)).await.unwrap(),
        writer.send(Record::new("small too")).await.unwrap(),
    ];
    let [first, second, third] = handles;
    assert_eq!(first.await.unwrap().offset(), Some(61));
    let error = second.await.unwrap_err();
    assert_eq!(
        error.class(),
        ErrorClass::Rejected(ErrorCode::MESSAGE_TOO_LARGE),
        "{error}"
    );
    assert_eq!(third.await.unwrap().offset(), Some(62));
}

/// S10: the delivery timeout passes while a record is queued, and while an answer is awaited.
#[tokio::test(start_paused = true)]
async fn expiry_tells_what_is_known() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka)
        .topic("t")
        .request_timeout(DELIVERY_TIMEOUT * 2)
        .build()
        .unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka.on_next(ApiKey::PRODUCE).silence();
    let begun = Instant::now();
    let on_wire = writer.send(Record::new("on the wire")).await.unwrap();
    let queued = writer.send(Record::new("queued")).await.unwrap();
    let error = on_wire.await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::MaybeWritten, "{error}");
    let error = queued.await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotWritten, "{error}");
    let late = begun.elapsed() - DELIVERY_TIMEOUT;
    assert!(late < Duration::from_millis(10), "{late:?}");
    // The writer goes on once the silent connection has ended.
    for handle in send_numbers(&writer, 0..10, 1).await {
        handle.await.unwrap_err();
    }
    writer.write(&[Record::new("after")]).await.unwrap();
    assert_eq!(values(&kafka, "t", 0), ["before", "after"]);
}

/// S12: refusals that say whether the batch was stored.
#[tokio::test(start_paused = true)]
async fn missing_replicas_are_classed_by_what_was_stored() {
    for (code, class) in [
        (ErrorCode::NOT_ENOUGH_REPLICAS, ErrorClass::NotWritten),
        (
            ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND,
            ErrorClass::MaybeWritten,
        ),
    ] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let writer = config(&kafka).topic("t").build().unwrap();
        kafka.on_next(ApiKey::PRODUCE).error(code).times(usize::MAX);
        let begun = Instant::now();
        let error = writer
            .send(Record::new("v"))
            .await
            .unwrap()
            .await
            .unwrap_err();
        assert_eq!(error.class(), class, "{error}");
        assert!(error.is_retriable());
        assert!(begun.elapsed() >= DELIVERY_TIMEOUT);
        assert!(begun.elapsed() < DELIVERY_TIMEOUT + Duration::from_millis(50));
        // 100 ms doubling to 1 s, 20 % either way: about 23 attempts in 20 s.
        let attempts = kafka.requests_of(ApiKey::PRODUCE).len();
        assert!((18..=28).contains(&attempts), "{attempts}");
    }
}

/// S13: acks none is never sent twice.
#[tokio::test(start_paused = true)]
async fn acks_none_never_retries() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").acks(Acks::None).build().unwrap();
    writer.write(&[Record::new("0")]).await.unwrap();
    kafka.on_next(ApiKey::PRODUCE).drop_before();
    let _ = writer.write(&[Record::new("lost")]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _ = writer.write(&[Record::new("2")]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let found = values(&kafka, "t", 0);
    assert!(!found.contains(&"lost".to_owned()));
    assert_eq!(kafka.requests_of(ApiKey::PRODUCE).len(), 3);
}

/// S14: each partition of an answer for itself.
#[tokio::test(start_paused = true)]
async fn partitions_of_one_answer_fare_separately() {
    let kafka = kafka().await;
    kafka
        .create_topic_on("t", &[vec![1], vec![1], vec![1]])
        .unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    let warm_up: Vec<_> = (0..3)
        .map(|partition| Record::new("0").partition(partition))
        .collect();
    writer.write(&warm_up).await.unwrap();
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::INVALID_RECORD)
        .partition("t", 1);
    let records: Vec<_> = (0..3)
        .map(|partition| Record::new("1").partition(partition))
        .collect();
    let errors = writer.write(&records).await.unwrap_err();
    let failed: Vec<_> = errors
        .iter()
        .map(|(index, error)| (index, error.class()))
        .collect();
    assert_eq!(
        failed,
        [(1, ErrorClass::Rejected(ErrorCode::INVALID_RECORD))]
    );
    writer
        .write(&[Record::new("2").partition(1)])
        .await
        .unwrap();
    assert_eq!(values(&kafka, "t", 0), ["0", "1"]);
    assert_eq!(values(&kafka, "t", 1), ["0", "2"]);
    assert_eq!(values(&kafka, "t", 2), ["0", "1"]);
    assert_eq!(
        kafka.requests_of(ApiKey::PRODUCE).len(),
        3,
        "one request for the partitions of one broker"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stopped_leader_is_waited_for() {
    let kafka = kafka().await;
    kafka.create_topic_on("t", &[vec![2]]).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka.stop_node(2).await;
    let handle = writer.send(Record::new("meanwhile")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!handle.is_done());
    kafka.start_node(2).await.unwrap();
    handle.await.unwrap();
    assert_eq!(values(&kafka, "t", 0), ["before", "meanwhile"]);
}

#[tokio::test(start_paused = true)]
async fn a_writer_without_rights_to_an_identity_says_so() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    kafka
        .on_next(ApiKey::INIT_PRODUCER_ID)
        .error(ErrorCode::CLUSTER_AUTHORIZATION_FAILED)
        .times(usize::MAX);
    let writer = config(&kafka).topic("t").build().unwrap();
    let errors = writer.write(&[Record::new("v")]).await.unwrap_err();
    let error = errors.get(0).unwrap();
    assert!(
        matches!(
            error,
            WriterError::Fatal {
                maybe_written: false,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("CLUSTER_AUTHORIZATION_FAILED"),
        "{error}"
    );
}

/// S08: a topic made anew gets none of the old one's records, and starts its own sequence.
#[tokio::test(start_paused = true)]
async fn a_topic_made_anew_starts_afresh() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    for handle in send_numbers(&writer, 0..10, 1).await {
        handle.await.unwrap();
    }
    kafka.delete_topic("t").unwrap();
    kafka.create_topic("t", 1).unwrap();
    let old = writer.send(Record::new("for the old")).await.unwrap();
    let error = old.await.unwrap_err();
    assert!(
        error.class() == ErrorClass::NotWritten || error.maybe_written(),
        "{error}"
    );
    writer.write(&[Record::new("for the new")]).await.unwrap();
    assert_eq!(values(&kafka, "t", 0), ["for the new"]);
    assert_eq!(stamps(&kafka, 0)[0].1, 0);
    writer.close().await.unwrap();
}
