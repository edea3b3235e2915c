//! The classic group protocol's state machine (KIP-62, KIP-134, KIP-345, KIP-394, KIP-814). Pure: time is passed in and
//! timers that have run out are applied in their order before anything else happens.

use std::collections::BTreeMap;

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use tokio::time::Instant;

use super::Committed;
use super::member::{JoinAnswer, Member, SyncAnswer};
use crate::reply::Reply;

/// One group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(super) phase: Phase,
    pub(super) generation: i32,
    pub(super) protocol_type: Option<String>,
    /// The assignment strategy all members support, chosen by votes.
    pub(super) protocol: Option<String>,
    pub(super) leader: Option<String>,
    /// By member id.
    pub(super) members: BTreeMap<String, Member>,
    /// Ids given out whose owners have not come back with them, and until when they may.
    pub(super) pending: BTreeMap<String, Instant>,
    /// Member ids by instance id (KIP-345).
    pub(super) instances: BTreeMap<String, String>,
    /// When the rebalance under way stops waiting for members.
    pub(super) rebalance_ends: Option<Instant>,
    /// Set while an empty group's first rebalance waits for more members.
    pub(super) gathering: Option<Gathering>,
    /// When members that have not asked for their assignment are thrown out.
    pub(super) sync_ends: Option<Instant>,
    /// Members that have ever joined.
    pub(super) joins: u64,
    /// By topic and partition.
    pub(crate) offsets: BTreeMap<(String, i32), Committed>,
}

/// The first rebalance of an empty group: it waits as long as members keep coming (KIP-134).
#[derive(Debug)]
pub(super) struct Gathering {
    pub(super) delay: std::time::Duration,
    pub(super) until: Instant,
    pub(super) has_newcomers: bool,
    pub(super) latest: Instant,
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

    pub(crate) fn generation(&self) -> i32 {
        self.generation
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

    pub(super) fn become_stable(&mut self, assignments: Vec<(String, Bytes)>, now: Instant) {
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

    pub(super) fn sync_answer(&self, id: &str) -> SyncAnswer {
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

    pub(super) fn remove(&mut self, id: &str, now: Instant) {
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

    /// Forgets who belongs to the group; offsets and the generation's number stay.
    pub(super) fn forget_members(&mut self) {
        let offsets = std::mem::take(&mut self.offsets);
        *self = Self {
            offsets,
            generation: self.generation,
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
