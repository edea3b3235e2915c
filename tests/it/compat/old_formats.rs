//! Topics that hold message sets, the formats before record batches. Brokers before 3.0 store them when a topic's
//! `message.format.version` says so; newer ones cannot, so there nothing is written. The embedded broker has them planted.

use ekafka_protocol::compression::Codec;
use ekafka_protocol::records::{MessageFormat, MessageSetBuilder, RecordData};
use ekafka_writer::Record;

use crate::support::{Kafka, read_all};

/// Kafka's name of each format, and whether its messages have timestamps.
const FORMATS: [(&str, MessageFormat); 2] =
    [("0.9.0", MessageFormat::V0), ("0.10.2", MessageFormat::V1)];

const TIME: i64 = 1_700_000_000_000;

#[tokio::test]
async fn message_sets_are_read_with_every_codec_they_can_have() {
    let kafka = Kafka::start().await;
    if kafka.version_is_at_least(3) {
        return;
    }
    for (name, format) in FORMATS {
        for codec in [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4] {
            let topic = match kafka.embedded() {
                Some(_) => kafka.topic(1).await,
                None => {
                    kafka
                        .topic_with(1, &[("message.format.version", name)])
                        .await
                }
            };
            store(&kafka, &topic, format, codec).await;
            let read = read_all(&kafka, &topic, 1, 3).await;
            for (offset, message) in (0..).zip(&read) {
                assert_eq!(message.offset(), offset, "{name}, {codec}");
                assert_eq!(message.key(), Some(&b"key"[..]), "{name}, {codec}");
                let value = format!("value {offset}");
                assert_eq!(message.value(), Some(value.as_bytes()), "{name}, {codec}");
                let time = if format == MessageFormat::V0 {
                    -1
                } else {
                    TIME
                };
                assert_eq!(message.timestamp(), time, "{name}, {codec}");
            }
        }
    }
}

/// Three records with the values `value 0` to `value 2`.
async fn store(kafka: &Kafka, topic: &str, format: MessageFormat, codec: Codec) {
    let values = [0, 1, 2].map(|number| format!("value {number}"));
    let Some(embedded) = kafka.embedded() else {
        // The broker rewrites record batches to its topic's format. That format knows no producers.
        let writer = kafka
            .writer(topic)
            .compression(codec.into())
            .idempotence(false);
        let writer = writer.build().expect("a writer");
        let records: Vec<Record<'_>> = values
            .iter()
            .map(|value| Record::new(value).key("key").timestamp(TIME))
            .collect();
        writer.write(&records).await.expect("written");
        return;
    };
    let mut set = MessageSetBuilder::new(format, codec.into());
    for (offset, value) in (0..).zip(&values) {
        let record = RecordData {
            timestamp: TIME,
            key: Some(b"key"),
            value: Some(value.as_bytes()),
            headers: &[],
        };
        set.append(offset, &record).expect("it fits");
    }
    let bytes = set.finish().expect("it fits");
    embedded
        .plant(topic, 0, bytes, 3, TIME)
        .expect("the topic is there");
}
