use bytes::{Bytes, BytesMut};

use super::*;
use crate::compression::{Codec, Compression, compress};
use crate::error::DecodeError;

/// The codecs of this build.
fn built_in() -> impl Iterator<Item = Codec> {
    let all = Codec::ALL.into_iter();
    all.filter(|codec| cfg!(feature = "zstd") || *codec != Codec::Zstd)
}

/// A record with everything owned, for comparing.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Owned {
    offset: i64,
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

fn owned(record: &RecordRef<'_>) -> Owned {
    Owned {
        offset: record.offset,
        timestamp: record.timestamp,
        key: record.key.map(<[u8]>::to_vec),
        value: record.value.map(<[u8]>::to_vec),
        headers: record
            .headers()
            .map(|header| header.unwrap())
            .map(|header| (header.key.to_vec(), header.value.map(<[u8]>::to_vec)))
            .collect(),
    }
}

/// Reads everything, by reference and by span, which must agree.
fn read_all(bytes: impl Into<Bytes>) -> Result<Vec<Owned>, DecodeError> {
    let limits = DecodeLimits::default();
    let mut all = Vec::new();
    for batch in BatchIter::new(bytes.into(), &limits) {
        let records = batch?.records(&limits)?;
        let mut spans = records.clone().into_spans()?;
        for record in &records {
            let record = record?;
            let span = spans.next().unwrap().unwrap();
            let bytes = spans.bytes();
            assert_eq!(
                (span.offset, span.timestamp),
                (record.offset, record.timestamp)
            );
            assert_eq!(
                (span.key(bytes), span.value(bytes)),
                (record.key, record.value)
            );
            assert!(span.headers(bytes).eq(record.headers()));
            all.push(owned(&record));
        }
        assert!(spans.next().is_none());
    }
    Ok(all)
}

fn value(offset: i64, timestamp: i64, value: &[u8]) -> Owned {
    Owned {
        offset,
        timestamp,
        key: None,
        value: Some(value.to_vec()),
        headers: Vec::new(),
    }
}

fn batch_of(values: &[&[u8]], compression: Compression) -> BytesMut {
    let mut open = BatchBuilder::new(BytesMut::new());
    for (index, value) in values.iter().enumerate() {
        let timestamp = 1_000 + index as i64;
        open.append(&RecordData {
            timestamp,
            value: Some(value),
            ..RecordData::default()
        })
        .unwrap();
    }
    BytesMut::from(&open.seal(compression).unwrap().stamp(-1, -1, -1)[..])
}

/// Changes a header field and puts the checksum right again.
fn patched<const N: usize>(mut batch: BytesMut, at: usize, field: [u8; N]) -> Bytes {
    batch[at..at + N].copy_from_slice(&field);
    let crc = crc_fast::crc32_iscsi(&batch[layout::ATTRIBUTES..]);
    batch[layout::CRC..layout::CRC + 4].copy_from_slice(&crc.to_be_bytes());
    batch.freeze()
}

fn rebased(batch: BytesMut, base_offset: i64) -> Bytes {
    patched(batch, layout::BASE_OFFSET, base_offset.to_be_bytes())
}

#[test]
fn everything_a_record_can_hold_comes_back() {
    let headers = [
        Header {
            key: "dup",
            value: Some(b"1"),
        },
        Header {
            key: "",
            value: Some(b""),
        },
        Header {
            key: "dup",
            value: None,
        },
    ];
    for compression in built_in().map(Compression::of) {
        let mut open = BatchBuilder::new(BytesMut::new());
        let filler = [b'f'; 500];
        let records = [
            RecordData {
                timestamp: 7,
                key: None,
                value: None,
                headers: &[],
            },
            RecordData {
                timestamp: 5,
                key: Some(b""),
                value: Some(b""),
                headers: &headers,
            },
            RecordData {
                timestamp: -1,
                key: Some(b"k"),
                value: Some(&filler),
                headers: &headers[..1],
            },
        ];
        for record in &records {
            open.append(record).unwrap();
        }
        let wire = open.seal(compression).unwrap().stamp(1, 2, 3);
        let batch = BatchIter::new(wire.clone(), &DecodeLimits::default())
            .next()
            .unwrap()
            .unwrap();
        assert_eq!(batch.codec(), compression.codec());
        assert_eq!((batch.base_offset(), batch.last_offset()), (0, 2));
        assert_eq!((batch.count(), batch.max_timestamp()), (Some(3), 7));
        let read = read_all(wire).unwrap();
        for (read, written) in read.iter().zip(&records) {
            assert_eq!(read.timestamp, written.timestamp);
            assert_eq!(read.key.as_deref(), written.key);
            assert_eq!(read.value.as_deref(), written.value);
            let expected: Vec<_> = written
                .headers
                .iter()
                .map(|header| {
                    (
                        header.key.as_bytes().to_vec(),
                        header.value.map(<[u8]>::to_vec),
                    )
                })
                .collect();
            assert_eq!(read.headers, expected);
        }
        assert_eq!(read.len(), 3);
    }
}

