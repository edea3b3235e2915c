//! Walking the records of an opened batch: borrowed, checked, without allocation.

use bytes::Bytes;

use super::batch::{BatchHeader, TimestampType};
use super::message::{self, Anchor};
use super::varint;
use crate::error::DecodeError;

/// The records of one batch, decompressed. Owns (a share of) their bytes.
#[derive(Debug, Clone)]
pub struct Records {
    bytes: Bytes,
    walk: Walk,
}

/// What it takes to read on; small, so that owned and borrowed iteration share the code.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    header: BatchHeader,
    /// How offsets are found, for messages of formats 0 and 1.
    legacy: Option<Anchor>,
    /// Records not read yet; unused for formats 0 and 1.
    left: i32,
}

impl Records {
    pub(super) fn of_batch(bytes: Bytes, header: BatchHeader) -> Self {
        let walk = Walk {
            header,
            legacy: None,
            left: header.count,
        };
        Self { bytes, walk }
    }

    pub(super) fn of_messages(bytes: Bytes, header: BatchHeader, anchor: Anchor) -> Self {
        let walk = Walk {
            header,
            legacy: Some(anchor),
            left: 0,
        };
        Self { bytes, walk }
    }

    /// Iterates over the records from the first.
    #[must_use]
    pub fn iter(&self) -> RecordIter<'_> {
        RecordIter {
            rest: &self.bytes,
            walk: self.walk,
        }
    }

    /// The decompressed bytes, which spans refer to.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many records there are, as the batch's header says; for formats 0 and 1, which do not say, a
    /// number above any count.
    #[must_use]
    pub fn count_or_more(&self) -> u64 {
        match self.walk.legacy {
            Some(_) => u64::MAX,
            None => u64::from(self.walk.left.max(0).unsigned_abs()),
        }
    }

    /// Who set the timestamps.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        self.walk.header.timestamp_type()
    }

    pub(super) fn into_parts(self) -> (Bytes, Walk) {
        (self.bytes, self.walk)
    }
}

impl<'a> IntoIterator for &'a Records {
    type Item = Result<RecordRef<'a>, DecodeError>;
    type IntoIter = RecordIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A record read, borrowing from its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Offset in the partition.
    pub offset: i64,
    /// Milliseconds since the Unix epoch; -1 where the format or the writer gave none.
    pub timestamp: i64,
    /// `None` is a null key.
    pub key: Option<&'a [u8]>,
    /// `None` is a null value, a tombstone in compacted topics.
    pub value: Option<&'a [u8]>,
    pub(super) header_count: u32,
    pub(super) raw_headers: &'a [u8],
}

impl<'a> RecordRef<'a> {
    /// The headers in written order, duplicates included; parsed as they are asked for.
    #[must_use]
    pub fn headers(&self) -> HeaderIter<'a> {
        HeaderIter {
            rest: self.raw_headers,
            left: self.header_count,
        }
    }

    /// How many headers there are.
    #[must_use]
    pub fn header_count(&self) -> usize {
        self.header_count as usize
    }
}

/// Iterates over borrowed records. A fault is returned once and ends the iteration.
#[derive(Debug, Clone)]
pub struct RecordIter<'a> {
    rest: &'a [u8],
    walk: Walk,
}

impl<'a> Iterator for RecordIter<'a> {
    type Item = Result<RecordRef<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.walk.next(&mut self.rest)
    }
}

impl std::iter::FusedIterator for RecordIter<'_> {}

impl Walk {
    /// Takes one record off the front of `rest`.
    #[inline(always)]
    pub(super) fn next<'a>(
        &mut self,
        rest: &mut &'a [u8],
    ) -> Option<Result<RecordRef<'a>, DecodeError>> {
        if self.left <= 0 {
            return self.end_or_message(rest);
        }
        self.left -= 1;
        match take_record(rest, &self.header) {
            Some((record, after)) => {
                *rest = after;
                Some(Ok(record))
            }
            None => {
                self.left = 0;
                let left = std::mem::take(rest).len();
                Some(Err(bad_record(left)))
            }
        }
    }

    #[inline(never)]
    fn end_or_message<'a>(
        &mut self,
        rest: &mut &'a [u8],
    ) -> Option<Result<RecordRef<'a>, DecodeError>> {
        if rest.is_empty() {
            return None;
        }
        let bytes = std::mem::take(rest);
        let Some(anchor) = &self.legacy else {
            return Some(Err(DecodeError::Corrupt {
                what: "record batch",
                detail: "bytes follow the last record",
            }));
        };
        let record = message::take(bytes, &self.header, anchor);
        Some(record.map(|(record, after)| {
            *rest = after;
            record
        }))
    }
}

