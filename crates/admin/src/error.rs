//! Why a call, or a part of it, has no result.

use std::fmt;
use std::sync::Arc;

use ekafka_conn::ConnError;
use ekafka_protocol::{ApiKey, ErrorCode};

/// Why a call, or one topic, partition or group of it, has no result. Cheap to clone.
///
/// ```
/// use ekafka_admin::AdminError;
/// use ekafka_protocol::ErrorCode;
///
/// fn advise(error: &AdminError) -> &'static str {
///     match error {
///         error if error.code() == Some(ErrorCode::TOPIC_ALREADY_EXISTS) => "nothing to do",
///         error if error.is_fatal() => "change what is asked for",
///         error if error.maybe_done() => "look whether it was done",
///         error if error.is_retriable() => "try again",
///         _ => "give it up",
///     }
/// }
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The configuration is wrong; nothing was dialled. Lists every fault.
    #[error("invalid client configuration: {faults}")]
    Config {
        /// Every fault found, separated by semicolons.
        faults: Arc<str>,
    },
    /// No broker answered before the deadline, or none can.
    #[error("{api}: no answer: {source}")]
    NoAnswer {
        /// The API asked.
        api: ApiKey,
        /// What stood in the way last.
        r#source: Arc<ConnError>,
    },
    /// A broker refused.
    #[error("{0}")]
    Refused(Arc<Refusal>),
    /// A broker answered, but said nothing about what it was asked.
    #[error("{api}: the answer does not mention {subject}")]
    NotAnswered {
        /// The API asked.
        api: ApiKey,
        /// What was asked about.
        subject: Arc<str>,
    },
    /// The broker is too old for what was asked; nothing was sent.
    #[error("{api} version {version}, the newest of the broker, cannot say {what}")]
    TooOld {
        /// The API asked.
        api: ApiKey,
        /// The version that both sides speak.
        version: i16,
        /// What it has no place for.
        what: &'static str,
    },
}

/// A broker's refusal: of what, with which code and words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The API asked.
    pub api: ApiKey,
    /// The topic, partition or group refused; empty when the request was refused as a whole.
    pub subject: String,
    /// The broker's code.
    pub code: ErrorCode,
    /// The broker's words, where it has any.
    pub message: Option<String>,
    /// An earlier try of the same call was sent and not answered, so what was asked may have been done by it.
    pub maybe_done: bool,
}

impl AdminError {
    /// The broker's error code, where one says what happened.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::NoAnswer { source, .. } => source.code(),
            _ => None,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.code.is_retriable(),
            Self::NoAnswer { source, .. } => source.is_retriable(),
            Self::NotAnswered { .. } => true,
            Self::Config { .. } | Self::TooOld { .. } => false,
        }
    }

    /// Whether nothing but a change of configuration, rights or program can help.
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Config { .. } | Self::TooOld { .. } => true,
            Self::NoAnswer { source, .. } => source.is_fatal(),
            Self::Refused(_) | Self::NotAnswered { .. } => false,
        }
    }

    /// Whether what was asked may have been done all the same.
    pub fn maybe_done(&self) -> bool {
        match self {
            Self::Refused(refusal) => {
                refusal.maybe_done || refusal.code == ErrorCode::REQUEST_TIMED_OUT
            }
            Self::NoAnswer { source, .. } => source.maybe_sent(),
            Self::NotAnswered { .. } => true,
            Self::Config { .. } | Self::TooOld { .. } => false,
        }
    }
}

/// A refusal by a broker that was asked for the first time.
pub(crate) fn refused(
    api: ApiKey,
    subject: String,
    code: ErrorCode,
    message: Option<String>,
) -> AdminError {
    AdminError::Refused(Arc::new(Refusal {
        api,
        subject,
        code,
        message,
        maybe_done: false,
    }))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.api)?;
        if !self.subject.is_empty() {
            write!(f, " of {}", self.subject)?;
        }
        write!(f, " refused: {}", self.code)?;
        match &self.message {
            Some(message) => write!(f, " ({})", message.escape_debug()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