#[test]
fn offsets_count_from_the_base_that_the_broker_assigned() {
    let read = read_all(rebased(
        batch_of(&[b"a", b"b"], Compression::NONE),
        1_000_000,
    ))
    .unwrap();
    assert_eq!(
        read,
        [value(1_000_000, 1_000, b"a"), value(1_000_001, 1_001, b"b")]
    );
}

#[test]
fn log_append_time_replaces_every_timestamp() {
    let batch = batch_of(&[b"a", b"b"], Compression::NONE);
    let batch = patched(batch, layout::MAX_TIMESTAMP, 5_555i64.to_be_bytes());
    let batch = patched(
        BytesMut::from(&batch[..]),
        layout::ATTRIBUTES,
        layout::LOG_APPEND_TIME.to_be_bytes(),
    );
    let opened = BatchIter::new(batch.clone(), &DecodeLimits::default())
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(opened.timestamp_type(), TimestampType::LogAppendTime);
    assert_eq!(
        read_all(batch).unwrap(),
        [value(0, 5_555, b"a"), value(1, 5_555, b"b")]
    );
}

#[test]
fn a_cut_off_last_batch_ends_quietly_at_every_cut() {
    let first = rebased(batch_of(&[b"a"], Compression::NONE), 0);
    let second = rebased(batch_of(&[b"b"], Compression::NONE), 1);
    for cut in 0..second.len() {
        let bytes = Bytes::from([&first[..], &second[..cut]].concat());
        let mut batches = BatchIter::new(bytes, &DecodeLimits::default());
        assert!(batches.next().unwrap().is_ok());
        assert!(batches.next().is_none(), "{cut}");
        assert_eq!(batches.remainder(), cut);
    }
}

#[test]
fn a_wrong_checksum_is_found_unless_checks_are_off() {
    let mut batch = batch_of(&[b"abc"], Compression::NONE);
    let last = batch.len() - 2;
    batch[last] ^= 1;
    let bytes = batch.freeze();
    assert!(matches!(
        read_all(bytes.clone()),
        Err(DecodeError::Crc { .. })
    ));
    let limits = DecodeLimits {
        check_crcs: false,
        ..DecodeLimits::default()
    };
    assert!(BatchIter::new(bytes, &limits).next().unwrap().is_ok());
}

#[test]
fn lies_in_the_header_are_typed_errors() {
    let batch = || batch_of(&[b"a", b"b"], Compression::NONE);
    for count in [-1, 3, 1_000, i32::MAX] {
        let lie = patched(batch(), layout::COUNT, count.to_be_bytes());
        assert!(read_all(lie).is_err(), "count {count}");
    }
    // Fewer records than bytes.
    let lie = patched(batch(), layout::COUNT, 1i32.to_be_bytes());
    assert!(matches!(read_all(lie), Err(DecodeError::Corrupt { .. })));
    for delta in [-1, 0, i32::MIN] {
        let lie = patched(batch(), layout::LAST_OFFSET_DELTA, delta.to_be_bytes());
        assert!(
            matches!(read_all(lie), Err(DecodeError::Corrupt { .. })),
            "delta {delta}"
        );
    }
    for base in [-1, i64::MAX, i64::MIN] {
        assert!(matches!(
            read_all(rebased(batch(), base)),
            Err(DecodeError::Corrupt { .. })
        ));
    }
    let lie = patched(batch(), layout::BASE_TIMESTAMP, i64::MAX.to_be_bytes());
    assert!(matches!(read_all(lie), Err(DecodeError::Corrupt { .. })));
    for magic in [3u8, 99, 0x80] {
        let mut lie = batch();
        lie[layout::MAGIC] = magic;
        assert_eq!(
            read_all(lie),
            Err(DecodeError::UnknownMagic { magic: magic as i8 })
        );
    }
    for length in [-1, 0, 13, i32::MIN] {
        let mut lie = batch();
        lie[layout::BATCH_LENGTH..layout::LEADER_EPOCH].copy_from_slice(&length.to_be_bytes());
        assert!(
            matches!(read_all(lie), Err(DecodeError::Length { .. })),
            "length {length}"
        );
    }
    for codec in 5..8i16 {
        let lie = patched(batch(), layout::ATTRIBUTES, codec.to_be_bytes());
        assert_eq!(
            read_all(lie),
            Err(DecodeError::UnknownCodec { id: codec as u8 })
        );
    }
}

