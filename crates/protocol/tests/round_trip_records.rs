//! Arbitrary records written and read again, by this crate alone and with kafka-protocol at the
//! other end.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use bytes::{Bytes, BytesMut};
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::records::{
    BatchBuilder, BatchIter, DecodeLimits, Header, MessageFormat, MessageSetBuilder, RecordData,
    RecordRef,
};
use kafka_protocol::records as theirs;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        vec(Just(b'x'), 60..300),
        vec(any::<u8>(), 8_000..20_000)
    ]
}

fn record() -> impl Strategy<Value = Owned> {
    let timestamp = prop_oneof![0..2_000i64, -1..4_000_000_000_000i64];
    let headers = vec(("[a-zé]{0,6}", option::of(vec(any::<u8>(), 0..80))), 0..4);
    (
        timestamp,
        option::of(vec(any::<u8>(), 0..80)),
        option::of(bytes()),
        headers,
    )
        .prop_map(|(timestamp, key, value, headers)| Owned {
            timestamp,
            key,
            value,
            headers,
        })
}

fn codec() -> impl Strategy<Value = Codec> {
    (0..Codec::ALL.len()).prop_map(|index| Codec::ALL[index])
}

fn encode(records: &[Owned], codec: Codec) -> Bytes {
    let mut open = BatchBuilder::new(BytesMut::new());
    for record in records {
        let headers: Vec<_> = record
            .headers
            .iter()
            .map(|(key, value)| Header {
                key,
                value: value.as_deref(),
            })
            .collect();
        let data = RecordData {
            timestamp: record.timestamp,
            key: record.key.as_deref(),
            value: record.value.as_deref(),
            headers: &headers,
        };
        open.append(&data).unwrap();
    }
    open.seal(Compression::of(codec)).unwrap().stamp(1, 2, 3)
}

fn decode(wire: Bytes) -> Vec<(i64, Owned)> {
    let limits = DecodeLimits::default();
    let mut all = Vec::new();
    for batch in BatchIter::new(wire, &limits) {
        for record in &batch.unwrap().records(&limits).unwrap() {
            let record = record.unwrap();
            all.push((record.offset, owned(&record)));
        }
    }
    all
}

fn owned(record: &RecordRef<'_>) -> Owned {
    let headers = record.headers().map(|header| {
        let header = header.unwrap();
        (
            header.key_str().unwrap().to_owned(),
            header.value.map(<[u8]>::to_vec),
        )
    });
    Owned {
        timestamp: record.timestamp,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        headers: headers.collect(),
    }
}

/// The other crate keeps one header of each name, the last.
fn without_repeated_headers(mut record: Owned) -> Owned {
    let mut seen = std::collections::HashSet::new();
    record.headers.retain(|(key, _)| seen.insert(key.clone()));
    record
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn batches_come_back(records in vec(record(), 1..60), codec in codec()) {
        let read = decode(encode(&records, codec));
        let expected: Vec<_> = (0..).zip(records).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn message_sets_come_back(
        records in vec((record(), 1..5i64), 1..30),
        first in 0..1_000_000i64,
        codec in 0..4usize,
        is_v1: bool,
    ) {
        let format = if is_v1 { MessageFormat::V1 } else { MessageFormat::V0 };
        let mut set = MessageSetBuilder::new(format, Compression::of(Codec::ALL[codec]));
        let mut expected = Vec::new();
        let mut offset = first;
        for (mut record, gap) in records {
            record.headers.clear();
            let data = RecordData {
                timestamp: record.timestamp,
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                headers: &[],
            };
            set.append(offset, &data).unwrap();
            record.timestamp = if is_v1 { record.timestamp } else { -1 };
            expected.push((offset, record));
            offset += gap;
        }
        prop_assert_eq!(decode(set.finish().unwrap()), expected);
    }

    #[test]
    fn the_other_crate_reads_what_we_write(records in vec(record(), 1..20)) {
        let records: Vec<_> = records.into_iter().map(without_repeated_headers).collect();
        let mut wire = encode(&records, Codec::None);
        let set = theirs::RecordBatchDecoder::decode(&mut wire).unwrap();
        let read: Vec<_> = set.records.into_iter().map(from_theirs).collect();
        prop_assert_eq!(read, records);
    }

    #[test]
    fn we_read_what_the_other_crate_writes(records in vec(record(), 1..20)) {
        let records: Vec<_> = records.into_iter().map(without_repeated_headers).collect();
        let built: Vec<_> = (0..).zip(&records).map(|(offset, record)| to_theirs(offset, record)).collect();
        let mut wire = BytesMut::new();
        let options = theirs::RecordEncodeOptions { version: 2, compression: theirs::Compression::None };
        theirs::RecordBatchEncoder::encode(&mut wire, &built, &options).unwrap();
        let expected: Vec<_> = (0..).zip(records).collect();
        prop_assert_eq!(decode(wire.freeze()), expected);
    }
}

fn from_theirs(record: theirs::Record) -> Owned {
    let headers = record.headers.into_iter();
    Owned {
        timestamp: record.timestamp,
        key: record.key.map(|key| key.to_vec()),
        value: record.value.map(|value| value.to_vec()),
        headers: headers
            .map(|(key, value)| (key.to_string(), value.map(|value| value.to_vec())))
            .collect(),
    }
}

fn to_theirs(offset: i64, record: &Owned) -> theirs::Record {
    let headers = record.headers.iter();
    theirs::Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: theirs::TimestampType::Creation,
        offset,
        sequence: offset as i32,
        timestamp: record.timestamp,
        key: record.key.clone().map(Bytes::from),
        value: record.value.clone().map(Bytes::from),
        headers: headers
            .map(|(key, value)| (key.clone().into(), value.clone().map(Bytes::from)))
            .collect(),
    }
}
