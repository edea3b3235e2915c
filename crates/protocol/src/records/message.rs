//! Reading messages of formats 0 and 1 (KIP-32), which may wrap a compressed set of messages
//! (KIP-31). Big-endian.
//!
//! ```text
//!  0 offset i64    8 size i32 (of 12..)   12 CRC-32 u32 (of 16..)   16 magic i8   17 attributes i8
//! 18 [format 1: timestamp i64]   key: length i32 (-1 null), bytes   value: likewise
//! ```

use super::batch::{Batch, BatchHeader};
use super::iter::{RecordRef, Records};
use super::layout;
use crate::compression::{self, Codec};
use crate::error::DecodeError;

/// CRC, magic, attributes and two null fields.
pub(super) const MIN_LENGTH: usize = 14;

pub(super) const MESSAGE_CRC: usize = 12;
pub(super) const MESSAGE_ATTRIBUTES: usize = 17;
pub(super) const MESSAGE_BODY: usize = 18;

/// How the offset of a message is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The message is a batch of its own.
    Alone,
    /// Wrapped in format 0: offsets are those of the partition.
    Absolute,
    /// Wrapped in format 1: offsets count from this one (KIP-31).
    Relative(i64),
}

/// Reads the header of a whole message.
pub(super) fn read_header(
    bytes: &[u8],
    magic: i8,
    check_crc: bool,
) -> Result<BatchHeader, DecodeError> {
    if check_crc {
        let stored = layout::get(bytes, MESSAGE_CRC).map_or(0, u32::from_be_bytes);
        let computed = crc32fast::hash(bytes.get(layout::MAGIC..).unwrap_or_default());
        if stored != computed {
            return Err(DecodeError::Crc { stored, computed });
        }
    }
    let (message, _) = Message::take(bytes)?;
    let codec = message.codec()?;
    if message.offset < 0 {
        return Err(corrupt("offset is negative"));
    }
    // Of the bits that format 2 defines only these two exist.
    let known = match magic {
        0 => layout::CODEC_MASK,
        _ => layout::CODEC_MASK | layout::LOG_APPEND_TIME,
    };
    Ok(BatchHeader {
        magic,
        codec,
        attributes: i16::from(message.attributes) & known,
        base_offset: message.offset,
        last_offset: message.offset,
        leader_epoch: -1,
        base_timestamp: message.timestamp,
        max_timestamp: message.timestamp,
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        count: if codec == Codec::None { 1 } else { -1 },
    })
}

/// Opens a message: itself, or the set that it wraps.
pub(super) fn open(batch: &Batch, limit: usize) -> Result<Records, DecodeError> {
    let header = batch.header;
    if header.codec == Codec::None {
        return Ok(Records::of_messages(
            batch.bytes.clone(),
            header,
            Anchor::Alone,
        ));
    }
    let (wrapper, _) = Message::take(&batch.bytes)?;
    let packed = wrapper
        .value
        .ok_or_else(|| corrupt("compressed set is null"))?;
    let bytes = match header.magic {
        0 => compression::decompress_v0(header.codec, packed, limit)?,
        _ => compression::decompress(header.codec, packed, limit)?,
    };
    let anchor = match header.magic {
        0 => Anchor::Absolute,
        _ => Anchor::Relative(first_offset(&bytes, wrapper.offset)?),
    };
    Ok(Records::of_messages(bytes, header, anchor))
}

/// The wrapper carries the offset of the last message inside, which tells where to count from.
fn first_offset(set: &[u8], wrapper_offset: i64) -> Result<i64, DecodeError> {
    let mut rest = set;
    let mut last = 0;
    while !rest.is_empty() {
        let (offset, _, after) = split(rest)?;
        last = offset;
        rest = after;
    }
    wrapper_offset
        .checked_sub(last)
        .filter(|first| *first >= 0)
        .ok_or_else(|| corrupt("relative offset is out of range"))
}

