//! A request or response while it is written: small parts in one buffer, big ones by reference.

use std::io::IoSlice;

use bytes::{BufMut, Bytes, BytesMut};

use crate::header::{put_request_header, put_response_header};
use crate::{ApiKey, BrokerRequest, DecodeError, EncodeError, Request};

#[cfg(test)]
mod tests;

/// Bytes to be sent, in order, without having been copied together.
///
/// A record batch stays the [`Bytes`] it was; only its position in the frame is noted. The whole is
/// written with one gathered write, see [`FrameCursor`].
///
/// ```
/// use bytes::Bytes;
/// use ekafka_protocol::messages::SaslHandshakeRequest;
/// use ekafka_protocol::{ApiKey, Frame, LENGTH_BYTES, decode_frame_length, peek_api};
///
/// // A request as it goes on the wire, and what a broker sees first.
/// let request = SaslHandshakeRequest { mechanism: "PLAIN".into() };
/// let wire = Frame::request(1, 42, Some("my-tool"), &request)?.to_bytes();
/// let prefix = wire.first_chunk::<LENGTH_BYTES>().ok_or("a length")?;
/// assert_eq!(decode_frame_length(*prefix, 1_000_000)?, wire.len() - LENGTH_BYTES);
/// assert_eq!(peek_api(&wire[LENGTH_BYTES..]), Some(ApiKey::SASL_HANDSHAKE));
///
/// // By hand: small parts are copied, big ones stay where they are.
/// let mut frame = Frame::new();
/// assert!(frame.is_empty());
/// frame.put_i8(1);
/// frame.put_i16(2);
/// frame.put_i32(3);
/// frame.put_i64(4);
/// frame.put_uvarint(300);
/// frame.put_slice(b"text");
/// frame.put_spliced(Bytes::from(vec![0; 8192]));
/// let whole = Frame::with_length(|out| {
///     out.append(frame.clone());
///     Ok(())
/// })?;
/// assert_eq!(whole.len(), LENGTH_BYTES + frame.len());
/// assert_eq!(whole.segments().count(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Frame {
    inline: BytesMut,
    /// Each: where in `inline` it belongs (ascending), and the bytes.
    splices: Vec<(usize, Bytes)>,
    /// Sum of the lengths in `splices`.
    spliced: usize,
}

impl Frame {
    /// A frame without bytes; allocates nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole request: length, header, body.
    ///
    /// # Errors
    ///
    /// What [`Request::encode`] reports, and [`EncodeError::TooLarge`] from 2 GiB on or for a
    /// client id of more than 32,767 bytes.
    pub fn request<R: Request>(
        version: i16,
        correlation_id: i32,
        client_id: Option<&str>,
        request: &R,
    ) -> Result<Self, EncodeError> {
        Self::with_length(|frame| {
            put_request_header(frame, R::API, version, correlation_id, client_id)?;
            request.encode(version, frame)
        })
    }

    /// A whole response as the broker writes it: length, header, body.
    ///
    /// # Errors
    ///
    /// What [`BrokerRequest::encode_response`] reports, and [`EncodeError::TooLarge`] from 2 GiB on.
    pub fn response<R: BrokerRequest>(
        version: i16,
        correlation_id: i32,
        response: &R::Response,
    ) -> Result<Self, EncodeError> {
        Self::with_length(|frame| {
            put_response_header(frame, R::API, version, correlation_id);
            R::encode_response(response, version, frame)
        })
    }

    /// Writes a 4-byte length (big-endian) in front of what `fill` writes.
    ///
    /// # Errors
    ///
    /// What `fill` reports, and [`EncodeError::TooLarge`] from 2 GiB on.
    pub fn with_length(
        fill: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<Self, EncodeError> {
        let mut frame = Self {
            inline: BytesMut::with_capacity(INITIAL_CAPACITY),
            ..Self::default()
        };
        frame.put_i32(0);
        fill(&mut frame)?;
        let length = frame.len() - LENGTH_BYTES;
        let prefix = i32::try_from(length).map_err(|_| EncodeError::TooLarge {
            what: "frame",
            length,
            limit: i32::MAX as usize,
        })?;
        if let Some(place) = frame.inline.get_mut(..LENGTH_BYTES) {
            place.copy_from_slice(&prefix.to_be_bytes());
        }
        Ok(frame)
    }

    /// Bytes in the frame, spliced ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inline.len() + self.spliced
    }

