//! One batch as a broker stores it: what its header says, and the way to its records.

use bytes::Bytes;

use super::batches::DecodeLimits;
use super::iter::Records;
use super::layout;
use super::message;
use crate::compression::{self, Codec};
use crate::error::DecodeError;

/// Who set the timestamps of a batch (KIP-32).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimestampType {
    /// The writer.
    CreateTime,
    /// The broker, when it stored the batch; one time for all its records.
    LogAppendTime,
}

/// A batch with a checked header. A message of format 0 or 1, with what it wraps, counts as a batch.
#[derive(Debug, Clone)]
pub struct Batch {
    pub(super) bytes: Bytes,
    pub(super) header: BatchHeader,
}

/// The header's fields, with the defaults of older formats filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub(super) magic: i8,
    pub(super) codec: Codec,
    pub(super) attributes: i16,
    pub(super) base_offset: i64,
    pub(super) last_offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) base_timestamp: i64,
    pub(super) max_timestamp: i64,
    pub(super) producer_id: i64,
    pub(super) producer_epoch: i16,
    pub(super) base_sequence: i32,
    /// -1 when it takes decompressing to know.
    pub(super) count: i32,
}

impl Batch {
    /// Reads one whole batch of a known format.
    pub(super) fn read(bytes: Bytes, magic: i8, check_crc: bool) -> Result<Self, DecodeError> {
        let header = match magic {
            2 => read_header(&bytes, check_crc)?,
            _ => message::read_header(&bytes, magic, check_crc)?,
        };
        Ok(Self { bytes, header })
    }

    /// Opens the batch: slices its records out, or decompresses them, which each call does again.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`] past `limits.max_decompressed`, [`DecodeError::Compression`] for
    /// damaged data, [`DecodeError::Length`] when there are fewer bytes than the record count needs.
    pub fn records(&self, limits: &DecodeLimits) -> Result<Records, DecodeError> {
        let header = &self.header;
        if header.magic < 2 {
            return message::open(self, limits.max_decompressed);
        }
        let raw = self.bytes.slice(layout::BATCH_OVERHEAD..);
        let bytes = match header.codec {
            Codec::None => raw,
            // A batch that compaction left empty has no compressed stream either.
            _ if header.count == 0 && raw.is_empty() => raw,
            codec => compression::decompress(codec, &raw, limits.max_decompressed)?,
        };
        check_count(header.count, bytes.len())?;
        Ok(Records::of_batch(bytes, *header))
    }

    /// Offset of the first record, possibly compacted away. A compressed message of format 0 or 1
    /// only knows its last one before it is opened, and gives that.
    #[must_use]
    pub fn base_offset(&self) -> i64 {
        self.header.base_offset
    }

    /// Offset of the last record, possibly compacted away: the next batch begins behind it.
    #[must_use]
    pub fn last_offset(&self) -> i64 {
        self.header.last_offset
    }

    /// Epoch of the leader that stored the batch, -1 before format 2.
    #[must_use]
    pub fn leader_epoch(&self) -> i32 {
        self.header.leader_epoch
    }

    /// The format: 0, 1 or 2.
    #[must_use]
    pub fn magic(&self) -> i8 {
        self.header.magic
    }

    /// The codec of the records.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.header.codec
    }

    /// Who set the timestamps.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        self.header.timestamp_type()
    }

    /// The latest timestamp in the batch, milliseconds since the Unix epoch, -1 for none.
    #[must_use]
    pub fn max_timestamp(&self) -> i64 {
        self.header.max_timestamp
    }

    /// Id of an idempotent or transactional producer, else -1.
    #[must_use]
    pub fn producer_id(&self) -> i64 {
        self.header.producer_id
    }

    /// Epoch of that producer, else -1.
    #[must_use]
    pub fn producer_epoch(&self) -> i16 {
        self.header.producer_epoch
    }

    /// Sequence number of the first record, else -1.
    #[must_use]
    pub fn base_sequence(&self) -> i32 {
        self.header.base_sequence
    }

    /// Whether the batch belongs to a transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        self.header.attributes & layout::TRANSACTIONAL != 0
    }

    /// Whether the batch holds control records, which no application should see.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.header.attributes & layout::CONTROL != 0
    }

    /// Records in the batch; `None` for a compressed message of format 0 or 1.
    #[must_use]
    pub fn count(&self) -> Option<usize> {
        usize::try_from(self.header.count).ok()
    }

    /// The batch as it was received.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl BatchHeader {
    pub(super) fn timestamp_type(&self) -> TimestampType {
        if self.attributes & layout::LOG_APPEND_TIME == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        }
    }
}

fn read_header(bytes: &[u8], check_crc: bool) -> Result<BatchHeader, DecodeError> {
    let Some(header) = bytes.first_chunk::<{ layout::BATCH_OVERHEAD }>() else {
        return Err(DecodeError::Truncated {
            what: "record batch header",
            needed: layout::BATCH_OVERHEAD,
            left: bytes.len(),
        });
    };
    if check_crc {
        let stored = u32::from_be_bytes(field(header, layout::CRC));
        let computed = crc_fast::crc32_iscsi(&bytes[layout::ATTRIBUTES..]);
        if stored != computed {
            return Err(DecodeError::Crc { stored, computed });
        }
    }
    let attributes = i16::from_be_bytes(field(header, layout::ATTRIBUTES));
    let codec = Codec::from_id((attributes & layout::CODEC_MASK) as u8)?;
    let base_offset = i64::from_be_bytes(field(header, layout::BASE_OFFSET));
    let last_delta = i32::from_be_bytes(field(header, layout::LAST_OFFSET_DELTA));
    let last_offset = u32::try_from(last_delta)
        .ok()
        .and_then(|delta| base_offset.checked_add(i64::from(delta)))
        .filter(|_| base_offset >= 0)
        .ok_or(DecodeError::Corrupt {
            what: "record batch",
            detail: "offsets are negative or overflow",
        })?;
    let count = i32::from_be_bytes(field(header, layout::COUNT));
    if codec == Codec::None || count < 0 {
        check_count(count, bytes.len() - layout::BATCH_OVERHEAD)?;
    }
    Ok(BatchHeader {
        magic: 2,
        codec,
        attributes,
        base_offset,
        last_offset,
        leader_epoch: i32::from_be_bytes(field(header, layout::LEADER_EPOCH)),
        base_timestamp: i64::from_be_bytes(field(header, layout::BASE_TIMESTAMP)),
        max_timestamp: i64::from_be_bytes(field(header, layout::MAX_TIMESTAMP)),
        producer_id: i64::from_be_bytes(field(header, layout::PRODUCER_ID)),
        producer_epoch: i16::from_be_bytes(field(header, layout::PRODUCER_EPOCH)),
        base_sequence: i32::from_be_bytes(field(header, layout::BASE_SEQUENCE)),
        count,
    })
}

/// A count is believed only as far as there are bytes for it.
fn check_count(count: i32, bytes: usize) -> Result<(), DecodeError> {
    let limit = bytes / layout::MIN_RECORD;
    match usize::try_from(count) {
        Ok(count) if count <= limit => Ok(()),
        _ => Err(DecodeError::Length {
            what: "record count",
            length: i64::from(count),
            limit,
        }),
    }
}

/// A field of the fixed header; the offsets are constants within it.
fn field<const N: usize>(header: &[u8; layout::BATCH_OVERHEAD], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&header[at..at + N]);
    bytes
}
