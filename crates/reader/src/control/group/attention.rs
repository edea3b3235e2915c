//! Whether the application still takes what the group has given this member.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{names, new_member};
use crate::control::calls::Done;
use crate::control::{Control, requests};
use crate::error::ReaderError;

/// Whether the application still asks for items (`max_poll_interval`).
pub(super) struct Attention {
    /// When it was last seen asking, to the nearest check.
    seen: Instant,
    takes: u64,
    /// Where the lanes are: they move on while it works its way through one answer.
    progress: (u64, i64),
    check_at: Instant,
    /// Whether it was woken, in case that it waits, and may answer until the next check.
    is_reminded: bool,
    /// Whether the member left the group because nobody asked.
    is_away: bool,
}

impl Attention {
    pub(super) fn new(now: Instant, heartbeat: Duration) -> Self {
        Self {
            seen: now,
            takes: 0,
            progress: (0, 0),
            check_at: now + heartbeat,
            is_reminded: false,
            is_away: false,
        }
    }

    pub(super) fn next_deadline(&self) -> Instant {
        self.check_at
    }
}

impl Control {
    /// Leaves the group when nobody asked for an item for too long, and joins again when somebody does.
    pub(super) fn check_attention(&mut self, now: Instant) {
        let Some(group) = &mut self.group else {
            return;
        };
        let Some(interval) = group.settings.max_poll_interval else {
            return;
        };
        let attention = &mut group.attention;
        if now < attention.check_at {
            return;
        }
        attention.check_at = now + group.settings.timing.heartbeat.min(interval);
        let takes = std::mem::replace(&mut attention.takes, self.inbox.takes());
        let progress = std::mem::replace(&mut attention.progress, self.ledger.progress());
        let is_moving = progress.0 == attention.progress.0 && progress.1 != attention.progress.1;
        if takes != attention.takes || is_moving {
            attention.seen = now;
            attention.is_reminded = false;
            if std::mem::take(&mut attention.is_away) {
                group.member = new_member(&group.settings, now);
                group.life = Arc::default();
            }
            return;
        }
        if now < attention.seen + interval || attention.is_away {
            return;
        }
        // Whoever waits has nothing to take, and looks again as soon as it is woken.
        if !std::mem::replace(&mut attention.is_reminded, true) {
            return self.inbox.remind();
        }
        attention.is_away = true;
        // A static member falls silent: it is expected back within its session (KIP-345).
        let is_static = group.settings.instance_id.is_some();
        let member_id = group.member.leave().filter(|_| !is_static);
        let desk = self.group.as_ref().map(|group| self.desk(group, now));
        if let (Some(member_id), Some(desk)) = (member_id, desk) {
            let why = "the application took nothing for max_poll_interval";
            let left = requests::leave(desk, member_id, why);
            self.call(async move {
                left.await;
                Done::Nothing
            });
        }
        let held = self.group.as_ref().map(|group| names(&group.held));
        self.lose(&held.unwrap_or_default());
        let step = "asking for the next item";
        self.report(ReaderError::Timeout {
            step,
            after: interval,
        });
    }
}
