//! Records arrive: once, in order, where and how they were meant to.

use ekafka_protocol::ApiKey;
use ekafka_writer::{Acks, Header, Record};

use crate::rig::{config, kafka, stored, values};

#[tokio::test(start_paused = true)]
async fn a_record_is_stored_as_it_was_written() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    let headers = [
        Header {
            key: "h",
            value: Some(b"1"),
        },
        Header {
            key: "h",
            value: None,
        },
        Header {
            key: "",
            value: Some(b""),
        },
    ];
    let records = [
        Record::new("v")
            .key("k")
            .headers(&headers)
            .timestamp(1_700_000_000_000),
        Record::tombstone("gone").timestamp(1),
        Record::new("").key("").timestamp(2),
        Record::default().timestamp(3),
    ];
    writer.write(&records).await.unwrap();
    let found = stored(&kafka, "t", 0);
    assert_eq!(found.len(), 4);
    for (index, (found, record)) in found.iter().zip(&records).enumerate() {
        assert_eq!(found.offset, index as i64);
        assert_eq!(Some(found.timestamp), record.timestamp);
        assert_eq!(found.key.as_deref(), record.key);
        assert_eq!(found.value.as_deref(), record.value);
        let headers = record
            .headers
            .iter()
            .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)));
        assert_eq!(found.headers, headers.collect::<Vec<_>>());
    }
    writer.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn handles_tell_where_each_record_is() {
    let kafka = kafka().await;
    kafka.create_topic("t", 3).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    let mut handles = Vec::new();
    for number in 0..300 {
        let value = format!("{number}");
        let record = Record::new(&value)
            .partition(number % 3)
            .timestamp(i64::from(number));
        handles.push(writer.send(record).await.unwrap());
    }
    for (number, handle) in (0..300).zip(handles) {
        let delivered = handle.await.unwrap();
        assert_eq!(delivered.topic(), "t");
        assert_eq!(delivered.partition(), number % 3);
        assert_eq!(delivered.offset(), Some(i64::from(number / 3)));
        assert_eq!(delivered.timestamp(), i64::from(number));
    }
    for partition in 0..3 {
        let expected: Vec<_> = (0..100)
            .map(|number| (number * 3 + partition).to_string())
            .collect();
        assert_eq!(values(&kafka, "t", partition), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_keep_their_partition_and_their_order() {
    let kafka = kafka().await;
    kafka.create_topic("t", 6).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    let keys: Vec<_> = (0..50).map(|key| format!("key-{key}")).collect();
    let numbers: Vec<_> = (0..1000).map(|number| number.to_string()).collect();
    for round in numbers.chunks(100) {
        let records: Vec<_> = round
            .iter()
            .zip(keys.iter().cycle())
            .map(|(value, key)| Record::new(value).key(key))
            .collect();
        writer.write(&records).await.unwrap();
    }
    let mut seen = 0;
    for partition in 0..6 {
        let mut last = std::collections::HashMap::new();
        for record in stored(&kafka, "t", partition) {
            let key = record.key.unwrap();
            let hash = ekafka_writer::balancer::murmur2(&key) & 0x7fff_ffff;
            assert_eq!(hash % 6, partition as u32, "murmur2 places the key");
            let number: i32 = String::from_utf8(record.value.unwrap())
                .unwrap()
                .parse()
                .unwrap();
            assert!(
                last.insert(key, number)
                    .is_none_or(|before| before < number)
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 1000);
}

#[tokio::test(start_paused = true)]
async fn every_acks_setting_delivers() {
    for acks in [Acks::None, Acks::One, Acks::All] {
        let kafka = kafka().await;
        kafka.create_topic("t", 2).unwrap();
        let writer = config(&kafka).topic("t").acks(acks).build().unwrap();
        let values: Vec<_> = (0..100).map(|number| number.to_string()).collect();
        let records: Vec<_> = values.iter().map(Record::new).collect();
        writer.write(&records).await.unwrap();
        let delivered = writer
            .send(Record::new("last"))
            .await
            .unwrap()
            .await
            .unwrap();
        assert_eq!(delivered.offset().is_some(), acks != Acks::None);
        writer.close().await.unwrap();
        // With acks none, written means sent: the broker may still be reading.
        while (0..2)
            .map(|partition| kafka.offsets("t", partition).unwrap().1)
            .sum::<i64>()
            < 101
        {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_record_waits_for_nothing() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("warm up")]).await.unwrap();
    let begun = tokio::time::Instant::now();
    writer.write(&[Record::new("alone")]).await.unwrap();
    assert_eq!(begun.elapsed(), std::time::Duration::ZERO);
    assert_eq!(kafka.requests_of(ApiKey::PRODUCE).len(), 2);
}
