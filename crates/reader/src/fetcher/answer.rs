//! What a fetch answer means for each partition.

use std::sync::Arc;

use ekafka_conn::BrokerId;
use ekafka_protocol::messages::{FetchResponse, FetchedPartition, IsolationLevel};
use ekafka_protocol::{DecodeError, ErrorCode};

use super::FetchSettings;
use super::book::Book;
use super::extent::{Extent, extent};
use crate::inbox::FetchedChunk;
use crate::ledger::{Cursor, Returned};

#[cfg(test)]
mod tests;

/// An answer, sorted.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Bytes of records, those of cut-off batches included.
    pub(crate) received: u64,
    /// For the inbox.
    pub(crate) chunks: Vec<FetchedChunk>,
    /// For control.
    pub(crate) returned: Vec<(Cursor, Returned)>,
    /// Whether a partition got ahead.
    pub(crate) has_moved: bool,
}

/// Moves the cursors of `book` past what was read and takes those out that cannot go on.
pub(crate) fn sort(book: &mut Book, settings: &FetchSettings, response: FetchResponse) -> Outcome {
    let mut outcome = Outcome::default();
    for topic in response.responses {
        let places = book.locate(&topic);
        for (partition, at) in topic.partitions.into_iter().zip(places) {
            outcome.received += size(&partition);
            let Some(at) = at else {
                continue;
            };
            if let Some(reason) = reason(&partition, settings) {
                let cursor = book.take(at);
                let returned = cursor.map(|cursor| (cursor, reason));
                outcome.returned.extend(returned);
            } else if let Some(cursor) = book.find(at) {
                let before = cursor.offset;
                let (chunk, largest) = read(cursor, settings, partition);
                outcome.has_moved |= cursor.offset > before;
                book.note_size(largest);
                outcome.chunks.extend(chunk);
            }
        }
    }
    outcome
}

fn size(partition: &FetchedPartition) -> u64 {
    partition
        .records
        .as_ref()
        .map_or(0, |records| records.len() as u64)
}

/// What is wrong with bytes that hold no whole batch: brokers send the first one whole or nothing (KIP-74).
fn incomplete(partition: &FetchedPartition) -> Option<DecodeError> {
    let records = partition.records.as_ref()?;
    let found = extent(records, 0);
    (!records.is_empty() && found.bytes == 0).then(|| DecodeError::Truncated {
        what: "record batch",
        needed: found.largest,
        left: records.len(),
    })
}

fn read(
    cursor: &mut Cursor,
    settings: &FetchSettings,
    partition: FetchedPartition,
) -> (Option<FetchedChunk>, usize) {
    let is_committed = settings.isolation_level == IsolationLevel::ReadCommitted;
    let stable = partition.last_stable_offset;
    let end = if is_committed && stable >= 0 {
        stable
    } else {
        partition.high_watermark
    };
    cursor.has_read = true;
    cursor.lane.note_ends(partition.high_watermark, end);
    let Some(records) = partition.records else {
        return (None, 0);
    };
    let offset = cursor.offset;
    let Extent {
        next,
        leader_epoch,
        largest,
        bytes,
        is_damaged,
    } = extent(&records, offset);
    cursor.offset = next;
    cursor.sizes.note(largest);
    if leader_epoch >= 0 {
        cursor.read_epoch = leader_epoch;
    }
    let aborted = partition.aborted_transactions.unwrap_or_default();
    let aborted = aborted
        .iter()
        .map(|one| (one.producer_id, one.first_offset));
    // Batches that lie before the offset alone were not asked for.
    let chunk = (bytes > 0 && (next > offset || is_damaged)).then(|| FetchedChunk {
        lane: Arc::clone(&cursor.lane),
        records: records.slice(..bytes),
        offset,
        aborted: aborted.filter(|_| is_committed).collect(),
    });
    (chunk, largest)
}

/// Why a cursor cannot stay with this broker; `None` when it can.
fn reason(partition: &FetchedPartition, settings: &FetchSettings) -> Option<Returned> {
    let size = size(partition);
    match partition.error_code {
        ErrorCode::NONE if partition.preferred_read_replica >= 0 => {
            let replica = BrokerId(partition.preferred_read_replica);
            Some(Returned::Preferred(replica))
        }
        // Brokers keep to the limits but for a first batch that is larger alone.
        ErrorCode::NONE if size > settings.budget => {
            let size = u32::try_from(size).unwrap_or(u32::MAX);
            Some(Returned::TooLarge(size))
        }
        ErrorCode::NONE => incomplete(partition).map(Returned::Incomplete),
        ErrorCode::OFFSET_OUT_OF_RANGE => Some(Returned::OutOfRange),
        ErrorCode::NOT_LEADER_OR_FOLLOWER
        | ErrorCode::FENCED_LEADER_EPOCH
        | ErrorCode::UNKNOWN_LEADER_EPOCH
        | ErrorCode::REPLICA_NOT_AVAILABLE
        | ErrorCode::LEADER_NOT_AVAILABLE
        | ErrorCode::KAFKA_STORAGE_ERROR => Some(Returned::Moved),
        code => Some(Returned::Refused(code)),
    }
}
