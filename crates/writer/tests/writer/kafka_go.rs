//! A writer with kafka-go's settings: when and how much it sends, as its documents say.

use std::time::Duration;

use ekafka_conn::{ConnConfig, dial_fn};
use ekafka_protocol::records::{BatchIter, DecodeLimits};
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Acks, Header, Record, Writer, WriterConfig, WriterError};
use tokio::time::Instant;

use crate::rig::{kafka, values};

const SECOND: Duration = Duration::from_secs(1);
const ENDLESS: Duration = Duration::MAX;

fn kafka_go(kafka: &EmbeddedKafka) -> WriterConfig {
    let connector = kafka.connector();
    let dial = dial_fn(move |host, port| connector.connect(host, port));
    WriterConfig::kafka_go()
        .addr(kafka.bootstrap())
        .connection(ConnConfig::default().dial_fn(dial))
        .topic("t")
}

/// A cluster with a topic of one partition.
async fn one_partition() -> EmbeddedKafka {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    kafka
}

/// Records in each stored batch, in order.
fn batches(kafka: &EmbeddedKafka) -> Vec<usize> {
    let limits = DecodeLimits::default();
    BatchIter::new(kafka.log("t", 0).unwrap(), &limits)
        .map(|batch| batch.unwrap().count().unwrap())
        .collect()
}

fn assert_took(begun: Instant, expected: Duration) {
    let took = begun.elapsed();
    let late = expected + Duration::from_millis(20);
    assert!(took >= expected && took < late, "took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn s3_7_three_messages_in_one_call_take_one_batch_timeout() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).build().unwrap();
    let begun = Instant::now();
    let records = ["one", "two", "three"].map(Record::new);
    writer.write(&records).await.unwrap();
    assert_took(begun, SECOND);
    assert_eq!(batches(&kafka), [3]);
}

#[tokio::test(start_paused = true)]
async fn s3_8_three_calls_of_one_message_take_three() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).build().unwrap();
    let begun = Instant::now();
    for value in ["one", "two", "three"] {
        writer.write(&[Record::new(value)]).await.unwrap();
    }
    assert_took(begun, 3 * SECOND);
    assert_eq!(batches(&kafka), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn s3_11_full_batches_do_not_wait_and_the_rest_does() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).build().unwrap();
    let begun = Instant::now();
    let mut handles = Vec::new();
    for _ in 0..220 {
        handles.push(writer.send(Record::new("v")).await.unwrap());
    }
    let last = handles.pop().unwrap();
    for handle in handles.drain(..200) {
        handle.await.unwrap();
    }
    assert_took(begun, Duration::ZERO);
    last.await.unwrap();
    assert_took(begun, SECOND);
    assert_eq!(batches(&kafka), [100, 100, 20]);
}

#[tokio::test(start_paused = true)]
async fn s3_1_a_mebibyte_does_not_wait() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).build().unwrap();
    let half = vec![0; 512 * 1024];
    let handle = writer.send(Record::new(&half)).await.unwrap();
    let begun = Instant::now();
    let next = writer.send(Record::new(&half)).await.unwrap();
    handle.await.unwrap();
    assert_took(begun, Duration::ZERO);
    next.await.unwrap();
    assert_took(begun, SECOND);
    assert_eq!(batches(&kafka), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn s3_14_a_batch_size_of_one_does_not_wait() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).batch_size(1).build().unwrap();
    let begun = Instant::now();
    writer.write(&[Record::new("v")]).await.unwrap();
    assert_took(begun, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn s3_16_an_asynchronous_call_returns_at_once() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).asynchronous(true).build().unwrap();
    let begun = Instant::now();
    writer.write(&[Record::new("v")]).await.unwrap();
    assert_took(begun, Duration::ZERO);
    assert!(batches(&kafka).is_empty(), "it waits for its batch timeout");
    // The three parameters hold: what fills the batch sends it, and the rest waits for its time.
    writer.write(&[Record::new("v"); 120]).await.unwrap();
    assert_took(begun, Duration::ZERO);
    tokio::time::sleep(SECOND / 2).await;
    assert_eq!(batches(&kafka), [100]);
    tokio::time::sleep(SECOND).await;
    assert_eq!(batches(&kafka), [100, 21]);
    let absent = Record::new("v").partition(9);
    let errors = writer.write(&[absent]).await.unwrap_err();
    let error = errors.get(0).unwrap();
    assert!(matches!(error, WriterError::InvalidPartition { .. }));
    writer.close().await.unwrap();
    assert_eq!(values(&kafka, "t", 0).len(), 121);
}

