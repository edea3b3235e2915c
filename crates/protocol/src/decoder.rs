//! Reads the fields of a message off the front of its bytes.
//!
//! Source: Kafka's protocol guide, "primitive types", and KIP-482. All numbers are big-endian. In
//! flexible versions lengths are unsigned varints of length + 1 (0: null), and each structure ends
//! with tagged fields; otherwise lengths are signed 2-byte (strings) or 4-byte (bytes, arrays)
//! numbers with -1 for null.

use bytes::{Buf, Bytes};
use uuid::Uuid;

use crate::{DecodeError, ErrorCode, StrBytes};

#[cfg(test)]
mod tests;

/// A cursor over the body of one message.
///
/// Strings and bytes are slices of the body, not copies. Nothing is allocated on the word of a
/// length: a count is compared with the bytes left, and all arrays of a message together may take
/// 12 × its length + 32 KiB.
///
/// ```
/// use ekafka_protocol::{Decoder, Encoder, ErrorCode, Frame, TaggedFields, Uuid};
///
/// // What `Encoder` writes,
/// let mut frame = Frame::new();
/// let mut out = Encoder::new(&mut frame, true);
/// out.i8(1);
/// out.i16(2);
/// out.i32(3);
/// out.i64(4);
/// out.bool(true);
/// out.uuid(Uuid::from_u128(5));
/// out.error_code(ErrorCode::NOT_CONTROLLER);
/// out.string("topic", "orders")?;
/// out.nullable_string("rack", None)?;
/// out.bytes("key", &"k".into())?;
/// out.nullable_bytes("value", None)?;
/// out.array("names", &["a", "b"], |out, name| out.string("name", name))?;
/// out.null();
/// out.i32s("ids", &[7, 8])?;
/// out.no_tags();
/// let mut tagged = TaggedFields::default();
/// tagged.put(0, |out| Ok(out.i32(9)))?;
/// out.tags(tagged);
///
/// // `Decoder` reads. Each field's name is for the error.
/// let mut body = Decoder::new(frame.to_bytes(), true);
/// assert_eq!((body.i8("a")?, body.i16("b")?), (1, 2));
/// assert_eq!((body.i32("c")?, body.i64("d")?), (3, 4));
/// assert!(body.bool("flag")?);
/// assert_eq!(body.uuid("id")?, Uuid::from_u128(5));
/// assert_eq!(body.error_code()?, ErrorCode::NOT_CONTROLLER);
/// assert_eq!(&*body.string("topic")?, "orders");
/// assert_eq!(body.nullable_string("rack")?, None);
/// assert_eq!(body.bytes("key")?, "k");
/// assert_eq!(body.nullable_bytes("value")?, None);
/// // Each element takes a byte at least: a count that promises more than there is is refused.
/// let names = body.array("names", 1, |body| body.string("name"))?;
/// assert_eq!(names.len(), 2);
/// assert!(body.nullable_array("none", 1, |body| body.i8("x"))?.is_none());
/// let count = body.count("ids", 4)?;
/// body.charge("ids", count * 4)?;
/// let mut ids = Vec::new();
/// body.i32s("ids", count, &mut ids)?;
/// assert_eq!(ids, [7, 8]);
/// body.skip_tags()?;
/// body.tags(|tag, field| {
///     assert_eq!((tag, field.i32("nine")?), (0, 9));
///     Ok(())
/// })?;
/// body.finish()?;
///
/// // Headers and bodies differ in how they write lengths.
/// let mut header = Decoder::new(vec![0, 18, 0, 3, 0x05, 1, 2].into(), false);
/// assert_eq!(header.peek_i16(), Some(18));
/// assert_eq!((header.i16("api key")?, header.i16("version")?), (18, 3));
/// header.set_flexible(true);
/// assert_eq!(header.uvarint("a number")?, 5);
/// assert_eq!(header.left(), 2);
/// assert_eq!(header.rest(), vec![1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Decoder {
    bytes: Bytes,
    /// Index in `bytes` of the next byte to read.
    at: usize,
    /// Index in `bytes` behind the last byte to read: the end of the message or tagged field.
    end: usize,
    flexible: bool,
    /// Bytes of memory that arrays may still take.
    budget: usize,
}