/// Reads one record of format 2:
/// `length varint, attributes i8, timestamp delta varlong, offset delta varint, key, value, headers`.
#[inline(always)]
fn take_record<'a>(rest: &'a [u8], header: &BatchHeader) -> Option<(RecordRef<'a>, &'a [u8])> {
    let (length, rest) = take_length(rest)?;
    let (body, rest) = rest.split_at_checked(length)?;
    let (_attributes, body) = body.split_first()?;
    let (timestamp_delta, body) = varint::take_long(body)?;
    let (offset_delta, body) = take_length(body)?;
    let (key, body) = take_field(body)?;
    let (value, body) = take_field(body)?;
    let (header_count, body) = take_length(body)?;
    // A header takes two bytes at least, and none may be left without headers.
    if header_count > body.len() / 2 || (header_count == 0 && !body.is_empty()) {
        return None;
    }
    // No overflow: the base is not negative and the delta has 31 bits.
    let offset = header.base_offset.wrapping_add(offset_delta as i64);
    if offset as u64 > header.last_offset as u64 {
        return None;
    }
    let timestamp = match header.timestamp_type() {
        TimestampType::CreateTime => header.base_timestamp.checked_add(timestamp_delta)?,
        TimestampType::LogAppendTime => header.max_timestamp,
    };
    let header_count = header_count as u32;
    Some((
        RecordRef {
            offset,
            timestamp,
            key,
            value,
            header_count,
            raw_headers: body,
        },
        rest,
    ))
}

/// A length or count that cannot be negative.
#[inline(always)]
fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (value, rest) = varint::take_unsigned(bytes)?;
    (value & 1 == 0).then_some(((value >> 1) as usize, rest))
}

/// A nullable field: its length as a varint (-1 is null), then its bytes.
#[inline(always)]
fn take_field(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = varint::take_unsigned(bytes)?;
    if length & 1 == 1 {
        return (length == 1).then_some((None, rest));
    }
    let (field, rest) = rest.split_at_checked((length >> 1) as usize)?;
    Some((Some(field), rest))
}

#[cold]
#[inline(never)]
fn bad_record(left: usize) -> DecodeError {
    if left == 0 {
        return DecodeError::Truncated {
            what: "record",
            needed: 1,
            left,
        };
    }
    DecodeError::Corrupt {
        what: "record",
        detail: "a length, offset, timestamp or header count is out of range",
    }
}

/// A header read. Kafka wants keys to be UTF-8, but brokers do not check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderRef<'a> {
    /// The key's bytes.
    pub key: &'a [u8],
    /// `None` is a null value.
    pub value: Option<&'a [u8]>,
}

impl<'a> HeaderRef<'a> {
    /// The key as text.
    ///
    /// # Errors
    /// [`DecodeError::Utf8`] when it is not UTF-8.
    pub fn key_str(&self) -> Result<&'a str, DecodeError> {
        str::from_utf8(self.key).map_err(|_| DecodeError::Utf8 { what: "header key" })
    }
}

/// Iterates over a record's headers. A fault is returned once and ends the iteration.
#[derive(Debug, Clone)]
pub struct HeaderIter<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> HeaderIter<'a> {
    pub(super) fn new(rest: &'a [u8], left: u32) -> Self {
        Self { rest, left }
    }
}

impl<'a> Iterator for HeaderIter<'a> {
    type Item = Result<HeaderRef<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let Some((header, rest)) = take_header(self.rest) else {
            self.left = 0;
            return Some(Err(DecodeError::Corrupt {
                what: "record header",
                detail: "the key is null or a length is out of range",
            }));
        };
        self.rest = rest;
        if self.left == 0 && !rest.is_empty() {
            return Some(Err(DecodeError::Corrupt {
                what: "record header",
                detail: "bytes follow the last header",
            }));
        }
        Some(Ok(header))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left as usize))
    }
}

#[inline]
fn take_header(bytes: &[u8]) -> Option<(HeaderRef<'_>, &[u8])> {
    let (key, rest) = take_field(bytes)?;
    let (value, rest) = take_field(rest)?;
    Some((HeaderRef { key: key?, value }, rest))
}

impl std::iter::FusedIterator for HeaderIter<'_> {}
