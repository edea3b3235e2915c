//! The built-in dial: name look-up, then TCP to one address after another, two families side by
//! side where asked (RFC 8305).

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout_at};

use crate::config::ConnConfig;

/// The addresses of `host`, with `port`.
pub(super) async fn resolve(
    host: &str,
    port: u16,
    config: &ConnConfig,
) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let mut addresses: Vec<SocketAddr> = match &config.resolver {
        Some(resolver) => resolver.resolve(host).await?,
        None => tokio::net::lookup_host((host, port)).await?.collect(),
    };
    if addresses.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the name has no address",
        ));
    }
    for address in &mut addresses {
        address.set_port(port);
    }
    Ok(addresses)
}

/// Connects to whichever of `addresses` answers. Each gets a share of the time to `deadline`; the
/// caller enforces the deadline itself.
pub(super) async fn connect(
    addresses: Vec<SocketAddr>,
    config: &ConnConfig,
    deadline: Instant,
) -> io::Result<TcpStream> {
    let addresses = usable(addresses, config.local_addr)?;
    if config.dual_stack {
        connect_side_by_side(&addresses, config, deadline).await
    } else {
        connect_in_turn(&addresses, config, deadline).await
    }
}

/// The addresses that a socket bound to `local` can reach.
fn usable(mut addresses: Vec<SocketAddr>, local: Option<IpAddr>) -> io::Result<Vec<SocketAddr>> {
    if let Some(local) = local {
        addresses.retain(|address| address.is_ipv4() == local.is_ipv4());
        if addresses.is_empty() {
            let what = "no address is of the local address's family";
            return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, what));
        }
    }
    Ok(addresses)
}

/// Gives the family of the first address a head start, then runs both.
async fn connect_side_by_side(
    addresses: &[SocketAddr],
    config: &ConnConfig,
    deadline: Instant,
) -> io::Result<TcpStream> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .iter()
        .partition(|address| address.is_ipv4() == first_is_v4);
    if second.is_empty() {
        return connect_in_turn(&first, config, deadline).await;
    }
    let mut first = pin!(connect_in_turn(&first, config, deadline));
    let mut second = pin!(connect_in_turn(&second, config, deadline));
    tokio::select! {
        connected = &mut first => match connected {
            Ok(stream) => return Ok(stream),
            Err(_) => return second.await,
        },
        () = sleep(config.fallback_delay) => {}
    }
    // The one that connects first wins; the error shown is the preferred family's.
    tokio::select! {
        connected = &mut first => match connected {
            Ok(stream) => Ok(stream),
            Err(error) => second.await.map_err(|_| error),
        },
        connected = &mut second => match connected {
            Ok(stream) => Ok(stream),
            Err(_) => first.await,
        },
    }
}

/// Tries each address with its share of the time left, so that one that swallows packets does not
/// take it all.
async fn connect_in_turn(
    addresses: &[SocketAddr],
    config: &ConnConfig,
    deadline: Instant,
) -> io::Result<TcpStream> {
    let mut failure = None;
    for (index, address) in addresses.iter().enumerate() {
        let until = share(Instant::now(), deadline, addresses.len() - index);
        let error = match timeout_at(until, connect_to(*address, config)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, "no answer in time"),
        };
        let named = io::Error::new(error.kind(), format!("{address}: {error}"));
        failure.get_or_insert(named);
    }
    Err(failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}

/// When an attempt must end that begins at `now` with `left` addresses to try, itself included: an
/// even share of the time, but at least two seconds of what is left.
fn share(now: Instant, deadline: Instant, left: usize) -> Instant {
    let remaining = deadline.saturating_duration_since(now);
    let even = remaining / u32::try_from(left.max(1)).unwrap_or(u32::MAX);
    now + even.max(LEAST_SHARE.min(remaining))
}

async fn connect_to(address: SocketAddr, config: &ConnConfig) -> io::Result<TcpStream> {
    let domain = if address.is_ipv4() {
        Domain::IPV4
    } else {
        Domain::IPV6
    };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    if let Some(local) = config.local_addr {
        socket.bind(&SocketAddr::new(local, 0).into())?;
    }
    let stream = TcpSocket::from_std_stream(socket.into())
        .connect(address)
        .await?;
    stream.set_nodelay(true)?;
    if let Some(interval) = config.keep_alive {
        let interval = interval.max(Duration::from_secs(1));
        let probes = TcpKeepalive::new()
            .with_time(interval)
            .with_interval(interval);
        SockRef::from(&stream).set_tcp_keepalive(&probes)?;
    }
    Ok(stream)
}

/// Least time for one address while there is as much, as long as several SYNs need.
const LEAST_SHARE: Duration = Duration::from_secs(2);
