//! Encoding on append: a record is written into the open batch's buffer and never touched again.
//! Format: record batch v2 (KIP-98; headers by KIP-82).

use bytes::BytesMut;

use super::headers;
use super::layout;
use super::record::RecordData;
use super::sealed::SealedBatch;
use super::shape::{SLACK, Shape};
use super::varint;
use crate::compression::Compression;
use crate::error::EncodeError;

#[cfg(test)]
mod tests;

/// An open record batch: records go in, a [`SealedBatch`] comes out.
///
/// Appending copies key, value and headers once, into the buffer given to [`new`](Self::new),
/// and allocates only when that buffer is too small. Sizes are exact at any time, so a caller can
/// seal before a limit is passed.
///
/// ```
/// use ekafka_protocol::compression::Compression;
/// use ekafka_protocol::records::{BatchBuilder, RecordData};
///
/// let mut open = BatchBuilder::new(bytes::BytesMut::with_capacity(16 * 1024));
/// open.append(&RecordData { value: Some(b"hello"), ..RecordData::default() })?;
/// let mut sealed = open.seal(Compression::NONE)?;
/// let wire = sealed.stamp(-1, -1, -1);
/// assert_eq!(wire.len(), 61 + 12);
/// # Ok::<(), ekafka_protocol::EncodeError>(())
/// ```
///
/// ```
/// use ekafka_protocol::compression::Compression;
/// use ekafka_protocol::records::{BATCH_OVERHEAD, BatchBuilder, RecordData};
///
/// let record = RecordData { value: Some(&[7; 1000]), timestamp: 5, ..RecordData::default() };
/// let mut open = BatchBuilder::new(bytes::BytesMut::new()).transactional(true).control(false);
/// assert!(open.is_empty());
/// let grows = open.encoded_len(&record);
/// while open.append_within(&record, 16 * 1024)? {}
/// assert_eq!(open.count(), (16 * 1024 - BATCH_OVERHEAD) / grows);
/// let before = open.len();
///
/// // Compressed into a buffer of the caller's, at once or later.
/// let sealed = open.seal_into(Compression::NONE, bytes::BytesMut::new())?;
/// let shared = sealed.share();
/// let mut sealed = sealed.compress(Compression::GZIP, bytes::BytesMut::new())?;
/// assert!(!sealed.is_empty() && sealed.len() < before);
/// assert_eq!((sealed.uncompressed_len(), shared.len()), (before, before));
/// assert_eq!((sealed.count(), sealed.max_timestamp()), (shared.count(), 5));
///
/// // Sent, sent again under another epoch, then its memory is used for the next.
/// drop(sealed.stamp(77, 0, 0));
/// drop(sealed.stamp(77, 1, 0));
/// let spare = sealed.take_spare();
/// let next = BatchBuilder::new(sealed.recycle().unwrap_or(spare));
/// assert!(next.is_empty());
/// # Ok::<(), ekafka_protocol::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct BatchBuilder {
    /// Initialised up to its length, which runs ahead of `used` so that records are written by index.
    buffer: BytesMut,
    /// Bytes of the batch so far, header included.
    used: usize,
    count: i32,
    base_timestamp: i64,
    max_timestamp: i64,
    /// Transactional and control bits.
    attributes: i16,
    /// Of the record appended last.
    shape: Shape,
}

impl BatchBuilder {
    /// Opens a batch in `buffer`, whose content is overwritten and whose capacity is used. A buffer
    /// that still has the length of its last batch saves initialising it again.
    #[must_use]
    pub fn new(mut buffer: BytesMut) -> Self {
        if buffer.len() < layout::BATCH_OVERHEAD {
            buffer.resize(layout::BATCH_OVERHEAD, 0);
        }
        Self {
            buffer,
            used: layout::BATCH_OVERHEAD,
            count: 0,
            base_timestamp: 0,
            max_timestamp: 0,
            attributes: 0,
            shape: Shape::default(),
        }
    }