#[test]
fn batches_left_empty_by_compaction_are_read_over() {
    for codec in Codec::ALL {
        let mut empty = batch_of(&[b"a"], Compression::NONE);
        empty.truncate(BATCH_OVERHEAD);
        empty[layout::BATCH_LENGTH..layout::LEADER_EPOCH].copy_from_slice(&49i32.to_be_bytes());
        empty[layout::ATTRIBUTES + 1] = codec.id();
        let empty = patched(empty, layout::COUNT, 0i32.to_be_bytes());
        let full = rebased(batch_of(&[b"b"], Compression::NONE), 1);
        let read = read_all([&empty[..], &empty, &full].concat()).unwrap();
        assert_eq!(read, [value(1, 1_000, b"b")]);
    }
}

#[test]
fn a_fault_ends_the_iteration() {
    let mut bytes = batch_of(&[b"a"], Compression::NONE);
    bytes[layout::MAGIC] = 9;
    let mut batches = BatchIter::new(bytes.freeze(), &DecodeLimits::default());
    assert!(batches.next().unwrap().is_err());
    assert!(batches.next().is_none());
}

#[test]
fn decompression_stops_at_the_limit() {
    let values = vec![&[7u8; 1_000][..]; 100];
    for codec in built_in().skip(1) {
        let wire = batch_of(&values, Compression::of(codec)).freeze();
        let limits = DecodeLimits {
            max_decompressed: 50_000,
            ..DecodeLimits::default()
        };
        let batch = BatchIter::new(wire, &limits).next().unwrap().unwrap();
        assert!(
            matches!(batch.records(&limits), Err(DecodeError::TooLarge { .. })),
            "{codec}"
        );
        assert!(batch.records(&DecodeLimits::default()).is_ok());
    }
}

#[test]
fn control_records_are_exposed() {
    let marker = ControlRecord {
        version: 0,
        kind: ControlKind::Abort,
        coordinator_epoch: 17,
    };
    let (key, value) = marker.encode();
    let mut open = BatchBuilder::new(BytesMut::new())
        .transactional(true)
        .control(true);
    let record = RecordData {
        key: Some(&key),
        value: Some(&value),
        ..RecordData::default()
    };
    open.append(&record).unwrap();
    let wire = open.seal(Compression::NONE).unwrap().stamp(99, 4, -1);
    let limits = DecodeLimits::default();
    let batch = BatchIter::new(wire, &limits).next().unwrap().unwrap();
    assert!(batch.is_control() && batch.is_transactional());
    assert_eq!((batch.producer_id(), batch.producer_epoch()), (99, 4));
    let records = batch.records(&limits).unwrap();
    let record = records.iter().next().unwrap().unwrap();
    assert_eq!(ControlRecord::parse(&record), Ok(marker));
    let short = RecordRef {
        key: Some(&key[..3]),
        ..record
    };
    assert!(ControlRecord::parse(&short).is_err());
    let short = RecordRef {
        value: Some(&value[..5]),
        ..record
    };
    assert!(ControlRecord::parse(&short).is_err());
}

fn message_set(
    format: MessageFormat,
    compression: Compression,
    offsets: std::ops::Range<i64>,
    log_append_time: Option<i64>,
) -> Bytes {
    let mut set = MessageSetBuilder::new(format, compression);
    if let Some(time) = log_append_time {
        set = set.log_append_time(time);
    }
    for offset in offsets {
        let text = format!("value number {offset}");
        let record = RecordData {
            timestamp: 100 + offset,
            key: (offset % 2 == 0).then_some(b"key"),
            value: Some(text.as_bytes()),
            headers: &[],
        };
        set.append(offset, &record).unwrap();
    }
    set.finish().unwrap()
}

