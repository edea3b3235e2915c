//! What the broker checks of a record batch before it stores it (record batch v2, KIP-98).
//!
//! Offsets in bytes, big-endian: base offset 0..8, batch length 8..12 (counts from byte 12), leader epoch 12..16, magic 16,
//! CRC-32C 17..21 (over bytes 21 to the end), attributes 21..23, last offset delta 23..27, base timestamp 27..35,
//! max timestamp 35..43, producer id 43..51, producer epoch 51..53, base sequence 53..57, record count 57..61.

use bytes::{Bytes, BytesMut};
use ekafka_protocol::ErrorCode;

/// The header fields of one batch that has passed [`Batch::split`].
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// The whole batch as the client sent it.
    pub(crate) bytes: Bytes,
    pub(crate) attributes: i16,
    pub(crate) last_offset_delta: i32,
    pub(crate) max_timestamp: i64,
    pub(crate) producer_id: i64,
    pub(crate) producer_epoch: i16,
    pub(crate) base_sequence: i32,
    pub(crate) count: i32,
}

/// Length of the header of a batch, in bytes.
const HEADER_LEN: usize = 61;
/// Bytes in front of what "batch length" counts.
const LENGTH_OVERHEAD: usize = 12;
/// Attribute bit: this batch belongs to a transaction.
const TRANSACTIONAL: i16 = 0x10;
/// Attribute bit: this batch holds a control record.
const CONTROL: i16 = 0x20;
/// Attribute bit: the timestamps are the broker's (log append time).
const LOG_APPEND_TIME: i16 = 0x08;

