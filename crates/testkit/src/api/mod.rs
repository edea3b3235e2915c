//! What the broker answers, one file per API. Handlers are pure: they get the cluster's state and the time, and answer or
//! say what they wait for.

mod fetch;
mod list_offsets;
mod offset_for_leader_epoch;
mod produce;

mod api_versions;
mod find_coordinator;
mod init_producer_id;
mod metadata;
pub(crate) mod sasl_authenticate;
mod sasl_handshake;

mod heartbeat;
mod join_group;
mod leave_group;
mod offset_commit;
mod offset_fetch;
mod sync_group;
mod waiting_member;

mod add_offsets_to_txn;
mod add_partitions_to_txn;
mod end_txn;
mod txn_offset_commit;

mod alter_client_quotas;
mod alter_configs;
mod alter_partition_reassignments;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_records;
mod delete_topics;
mod describe_client_quotas;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod elect_leaders;
mod list_groups;
mod list_partition_reassignments;
mod offset_delete;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ekafka_protocol::{
    ApiKey, BrokerRequest, DecodeError, EncodeError, ErrorCode, Frame, Request, StrBytes,
    VersionRange,
};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::faults::Injected;
use crate::sasl::Login;
use crate::server::Shared;

/// One request being handled: who asks whom, in which version, when.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) node: i32,
    pub(crate) api: ApiKey,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
    pub(crate) now: Instant,
    pub(crate) client_id: String,
    pub(crate) client_host: Arc<str>,
    /// Wakes the connection's task.
    pub(crate) waker: Arc<Notify>,
    /// What the connection has proved so far.
    pub(crate) login: Arc<Mutex<Login>>,
    /// An error that a script wants in the answer.
    pub(crate) injected: Option<Injected>,
}

/// What becomes of a request.
pub(crate) enum Answer {
    Reply(Frame),
    /// Answered, then the connection ends.
    Last(Frame),
    /// The client wants no answer (acks = none).
    Nothing,
    /// The connection ends.
    Close,
    Wait(Box<dyn Waiting>),
}

/// A request that waits for an event or a moment.
pub(crate) trait Waiting: Send {
    /// When to look again even if nothing happened.
    fn until(&self) -> Instant;

    /// Looks again; `None` goes on waiting.
    fn resume(&mut self, shared: &Shared, call: &Call) -> Result<Option<Answer>, Refusal>;
}

/// Why a request gets no answer at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    #[error("the answer could not be written: {0}")]
    Unwritable(#[from] EncodeError),
    #[error("version {1} of {0} is not offered")]
    NotOffered(ApiKey, i16),
    #[error("the connection has not logged in")]
    NotLoggedIn,
}

/// An API as this broker offers it.
pub(crate) struct Api {
    pub(crate) key: ApiKey,
    pub(crate) versions: VersionRange,
    handle: fn(&Shared, &Call, Bytes) -> Result<Answer, Refusal>,
}

/// Every API offered, in the order of their numbers.
pub(crate) static APIS: &[Api] = &[
    Api {
        key: ApiKey::PRODUCE,
        versions: produce::VERSIONS,
        handle: produce::handle,
    },
    api::<fetch::Request>(fetch::handle),
    api::<list_offsets::Request>(list_offsets::handle),
    api::<metadata::Request>(metadata::handle),
    api::<offset_commit::Request>(offset_commit::handle),
    api::<offset_fetch::Request>(offset_fetch::handle),
    api::<find_coordinator::Request>(find_coordinator::handle),
    api::<join_group::Request>(join_group::handle),
    api::<heartbeat::Request>(heartbeat::handle),
    api::<leave_group::Request>(leave_group::handle),
    api::<sync_group::Request>(sync_group::handle),
    api::<describe_groups::Request>(describe_groups::handle),
    api::<list_groups::Request>(list_groups::handle),
    api::<sasl_handshake::Request>(sasl_handshake::handle),
    api::<api_versions::Request>(api_versions::handle),
    api::<create_topics::Request>(create_topics::handle),
    api::<delete_topics::Request>(delete_topics::handle),
    api::<delete_records::Request>(delete_records::handle),
    api::<init_producer_id::Request>(init_producer_id::handle),
    api::<offset_for_leader_epoch::Request>(offset_for_leader_epoch::handle),
    up_to::<add_partitions_to_txn::Request>(3, add_partitions_to_txn::handle),
    up_to::<add_offsets_to_txn::Request>(4, add_offsets_to_txn::handle),
    up_to::<end_txn::Request>(4, end_txn::handle),
    up_to::<txn_offset_commit::Request>(4, txn_offset_commit::handle),
    api::<describe_configs::Request>(describe_configs::handle),
    api::<alter_configs::Replace>(alter_configs::replace),
    api::<sasl_authenticate::Request>(sasl_authenticate::handle),
    api::<create_partitions::Request>(create_partitions::handle),
    api::<delete_groups::Request>(delete_groups::handle),
    api::<elect_leaders::Request>(elect_leaders::handle),
    api::<alter_configs::Incremental>(alter_configs::incremental),
    api::<alter_partition_reassignments::Request>(alter_partition_reassignments::handle),
    api::<list_partition_reassignments::Request>(list_partition_reassignments::handle),
    api::<offset_delete::Request>(offset_delete::handle),
    api::<describe_client_quotas::Request>(describe_client_quotas::handle),
    api::<alter_client_quotas::Request>(alter_client_quotas::handle),
    api::<describe_cluster::Request>(describe_cluster::handle),
];

