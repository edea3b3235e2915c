//! One member of a group, and the answers it waits for.

use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use tokio::time::Instant;

use crate::reply::Reply;

/// A member that has joined at least once.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    /// Name and subscription of each assignment strategy, best first.
    pub(crate) protocols: Vec<(String, Bytes)>,
    pub(crate) assignment: Bytes,
    /// When the member counts as dead unless it is heard of before.
    pub(crate) session_ends: Instant,
    /// Grows with each member that joins: the oldest leads the group.
    pub(crate) joined: u64,
    /// The JoinGroup request this member waits with.
    pub(crate) joining: Option<Reply<JoinAnswer>>,
    /// The SyncGroup request this member waits with.
    pub(crate) syncing: Option<Reply<SyncAnswer>>,
    /// Whether it has asked for its assignment in this generation.
    pub(crate) has_synced: bool,
}

/// What a JoinGroup request brings.
#[derive(Debug, Clone)]
pub(crate) struct JoinTerms {
    /// Empty for a member that has no id yet.
    pub(crate) member_id: String,
    pub(crate) instance_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) session_timeout: Duration,
    pub(crate) rebalance_timeout: Duration,
    pub(crate) protocol_type: String,
    pub(crate) protocols: Vec<(String, Bytes)>,
    /// From JoinGroup v4 on a new member is given its id first and joins with it (KIP-394).
    pub(crate) needs_known_id: bool,
    /// The id to give when the member has none.
    pub(crate) fresh_id: String,
    /// How long the first rebalance of an empty group waits for more members.
    pub(crate) initial_delay: Duration,
}

/// What a JoinGroup request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JoinAnswer {
    pub(crate) error: ErrorCode,
    pub(crate) generation: i32,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) leader: String,
    pub(crate) member_id: String,
    /// A static leader that came back unchanged keeps the assignment that is there (KIP-814).
    pub(crate) skip_assignment: bool,
    /// Member id, instance id and subscription, for the leader alone.
    pub(crate) members: Vec<(String, Option<String>, Bytes)>,
}

/// What a SyncGroup request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncAnswer {
    pub(crate) error: ErrorCode,
    pub(crate) protocol_type: Option<String>,
    pub(crate) protocol: Option<String>,
    pub(crate) assignment: Bytes,
}

impl Member {
    pub(crate) fn new(terms: &JoinTerms, joined: u64, now: Instant) -> Self {
        Self {
            instance_id: terms.instance_id.clone(),
            client_id: terms.client_id.clone(),
            client_host: terms.client_host.clone(),
            session_timeout: terms.session_timeout,
            rebalance_timeout: terms.rebalance_timeout,
            protocols: terms.protocols.clone(),
            assignment: Bytes::new(),
            session_ends: now + terms.session_timeout,
            joined,
            joining: None,
            syncing: None,
            has_synced: false,
        }
    }

    /// Takes over what a repeated JoinGroup says.
    pub(crate) fn update(&mut self, terms: &JoinTerms) {
        self.session_timeout = terms.session_timeout;
        self.rebalance_timeout = terms.rebalance_timeout;
        self.protocols.clone_from(&terms.protocols);
        self.client_id.clone_from(&terms.client_id);
        self.client_host.clone_from(&terms.client_host);
    }

    /// Counts the session from `now` on.
    pub(crate) fn seen(&mut self, now: Instant) {
        self.session_ends = now + self.session_timeout;
    }

    /// When the session runs out; a member with a request in the coordinator's hands is alive.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        (self.joining.is_none() && self.syncing.is_none()).then_some(self.session_ends)
    }

    pub(crate) fn supports(&self, protocol: &str) -> bool {
        self.protocols.iter().any(|(name, _)| name == protocol)
    }

    pub(crate) fn subscription(&self, protocol: &str) -> Bytes {
        self.protocols
            .iter()
            .find(|(name, _)| name == protocol)
            .map_or_else(Bytes::new, |(_, bytes)| bytes.clone())
    }
}

impl JoinAnswer {
    pub(crate) fn refused(error: ErrorCode, member_id: &str) -> Self {
        Self {
            error,
            generation: -1,
            protocol_type: None,
            protocol: None,
            leader: String::new(),
            member_id: member_id.to_owned(),
            skip_assignment: false,
            members: Vec::new(),
        }
    }
}

impl SyncAnswer {
    pub(crate) fn refused(error: ErrorCode) -> Self {
        Self {
            error,
            protocol_type: None,
            protocol: None,
            assignment: Bytes::new(),
        }
    }
}