    /// Marks the batch as part of a transaction (KIP-98). Default: not.
    #[must_use]
    pub fn transactional(mut self, yes: bool) -> Self {
        self.set_attribute(layout::TRANSACTIONAL, yes);
        self
    }

    /// Marks the batch as carrying control records, which only brokers write. Default: not.
    #[must_use]
    pub fn control(mut self, yes: bool) -> Self {
        self.set_attribute(layout::CONTROL, yes);
        self
    }

    /// Bytes of the batch so far, header included, before compression.
    #[must_use]
    pub fn len(&self) -> usize {
        self.used
    }

    /// Records so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Whether no record was appended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes by which [`len`](Self::len) grows if `record` is appended next.
    #[must_use]
    pub fn encoded_len(&self, record: &RecordData<'_>) -> usize {
        let delta = if self.count == 0 {
            0
        } else {
            record.timestamp.wrapping_sub(self.base_timestamp)
        };
        let body = self.body_len(record, delta);
        varint::size(body as i64) + body
    }

    /// Appends a record; its offset in the batch is [`count`](Self::count) before the call.
    ///
    /// # Errors
    /// [`EncodeError::TooLarge`] when the batch would pass 2 GiB, [`EncodeError::Invalid`] when
    /// timestamps lie further apart than 63 bits. The batch is unchanged then.
    #[inline]
    pub fn append(&mut self, record: &RecordData<'_>) -> Result<(), EncodeError> {
        match self.append_within(record, MAX_BATCH)? {
            true => Ok(()),
            false => Err(batch_too_large(self.used)),
        }
    }

    /// Appends a record if the batch then has at most `limit` bytes (header included, before
    /// compression); says whether it did. An unchanged batch is returned with `false`.
    ///
    /// # Errors
    /// [`EncodeError::Invalid`] when timestamps lie further apart than 63 bits.
    #[inline]
    pub fn append_within(
        &mut self,
        record: &RecordData<'_>,
        limit: usize,
    ) -> Result<bool, EncodeError> {
        if let Some(own) = self.shape.fit(record, self.base_timestamp, self.count) {
            let end = self.used + self.shape.len();
            if end > limit.min(MAX_BATCH) {
                return Ok(false);
            }
            if let Some(out) = self.buffer.get_mut(self.used..end + SLACK) {
                self.shape.write(out, record, &own);
                self.used = end;
                self.count += 1;
                self.max_timestamp = self.max_timestamp.max(record.timestamp);
                return Ok(true);
            }
        }
        self.append_other(record, limit)
    }

    /// Appends a record that differs from the one before.
    #[inline(never)]
    fn append_other(&mut self, record: &RecordData<'_>, limit: usize) -> Result<bool, EncodeError> {
        let first = self.count == 0;
        let base = if first {
            record.timestamp
        } else {
            self.base_timestamp
        };
        let Some(delta) = record.timestamp.checked_sub(base) else {
            return Err(timestamps_apart());
        };
        let body = self.body_len(record, delta);
        let end = self.used + varint::size(body as i64) + body;
        if end > limit.min(MAX_BATCH) || self.count == i32::MAX {
            return Ok(false);
        }
        if end > self.buffer.len() {
            self.make_room(end);
        }
        write_record(
            &mut self.buffer[self.used..end],
            record,
            body,
            delta,
            self.count,
        );
        self.shape = Shape::of(record, delta, self.count);
        self.used = end;
        self.count += 1;
        self.base_timestamp = base;
        self.max_timestamp = if first {
            record.timestamp
        } else {
            self.max_timestamp.max(record.timestamp)
        };
        Ok(true)
    }

    /// Ends the batch; see [`seal_into`](Self::seal_into), which this calls with an empty buffer.
    ///
    /// # Errors
    /// As [`seal_into`](Self::seal_into).
    pub fn seal(self, compression: Compression) -> Result<SealedBatch, EncodeError> {
        self.seal_into(compression, BytesMut::new())
    }

