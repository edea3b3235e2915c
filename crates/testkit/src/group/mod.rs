//! Consumer groups of the classic protocol: membership (`state` and its siblings) and committed offsets. Pure.

mod checks;
mod join;
mod member;
mod rebalance;
mod state;
mod timers;

use std::collections::BTreeMap;

use ekafka_protocol::ErrorCode;
use tokio::time::Instant;

pub(crate) use member::{JoinAnswer, JoinTerms, SyncAnswer};
pub(crate) use state::{Group, Phase, SyncTerms};

/// All groups of the cluster, by group id.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    by_id: BTreeMap<String, Group>,
}

/// One committed position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) leader_epoch: i32,
    pub(crate) metadata: String,
}

impl Groups {
    /// The group as it is at `now`: timers that have run out are applied first.
    pub(crate) fn at(&mut self, id: &str, now: Instant) -> Option<&mut Group> {
        let group = self.by_id.get_mut(id)?;
        group.catch_up(now);
        Some(group)
    }

    /// As [`Self::at`], making an empty group when there is none.
    pub(crate) fn at_or_new(&mut self, id: &str, now: Instant) -> &mut Group {
        let group = self.by_id.entry(id.to_owned()).or_default();
        group.catch_up(now);
        group
    }

    /// Every group with its id.
    pub(crate) fn all(&mut self, now: Instant) -> impl Iterator<Item = (&str, &Group)> {
        self.by_id
            .values_mut()
            .for_each(|group| group.catch_up(now));
        self.by_id.iter().map(|(id, group)| (id.as_str(), group))
    }

    /// Deletes a group that has no members.
    pub(crate) fn delete(&mut self, id: &str, now: Instant) -> Result<(), ErrorCode> {
        let group = self.at(id, now).ok_or(ErrorCode::GROUP_ID_NOT_FOUND)?;
        if group.phase() != Phase::Empty {
            return Err(ErrorCode::NON_EMPTY_GROUP);
        }
        self.by_id.remove(id);
        Ok(())
    }

    /// Forgets what was committed for a topic that is gone.
    pub(crate) fn forget_topic(&mut self, topic: &str) {
        for group in self.by_id.values_mut() {
            group.offsets.retain(|(name, _), _| name != topic);
        }
    }

    /// Forgets all memberships, as a coordinator does that has lost them; offsets stay.
    pub(crate) fn forget_members(&mut self) {
        for group in self.by_id.values_mut() {
            group.forget_members();
        }
    }
}
