//! A longer way to a broker: everything arrives later by a fixed time, in order and at full rate.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

/// A TCP port that leads to another one with a round trip added. It ends, connections included, when this is dropped.
///
/// Kafka clients follow the addresses that brokers tell them; for an embedded cluster use
/// [`Builder::round_trip`](crate::Builder::round_trip), for another one let the broker advertise this port.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
/// # kafka.create_topic("orders", 3)?;
///
/// use std::time::Duration;
///
/// use ekafka_testkit::DelayProxy;
///
/// let near = kafka.addresses()[0].parse()?;
/// let far = DelayProxy::start(near, Duration::from_millis(10)).await?;
/// println!("10 ms away: {}", far.address());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DelayProxy {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl DelayProxy {
    /// Opens a free port on 127.0.0.1 that leads to `target`.
    ///
    /// # Errors
    ///
    /// When no port can be opened.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes what was opened.
    #[expect(
        clippy::disallowed_methods,
        reason = "one task per proxy, ended by its drop"
    )]
    pub async fn start(target: SocketAddr, round_trip: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, target, round_trip));
        Ok(Self { address, accepting })
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for DelayProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, round_trip: Duration) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        connections.spawn(async move {
            let Ok(far) = TcpStream::connect(target).await else {
                return;
            };
            if near.set_nodelay(true).is_ok() && far.set_nodelay(true).is_ok() {
                relay(near, far, round_trip).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Carries bytes both ways, each half the round trip later, until both sides have ended.
pub(crate) async fn relay<A, B>(near: A, far: B, round_trip: Duration)
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let (near_read, near_write) = tokio::io::split(near);
    let (far_read, far_write) = tokio::io::split(far);
    let there = carry(near_read, far_write, round_trip / 2);
    let back = carry(far_read, near_write, round_trip - round_trip / 2);
    tokio::join!(there, back);
}

/// Carries bytes one way; an end or a fault on one side becomes the end of the other.
async fn carry<R: AsyncRead, W: AsyncWrite>(from: R, to: W, delay: Duration) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Bytes)>(CHUNKS);
    let read = async move {
        let mut from = std::pin::pin!(from);
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(CHUNK);
            match from.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_)
                    if sender
                        .send((Instant::now() + delay, buffer.split().freeze()))
                        .await
                        .is_err() =>
                {
                    return;
                }
                Ok(_) => {}
            }
        }
    };
    let write = async move {
        let mut to = std::pin::pin!(to);
        while let Some((due, bytes)) = receiver.recv().await {
            sleep_until(due).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // The other side has ended already when this fails.
        drop(to.shutdown().await);
    };
    tokio::join!(read, write);
}

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Chunks on their way in one direction: 64 MiB, so that the delay does not limit the rate.
const CHUNKS: usize = 1024;
