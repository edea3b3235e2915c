//! Cutting a received byte stream into frames. Pure: bytes in, frames out.
//!
//! A frame is a big-endian 4-byte length and that many bytes. Memory follows what has been received, never what a
//! length promises: allocated ≤ 16 × received + 64 KiB over the life of a connection.

use std::collections::VecDeque;

use bytes::buf::Limit;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use ekafka_protocol::{DecodeError, decode_frame_length};

/// Receives bytes and hands out whole frames without their length prefix.
///
/// Small frames are slices of one shared buffer. A large frame is received straight into a buffer of its own, which is
/// used again once nobody holds the frame any more. Few bytes are kept for that, and none for long.
pub(crate) struct FrameReader {
    /// Received bytes that belong to no large frame; starts at a frame's length prefix.
    small: BytesMut,
    /// The large frame being received.
    large: Option<Large>,
    /// The last large frames handed out, oldest first; their memory is taken back when it has become free.
    spare: VecDeque<Spare>,
    /// Whether a large frame came since [`cool`](Self::cool) was called last.
    is_warm: bool,
    /// The longest frame accepted, bytes.
    cap: usize,
    /// Bytes received in all.
    received: u64,
    /// Bytes of memory taken in all.
    allocated: u64,
}

/// A large frame that may be the last one to hold its memory.
struct Spare {
    frame: Bytes,
    /// The bytes that it keeps from being freed.
    capacity: usize,
}

struct Large {
    /// What has been received of the frame.
    buffer: BytesMut,
    /// The frame's length, bytes.
    length: usize,
}

