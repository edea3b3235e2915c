//! Which topics the group is asked for when they are named by a pattern, and how soon changes are noticed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ekafka_conn::{ConnError, Refresh};

use crate::config::TopicWatch;
use crate::control::{Control, calls};

/// What is due about the topics.
pub(super) struct Watched {
    settings: TopicWatch,
    /// Whether the topics are known: at once, unless they are found by a pattern.
    is_known: bool,
    /// When all topics are listed next; `None` until something may have changed.
    list_at: Option<Instant>,
    /// When metadata is read next.
    tick_at: Option<Instant>,
}

impl Watched {
    pub(super) fn new(settings: TopicWatch, now: Instant) -> Self {
        Self {
            is_known: settings.pattern.is_none(),
            list_at: settings.pattern.is_some().then_some(now),
            tick_at: settings.interval.map(|interval| now + interval),
            settings,
        }
    }

    /// Whether the group can be joined.
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        [self.list_at, self.tick_at].into_iter().flatten().min()
    }

    /// Metadata were read: topics may have come or gone.
    pub(super) fn note_new_view(&mut self, now: Instant) {
        if self.settings.pattern.is_some() && self.list_at.is_none() {
            self.list_at = Some(now + SHORTEST_GAP);
        }
    }

    fn take_listing(&mut self, now: Instant) -> bool {
        self.list_at.take_if(|at| now >= *at).is_some()
    }

    fn take_tick(&mut self, now: Instant) -> bool {
        let is_due = self.tick_at.is_some_and(|at| now >= at);
        if is_due {
            self.tick_at = self.settings.interval.map(|interval| now + interval);
        }
        is_due
    }

    fn chosen(&self, all: Vec<Arc<str>>) -> Option<BTreeSet<Arc<str>>> {
        let pattern = self.settings.pattern.as_ref()?;
        let chosen = all.into_iter().filter(|name| pattern.is_match(name));
        Some(chosen.collect())
    }
}

impl Control {
    pub(super) fn watch_topics(&mut self, now: Instant) {
        let Some(group) = &mut self.group else {
            return;
        };
        if group.watched.take_tick(now) {
            self.cluster.invalidate(Refresh::All);
        }
        if group.watched.take_listing(now) {
            let deadline = now + self.settings.request_timeout;
            self.call(calls::list_topics(self.cluster.clone(), deadline));
        }
    }

    /// Takes over which topics there are. The member joins again when others match than before.
    pub(in crate::control) fn handle_topics(
        &mut self,
        now: Instant,
        all: Result<Vec<Arc<str>>, ConnError>,
    ) {
        let Some(group) = &mut self.group else {
            return;
        };
        let all = match all {
            Ok(all) => all,
            Err(error) => {
                group.watched.list_at = Some(now + SHORTEST_GAP);
                return self.note_unreachable("finding topics", error);
            }
        };
        let Some(chosen) = group.watched.chosen(all) else {
            return;
        };
        group.watched.is_known = true;
        let before: BTreeSet<Arc<str>> = self.settings.topics.iter().cloned().collect();
        for gone in before.difference(&chosen) {
            self.cluster.untrack(gone);
        }
        for come in chosen.difference(&before) {
            self.cluster.track(come);
        }
        self.settings.topics = chosen.into_iter().collect();
    }
}

/// All topics are listed no more often than that.
const SHORTEST_GAP: Duration = Duration::from_secs(1);
