//! TLS on top of a transport (rustls, ring).

mod builder;
mod dangerous;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub use builder::TlsBuilder;

use crate::transport::Transport;

/// How connections are encrypted, and whom they trust.
///
/// The broker's certificate must be valid for the host that is dialled, also for hosts learnt from
/// metadata. TLS 1.2 and 1.3.
#[derive(Clone)]
pub struct TlsConfig {
    /// What rustls needs: roots, client certificate, versions.
    client: Arc<rustls::ClientConfig>,
    /// The name asked for and checked in place of the host dialled.
    server_name: Option<ServerName<'static>>,
    /// Certificates are not checked.
    dangerous: bool,
}

impl TlsConfig {
    /// Begins a configuration that trusts nobody yet.
    pub fn builder() -> TlsBuilder {
        TlsBuilder::new()
    }

    /// Uses a finished rustls configuration; the server name is the host dialled.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use ekafka_conn::{ConnConfig, TlsConfig};
    ///
    /// fn config(client: Arc<rustls::ClientConfig>) -> ConnConfig {
    ///     ConnConfig::default().tls(TlsConfig::from_rustls(client))
    /// }
    /// ```
    pub fn from_rustls(client: Arc<rustls::ClientConfig>) -> Self {
        Self {
            client,
            server_name: None,
            dangerous: false,
        }
    }

    /// Runs the handshake with the server at `host`.
    pub(crate) async fn connect(
        &self,
        host: &str,
        stream: Box<dyn Transport>,
    ) -> io::Result<TlsStream<Box<dyn Transport>>> {
        if self.dangerous {
            tracing::warn!(host = %host.escape_debug(), "the broker's certificate is not checked");
        }
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => server_name(host)?,
        };
        TlsConnector::from(Arc::clone(&self.client))
            .connect(name, stream)
            .await
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("server_name", &self.server_name)
            .field("dangerous", &self.dangerous)
            .finish_non_exhaustive()
    }
}

/// The name a certificate must hold: an IP address, or a DNS name without its final dot.
fn server_name(host: &str) -> io::Result<ServerName<'static>> {
    // A zone (`fe80::1%eth0`) belongs to this machine, not to the server.
    let host = host
        .split_once('%')
        .map_or(host, |(address, _zone)| address);
    let host = host.strip_suffix('.').unwrap_or(host);
    ServerName::try_from(host.to_owned())
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "no name for a certificate"))
}
