//! Zstandard (RFC 8878) by the reference library's one-call interface, which needs no window buffer
//! of its own: the output is the window, so a frame's declared window costs nothing.

use std::cell::RefCell;
use std::io;

use bytes::{Bytes, BytesMut};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{self, CParameter};

use super::{Codec, damaged, failed, scratch, too_large};
use crate::error::{DecodeError, EncodeError};

mod frames;

thread_local! {
    /// The last used level, `None` for the default, and its context.
    static COMPRESSOR: RefCell<Option<(Option<i32>, Compressor<'static>)>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

pub(super) fn compress(
    level: Option<i32>,
    input: &[u8],
    output: &mut BytesMut,
) -> Result<(), EncodeError> {
    COMPRESSOR.with_borrow_mut(|kept| {
        let mut context = match kept.take() {
            Some((same, context)) if same == level => context,
            _ => new_compressor(level).map_err(|error| failed(Codec::Zstd, error))?,
        };
        let start = output.len();
        output.resize(start + zstd_safe::compress_bound(input.len()), 0);
        let written = context.compress_to_buffer(input, &mut output[start..]);
        let length = written.map_err(|error| failed(Codec::Zstd, error))?;
        output.truncate(start + length);
        *kept = Some((level, context));
        Ok(())
    })
}

fn new_compressor(level: Option<i32>) -> io::Result<Compressor<'static>> {
    let mut context = Compressor::new(level.unwrap_or(DEFAULT_LEVEL))?;
    if level.is_none() {
        for parameter in DEFAULT_TABLES {
            context.set_parameter(parameter)?;
        }
    }
    Ok(context)
}

pub(super) fn decompress(input: &[u8], limit: usize) -> Result<Bytes, DecodeError> {
    let size = frames::output_size(input).ok_or_else(|| damaged(Codec::Zstd, "bad frame"))?;
    if size.exact && size.bytes > limit as u64 {
        return Err(too_large("zstd output", limit));
    }
    let room = size.bytes.min(limit as u64) as usize;
    if size.exact {
        let mut output = Vec::with_capacity(room);
        fill(input, &mut output, false, limit)?;
        return Ok(Bytes::from(output));
    }
    scratch::collect(|output| {
        output.reserve_exact(room);
        fill(input, output, size.bytes > limit as u64, limit)
    })
}

/// Decompresses into the capacity of `output`, which the caller has made large enough unless
/// `capped`.
fn fill(input: &[u8], output: &mut Vec<u8>, capped: bool, limit: usize) -> Result<(), DecodeError> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let mut context = match kept.take() {
            Some(context) => context,
            None => Decompressor::new().map_err(|error| damaged(Codec::Zstd, error))?,
        };
        let written = context.decompress_to_buffer(input, output);
        *kept = Some(context);
        match written {
            Ok(_) if output.len() > limit => Err(too_large("zstd output", limit)),
            Ok(_) => Ok(()),
            // The library's only way to say so: the text of its error 70.
            Err(error) if capped && error.to_string().contains("too small") => {
                Err(too_large("zstd output", limit))
            }
            Err(error) => Err(damaged(Codec::Zstd, error)),
        }
    })
}

/// Kafka's default, `compression.zstd.level`.
const DEFAULT_LEVEL: i32 = 3;

/// Where no level is named, level 3 works with tables of 64 and 32 KiB, which stay in the cache beside the batch, instead of
/// up to 512 and 256: a fifth faster on batches of 64 KiB to 1 MiB, and at most two in a hundred larger.
const DEFAULT_TABLES: [CParameter; 3] = [
    CParameter::HashLog(14),
    CParameter::ChainLog(13),
    CParameter::MinMatch(5),
];
