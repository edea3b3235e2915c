//! What each fuzz target does with its bytes. The same bodies run on the seeds as plain tests
//! (`crates/protocol/tests/fuzz_seeds.rs`).
//!
//! A target fails by a panic: an assertion here, or an overflow or a bad index in the code it calls.

use bytes::{Bytes, BytesMut};
use ekafka_protocol::compression::{Codec, Compression, decompress};
use ekafka_protocol::messages as hot;
use ekafka_protocol::precheck::{self, Direction};
use ekafka_protocol::records::{
    BatchBuilder, BatchIter, ControlRecord, DecodeLimits, Header, RecordData, RecordRef,
};
use ekafka_protocol::{ApiKey, BrokerRequest, Request};
use kafka_protocol::messages::{ApiKey as KafkaApiKey, RequestKind, ResponseKind};

/// A target's body.
pub type Body = fn(&[u8]);

/// Every target by name.
pub const TARGETS: [(&str, Body); 11] = [
    ("batches", batches),
    ("records", records),
    ("message_sets", message_sets),
    ("gzip", gzip),
    ("snappy", snappy),
    ("xerial", xerial),
    ("lz4", lz4),
    ("zstd", zstd),
    ("round_trip", round_trip),
    ("requests", requests),
    ("responses", responses),
];

const CAP: usize = 1024 * 1024;

const LIMITS: DecodeLimits = DecodeLimits {
    max_decompressed: CAP,
    check_crcs: false,
};

/// The records of one partition, in any format.
pub fn batches(data: &[u8]) {
    walk(Bytes::copy_from_slice(data));
}

/// The records of a batch whose header is right: varints, fields, headers. The first byte counts.
pub fn records(data: &[u8]) {
    let Some((&count, data)) = data.split_first() else {
        return;
    };
    walk(batch_around(count, data));
}

/// A format 2 batch that holds `records` as they are.
pub fn batch_around(count: u8, records: &[u8]) -> Bytes {
    let mut batch = vec![0; 61];
    batch[8..12].copy_from_slice(&(49 + records.len() as u32).to_be_bytes());
    batch[16] = 2;
    batch[23..27].copy_from_slice(&i32::MAX.to_be_bytes());
    batch[60] = count;
    batch.extend_from_slice(records);
    batch.into()
}

/// Messages of formats 0 and 1: the magic byte of the first one is forced below 2.
pub fn message_sets(data: &[u8]) {
    let mut data = data.to_vec();
    if let Some(magic) = data.get_mut(16) {
        *magic &= 1;
    }
    walk(data.into());
}

/// A gzip stream.
pub fn gzip(data: &[u8]) {
    unpack(Codec::Gzip, data);
}

/// A raw snappy block or whatever else a snappy batch may hold.
pub fn snappy(data: &[u8]) {
    unpack(Codec::Snappy, data);
}

/// What follows the header of a xerial stream.
pub fn xerial(data: &[u8]) {
    unpack(
        Codec::Snappy,
        &[b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01", data].concat(),
    );
}

/// An lz4 frame.
pub fn lz4(data: &[u8]) {
    unpack(Codec::Lz4, data);
}

/// A zstd frame.
pub fn zstd(data: &[u8]) {
    unpack(Codec::Zstd, data);
}

/// What can be read can be written, and reads the same again.
pub fn round_trip(data: &[u8]) {
    let Some((&count, data)) = data.split_first() else {
        return;
    };
    let bytes = batch_around(count, data);
    let Some(Ok(batch)) = BatchIter::new(bytes, &LIMITS).next() else {
        return;
    };
    let Ok(read) = batch.records(&LIMITS) else {
        return;
    };
    let mut open = BatchBuilder::new(BytesMut::new());
    let mut written = Vec::new();
    for record in read.iter().flatten() {
        let Some(headers) = text_headers(&record) else {
            continue;
        };
        let RecordRef {
            timestamp,
            key,
            value,
            ..
        } = record;
        if open
            .append(&RecordData {
                timestamp,
                key,
                value,
                headers: &headers,
            })
            .is_ok()
        {
            written.push((timestamp, key, value, headers));
        }
    }
    let Ok(mut sealed) = open.seal(Compression::LZ4) else {
        assert!(written.is_empty());
        return;
    };
    let wire = sealed.stamp(-1, -1, -1);
    let checked = DecodeLimits {
        max_decompressed: usize::MAX,
        check_crcs: true,
    };
    let batch = BatchIter::new(wire, &checked)
        .next()
        .expect("one batch")
        .expect("it reads");
    let again = batch.records(&checked).expect("it opens");
    assert_eq!(again.iter().count(), written.len());
    for ((record, offset), expected) in again.iter().zip(0..).zip(&written) {
        let record = record.expect("it reads");
        let headers = text_headers(&record).expect("keys are text");
        assert_eq!(record.offset, offset);
        assert_eq!(
            &(record.timestamp, record.key, record.value, headers),
            expected
        );
    }
}

fn text_headers<'a>(record: &RecordRef<'a>) -> Option<Vec<Header<'a>>> {
    record
        .headers()
        .map(|header| {
            let header = header.ok()?;
            Some(Header {
                key: header.key_str().ok()?,
                value: header.value,
            })
        })
        .collect()
}

