//! Topics that a writer makes, or that are made for it.

use std::time::Duration;

use ekafka_conn::{Dialer, TopicConfig};
use ekafka_protocol::ErrorCode;
use ekafka_writer::{ErrorClass, Record, WriterConfig};

use crate::support::{Kafka, in_time, read_all};

#[tokio::test]
async fn t111_s1_63_a_missing_topic_is_made_when_the_writer_may() {
    let kafka = Kafka::start().await;
    let topic = kafka.unique("made");
    let config = WriterConfig::kafka_go().brokers(kafka.brokers());
    let config = config.batch_timeout(Duration::from_millis(10));
    let writer = config.topic(&*topic).allow_auto_topic_creation(true);
    let writer = writer.build().expect("a writer");
    in_time(writer.write(&[Record::new("first").partition(0)]))
        .await
        .expect("the topic is made and written to by the first call");
    let read = read_all(&kafka, &topic, 1, 1).await;
    assert_eq!(read[0].value(), Some(&b"first"[..]));
}

#[tokio::test]
async fn s1_61_a_topic_can_be_made_before_it_is_written_to() {
    let kafka = Kafka::start().await;
    let topic = kafka.unique("created");
    let dial = async |address: &str| Dialer::default().dial(address).await.expect("it listens");
    let any = dial(&kafka.brokers()[0]).await;
    let controller = any.controller().await.expect("a controller").address();
    dial(&controller)
        .await
        .create_topics(&[TopicConfig::new(&topic, 1, 1)])
        .await
        .expect("created");
    let writer = kafka.writer(&topic).build().expect("a writer");
    in_time(writer.write(&[Record::new("v")]))
        .await
        .expect("written");
    read_all(&kafka, &topic, 1, 1).await;
}

#[tokio::test]
async fn a_compacted_topic_refuses_a_record_without_a_key_and_takes_the_next() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic_with(1, &[("cleanup.policy", "compact")]).await;
    let writer = kafka.writer(&topic).build().expect("a writer");
    let without = in_time(writer.write(&[Record::new("v")])).await;
    let errors = without.expect_err("nothing tells what it replaces");
    let (_, error) = errors.iter().next().expect("one");
    let refused = ErrorClass::Rejected(ErrorCode::INVALID_RECORD);
    assert_eq!(error.class(), refused);
    in_time(writer.write(&[Record::new("v").key("k")]))
        .await
        .expect("written");
    read_all(&kafka, &topic, 1, 1).await;
}
