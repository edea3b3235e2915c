//! Records as positions in their batch, so that an owned message is one handle on the batch's bytes
//! and a few numbers.

use std::ops::Range;

use bytes::Bytes;

use super::batch::TimestampType;
use super::iter::{HeaderIter, RecordRef, Records, Walk};
use crate::error::DecodeError;

/// Where a record's parts lie in [`Records::bytes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSpan {
    /// Offset in the partition.
    pub offset: i64,
    /// Milliseconds since the Unix epoch; -1 where the format or the writer gave none.
    pub timestamp: i64,
    key: Span,
    value: Span,
    headers: Span,
    header_count: u32,
}

/// `start == NULL` stands for an absent field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
}

impl RecordSpan {
    /// The key in `bytes`, which must be the bytes the span was made from.
    #[must_use]
    pub fn key<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.key.of(bytes)
    }

    /// The value in `bytes`, which must be the bytes the span was made from.
    #[must_use]
    pub fn value<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        self.value.of(bytes)
    }

    /// Where the key lies; `None` for a null key.
    #[must_use]
    pub fn key_range(&self) -> Option<Range<usize>> {
        self.key.range()
    }

    /// Where the value lies; `None` for a null value.
    #[must_use]
    pub fn value_range(&self) -> Option<Range<usize>> {
        self.value.range()
    }

    /// The headers in `bytes`, which must be the bytes the span was made from.
    #[must_use]
    pub fn headers<'a>(&self, bytes: &'a [u8]) -> HeaderIter<'a> {
        HeaderIter::new(
            self.headers.of(bytes).unwrap_or_default(),
            self.header_count,
        )
    }

    /// How many headers there are.
    #[must_use]
    pub fn header_count(&self) -> usize {
        self.header_count as usize
    }

    /// Bytes of key, value and encoded headers together.
    #[must_use]
    pub fn payload_len(&self) -> usize {
        [self.key, self.value, self.headers]
            .iter()
            .filter_map(Span::range)
            .map(|range| range.len())
            .sum()
    }

    /// Bytes of key and value together.
    #[inline]
    #[must_use]
    pub fn data_len(&self) -> usize {
        self.key.len() as usize + self.value.len() as usize
    }

    /// The record alone: a copy of its parts in `bytes`, and where they lie in the copy.
    #[must_use]
    pub fn copied_from(&self, bytes: &[u8]) -> (Self, Bytes) {
        let mut copy = Vec::with_capacity(self.payload_len());
        let mut part = |span: Span| span.copied_to(&mut copy, bytes);
        let alone = Self {
            key: part(self.key),
            value: part(self.value),
            headers: part(self.headers),
            ..*self
        };
        (alone, copy.into())
    }

    #[inline(always)]
    fn of(record: &RecordRef<'_>, base: usize) -> Self {
        Self {
            offset: record.offset,
            timestamp: record.timestamp,
            key: Span::locate(record.key, base),
            value: Span::locate(record.value, base),
            headers: Span::locate(Some(record.raw_headers), base),
            header_count: record.header_count,
        }
    }
}

impl Span {
    /// Positions from addresses: `part` is a slice of the bytes that begin at address `base`.
    #[inline(always)]
    fn locate(part: Option<&[u8]>, base: usize) -> Self {
        match part {
            None => Self {
                start: NULL,
                end: NULL,
            },
            Some(part) => {
                let start = part.as_ptr().addr().wrapping_sub(base) as u32;
                Self {
                    start,
                    end: start.wrapping_add(part.len() as u32),
                }
            }
        }
    }

    /// An absent field begins and ends at `NULL`, so it counts as nothing.
    #[inline]
    fn len(&self) -> u32 {
        self.end.wrapping_sub(self.start)
    }

    /// Appends the field to `copy`; where it lies there.
    fn copied_to(self, copy: &mut Vec<u8>, bytes: &[u8]) -> Self {
        let Some(field) = self.of(bytes) else {
            return Self {
                start: NULL,
                end: NULL,
            };
        };
        // Three fields of one batch, which is below 4 GiB.
        let start = copy.len() as u32;
        copy.extend_from_slice(field);
        let end = copy.len() as u32;
        Self { start, end }
    }

    #[inline]
    fn range(&self) -> Option<Range<usize>> {
        (self.start != NULL).then_some(self.start as usize..self.end as usize)
    }

    #[inline]
    fn of<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        bytes.get(self.range()?)
    }
}

/// Iterates over the records of a batch as spans, owning the batch. Made by
/// [`Records::into_spans`].
#[derive(Debug, Clone)]
pub struct RecordSpans {
    bytes: Bytes,
    at: usize,
    walk: Walk,
    timestamp_type: TimestampType,
}

impl Records {
    /// Iterates by position, owning the bytes.
    ///
    /// # Errors
    /// [`DecodeError::TooLarge`] for 4 GiB and more, which positions cannot express.
    pub fn into_spans(self) -> Result<RecordSpans, DecodeError> {
        if self.bytes().len() >= NULL as usize {
            return Err(DecodeError::TooLarge {
                what: "record batch",
                limit: NULL as usize,
            });
        }
        let timestamp_type = self.timestamp_type();
        let (bytes, walk) = self.into_parts();
        Ok(RecordSpans {
            bytes,
            at: 0,
            walk,
            timestamp_type,
        })
    }
}

impl RecordSpans {
    /// The bytes that the spans refer to.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Who set the timestamps.
    #[must_use]
    pub fn timestamp_type(&self) -> TimestampType {
        self.timestamp_type
    }
}

impl Iterator for RecordSpans {
    type Item = Result<RecordSpan, DecodeError>;

    // A span is six words: returned through memory they cost more than they took to find.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let base = self.bytes.as_ptr().addr();
        let mut rest = self.bytes.get(self.at..)?;
        let record = self.walk.next(&mut rest)?;
        self.at = self.bytes.len() - rest.len();
        Some(record.map(|record| RecordSpan::of(&record, base)))
    }
}

impl std::iter::FusedIterator for RecordSpans {}

const NULL: u32 = u32::MAX;
