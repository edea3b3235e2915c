//! When to read metadata again, and about which topics. Pure.
//!
//! Reasons that come while a request is under way, or too soon after the last one, wait together for the next.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::view::{Asked, LeaderHint};

/// Why the cluster's view may be out of date.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refresh {
    /// Something about this topic is missing or was found to be wrong.
    Topic(Arc<str>),
    /// Brokers or the controller may have changed: read everything tracked again.
    All,
    /// An answer named a newer leader: taken over at once, without a request.
    Leader(LeaderHint),
}

/// What is to be asked, and when.
#[derive(Debug)]
pub(crate) struct RefreshPlan {
    /// Topics kept fresh.
    tracked: BTreeSet<Arc<str>>,
    /// Topics to ask about in the next request.
    wanted: BTreeSet<Arc<str>>,
    /// Topics the next request may create.
    creating: BTreeSet<Arc<str>>,
    /// The next request asks about everything tracked.
    everything: bool,
    /// A request is under way.
    in_flight: bool,
    /// No request before.
    not_before: Option<Instant>,
    /// Everything is read again then.
    stale_at: Option<Instant>,
    /// Rounds that failed in a row.
    failures: u32,
    backoff: Duration,
    max_age: Duration,
}

/// One metadata request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) topics: Vec<Arc<str>>,
    /// Whether topics that do not exist are made.
    pub(crate) create: bool,
    pub(crate) asked: Asked,
}

/// What the refresh task does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send this; tell [`RefreshPlan::handle_answer`] or [`RefreshPlan::handle_failure`].
    Send(Question),
    /// Look again then, or when a reason comes.
    At(Instant),
}

impl RefreshPlan {
    pub(crate) fn new(backoff: Duration, max_age: Duration) -> Self {
        Self {
            tracked: BTreeSet::new(),
            wanted: BTreeSet::new(),
            creating: BTreeSet::new(),
            everything: true,
            in_flight: false,
            not_before: None,
            stale_at: None,
            failures: 0,
            backoff,
            max_age,
        }
    }

    /// Keeps a topic fresh; whether it was not before.
    pub(crate) fn track(&mut self, topic: &str) -> bool {
        !self.tracked.contains(topic) && {
            let topic: Arc<str> = topic.into();
            self.wanted.insert(topic.clone());
            self.tracked.insert(topic)
        }
    }

    pub(crate) fn untrack(&mut self, topic: &str) {
        self.tracked.remove(topic);
    }

    /// Asks about a topic soon.
    pub(crate) fn want(&mut self, topic: Arc<str>) {
        self.wanted.insert(topic);
    }

    /// Asks about a topic soon, and has it made if it does not exist and the broker allows it.
    pub(crate) fn create(&mut self, topic: Arc<str>) {
        self.creating.insert(topic);
    }

    /// Asks about everything tracked soon.
    pub(crate) fn want_everything(&mut self) {
        self.everything = true;
    }

    /// The task was lost in the middle of a request.
    pub(crate) fn forget_in_flight(&mut self) {
        if std::mem::take(&mut self.in_flight) {
            self.everything = true;
        }
    }

    pub(crate) fn next(&mut self, now: Instant) -> Next {
        let is_stale = self.stale_at.is_some_and(|at| at <= now);
        let is_due =
            self.everything || is_stale || !self.wanted.is_empty() || !self.creating.is_empty();
        if !is_due {
            return Next::At(self.stale_at.unwrap_or(now + self.max_age));
        }
        if let Some(at) = self.not_before.filter(|at| *at > now) {
            return Next::At(at);
        }
        self.in_flight = true;
        self.not_before = Some(now + self.backoff);
        if !self.creating.is_empty() {
            return Next::Send(Question {
                topics: std::mem::take(&mut self.creating).into_iter().collect(),
                create: true,
                asked: Asked::Some,
            });
        }
        let mut topics = std::mem::take(&mut self.wanted);
        let everything = std::mem::take(&mut self.everything) || is_stale;
        if everything {
            topics.extend(self.tracked.iter().cloned());
        }
        Next::Send(Question {
            topics: topics.into_iter().collect(),
            create: false,
            asked: if everything {
                Asked::Everything
            } else {
                Asked::Some
            },
        })
    }

    pub(crate) fn handle_answer(&mut self, question: &Question, now: Instant) {
        self.in_flight = false;
        self.failures = 0;
        if question.asked == Asked::Everything {
            self.stale_at = Some(now + self.max_age);
        }
    }

    /// Puts the question back; `random` (0 to 1) spreads the wait before the next try.
    pub(crate) fn handle_failure(&mut self, question: Question, now: Instant, random: f64) {
        self.in_flight = false;
        self.failures = (self.failures + 1).min(MOST_DOUBLINGS);
        let doubled = self.backoff.saturating_mul(1 << (self.failures - 1));
        let longest = LONGEST_BACKOFF.max(self.backoff);
        self.not_before = Some(now + doubled.min(longest).mul_f64(0.8 + 0.4 * random));
        self.everything |= question.asked == Asked::Everything;
        let set = if question.create {
            &mut self.creating
        } else {
            &mut self.wanted
        };
        set.extend(question.topics);
    }
}

/// The longest wait between failing rounds; Kafka's `retry.backoff.max.ms`.
const LONGEST_BACKOFF: Duration = Duration::from_secs(1);

/// Doublings after which the wait no longer grows.
const MOST_DOUBLINGS: u32 = 16;

#[cfg(test)]
mod tests;
