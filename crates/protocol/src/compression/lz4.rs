//! LZ4 frames. Integers are little-endian.
//!
//! ```text
//! 0 magic u32   4 flags   5 block size code   6 [content size u64] [dictionary id u32]
//! header checksum u8 = (xxh32(from 4) >> 8)
//! blocks: length u32 (top bit: stored), bytes, [xxh32 u32]
//! end mark u32 = 0   [content xxh32 u32]
//! ```

use std::cell::RefCell;

use bytes::{BufMut, Bytes, BytesMut};
use lz4_flex::block::{
    CompressTable, compress_into_with_table, decompress_into, decompress_into_with_dict,
    get_maximum_output_size,
};
use twox_hash::XxHash32;

use super::{Codec, damaged, failed, scratch, too_large};
use crate::error::{DecodeError, EncodeError};

thread_local! {
    static TABLE: RefCell<CompressTable> = RefCell::new(CompressTable::large());
}

/// How the header's checksum byte is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderChecksum {
    /// As the frame format says; checked when read.
    Standard,
    /// As Kafka wrote it in message sets of format 0, over the magic number too (KAFKA-3160); not
    /// checked when read, since some writers of that format did it right.
    WithMagic,
}

/// Writes independent blocks of 64 KiB, as the Java client does: small enough to stay in cache, and
/// a reader allocates no more than that at a time.
pub(super) fn compress(
    checksum: HeaderChecksum,
    input: &[u8],
    output: &mut BytesMut,
) -> Result<(), EncodeError> {
    output.put_slice(&HEADER);
    output.put_u8(match checksum {
        HeaderChecksum::Standard => header_checksum(&HEADER[4..]),
        HeaderChecksum::WithMagic => header_checksum(&HEADER),
    });
    TABLE.with_borrow_mut(|table| {
        for block in input.chunks(BLOCK) {
            let length_at = output.len();
            let start = length_at + 4;
            output.resize(start + get_maximum_output_size(block.len()), 0);
            let mut length = compress_into_with_table(block, &mut output[start..], table)
                .map_err(|error| failed(Codec::Lz4, error))?;
            let mut marked = length as u32;
            if length >= block.len() {
                output[start..start + block.len()].copy_from_slice(block);
                length = block.len();
                marked = length as u32 | STORED;
            }
            output.truncate(start + length);
            output[length_at..start].copy_from_slice(&marked.to_le_bytes());
        }
        Ok(())
    })?;
    output.put_u32_le(0);
    Ok(())
}

pub(super) fn decompress(
    checksum: HeaderChecksum,
    input: &[u8],
    limit: usize,
) -> Result<Bytes, DecodeError> {
    scratch::collect(|output| {
        let mut rest = input;
        loop {
            rest = frame(checksum, rest, output, limit)?;
            if rest.is_empty() {
                return Ok(());
            }
        }
    })
}

/// Decompresses one frame and returns what follows it.
fn frame<'a>(
    checksum: HeaderChecksum,
    input: &'a [u8],
    output: &mut Vec<u8>,
    limit: usize,
) -> Result<&'a [u8], DecodeError> {
    let mut rest = input;
    let magic = take_u32(&mut rest)?;
    if magic & SKIPPABLE_MASK == SKIPPABLE {
        let length = take_u32(&mut rest)? as usize;
        return rest.get(length..).ok_or_else(cut_off);
    }
    if magic != MAGIC {
        return Err(damaged(Codec::Lz4, "not an lz4 frame"));
    }
    let header = Header::take(checksum, &mut rest)?;
    if header
        .content_size
        .is_some_and(|size| size > (limit - output.len().min(limit)) as u64)
    {
        return Err(too_large("lz4 output", limit));
    }
    let start = output.len();
    loop {
        let word = take_u32(&mut rest)?;
        if word == 0 {
            break;
        }
        let block = take(&mut rest, (word & !STORED) as usize)?;
        if header.has(FLAG_BLOCK_CHECKSUM) && take_u32(&mut rest)? != XxHash32::oneshot(0, block) {
            return Err(damaged(Codec::Lz4, "block checksum does not match"));
        }
        let room = header.block_max.min(limit.saturating_sub(output.len()));
        if word & STORED != 0 {
            if block.len() > room {
                return Err(block_too_large(room, header.block_max, limit));
            }
            scratch::reserve(output, block.len(), limit);
            output.extend_from_slice(block);
        } else {
            let history = if header.has(FLAG_INDEPENDENT) {
                output.len()
            } else {
                start
            };
            decompress_block(block, output, history, room, limit).map_err(|Fault(error)| {
                match error {
                    lz4_flex::block::DecompressError::OutputTooSmall { .. } => {
                        block_too_large(room, header.block_max, limit)
                    }
                    error => damaged(Codec::Lz4, error),
                }
            })?;
        }
    }
    let produced = &output[start..];
    if header
        .content_size
        .is_some_and(|size| size != produced.len() as u64)
    {
        return Err(damaged(Codec::Lz4, "content size does not match"));
    }
    if header.has(FLAG_CONTENT_CHECKSUM) && take_u32(&mut rest)? != XxHash32::oneshot(0, produced) {
        return Err(damaged(Codec::Lz4, "content checksum does not match"));
    }
    Ok(rest)
}

