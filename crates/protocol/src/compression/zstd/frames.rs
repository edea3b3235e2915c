//! How much zstd frames will give out, from their headers alone (RFC 8878 section 3.1.1).
//! Integers are little-endian.
//!
//! ```text
//! magic u32   descriptor u8   [window u8]   [dictionary id 0, 1, 2, 4]   [content size 0, 1, 2, 4, 8]
//! blocks: header u24 (bit 0 last, bits 1-2 type, bits 3-23 size), bytes   [checksum u32]
//! ```

/// An output size read from frame and block headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OutputSize {
    /// Bytes; an upper bound unless `exact`.
    pub(super) bytes: u64,
    /// Whether every frame states its content size.
    pub(super) exact: bool,
}

/// Sums up all frames in `input`; `None` when their headers are damaged or cut off.
pub(super) fn output_size(input: &[u8]) -> Option<OutputSize> {
    let mut sum = OutputSize {
        bytes: 0,
        exact: true,
    };
    let mut rest = input;
    while !rest.is_empty() {
        let magic = little_endian(&mut rest, 4)?;
        if magic & SKIPPABLE_MASK == SKIPPABLE {
            let length = little_endian(&mut rest, 4)?;
            take(&mut rest, usize::try_from(length).ok()?)?;
            continue;
        }
        if magic != MAGIC {
            return None;
        }
        let (stated, checksum) = frame_header(&mut rest)?;
        let bound = blocks(&mut rest)?;
        take(&mut rest, if checksum { 4 } else { 0 })?;
        // A stated size that the blocks cannot reach is a lie: memory is taken for the blocks only.
        sum.bytes = sum.bytes.checked_add(stated.unwrap_or(bound).min(bound))?;
        sum.exact &= stated.is_some_and(|stated| stated <= bound);
    }
    Some(sum)
}

/// The stated content size, and whether a checksum ends the frame.
fn frame_header(rest: &mut &[u8]) -> Option<(Option<u64>, bool)> {
    let descriptor = little_endian(rest, 1)?;
    let single_segment = descriptor & 0x20 != 0;
    if !single_segment {
        little_endian(rest, 1)?;
    }
    take(rest, [0, 1, 2, 4][(descriptor & 3) as usize])?;
    let stated = match (descriptor >> 6, single_segment) {
        (0, false) => None,
        (0, true) => Some(little_endian(rest, 1)?),
        (1, _) => Some(little_endian(rest, 2)? + 256),
        (2, _) => Some(little_endian(rest, 4)?),
        _ => Some(little_endian(rest, 8)?),
    };
    Some((stated, descriptor & 4 != 0))
}

/// The most that the blocks of one frame can give out.
fn blocks(rest: &mut &[u8]) -> Option<u64> {
    let mut bound = 0u64;
    loop {
        let header = little_endian(rest, 3)?;
        let size = header >> 3;
        let (stored, output) = match (header >> 1) & 3 {
            0 => (size, size),
            1 => (1, size),
            2 => (size, BLOCK_MAX),
            _ => return None,
        };
        take(rest, stored as usize)?;
        bound += output;
        if header & 1 != 0 {
            return Some(bound);
        }
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

/// An unsigned integer of up to 8 bytes.
fn little_endian(rest: &mut &[u8], length: usize) -> Option<u64> {
    let bytes = take(rest, length)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |value, &byte| (value << 8) | u64::from(byte)),
    )
}

const MAGIC: u64 = 0xfd2f_b528;
const SKIPPABLE: u64 = 0x184d_2a50;
const SKIPPABLE_MASK: u64 = 0xffff_fff0;
const BLOCK_MAX: u64 = 128 * 1024;