#[tokio::test(start_paused = true)]
async fn s1_60_close_does_not_wait_for_the_batch_timeout() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka)
        .asynchronous(true)
        .batch_size(1000)
        .build()
        .unwrap();
    writer.write(&[Record::new("v"); 500]).await.unwrap();
    let begun = Instant::now();
    writer.close().await.unwrap();
    assert_took(begun, Duration::ZERO);
    assert_eq!(batches(&kafka), [500]);
}

#[tokio::test(start_paused = true)]
async fn t101_a_record_over_the_batch_bytes_is_refused_and_the_others_go_on() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).batch_bytes(25).build().unwrap();
    writer.write(&[Record::new("hi")]).await.unwrap();
    let errors = writer
        .write(&[Record::new("too long"), Record::new("ok")])
        .await
        .unwrap_err();
    assert_eq!(errors.count(), 1);
    let error = errors.get(0).unwrap();
    assert!(
        matches!(
            error,
            WriterError::RecordTooLarge {
                size: 31,
                limit: 25
            }
        ),
        "{error}"
    );
    assert_eq!(values(&kafka, "t", 0), ["hi", "ok"]);
}

#[tokio::test(start_paused = true)]
async fn t102_batches_end_at_their_bytes() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka)
        .batch_bytes(50)
        .batch_timeout(ENDLESS)
        .build()
        .unwrap();
    let records = ["M0", "M1", "M2", "M3"].map(Record::new);
    writer.write(&records).await.unwrap();
    assert_eq!(batches(&kafka), [2, 2]);
    assert_eq!(values(&kafka, "t", 0), ["M0", "M1", "M2", "M3"]);
}

#[tokio::test(start_paused = true)]
async fn t103_batches_end_at_their_count() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka)
        .batch_size(2)
        .batch_timeout(ENDLESS)
        .build()
        .unwrap();
    writer.write(&["M0", "M1"].map(Record::new)).await.unwrap();
    assert_eq!(batches(&kafka), [2]);
}

#[tokio::test(start_paused = true)]
async fn t104_a_record_may_fill_its_batch_alone() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka)
        .batch_bytes(25)
        .batch_timeout(ENDLESS)
        .build()
        .unwrap();
    writer.write(&["M0", "M1"].map(Record::new)).await.unwrap();
    assert_eq!(batches(&kafka), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn t105_headers_count() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).batch_bytes(100).build().unwrap();
    let headers = [
        Header {
            key: "key-one",
            value: Some(b"value-one, long enough"),
        },
        Header {
            key: "key-two",
            value: Some(b"value-two"),
        },
    ];
    let records = ["M0", "M1"].map(|value| Record::new(value).headers(&headers));
    writer.write(&records).await.unwrap();
    assert_eq!(batches(&kafka), [1, 1]);
}

