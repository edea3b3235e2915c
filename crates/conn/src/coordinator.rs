//! Which broker coordinates a group or a transactional id: found by asking, remembered until told otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ekafka_protocol::cold::{FindCoordinatorRequest, FindCoordinatorResponse};
use ekafka_protocol::{ErrorCode, StrBytes, VersionRange};

use crate::address::HostPort;
use crate::ids::BrokerId;
use crate::view::usable_address;

/// What a coordinator coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CoordinatorKind {
    /// A consumer group.
    Group,
    /// A transactional id.
    Transaction,
}

/// The coordinators found so far.
#[derive(Debug, Default)]
pub(crate) struct Coordinators(Mutex<HashMap<(CoordinatorKind, Arc<str>), BrokerId>>);

impl Coordinators {
    pub(crate) fn find(&self, kind: CoordinatorKind, key: &str) -> Option<BrokerId> {
        self.map().get(&(kind, Arc::from(key))).copied()
    }

    pub(crate) fn note(&self, kind: CoordinatorKind, key: &str, broker: BrokerId) {
        self.map().insert((kind, key.into()), broker);
    }

    pub(crate) fn forget(&self, kind: CoordinatorKind, key: &str) {
        self.map().remove(&(kind, Arc::from(key)));
    }

    fn map(&self) -> MutexGuard<'_, HashMap<(CoordinatorKind, Arc<str>), BrokerId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The question in the form of `version`: from 4 on a list of keys, before that one key.
pub(crate) fn question(kind: CoordinatorKind, key: &str, version: i16) -> FindCoordinatorRequest {
    let key = StrBytes::from_string(key.to_owned());
    let request = FindCoordinatorRequest::default();
    // Version 0 asks about groups only and has no field for the kind.
    let request = if version >= 1 {
        request.with_key_type(kind as i8)
    } else {
        request
    };
    if version >= FIRST_BATCHED {
        request.with_coordinator_keys(vec![key])
    } else {
        request.with_key(key)
    }
}

/// The versions that can ask about `kind`.
pub(crate) fn versions(kind: CoordinatorKind) -> VersionRange {
    match kind {
        CoordinatorKind::Group => VersionRange::new(0, 6),
        CoordinatorKind::Transaction => VersionRange::new(1, 6),
    }
}

/// Reads the answer about `key`: the coordinator and its address, or the code.
pub(crate) fn read(
    answer: &FindCoordinatorResponse,
    key: &str,
    version: i16,
) -> Result<(BrokerId, HostPort), ErrorCode> {
    let (code, id, host, port) = if version >= FIRST_BATCHED {
        let found = answer.coordinators.iter().find(|found| &*found.key == key);
        let found = found.ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)?;
        (found.error_code, found.node_id.0, &found.host, found.port)
    } else {
        (
            answer.error_code,
            answer.node_id.0,
            &answer.host,
            answer.port,
        )
    };
    if code != ErrorCode::NONE.0 {
        return Err(ErrorCode(code));
    }
    match usable_address(host, port) {
        Some(address) if id >= 0 => Ok((BrokerId(id), address)),
        _ => Err(ErrorCode::COORDINATOR_NOT_AVAILABLE),
    }
}

/// From this version on one request asks about several keys.
const FIRST_BATCHED: i16 = 4;

#[cfg(test)]
mod tests;
