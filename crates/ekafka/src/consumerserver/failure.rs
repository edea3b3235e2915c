//! What went wrong with a message, and whether it may be tried again.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use ekafka_conn::Message;

use super::Errors;
use crate::error::ComponentError;
use crate::server::BoxError;

/// Marks an error of a handler as worth another run: the handler returns it, or an error whose sources it is among.
///
/// ```
/// use ekafka::consumerserver::RecoverableError;
///
/// fn save() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     Err(RecoverableError::new("the database is busy"))?
/// }
/// assert!(ekafka::consumerserver::is_recoverable(&*save().unwrap_err()));
/// ```
#[doc(alias = "ErrRecoverableError")]
#[derive(Debug, thiserror::Error)]
#[error("recoverable error is retryable: {0}")]
pub struct RecoverableError(#[source] BoxError);

impl RecoverableError {
    /// Marks `error`.
    pub fn new(error: impl Into<BoxError>) -> Self {
        Self(error.into())
    }
}

/// Whether an error, or one among its sources, is a [`RecoverableError`].
///
/// ```
/// use ekafka::consumerserver::{RecoverableError, is_recoverable};
///
/// assert!(is_recoverable(&RecoverableError::new("the database did not answer")));
/// assert!(!is_recoverable(&std::fmt::Error));
/// ```
#[must_use]
pub fn is_recoverable(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<RecoverableError>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// What a handler that panicked failed with.
///
/// ```
/// use ekafka::consumerserver::{ConsumptionError, HandlerPanic};
///
/// fn has_panicked(error: &ConsumptionError) -> bool {
///     error.cause.is::<HandlerPanic>()
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {message}")]
#[non_exhaustive]
pub struct HandlerPanic {
    /// What it said.
    pub message: String,
}

/// At what a consumer server failed.
///
/// ```
/// use ekafka::consumerserver::{ConsumptionError, Stage};
///
/// fn is_our_own(error: &ConsumptionError) -> bool {
///     error.stage == Stage::Handle
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Reading.
    Fetch,
    /// Handling a message.
    Handle,
    /// Committing what was handled.
    Commit,
    /// Writing a message to the dead letter topic.
    DeadLetter,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fetch => "reading",
            Self::Handle => "handling",
            Self::Commit => "committing",
            Self::DeadLetter => "writing the dead letter of",
        })
    }
}

/// One failure of a consumer server.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("orders", 1)?;
/// # let toml = "
/// #     [kafka]
/// #     brokers = ['localhost:9092']
/// #     [kafka.producers.p1]
/// #     topic = 'orders'
/// #     batchTimeout = 'auto'
/// #     [kafka.consumers.c1]
/// #     topic = 'orders'
/// #     groupID = 'shop'
/// #     [kafka.consumerGroups.cg1]
/// #     topic = 'orders'
/// #     groupID = 'shop'
/// #     [kafkaConsumerServers.s1]
/// #     consumerName = 'c1'
/// # ";
/// # let component = ekafka::load_toml(toml, "kafka")?.brokers(kafka.addresses()).build();
/// use ekafka::consumerserver::{self, Stage};
/// use ekafka::{Record, Server};
///
/// component.producer("p1").write_messages(&[Record::new("two apples")]).await?;
/// let server = consumerserver::load_toml(toml, "kafkaConsumerServers.s1")?.ekafka(&component).build();
/// let (errors, mut told) = tokio::sync::mpsc::channel(16);
/// server.on_each_message(errors, |_context, _message| async { Err("no room".into()) });
/// server.start().await.unwrap_err();
/// let error = told.recv().await.unwrap();
/// assert_eq!(error.stage, Stage::Handle);
/// assert_eq!(error.cause.to_string(), "no room");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConsumptionError {
    /// At what.
    pub stage: Stage,
    /// The message it was about; of a batch, the first.
    pub message: Option<Message>,
    /// Which run of the handler failed, from 1; 0 elsewhere.
    pub attempt: u32,
    /// Why.
    pub cause: Arc<dyn Error + Send + Sync>,
}

impl ConsumptionError {
    pub(crate) fn new(stage: Stage, message: Option<&Message>, error: &ComponentError) -> Self {
        let cause = match error {
            ComponentError::Handler(cause) => Arc::clone(cause),
            error => Arc::new(error.clone()),
        };
        Self {
            stage,
            message: message.cloned(),
            attempt: 0,
            cause,
        }
    }
}

impl fmt::Display for ConsumptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.stage)?;
        if let Some(message) = &self.message {
            let (topic, partition, offset) =
                (message.topic(), message.partition(), message.offset());
            write!(f, " {topic}[{partition}] at offset {offset}")?;
        }
        write!(f, " failed")?;
        if self.attempt > 1 {
            write!(f, " in run {}", self.attempt)?;
        }
        Ok(())
    }
}

impl Error for ConsumptionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

impl Errors {
    /// Offers an error to whoever reads the channel; consuming does not wait for that.
    pub(super) fn tell(&self, error: &ConsumptionError) {
        let channel = match self {
            Self::Channel(None) => return,
            Self::Channel(Some(channel)) => channel,
            Self::Function(told) => return told(error),
        };
        if channel.try_send(error.clone()).is_err() {
            tracing::warn!(target: "ekafka", %error, cause = %error.cause, "nobody reads the errors");
        }
    }
}
