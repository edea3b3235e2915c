//! Logging in: the mechanisms, and the exchange that carries their tokens.

mod login;
mod msk_iam;
mod plain;
mod scram;
mod secret;

use std::fmt;

use thiserror::Error;

pub use login::LoginError;
pub(crate) use login::{Action, Login, MAX_TOKEN, Offered, Privacy};
pub use msk_iam::MskIam;
pub use plain::Plain;
pub use scram::{DEFAULT_MAX_ITERATIONS, MIN_ITERATIONS, Scram, ScramAlgorithm};
pub use secret::Secret;

use crate::HostPort;

/// A SASL mechanism: a recipe that starts one exchange per connection.
///
/// ```
/// use ekafka_conn::{HostPort, Mechanism, MechanismError, MechanismSession, Step};
///
/// /// A token that the broker only has to accept.
/// #[derive(Debug)]
/// struct Token;
///
/// impl Mechanism for Token {
///     fn name(&self) -> &str {
///         "OAUTHBEARER"
///     }
///
///     fn exposes_secret(&self) -> bool {
///         true
///     }
///
///     fn start(&self, _: &HostPort) -> Result<(Box<dyn MechanismSession>, Vec<u8>), MechanismError> {
///         Ok((Box::new(Token), b"n,,\x01auth=Bearer abc\x01\x01".to_vec()))
///     }
/// }
///
/// impl MechanismSession for Token {
///     fn next(&mut self, _: &[u8]) -> Result<Step, MechanismError> {
///         Ok(Step::Done)
///     }
///
///     // No key is derived; SCRAM's answer takes milliseconds.
///     fn is_expensive(&self) -> bool {
///         false
///     }
/// }
/// ```
pub trait Mechanism: Send + Sync + fmt::Debug {
    /// The name as brokers list it, for example `SCRAM-SHA-512`.
    fn name(&self) -> &str;

    /// Whether an eavesdropper could use what is sent: such a mechanism is refused on a connection
    /// without TLS. Default no.
    fn exposes_secret(&self) -> bool {
        false
    }

    /// Begins an exchange with the broker dialled at `host`: what handles the broker's answers, and
    /// the first token to send.
    ///
    /// # Errors
    /// Whatever keeps the mechanism from making its first token.
    fn start(
        &self,
        host: &HostPort,
    ) -> Result<(Box<dyn MechanismSession>, Vec<u8>), MechanismError>;
}

/// One exchange of a [`Mechanism`], for one connection.
pub trait MechanismSession: Send {
    /// Handles the broker's answer to the last token.
    ///
    /// # Errors
    /// When the answer is not what the mechanism awaits; the connection is then closed.
    fn next(&mut self, challenge: &[u8]) -> Result<Step, MechanismError>;

    /// Whether the coming [`next`](Self::next) computes for more than a few microseconds, and so
    /// must run off the executor's threads. Default no.
    fn is_expensive(&self) -> bool {
        false
    }
}

/// What follows an answer of the broker. Tokens print as their length.
#[derive(PartialEq, Eq)]
pub enum Step {
    /// Send this token and wait for another answer.
    Send(Vec<u8>),
    /// The exchange succeeded.
    Done,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(token) => write!(f, "Send({} bytes)", token.len()),
            Self::Done => f.write_str("Done"),
        }
    }
}

/// Why a mechanism gave up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MechanismError {
    /// The user name or the password cannot be used.
    #[error("unusable credentials: {0}")]
    Credentials(&'static str),
    /// The broker's message is not the one awaited.
    #[error("unexpected message from the broker: {0}")]
    Challenge(&'static str),
    /// The broker's nonce does not extend ours: the answer may be a replay.
    #[error("the broker's nonce does not extend the client's: this may be a replayed answer")]
    Nonce,
    /// The iteration count is out of bounds.
    #[error("the broker asks for {found} iterations, allowed are {min} to {max}")]
    Iterations {
        /// What the broker asks for; counts above 32 bits show as the largest.
        found: u32,
        /// The least allowed.
        min: u32,
        /// The most allowed.
        max: u32,
    },
    /// The broker does not know the password either: it is not who it claims to be.
    #[error(
        "the broker's signature is wrong: it does not know the password, and may be an impostor"
    )]
    Signature,
    /// The broker's own words for a refusal, shortened and with control characters escaped.
    #[error("the broker refused: {0}")]
    Refused(Box<str>),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
    /// A hash function refused its input.
    #[error("the key derivation failed")]
    Arithmetic,
}

/// A peer's words, fit for an error message: at most 200 characters, control characters escaped.
pub(crate) fn shown(words: &str) -> Box<str> {
    let mut text = String::new();
    for c in words.chars().take(200) {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text.into()
}
