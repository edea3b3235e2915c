//! Why a call of a component failed.

use std::error::Error;
use std::sync::Arc;

use ekafka_admin::AdminError;
use ekafka_reader::ReaderError;
use ekafka_writer::{Undelivered, WriteErrors, WriterError};

use crate::config::ConfigError;

/// Why a component could not do what was asked: what the writer, the reader or the configuration said, unchanged.
///
/// ```
/// use ekafka::ComponentError;
///
/// let component = ekafka::load_toml("[kafka]\nbrokers = ['a:9092']", "kafka").unwrap().build();
/// let error = component.try_producer("p1").unwrap_err();
/// assert!(matches!(error, ComponentError::Unknown { .. }));
/// assert!(!error.is_retriable());
/// ```
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// The configuration is wrong. Nothing was dialled.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration has no entry of this name.
    #[error("{path} has no entry {name:?}, it has: {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
    Unknown {
        /// The table, such as `kafka.producers`.
        path: String,
        /// The name asked for.
        name: String,
        /// The names that are there.
        known: Vec<String>,
    },
    /// Records were not written, or may not have been.
    #[error(transparent)]
    Write(#[from] WriteErrors),
    /// A writer could not be made.
    #[error(transparent)]
    Writer(#[from] WriterError),
    /// A producer was closed before everything was delivered.
    #[error(transparent)]
    Undelivered(#[from] Undelivered),
    /// Reading, committing or joining the group failed.
    #[error(transparent)]
    Reader(Arc<ReaderError>),
    /// A call of the client failed.
    #[error(transparent)]
    Admin(Arc<AdminError>),
    /// An interceptor refused the call.
    #[error("refused by an interceptor")]
    Refused(#[source] Arc<dyn Error + Send + Sync>),
    /// A handler failed.
    #[error("the handler failed")]
    Handler(#[source] Arc<dyn Error + Send + Sync>),
    /// A message's body could not be made from the value, or the value from the body.
    #[error("message body as {what}: {source}")]
    Codec {
        /// The value's type.
        what: &'static str,
        /// Why.
        r#source: Arc<dyn Error + Send + Sync>,
    },
    /// Kafka has no such call.
    #[error("{call} is not implemented")]
    Unsupported {
        /// The call.
        call: &'static str,
    },
    /// The instance is closed; asking the component for it again makes a new one.
    #[error("this instance is closed: ask the component for it again")]
    Closed,
}

impl ComponentError {
    /// What an interceptor returns to refuse a call.
    pub fn refused(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused(Arc::from(reason.into()))
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Write(errors) => errors.iter().all(|(_, error)| error.is_retriable()),
            Self::Writer(error) => error.is_retriable(),
            Self::Reader(error) => error.is_retriable(),
            Self::Admin(error) => error.is_retriable(),
            _ => false,
        }
    }

    /// Whether no later call on this instance can succeed.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Config(_) | Self::Unknown { .. } | Self::Closed => true,
            Self::Write(errors) => errors.iter().any(|(_, error)| error.is_fatal()),
            Self::Writer(error) => error.is_fatal(),
            Self::Reader(error) => error.is_fatal(),
            Self::Admin(error) => error.is_fatal(),
            _ => false,
        }
    }
}

impl From<ReaderError> for ComponentError {
    fn from(error: ReaderError) -> Self {
        match error {
            ReaderError::Closed => Self::Closed,
            error => Self::Reader(Arc::new(error)),
        }
    }
}

impl From<AdminError> for ComponentError {
    fn from(error: AdminError) -> Self {
        Self::Admin(Arc::new(error))
    }
}
