//! What happens to a group when time passes.

use tokio::time::Instant;

use super::member::Member;
use super::state::{Group, Phase};

impl Group {
    /// Applies every timer that has run out by `now`, oldest first.
    pub(crate) fn catch_up(&mut self, now: Instant) {
        while let Some(at) = self.next_deadline().filter(|at| *at <= now) {
            self.expire(at);
        }
    }

    /// When the next timer runs out.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let sessions = self.members.values().filter_map(Member::deadline);
        let gathering = self.gathering.as_ref().map(|gathering| gathering.until);
        let rebalance = if gathering.is_some() {
            gathering
        } else {
            self.rebalance_ends
        };
        sessions
            .chain(self.pending.values().copied())
            .chain(rebalance)
            .chain(self.sync_ends)
            .min()
    }

    pub(super) fn expire(&mut self, at: Instant) {
        self.pending.retain(|_, until| *until > at);
        let is_dead = |member: &Member| member.deadline().is_some_and(|until| until <= at);
        let dead: Vec<String> = self
            .members
            .iter()
            .filter(|(_, m)| is_dead(m))
            .map(|(id, _)| id.clone())
            .collect();
        for id in dead {
            self.remove(&id, at);
        }
        if self.sync_ends.is_some_and(|until| until <= at) {
            self.sync_ends = None;
            let late = |member: &Member| !member.has_synced;
            let late: Vec<String> = self
                .members
                .iter()
                .filter(|(_, m)| late(m))
                .map(|(id, _)| id.clone())
                .collect();
            for id in late {
                self.remove(&id, at);
            }
        }
        if let Some(gathering) = self
            .gathering
            .as_mut()
            .filter(|gathering| gathering.until <= at)
        {
            let next = gathering.latest.min(at + gathering.delay);
            if gathering.has_newcomers && next > at {
                gathering.has_newcomers = false;
                gathering.until = next;
            } else {
                self.gathering = None;
            }
        }
        if self.phase == Phase::PreparingRebalance && self.gathering.is_none() {
            let is_over = self.rebalance_ends.is_some_and(|until| until <= at);
            if is_over {
                self.complete_join(at);
            } else {
                self.complete_join_when_all_are_here(at);
            }
        }
    }
}
