//! The classic group protocol's state machine (KIP-62, KIP-134, KIP-345, KIP-394, KIP-814). Pure: time is passed in and
//! timers that have run out are applied in their order before anything else happens.

use std::collections::BTreeMap;

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use tokio::time::Instant;

use super::Committed;
use super::member::{JoinAnswer, JoinTerms, Member, SyncAnswer};
use crate::reply::Reply;

/// One group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    phase: Phase,
    generation: i32,
    pub(super) protocol_type: Option<String>,
    /// The assignment strategy all members support, chosen by votes.
    protocol: Option<String>,
    leader: Option<String>,
    /// By member id.
    members: BTreeMap<String, Member>,
    /// Ids given out whose owners have not come back with them, and until when they may.
    pending: BTreeMap<String, Instant>,
    /// Member ids by instance id (KIP-345).
    instances: BTreeMap<String, String>,
    /// When the rebalance under way stops waiting for members.
    rebalance_ends: Option<Instant>,
    /// Set while an empty group's first rebalance waits for more members.
    gathering: Option<Gathering>,
    /// When members that have not asked for their assignment are thrown out.
    sync_ends: Option<Instant>,
    /// Members that have ever joined.
    joins: u64,
    /// By topic and partition.
    pub(crate) offsets: BTreeMap<(String, i32), Committed>,
}

/// The first rebalance of an empty group: it waits as long as members keep coming (KIP-134).
#[derive(Debug)]
struct Gathering {
    delay: std::time::Duration,
    until: Instant,
    has_newcomers: bool,
    latest: Instant,
}

/// The phases of the classic protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Phase {
    #[default]
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    Stable,
}

impl Phase {
    /// As ListGroups and DescribeGroups spell it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }
}

/// What a SyncGroup request brings.
#[derive(Debug, Clone)]
pub(crate) struct SyncTerms {
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    /// From the leader: the assignment of each member id.
    pub(crate) assignments: Vec<(String, Bytes)>,
}

impl Group {
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    pub(crate) fn protocol_type(&self) -> &str {
        self.protocol_type.as_deref().unwrap_or_default()
    }

    pub(crate) fn protocol(&self) -> &str {
        self.protocol.as_deref().unwrap_or_default()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Member)> {
        self.members
            .iter()
            .map(|(id, member)| (id.as_str(), member))
    }

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

