//! How long a broker asks its client to pause (KIP-124, KIP-219). Pure.

use std::time::Duration;

use ekafka_protocol::ApiKey;

/// The pause that an answer asks for, if any; at most [`LONGEST`].
///
/// Most answers begin with their throttle time; it is read there, without knowing the rest.
/// Before the versions named in the table the broker itself delayed the answer, and the client need not.
pub(crate) fn pause(api: ApiKey, version: i16, body: &[u8]) -> Option<Duration> {
    let (_, since) = LEADING.iter().find(|(listed, _)| *listed == api)?;
    if version < *since {
        return None;
    }
    capped(i32::from_be_bytes(*body.first_chunk()?))
}

/// The pause that a produce answer of that version asks for; it stands behind the partitions.
pub(crate) fn trailing_pause(version: i16, milliseconds: i32) -> Option<Duration> {
    if version < SINCE_PRODUCE {
        return None;
    }
    capped(milliseconds)
}

/// A throttle time in milliseconds as a pause; `None` for zero and negative ones.
fn capped(milliseconds: i32) -> Option<Duration> {
    let milliseconds = u64::try_from(milliseconds).ok().filter(|ms| *ms > 0)?;
    Some(Duration::from_millis(milliseconds).min(LONGEST))
}

/// The longest pause honoured, whatever a broker asks for.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);

/// The version of Produce since which the client must pause (KIP-219).
const SINCE_PRODUCE: i16 = 6;

/// APIs whose answer begins with `throttle_time_ms`, and the version since which the client must pause (KIP-219).
const LEADING: &[(ApiKey, i16)] = &[
    (ApiKey::FETCH, 8),
    (ApiKey::LIST_OFFSETS, 3),
    (ApiKey::METADATA, 6),
    (ApiKey::OFFSET_COMMIT, 4),
    (ApiKey::OFFSET_FETCH, 4),
    (ApiKey::FIND_COORDINATOR, 2),
    (ApiKey::JOIN_GROUP, 3),
    (ApiKey::HEARTBEAT, 2),
    (ApiKey::LEAVE_GROUP, 2),
    (ApiKey::SYNC_GROUP, 2),
    (ApiKey::DESCRIBE_GROUPS, 2),
    (ApiKey::LIST_GROUPS, 2),
    (ApiKey::CREATE_TOPICS, 3),
    (ApiKey::DELETE_TOPICS, 2),
    (ApiKey::DELETE_RECORDS, 1),
    (ApiKey::INIT_PRODUCER_ID, 1),
    (ApiKey::ADD_PARTITIONS_TO_TXN, 1),
    (ApiKey::ADD_OFFSETS_TO_TXN, 1),
    (ApiKey::END_TXN, 1),
    (ApiKey::TXN_OFFSET_COMMIT, 1),
    (ApiKey::DESCRIBE_ACLS, 1),
    (ApiKey::CREATE_ACLS, 1),
    (ApiKey::DELETE_ACLS, 1),
    (ApiKey::DESCRIBE_CONFIGS, 2),
    (ApiKey::ALTER_CONFIGS, 1),
    (ApiKey::CREATE_PARTITIONS, 1),
    (ApiKey::DELETE_GROUPS, 1),
    (ApiKey::CONSUMER_GROUP_HEARTBEAT, 0),
];

#[cfg(test)]
mod tests;