    /// Whether nothing was written yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends one byte.
    pub fn put_i8(&mut self, value: i8) {
        self.inline.put_i8(value);
    }

    /// Appends 2 bytes, big-endian.
    pub fn put_i16(&mut self, value: i16) {
        self.inline.put_i16(value);
    }

    /// Appends 4 bytes, big-endian.
    pub fn put_i32(&mut self, value: i32) {
        self.inline.put_i32(value);
    }

    /// Appends 8 bytes, big-endian.
    pub fn put_i64(&mut self, value: i64) {
        self.inline.put_i64(value);
    }

    /// Appends an unsigned varint: 7 bits a byte, lowest first, 1 to 5 bytes.
    pub fn put_uvarint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.inline.put_u8((value as u8) | 0x80);
            value >>= 7;
        }
        self.inline.put_u8(value as u8);
    }

    /// Appends a copy of `bytes`.
    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.inline.put_slice(bytes);
    }

    /// Appends `bytes` by reference from 4 KiB on, as a copy below: a short copy is cheaper than
    /// another segment in the gathered write.
    pub fn put_spliced(&mut self, bytes: Bytes) {
        if bytes.len() < SPLICE_FROM {
            self.inline.put_slice(&bytes);
        } else {
            self.spliced += bytes.len();
            self.splices.push((self.inline.len(), bytes));
        }
    }

    /// Appends everything `other` holds.
    pub fn append(&mut self, other: Self) {
        let shift = self.inline.len();
        self.inline.put_slice(&other.inline);
        self.spliced += other.spliced;
        self.splices.extend(
            other
                .splices
                .into_iter()
                .map(|(at, bytes)| (at + shift, bytes)),
        );
    }

    /// The bytes, segment by segment, none of them empty.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        (0..=self.splices.len() * 2)
            .map(|index| self.segment(index))
            .filter(|part| !part.is_empty())
    }

    /// All bytes copied into one buffer.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        if self.splices.is_empty() {
            return self.inline.clone().freeze();
        }
        let mut all = BytesMut::with_capacity(self.len());
        for part in self.segments() {
            all.put_slice(part);
        }
        all.freeze()
    }

    /// The buffer that generated encoders write to; nothing is spliced by them.
    pub(crate) fn inline_mut(&mut self) -> &mut BytesMut {
        &mut self.inline
    }

    /// Even indexes are stretches of `inline` (perhaps empty), odd ones the splices between them.
    fn segment(&self, index: usize) -> &[u8] {
        let splice = |i: usize| self.splices.get(i);
        if index % 2 == 1 {
            return splice(index / 2).map_or(&[], |(_, bytes)| bytes);
        }
        let from = (index / 2)
            .checked_sub(1)
            .and_then(splice)
            .map_or(0, |(at, _)| *at);
        let to = splice(index / 2).map_or(self.inline.len(), |(at, _)| *at);
        self.inline.get(from..to).unwrap_or_default()
    }

    fn segment_count(&self) -> usize {
        self.splices.len() * 2 + 1
    }
}

/// What is still to be written of a [`Frame`].
///
/// ```
/// use std::io::{IoSlice, Write};
///
/// use ekafka_protocol::{Frame, FrameCursor};
///
/// let mut frame = Frame::new();
/// frame.put_slice(b"0123456789");
/// let (mut cursor, mut socket) = (FrameCursor::new(frame), Vec::new());
/// while !cursor.is_done() {
///     let mut slices = [IoSlice::new(&[]); 8];
///     let filled = cursor.fill_io_slices(&mut slices);
///     let written = socket.write_vectored(&slices[..filled])?;
///     // What a write took of frames behind this one.
///     let surplus = cursor.advance(written);
///     assert_eq!((surplus, cursor.remaining()), (0, 0));
/// }
/// assert_eq!(socket, b"0123456789");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct FrameCursor {
    frame: Frame,
    /// The first segment with unwritten bytes, as `Frame::segment` counts them.
    index: usize,
    /// Bytes of that segment that are written.
    offset: usize,
    /// Bytes not yet written in all segments.
    remaining: usize,
}

