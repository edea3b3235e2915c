//! The promise of a later answer to a waiting request.

use std::sync::Arc;

use tokio::sync::{Notify, oneshot};

/// The state machine's end: it answers once, which wakes the connection that waits.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    answer: oneshot::Sender<T>,
    waker: Arc<Notify>,
}

impl<T> Reply<T> {
    /// A promise whose answer wakes `waker`, and where the answer will be found.
    pub(crate) fn new(waker: &Arc<Notify>) -> (Self, oneshot::Receiver<T>) {
        let (answer, receiver) = oneshot::channel();
        (
            Self {
                answer,
                waker: Arc::clone(waker),
            },
            receiver,
        )
    }

    /// Wakes who waits without an answer, so that it looks at the timers again.
    pub(crate) fn poke(&self) {
        self.waker.notify_one();
    }

    /// Gives the answer. A connection that has gone in the meantime misses it, as it would over a network.
    pub(crate) fn send(self, answer: T) {
        if self.answer.send(answer).is_ok() {
            self.waker.notify_one();
        }
    }
}