impl FrameReader {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            small: BytesMut::new(),
            large: None,
            spare: VecDeque::new(),
            is_warm: false,
            cap,
            received: 0,
            allocated: 0,
        }
    }

    /// Changes the longest frame accepted; it is lower before the log-in.
    pub(crate) fn set_cap(&mut self, cap: usize) {
        self.cap = cap;
    }

    /// The next whole frame, if it has been received.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Bytes>, DecodeError> {
        if let Some(large) = &self.large {
            return Ok(if large.buffer.len() == large.length {
                self.finish_large()
            } else {
                None
            });
        }
        let Some(length) = self.announced()? else {
            return Ok(None);
        };
        let whole = PREFIX + length;
        if self.small.len() >= whole {
            self.small.advance(PREFIX);
            return Ok(Some(self.small.split_to(length).freeze()));
        }
        if whole > SMALL {
            self.begin_large(length);
        }
        Ok(None)
    }

    /// Whether the length of the next frame has been received.
    pub(crate) fn is_prefix_received(&self) -> bool {
        self.large.is_some() || self.small.len() >= PREFIX
    }

    /// Takes a frame of length 0 off the front, which only a bare log-in token can be.
    pub(crate) fn take_empty_token(&mut self) -> Option<Bytes> {
        let empty = self.large.is_none() && self.small.first_chunk() == Some(&[0; PREFIX]);
        empty.then(|| {
            self.small.advance(PREFIX);
            Bytes::new()
        })
    }

    /// The correlation id of the frame being received, as soon as it is there.
    pub(crate) fn correlation_id(&self) -> Option<i32> {
        let bytes = match &self.large {
            Some(large) => large.buffer.first_chunk(),
            None => self.small.get(PREFIX..).and_then(<[u8]>::first_chunk),
        };
        bytes.copied().map(i32::from_be_bytes)
    }

    /// Whether the stream may not end here: part of a frame has been received.
    pub(crate) fn is_inside_frame(&self) -> bool {
        self.large.is_some() || !self.small.is_empty()
    }

    /// Where to receive next; never empty.
    pub(crate) fn space(&mut self) -> Limit<&mut BytesMut> {
        self.make_room();
        let (buffer, room) = match &mut self.large {
            Some(Large { buffer, length }) => {
                let room = *length - buffer.len();
                (buffer, room)
            }
            None => (&mut self.small, usize::MAX),
        };
        let free = buffer.capacity() - buffer.len();
        buffer.limit(room.min(free))
    }

    /// Notes that `count` bytes were received into [`space`](Self::space).
    pub(crate) fn note_received(&mut self, count: usize) {
        self.received += count as u64;
    }

    /// Bytes that are kept for large frames to come, those included that somebody still holds.
    pub(crate) fn kept(&self) -> usize {
        self.spare.iter().map(|spare| spare.capacity).sum()
    }

    /// To be called now and then: keeps nothing any more when no large frame has come since the last time.
    pub(crate) fn cool(&mut self) {
        if !std::mem::take(&mut self.is_warm) {
            self.spare = VecDeque::new();
        }
    }

    fn announced(&self) -> Result<Option<usize>, DecodeError> {
        match self.small.first_chunk::<PREFIX>() {
            Some(prefix) => decode_frame_length(*prefix, self.cap).map(Some),
            None => Ok(None),
        }
    }

    fn make_room(&mut self) {
        if let Some(large) = &self.large {
            if large.buffer.len() == large.buffer.capacity() {
                self.grow_large();
            }
            return;
        }
        // `announced` was checked by `next_frame`, which runs before every read.
        let length = self.announced().ok().flatten().unwrap_or(0);
        let wanted = (PREFIX + length)
            .saturating_sub(self.small.len())
            .clamp(LEAST_READ, SMALL);
        if self.small.capacity() - self.small.len() < wanted && !self.small.try_reclaim(wanted) {
            let mut fresh = BytesMut::with_capacity(SMALL + LEAST_READ);
            fresh.extend_from_slice(&self.small);
            self.small = fresh;
            self.allocated += (SMALL + LEAST_READ) as u64;
        }
    }

    fn begin_large(&mut self, length: usize) {
        self.small.advance(PREFIX);
        let mut buffer = self.take_spare(length).unwrap_or_default();
        if buffer.capacity() < length {
            let size = self.allowed(length).max(self.small.len() + LEAST_READ);
            buffer = BytesMut::with_capacity(size);
            self.allocated += size as u64;
        }
        buffer.extend_from_slice(&self.small);
        self.small.clear();
        self.large = Some(Large { buffer, length });
    }

    /// Moves a large frame to a larger buffer, as far as what has been received pays for it.
    fn grow_large(&mut self) {
        let Some(mut large) = self.large.take() else {
            return;
        };
        let size = self
            .allowed(large.length)
            .max(large.buffer.len() + LEAST_READ);
        let mut buffer = BytesMut::with_capacity(size);
        buffer.extend_from_slice(&large.buffer);
        large.buffer = buffer;
        self.allocated += size as u64;
        self.large = Some(large);
    }

    /// How much of `length` may be allocated now.
    fn allowed(&self, length: usize) -> usize {
        let budget = (self.received.saturating_mul(GROWTH) + FREE).saturating_sub(self.allocated);
        usize::try_from(budget).unwrap_or(usize::MAX).min(length)
    }

    fn finish_large(&mut self) -> Option<Bytes> {
        let buffer = self.large.take()?.buffer;
        let capacity = buffer.capacity();
        let frame = buffer.freeze();
        self.is_warm = true;
        self.spare.push_back(Spare {
            frame: frame.clone(),
            capacity,
        });
        while self.spare.len() > SPARES || self.kept() > KEPT {
            self.spare.pop_front();
        }
        Some(frame)
    }

    /// A buffer of a former frame that nobody holds any more and that suits a frame of `length` bytes.
    fn take_spare(&mut self, length: usize) -> Option<BytesMut> {
        let is_free = |spare: &Spare| spare.frame.is_unique();
        while let Some(at) = self.spare.iter().position(is_free) {
            if let Ok(mut buffer) = self.spare.remove(at)?.frame.try_into_mut() {
                buffer.clear();
                let capacity = buffer.capacity();
                if capacity >= length && capacity / 4 <= length.max(SMALL) {
                    return Some(buffer);
                }
            }
        }
        None
    }
}

/// Bytes of the length prefix.
const PREFIX: usize = 4;

/// Frames up to this size (with their prefix) share a buffer, bytes.
const SMALL: usize = 16 * 1024;

/// The least room worth a read, bytes.
const LEAST_READ: usize = 2 * 1024;

/// Large frames remembered for their memory: as many as a reader has before it by default, so that one that is slower than
/// the network finds those that it has used up. Memory that is new costs a page fault for each 4 KiB.
const SPARES: usize = 8;

/// The most memory kept that way, bytes: so many answers of 1 MiB, the default limit, with what is around the records. A
/// frame above it leaves with whoever holds it.
const KEPT: usize = SPARES * (1024 + 64) * 1024;

/// Bytes of memory allowed for each byte received.
const GROWTH: u64 = 16;

/// Bytes of memory allowed before anything was received.
const FREE: u64 = 64 * 1024;

#[cfg(test)]
mod tests;