const fn api<R: Request>(handle: fn(&Shared, &Call, Bytes) -> Result<Answer, Refusal>) -> Api {
    Api {
        key: R::API,
        versions: R::VERSIONS,
        handle,
    }
}

/// An API whose newest versions are not offered.
const fn up_to<R: Request>(
    max: i16,
    handle: fn(&Shared, &Call, Bytes) -> Result<Answer, Refusal>,
) -> Api {
    Api {
        key: R::API,
        versions: R::VERSIONS.intersect(VersionRange::new(0, max)),
        handle,
    }
}

/// Handles one request.
pub(crate) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    let may_precede_login = matches!(
        call.api,
        ApiKey::API_VERSIONS | ApiKey::SASL_HANDSHAKE | ApiKey::SASL_AUTHENTICATE
    );
    if shared.users.is_required() && !may_precede_login && !call.login().is_valid(call.now) {
        return Err(Refusal::NotLoggedIn);
    }
    let known = APIS.iter().find(|api| api.key == call.api);
    let limit = shared.limits.get(&call.api);
    let is_offered = |api: &&Api| {
        api.versions.contains(call.version)
            && limit.is_none_or(|limit| limit.contains(call.version))
    };
    match known.filter(is_offered) {
        Some(api) => (api.handle)(shared, call, body),
        None if call.api == ApiKey::API_VERSIONS => api_versions::refuse(call, limit),
        None => Err(Refusal::NotOffered(call.api, call.version)),
    }
}

/// The usual handler: decode, change the state under its lock, encode.
fn answer<R: BrokerRequest>(
    shared: &Shared,
    call: &Call,
    body: Bytes,
    decide: impl FnOnce(&mut Cluster, &Call, R) -> R::Response,
) -> Result<Answer, Refusal> {
    let request = R::decode(call.version, body)?;
    let response = decide(&mut shared.cluster(), call, request);
    reply::<R>(call, &response)
}

/// Encodes an answer.
fn reply<R: BrokerRequest>(call: &Call, response: &R::Response) -> Result<Answer, Refusal> {
    Ok(Answer::Reply(Frame::response::<R>(
        call.version,
        call.correlation_id,
        response,
    )?))
}

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}

/// How often a request that waits for its group looks at it when no timer of the group runs.
const GROUP_CHECK: Duration = Duration::from_secs(3600);

/// What Kafka answers without an authorizer: every operation a cluster has, as bits.
const CLUSTER_OPERATIONS: i32 = 8_096;

impl Call {
    pub(crate) fn login(&self) -> MutexGuard<'_, Login> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error a script wants instead of carrying out the request as a whole.
    pub(crate) fn refused(&self) -> Option<ErrorCode> {
        let whole = self
            .injected
            .as_ref()
            .filter(|injected| !injected.is_applied && injected.partition.is_none());
        whole.map(|injected| injected.code)
    }

    /// The error a script wants instead of carrying out the request for this partition.
    pub(crate) fn refused_for(&self, topic: &str, partition: i32) -> Option<ErrorCode> {
        let injected = self
            .injected
            .as_ref()
            .filter(|injected| !injected.is_applied)?;
        injected.concerns(topic, partition).then_some(injected.code)
    }

    /// The error to answer with for something that was carried out.
    pub(crate) fn verdict(&self, real: ErrorCode) -> ErrorCode {
        let after = self
            .injected
            .as_ref()
            .filter(|injected| injected.is_applied && injected.partition.is_none());
        after.map_or(real, |injected| injected.code)
    }

    /// As [`Self::verdict`], for one partition.
    pub(crate) fn verdict_for(&self, topic: &str, partition: i32, real: ErrorCode) -> ErrorCode {
        let after = self
            .injected
            .as_ref()
            .filter(|injected| injected.is_applied);
        after
            .filter(|injected| injected.concerns(topic, partition))
            .map_or(real, |injected| injected.code)
    }
}

impl Injected {
    fn concerns(&self, topic: &str, partition: i32) -> bool {
        self.partition
            .as_ref()
            .is_none_or(|(name, number)| name == topic && *number == partition)
    }
}
