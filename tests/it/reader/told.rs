//! What a reader and its messages tell about positions, lag and time.

use std::time::{Duration, SystemTime};

use ekafka_reader::Reader;
use ekafka_writer::Record;

use crate::support::{Kafka, in_time};

/// A topic with `count` records.
async fn written(kafka: &Kafka, count: usize) -> String {
    let topic = kafka.topic(1).await;
    let writer = kafka.writer(&topic).build().expect("a writer");
    let records: Vec<Record<'_>> = (0..count).map(|_| Record::new("value")).collect();
    writer.write(&records).await.expect("written");
    topic
}

#[tokio::test]
async fn s3_29_s3_30_a_message_tells_how_far_and_how_long_it_is_behind() {
    let kafka = Kafka::start().await;
    let before = SystemTime::now() - Duration::from_millis(1);
    let topic = written(&kafka, 7).await;
    let builder = Reader::builder().brokers(kafka.brokers()).topic(&topic);
    let mut reader = builder.build().expect("a reader");
    let message = in_time(reader.fetch_message()).await.expect("a message");
    assert_eq!((message.offset(), message.high_water_mark()), (0, 7));
    assert_eq!(message.lag(), message.high_water_mark() - message.offset());
    let time = message.time().expect("a time");
    assert!(time >= before, "{time:?}");
    let delay = SystemTime::now().duration_since(time).expect("not ahead");
    assert!(delay < Duration::from_secs(60), "{delay:?}");
    in_time(reader.close()).await.expect("closed");
}

#[tokio::test]
async fn s3_31_s3_35_in_a_group_only_the_statistics_know_offset_and_lag() {
    let kafka = Kafka::start().await;
    let topic = written(&kafka, 3).await;
    let member = kafka.member(&topic, &kafka.unique("group"));
    let mut member = member.queue_capacity(1).build().expect("a reader");
    let message = in_time(member.fetch_message()).await.expect("a message");
    assert_eq!((member.offset(), member.lag()), (None, None));
    let stats = member.stats();
    assert_eq!((stats.dials, stats.rebalances, stats.errors), (1, 1, 0));
    assert_eq!((stats.messages, stats.bytes), (1, 5));
    assert_eq!((stats.queue_length, stats.queue_capacity), (3, 1));
    assert_eq!(stats.offset, message.offset() + 1);
    assert_eq!(stats.lag, message.high_water_mark() - stats.offset);
    assert_eq!(stats.partition, "-1");
    let json = serde_json::to_value(stats).expect("JSON");
    assert_eq!(json["DeprecatedFetchesWithTypo"], json["Fetches"]);
    in_time(member.close()).await.expect("closed");
}

#[tokio::test]
async fn s3_52_s3_53_without_a_group_reader_and_statistics_know_both() {
    let kafka = Kafka::start().await;
    let topic = written(&kafka, 7).await;
    let builder = Reader::builder().brokers(kafka.brokers()).topic(&topic);
    let mut reader = builder.build().expect("a reader");
    for read in 1..=2 {
        in_time(reader.fetch_message()).await.expect("a message");
        assert_eq!(
            (reader.offset(), reader.lag()),
            (Some(read), Some(7 - read))
        );
        let stats = reader.stats();
        assert_eq!((stats.offset, stats.lag), (read, 7 - read));
        assert_eq!(stats.partition, "0", "the real partition");
    }
    in_time(reader.close()).await.expect("closed");
}