/// Takes the next message of a batch and returns what follows it.
pub(super) fn take<'a>(
    bytes: &'a [u8],
    batch: &BatchHeader,
    anchor: &Anchor,
) -> Result<(RecordRef<'a>, &'a [u8]), DecodeError> {
    let (message, rest) = Message::take(bytes)?;
    if message.magic != batch.magic {
        return Err(corrupt("formats differ within a compressed set"));
    }
    if *anchor != Anchor::Alone && message.codec()? != Codec::None {
        return Err(corrupt("a compressed set within a compressed set"));
    }
    let offset = match anchor {
        Anchor::Alone | Anchor::Absolute => Some(message.offset),
        Anchor::Relative(first) => first.checked_add(message.offset),
    };
    let offset = offset
        .filter(|offset| (0..=batch.last_offset).contains(offset))
        .ok_or_else(|| corrupt("offset is out of range"))?;
    let log_append_time = batch.attributes & layout::LOG_APPEND_TIME != 0;
    let timestamp = if log_append_time {
        batch.max_timestamp
    } else {
        message.timestamp
    };
    let record = RecordRef {
        offset,
        timestamp,
        key: message.key,
        value: message.value,
        header_count: 0,
        raw_headers: &rest[..0],
    };
    Ok((record, rest))
}

/// One message, as written.
struct Message<'a> {
    offset: i64,
    magic: i8,
    attributes: i8,
    /// -1 in format 0.
    timestamp: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
}

impl<'a> Message<'a> {
    fn take(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), DecodeError> {
        let (offset, content, rest) = split(bytes)?;
        // `split` has checked that the fixed part is there.
        let (magic, attributes) = (content[4] as i8, content[5] as i8);
        let mut body = &content[MESSAGE_BODY - layout::LOG_OVERHEAD..];
        let timestamp = match magic {
            0 => -1,
            1 => {
                let (timestamp, after) = body
                    .split_first_chunk()
                    .ok_or_else(|| corrupt("timestamp is cut off"))?;
                body = after;
                i64::from_be_bytes(*timestamp)
            }
            magic => return Err(DecodeError::UnknownMagic { magic }),
        };
        let key = take_field(&mut body)?;
        let value = take_field(&mut body)?;
        if !body.is_empty() {
            return Err(corrupt("bytes follow the value"));
        }
        Ok((
            Self {
                offset,
                magic,
                attributes,
                timestamp,
                key,
                value,
            },
            rest,
        ))
    }

    fn codec(&self) -> Result<Codec, DecodeError> {
        match Codec::from_id(self.attributes as u8 & layout::CODEC_MASK as u8)? {
            Codec::Zstd => Err(corrupt("zstd needs record format 2")),
            codec => Ok(codec),
        }
    }
}

/// Offset, content behind the size (at least [`MIN_LENGTH`] bytes), and what follows.
fn split(bytes: &[u8]) -> Result<(i64, &[u8], &[u8]), DecodeError> {
    let cut_off = || DecodeError::Truncated {
        what: "message",
        needed: layout::LOG_OVERHEAD + MIN_LENGTH,
        left: bytes.len(),
    };
    let (offset, rest) = bytes.split_first_chunk().ok_or_else(cut_off)?;
    let (size, rest) = rest.split_first_chunk().ok_or_else(cut_off)?;
    let size = i32::from_be_bytes(*size);
    match usize::try_from(size)
        .ok()
        .and_then(|size| rest.split_at_checked(size))
    {
        Some((content, rest)) if content.len() >= MIN_LENGTH => {
            Ok((i64::from_be_bytes(*offset), content, rest))
        }
        _ => Err(DecodeError::Length {
            what: "message",
            length: i64::from(size),
            limit: rest.len(),
        }),
    }
}

fn take_field<'a>(body: &mut &'a [u8]) -> Result<Option<&'a [u8]>, DecodeError> {
    let (length, rest) = body
        .split_first_chunk()
        .ok_or_else(|| corrupt("a length is cut off"))?;
    let length = i32::from_be_bytes(*length);
    if length == -1 {
        *body = rest;
        return Ok(None);
    }
    let field = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length));
    let Some((field, after)) = field else {
        return Err(DecodeError::Length {
            what: "message field",
            length: i64::from(length),
            limit: rest.len(),
        });
    };
    *body = after;
    Ok(Some(field))
}

#[cold]
fn corrupt(detail: &'static str) -> DecodeError {
    DecodeError::Corrupt {
        what: "message",
        detail,
    }
}
