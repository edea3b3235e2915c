//! Calls under way, run inside the control task: no task for each of them.

use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(test)]
mod tests;

/// A handful of futures of which whichever is ready is taken.
pub(crate) struct Calls<T> {
    futures: Vec<Pin<Box<dyn Future<Output = T> + Send>>>,
}

impl<T> Default for Calls<T> {
    fn default() -> Self {
        Self {
            futures: Vec::new(),
        }
    }
}

impl<T> Calls<T> {
    pub(crate) fn push(&mut self, call: impl Future<Output = T> + Send + 'static) {
        self.futures.push(Box::pin(call));
    }

    /// The next result; never ready while there are no calls. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> T {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<T> {
        for index in 0..self.futures.len() {
            if let Poll::Ready(result) = self.futures[index].as_mut().poll(context) {
                drop(self.futures.swap_remove(index));
                return Poll::Ready(result);
            }
        }
        Poll::Pending
    }
}
