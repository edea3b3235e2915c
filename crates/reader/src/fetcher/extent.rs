//! How far the batches of one fetched partition reach, found by their headers alone.
//!
//! ```text
//! all formats   0 base offset i64   8 length i32 (bytes after it)   16 magic i8
//! format 2      12 leader epoch i32   23 last offset delta i32   61 records
//! ```

#[cfg(test)]
mod tests;

/// The whole batches at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The offset to ask for next.
    pub(crate) next: i64,
    /// Leader epoch of the last whole batch; -1 when there is none, or its format has no epochs.
    pub(crate) leader_epoch: i32,
    /// Bytes of the largest batch, the one that is cut off included.
    pub(crate) largest: usize,
    /// Bytes of whole batches, or all bytes when a header makes no sense, so that its reader reports it.
    pub(crate) bytes: usize,
    /// Whether a header makes no sense.
    pub(crate) is_damaged: bool,
}

/// Walks the batches that a fetch from `offset` brought. Never falls below `offset`.
pub(crate) fn extent(records: &[u8], offset: i64) -> Extent {
    let mut next = offset;
    let mut leader_epoch = -1;
    let mut largest = 0;
    let mut rest = records;
    while let Some((base, after)) = rest.split_first_chunk() {
        let Some((length, after)) = after.split_first_chunk() else {
            break;
        };
        let base = i64::from_be_bytes(*base);
        let length = i32::from_be_bytes(*length);
        if length < SMALLEST_LENGTH {
            let bytes = records.len();
            return Extent {
                next,
                leader_epoch,
                largest,
                bytes,
                is_damaged: true,
            };
        }
        largest = largest.max(length.unsigned_abs() as usize + PREFIX);
        let Some((batch, after)) = after.split_at_checked(length.unsigned_abs() as usize) else {
            break;
        };
        let end = base
            .saturating_add(last_offset_delta(batch))
            .saturating_add(1);
        next = next.max(end);
        leader_epoch = epoch_of(batch);
        rest = after;
    }
    let bytes = records.len() - rest.len();
    Extent {
        next,
        leader_epoch,
        largest,
        bytes,
        is_damaged: false,
    }
}

/// The offset behind the first batch by its own header, and where the batch behind it begins.
pub(crate) fn end_and_next(records: &[u8]) -> (Option<i64>, Option<i64>) {
    let Some((first, next)) = split_batch(records) else {
        return (None, None);
    };
    let base = base_offset(records).unwrap_or(0);
    let end = base.checked_add(last_offset_delta(first));
    let next = split_batch(next).and_then(|_| base_offset(next));
    (end.and_then(|last| last.checked_add(1)), next)
}

/// The first batch behind its length, and what follows it.
fn split_batch(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = records.get(8..PREFIX)?.first_chunk()?;
    let length = i32::from_be_bytes(*length);
    let rest = records.get(PREFIX..)?;
    let length = usize::try_from(length).ok()?;
    rest.split_at_checked(length)
}

fn base_offset(records: &[u8]) -> Option<i64> {
    records.first_chunk().map(|base| i64::from_be_bytes(*base))
}

/// `batch` begins behind its length. A wrapper of formats 0 and 1 carries its last offset itself.
fn last_offset_delta(batch: &[u8]) -> i64 {
    let magic = batch.get(4).copied().unwrap_or(0);
    let delta = batch.get(11..15).and_then(|bytes| bytes.first_chunk());
    match delta {
        Some(delta) if magic >= 2 => i64::from(i32::from_be_bytes(*delta).max(0)),
        _ => 0,
    }
}

/// The epoch of the leader that appended the batch, which begins behind its length.
fn epoch_of(batch: &[u8]) -> i32 {
    let magic = batch.get(4).copied().unwrap_or(0);
    match batch.first_chunk() {
        Some(epoch) if magic >= 2 => i32::from_be_bytes(*epoch),
        _ => -1,
    }
}

/// Bytes of offset and length before each batch.
const PREFIX: usize = 12;
/// Bytes of the smallest message (format 0 without key and value), without offset and length.
const SMALLEST_LENGTH: i32 = 14;
