//! A reader as a stream of messages.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ekafka_conn::Message;
use futures_core::Stream;

use super::Reader;
use crate::error::ReaderError;
use crate::inbox::Inbox;

impl Reader {
    /// The messages as a [`Stream`], not committed; a [`handle`](Self::handle) commits them. It ends when
    /// the reader is closed. Events are answered silently, as in [`fetch_message`](Self::fetch_message),
    /// and a message costs the same; one heap allocation is made each time the stream has to wait.
    ///
    /// What a group's rebalances do to a stream of messages alone cannot be seen; [`recv`](Self::recv) tells, one item after
    /// the other. In `ekafka`, `Consumer::messages` is the same with a shared handle, and `ConsumerGroup::events` has
    /// messages and rebalances.
    ///
    /// # Cancel safety
    /// Dropping the stream loses nothing: the reader goes on where it stopped.
    #[doc(alias = "stream")]
    pub fn messages(&mut self) -> MessageStream<'_> {
        MessageStream {
            reader: self,
            waiting: None,
        }
    }
}

/// The messages of a reader; made by [`Reader::messages`].
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// use std::pin::pin;
///
/// use futures_core::Stream;
///
/// let mut messages = pin!(reader.messages());
/// while let Some(message) = std::future::poll_fn(|context| messages.as_mut().poll_next(context)).await {
///     println!("{:?}", message?.value());
/// }
/// # Ok(())
/// # }
/// ```
pub struct MessageStream<'a> {
    reader: &'a mut Reader,
    waiting: Option<Arrival>,
}

/// The wait for an inbox.
pub(super) type Arrival = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Waits until something may have arrived.
pub(super) fn arrival(inbox: &Arc<Inbox>) -> Arrival {
    let inbox = Arc::clone(inbox);
    Box::pin(async move { inbox.arrived().await })
}

impl Stream for MessageStream<'_> {
    type Item = Result<Message, ReaderError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = &mut *self;
        if let Some(message) = stream.reader.unconfirmed.take() {
            return Poll::Ready(Some(Ok(message)));
        }
        loop {
            if let Some(message) = stream.reader.next_buffered() {
                return Poll::Ready(Some(Ok(message)));
            }
            if let Some(waiting) = &mut stream.waiting {
                if waiting.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                stream.waiting = None;
            }
            match stream.reader.try_refill() {
                Some(Ok(_)) => {}
                Some(Err(ReaderError::Closed)) => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => stream.waiting = Some(arrival(&stream.reader.inbox)),
            }
        }
    }
}

impl fmt::Debug for MessageStream<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageStream").finish_non_exhaustive()
    }
}
