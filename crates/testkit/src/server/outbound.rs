//! Answers into a byte stream, gathered.

use std::io::{self, IoSlice};

use bytes::Bytes;
use ekafka_protocol::{Frame, FrameCursor};
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Answers that wait to be written.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    frames: Vec<FrameCursor>,
}

impl Outbound {
    pub(super) fn push(&mut self, frame: Frame) {
        self.frames.push(FrameCursor::new(frame));
    }

    /// Queues bytes that need not be an answer at all: what a scripted fault makes of one.
    pub(super) fn push_bytes(&mut self, bytes: Bytes) {
        let mut frame = Frame::new();
        frame.put_spliced(bytes);
        self.push(frame);
    }

    /// Writes everything that waits.
    pub(super) async fn flush<S: AsyncWrite + Unpin>(&mut self, stream: &mut S) -> io::Result<()> {
        for mut cursor in self.frames.drain(..) {
            while !cursor.is_done() {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let count = cursor.fill_io_slices(&mut slices);
                let written = stream
                    .write_vectored(slices.get(..count).unwrap_or_default())
                    .await?;
                if written == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                cursor.advance(written);
            }
        }
        stream.flush().await
    }
}

/// Segments given to one system call.
const SLICES: usize = 256;
