//! A writer with kafka-go's settings: when and how much it sends, as its documents say.

use std::time::Duration;

use ekafka_conn::{ConnConfig, dial_fn};
use ekafka_protocol::ApiKey;
use ekafka_protocol::records::{BatchIter, DecodeLimits};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Acks, Header, Record, Writer, WriterConfig, WriterError};
use tokio::time::Instant;

use crate::rig::{kafka, soon, values};

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
    let absent = Record::new("v").partition(9);
    let errors = writer.write(&[absent]).await.unwrap_err();
    let error = errors.get(0).unwrap();
    assert!(matches!(error, WriterError::InvalidPartition { .. }));
    writer.close(soon()).await.unwrap();
    assert_eq!(values(&kafka, "t", 0), ["v"]);
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
    writer.close(soon()).await.unwrap();
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

/// T98, T107, T114, S3.4.
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