    /// Ends the batch, compressing its records into `output`. The records stay uncompressed when
    /// compression does not make them smaller. The buffer that does not hold the result can be had
    /// from [`SealedBatch::take_spare`].
    ///
    /// # Errors
    /// [`EncodeError::Invalid`] for a batch without records, [`EncodeError::Compression`] when the
    /// codec fails or is not built in.
    pub fn seal_into(
        mut self,
        compression: Compression,
        output: BytesMut,
    ) -> Result<SealedBatch, EncodeError> {
        if self.is_empty() {
            return Err(EncodeError::Invalid {
                what: "record batch",
                detail: "no record was appended",
            });
        }
        self.buffer.truncate(self.used);
        self.write_header();
        SealedBatch::new(self.buffer, self.count, self.used, self.max_timestamp)
            .compress(compression, output)
    }

    /// The part of the header that no stamp changes.
    fn write_header(&mut self) {
        let length = (self.buffer.len() - layout::LOG_OVERHEAD) as i32;
        let header = &mut self.buffer[..layout::BATCH_OVERHEAD];
        layout::put(header, layout::BASE_OFFSET, 0i64.to_be_bytes());
        layout::put(header, layout::BATCH_LENGTH, length.to_be_bytes());
        layout::put(header, layout::LEADER_EPOCH, (-1i32).to_be_bytes());
        layout::put(header, layout::MAGIC, [2]);
        layout::put(header, layout::ATTRIBUTES, self.attributes.to_be_bytes());
        layout::put(
            header,
            layout::LAST_OFFSET_DELTA,
            (self.count - 1).to_be_bytes(),
        );
        layout::put(
            header,
            layout::BASE_TIMESTAMP,
            self.base_timestamp.to_be_bytes(),
        );
        layout::put(
            header,
            layout::MAX_TIMESTAMP,
            self.max_timestamp.to_be_bytes(),
        );
        layout::put(header, layout::COUNT, self.count.to_be_bytes());
    }

    /// Everything of a record behind its length.
    #[inline(always)]
    fn body_len(&self, record: &RecordData<'_>, timestamp_delta: i64) -> usize {
        1 + varint::size(timestamp_delta)
            + varint::size(i64::from(self.count))
            + varint::field_size(record.key)
            + varint::field_size(record.value)
            + headers::encoded_len(record.headers)
    }

    /// Zeroes ahead in steps that stay in the first-level cache; the records overwrite it at once.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, end: usize) {
        let step = (self.used + INITIALISE_AHEAD).min(self.buffer.capacity());
        self.buffer.resize(end.max(step), 0);
    }

    fn set_attribute(&mut self, bit: i16, yes: bool) {
        self.attributes = if yes {
            self.attributes | bit
        } else {
            self.attributes & !bit
        };
    }
}

/// Fills `out`, which has exactly the record's size.
#[inline(always)]
fn write_record(out: &mut [u8], record: &RecordData<'_>, body: usize, delta: i64, index: i32) {
    let mut at = varint::put_len(out, 0, body);
    out[at] = 0; // Attributes: none are defined for a record.
    at = varint::put(out, at + 1, delta);
    at = varint::put_len(out, at, index as usize);
    at = varint::put_field(out, at, record.key);
    at = varint::put_field(out, at, record.value);
    at = headers::put(out, at, record.headers);
    debug_assert_eq!(at, out.len());
}

#[cold]
fn batch_too_large(length: usize) -> EncodeError {
    EncodeError::TooLarge {
        what: "record batch",
        length,
        limit: MAX_BATCH,
    }
}

#[cold]
fn timestamps_apart() -> EncodeError {
    EncodeError::Invalid {
        what: "record timestamp",
        detail: "too far from the first record of its batch",
    }
}

/// Lengths are `i32` on the wire; some slack keeps every sum in range.
const MAX_BATCH: usize = i32::MAX as usize - 64;

const INITIALISE_AHEAD: usize = 2048;