impl Decoder {
    /// Starts at the front of `body`; `flexible` says how lengths are written.
    #[must_use]
    pub fn new(body: Bytes, flexible: bool) -> Self {
        let end = body.len();
        let budget = end
            .saturating_mul(MEMORY_FACTOR)
            .saturating_add(MEMORY_SLACK);
        Self {
            bytes: body,
            at: 0,
            end,
            flexible,
            budget,
        }
    }

    /// Changes how lengths are read from here on.
    pub fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    /// Ends a message: nothing may be left of it.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Corrupt`] when bytes are left over.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.left() == 0 {
            Ok(())
        } else {
            Err(LEFT_OVER)
        }
    }

    /// Bytes not yet read.
    #[must_use]
    pub fn left(&self) -> usize {
        self.end - self.at
    }

    /// The bytes not yet read, without a copy.
    #[must_use]
    pub fn rest(mut self) -> Bytes {
        self.bytes.truncate(self.end);
        self.bytes.advance(self.at);
        self.bytes
    }

    /// The next 2 bytes, which stay unread; `None` when there are fewer.
    #[must_use]
    pub fn peek_i16(&self) -> Option<i16> {
        self.bytes
            .get(self.at..self.end)?
            .first_chunk()
            .map(|bytes| i16::from_be_bytes(*bytes))
    }

    /// Reads one byte.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] naming `what`; so for all reads of numbers.
    #[inline]
    pub fn i8(&mut self, what: &'static str) -> Result<i8, DecodeError> {
        self.take(what).map(i8::from_be_bytes)
    }

    /// Reads 2 bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::i8`].
    #[inline]
    pub fn i16(&mut self, what: &'static str) -> Result<i16, DecodeError> {
        self.take(what).map(i16::from_be_bytes)
    }

    /// Reads 4 bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::i8`].
    #[inline]
    pub fn i32(&mut self, what: &'static str) -> Result<i32, DecodeError> {
        self.take(what).map(i32::from_be_bytes)
    }

    /// Reads 8 bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::i8`].
    #[inline]
    pub fn i64(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        self.take(what).map(i64::from_be_bytes)
    }

    /// Reads one byte; every value but 0 is true.
    ///
    /// # Errors
    ///
    /// As [`Self::i8`].
    pub fn bool(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        self.i8(what).map(|byte| byte != 0)
    }

    /// Reads 16 bytes.
    ///
    /// # Errors
    ///
    /// As [`Self::i8`].
    pub fn uuid(&mut self, what: &'static str) -> Result<Uuid, DecodeError> {
        self.take(what).map(Uuid::from_bytes)
    }

    /// Reads a 2-byte error code.
    ///
    /// # Errors
    ///
    /// As [`Self::i8`].
    pub fn error_code(&mut self) -> Result<ErrorCode, DecodeError> {
        self.i16("error code").map(ErrorCode)
    }

    /// Reads an unsigned varint of 1 to 5 bytes.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`], or [`DecodeError::Corrupt`] when the value needs more than 32 bits.
    #[inline]
    pub fn uvarint(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let mut left = self.bytes.get(self.at..self.end).unwrap_or_default();
        let value = read_uvarint(what, &mut left)?;
        self.at = self.end - left.len();
        Ok(value)
    }

    /// Reads a string.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Length`] when the length is null, negative, above 32,767 or more than what is
    /// left; [`DecodeError::Utf8`]; [`DecodeError::Truncated`].
    pub fn string(&mut self, what: &'static str) -> Result<StrBytes, DecodeError> {
        self.nullable_string(what)?
            .ok_or_else(|| null_refused(what, self.left()))
    }

    /// Reads a string or null.
    ///
    /// # Errors
    ///
    /// As [`Self::string`], but null is `None`.
    pub fn nullable_string(&mut self, what: &'static str) -> Result<Option<StrBytes>, DecodeError> {
        let length = if self.flexible {
            self.compact_length(what)?
        } else {
            self.i16(what)?.into()
        };
        let limit = self.left().min(MAX_STRING);
        let Some(length) = checked_length(what, length, limit)? else {
            return Ok(None);
        };
        let bytes = self.slice(length);
        StrBytes::from_utf8(bytes)
            .map(Some)
            .map_err(|_| DecodeError::Utf8 { what })
    }

    /// Reads bytes, as a slice of the body.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Length`] when the length is null, negative or more than what is left;
    /// [`DecodeError::Truncated`].
    pub fn bytes(&mut self, what: &'static str) -> Result<Bytes, DecodeError> {
        self.nullable_bytes(what)?
            .ok_or_else(|| null_refused(what, self.left()))
    }

    /// Reads bytes or null, as a slice of the body; record batches are written so too.
    ///
    /// # Errors
    ///
    /// As [`Self::bytes`], but null is `None`.
    pub fn nullable_bytes(&mut self, what: &'static str) -> Result<Option<Bytes>, DecodeError> {
        let length = self.length(what)?;
        let length = checked_length(what, length, self.left())?;
        Ok(length.map(|length| self.slice(length)))
    }

    /// Reads an array, its elements by `read`, each at least `min_size` bytes long.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Length`] when the count is null, negative or more than the bytes left can
    /// hold; [`DecodeError::TooLarge`] when the elements' memory passes the message's allowance;
    /// what `read` reports.
    pub fn array<T>(
        &mut self,
        what: &'static str,
        min_size: usize,
        read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        self.nullable_array(what, min_size, read)?
            .ok_or_else(|| null_refused(what, self.left()))
    }

    /// Reads an array or null.
    ///
    /// # Errors
    ///
    /// As [`Self::array`], but null is `None`.
    pub fn nullable_array<T>(
        &mut self,
        what: &'static str,
        min_size: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<Vec<T>>, DecodeError> {
        let Some(count) = self.nullable_count(what, min_size)? else {
            return Ok(None);
        };
        self.charge(what, count.saturating_mul(size_of::<T>()))?;
        let mut elements = Vec::with_capacity(count);
        for _ in 0..count {
            elements.push(read(self)?);
        }
        Ok(Some(elements))
    }

    /// Reads the number of elements of an array, each at least `min_size` bytes long.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Length`] when it is null, negative or more than the bytes left can hold.
    pub fn count(&mut self, what: &'static str, min_size: usize) -> Result<usize, DecodeError> {
        self.nullable_count(what, min_size)?
            .ok_or_else(|| null_refused(what, self.left()))
    }

    /// Reads `count` numbers of 4 bytes each into `numbers`.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] when there are fewer; `numbers` is then unchanged.
    pub fn i32s(
        &mut self,
        what: &'static str,
        count: usize,
        numbers: &mut Vec<i32>,
    ) -> Result<(), DecodeError> {
        let needed = count.saturating_mul(size_of::<i32>());
        let left = self.bytes.get(self.at..self.end).unwrap_or_default();
        let Some(bytes) = left.get(..needed) else {
            return Err(self.truncated(what, needed));
        };
        let (chunks, _) = bytes.as_chunks();
        numbers.extend(chunks.iter().map(|chunk| i32::from_be_bytes(*chunk)));
        self.at += needed;
        Ok(())
    }

    /// Takes `bytes` of memory from what arrays of this message may use.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooLarge`] when there is less.
    pub fn charge(&mut self, what: &'static str, bytes: usize) -> Result<(), DecodeError> {
        let limit = self.budget;
        self.budget = limit
            .checked_sub(bytes)
            .ok_or(DecodeError::TooLarge { what, limit })?;
        Ok(())
    }

    /// Reads the tagged fields at the end of a structure; in versions that have none, nothing.
    ///
    /// `read` gets each tag with a decoder limited to that field; what it leaves unread is skipped,
    /// so an unknown tag needs no more than `Ok(())`.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the fields are cut off, their lengths are wrong, or `read` reports one.
    pub fn tags(
        &mut self,
        mut read: impl FnMut(u32, &mut Self) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        if !self.flexible {
            return Ok(());
        }
        // Each field is read before the next, so a count that lies ends at the end of the bytes.
        for _ in 0..self.uvarint("number of tagged fields")? {
            let tag = self.uvarint("tag")?;
            let length = i64::from(self.uvarint("length of tagged field")?);
            let length = checked_length("tagged field", length, self.left())?.unwrap_or_default();
            let (outer_end, field_end) = (self.end, self.at + length);
            self.end = field_end;
            read(tag, self)?;
            (self.at, self.end) = (field_end, outer_end);
        }
        Ok(())
    }

    /// Skips the tagged fields at the end of a structure; in versions that have none, nothing.
    ///
    /// # Errors
    ///
    /// As [`Self::tags`].
    pub fn skip_tags(&mut self) -> Result<(), DecodeError> {
        self.tags(|_, _| Ok(()))
    }

    #[inline]
    fn nullable_count(
        &mut self,
        what: &'static str,
        min_size: usize,
    ) -> Result<Option<usize>, DecodeError> {
        let count = self.length(what)?;
        checked_length(what, count, self.left() / min_size.max(1))
    }

    /// The length of bytes or an array; -1 for null.
    #[inline]
    fn length(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        if self.flexible {
            self.compact_length(what)
        } else {
            self.i32(what).map(i64::from)
        }
    }

    #[inline]
    fn compact_length(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        self.uvarint(what).map(|length| i64::from(length) - 1)
    }

    #[inline]
    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let chunk = self
            .bytes
            .get(self.at..self.end)
            .and_then(<[u8]>::first_chunk::<N>);
        let Some(chunk) = chunk else {
            return Err(self.truncated(what, N));
        };
        let chunk = *chunk;
        self.at += N;
        Ok(chunk)
    }

    #[cold]
    fn truncated(&self, what: &'static str, needed: usize) -> DecodeError {
        let left = self.left();
        DecodeError::Truncated { what, needed, left }
    }

    /// The next `length` bytes, which are known to be there.
    fn slice(&mut self, length: usize) -> Bytes {
        let from = self.at;
        self.at += length;
        self.bytes.slice(from..self.at)
    }
}

