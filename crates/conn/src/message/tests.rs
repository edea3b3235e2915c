use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::{
    BatchBuilder, BatchIter, DecodeLimits, Header, RecordData, TimestampType,
};

use super::{Message, MessageBatch};

/// The messages that a reader makes of these records.
fn messages(records: &[RecordData<'_>]) -> Vec<Message> {
    let mut open = BatchBuilder::new(BytesMut::new());
    for record in records {
        open.append(record).unwrap();
    }
    let wire = open.seal(Compression::NONE).unwrap().stamp(-1, -1, -1);
    let limits = DecodeLimits::default();
    let batch = BatchIter::new(wire, &limits).next().unwrap().unwrap();
    let spans = batch.records(&limits).unwrap().into_spans().unwrap();
    let shared = Arc::new(MessageBatch {
        topic: "topic".into(),
        partition: 3,
        high_water_mark: 10,
        leader_epoch: batch.leader_epoch(),
        timestamp_type: TimestampType::CreateTime,
        bytes: spans.bytes().clone(),
        origin: None,
    });
    spans
        .map(|span| Message::new(Arc::clone(&shared), span.unwrap()))
        .collect()
}

#[test]
fn parts_are_those_written() {
    let headers = [
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
    let written = [
        RecordData {
            timestamp: 1_700_000_000_123,
            key: Some(b"key"),
            value: Some(b"value"),
            headers: &headers,
        },
        RecordData {
            timestamp: 1_700_000_000_123,
            key: Some(b""),
            ..RecordData::default()
        },
    ];
    let read = messages(&written);
    let first = read.first().unwrap();
    assert_eq!(
        (first.topic(), first.partition(), first.offset()),
        ("topic", 3, 0)
    );
    assert_eq!((first.high_water_mark(), first.lag()), (10, 10));
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    assert_eq!(first.time(), Some(time));
    assert_eq!(first.key_bytes(), Some(Bytes::from_static(b"key")));
    assert_eq!(first.value_bytes(), Some(Bytes::from_static(b"value")));
    assert_eq!(first.header_list().unwrap(), headers);

    let second = read.get(1).unwrap();
    assert_eq!((second.offset(), second.lag()), (1, 9));
    assert_eq!((second.key(), second.value()), (Some(&b""[..]), None));
    assert_eq!(second.headers().count(), 0);
}

#[test]
fn message_becomes_a_record_with_the_same_parts() {
    let headers = [Header {
        key: "h",
        value: None,
    }];
    let written = RecordData {
        timestamp: 5,
        key: None,
        value: Some(b"value"),
        headers: &headers,
    };
    let read = messages(&[written]);
    let message = read.first().unwrap();
    let list = message.header_list().unwrap();
    let record = message.record(&list);
    assert_eq!((record.key, record.value), (None, Some(&b"value"[..])));
    assert_eq!((record.timestamp, record.headers), (Some(5), &headers[..]));
    assert_eq!((record.topic, record.partition), (None, None));
}

#[test]
fn x35_debug_shows_no_contents() {
    let written = RecordData {
        key: Some(b"canary"),
        value: Some(b"canary"),
        ..RecordData::default()
    };
    let shown = format!("{:?}", messages(&[written]));
    assert!(
        shown.contains("topic") && !shown.contains("canary") && !shown.contains("99"),
        "{shown}"
    );
}

#[test]
fn s3_32_json_has_the_documented_keys_in_order() {
    let headers = [Header {
        key: "h",
        value: Some(b"1"),
    }];
    let written = [
        RecordData {
            timestamp: 1_743_765_757_115,
            key: None,
            value: Some(b""),
            headers: &[],
        },
        RecordData {
            timestamp: 1_743_765_757_000,
            key: Some(b"key"),
            value: None,
            headers: &headers,
        },
        RecordData {
            timestamp: -1,
            ..RecordData::default()
        },
    ];
    let json: Vec<String> = messages(&written)
        .iter()
        .map(|message| serde_json::to_string(message).unwrap())
        .collect();
    let expected = [
        r#"{"Topic":"topic","Partition":3,"Offset":0,"HighWaterMark":10,"Key":null,"Value":"","Headers":null,"Time":"2025-04-04T11:22:37.115Z"}"#,
        r#"{"Topic":"topic","Partition":3,"Offset":1,"HighWaterMark":10,"Key":"a2V5","Value":null,"Headers":[{"Key":"h","Value":"MQ=="}],"Time":"2025-04-04T11:22:37.000Z"}"#,
        r#"{"Topic":"topic","Partition":3,"Offset":2,"HighWaterMark":10,"Key":null,"Value":null,"Headers":null,"Time":"0001-01-01T00:00:00Z"}"#,
    ];
    assert_eq!(json, expected);
}

#[test]
fn a_detached_message_is_the_same_without_its_batch() {
    let headers = [
        Header {
            key: "h",
            value: None,
        },
        Header {
            key: "h",
            value: Some(b"2"),
        },
    ];
    let record = RecordData {
        timestamp: 5,
        key: Some(b"key"),
        value: Some(b"value"),
        headers: &headers,
    };
    let mut written = vec![record; 100];
    written.push(RecordData::default());
    let read = messages(&written);
    let whole = read.get(7).unwrap();
    let alone = whole.detach();
    assert_eq!((alone.offset(), alone.timestamp()), (7, 5));
    assert_eq!((alone.key(), alone.value()), (whole.key(), whole.value()));
    assert_eq!(alone.header_list().unwrap(), headers);
    assert_eq!(alone.batch().bytes.len(), whole.payload_len());
    let empty = read.last().unwrap().detach();
    assert_eq!((empty.key(), empty.value()), (None, None));
    assert_eq!(empty.headers().count(), 0);
}
