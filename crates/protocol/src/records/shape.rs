//! What a record shares with the one before it in its batch. Neighbours mostly have the same lengths and the same time;
//! then everything but key, value and place in the batch is known, and only these are written.

use std::ops::Range;

use super::headers;
use super::record::RecordData;
use super::varint;

/// The frame around key and value of the record appended last, to be used again for the next.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Places in the batch, as varints, that have as many bytes as the last one; none when there is no frame.
    places: Range<u64>,
    /// Timestamp deltas, as varints, that have as many bytes as the last one.
    times: Range<u64>,
    /// Bytes of the key, `NULL` for none.
    key_len: usize,
    /// Bytes of the value, `NULL` for none.
    value_len: usize,
    /// Length and attributes; the first byte in the lowest bits.
    head: u64,
    /// Bits before the timestamp delta.
    time_at: u32,
    /// Bits before the place in the batch.
    place_at: u32,
    /// Bytes before the key's length.
    head_len: usize,
    key: Length,
    value: Length,
    /// Bytes of the headers with their count.
    headers_len: usize,
    /// Bytes of the whole record.
    len: usize,
}

/// The length of a field as a varint of at most two bytes.
#[derive(Debug, Default, Clone, Copy)]
struct Length {
    bytes: [u8; 2],
    count: usize,
}

/// What a record has of its own before its key, as varints yet to be packed.
pub(super) struct Own {
    time: u64,
    place: u64,
}

impl Shape {
    /// The frame of a record that is at that place in its batch; none for long ones.
    pub(super) fn of(record: &RecordData<'_>, delta: i64, place: i32) -> Self {
        let field = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
        let payload = field(record.key) + field(record.value);
        let (time, place) = (varint::zigzag(delta), varint::zigzag(i64::from(place)));
        let headers_len = headers::encoded_len(record.headers);
        let has_frame = payload + headers_len < LONGEST && time < TWO_BYTES && place < TWO_BYTES;
        if !has_frame {
            return Self::default();
        }
        let (key, value) = (Length::of(record.key), Length::of(record.value));
        let (times, time_len) = alike(time);
        let (places, place_len) = alike(place);
        // Attributes take a byte, and are zero.
        let fields = key.count + value.count + payload;
        let body = 1 + time_len + place_len + fields + headers_len;
        let length = (body as u64) << 1;
        let (_, length_len) = alike(length);
        let time_at = length_len + 1;
        Self {
            places,
            times,
            key_len: record.key.map_or(NULL, <[u8]>::len),
            value_len: record.value.map_or(NULL, <[u8]>::len),
            head: packed(length),
            time_at: 8 * time_at as u32,
            place_at: 8 * (time_at + time_len) as u32,
            head_len: time_at + time_len + place_len,
            key,
            value,
            headers_len,
            len: length_len + body,
        }
    }

    /// What is to be filled in if a record at that place in a batch has this frame.
    #[inline(always)]
    pub(super) fn fit(&self, record: &RecordData<'_>, base: i64, place: i32) -> Option<Own> {
        let delta = record.timestamp.checked_sub(base)?;
        let (time, place) = (varint::zigzag(delta), (place as u64) << 1);
        let is_alike = self.places.contains(&place)
            && self.times.contains(&time)
            && record.key.map_or(NULL, <[u8]>::len) == self.key_len
            && record.value.map_or(NULL, <[u8]>::len) == self.value_len
            && headers::encoded_len(record.headers) == self.headers_len;
        is_alike.then_some(Own { time, place })
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Writes a record that fits into the front of `out`, which has [`SLACK`] bytes more than that.
    #[inline(always)]
    pub(super) fn write(&self, out: &mut [u8], record: &RecordData<'_>, own: &Own) {
        let own = packed(own.time) << self.time_at | packed(own.place) << self.place_at;
        out[..8].copy_from_slice(&(self.head | own).to_le_bytes());
        let mut at = self.head_len;
        for (length, field) in [(self.key, record.key), (self.value, record.value)] {
            out[at..at + 2].copy_from_slice(&length.bytes);
            at += length.count;
            if let Some(bytes) = field {
                out[at..at + bytes.len()].copy_from_slice(bytes);
                at += bytes.len();
            }
        }
        at = headers::put(out, at, record.headers);
        debug_assert_eq!(at, self.len);
    }
}

impl Length {
    fn of(field: Option<&[u8]>) -> Self {
        let length = varint::zigzag(field.map_or(-1, |bytes| bytes.len() as i64));
        Self {
            bytes: (packed(length) as u16).to_le_bytes(),
            count: alike(length).1,
        }
    }
}

/// A varint of at most two bytes, the first in the lowest bits.
#[inline(always)]
fn packed(value: u64) -> u64 {
    if value < ONE_BYTE {
        value
    } else {
        (value & 0x7f) | 0x80 | (value >> 7) << 8
    }
}

/// Varints with as many bytes as this one has, and how many: one or two.
fn alike(value: u64) -> (Range<u64>, usize) {
    if value < ONE_BYTE {
        (0..ONE_BYTE, 1)
    } else {
        (ONE_BYTE..TWO_BYTES, 2)
    }
}

/// Bytes by which whole words may be stored past a record's end.
pub(super) const SLACK: usize = 8;

/// What a varint of one byte, and of two, cannot hold.
const ONE_BYTE: u64 = 1 << 7;
const TWO_BYTES: u64 = 1 << 14;

/// Bytes of key, value and headers from which on the record's length may take three.
const LONGEST: usize = 8_000;

/// Stands for the length of a field that is null; no slice is that long.
const NULL: usize = usize::MAX;
