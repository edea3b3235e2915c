//! What the application has not taken yet: a generation, and errors before it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::generation::Generation;
use crate::error::ReaderError;

/// The shelf between the membership task and the application.
#[derive(Debug, Default)]
pub(super) struct Offers {
    state: Mutex<State>,
    /// One permit when something was put on it.
    arrived: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Oldest first, at most [`MOST_ERRORS`].
    errors: VecDeque<ReaderError>,
    generation: Option<Generation>,
    is_closed: bool,
}

impl Offers {
    pub(super) fn take(&self) -> Option<Result<Generation, ReaderError>> {
        let mut state = self.lock();
        if let Some(error) = state.errors.pop_front() {
            return Some(Err(error));
        }
        if let Some(generation) = state.generation.take() {
            return Some(Ok(generation));
        }
        state.is_closed.then_some(Err(ReaderError::Closed))
    }

    /// Waits until something may have arrived since the last call.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    pub(super) fn put(&self, generation: Generation) {
        self.lock().generation = Some(generation);
        self.arrived.notify_one();
    }

    /// An application that does not ask hears of the last few.
    pub(super) fn report(&self, error: ReaderError) {
        let mut state = self.lock();
        if state.errors.len() == MOST_ERRORS {
            state.errors.pop_front();
        }
        state.errors.push_back(error);
        drop(state);
        self.arrived.notify_one();
    }

    /// Takes back a generation that is over.
    pub(super) fn withdraw(&self) {
        let withdrawn = self.lock().generation.take();
        drop(withdrawn);
    }

    /// Nothing follows any more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let withdrawn = state.generation.take();
        drop(state);
        drop(withdrawn);
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MOST_ERRORS: usize = 16;