/// A request body: the first byte selects the API, the second the version.
pub fn requests(data: &[u8]) {
    let Some((api, version, body)) = select(data) else {
        return;
    };
    match api {
        ApiKey::API_VERSIONS => drop(hot::ApiVersionsRequest::decode(version, body)),
        ApiKey::METADATA => drop(hot::MetadataRequest::decode(version, body)),
        ApiKey::PRODUCE => drop(hot::ProduceRequest::decode(version, body)),
        ApiKey::FETCH => drop(hot::FetchRequest::decode(version, body)),
        ApiKey::SASL_HANDSHAKE => drop(hot::SaslHandshakeRequest::decode(version, body)),
        ApiKey::SASL_AUTHENTICATE => drop(hot::SaslAuthenticateRequest::decode(version, body)),
        _ => generated(api, version, Direction::Request, body),
    }
}

/// A response body: the first byte selects the API, the second the version.
pub fn responses(data: &[u8]) {
    let Some((api, version, body)) = select(data) else {
        return;
    };
    match api {
        ApiKey::API_VERSIONS => drop(hot::ApiVersionsRequest::decode_response(version, body)),
        ApiKey::METADATA => drop(hot::MetadataRequest::decode_response(version, body)),
        ApiKey::PRODUCE => drop(hot::ProduceRequest::decode_response(version, body)),
        ApiKey::FETCH => drop(hot::FetchRequest::decode_response(version, body)),
        ApiKey::SASL_HANDSHAKE => drop(hot::SaslHandshakeRequest::decode_response(version, body)),
        ApiKey::SASL_AUTHENTICATE => {
            drop(hot::SaslAuthenticateRequest::decode_response(version, body));
        }
        _ => generated(api, version, Direction::Response, body),
    }
}

/// The API, version and body that the bytes of a message target stand for.
fn select(data: &[u8]) -> Option<(ApiKey, i16, Bytes)> {
    let (&[api, version], body) = data.split_first_chunk()?;
    let apis: Vec<_> = ApiKey::all().collect();
    let api = apis[usize::from(api) % apis.len()];
    let versions: Vec<_> = api.stable_versions().iter().collect();
    let version = *versions.get(usize::from(version) % versions.len().max(1))?;
    Some((api, version, Bytes::copy_from_slice(body)))
}

/// What passes the check of lengths must be safe for the generated decoder.
fn generated(api: ApiKey, version: i16, direction: Direction, mut body: Bytes) {
    let Ok(kafka_api) = KafkaApiKey::try_from(api.0) else {
        return;
    };
    if precheck::check(api, version, direction, &body).is_err() {
        return;
    }
    match direction {
        Direction::Request => drop(RequestKind::decode(kafka_api, &mut body, version)),
        Direction::Response => drop(ResponseKind::decode(kafka_api, &mut body, version)),
    }
}

fn unpack(codec: Codec, data: &[u8]) {
    if let Ok(output) = decompress(codec, data, CAP) {
        assert!(output.len() <= CAP);
    }
}

/// Reads all there is, both ways, which must agree.
fn walk(bytes: Bytes) {
    for batch in BatchIter::new(bytes, &LIMITS).flatten() {
        let Ok(records) = batch.records(&LIMITS) else {
            continue;
        };
        let mut spans = records.clone().into_spans().expect("it is small");
        let bytes = spans.bytes().clone();
        for record in &records {
            let span = spans.next().expect("as many spans as records");
            let (Ok(record), Ok(span)) = (record, span) else {
                break;
            };
            assert!((0..=batch.last_offset()).contains(&record.offset));
            assert_eq!(
                (record.key, record.value),
                (span.key(&bytes), span.value(&bytes))
            );
            assert!(record.headers().eq(span.headers(&bytes)));
            let _ = ControlRecord::parse(&record);
        }
    }
}
