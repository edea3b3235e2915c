//! What a writer wrote is what a reader reads.

use std::collections::BTreeMap;

use ekafka_conn::Header;
use ekafka_protocol::compression::Codec;
use ekafka_writer::{Acks, Record};

use crate::support::{Kafka, read_all};

/// Null and empty kept apart, a header twice, one without a value.
const HEADERS: [Header<'static>; 3] = [
    Header {
        key: "a",
        value: Some(b"1"),
    },
    Header {
        key: "a",
        value: None,
    },
    Header {
        key: "",
        value: Some(b""),
    },
];

#[tokio::test]
async fn records_arrive_as_they_were_written_with_every_codec() {
    let kafka = Kafka::start().await;
    for codec in Codec::ALL {
        let topic = kafka.topic(1).await;
        let writer = kafka
            .writer(&topic)
            .compression(codec.into())
            .build()
            .expect("a writer");
        let long = "text that a codec can shorten ".repeat(100);
        let records = [
            Record::new(&long)
                .key("k")
                .headers(&HEADERS)
                .timestamp(1_700_000_000_000),
            Record::new(""),
            Record::tombstone("gone"),
            Record::new(&[0, 159, 146, 150]).key(""),
        ];
        writer.write(&records).await.expect("all four are written");
        let read = read_all(&kafka, &topic, 1, records.len()).await;
        for (index, (message, record)) in read.iter().zip(&records).enumerate() {
            assert_eq!(message.offset(), index as i64, "{codec}");
            assert_eq!(message.key(), record.key, "{codec}, record {index}");
            assert_eq!(message.value(), record.value, "{codec}, record {index}");
            let headers = message.header_list().expect("headers");
            assert_eq!(headers, record.headers, "{codec}, record {index}");
        }
        assert_eq!(read[0].timestamp(), 1_700_000_000_000);
    }
}

#[tokio::test]
async fn the_order_of_each_partition_is_the_order_of_the_calls() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(3).await;
    let writer = kafka.writer(&topic).build().expect("a writer");
    let values: Vec<String> = (0..600).map(|number| format!("{number:04}")).collect();
    for part in values.chunks(50) {
        let records: Vec<Record<'_>> = part
            .iter()
            .map(|value| Record::new(value).key(&value[2..]))
            .collect();
        writer.write(&records).await.expect("written");
    }
    let mut last: BTreeMap<i32, Vec<u8>> = BTreeMap::new();
    for message in read_all(&kafka, &topic, 3, values.len()).await {
        let value = message.value().expect("a value").to_vec();
        if let Some(before) = last.insert(message.partition(), value.clone()) {
            assert!(before < value, "{before:?} came before {value:?}");
        }
    }
    assert_eq!(last.len(), 3, "a hundred keys go to all partitions");
}

#[tokio::test]
async fn a_handle_tells_where_its_record_is() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(2).await;
    let writer = kafka.writer(&topic).build().expect("a writer");
    for expected in 0..3 {
        let handle = writer
            .send(Record::new("v").partition(1))
            .await
            .expect("accepted");
        let delivered = handle.await.expect("written");
        assert_eq!(
            (delivered.partition(), delivered.offset()),
            (1, Some(expected))
        );
    }
}

#[tokio::test]
async fn every_kind_of_acknowledgement_delivers() {
    let kafka = Kafka::start().await;
    for acks in [Acks::None, Acks::One, Acks::All] {
        let topic = kafka.topic(1).await;
        let idempotent = acks == Acks::All;
        let writer = kafka.writer(&topic).acks(acks).idempotence(idempotent);
        let writer = writer.build().expect("a writer");
        writer
            .write(&[Record::new("one"), Record::new("two")])
            .await
            .expect("written");
        let read = read_all(&kafka, &topic, 1, 2).await;
        assert_eq!(read[1].value(), Some(&b"two"[..]), "{acks:?}");
    }
}
