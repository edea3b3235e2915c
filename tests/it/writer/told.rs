//! What a writer tells of what it did.

use std::sync::mpsc;
use std::time::Duration;

use ekafka_writer::balancer::LeastBytes;
use ekafka_writer::{CompletedBatch, Record, WriterConfig};

use crate::support::{Kafka, in_time, read_all};

#[tokio::test]
async fn t115_t120_completions_have_tags_and_offsets_before_the_call_returns() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let (tell, told) = mpsc::channel();
    let completion = move |batch: &CompletedBatch| {
        assert!(batch.error().is_none());
        for record in batch.records() {
            let value = record.value().map(<[u8]>::to_vec);
            tell.send((record.tag(), record.offset(), value))
                .expect("heard");
        }
    };
    let config = WriterConfig::kafka_go()
        .brokers(kafka.brokers())
        .topic(&*topic);
    let config = config
        .batch_timeout(Duration::from_millis(10))
        .completion(completion);
    let writer = config.build().expect("a writer");
    let values = ["0", "1", "2", "3", "4"];
    let records: Vec<_> = (100..)
        .zip(&values)
        .map(|(tag, value)| Record::new(value).tag(tag))
        .collect();
    in_time(writer.write(&records)).await.expect("written");
    let told: Vec<_> = told.try_iter().collect();
    for (index, (tag, offset, value)) in told.iter().enumerate() {
        assert_eq!((*tag, *offset), (100 + index as u64, Some(index as i64)));
        assert_eq!(value.as_deref(), Some(values[index].as_bytes()));
    }
    assert_eq!(told.len(), values.len());
}

/// Three records by `LeastBytes`, acknowledged by all and written without waiting.
#[tokio::test]
async fn s1_62_s3_16_an_asynchronous_writer_has_written_all_when_it_is_closed() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(3).await;
    let config = WriterConfig::kafka_go()
        .brokers(kafka.brokers())
        .topic(&*topic);
    let config = config.balancer(LeastBytes::new()).asynchronous(true);
    let writer = config.build().expect("a writer");
    let records = [
        Record::new("Hello World!").key("Key-A"),
        Record::new("One!").key("Key-B"),
        Record::new("Two!").key("Key-C"),
    ];
    in_time(writer.write(&records)).await.expect("accepted");
    in_time(writer.close()).await.expect("delivered");
    read_all(&kafka, &topic, 3, 3).await;
}