fn expected_messages(offsets: std::ops::Range<i64>, time: impl Fn(i64) -> i64) -> Vec<Owned> {
    offsets
        .map(|offset| Owned {
            key: (offset % 2 == 0).then(|| b"key".to_vec()),
            ..value(
                offset,
                time(offset),
                format!("value number {offset}").as_bytes(),
            )
        })
        .collect()
}

const OLD_CODECS: [Compression; 4] = [
    Compression::NONE,
    Compression::GZIP,
    Compression::SNAPPY,
    Compression::LZ4,
];

#[test]
fn message_sets_come_back_with_their_offsets() {
    for compression in OLD_CODECS {
        let v0 = message_set(MessageFormat::V0, compression, 40..50, None);
        assert_eq!(
            read_all(v0).unwrap(),
            expected_messages(40..50, |_| -1),
            "{compression}"
        );
        let v1 = message_set(MessageFormat::V1, compression, 40..50, None);
        let expected = expected_messages(40..50, |offset| 100 + offset);
        assert_eq!(read_all(v1).unwrap(), expected, "{compression}");
        let stored = message_set(MessageFormat::V1, compression, 40..50, Some(777));
        assert_eq!(
            read_all(stored).unwrap(),
            expected_messages(40..50, |_| 777),
            "{compression}"
        );
    }
}

#[test]
fn a_log_of_all_formats_is_read_through() {
    let mut log = Vec::new();
    let mut expected = Vec::new();
    let mut next = 0;
    for compression in OLD_CODECS {
        log.extend_from_slice(&message_set(
            MessageFormat::V0,
            compression,
            next..next + 3,
            None,
        ));
        expected.extend(expected_messages(next..next + 3, |_| -1));
        log.extend_from_slice(&message_set(
            MessageFormat::V1,
            compression,
            next + 3..next + 6,
            None,
        ));
        expected.extend(expected_messages(next + 3..next + 6, |offset| 100 + offset));
        log.extend_from_slice(&rebased(batch_of(&[b"x", b"y"], compression), next + 6));
        expected.extend([value(next + 6, 1_000, b"x"), value(next + 7, 1_001, b"y")]);
        next += 8;
    }
    assert_eq!(read_all(log).unwrap(), expected);
}

#[test]
fn message_faults_are_typed_errors() {
    let set = message_set(MessageFormat::V1, Compression::NONE, 0..1, None);
    for at in 12..set.len() {
        let mut damaged = set.to_vec();
        damaged[at] ^= 0x10;
        assert!(read_all(damaged).is_err(), "byte {at}");
    }
    let record = RecordData {
        headers: &[Header {
            key: "h",
            value: None,
        }],
        ..RecordData::default()
    };
    let mut set = MessageSetBuilder::new(MessageFormat::V1, Compression::NONE);
    assert!(set.append(0, &record).is_err());
    set.append(5, &RecordData::default()).unwrap();
    assert!(set.append(5, &RecordData::default()).is_err());
    let mut set = MessageSetBuilder::new(MessageFormat::V1, Compression::ZSTD);
    set.append(0, &RecordData::default()).unwrap();
    assert!(set.finish().is_err());
}

#[test]
fn a_compressed_set_within_a_compressed_set_is_refused() {
    let inner = message_set(MessageFormat::V1, Compression::GZIP, 0..2, None);
    let mut packed = BytesMut::new();
    compress(Compression::GZIP, &inner, &mut packed).unwrap();
    let mut outer = MessageSetBuilder::new(MessageFormat::V1, Compression::NONE);
    let record = RecordData {
        value: Some(&packed),
        ..RecordData::default()
    };
    outer.append(1, &record).unwrap();
    let mut outer = outer.finish().unwrap().to_vec();
    outer[17] |= Codec::Gzip.id();
    let crc = crc32fast::hash(&outer[16..]);
    outer[12..16].copy_from_slice(&crc.to_be_bytes());
    let refused = read_all(outer).unwrap_err();
    assert!(
        refused.to_string().contains("within a compressed set"),
        "{refused}"
    );
}
