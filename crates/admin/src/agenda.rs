//! What is still open of a call: which items have their outcome, which are tried again, and after what wait. Pure.

use std::sync::Arc;
use std::time::Duration;

use ekafka_conn::ConnError;
use ekafka_protocol::{ApiKey, ErrorCode};

use crate::error::{AdminError, Refusal};

#[cfg(test)]
mod tests;

/// What an answer says about one item.
#[derive(Debug)]
pub(crate) enum Told<V> {
    Done(V),
    Refused(ErrorCode, Option<String>),
    /// Nothing at all.
    Nothing,
}

impl<V> Told<V> {
    /// The value unless the code says that there is none.
    pub(crate) fn of(code: i16, message: Option<&str>, value: impl FnOnce() -> V) -> Self {
        match ErrorCode(code) {
            ErrorCode::NONE => Self::Done(value()),
            code => Self::Refused(code, message.map(str::to_owned)),
        }
    }
}

/// The items of one call.
pub(crate) struct Agenda<V> {
    api: ApiKey,
    /// By item: what is known, if anything.
    items: Vec<Item<V>>,
    /// Rounds that left something open.
    rounds: u32,
}

struct Item<V> {
    /// Settled, or what the last try ended with.
    outcome: Option<Result<V, AdminError>>,
    is_open: bool,
    /// A try was sent and not answered.
    maybe_done: bool,
}

impl<V> Agenda<V> {
    pub(crate) fn new(api: ApiKey, items: usize) -> Self {
        let open = || Item {
            outcome: None,
            is_open: true,
            maybe_done: false,
        };
        Self {
            api,
            items: std::iter::repeat_with(open).take(items).collect(),
            rounds: 0,
        }
    }

    /// The items without outcome, by index.
    pub(crate) fn open(&self) -> Vec<usize> {
        let items = self.items.iter().enumerate();
        items
            .filter(|(_, item)| item.is_open)
            .map(|(index, _)| index)
            .collect()
    }

    /// Notes what a broker told about an item, and whether a refusal is to be tried again.
    pub(crate) fn note(&mut self, index: usize, subject: &str, told: Told<V>, again: bool) {
        let api = self.api;
        let Some(item) = self.items.get_mut(index) else {
            return;
        };
        let (outcome, is_open) = match told {
            Told::Done(value) => (Ok(value), false),
            Told::Refused(code, message) => {
                let refusal = Refusal {
                    api,
                    subject: subject.to_owned(),
                    code,
                    message: message.filter(|text| !text.is_empty()),
                    maybe_done: item.maybe_done,
                };
                item.maybe_done |= code == ErrorCode::REQUEST_TIMED_OUT;
                (Err(AdminError::Refused(Arc::new(refusal))), again)
            }
            Told::Nothing => {
                let subject = subject.into();
                (Err(AdminError::NotAnswered { api, subject }), false)
            }
        };
        item.outcome = Some(outcome);
        item.is_open = is_open;
    }

    /// Notes that a request with this item got no answer.
    pub(crate) fn note_failure(&mut self, index: usize, error: &Arc<ConnError>, again: bool) {
        let api = self.api;
        if let Some(item) = self.items.get_mut(index) {
            item.maybe_done |= error.maybe_sent();
            item.is_open = again;
            let source = error.clone();
            item.outcome = Some(Err(AdminError::NoAnswer { api, source }));
        }
    }

    /// Settles an item with an error of our own.
    pub(crate) fn settle(&mut self, index: usize, error: AdminError) {
        if let Some(item) = self.items.get_mut(index) {
            item.outcome = Some(Err(error));
            item.is_open = false;
        }
    }

    /// A round is over and has left something open: how long to wait before the next. `random` (0 to 1) spreads it.
    pub(crate) fn wait(&mut self, (first, longest): (Duration, Duration), random: f64) -> Duration {
        let doubled = first.saturating_mul(1 << self.rounds.min(MOST_DOUBLINGS));
        self.rounds += 1;
        doubled.min(longest).mul_f64(0.8 + 0.4 * random)
    }

    /// The outcomes, in order; an item still open has that of its last try.
    ///
    /// # Errors
    /// The first failure when no broker has answered about anything.
    pub(crate) fn finish(self) -> Result<Vec<Result<V, AdminError>>, AdminError> {
        let api = self.api;
        let outcomes: Vec<Result<V, AdminError>> = self
            .items
            .into_iter()
            .map(|item| {
                item.outcome.unwrap_or_else(|| {
                    let source = Arc::new(ConnError::Closed);
                    Err(AdminError::NoAnswer { api, source })
                })
            })
            .collect();
        let is_unheard = |outcome: &Result<V, AdminError>| {
            matches!(
                outcome,
                Err(AdminError::NoAnswer { .. } | AdminError::TooOld { .. })
            )
        };
        if outcomes.iter().all(is_unheard)
            && let Some(Err(error)) = outcomes.first()
        {
            return Err(error.clone());
        }
        Ok(outcomes)
    }
}

/// Doublings after which the wait no longer grows.
const MOST_DOUBLINGS: u32 = 16;
