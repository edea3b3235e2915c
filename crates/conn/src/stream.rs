//! The byte stream under a connection, and its two halves.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use crate::transport::Transport;

/// An open stream: plain TCP keeps its own type, because its halves need no lock between them.
pub(crate) enum Stream {
    Tcp(TcpStream),
    /// TLS, or what a custom dial function gave.
    Other(Box<dyn Transport>),
}

impl Stream {
    /// The stream as what TLS is put on.
    pub(crate) fn boxed(self) -> Box<dyn Transport> {
        match self {
            Self::Tcp(tcp) => Box::new(tcp),
            Self::Other(other) => other,
        }
    }

    /// The two halves, each usable from its own place.
    pub(crate) fn into_split(self) -> (ReadSide, WriteSide) {
        match self {
            Self::Tcp(tcp) => {
                let (read, write) = tcp.into_split();
                (ReadSide::Tcp(read), WriteSide::Tcp(write))
            }
            Self::Other(other) => {
                let (read, write) = tokio::io::split(other);
                (ReadSide::Other(read), WriteSide::Other(write))
            }
        }
    }
}

/// The receiving half.
pub(crate) enum ReadSide {
    Tcp(OwnedReadHalf),
    Other(ReadHalf<Box<dyn Transport>>),
}

/// The sending half.
pub(crate) enum WriteSide {
    Tcp(OwnedWriteHalf),
    Other(WriteHalf<Box<dyn Transport>>),
}

impl AsyncRead for ReadSide {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(read) => Pin::new(read).poll_read(cx, buf),
            Self::Other(read) => Pin::new(read).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for WriteSide {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(write) => Pin::new(write).poll_write(cx, bytes),
            Self::Other(write) => Pin::new(write).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(write) => Pin::new(write).poll_write_vectored(cx, slices),
            Self::Other(write) => Pin::new(write).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(write) => write.is_write_vectored(),
            Self::Other(write) => write.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(write) => Pin::new(write).poll_flush(cx),
            Self::Other(write) => Pin::new(write).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(write) => Pin::new(write).poll_shutdown(cx),
            Self::Other(write) => Pin::new(write).poll_shutdown(cx),
        }
    }
}
