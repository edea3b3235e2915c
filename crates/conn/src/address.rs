//! Addresses of brokers: `host:port`, with Kafka's default port.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::error::ConnError;

/// A broker's address as it is dialled: a host name or IP address (without brackets) and a port.
///
/// Printing escapes control characters, because the text may come from a broker's answer.
///
/// ```
/// use ekafka_conn::HostPort;
///
/// let address = HostPort::new("broker-1", 9092);
/// assert_eq!((address.host(), address.port()), ("broker-1", 9092));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    host: Arc<str>,
    port: u16,
}

impl HostPort {
    /// Joins `host` (no brackets around an IPv6 address) and `port`.
    pub fn new(host: impl Into<Arc<str>>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }

    /// The host name or IP address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for HostPort {
    type Err = ConnError;

    /// Parses `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address; a missing port becomes 9092.
    ///
    /// # Errors
    /// [`ConnError::Config`] for an empty or oversized host, control characters, or a port outside 1–65535.
    fn from_str(text: &str) -> Result<Self, ConnError> {
        let text = text.trim();
        let fault = |what: &str| ConnError::config(format!("address {text:?}: {what}"));
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest
                    .split_once(']')
                    .ok_or_else(|| fault("the bracket is not closed"))?;
                match after.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None if after.is_empty() => (host, None),
                    None => return Err(fault("text after the bracket")),
                }
            }
            // Two colons or more without brackets can only be a bare IPv6 address.
            None if text.matches(':').count() > 1 => (text, None),
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        if host.is_empty() {
            return Err(fault("the host is empty"));
        }
        if host.len() > MAX_HOST {
            return Err(ConnError::config(
                "an address's host is longer than 255 bytes",
            ));
        }
        if host
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '/')
        {
            return Err(fault("not a host name (write host:port, without a scheme)"));
        }
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => match port.parse::<u16>() {
                Ok(port) if port != 0 => port,
                _ => return Err(fault("the port is not a number from 1 to 65535")),
            },
        };
        Ok(Self::new(host, port))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host.escape_debug(), self.port)
        } else {
            write!(f, "{}:{}", self.host.escape_debug(), self.port)
        }
    }
}

impl fmt::Debug for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Kafka's port when an address has none.
const DEFAULT_PORT: u16 = 9092;

/// Longest host accepted, bytes; the limit of DNS names.
pub(crate) const MAX_HOST: usize = 255;

#[cfg(test)]
mod tests;
