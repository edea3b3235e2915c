//! Who may do what in a group.

use ekafka_protocol::ErrorCode;
use tokio::time::Instant;

use super::member::JoinTerms;
use super::state::{Group, Phase, SyncTerms};

impl Group {
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

    pub(super) fn check_member(
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
    pub(super) fn check_instance(&self, instance: Option<&str>, id: &str) -> Result<(), ErrorCode> {
        match instance.map(|instance| self.instances.get(instance)) {
            None => Ok(()),
            Some(None) => Err(ErrorCode::UNKNOWN_MEMBER_ID),
            Some(Some(owner)) if owner == id => Ok(()),
            Some(Some(_)) => Err(ErrorCode::FENCED_INSTANCE_ID),
        }
    }

    pub(super) fn check_protocols(&self, terms: &JoinTerms) -> Result<(), ErrorCode> {
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

    pub(super) fn check_sync(&self, terms: &SyncTerms) -> Result<(), ErrorCode> {
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
}
