use super::*;
use crate::compression::Codec;
use crate::records::{BatchIter, DecodeLimits, Header};
use bytes::Bytes;

fn record<'a>(timestamp: i64, value: &'a [u8]) -> RecordData<'a> {
    RecordData {
        timestamp,
        value: Some(value),
        ..RecordData::default()
    }
}

#[test]
fn sizes_are_exact_before_and_after_each_append() {
    let headers = [
        Header {
            key: "a",
            value: None,
        },
        Header {
            key: "a",
            value: Some(b""),
        },
    ];
    let long = vec![7; 70_000];
    let mut open = BatchBuilder::new(BytesMut::new());
    for index in 0..300i64 {
        let record = RecordData {
            timestamp: index * 5_000_000,
            key: (index % 3 != 0).then_some(&long[..index as usize]),
            value: (index % 5 != 0).then_some(&long[..(index * 199) as usize]),
            headers: &headers[..(index % 3) as usize],
        };
        let expected = open.len() + open.encoded_len(&record);
        open.append(&record).unwrap();
        assert_eq!(open.len(), expected);
    }
    let length = open.len();
    let mut sealed = open.seal(Compression::NONE).unwrap();
    assert_eq!(sealed.stamp(1, 2, 3).len(), length);
}

#[test]
fn append_within_stops_at_the_limit_and_changes_nothing() {
    let mut open = BatchBuilder::new(BytesMut::new());
    open.append(&record(5, b"first")).unwrap();
    let length = open.len();
    let next = record(6, &[0; 100]);
    let exact = length + open.encoded_len(&next);
    assert_eq!(open.append_within(&next, exact - 1), Ok(false));
    assert_eq!((open.len(), open.count()), (length, 1));
    assert_eq!(open.append_within(&next, exact), Ok(true));
    assert_eq!((open.len(), open.count()), (exact, 2));
}

#[test]
fn a_batch_without_records_cannot_be_sealed() {
    let sealed = BatchBuilder::new(BytesMut::new()).seal(Compression::NONE);
    assert!(matches!(sealed, Err(EncodeError::Invalid { .. })));
}

#[test]
fn timestamps_that_no_delta_can_express_are_refused() {
    let mut open = BatchBuilder::new(BytesMut::new());
    open.append(&record(i64::MIN, b"")).unwrap();
    assert!(matches!(
        open.append(&record(i64::MAX, b"")),
        Err(EncodeError::Invalid { .. })
    ));
    assert_eq!(open.count(), 1);
}

#[test]
fn a_stamp_can_be_replaced_while_the_old_bytes_are_alive() {
    let mut open = BatchBuilder::new(BytesMut::new());
    open.append(&record(1, b"x")).unwrap();
    let mut sealed = open.seal(Compression::NONE).unwrap();
    let first = sealed.stamp(10, 1, 100);
    let second = sealed.stamp(10, 2, 0);
    let read = |bytes: Bytes| {
        let batch = BatchIter::new(bytes, &DecodeLimits::default())
            .next()
            .unwrap()
            .unwrap();
        (
            batch.producer_id(),
            batch.producer_epoch(),
            batch.base_sequence(),
        )
    };
    assert_eq!(read(first), (10, 1, 100));
    assert_eq!(read(second), (10, 2, 0));
}

#[test]
fn stamping_copies_nothing_and_the_buffer_comes_back() {
    let buffer = BytesMut::with_capacity(4096);
    let address = buffer.as_ptr();
    let mut open = BatchBuilder::new(buffer);
    open.append(&record(1, &[1; 1000])).unwrap();
    let mut sealed = open.seal(Compression::NONE).unwrap();
    let wire = sealed.stamp(-1, -1, -1);
    assert_eq!(wire.as_ptr(), address);
    drop(wire);
    let wire = sealed.stamp(5, 0, 0);
    assert_eq!(wire.as_ptr(), address);
    drop(wire);
    let again = sealed.recycle().unwrap();
    assert_eq!(again.as_ptr(), address);
    assert!(again.capacity() >= 4096);
}

#[test]
fn a_sealed_batch_in_use_does_not_give_its_buffer_away() {
    let mut open = BatchBuilder::new(BytesMut::new());
    open.append(&record(1, b"x")).unwrap();
    let mut sealed = open.seal(Compression::NONE).unwrap();
    let wire = sealed.stamp(-1, -1, -1);
    assert!(sealed.recycle().is_none());
    assert_eq!(wire.len(), 61 + 8);
}

#[test]
fn compression_that_does_not_pay_is_dropped() {
    let mut open = BatchBuilder::new(BytesMut::new());
    open.append(&record(1, b"x")).unwrap();
    let raw = open.len();
    let mut sealed = open.seal(Compression::GZIP).unwrap();
    let wire = sealed.stamp(-1, -1, -1);
    let batch = BatchIter::new(wire.clone(), &DecodeLimits::default())
        .next()
        .unwrap()
        .unwrap();
    assert_eq!((wire.len(), batch.codec()), (raw, Codec::None));
}

#[test]
fn compressing_returns_the_raw_buffer() {
    let raw = BytesMut::with_capacity(64 * 1024);
    let address = raw.as_ptr();
    let mut open = BatchBuilder::new(raw);
    open.append(&record(1, &[7; 20_000])).unwrap();
    let length = open.len();
    let output = BytesMut::with_capacity(32 * 1024);
    let mut sealed = open.seal_into(Compression::LZ4, output).unwrap();
    assert_eq!(sealed.take_spare().as_ptr(), address);
    assert_eq!(sealed.uncompressed_len(), length);
    assert!(sealed.len() < length);
}

/// The same records, each in a batch that has seen no other shape, and all in one where neighbours may share theirs.
#[test]
fn a_record_s_bytes_do_not_depend_on_its_neighbours() {
    let long = vec![7; 9_000];
    let headers = [Header {
        key: "a",
        value: None,
    }];
    let field = |length: usize| long.get(..length);
    let mut records = Vec::new();
    let mut times = 0;
    for length in [0, 1, 62, 63, 64, 100, 3_999, 8_000, 9_001] {
        for (key, value) in [(9_001, length), (length, 5), (length, 9_001)] {
            for (steps, time) in [(200, 0), (200, 1), (3, 70), (3, -9_000), (3, 1 << 40)] {
                for step in 0..steps {
                    times += time;
                    records.push(RecordData {
                        timestamp: times,
                        key: field(key),
                        value: field(value),
                        headers: &headers[..usize::from(step == 20)],
                    });
                }
            }
        }
    }
    let mut open = BatchBuilder::new(BytesMut::new());
    for record in &records {
        let expected = open.len() + open.encoded_len(record);
        open.append(record).unwrap();
        assert_eq!(open.len(), expected);
    }
    assert!(records.len() > 1 << 13, "places of three bytes, too");
    let bytes = open.seal(Compression::NONE).unwrap().stamp(1, 2, 3);
    let limits = DecodeLimits::default();
    let batch = BatchIter::new(bytes, &limits).next().unwrap().unwrap();
    assert_eq!(
        batch.max_timestamp(),
        records.iter().map(|record| record.timestamp).max().unwrap()
    );
    let mut read = 0;
    for (found, record) in (&batch.records(&limits).unwrap()).into_iter().zip(&records) {
        let found = found.unwrap();
        assert_eq!((found.offset, found.timestamp), (read, record.timestamp));
        assert_eq!((found.key, found.value), (record.key, record.value));
        assert_eq!(found.header_count(), record.headers.len());
        read += 1;
    }
    assert_eq!(read, records.len() as i64);
}