struct Fault(lz4_flex::block::DecompressError);

/// Appends one block, which may refer to up to 64 KiB of what was put out from `history` on.
fn decompress_block(
    block: &[u8],
    output: &mut Vec<u8>,
    history: usize,
    room: usize,
    limit: usize,
) -> Result<(), Fault> {
    let at = output.len();
    // A length byte of a block stands for at most 255 bytes, so no block needs more room than that.
    let room = room.min(block.len().saturating_mul(255).saturating_add(64));
    scratch::reserve(output, room, limit);
    output.resize(at + room, 0);
    let (before, target) = output.split_at_mut(at);
    let history = &before[history.max(at.saturating_sub(WINDOW))..];
    let result = if history.is_empty() {
        decompress_into(block, target)
    } else {
        decompress_into_with_dict(block, target, history)
    };
    output.truncate(at + *result.as_ref().unwrap_or(&0));
    result.map(|_| ()).map_err(Fault)
}

struct Header {
    flags: u8,
    block_max: usize,
    content_size: Option<u64>,
}

impl Header {
    fn take(checksum: HeaderChecksum, rest: &mut &[u8]) -> Result<Self, DecodeError> {
        let from = *rest;
        let &[flags, sizes] = take_array::<2>(rest)?;
        if flags >> 6 != 1 {
            return Err(damaged(Codec::Lz4, "unknown frame version"));
        }
        let block_max = match (sizes >> 4) & 7 {
            4 => 64 * 1024,
            5 => 256 * 1024,
            6 => 1024 * 1024,
            7 => 4 * 1024 * 1024,
            _ => return Err(damaged(Codec::Lz4, "unknown block size")),
        };
        let content_size = match flags & FLAG_CONTENT_SIZE {
            0 => None,
            _ => Some(u64::from_le_bytes(*take_array(rest)?)),
        };
        if flags & FLAG_DICTIONARY != 0 {
            return Err(damaged(Codec::Lz4, "needs a dictionary"));
        }
        let described = &from[..from.len() - rest.len()];
        let &[stored] = take_array::<1>(rest)?;
        if checksum == HeaderChecksum::Standard && stored != header_checksum(described) {
            return Err(damaged(Codec::Lz4, "header checksum does not match"));
        }
        Ok(Self {
            flags,
            block_max,
            content_size,
        })
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

fn header_checksum(bytes: &[u8]) -> u8 {
    (XxHash32::oneshot(0, bytes) >> 8) as u8
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], DecodeError> {
    let (taken, after) = rest.split_at_checked(length).ok_or_else(cut_off)?;
    *rest = after;
    Ok(taken)
}

fn take_array<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], DecodeError> {
    let (taken, after) = rest.split_first_chunk().ok_or_else(cut_off)?;
    *rest = after;
    Ok(taken)
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, DecodeError> {
    Ok(u32::from_le_bytes(*take_array(rest)?))
}

#[cold]
fn cut_off() -> DecodeError {
    damaged(Codec::Lz4, "frame is cut off")
}

/// A block that does not fit is past the cap, unless the cap left room for a whole one.
#[cold]
fn block_too_large(room: usize, block_max: usize, limit: usize) -> DecodeError {
    if room < block_max {
        too_large("lz4 output", limit)
    } else {
        damaged(Codec::Lz4, "block is larger than the frame allows")
    }
}

const MAGIC: u32 = 0x184d_2204;
const SKIPPABLE: u32 = 0x184d_2a50;
const SKIPPABLE_MASK: u32 = 0xffff_fff0;
/// Version 1, independent blocks, no sizes or checksums; blocks of up to 64 KiB.
const HEADER: [u8; 6] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40];
const FLAG_INDEPENDENT: u8 = 0x20;
const FLAG_BLOCK_CHECKSUM: u8 = 0x10;
const FLAG_CONTENT_SIZE: u8 = 0x08;
const FLAG_CONTENT_CHECKSUM: u8 = 0x04;
const FLAG_DICTIONARY: u8 = 0x01;
const STORED: u32 = 0x8000_0000;
const BLOCK: usize = 64 * 1024;
const WINDOW: usize = 64 * 1024;
