//! The producer's identity: lost sequences, fencing, topics that vanish or are made anew.

use std::time::Duration;

use ekafka_protocol::messages::ProduceRequest;
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{ErrorClass, Record};
use tokio::time::Instant;

use super::{expect_frozen, sent};
use crate::faults::{expect_numbers, send_numbers, small_batches, stamps};
use crate::rig::{DELIVERY_TIMEOUT, config, start, values};

const ROUND_TRIP: Duration = Duration::from_millis(20);

/// The broker has lost one partition's sequence while two others are under way: that partition begins one new epoch, once
/// nothing of its old one is on its way; the others keep theirs; every order is kept.
#[tokio::test(start_paused = true)]
async fn s07_a_lost_sequence_begins_one_epoch() {
    for code in [
        ErrorCode::UNKNOWN_PRODUCER_ID,
        ErrorCode::INVALID_PRODUCER_EPOCH,
    ] {
        let builder = EmbeddedKafka::builder().keep_bodies(true);
        let kafka = start(builder.round_trip(ROUND_TRIP)).await;
        kafka
            .create_topic_on("t", &[vec![1], vec![2], vec![3]])
            .unwrap();
        let writer = small_batches(&kafka).build().unwrap();
        for handle in send_numbers(&writer, 0..30, 3).await {
            handle.await.unwrap();
        }
        kafka
            .on_next(ApiKey::PRODUCE)
            .error(code)
            .when(|request| is_for(1, &request.decode().unwrap()));
        for handle in send_numbers(&writer, 30..600, 3).await {
            handle.await.unwrap();
        }
        expect_numbers(&kafka, 0..600, 3);
        let sent = sent(&kafka);
        for partition in 0..3 {
            let of_partition = sent.iter().filter(|batch| batch.partition == partition);
            let of_partition: Vec<_> = of_partition.collect();
            let changes: Vec<_> = of_partition
                .windows(2)
                .filter(|pair| {
                    (pair[0].producer, pair[0].epoch) != (pair[1].producer, pair[1].epoch)
                })
                .collect();
            assert_eq!(changes.len(), usize::from(partition == 1), "{code:?}");
            for pair in changes {
                assert!(pair[1].at - pair[0].at >= ROUND_TRIP, "{code:?}");
                assert_eq!(pair[1].sequence, 0);
            }
        }
    }
}

fn is_for(partition: i32, request: &ProduceRequest) -> bool {
    let mut partitions = request
        .topic_data
        .iter()
        .flat_map(|topic| &topic.partition_data);
    partitions.any(|data| data.index == partition)
}

/// Another producer has taken the identity: every outcome is fatal within a second, and later sends fail at once.
#[tokio::test(start_paused = true)]
async fn s07_a_fenced_writer_fails_everything_at_once() {
    let builder = EmbeddedKafka::builder().round_trip(ROUND_TRIP);
    let kafka = start(builder).await;
    kafka.create_topic("t", 3).unwrap();
    let writer = small_batches(&kafka).build().unwrap();
    for handle in send_numbers(&writer, 0..30, 3).await {
        handle.await.unwrap();
    }
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::PRODUCER_FENCED);
    let handles = send_numbers(&writer, 30..600, 3).await;
    let begun = Instant::now();
    let mut fatal = 0;
    for handle in handles {
        // Other brokers' answers may have come first.
        if let Err(error) = handle.await {
            assert_eq!(error.class(), ErrorClass::Fatal, "{error}");
            fatal += 1;
        }
    }
    assert!(fatal > 0);
    assert!(begun.elapsed() < Duration::from_secs(1));
    let begun = Instant::now();
    let error = writer.send(Record::new("later")).await.unwrap_err();
    assert!(error.is_fatal(), "{error}");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

/// Ten metadata answers do not know the topic, then it is back with the same id: sequences go on, nothing is lost.
#[tokio::test(start_paused = true)]
async fn s08_a_topic_missing_for_a_while_keeps_its_sequences() {
    let kafka = start(EmbeddedKafka::builder()).await;
    kafka.create_topic("t", 2).unwrap();
    let writer = small_batches(&kafka)
        .delivery_timeout(Duration::from_secs(120))
        .build()
        .unwrap();
    for handle in send_numbers(&writer, 0..20, 2).await {
        handle.await.unwrap();
    }
    kafka
        .on_next(ApiKey::METADATA)
        .error(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
        .times(10);
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)
        .times(10);
    for handle in send_numbers(&writer, 20..400, 2).await {
        handle.await.unwrap();
    }
    expect_numbers(&kafka, 0..400, 2);
    for partition in 0..2 {
        let mut next = 0;
        for (epoch, sequence, count) in stamps(&kafka, partition) {
            assert_eq!((epoch, sequence), (0, next), "partition {partition}");
            next += count;
        }
    }
}

