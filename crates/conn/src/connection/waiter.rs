//! One awaited answer.

use std::sync::Arc;

use bytes::Bytes;
use ekafka_protocol::{ApiKey, DecodeError};
use tokio::time::Instant;

use super::Shared;
use crate::error::{ConnError, Stage};
use crate::throttle;

/// Who waits for an answer. Told exactly once, whatever happens: dropping it unanswered reports [`ConnError::Closed`].
pub(super) struct Waiter {
    /// What the answer must carry.
    pub(super) correlation_id: i32,
    pub(super) api: ApiKey,
    pub(super) version: i16,
    pub(super) deadline: Instant,
    /// The place of its frame among all frames of the connection.
    pub(super) place: u64,
    reply: Option<Box<dyn Reply>>,
}

impl Waiter {
    pub(super) fn new(
        correlation_id: i32,
        api: ApiKey,
        version: i16,
        deadline: Instant,
        reply: Box<dyn Reply>,
    ) -> Self {
        Self {
            correlation_id,
            api,
            version,
            deadline,
            place: 0,
            reply: Some(reply),
        }
    }

    /// Hands over the answer's body.
    ///
    /// # Errors
    /// The fault that the waiter was told, which must end the connection.
    pub(super) fn answer(mut self, body: Bytes) -> Result<(), ConnError> {
        match self.reply.take() {
            Some(reply) => reply.complete(Ok(body)),
            None => Ok(()),
        }
    }

    pub(super) fn fail(mut self, cause: ConnError) {
        if let Some(reply) = self.reply.take() {
            // The connection is ending already; what the reply reports is the cause it was given.
            let _ = reply.complete(Err(cause));
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Some(reply) = self.reply.take() {
            let _ = reply.complete(Err(ConnError::Closed));
        }
    }
}

/// Decodes an answer and tells its caller; runs in the read loop.
pub(super) trait Reply: Send {
    fn complete(self: Box<Self>, body: Result<Bytes, ConnError>) -> Result<(), ConnError>;
}

/// The reply of a request whose answer is a `T`.
pub(super) struct Decoded<T, F> {
    pub(super) shared: Arc<Shared>,
    pub(super) api: ApiKey,
    pub(super) version: i16,
    pub(super) decode: fn(i16, Bytes) -> Result<T, DecodeError>,
    /// Reads the pause that the answer asks for, in milliseconds, where it does not begin with it.
    pub(super) throttle_time_ms: fn(&T) -> i32,
    pub(super) tell: F,
}

impl<T, F> Reply for Decoded<T, F>
where
    F: FnOnce(Result<T, ConnError>) + Send,
{
    fn complete(self: Box<Self>, body: Result<Bytes, ConnError>) -> Result<(), ConnError> {
        let body = match body {
            Ok(body) => body,
            Err(cause) => {
                (self.tell)(Err(cause.clone()));
                return Err(cause);
            }
        };
        match (self.decode)(self.version, body) {
            Ok(answer) => {
                // Before the caller is told, so that its next request is held back already.
                let asked = (self.throttle_time_ms)(&answer);
                if let Some(pause) = throttle::trailing_pause(self.version, asked) {
                    self.shared.throttle(self.api, pause);
                }
                (self.tell)(Ok(answer));
                Ok(())
            }
            Err(fault) => {
                let cause = ConnError::Malformed {
                    broker: self.shared.address.clone(),
                    stage: Stage::Request(self.api),
                    cause: Arc::new(fault),
                };
                (self.tell)(Err(cause.clone()));
                Err(cause)
            }
        }
    }
}

/// The reply of a request that has none: told once it is written.
pub(super) struct Written<F>(pub(super) F);

impl<F> Reply for Written<F>
where
    F: FnOnce(Result<(), ConnError>) + Send,
{
    fn complete(self: Box<Self>, body: Result<Bytes, ConnError>) -> Result<(), ConnError> {
        (self.0)(body.map(drop));
        Ok(())
    }
}