/// Takes an unsigned varint off the front of `left`.
#[inline]
pub(crate) fn read_uvarint(what: &'static str, left: &mut &[u8]) -> Result<u32, DecodeError> {
    // Nearly all are below 128.
    match left.split_first() {
        Some((&byte, rest)) if byte < 0x80 => {
            *left = rest;
            Ok(byte.into())
        }
        _ => read_long_uvarint(what, left),
    }
}

fn read_long_uvarint(what: &'static str, left: &mut &[u8]) -> Result<u32, DecodeError> {
    let mut value = 0;
    for shift in [0, 7, 14, 21, 28] {
        let Some((&byte, rest)) = left.split_first() else {
            return Err(DecodeError::Truncated {
                what,
                needed: 1,
                left: 0,
            });
        };
        *left = rest;
        // The fifth byte has room for the highest four bits only.
        if shift == 28 && byte > 0x0f {
            break;
        }
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(DecodeError::Corrupt {
        what,
        detail: "varint of more than 32 bits",
    })
}

/// `None` for null (-1).
#[inline]
pub(crate) fn checked_length(
    what: &'static str,
    length: i64,
    limit: usize,
) -> Result<Option<usize>, DecodeError> {
    match usize::try_from(length) {
        Ok(length) if length <= limit => Ok(Some(length)),
        Err(_) if length == -1 => Ok(None),
        _ => Err(DecodeError::Length {
            what,
            length,
            limit,
        }),
    }
}

fn null_refused(what: &'static str, limit: usize) -> DecodeError {
    DecodeError::Length {
        what,
        length: -1,
        limit,
    }
}

/// What Kafka allows a string to have, in bytes.
const MAX_STRING: usize = i16::MAX as usize;

/// Arrays of a message may take this many times its bytes in memory, and the slack on top. That
/// keeps a whole message, whatever else it grows, below 16 times its bytes + 64 KiB. Honest
/// messages stay far below: a topic of a produce answer takes 72 bytes and has a name and a
/// partition, which is 25 bytes on the wire and more.
const MEMORY_FACTOR: usize = 12;
const MEMORY_SLACK: usize = 32 * 1024;

/// What follows the last field of a message.
pub(crate) const LEFT_OVER: DecodeError = DecodeError::Corrupt {
    what: "message",
    detail: "bytes are left over behind its last field",
};
