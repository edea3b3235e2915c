//! The exchange that carries a mechanism's tokens (KIP-43, KIP-152; schemas SaslHandshake and
//! SaslAuthenticate): which request comes next, and which answer is accepted.

#[cfg(test)]
mod tests;

use std::time::Duration;

use ekafka_protocol::{ErrorCode, VersionRange};
use thiserror::Error;

use super::{Mechanism, MechanismError, MechanismSession, Step, shown};
use crate::HostPort;

/// A log-in under way. Each answer is handed to the method named by the last [`Action`]; any
/// other order, and any answer after the end, is an error.
pub(crate) struct Login {
    mechanism: String,
    /// What handles the broker's tokens.
    session: Box<dyn MechanismSession>,
    /// Sent once the handshake is accepted.
    initial: Vec<u8>,
    carrier: Carrier,
    stage: Stage,
}

/// How tokens travel.
#[derive(Clone, Copy)]
enum Carrier {
    /// In SaslAuthenticate requests of this version, after handshake v1.
    Request(i16),
    /// As bare length-prefixed tokens, after handshake v0.
    Raw,
}

/// Which answer is awaited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Handshake,
    Token,
    Ended,
}

/// What the shell does next.
#[derive(PartialEq, Eq)]
pub(crate) enum Action {
    /// Send SaslHandshake with this mechanism name; answer with [`Login::handle_handshake`].
    Handshake { version: i16, mechanism: String },
    /// Send SaslAuthenticate; answer with [`Login::handle_authenticate`].
    Authenticate { version: i16, token: Vec<u8> },
    /// Send the bare token; answer with [`Login::handle_token`].
    Raw(Vec<u8>),
    /// Logged in; the session ends after this time, if the broker limits it (KIP-368).
    Done(Option<Duration>),
}

/// The versions of the two requests that the broker lists; `None` is not listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offered {
    pub(crate) handshake: Option<VersionRange>,
    pub(crate) authenticate: Option<VersionRange>,
}

/// What makes sending a password acceptable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Privacy {
    /// The connection is encrypted.
    pub(crate) encrypted: bool,
    /// The user asked by name for passwords in clear.
    pub(crate) clear_allowed: bool,
}

impl Login {
    /// Checks that a log-in can begin at all, and says what to send first.
    pub(crate) fn start(
        mechanism: &dyn Mechanism,
        host: &HostPort,
        offered: Offered,
        privacy: Privacy,
    ) -> Result<(Self, Action), LoginError> {
        let name = mechanism.name();
        if mechanism.exposes_secret() && !privacy.encrypted && !privacy.clear_allowed {
            return Err(LoginError::Clear {
                mechanism: name.into(),
            });
        }
        let handshake = offered.handshake.ok_or(LoginError::NotOffered)?;
        let (version, carrier) = if handshake.contains(1) {
            let offered = offered.authenticate.ok_or(LoginError::NotOffered)?;
            let common = offered
                .latest_common(AUTHENTICATE)
                .ok_or(LoginError::NotOffered)?;
            (1, Carrier::Request(common))
        } else if handshake.contains(0) {
            (0, Carrier::Raw)
        } else {
            return Err(LoginError::NotOffered);
        };
        let (session, initial) = mechanism.start(host)?;
        let login = Self {
            mechanism: name.to_owned(),
            session,
            initial,
            carrier,
            stage: Stage::Handshake,
        };
        let action = Action::Handshake {
            version,
            mechanism: name.to_owned(),
        };
        Ok((login, action))
    }

    /// Takes the answer to SaslHandshake: its error code and the mechanisms the broker has.
    pub(crate) fn handle_handshake<'a>(
        &mut self,
        code: ErrorCode,
        offered: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<Action, LoginError> {
        self.expect(Stage::Handshake)?;
        // A broker that accepts lists what it accepted. There is no falling back to another one.
        let listed = offered.clone().any(|name| name == self.mechanism);
        if code == ErrorCode::UNSUPPORTED_SASL_MECHANISM || code == ErrorCode::NONE && !listed {
            let offered: Vec<&str> = offered.take(MAX_LISTED).collect();
            return Err(LoginError::Mechanism {
                mechanism: self.mechanism.as_str().into(),
                offered: shown(&offered.join(", ")),
            });
        }
        if code != ErrorCode::NONE {
            return Err(LoginError::Refused {
                code,
                message: "".into(),
            });
        }
        self.stage = Stage::Token;
        let token = std::mem::take(&mut self.initial);
        self.send(token)
    }

