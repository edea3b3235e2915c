//! What can go wrong between this client and a broker.

use std::fmt;
use std::io;
use std::sync::Arc;

use ekafka_protocol::{ApiKey, DecodeError, EncodeError, ErrorCode, VersionRange};

use crate::address::HostPort;
use crate::ids::BrokerId;
use crate::sasl::LoginError;

/// Why a connection could not be opened, or a request got no usable answer.
///
/// Texts that came from a broker are shortened and escaped. `sent` says whether any byte of the request may have left.
///
/// ```
/// use ekafka_conn::ConnError;
///
/// fn advise(error: &ConnError) -> &'static str {
///     match error {
///         error if error.is_fatal() => "change the configuration",
///         error if error.is_timeout() && error.maybe_sent() => "it may have happened",
///         error if error.is_retriable() => "try again",
///         error if error.code().is_some() => "the broker refused it",
///         _ => "give it up",
///     }
/// }
/// println!("{}", advise(&ConnError::Closed));
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConnError {
    /// The configuration or an address is wrong; nothing was dialled. Lists every fault.
    #[error("invalid configuration: {0}")]
    Config(Arc<str>),
    /// A connection could not be opened: which step failed, and how.
    #[error("{broker}: {stage} failed: {}{}", Cause(broker, cause), Hint(self))]
    Open {
        /// The address dialled.
        broker: HostPort,
        /// The step that failed.
        stage: Stage,
        /// The operating system's, TLS's or the stream's error.
        cause: Arc<io::Error>,
    },
    /// The log-in was refused by the broker, or the broker's proof by us.
    #[error("{broker}: log-in failed: {cause}{}", Hint(self))]
    Login {
        /// The broker's address.
        broker: HostPort,
        /// Who refused what; never contains a secret.
        cause: Arc<LoginError>,
    },
    /// A step or an answer took longer than its deadline; the connection is closed.
    #[error("{broker}: {stage} not finished within its deadline{}", Hint(self))]
    Timeout {
        /// The broker's address.
        broker: HostPort,
        /// What was waited for.
        stage: Stage,
        /// Whether any byte of the request may have reached the broker.
        sent: bool,
    },
    /// The connection ended while the request waited for its answer; all its waiters get the same cause.
    #[error("{broker}: connection ended: {cause}")]
    Disconnected {
        /// The broker's address.
        broker: HostPort,
        /// What ended the connection.
        cause: Arc<str>,
        /// Whether any byte of the request may have reached the broker.
        sent: bool,
    },
    /// The broker sent something that is not Kafka's protocol, or not the answer asked for; the connection is closed.
    #[error("{broker}: malformed answer to {stage}: {cause}")]
    Malformed {
        /// The broker's address.
        broker: HostPort,
        /// What was being answered.
        stage: Stage,
        /// The fault found.
        cause: Arc<DecodeError>,
    },
    /// The request cannot be put into the protocol's form; nothing was sent.
    #[error("request cannot be encoded: {0}")]
    Encode(Arc<EncodeError>),
    /// The broker and this client share no version of an API.
    #[error("{broker}: no common version of {api}: ours are {ours}, the broker's {}", Theirs(*theirs))]
    Unsupported {
        /// The broker's address.
        broker: HostPort,
        /// The API asked for.
        api: ApiKey,
        /// The versions this client speaks, as far as the request allows them.
        ours: VersionRange,
        /// The versions the broker announced; `None` when it does not list the API.
        theirs: Option<VersionRange>,
    },
    /// The broker answered with an error code.
    #[error("{broker}: {api} refused: {code}")]
    Kafka {
        /// The broker's address.
        broker: HostPort,
        /// The request.
        api: ApiKey,
        /// Its answer.
        code: ErrorCode,
    },
    /// The cluster reports an error for a topic.
    #[error("topic {topic:?}: {code}")]
    Topic {
        /// The topic's name.
        topic: Arc<str>,
        /// What the cluster says about it.
        code: ErrorCode,
    },
    /// No broker could be reached, or the one asked for is not in the cluster; says what each attempt ended with.
    #[error("{}", Attempts(*wanted, attempts))]
    NoBroker {
        /// The broker asked for, if it had to be that one.
        wanted: Option<BrokerId>,
        /// The last error for each address tried.
        attempts: Arc<[Self]>,
    },
    /// The handle, the cluster or the runtime it ran on was closed.
    #[error("closed on this side: the handle, its cluster or its runtime has ended")]
    Closed,
}

impl ConnError {
    /// A fault of the configuration.
    pub(crate) fn config(fault: impl Into<Arc<str>>) -> Self {
        Self::Config(fault.into())
    }

