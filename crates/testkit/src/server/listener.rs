//! One node's front door: a TCP port, or connections made inside the process.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{Shared, serve};
use crate::delay::relay;
use crate::faults::ConnectFault;

/// One node as long as it is up: dropping it closes the port and every connection.
#[derive(Debug)]
pub(crate) struct Front {
    /// Connections end when the sender goes.
    up: watch::Sender<()>,
    accepting: Option<JoinHandle<()>>,
    node: i32,
}

impl Front {
    /// Takes connections from a TCP port.
    #[expect(
        clippy::disallowed_methods,
        reason = "one task per listening node, ended by Front::close or its drop"
    )]
    pub(crate) fn tcp(shared: Arc<Shared>, node: i32, listener: TcpListener) -> Self {
        let (up, is_up) = watch::channel(());
        let accepting = tokio::spawn(accept(shared, node, listener, is_up));
        Self {
            up,
            accepting: Some(accepting),
            node,
        }
    }

    /// Takes connections from [`Self::connect`] alone.
    pub(crate) fn in_memory(node: i32) -> Self {
        Self {
            up: watch::channel(()).0,
            accepting: None,
            node,
        }
    }

    /// The client's end of a new connection inside the process; `pipe` is the room of each direction in bytes.
    pub(crate) fn connect(&self, shared: &Arc<Shared>, pipe: usize) -> DuplexStream {
        let (ours, theirs) = tokio::io::duplex(pipe);
        spawn_session(
            Arc::clone(shared),
            self.node,
            ours,
            Arc::from("/in-memory"),
            self.up.subscribe(),
        );
        theirs
    }

    /// Closes the port and every connection; a TCP port is free when this returns.
    pub(crate) async fn close(mut self) {
        if let Some(accepting) = self.accepting.take() {
            accepting.abort();
            // The error says that the task was stopped, which was the point.
            drop(accepting.await);
        }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

/// Opens the port, or any free one when the port is 0.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

async fn accept(shared: Arc<Shared>, node: i32, listener: TcpListener, is_up: watch::Receiver<()>) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // A connection that died before it was taken, or no file descriptors left: neither ends the listener.
                tracing::debug!(node, %error, "accept failed");
                tokio::task::yield_now().await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(node, %error, "no delay could not be set");
        }
        let host = Arc::from(format!("/{}", peer.ip()));
        spawn_session(Arc::clone(&shared), node, stream, host, is_up.clone());
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "one task per connection, ended when its node goes down"
)]
fn spawn_session<S>(
    shared: Arc<Shared>,
    node: i32,
    stream: S,
    host: Arc<str>,
    mut is_up: watch::Receiver<()>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let fault = shared.faults().take_connect(node);
    let session = async move {
        match fault {
            None => {}
            Some(ConnectFault::Close) => return,
            Some(ConnectFault::Delay(time)) => sleep(time).await,
            Some(ConnectFault::Silence) => {
                // The connection must stay open, so it must not be dropped.
                let _open = stream;
                return std::future::pending().await;
            }
        }
        let round_trip = shared.round_trip;
        if round_trip.is_zero() {
            return secure(shared, node, stream, host).await;
        }
        let (near, far) = tokio::io::duplex(RELAYED);
        tokio::join!(
            relay(stream, far, round_trip),
            secure(shared, node, near, host)
        );
    };
    tokio::spawn(async move {
        tokio::select! {
            biased;
            _ = is_up.changed() => {}
            () = session => {}
        }
    });
}

/// Puts TLS around the connection when the cluster has it, then serves it.
async fn secure<S>(shared: Arc<Shared>, node: i32, stream: S, host: Arc<str>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    match shared.tls.clone() {
        None => serve(shared, node, stream, host).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => serve(shared, node, stream, host).await,
            Err(error) => tracing::debug!(node, %error, "TLS handshake failed"),
        },
    }
}

/// Room between a delayed connection and its session, in bytes.
const RELAYED: usize = 1024 * 1024;
