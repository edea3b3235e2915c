//! How members come into a group: new ones, known ones, static ones that come back.

use tokio::time::Instant;

use ekafka_protocol::ErrorCode;

use super::member::{JoinAnswer, JoinTerms, Member, SyncAnswer};
use super::state::{Gathering, Group, Phase};
use crate::reply::Reply;

impl Group {
    /// Handles a JoinGroup: the answer comes through `reply`, at once or when the rebalance is complete.
    pub(crate) fn join(&mut self, terms: &JoinTerms, now: Instant, reply: Reply<JoinAnswer>) {
        self.decide_join(terms, now, reply);
        // The next timer may run out earlier now than those who wait have been told.
        for member in self.members.values() {
            member.joining.iter().for_each(Reply::poke);
            member.syncing.iter().for_each(Reply::poke);
        }
    }

    pub(super) fn decide_join(
        &mut self,
        terms: &JoinTerms,
        now: Instant,
        reply: Reply<JoinAnswer>,
    ) {
        if let Err(error) = self.check_protocols(terms) {
            return reply.send(JoinAnswer::refused(error, &terms.member_id));
        }
        if terms.member_id.is_empty() {
            return self.join_without_id(terms, now, reply);
        }
        if let Err(error) = self.check_instance(terms.instance_id.as_deref(), &terms.member_id) {
            return reply.send(JoinAnswer::refused(error, &terms.member_id));
        }
        if self.pending.remove(&terms.member_id).is_some() {
            return self.add(terms.member_id.clone(), terms, now, reply);
        }
        let Some(member) = self.members.get_mut(&terms.member_id) else {
            return reply.send(JoinAnswer::refused(
                ErrorCode::UNKNOWN_MEMBER_ID,
                &terms.member_id,
            ));
        };
        let is_unchanged = member.protocols == terms.protocols;
        let is_leader = self.leader.as_deref() == Some(terms.member_id.as_str());
        let may_repeat = match self.phase {
            Phase::CompletingRebalance => is_unchanged,
            Phase::Stable => is_unchanged && !is_leader,
            Phase::Empty | Phase::PreparingRebalance => false,
        };
        if may_repeat {
            member.seen(now);
            return reply.send(self.join_answer(&terms.member_id));
        }
        member.update(terms);
        member.seen(now);
        if let Some(earlier) = member.joining.replace(reply) {
            // The member has sent a second request: the first will not be read any more.
            earlier.send(JoinAnswer::refused(
                ErrorCode::UNKNOWN_MEMBER_ID,
                &terms.member_id,
            ));
        }
        self.rebalance(now);
    }

    pub(super) fn join_without_id(
        &mut self,
        terms: &JoinTerms,
        now: Instant,
        reply: Reply<JoinAnswer>,
    ) {
        let known = terms
            .instance_id
            .as_ref()
            .and_then(|instance| self.instances.get(instance))
            .cloned();
        if let Some(old_id) = known {
            return self.replace_static(&old_id, terms, now, reply);
        }
        if terms.needs_known_id && terms.instance_id.is_none() {
            self.pending
                .insert(terms.fresh_id.clone(), now + terms.session_timeout);
            return reply.send(JoinAnswer::refused(
                ErrorCode::MEMBER_ID_REQUIRED,
                &terms.fresh_id,
            ));
        }
        self.add(terms.fresh_id.clone(), terms, now, reply);
    }

    /// A static member came back under a new member id; the old id is fenced (KIP-345).
    pub(super) fn replace_static(
        &mut self,
        old_id: &str,
        terms: &JoinTerms,
        now: Instant,
        reply: Reply<JoinAnswer>,
    ) {
        let new_id = terms.fresh_id.clone();
        let Some(mut member) = self.members.remove(old_id) else {
            return;
        };
        if let Some(waiting) = member.joining.take() {
            waiting.send(JoinAnswer::refused(ErrorCode::FENCED_INSTANCE_ID, old_id));
        }
        if let Some(waiting) = member.syncing.take() {
            waiting.send(SyncAnswer::refused(ErrorCode::FENCED_INSTANCE_ID));
        }
        let chosen = self.protocol().to_owned();
        let is_unchanged = member.protocols.len() == terms.protocols.len()
            && terms
                .protocols
                .iter()
                .any(|(name, bytes)| *name == chosen && *bytes == member.subscription(&chosen));
        member.update(terms);
        member.seen(now);
        let was_leader = self.leader.as_deref() == Some(old_id);
        if was_leader {
            self.leader = Some(new_id.clone());
        }
        self.instances.extend(
            terms
                .instance_id
                .clone()
                .map(|instance| (instance, new_id.clone())),
        );
        if self.phase == Phase::Stable && is_unchanged {
            self.members.insert(new_id.clone(), member);
            let mut answer = self.join_answer(&new_id);
            answer.skip_assignment = was_leader;
            return reply.send(answer);
        }
        member.joining = Some(reply);
        self.members.insert(new_id, member);
        self.rebalance(now);
    }

    pub(super) fn add(
        &mut self,
        id: String,
        terms: &JoinTerms,
        now: Instant,
        reply: Reply<JoinAnswer>,
    ) {
        self.joins += 1;
        let mut member = Member::new(terms, self.joins, now);
        member.joining = Some(reply);
        self.instances.extend(
            terms
                .instance_id
                .clone()
                .map(|instance| (instance, id.clone())),
        );
        self.protocol_type = Some(terms.protocol_type.clone());
        if self.phase == Phase::Empty && !terms.initial_delay.is_zero() {
            let latest = now + terms.rebalance_timeout;
            let until = latest.min(now + terms.initial_delay);
            self.gathering = Some(Gathering {
                delay: terms.initial_delay,
                until,
                has_newcomers: false,
                latest,
            });
        } else if let Some(gathering) = &mut self.gathering {
            gathering.has_newcomers = true;
        }
        self.members.insert(id, member);
        self.rebalance(now);
    }
}