impl FrameCursor {
    /// Nothing of `frame` is written yet.
    #[must_use]
    pub fn new(frame: Frame) -> Self {
        let remaining = frame.len();
        Self {
            frame,
            index: 0,
            offset: 0,
            remaining,
        }
    }

    /// Fills `slices` from the front with what comes next; returns how many it filled.
    ///
    /// Fewer than `slices.len()` means that the rest of the frame is in them.
    pub fn fill_io_slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for index in self.index..self.frame.segment_count() {
            let skip = if index == self.index { self.offset } else { 0 };
            let part = self.frame.segment(index).get(skip..).unwrap_or_default();
            if part.is_empty() {
                continue;
            }
            let Some(slot) = slices.get_mut(filled) else {
                break;
            };
            *slot = IoSlice::new(part);
            filled += 1;
        }
        filled
    }

    /// Notes that `written` more bytes are gone; returns how many of them belonged to later frames.
    ///
    /// A gathered write may cover several frames, so the surplus is handed on to the next cursor.
    pub fn advance(&mut self, mut written: usize) -> usize {
        while written > 0 && self.remaining > 0 {
            let left = self.frame.segment(self.index).len() - self.offset;
            if written < left {
                self.offset += written;
                self.remaining -= written;
                return 0;
            }
            written -= left;
            self.remaining -= left;
            self.index += 1;
            self.offset = 0;
        }
        written
    }

    /// Bytes not yet written.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.remaining
    }

    /// Whether every byte is written.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.remaining == 0
    }
}

/// Reads the 4 bytes in front of a frame; the answer is the number of bytes that follow.
///
/// # Errors
///
/// [`DecodeError::NotKafka`] when the bytes are how HTTP, TLS or SSH begin,
/// [`DecodeError::Length`] when the length is negative, too short for a header (4 bytes) or above `cap`.
pub fn decode_frame_length(prefix: [u8; LENGTH_BYTES], cap: usize) -> Result<usize, DecodeError> {
    if let Some(hint) = foreign_protocol(prefix) {
        return Err(DecodeError::NotKafka { hint });
    }
    let length = i32::from_be_bytes(prefix);
    match usize::try_from(length) {
        Ok(bytes) if (SHORTEST_FRAME..=cap).contains(&bytes) => Ok(bytes),
        _ => Err(DecodeError::Length {
            what: "frame",
            length: length.into(),
            limit: cap,
        }),
    }
}

/// What the first four bytes look like when they are not a length.
fn foreign_protocol(prefix: [u8; LENGTH_BYTES]) -> Option<&'static str> {
    match &prefix {
        b"HTTP" | b"GET " | b"POST" | b"PUT " | b"HEAD" => {
            Some("the bytes are HTTP; check the port of the broker's Kafka listener")
        }
        b"SSH-" => Some("the bytes are SSH; check the port of the broker's Kafka listener"),
        // A TLS record: content type 21 (alert) or 22 (handshake), major version 3.
        [0x15, 3, 0..=4, _] => Some("the bytes are a TLS alert; the listener expects TLS"),
        [0x16, 3, 0..=4, _] => Some("the bytes are a TLS handshake; the peer speaks TLS here"),
        _ => None,
    }
}

/// The API of the request whose frame begins with `body` (after the length), if there is enough of it.
#[must_use]
pub fn peek_api(body: &[u8]) -> Option<ApiKey> {
    body.first_chunk()
        .map(|key| ApiKey(i16::from_be_bytes(*key)))
}

/// Bytes of the length in front of each frame.
pub const LENGTH_BYTES: usize = 4;

/// A response holds at least its correlation id.
const SHORTEST_FRAME: usize = 4;

/// Enough for most requests without records.
const INITIAL_CAPACITY: usize = 256;

/// Below this a copy costs less than one more segment.
const SPLICE_FROM: usize = 4096;