/// `MaxAttempts`, `WriteBackoffMin`, `WriteBackoffMax` and `WriteTimeout` do what they say.
#[tokio::test(start_paused = true)]
async fn attempts_back_off_and_end() {
    let kafka = one_partition().await;
    let build = |attempts| {
        kafka_go(&kafka)
            .batch_size(1)
            .max_attempts(attempts)
            .write_backoff_min(Duration::from_millis(500))
            .write_backoff_max(Duration::from_millis(500))
            .write_timeout(Duration::from_secs(2))
            .required_acks(Acks::All)
            .build()
            .unwrap()
    };
    let silence = || kafka.on_next(ApiKey::PRODUCE).silence_after().times(9);
    silence();
    let begun = Instant::now();
    build(3).write(&[Record::new("v")]).await.unwrap_err();
    let took = begun.elapsed();
    // Three time-outs, and two waits of half a second, a fifth more or less.
    let least = Duration::from_millis(6_800);
    assert!(
        took >= least && took < Duration::from_millis(7_300),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_looked_for_as_long_as_the_read_timeout_says() {
    let kafka = kafka().await;
    let writer = kafka_go(&kafka)
        .read_timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    let begun = Instant::now();
    let errors = writer.write(&[Record::new("v")]).await.unwrap_err();
    let error = errors.get(0).unwrap();
    assert!(
        matches!(error, WriterError::TopicUnavailable { .. }),
        "{error}"
    );
    assert!(begun.elapsed() <= Duration::from_millis(3_020));
}

#[tokio::test(start_paused = true)]
async fn too_few_bytes_for_any_record_are_a_fault() {
    let fault = |bytes| {
        let config = WriterConfig::kafka_go().addr("localhost:1");
        config.batch_bytes(bytes).build().map(|_: Writer| ())
    };
    assert!(fault(23).is_ok());
    let error = fault(22).unwrap_err();
    assert!(error.to_string().contains("23 bytes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn s3_12_few_messages_go_in_one_request_after_a_second() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).build().unwrap();
    let begun = Instant::now();
    writer.write(&[Record::new("v"); 20]).await.unwrap();
    assert_took(begun, SECOND);
    assert_eq!(kafka.requests_of(ApiKey::PRODUCE).len(), 1);
    assert_eq!(batches(&kafka), [20]);
}

#[tokio::test(start_paused = true)]
async fn s3_10_more_messages_than_the_batch_size_are_no_error() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).build().unwrap();
    writer.write(&[Record::new("v"); 220]).await.unwrap();
    assert_eq!(batches(&kafka), [100, 100, 20]);
    let over = vec![0; 1024 * 1024];
    let errors = writer.write(&[Record::new(&over)]).await.unwrap_err();
    let error = errors.get(0).unwrap();
    assert!(
        matches!(error, WriterError::RecordTooLarge { .. }),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn s3_2_all_messages_of_a_failed_batch_have_its_error() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).build().unwrap();
    let code = ErrorCode::INVALID_RECORD;
    kafka.on_next(ApiKey::PRODUCE).error(code);
    let errors = writer.write(&[Record::new("v"); 5]).await.unwrap_err();
    assert_eq!((errors.count(), errors.len()), (5, 5));
    assert!(errors.iter().all(|(_, error)| error.code() == Some(code)));
}

/// Who calls may have less patience than the writer.
#[tokio::test(start_paused = true)]
async fn s3_6_a_caller_may_give_up_after_ten_seconds() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).build().unwrap();
    writer.write(&[Record::new("before")]).await.unwrap();
    kafka.on_next(ApiKey::PRODUCE).silence().times(usize::MAX);
    let begun = Instant::now();
    let records = [Record::new("v")];
    let writing = writer.write(&records);
    let patience = 10 * SECOND;
    assert!(tokio::time::timeout(patience, writing).await.is_err());
    assert_took(begun, patience);
}

/// Without idempotence, which kafka-go has not: an answer that is lost repeats its batch.
#[tokio::test(start_paused = true)]
async fn s3_15_a_batch_size_of_one_repeats_at_most_one_message() {
    let kafka = one_partition().await;
    let config = kafka_go(&kafka).batch_size(1).idempotence(false);
    let writer = config.build().unwrap();
    kafka.on_next(ApiKey::PRODUCE).skip(3).drop_after();
    let records: Vec<_> = ["0", "1", "2", "3", "4", "5"]
        .iter()
        .map(Record::new)
        .collect();
    writer.write(&records).await.unwrap();
    let found = values(&kafka, "t", 0);
    assert_eq!(found, ["0", "1", "2", "3", "3", "4", "5"]);
}

/// What the recipe for a topic that is not there yet tells apart.
#[tokio::test(start_paused = true)]
async fn s1_64_a_missing_leader_and_a_passed_deadline_can_be_told_from_other_errors() {
    let kafka = one_partition().await;
    let writer = kafka_go(&kafka).max_attempts(1).build().unwrap();
    let leaderless = ErrorCode::LEADER_NOT_AVAILABLE;
    kafka.on_next(ApiKey::PRODUCE).error(leaderless);
    let errors = writer.write(&[Record::new("v")]).await.unwrap_err();
    assert_eq!(errors.get(0).unwrap().code(), Some(leaderless));
    kafka.on_next(ApiKey::PRODUCE).silence();
    let records = [Record::new("v")];
    let late = tokio::time::timeout(5 * SECOND, writer.write(&records));
    let _: tokio::time::error::Elapsed = late.await.unwrap_err();
    let absent = Record::new("v").partition(7);
    let errors = writer.write(&[absent]).await.unwrap_err();
    assert_eq!(errors.get(0).unwrap().code(), None);
}

#[tokio::test(start_paused = true)]
async fn s1_59_a_call_that_is_cancelled_before_its_topic_is_found_writes_nothing() {
    let kafka = kafka().await;
    let writer = kafka_go(&kafka).build().unwrap();
    let records = [Record::new("cancelled")];
    let writing = writer.write(&records);
    assert!(tokio::time::timeout(SECOND, writing).await.is_err());
    kafka.create_topic("t", 1).unwrap();
    writer.write(&[Record::new("later")]).await.unwrap();
    // What had been accepted is written, though nobody waits for it.
    let records = [Record::new("accepted")];
    let writing = writer.write(&records);
    assert!(tokio::time::timeout(SECOND / 2, writing).await.is_err());
    writer.close().await.unwrap();
    assert_eq!(values(&kafka, "t", 0), ["later", "accepted"]);
}