impl Batch {
    /// Splits the `records` field of a produce request into its batches and checks each: size, magic, CRC, counts.
    pub(crate) fn split(records: &Bytes) -> Result<Vec<Self>, ErrorCode> {
        let mut batches = Vec::with_capacity(1);
        let mut at = 0;
        while at < records.len() {
            let batch = Self::parse(&records.slice(at..))?;
            at += batch.bytes.len();
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Reads and checks the batch at the start of `records`.
    fn parse(records: &Bytes) -> Result<Self, ErrorCode> {
        let magic = *records.get(16).ok_or(ErrorCode::CORRUPT_MESSAGE)?;
        if magic < 2 {
            return Err(ErrorCode::UNSUPPORTED_FOR_MESSAGE_FORMAT);
        }
        let length = read::<4>(records, 8).map(i32::from_be_bytes)?;
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_add(LENGTH_OVERHEAD))
            .filter(|&end| magic == 2 && end >= HEADER_LEN && end <= records.len())
            .ok_or(ErrorCode::CORRUPT_MESSAGE)?;
        let bytes = records.slice(..end);
        let stated = read::<4>(&bytes, 17).map(u32::from_be_bytes)?;
        if crc32c(bytes.get(21..).unwrap_or_default()) != stated {
            return Err(ErrorCode::CORRUPT_MESSAGE);
        }
        let batch = Self {
            attributes: read(&bytes, 21).map(i16::from_be_bytes)?,
            last_offset_delta: read(&bytes, 23).map(i32::from_be_bytes)?,
            max_timestamp: read(&bytes, 35).map(i64::from_be_bytes)?,
            producer_id: read(&bytes, 43).map(i64::from_be_bytes)?,
            producer_epoch: read(&bytes, 51).map(i16::from_be_bytes)?,
            base_sequence: read(&bytes, 53).map(i32::from_be_bytes)?,
            count: read(&bytes, 57).map(i32::from_be_bytes)?,
            bytes,
        };
        // A produced batch has no gaps: compaction alone makes them.
        if batch.count < 1 || i64::from(batch.last_offset_delta) != i64::from(batch.count) - 1 {
            return Err(ErrorCode::INVALID_RECORD);
        }
        Ok(batch)
    }

    /// The control batch that ends a transaction (schema `EndTxnMarker`): one record whose key is version 0 and type
    /// 0 (abort) or 1 (commit), and whose value is version 0 and coordinator epoch 0.
    pub(crate) fn marker(
        producer_id: i64,
        producer_epoch: i16,
        committed: bool,
        timestamp: i64,
    ) -> Self {
        let attributes = TRANSACTIONAL | CONTROL;
        let mut bytes = BytesMut::new();
        let record: [u8; 17] = [
            32,
            0,
            0,
            0,
            8,
            0,
            0,
            0,
            u8::from(committed),
            12,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
        ];
        bytes.extend_from_slice(&0_i64.to_be_bytes());
        bytes.extend_from_slice(
            &i32::try_from(HEADER_LEN + record.len() - LENGTH_OVERHEAD)
                .unwrap_or(0)
                .to_be_bytes(),
        );
        bytes.extend_from_slice(&[0, 0, 0, 0, 2, 0, 0, 0, 0]);
        bytes.extend_from_slice(&attributes.to_be_bytes());
        bytes.extend_from_slice(&0_i32.to_be_bytes());
        bytes.extend_from_slice(&timestamp.to_be_bytes());
        bytes.extend_from_slice(&timestamp.to_be_bytes());
        bytes.extend_from_slice(&producer_id.to_be_bytes());
        bytes.extend_from_slice(&producer_epoch.to_be_bytes());
        bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        bytes.extend_from_slice(&1_i32.to_be_bytes());
        bytes.extend_from_slice(&record);
        let crc = crc32c(bytes.get(21..).unwrap_or_default());
        put(&mut bytes, 17, &crc.to_be_bytes());
        Self {
            bytes: bytes.freeze(),
            attributes,
            last_offset_delta: 0,
            max_timestamp: timestamp,
            producer_id,
            producer_epoch,
            base_sequence: -1,
            count: 1,
        }
    }

    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    pub(crate) fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// The sequence number of the last record; sequences wrap from `i32::MAX` to 0.
    pub(crate) fn last_sequence(&self) -> i32 {
        let last =
            (i64::from(self.base_sequence) + i64::from(self.count) - 1) % (i64::from(i32::MAX) + 1);
        i32::try_from(last).unwrap_or(0)
    }

    /// The first bytes of the stored form: base offset and leader epoch are the broker's, which the CRC does not cover.
    /// With `append_time` the timestamps become the broker's too, so the head is the whole header with a new CRC.
    pub(crate) fn head(
        &self,
        base_offset: i64,
        leader_epoch: i32,
        append_time: Option<i64>,
    ) -> Bytes {
        let copied = if append_time.is_some() {
            HEADER_LEN
        } else {
            16
        };
        let mut head = BytesMut::from(self.bytes.get(..copied).unwrap_or_default());
        put(&mut head, 0, &base_offset.to_be_bytes());
        put(&mut head, 12, &leader_epoch.to_be_bytes());
        if let Some(at) = append_time {
            put(
                &mut head,
                21,
                &(self.attributes | LOG_APPEND_TIME).to_be_bytes(),
            );
            put(&mut head, 35, &at.to_be_bytes());
            put_crc(&mut head, self.bytes.get(HEADER_LEN..).unwrap_or_default());
        }
        head.freeze()
    }
}

/// The header of the batch in `bytes` when `records` take the place of its own. What the batch covers stays.
pub(super) fn with_records(bytes: &[u8], records: &[u8], count: i32, max_timestamp: i64) -> Bytes {
    let mut head = BytesMut::from(bytes.get(..HEADER_LEN).unwrap_or_default());
    let length = i32::try_from(HEADER_LEN - LENGTH_OVERHEAD + records.len()).unwrap_or(i32::MAX);
    put(&mut head, 8, &length.to_be_bytes());
    put(&mut head, 35, &max_timestamp.to_be_bytes());
    put(&mut head, 57, &count.to_be_bytes());
    put_crc(&mut head, records);
    head.freeze()
}

fn put_crc(head: &mut BytesMut, records: &[u8]) {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    digest.update(head.get(21..).unwrap_or_default());
    digest.update(records);
    let crc = u32::try_from(digest.finalize()).unwrap_or_default();
    put(head, 17, &crc.to_be_bytes());
}

/// CRC-32C (Castagnoli), the checksum of record batches.
fn crc32c(bytes: &[u8]) -> u32 {
    u32::try_from(crc_fast::checksum(
        crc_fast::CrcAlgorithm::Crc32Iscsi,
        bytes,
    ))
    .unwrap_or_default()
}

fn read<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], ErrorCode> {
    bytes
        .get(at..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .ok_or(ErrorCode::CORRUPT_MESSAGE)
}

fn put(head: &mut BytesMut, at: usize, value: &[u8]) {
    if let Some(place) = head.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}
