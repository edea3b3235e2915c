//! gzip (RFC 1952) around raw deflate, so that the deflate contexts can be kept. Integers are
//! little-endian.
//!
//! ```text
//! 0 1f 8b   2 method = 8   3 flags   4 mtime u32   8 extra flags   9 system   10 optional fields
//! deflate stream   CRC-32 u32   length modulo 2^32 u32
//! ```

use std::cell::RefCell;

use bytes::{BufMut, Bytes, BytesMut};
use flate2::{Compress, Decompress, FlushCompress, FlushDecompress, Status};

use super::{Codec, damaged, failed, scratch, too_large};
use crate::error::{DecodeError, EncodeError};

thread_local! {
    /// The last used level and its context.
    static COMPRESS: RefCell<Option<(u32, Compress)>> = const { RefCell::new(None) };
    static DECOMPRESS: RefCell<Option<Decompress>> = const { RefCell::new(None) };
}

pub(super) fn compress(
    level: Option<i32>,
    input: &[u8],
    output: &mut BytesMut,
) -> Result<(), EncodeError> {
    let level = level
        .and_then(|level| u32::try_from(level).ok())
        .unwrap_or(6);
    output.put_slice(&HEADER);
    COMPRESS.with_borrow_mut(|kept| {
        let context = match kept {
            Some((same, context)) if *same == level => {
                context.reset();
                context
            }
            _ => &mut kept.insert((level, new_compress(level))).1,
        };
        deflate(context, input, output)
    })?;
    output.put_u32_le(crc32fast::hash(input));
    output.put_u32_le(input.len() as u32);
    Ok(())
}

fn new_compress(level: u32) -> Compress {
    Compress::new(flate2::Compression::new(level), false)
}

fn deflate(context: &mut Compress, input: &[u8], output: &mut BytesMut) -> Result<(), EncodeError> {
    let start = output.len();
    // Stored blocks bound what deflate can add: 5 bytes for each 16 KiB and the ends.
    output.resize(start + input.len() + input.len() / 1024 + 64, 0);
    let mut used = 0;
    loop {
        let taken = context.total_in() as usize;
        let room = &mut output[start + used..];
        let status = context
            .compress(&input[taken..], room, FlushCompress::Finish)
            .map_err(|error| failed(Codec::Gzip, error))?;
        used = context.total_out() as usize;
        match status {
            Status::StreamEnd => break,
            Status::Ok | Status::BufError => output.resize(output.len() + 4096, 0),
        }
    }
    output.truncate(start + used);
    Ok(())
}

pub(super) fn decompress(input: &[u8], limit: usize) -> Result<Bytes, DecodeError> {
    scratch::collect(|output| {
        let mut rest = input;
        loop {
            rest = member(rest, output, limit)?;
            // RFC 1952 allows members one after another.
            if rest.is_empty() {
                return Ok(());
            }
        }
    })
}

/// Decompresses one member and returns what follows it.
fn member<'a>(
    input: &'a [u8],
    output: &mut Vec<u8>,
    limit: usize,
) -> Result<&'a [u8], DecodeError> {
    let body = skip_header(input).ok_or_else(|| damaged(Codec::Gzip, "bad header"))?;
    let start = output.len();
    let taken = DECOMPRESS.with_borrow_mut(|kept| {
        let context = kept.get_or_insert_with(|| Decompress::new(false));
        context.reset(false);
        inflate(context, body, output, limit)
    })?;
    let trailer = body.get(taken..).and_then(|rest| rest.split_at_checked(8));
    let Some((trailer, rest)) = trailer else {
        return Err(damaged(Codec::Gzip, "trailer is cut off"));
    };
    let produced = &output[start..];
    let mut expected = [0; 8];
    expected[..4].copy_from_slice(&crc32fast::hash(produced).to_le_bytes());
    expected[4..].copy_from_slice(&(produced.len() as u32).to_le_bytes());
    if trailer != expected {
        return Err(damaged(Codec::Gzip, "checksum or length does not match"));
    }
    Ok(rest)
}

/// Returns how many bytes of `body` the deflate stream takes.
fn inflate(
    context: &mut Decompress,
    body: &[u8],
    output: &mut Vec<u8>,
    limit: usize,
) -> Result<usize, DecodeError> {
    loop {
        if output.len() == output.capacity() && !scratch::grow(output, limit) {
            // One more byte tells the end of the stream from the cap.
            let mut probe = [0];
            let taken = context.total_in() as usize;
            let status = context.decompress(&body[taken..], &mut probe, FlushDecompress::None);
            return match status {
                Ok(Status::StreamEnd) if context.total_out() as usize <= limit => {
                    Ok(context.total_in() as usize)
                }
                Ok(_) => Err(too_large("gzip output", limit)),
                Err(error) => Err(damaged(Codec::Gzip, error)),
            };
        }
        let before = (context.total_in(), output.len());
        let status = context
            .decompress_vec(&body[before.0 as usize..], output, FlushDecompress::None)
            .map_err(|error| damaged(Codec::Gzip, error))?;
        if output.len() > limit {
            return Err(too_large("gzip output", limit));
        }
        if status == Status::StreamEnd {
            return Ok(context.total_in() as usize);
        }
        if before == (context.total_in(), output.len()) {
            return Err(damaged(Codec::Gzip, "stream is cut off"));
        }
    }
}

fn skip_header(input: &[u8]) -> Option<&[u8]> {
    let (fixed, mut rest) = input.split_at_checked(HEADER.len())?;
    if fixed[..3] != HEADER[..3] {
        return None;
    }
    let flags = fixed[3];
    if flags & FLAG_EXTRA != 0 {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            let end = rest.iter().position(|&byte| byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & FLAG_HEADER_CRC != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// No optional fields, no time, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const FLAG_HEADER_CRC: u8 = 0x02;
const FLAG_EXTRA: u8 = 0x04;
const FLAG_NAME: u8 = 0x08;
const FLAG_COMMENT: u8 = 0x10;
