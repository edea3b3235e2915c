//! A writer with kafka-go's settings: how many batches it makes of what, and what it refuses.

use std::time::Duration;

use ekafka_protocol::ErrorCode;
use ekafka_writer::balancer::{LeastBytes, RoundRobin};
use ekafka_writer::{Acks, Header, Record, Writer, WriterConfig, WriterError};
use tokio::time::Instant;

use crate::support::{Kafka, in_time, read_all};

/// Short, so that calls return soon.
const TIMEOUT: Duration = Duration::from_millis(10);

fn config(kafka: &Kafka) -> WriterConfig {
    let config = WriterConfig::kafka_go().brokers(kafka.brokers());
    config.batch_timeout(TIMEOUT)
}

/// Writes messages to a topic of one partition, which then has them in their order; says in how many batches.
async fn batches(
    configure: impl FnOnce(WriterConfig) -> WriterConfig,
    records: &[Record<'_>],
) -> u64 {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let config = config(&kafka).topic(&*topic).batch_timeout(Duration::MAX);
    let writer = configure(config).build().expect("a writer");
    in_time(writer.write(records)).await.expect("written");
    let read = read_all(&kafka, &topic, 1, records.len()).await;
    let read: Vec<_> = read.iter().map(|message| message.value()).collect();
    let written: Vec<_> = records.iter().map(|record| record.value).collect();
    assert_eq!(read, written);
    writer.stats().writes
}

#[tokio::test]
async fn t98_closing_at_once_is_quick() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let writer = WriterConfig::kafka_go()
        .brokers(kafka.brokers())
        .topic(topic)
        .build()
        .expect("a writer");
    let begun = Instant::now();
    writer.close().await.expect("nothing to deliver");
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn t99_round_robin_over_one_partition_writes_there() {
    let round_robin = |config: WriterConfig| config.balancer(RoundRobin::default()).batch_size(1);
    assert_eq!(batches(round_robin, &[Record::new("Hello")]).await, 1);
}

#[tokio::test]
async fn t100_a_dead_address_is_an_error() {
    let writer = WriterConfig::kafka_go()
        .addr("127.0.0.1:1")
        .topic("t")
        .max_attempts(3)
        .read_timeout(Duration::from_millis(300))
        .build()
        .expect("a writer");
    let errors = in_time(writer.write(&[Record::new("Hello")])).await;
    let errors = errors.expect_err("nobody listens");
    assert!(errors.to_string().contains("127.0.0.1:1"), "{errors}");
}

#[tokio::test]
async fn t101_a_message_over_the_batch_bytes_is_named_with_the_others() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let config = config(&kafka).topic(&*topic).batch_bytes(25);
    let writer = config.build().expect("a writer");
    in_time(writer.write(&[Record::new("Hi")]))
        .await
        .expect("25 bytes");
    let records = [Record::new("Hello World!"), Record::new("Hi")];
    let errors = in_time(writer.write(&records)).await.expect_err("35 bytes");
    let too_large = errors.too_large(&records).expect("the first is");
    assert_eq!(
        (too_large.index, too_large.size, too_large.limit),
        (0, 35, 25)
    );
    assert_eq!(too_large.record, records[0]);
    assert_eq!(too_large.rest, [records[1]]);
    // kafka-go would have sent nothing; here the others go on.
    assert_eq!(errors.count(), 1);
    read_all(&kafka, &topic, 1, 2).await;
}

#[tokio::test]
async fn t102_batches_end_at_their_bytes() {
    let records = ["M0", "M1", "M2", "M3"].map(Record::new);
    assert_eq!(batches(|config| config.batch_bytes(50), &records).await, 2);
}

#[tokio::test]
async fn t103_batches_end_at_their_count() {
    let records = ["M0", "M1"].map(Record::new);
    assert_eq!(batches(|config| config.batch_size(2), &records).await, 1);
}

#[tokio::test]
async fn t104_a_message_may_fill_its_batch_alone() {
    let records = ["M0", "M1"].map(Record::new);
    assert_eq!(batches(|config| config.batch_bytes(25), &records).await, 2);
}

#[tokio::test]
async fn t105_headers_count() {
    let headers = [
        Header {
            key: "User-Agent",
            value: Some(b"abc/xyz"),
        },
        Header {
            key: "a header that fills",
            value: Some(b"the better part of its batch"),
        },
    ];
    let records = ["M0", "M1"].map(|value| Record::new(value).headers(&headers));
    let small = |config: WriterConfig| config.batch_bytes(100).batch_timeout(TIMEOUT);
    assert_eq!(batches(small, &records).await, 2);
}

