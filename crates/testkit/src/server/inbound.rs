//! Requests out of a byte stream.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use ekafka_protocol::{DecodeError, LENGTH_BYTES, decode_frame_length};
use tokio::io::{AsyncRead, AsyncReadExt};

/// What was read of a connection and not yet handled.
#[derive(Debug)]
pub(super) struct Inbound {
    buffer: BytesMut,
    /// The largest request taken, in bytes.
    cap: usize,
}

impl Inbound {
    pub(super) fn new(cap: usize) -> Self {
        Self {
            buffer: BytesMut::with_capacity(CHUNK),
            cap,
        }
    }

    /// The next request when all of it is here, without its length; a slice of what was read.
    pub(super) fn take_frame(&mut self) -> Result<Option<Bytes>, DecodeError> {
        let Some(prefix) = self.buffer.first_chunk::<LENGTH_BYTES>() else {
            self.make_room(CHUNK);
            return Ok(None);
        };
        let length = decode_frame_length(*prefix, self.cap)?;
        let missing = (LENGTH_BYTES + length).saturating_sub(self.buffer.len());
        if missing > 0 {
            self.make_room(missing.min(self.buffer.len().max(STEP)));
            return Ok(None);
        }
        self.buffer.advance(LENGTH_BYTES);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    /// Whether a whole request is here already.
    pub(super) fn has_frame(&self) -> bool {
        let length = self
            .buffer
            .first_chunk::<LENGTH_BYTES>()
            .map(|prefix| i32::from_be_bytes(*prefix));
        let length = length.and_then(|length| usize::try_from(length).ok());
        length.is_some_and(|length| self.buffer.len() >= LENGTH_BYTES + length)
    }

    /// Reads once; 0 bytes mean that the peer has closed. Nothing is lost when the future is dropped.
    pub(super) async fn fill<S: AsyncRead + Unpin>(&mut self, stream: &mut S) -> io::Result<usize> {
        stream.read_buf(&mut self.buffer).await
    }

    /// Whether so much waits unread that reading ahead should pause.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() >= STEP
    }

    /// Makes room for a read ahead of the next request.
    pub(super) fn make_room(&mut self, bytes: usize) {
        if self.buffer.capacity() - self.buffer.len() < bytes.min(SMALLEST_READ) || bytes > CHUNK {
            self.buffer.reserve(bytes.max(CHUNK));
        }
    }
}

/// Bytes of a fresh buffer; small requests share one.
const CHUNK: usize = 64 * 1024;
/// A request longer than this gets its memory as its bytes arrive.
const STEP: usize = 1024 * 1024;
/// With less room than this a read is not worth its system call.
const SMALLEST_READ: usize = 4 * 1024;
