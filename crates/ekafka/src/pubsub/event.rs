//! A message at its handler.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::message::{Headers, Message, headers_of};
use super::payload::{Payload, PayloadCodec};
use crate::consumer::Consumer;
use crate::context::Context;
use crate::error::ComponentError;
use crate::interceptor::Command;
use crate::server::BoxError;

/// A handler under way.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// What is run on each message.
pub type Handler = Arc<dyn Fn(Context, Event) -> HandlerFuture + Send + Sync>;

/// A message, and the way to acknowledge it. Cheap to clone; it may be acknowledged after its handler has returned.
///
/// ```no_run
/// use ekafka::pubsub::*;
///
/// # async fn example(broker: &dyn Broker) -> Result<(), ekafka::ComponentError> {
/// let handler = |_context, event: Event| async move {
///     println!("{} from {}: {} bytes", event.decode::<String>()?, event.topic(), event.body().len());
///     println!("{:?}, {} headers", event.key(), event.headers().len());
///     // As a message that can be changed, and as the reader gave it.
///     println!("{} {}", event.message().offset, event.raw_message().offset());
///     Ok(event.ack().await?)
/// };
/// broker.subscribe("orders", handler, [disable_auto_ack()]).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Event {
    message: ekafka_conn::Message,
    codec: PayloadCodec,
    consumer: Arc<Consumer>,
}

impl Event {
    pub(super) fn new(
        message: ekafka_conn::Message,
        codec: PayloadCodec,
        consumer: Arc<Consumer>,
    ) -> Self {
        Self {
            message,
            codec,
            consumer,
        }
    }

    /// The topic's name.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.message.topic()
    }

    /// The key; `None` is a null key.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.message.key()
    }

    /// The body as it is; empty where it is null.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.message.value().unwrap_or_default()
    }

    /// The headers. Those that cannot be read are left out.
    #[must_use]
    pub fn headers(&self) -> Headers {
        Headers(headers_of(&self.message))
    }

    /// The body as a value, decoded by the broker's codec.
    ///
    /// # Errors
    /// [`ComponentError::Codec`] when it is something else.
    pub fn decode<T: Payload>(&self) -> Result<T, ComponentError> {
        let body = self.message.value_bytes().unwrap_or_default();
        T::from_body(self.codec, body)
    }

    /// A copy that may be kept and changed.
    #[must_use]
    pub fn message(&self) -> Message {
        Message::from(&self.message)
    }

    /// The message as it was read.
    #[must_use]
    pub fn raw_message(&self) -> &ekafka_conn::Message {
        &self.message
    }

    /// Commits the message, and with it all of its partition that came before: at once, or with the next of the commit
    /// interval. Needed only where the subscription does not do it by itself.
    ///
    /// # Errors
    /// [`ComponentError::Reader`] when the partition was taken away meanwhile, so that others will handle the message, or
    /// the commit was refused; [`ComponentError::Closed`] once the subscription has ended.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the message marked: it goes with the next commit.
    pub async fn ack(&self) -> Result<(), ComponentError> {
        let messages = std::slice::from_ref(&self.message);
        self.consumer
            .commit(Command::CommitMessages, messages)
            .await
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}
