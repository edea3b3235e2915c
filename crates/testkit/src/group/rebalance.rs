//! A rebalance: who waits for it, when it ends, who leads, which strategy wins.

use std::collections::BTreeMap;

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use tokio::time::Instant;

use super::member::{JoinAnswer, Member, SyncAnswer};
use super::state::{Group, Phase};

impl Group {
    /// Starts a rebalance, or goes on with the one under way.
    pub(super) fn rebalance(&mut self, now: Instant) {
        if self.phase != Phase::PreparingRebalance {
            for member in self.members.values_mut() {
                member.assignment = Bytes::new();
                member.has_synced = false;
                if let Some(waiting) = member.syncing.take() {
                    member.seen(now);
                    waiting.send(SyncAnswer::refused(ErrorCode::REBALANCE_IN_PROGRESS));
                }
            }
            self.phase = Phase::PreparingRebalance;
            self.sync_ends = None;
            let longest = self
                .members
                .values()
                .map(|member| member.rebalance_timeout)
                .max()
                .unwrap_or_default();
            self.rebalance_ends = Some(now + longest);
        }
        self.complete_join_when_all_are_here(now);
    }

    pub(super) fn complete_join_when_all_are_here(&mut self, now: Instant) {
        let all_here =
            self.pending.is_empty() && self.members.values().all(|member| member.joining.is_some());
        if all_here && self.gathering.is_none() && self.phase == Phase::PreparingRebalance {
            self.complete_join(now);
        }
    }

    /// Ends the waiting: who has not come back is out, the others get the new generation.
    pub(super) fn complete_join(&mut self, now: Instant) {
        let is_gone = |member: &Member| member.joining.is_none() && member.instance_id.is_none();
        self.members.retain(|_, member| !is_gone(member));
        self.generation += 1;
        self.rebalance_ends = None;
        if self.members.is_empty() {
            return self.become_empty();
        }
        self.phase = Phase::CompletingRebalance;
        self.elect_leader();
        self.protocol = self.choose_protocol();
        let longest = self
            .members
            .values()
            .map(|member| member.rebalance_timeout)
            .max()
            .unwrap_or_default();
        self.sync_ends = Some(now + longest);
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let answer = self.join_answer(&id);
            if let Some(member) = self.members.get_mut(&id) {
                member.seen(now);
                if let Some(waiting) = member.joining.take() {
                    waiting.send(answer);
                }
            }
        }
    }

    pub(super) fn become_empty(&mut self) {
        self.phase = Phase::Empty;
        self.leader = None;
        self.protocol = None;
        self.rebalance_ends = None;
        self.sync_ends = None;
        self.gathering = None;
    }

    /// The leader stays when it is here; else the member that has been here longest leads.
    pub(super) fn elect_leader(&mut self) {
        let is_here = |id: &String| {
            self.members
                .get(id)
                .is_some_and(|member| member.joining.is_some())
        };
        if !self.leader.as_ref().is_some_and(is_here) {
            let here = self
                .members
                .iter()
                .filter(|(_, member)| member.joining.is_some());
            self.leader = here
                .min_by_key(|(_, member)| member.joined)
                .map(|(id, _)| id.clone());
        }
    }

    /// Each member votes for the first of its strategies that all members support.
    pub(super) fn choose_protocol(&self) -> Option<String> {
        let is_common = |name: &str| self.members.values().all(|member| member.supports(name));
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            if let Some((name, _)) = member.protocols.iter().find(|(name, _)| is_common(name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        let most = votes.values().copied().max()?;
        votes
            .into_iter()
            .find(|(_, count)| *count == most)
            .map(|(name, _)| name.to_owned())
    }

    pub(super) fn join_answer(&self, id: &str) -> JoinAnswer {
        let leader = self.leader.clone().unwrap_or_default();
        let members = if leader == id {
            self.subscriptions()
        } else {
            Vec::new()
        };
        JoinAnswer {
            error: ErrorCode::NONE,
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            member_id: id.to_owned(),
            skip_assignment: false,
            leader,
            members,
        }
    }

    pub(super) fn subscriptions(&self) -> Vec<(String, Option<String>, Bytes)> {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by_key(|(_, member)| member.joined);
        let row = |(id, member): (&String, &Member)| {
            (
                id.clone(),
                member.instance_id.clone(),
                member.subscription(self.protocol()),
            )
        };
        members.into_iter().map(row).collect()
    }
}
