//! Snappy blocks, raw or in the xerial framing of snappy-java. Integers are big-endian.
//!
//! ```text
//! 0 82 'SNAPPY' 00   8 version i32 = 1   12 oldest compatible version i32 = 1
//! 16 then chunks: length i32, one raw snappy block
//! ```

use std::cell::RefCell;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Codec, damaged, failed, too_large};
use crate::error::{DecodeError, EncodeError};

thread_local! {
    static ENCODER: RefCell<snap::raw::Encoder> = RefCell::new(snap::raw::Encoder::new());
}

pub(super) fn compress(input: &[u8], output: &mut BytesMut) -> Result<(), EncodeError> {
    output.put_slice(&MAGIC);
    output.put_u32(1);
    output.put_u32(1);
    ENCODER.with_borrow_mut(|encoder| {
        for block in input.chunks(BLOCK) {
            let length_at = output.len();
            let start = length_at + 4;
            output.resize(start + snap::raw::max_compress_len(block.len()), 0);
            let length = encoder
                .compress(block, &mut output[start..])
                .map_err(|error| failed(Codec::Snappy, error))?;
            output.truncate(start + length);
            output[length_at..start].copy_from_slice(&(length as u32).to_be_bytes());
        }
        Ok(())
    })
}

pub(super) fn decompress(input: &[u8], limit: usize) -> Result<Bytes, DecodeError> {
    let total = blocks(input).try_fold(0usize, |total, block| {
        let length = declared_len(block?)?;
        let total = total.saturating_add(length);
        if total > limit {
            return Err(too_large("snappy output", limit));
        }
        Ok(total)
    })?;
    let mut output = vec![0; total];
    let mut rest = &mut output[..];
    let mut decoder = snap::raw::Decoder::new();
    for block in blocks(input) {
        let block = block?;
        let (room, after) = rest.split_at_mut(declared_len(block)?);
        decoder
            .decompress(block, room)
            .map_err(|error| damaged(Codec::Snappy, error))?;
        rest = after;
    }
    Ok(Bytes::from(output))
}

/// What the block says it holds. A copy element of 3 bytes gives out at most 64, so a length far
/// beyond the block's own is a lie, found before memory is taken.
fn declared_len(block: &[u8]) -> Result<usize, DecodeError> {
    let length = snap::raw::decompress_len(block).map_err(|error| damaged(Codec::Snappy, error))?;
    if length > block.len().saturating_mul(MAX_RATIO) {
        return Err(damaged(Codec::Snappy, "declared length cannot be reached"));
    }
    Ok(length)
}

/// The raw blocks of `input`: one, or those of a xerial stream.
fn blocks(input: &[u8]) -> impl Iterator<Item = Result<&[u8], DecodeError>> {
    let framed = input.starts_with(&MAGIC);
    let mut rest = input;
    let mut first = true;
    std::iter::from_fn(move || {
        if !framed {
            return std::mem::take(&mut first).then_some(Ok(input));
        }
        // Streams may follow one another: a header is legal wherever a chunk may begin.
        while rest.starts_with(&MAGIC) {
            let Some(after) = rest.get(HEADER_LEN..) else {
                rest = &[];
                return Some(Err(damaged(Codec::Snappy, "xerial header is cut off")));
            };
            rest = after;
        }
        if rest.is_empty() {
            return None;
        }
        let chunk = rest.split_first_chunk::<4>().and_then(|(length, after)| {
            after.split_at_checked(u32::from_be_bytes(*length) as usize)
        });
        match chunk {
            Some((block, after)) => {
                rest = after;
                Some(Ok(block))
            }
            None => {
                rest = &[];
                Some(Err(damaged(Codec::Snappy, "xerial chunk is cut off")))
            }
        }
    })
}

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const HEADER_LEN: usize = 16;
/// What snappy-java writes.
const BLOCK: usize = 32 * 1024;
const MAX_RATIO: usize = 32;
