//! The batches in the `records` field of one fetched partition.

use bytes::Bytes;

use super::batch::Batch;
use super::layout;
use super::message;
use crate::error::DecodeError;

/// What reading may cost, and whether checksums are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Largest decompressed size of one batch in bytes. Default: 64 MiB.
    pub max_decompressed: usize,
    /// Whether a batch must match its checksum. Default: yes.
    pub check_crcs: bool,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_decompressed: 64 * 1024 * 1024,
            check_crcs: true,
        }
    }
}

/// Iterates over batches of any format, mixed as a log that was upgraded holds them.
///
/// A batch that is cut off at the end ends the iteration quietly, since brokers cut at a byte limit;
/// [`remainder`](Self::remainder) tells. Any other fault is returned once and ends the iteration.
#[derive(Debug, Clone)]
pub struct BatchIter {
    rest: Bytes,
    check_crcs: bool,
    done: bool,
}

impl BatchIter {
    /// Iterates over `records`, which the batches will share.
    #[must_use]
    pub fn new(records: Bytes, limits: &DecodeLimits) -> Self {
        Self {
            rest: records,
            check_crcs: limits.check_crcs,
            done: false,
        }
    }

    /// Bytes not consumed yet; after the last batch, those of the one that was cut off.
    #[must_use]
    pub fn remainder(&self) -> usize {
        self.rest.len()
    }

    fn take_batch(&mut self) -> Result<Option<Batch>, DecodeError> {
        let Some(length) = layout::get(&self.rest, layout::BATCH_LENGTH).map(i32::from_be_bytes)
        else {
            return Ok(None);
        };
        let size = usize::try_from(length)
            .ok()
            .filter(|length| *length >= message::MIN_LENGTH)
            .and_then(|length| length.checked_add(layout::LOG_OVERHEAD))
            .ok_or_else(|| DecodeError::Length {
                what: "record batch",
                length: i64::from(length),
                limit: self.rest.len(),
            })?;
        // The magic byte is at the same place in every format.
        let magic = self.rest.get(layout::MAGIC).map_or(0, |&byte| byte as i8);
        if !(0..=2).contains(&magic) {
            return Err(DecodeError::UnknownMagic { magic });
        }
        if size > self.rest.len() {
            return Ok(None);
        }
        let bytes = self.rest.split_to(size);
        Batch::read(bytes, magic, self.check_crcs).map(Some)
    }
}

impl Iterator for BatchIter {
    type Item = Result<Batch, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let taken = self.take_batch();
        self.done = !matches!(taken, Ok(Some(_)));
        taken.transpose()
    }
}

impl std::iter::FusedIterator for BatchIter {}