#[tokio::test]
async fn t106_s1_57_a_configured_balancer_is_kept() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(3).await;
    let last = |_: &Record<'_>, partitions: &[i32]| partitions.last().copied().unwrap_or(-1);
    let config = config(&kafka).topic(&*topic).balancer(last);
    let writer = config.build().expect("a writer");
    in_time(writer.write(&["a", "b", "c"].map(Record::new)))
        .await
        .expect("written");
    let read = read_all(&kafka, &topic, 3, 3).await;
    assert!(read.iter().all(|message| message.partition() == 2));
}

#[tokio::test]
async fn t107_without_acknowledgement_messages_arrive_too() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let config = config(&kafka).topic(&*topic).required_acks(Acks::None);
    let writer = config.batch_size(1).build().expect("a writer");
    in_time(writer.write(&[Record::new("Hello")]))
        .await
        .expect("sent");
    read_all(&kafka, &topic, 1, 1).await;
}

#[tokio::test]
async fn t108_s1_65_each_message_goes_to_its_own_topic() {
    let kafka = Kafka::start().await;
    let topics = [
        kafka.topic(1).await,
        kafka.topic(1).await,
        kafka.topic(1).await,
    ];
    let writer = config(&kafka).build().expect("a writer");
    let records: Vec<_> = topics
        .iter()
        .map(|topic| Record::new(topic).topic(topic))
        .collect();
    in_time(writer.write(&records)).await.expect("written");
    assert_eq!(writer.stats().writes, 3);
    for topic in &topics {
        let read = read_all(&kafka, topic, 1, 1).await;
        assert_eq!(read[0].value(), Some(topic.as_bytes()));
    }
}

#[tokio::test]
async fn t109_s1_66_s1_67_exactly_one_of_writer_and_message_names_the_topic() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let refusal = async |writer: Writer, record: Record<'_>| {
        let errors = in_time(writer.write(&[record])).await.expect_err("refused");
        errors.get(0).cloned().expect("its error")
    };
    let without = config(&kafka).build().expect("a writer");
    let error = refusal(without, Record::new("v")).await;
    assert!(
        matches!(error, WriterError::Topic { topic: None }),
        "{error}"
    );
    let with = config(&kafka).topic(&*topic).build().expect("a writer");
    let error = refusal(with, Record::new("v").topic(&topic)).await;
    assert!(
        matches!(error, WriterError::Topic { topic: Some(_) }),
        "{error}"
    );
}

#[tokio::test]
async fn t110_a_balancer_that_returns_no_partition_fails_the_message() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let config = config(&kafka)
        .topic(topic)
        .balancer(|_: &Record<'_>, _: &[i32]| -1);
    let writer = config.build().expect("a writer");
    let errors = in_time(writer.write(&[Record::new("v")])).await;
    let errors = errors.expect_err("there is no such partition");
    let Some(WriterError::InvalidPartition {
        partition,
        partitions,
        ..
    }) = errors.get(0)
    else {
        panic!("{errors}");
    };
    assert_eq!((*partition, *partitions), (-1, 1));
}

#[tokio::test]
async fn t112_a_missing_topic_is_an_error_whatever_is_acknowledged() {
    let kafka = Kafka::start().await;
    for acks in [Acks::All, Acks::None] {
        let config = config(&kafka).topic(kafka.unique("missing"));
        let config = config
            .required_acks(acks)
            .read_timeout(Duration::from_millis(200));
        let writer = config.build().expect("a writer");
        let errors = in_time(writer.write(&[Record::new("v")])).await;
        let errors = errors.expect_err("there is no such topic");
        let error = errors.get(0).expect("its error");
        assert_eq!(
            error.code(),
            Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION),
            "{error}"
        );
    }
}

#[tokio::test]
async fn s1_72_least_bytes_fills_partitions_alike() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(3).await;
    let config = config(&kafka).topic(&*topic).balancer(LeastBytes::new());
    let writer = config.build().expect("a writer");
    let long = "x".repeat(100);
    let records = [&*long, "1", "2", "3", "4"].map(Record::new);
    in_time(writer.write(&records)).await.expect("written");
    let read = read_all(&kafka, &topic, 3, 5).await;
    let alone = read
        .iter()
        .find(|message| message.value() == Some(long.as_bytes()));
    let alone = alone.expect("it arrived").partition();
    let beside = read.iter().filter(|message| message.partition() == alone);
    assert_eq!(beside.count(), 1, "the others go where there is less");
}