    fn expire(&mut self, at: Instant) {
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

    /// Handles a JoinGroup: the answer comes through `reply`, at once or when the rebalance is complete.
    pub(crate) fn join(&mut self, terms: &JoinTerms, now: Instant, reply: Reply<JoinAnswer>) {
        self.decide_join(terms, now, reply);
        // The next timer may run out earlier now than those who wait have been told.
        for member in self.members.values() {
            member.joining.iter().for_each(Reply::poke);
            member.syncing.iter().for_each(Reply::poke);
        }
    }

    fn decide_join(&mut self, terms: &JoinTerms, now: Instant, reply: Reply<JoinAnswer>) {
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

    fn join_without_id(&mut self, terms: &JoinTerms, now: Instant, reply: Reply<JoinAnswer>) {
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
    fn replace_static(
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

    fn add(&mut self, id: String, terms: &JoinTerms, now: Instant, reply: Reply<JoinAnswer>) {
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

    /// Starts a rebalance, or goes on with the one under way.
    fn rebalance(&mut self, now: Instant) {
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

    fn complete_join_when_all_are_here(&mut self, now: Instant) {
        let all_here =
            self.pending.is_empty() && self.members.values().all(|member| member.joining.is_some());
        if all_here && self.gathering.is_none() && self.phase == Phase::PreparingRebalance {
            self.complete_join(now);
        }
    }

    /// Ends the waiting: who has not come back is out, the others get the new generation.
    fn complete_join(&mut self, now: Instant) {
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

    fn become_empty(&mut self) {
        self.phase = Phase::Empty;
        self.leader = None;
        self.protocol = None;
        self.rebalance_ends = None;
        self.sync_ends = None;
        self.gathering = None;
    }

    /// The leader stays when it is here; else the member that has been here longest leads.
    fn elect_leader(&mut self) {
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
    fn choose_protocol(&self) -> Option<String> {
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

    fn join_answer(&self, id: &str) -> JoinAnswer {
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

    fn subscriptions(&self) -> Vec<(String, Option<String>, Bytes)> {
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

    /// Handles a SyncGroup: the answer comes through `reply`, at once or when the leader has sent the assignments.
    pub(crate) fn sync(&mut self, terms: SyncTerms, now: Instant, reply: Reply<SyncAnswer>) {
        let checked = self.check_member(
            &terms.member_id,
            terms.instance_id.as_deref(),
            terms.generation,
        );
        if let Err(error) = checked.and_then(|()| self.check_sync(&terms)) {
            return reply.send(SyncAnswer::refused(error));
        }
        let answer = self.sync_answer(&terms.member_id);
        let phase = self.phase;
        let Some(member) = self.members.get_mut(&terms.member_id) else {
            return;
        };
        member.seen(now);
        member.has_synced = true;
        if phase == Phase::Stable {
            return reply.send(answer);
        }
        member.syncing = Some(reply);
        if self.leader.as_deref() == Some(terms.member_id.as_str()) {
            self.become_stable(terms.assignments, now);
        }
    }

    fn become_stable(&mut self, assignments: Vec<(String, Bytes)>, now: Instant) {
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = assignment;
            }
        }
        self.phase = Phase::Stable;
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let answer = self.sync_answer(&id);
            if let Some(member) = self.members.get_mut(&id)
                && let Some(waiting) = member.syncing.take()
            {
                member.seen(now);
                waiting.send(answer);
            }
        }
    }

    fn sync_answer(&self, id: &str) -> SyncAnswer {
        SyncAnswer {
            error: ErrorCode::NONE,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: self
                .members
                .get(id)
                .map_or_else(Bytes::new, |member| member.assignment.clone()),
        }
    }

    /// Handles a Heartbeat.
    pub(crate) fn heartbeat(
        &mut self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> ErrorCode {
        if let Err(error) = self.check_member(id, instance, generation) {
            return error;
        }
        if let Some(member) = self.members.get_mut(id) {
            member.seen(now);
        }
        match self.phase {
            Phase::PreparingRebalance => ErrorCode::REBALANCE_IN_PROGRESS,
            Phase::Empty => ErrorCode::UNKNOWN_MEMBER_ID,
            Phase::CompletingRebalance | Phase::Stable => ErrorCode::NONE,
        }
    }

    /// Handles one member of a LeaveGroup; a static member may be named by its instance id alone.
    pub(crate) fn leave(
        &mut self,
        id: &str,
        instance: Option<&str>,
        now: Instant,
    ) -> Result<(), ErrorCode> {
        let by_instance = instance
            .filter(|_| id.is_empty())
            .and_then(|instance| self.instances.get(instance))
            .cloned();
        let id = by_instance.as_deref().unwrap_or(id);
        if self.pending.remove(id).is_some() {
            self.complete_join_when_all_are_here(now);
            return Ok(());
        }
        self.check_instance(instance, id)?;
        if !self.members.contains_key(id) {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        self.remove(id, now);
        Ok(())
    }

    fn remove(&mut self, id: &str, now: Instant) {
        let Some(member) = self.members.remove(id) else {
            return;
        };
        if let Some(waiting) = member.joining {
            waiting.send(JoinAnswer::refused(ErrorCode::UNKNOWN_MEMBER_ID, id));
        }
        if let Some(waiting) = member.syncing {
            waiting.send(SyncAnswer::refused(ErrorCode::UNKNOWN_MEMBER_ID));
        }
        self.instances.retain(|_, member_id| member_id != id);
        if self.phase != Phase::Empty {
            self.rebalance(now);
        }
    }

    /// Checks who may commit: a member of this generation, or anyone while the group is empty.
    pub(crate) fn check_commit(
        &mut self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
        now: Instant,
    ) -> Result<(), ErrorCode> {
        if generation < 0 && self.phase == Phase::Empty {
            return Ok(());
        }
        self.check_member(id, instance, generation)?;
        if let Some(member) = self.members.get_mut(id) {
            member.seen(now);
        }
        if self.phase == Phase::CompletingRebalance {
            Err(ErrorCode::REBALANCE_IN_PROGRESS)
        } else {
            Ok(())
        }
    }

    fn check_member(
        &self,
        id: &str,
        instance: Option<&str>,
        generation: i32,
    ) -> Result<(), ErrorCode> {
        self.check_instance(instance, id)?;
        if !self.members.contains_key(id) {
            return Err(ErrorCode::UNKNOWN_MEMBER_ID);
        }
        if generation == self.generation {
            Ok(())
        } else {
            Err(ErrorCode::ILLEGAL_GENERATION)
        }
    }

    /// An instance id belongs to one member id; another one that uses it is fenced.
    fn check_instance(&self, instance: Option<&str>, id: &str) -> Result<(), ErrorCode> {
        match instance.map(|instance| self.instances.get(instance)) {
            None => Ok(()),
            Some(None) => Err(ErrorCode::UNKNOWN_MEMBER_ID),
            Some(Some(owner)) if owner == id => Ok(()),
            Some(Some(_)) => Err(ErrorCode::FENCED_INSTANCE_ID),
        }
    }

    fn check_protocols(&self, terms: &JoinTerms) -> Result<(), ErrorCode> {
        let others = || {
            self.members
                .iter()
                .filter(|(id, _)| **id != terms.member_id)
                .map(|(_, member)| member)
        };
        let has_common = terms
            .protocols
            .iter()
            .any(|(name, _)| others().all(|member| member.supports(name)));
        let same_type = others().next().is_none()
            || self.protocol_type.as_deref() == Some(&terms.protocol_type);
        let is_sound = !terms.protocol_type.is_empty()
            && !terms.protocols.is_empty()
            && has_common
            && same_type;
        if is_sound {
            Ok(())
        } else {
            Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL)
        }
    }

    fn check_sync(&self, terms: &SyncTerms) -> Result<(), ErrorCode> {
        let differs =
            |given: &Option<String>, ours: &Option<String>| given.is_some() && given != ours;
        if differs(&terms.protocol_type, &self.protocol_type)
            || differs(&terms.protocol, &self.protocol)
        {
            return Err(ErrorCode::INCONSISTENT_GROUP_PROTOCOL);
        }
        match self.phase {
            Phase::Empty => Err(ErrorCode::UNKNOWN_MEMBER_ID),
            Phase::PreparingRebalance => Err(ErrorCode::REBALANCE_IN_PROGRESS),
            Phase::CompletingRebalance | Phase::Stable => Ok(()),
        }
    }

    /// Forgets who belongs to the group; offsets stay.
    pub(super) fn forget_members(&mut self) {
        let offsets = std::mem::take(&mut self.offsets);
        *self = Self {
            offsets,
            ..Self::default()
        };
    }

    /// Whether a member of the group reads this topic, going by the subscriptions of the consumer protocol.
    pub(crate) fn reads(&self, topic: &str) -> bool {
        let needle = topic.as_bytes();
        let mentions = |bytes: &Bytes| {
            bytes
                .windows(needle.len().max(1))
                .any(|window| window == needle)
        };
        self.members
            .values()
            .any(|member| member.protocols.iter().any(|(_, bytes)| mentions(bytes)))
    }
}