    /// Takes the answer to SaslAuthenticate. See [`is_expensive`](Self::is_expensive).
    pub(crate) fn handle_authenticate(
        &mut self,
        code: ErrorCode,
        message: Option<&str>,
        token: &[u8],
        lifetime_ms: i64,
    ) -> Result<Action, LoginError> {
        self.expect(Stage::Token)?;
        if code != ErrorCode::NONE {
            let message = shown(message.unwrap_or_default());
            return Err(LoginError::Refused { code, message });
        }
        self.advance(token, lifetime_ms)
    }

    /// Takes a bare token. See [`is_expensive`](Self::is_expensive).
    pub(crate) fn handle_token(&mut self, token: &[u8]) -> Result<Action, LoginError> {
        self.expect(Stage::Token)?;
        self.advance(token, 0)
    }

    /// Whether the coming token must be handled off the executor's threads.
    pub(crate) fn is_expensive(&self) -> bool {
        self.stage == Stage::Token && self.session.is_expensive()
    }

    fn advance(&mut self, token: &[u8], lifetime_ms: i64) -> Result<Action, LoginError> {
        check_length(token.len())?;
        match self.session.next(token)? {
            Step::Send(token) => {
                self.stage = Stage::Token;
                self.send(token)
            }
            Step::Done => {
                let lifetime = u64::try_from(lifetime_ms).ok().filter(|ms| *ms > 0);
                Ok(Action::Done(lifetime.map(Duration::from_millis)))
            }
        }
    }

    fn send(&self, token: Vec<u8>) -> Result<Action, LoginError> {
        check_length(token.len())?;
        Ok(match self.carrier {
            Carrier::Request(version) => Action::Authenticate { version, token },
            Carrier::Raw => Action::Raw(token),
        })
    }

    /// Leaves the stage for good unless the caller, having accepted the answer, sets another.
    fn expect(&mut self, stage: Stage) -> Result<(), LoginError> {
        if std::mem::replace(&mut self.stage, Stage::Ended) == stage {
            Ok(())
        } else {
            Err(LoginError::Order)
        }
    }
}

/// Why a log-in failed. The connection is closed after each of them.
///
/// ```
/// use ekafka_conn::{ConnError, LoginError};
///
/// /// Whether somebody has to look at the credentials.
/// fn is_refused(error: &ConnError) -> bool {
///     let ConnError::Login { cause, .. } = error else { return false };
///     matches!(**cause, LoginError::Refused { .. })
/// }
/// assert!(!is_refused(&ConnError::Closed));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoginError {
    /// The broker lists no SASL requests, although a log-in is configured.
    #[error("the broker offers no log-in on this port: use its SASL listener, or configure none")]
    NotOffered,
    /// The broker does not accept the mechanism. No other one is tried.
    #[error("{}: the broker does not accept {mechanism}, it offers: {offered}", ErrorCode::UNSUPPORTED_SASL_MECHANISM.name().unwrap_or_default())]
    Mechanism {
        /// What was asked for.
        mechanism: Box<str>,
        /// The broker's list.
        offered: Box<str>,
    },
    /// The mechanism would show its secret on a connection without TLS.
    #[error(
        "{mechanism} would send the password readable for anyone: set TLS, or allow it by name"
    )]
    Clear {
        /// What was asked for.
        mechanism: Box<str>,
    },
    /// The broker refused the credentials.
    #[error("refused with {code}{}{message}", if message.is_empty() { "" } else { "; " })]
    Refused {
        /// The broker's error code.
        code: ErrorCode,
        /// The broker's words, shortened and escaped.
        message: Box<str>,
    },
    /// The broker closed the connection during the exchange, which is how old ones refuse.
    #[error("the broker closed the connection during the log-in, which may be its way to refuse")]
    Ended,
    /// A token is too long.
    #[error("a token of {length} bytes exceeds the limit of {MAX_TOKEN}")]
    TokenLength {
        /// Its length in bytes.
        length: usize,
    },
    /// An answer came that was not awaited.
    #[error("the broker answered out of turn")]
    Order,
    /// The mechanism gave up.
    #[error(transparent)]
    Exchange(#[from] MechanismError),
}

impl LoginError {
    /// The error code that says the same, where there is one.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Mechanism { .. } => Some(ErrorCode::UNSUPPORTED_SASL_MECHANISM),
            Self::Refused { code, .. } => Some(*code),
            Self::Ended => Some(ErrorCode::SASL_AUTHENTICATION_FAILED),
            _ => None,
        }
    }
}

/// Longest token accepted or sent, in bytes.
pub(crate) const MAX_TOKEN: usize = 64 * 1024;

fn check_length(length: usize) -> Result<(), LoginError> {
    if length > MAX_TOKEN {
        Err(LoginError::TokenLength { length })
    } else {
        Ok(())
    }
}

const AUTHENTICATE: VersionRange = VersionRange { min: 0, max: 2 };
const MAX_LISTED: usize = 20;