    /// Whether the same call may succeed later, on another connection or with newer metadata.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Open { .. }
            | Self::Timeout { .. }
            | Self::Disconnected { .. }
            | Self::Malformed { .. } => true,
            Self::Kafka { code, .. } | Self::Topic { code, .. } => code.is_retriable(),
            // Another broker may come up, or the missing one come back.
            Self::NoBroker { attempts, .. } => !attempts.iter().any(Self::is_fatal),
            // The broker may have restarted meanwhile as well as refused.
            Self::Login { cause, .. } => **cause == LoginError::Ended,
            Self::Config(_) | Self::Encode(_) | Self::Unsupported { .. } | Self::Closed => false,
        }
    }

    /// Whether nothing but a change of configuration, rights or program can help.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Login { cause, .. } => **cause != LoginError::Ended,
            Self::Config(_) | Self::Unsupported { .. } | Self::Closed => true,
            Self::NoBroker { attempts, .. } => {
                !attempts.is_empty() && attempts.iter().all(Self::is_fatal)
            }
            _ => false,
        }
    }

    /// Whether time ran out, on this side or (`REQUEST_TIMED_OUT`) on the broker's.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. }) || self.code() == Some(ErrorCode::REQUEST_TIMED_OUT)
    }

    /// The error code of the broker, where one says what happened.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Kafka { code, .. } | Self::Topic { code, .. } => Some(*code),
            Self::Login { cause, .. } => cause.code(),
            _ => None,
        }
    }

    /// Whether the broker may have seen (and applied) the request.
    pub fn maybe_sent(&self) -> bool {
        match self {
            Self::Timeout { sent, .. } | Self::Disconnected { sent, .. } => *sent,
            Self::Malformed { .. } => true,
            // The broker has refused it, so it has seen it, but the answer is definite.
            _ => false,
        }
    }

    /// The same error for a request that had, or had not, begun to leave.
    pub(crate) fn with_sent(mut self, now: bool) -> Self {
        if let Self::Timeout { sent, .. } | Self::Disconnected { sent, .. } = &mut self {
            *sent = now;
        }
        self
    }
}

/// A step of opening or using a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Looking the host name up.
    Resolve,
    /// Opening the socket.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Agreeing on protocol versions.
    Versions,
    /// The SASL log-in.
    Login,
    /// Answering a request.
    Request(ApiKey),
    /// No request at all: the broker spoke unasked.
    Nothing,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request(api) => return write!(f, "{api}"),
            Self::Nothing => "no request",
            Self::Resolve => "name look-up",
            Self::Connect => "connect",
            Self::Tls => "TLS handshake",
            Self::Versions => "version exchange",
            Self::Login => "log-in",
        })
    }
}

impl From<EncodeError> for ConnError {
    fn from(fault: EncodeError) -> Self {
        Self::Encode(Arc::new(fault))
    }
}

/// A broker's range, or that it has none.
struct Theirs(Option<VersionRange>);

impl fmt::Display for Theirs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(range) => write!(f, "{range}"),
            None => f.write_str("none"),
        }
    }
}

/// Errors side by side.
struct Attempts<'a>(Option<BrokerId>, &'a [ConnError]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => write!(f, "broker {id} is not in the cluster")?,
            None => f.write_str("no broker reachable")?,
        }
        for (index, attempt) in self.1.iter().enumerate() {
            let separator = if index == 0 { ": " } else { "; " };
            write!(f, "{separator}{attempt}")?;
        }
        Ok(())
    }
}

/// A cause without the address that stands before it already.
struct Cause<'a>(&'a HostPort, &'a io::Error);

impl fmt::Display for Cause<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(broker, cause) = self;
        let (text, named) = (cause.to_string(), format!("{broker}: "));
        f.write_str(text.strip_prefix(&named).unwrap_or(&text))
    }
}

/// What to try, appended to an error's text where one thing is likely.
struct Hint<'a>(&'a ConnError);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = match self.0 {
            ConnError::Open { stage, cause, .. } => match (stage, cause.kind()) {
                (Stage::Resolve, _) => "is the host name right?",
                (Stage::Connect, io::ErrorKind::ConnectionRefused) => {
                    "is a broker listening on this port?"
                }
                (Stage::Tls, _) if looks_plain(cause) => "does this port speak plaintext?",
                (Stage::Versions, _) => "does this port expect TLS or another protocol?",
                _ => return Ok(()),
            },
            ConnError::Timeout { stage, .. } => match stage {
                Stage::Connect => "is the address reachable, or does a firewall drop it?",
                Stage::Tls => "does this port speak plaintext?",
                Stage::Versions => "does this port expect TLS, or is it not a Kafka broker?",
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        write!(f, " ({hint})")
    }
}

/// Whether a TLS handshake ended as it does when the peer knows no TLS.
fn looks_plain(cause: &io::Error) -> bool {
    let garbled = cause
        .get_ref()
        .and_then(|source| source.downcast_ref::<rustls::Error>());
    matches!(garbled, Some(rustls::Error::InvalidMessage(_)))
        || matches!(
            cause.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
        )
}

#[cfg(test)]
mod tests;
