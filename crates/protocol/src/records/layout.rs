//! The header of a record batch, format 2 (KIP-98), big-endian; and the bits of its attributes.
//!
//! ```text
//!  0 base offset i64           23 last offset delta i32
//!  8 batch length i32 (of 12..) 27 base timestamp i64
//! 12 leader epoch i32          35 max timestamp i64
//! 16 magic i8 = 2              43 producer id i64
//! 17 CRC-32C u32 (of 21..)     51 producer epoch i16
//! 21 attributes i16            53 base sequence i32
//!                              57 record count i32, records from 61
//! ```

pub(super) const BASE_OFFSET: usize = 0;
pub(super) const BATCH_LENGTH: usize = 8;
pub(super) const LEADER_EPOCH: usize = 12;
pub(super) const MAGIC: usize = 16;
pub(super) const CRC: usize = 17;
pub(super) const ATTRIBUTES: usize = 21;
pub(super) const LAST_OFFSET_DELTA: usize = 23;
pub(super) const BASE_TIMESTAMP: usize = 27;
pub(super) const MAX_TIMESTAMP: usize = 35;
pub(super) const PRODUCER_ID: usize = 43;
pub(super) const PRODUCER_EPOCH: usize = 51;
pub(super) const BASE_SEQUENCE: usize = 53;
pub(super) const COUNT: usize = 57;

/// Bytes before the first record of a format 2 batch.
pub const BATCH_OVERHEAD: usize = 61;

/// Base offset and length come before what the length counts, in every format.
pub(super) const LOG_OVERHEAD: usize = 12;

/// The shortest record: its length, attributes, two deltas, two null fields, no header.
pub(super) const MIN_RECORD: usize = 7;

pub(super) const CODEC_MASK: i16 = 0x07;
pub(super) const LOG_APPEND_TIME: i16 = 0x08;
pub(super) const TRANSACTIONAL: i16 = 0x10;
pub(super) const CONTROL: i16 = 0x20;

/// Copies `N` bytes to `at`; the caller has made room for the header.
#[inline]
pub(super) fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    out[at..at + N].copy_from_slice(&bytes);
}

/// The `N` bytes at `at`, when they are there.
#[inline]
pub(super) fn get<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
