//! Opening a byte stream to a broker.

mod tcp;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use crate::address::HostPort;
use crate::config::ConnConfig;
use crate::error::{ConnError, Stage};
use crate::stream::Stream;

/// A byte stream to a broker; implemented by every type that fits.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// The future of a [`Dial`].
pub type DialFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Transport>>> + Send + 'a>>;

/// Opens byte streams in place of the built-in TCP dial; TLS and SASL still run on top of what it
/// returns.
pub trait Dial: Send + Sync {
    /// Opens a stream to `host` (a name or an IP address without brackets) and `port`.
    ///
    /// # Cancel safety
    /// The future is dropped when the dial's time limit passes; it must then close what it opened.
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> DialFuture<'a>;
}

/// A [`Dial`] from a function that returns a stream at once, such as one end of a pipe.
///
/// ```
/// use ekafka_conn::{ConnConfig, dial_fn};
/// use ekafka_testkit::EmbeddedKafka;
///
/// // A broker in the process, reached without sockets.
/// fn in_memory(kafka: &EmbeddedKafka) -> ConnConfig {
///     let connector = kafka.connector();
///     ConnConfig::default().dial_fn(dial_fn(move |host, port| connector.connect(host, port)))
/// }
/// ```
pub fn dial_fn<F, T>(open: F) -> Arc<dyn Dial>
where
    F: Fn(&str, u16) -> io::Result<T> + Send + Sync + 'static,
    T: Transport + 'static,
{
    Arc::new(DialFn(open))
}

/// A [`Dial`] from an async function; it gets the host as its own text.
pub fn dial_async_fn<F, R, T>(open: F) -> Arc<dyn Dial>
where
    F: Fn(String, u16) -> R + Send + Sync + 'static,
    R: Future<Output = io::Result<T>> + Send + 'static,
    T: Transport + 'static,
{
    Arc::new(DialAsyncFn(open))
}

/// The future of a [`Resolver`].
pub type ResolveFuture<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// Turns host names into addresses; asked anew at every dial, never for IP addresses.
///
/// ```
/// use std::net::{Ipv4Addr, SocketAddr};
/// use std::sync::Arc;
///
/// use ekafka_conn::{ConnConfig, ResolveFuture, Resolver};
///
/// /// Every broker is behind a tunnel on this machine.
/// #[derive(Debug)]
/// struct Tunnel;
///
/// impl Resolver for Tunnel {
///     fn resolve<'a>(&'a self, _host: &'a str) -> ResolveFuture<'a> {
///         Box::pin(async { Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))]) })
///     }
/// }
///
/// let config = ConnConfig::default().resolver(Arc::new(Tunnel));
/// ```
pub trait Resolver: Send + Sync + fmt::Debug {
    /// All addresses of `host`, in order of preference; each dial to a broker that fails makes the next begin with another.
    /// Port 0 says nothing about the port; another
    /// one is used only by a [`Dialer`](crate::Dialer) that was given an address without port.
    ///
    /// # Cancel safety
    /// The future is dropped when the dial's time limit passes.
    fn resolve<'a>(&'a self, host: &'a str) -> ResolveFuture<'a>;
}

/// A [`Resolver`] from a function that knows its answers.
pub fn resolver_fn<F>(resolve: F) -> Arc<dyn Resolver>
where
    F: Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
{
    Arc::new(ResolverFn(resolve))
}

/// An open stream, encrypted where asked, and its two ends, where it has any.
pub(crate) struct Opened {
    pub(crate) stream: Stream,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) peer: Option<SocketAddr>,
}

/// Opens the stream that `config` asks for, TLS included, by `deadline`. Of a name's addresses the one at `turn` is tried
/// first, counted round: one that takes connections and does nothing with them would be the first for ever.
///
/// # Cancel safety
/// Dropping the future closes what was opened.
pub(crate) async fn open(
    broker: &HostPort,
    config: &ConnConfig,
    turn: usize,
    deadline: Instant,
) -> Result<Opened, ConnError> {
    let step = Step { broker, deadline };
    let (host, port) = (broker.host(), broker.port());
    let mut opened = match &config.dial_fn {
        Some(dial) => {
            let stream = step.run(Stage::Connect, dial.dial(host, port)).await?;
            Opened {
                stream: Stream::Other(stream),
                local: None,
                peer: None,
            }
        }
        None => {
            let mut addresses = step
                .run(Stage::Resolve, tcp::resolve(host, port, config))
                .await?;
            let first = turn.checked_rem(addresses.len()).unwrap_or_default();
            addresses.rotate_left(first);
            let connecting = tcp::connect(addresses, config, deadline);
            let stream = step.run(Stage::Connect, connecting).await?;
            let (local, peer) = (stream.local_addr().ok(), stream.peer_addr().ok());
            Opened {
                stream: Stream::Tcp(stream),
                local,
                peer,
            }
        }
    };
    if let Some(tls) = &config.tls {
        let encrypted = step
            .run(Stage::Tls, tls.connect(host, opened.stream.boxed()))
            .await?;
        opened.stream = Stream::Other(Box::new(encrypted));
    }
    Ok(opened)
}

/// What the steps of one opening share.
struct Step<'a> {
    broker: &'a HostPort,
    deadline: Instant,
}

impl Step<'_> {
    async fn run<T>(
        &self,
        stage: Stage,
        work: impl Future<Output = io::Result<T>>,
    ) -> Result<T, ConnError> {
        let broker = self.broker.clone();
        match timeout_at(self.deadline, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(cause)) => Err(ConnError::Open {
                broker,
                stage,
                cause: Arc::new(cause),
            }),
            Err(_) => Err(ConnError::Timeout {
                broker,
                stage,
                sent: false,
            }),
        }
    }
}

struct DialFn<F>(F);

impl<F, T> Dial for DialFn<F>
where
    F: Fn(&str, u16) -> io::Result<T> + Send + Sync,
    T: Transport + 'static,
{
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> DialFuture<'a> {
        let opened = (self.0)(host, port).map(|stream| Box::new(stream) as Box<dyn Transport>);
        Box::pin(std::future::ready(opened))
    }
}

struct DialAsyncFn<F>(F);

impl<F, R, T> Dial for DialAsyncFn<F>
where
    F: Fn(String, u16) -> R + Send + Sync,
    R: Future<Output = io::Result<T>> + Send + 'static,
    T: Transport + 'static,
{
    fn dial<'a>(&'a self, host: &'a str, port: u16) -> DialFuture<'a> {
        let opening = (self.0)(host.to_owned(), port);
        Box::pin(async move { Ok(Box::new(opening.await?) as Box<dyn Transport>) })
    }
}

struct ResolverFn<F>(F);

impl<F> Resolver for ResolverFn<F>
where
    F: Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync,
{
    fn resolve<'a>(&'a self, host: &'a str) -> ResolveFuture<'a> {
        Box::pin(std::future::ready((self.0)(host)))
    }
}

impl<F> fmt::Debug for ResolverFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResolverFn")
    }
}
