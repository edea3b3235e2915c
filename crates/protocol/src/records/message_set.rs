//! Writing message sets of formats 0 and 1 (KIP-31, KIP-32), for peers that know nothing newer. The
//! layout is drawn in `message.rs`.

use bytes::{BufMut, Bytes, BytesMut};

use super::layout;
use super::message::{MESSAGE_ATTRIBUTES, MESSAGE_BODY, MESSAGE_CRC};
use super::record::RecordData;
use crate::compression::{self, Codec, Compression};
use crate::error::EncodeError;

/// A format before record batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageFormat {
    /// Without timestamps.
    V0,
    /// With timestamps, and offsets inside a compressed set relative to its first.
    V1,
}

/// Collects records into a message set.
///
/// ```
/// use ekafka_protocol::compression::Compression;
/// use ekafka_protocol::records::{
///     BatchIter, DecodeLimits, MessageFormat, MessageSetBuilder, RecordData,
/// };
///
/// let mut set = MessageSetBuilder::new(MessageFormat::V1, Compression::GZIP).log_append_time(9);
/// for offset in 5..8 {
///     set.append(offset, &RecordData { value: Some(b"old"), ..RecordData::default() })?;
/// }
/// let limits = DecodeLimits::default();
/// for batch in BatchIter::new(set.finish()?, &limits) {
///     for record in batch?.records(&limits)?.iter() {
///         let record = record?;
///         assert!((5..8).contains(&record.offset) && record.timestamp == 9);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MessageSetBuilder {
    format: MessageFormat,
    compression: Compression,
    /// The broker's time of storing, where it replaces the writer's.
    log_append_time: Option<i64>,
    set: BytesMut,
    first_offset: Option<i64>,
    last_offset: i64,
    max_timestamp: i64,
}

impl MessageSetBuilder {
    /// Opens a set; with a codec, its messages are wrapped in a compressed one.
    #[must_use]
    pub fn new(format: MessageFormat, compression: Compression) -> Self {
        Self {
            format,
            compression,
            log_append_time: None,
            set: BytesMut::new(),
            first_offset: None,
            last_offset: -1,
            max_timestamp: -1,
        }
    }

    /// Gives all messages the broker's time, milliseconds since the Unix epoch (format 1 only).
    /// Default: the time of each record.
    #[must_use]
    pub fn log_append_time(mut self, timestamp: i64) -> Self {
        self.log_append_time = Some(timestamp);
        self
    }

    /// Appends a record at an offset of the partition, which must grow from call to call.
    ///
    /// # Errors
    /// [`EncodeError::Invalid`] for headers, which these formats lack, and for offsets that do not
    /// grow; [`EncodeError::TooLarge`] for fields of 2 GiB.
    pub fn append(&mut self, offset: i64, record: &RecordData<'_>) -> Result<(), EncodeError> {
        if !record.headers.is_empty() {
            return Err(invalid("headers need record format 2"));
        }
        if offset <= self.last_offset {
            return Err(invalid("offsets must grow"));
        }
        let first = *self.first_offset.get_or_insert(offset);
        let relative = self.format == MessageFormat::V1 && self.compression.codec() != Codec::None;
        let written = if relative { offset - first } else { offset };
        put_message(
            &mut self.set,
            self.format,
            self.log_append_time,
            Codec::None,
            written,
            record,
        )?;
        self.last_offset = offset;
        self.max_timestamp = self.max_timestamp.max(record.timestamp);
        Ok(())
    }

    /// Ends the set.
    ///
    /// # Errors
    /// [`EncodeError::Compression`] when the codec fails, [`EncodeError::Invalid`] for zstd, which
    /// needs record format 2, [`EncodeError::TooLarge`] past 2 GiB.
    pub fn finish(self) -> Result<Bytes, EncodeError> {
        let codec = self.compression.codec();
        if codec == Codec::None || self.set.is_empty() {
            return Ok(self.set.freeze());
        }
        let mut packed = BytesMut::new();
        match (self.format, codec) {
            (_, Codec::Zstd) => return Err(invalid("zstd needs record format 2")),
            (MessageFormat::V0, _) => {
                compression::compress_v0(self.compression, &self.set, &mut packed)?;
            }
            (MessageFormat::V1, _) => {
                compression::compress(self.compression, &self.set, &mut packed)?;
            }
        }
        let mut wrapper = BytesMut::with_capacity(packed.len() + 40);
        let record = RecordData {
            timestamp: self.max_timestamp,
            value: Some(&packed),
            ..RecordData::default()
        };
        let time = self.log_append_time;
        put_message(
            &mut wrapper,
            self.format,
            time,
            codec,
            self.last_offset,
            &record,
        )?;
        Ok(wrapper.freeze())
    }
}

fn put_message(
    out: &mut BytesMut,
    format: MessageFormat,
    log_append_time: Option<i64>,
    codec: Codec,
    offset: i64,
    record: &RecordData<'_>,
) -> Result<(), EncodeError> {
    let start = out.len();
    out.put_i64(offset);
    out.put_bytes(0, 8);
    out.put_i8(format as i8);
    out.put_u8(codec.id());
    if format == MessageFormat::V1 {
        out.put_i64(log_append_time.unwrap_or(record.timestamp));
        if log_append_time.is_some() {
            out[start + MESSAGE_ATTRIBUTES] |= layout::LOG_APPEND_TIME as u8;
        }
    }
    debug_assert!(out.len() - start >= MESSAGE_BODY);
    put_field(out, record.key)?;
    put_field(out, record.value)?;
    let size = length(out.len() - start - layout::LOG_OVERHEAD)?;
    let message = &mut out[start..];
    layout::put(message, layout::BATCH_LENGTH, size.to_be_bytes());
    let crc = crc32fast::hash(&message[layout::MAGIC..]);
    layout::put(message, MESSAGE_CRC, crc.to_be_bytes());
    Ok(())
}

fn put_field(out: &mut BytesMut, field: Option<&[u8]>) -> Result<(), EncodeError> {
    match field {
        None => out.put_i32(-1),
        Some(bytes) => {
            out.put_i32(length(bytes.len())?);
            out.put_slice(bytes);
        }
    }
    Ok(())
}

fn length(bytes: usize) -> Result<i32, EncodeError> {
    i32::try_from(bytes).map_err(|_| EncodeError::TooLarge {
        what: "message",
        length: bytes,
        limit: i32::MAX as usize,
    })
}

#[cold]
fn invalid(detail: &'static str) -> EncodeError {
    EncodeError::Invalid {
        what: "message set",
        detail,
    }
}