/// The topic is deleted and made anew with batches on the wire, waiting to be sent again, and queued: they end as not or maybe
/// written, none goes into the new topic, whose sequences begin at 0.
#[tokio::test(start_paused = true)]
async fn s08_a_topic_made_anew_gets_nothing_of_the_old() {
    let builder = EmbeddedKafka::builder().keep_bodies(true);
    let kafka = start(builder.round_trip(ROUND_TRIP)).await;
    kafka.create_topic("t", 1).unwrap();
    let writer = small_batches(&kafka).build().unwrap();
    for handle in send_numbers(&writer, 0..10, 1).await {
        handle.await.unwrap();
    }
    let old = send_numbers(&writer, 10..200, 1).await;
    kafka.delete_topic("t").unwrap();
    kafka.create_topic("t", 1).unwrap();
    for handle in old {
        let error = handle.await.unwrap_err();
        assert!(
            error.class() == ErrorClass::NotWritten || error.maybe_written(),
            "{error}"
        );
    }
    writer.write(&[Record::new("for the new")]).await.unwrap();
    assert_eq!(values(&kafka, "t", 0), ["for the new"]);
    assert_eq!(stamps(&kafka, 0)[0].1, 0);
    let sent = sent(&kafka);
    let (last, others) = sent.split_last().unwrap();
    assert!(others.iter().all(|batch| batch.topic != last.topic));
    expect_frozen(&sent);
}

/// No rights to write idempotently: fatal and typed, and nothing was sent.
#[tokio::test(start_paused = true)]
async fn missing_rights_are_fatal_and_nothing_is_sent() {
    for code in [
        ErrorCode::CLUSTER_AUTHORIZATION_FAILED,
        ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ] {
        let kafka = start(EmbeddedKafka::builder()).await;
        kafka.create_topic("t", 1).unwrap();
        kafka.on_next(ApiKey::INIT_PRODUCER_ID).error(code);
        let writer = config(&kafka).topic("t").build().unwrap();
        let handle = writer.send(Record::new("v")).await.unwrap();
        let error = handle.await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Fatal, "{error}");
        assert!(!error.maybe_written());
        assert!(error.to_string().contains(code.name().unwrap()), "{error}");
        assert!(kafka.requests_of(ApiKey::PRODUCE).is_empty());
    }
}

/// The leader is gone for longer than the delivery timeout: what was sent meanwhile is reported as not written, in time, other
/// partitions keep their pace, and what is written after its return is.
#[tokio::test(start_paused = true)]
async fn a_leader_gone_for_longer_than_the_delivery_timeout_costs_its_records_alone() {
    let kafka = start(EmbeddedKafka::builder()).await;
    kafka.create_topic_on("t", &[vec![2], vec![3]]).unwrap();
    let writer = small_batches(&kafka).build().unwrap();
    for handle in send_numbers(&writer, 0..20, 2).await {
        handle.await.unwrap();
    }
    kafka.stop_node(2).await;
    let begun = Instant::now();
    let mut lost = Vec::new();
    for number in 0..50 {
        let value = format!("lost {number}");
        lost.push(writer.send(Record::new(&value).partition(0)).await.unwrap());
        let before = Instant::now();
        let other = (21 + 2 * number).to_string();
        writer
            .write(&[Record::new(&other).partition(1)])
            .await
            .unwrap();
        assert!(before.elapsed() < Duration::from_millis(10));
    }
    for (number, handle) in lost.into_iter().enumerate() {
        let error = handle.await.unwrap_err();
        // The first went into the connection before its end was seen.
        if number > 0 {
            assert_eq!(error.class(), ErrorClass::NotWritten, "{error}");
        }
        assert!(error.is_retriable());
    }
    let late = begun.elapsed() - DELIVERY_TIMEOUT;
    assert!(late < Duration::from_millis(10), "{late:?}");
    tokio::time::sleep(DELIVERY_TIMEOUT).await;
    kafka.start_node(2).await.unwrap();
    let back = Instant::now();
    writer
        .write(&[Record::new("20").partition(0)])
        .await
        .unwrap();
    assert!(
        back.elapsed() < Duration::from_secs(10),
        "{:?}",
        back.elapsed()
    );
    let mut found = values(&kafka, "t", 0);
    assert_eq!(found.pop().unwrap(), "20");
    assert_eq!(found.len(), 10, "nothing that was reported as not written");
}

/// Closed with a deadline while its only broker is silent: the close ends at the deadline, says what was lost, and every
/// record knows which.
#[tokio::test(start_paused = true)]
async fn closing_on_a_silent_broker_ends_at_the_deadline() {
    let kafka = start(EmbeddedKafka::builder()).await;
    kafka.create_topic("t", 1).unwrap();
    let writer = small_batches(&kafka).build().unwrap();
    for handle in send_numbers(&writer, 0..10, 1).await {
        handle.await.unwrap();
    }
    kafka
        .on_next(ApiKey::PRODUCE)
        .silence_after()
        .times(usize::MAX);
    let handles = send_numbers(&writer, 10..200, 1).await;
    let (begun, limit) = (Instant::now(), Duration::from_secs(12));
    let undelivered = writer.close_within(limit).await.unwrap_err();
    assert!(begun.elapsed() <= limit + Duration::from_millis(1));
    let mut classes = [0, 0];
    let found = values(&kafka, "t", 0);
    for (number, handle) in (10..).zip(handles) {
        let error = handle.await.unwrap_err();
        let stored = found.contains(&number.to_string());
        match error.class() {
            ErrorClass::NotWritten => {
                assert!(!stored, "{number}: {error}");
                classes[0] += 1;
            }
            ErrorClass::MaybeWritten => classes[1] += 1,
            other => panic!("{number}: {other}"),
        }
    }
    assert_eq!(
        [undelivered.not_written, undelivered.maybe_written],
        classes
    );
    assert!(classes.iter().all(|count| *count > 0), "{classes:?}");
}
