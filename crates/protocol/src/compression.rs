//! The four codecs of record batches (KIP-98, KIP-110, KIP-390), each with a hard cap on what it
//! gives out. Contexts and scratch memory are kept per thread.

use bytes::{Bytes, BytesMut};

use crate::error::{DecodeError, EncodeError};

mod codec;
mod gzip;
mod lz4;
mod scratch;
mod snappy;
#[cfg(feature = "zstd")]
mod zstd;

#[cfg(test)]
mod tests;

pub use codec::{Codec, Compression, ParseCompressionError};

/// Appends the compressed form of `input` to `output`.
///
/// # Errors
/// [`EncodeError::Compression`] when the codec fails or is not built in.
pub fn compress(
    compression: Compression,
    input: &[u8],
    output: &mut BytesMut,
) -> Result<(), EncodeError> {
    match compression.codec() {
        Codec::None => output.extend_from_slice(input),
        Codec::Gzip => gzip::compress(compression.level(), input, output)?,
        Codec::Snappy => snappy::compress(input, output)?,
        Codec::Lz4 => lz4::compress(lz4::HeaderChecksum::Standard, input, output)?,
        #[cfg(feature = "zstd")]
        Codec::Zstd => zstd::compress(compression.level(), input, output)?,
        #[cfg(not(feature = "zstd"))]
        Codec::Zstd => return Err(not_built_in(Codec::Zstd)),
    }
    Ok(())
}

/// The decompressed form of `input`, of at most `limit` bytes.
///
/// A declared size is compared with the cap before memory is taken for it. The result has no more
/// capacity than bytes.
///
/// # Errors
/// [`DecodeError::TooLarge`] past the cap, [`DecodeError::Compression`] for damaged input,
/// [`DecodeError::UnknownCodec`] when the codec is not built in.
pub fn decompress(codec: Codec, input: &[u8], limit: usize) -> Result<Bytes, DecodeError> {
    match codec {
        Codec::None if input.len() > limit => Err(too_large("record batch", limit)),
        Codec::None => Ok(Bytes::copy_from_slice(input)),
        Codec::Gzip => gzip::decompress(input, limit),
        Codec::Snappy => snappy::decompress(input, limit),
        Codec::Lz4 => lz4::decompress(lz4::HeaderChecksum::Standard, input, limit),
        #[cfg(feature = "zstd")]
        Codec::Zstd => zstd::decompress(input, limit),
        #[cfg(not(feature = "zstd"))]
        Codec::Zstd => Err(DecodeError::UnknownCodec { id: codec.id() }),
    }
}

/// As [`compress`], for a message set of format 0, whose lz4 frames carry a header checksum that
/// also covers the magic number (KAFKA-3160).
pub(crate) fn compress_v0(
    compression: Compression,
    input: &[u8],
    output: &mut BytesMut,
) -> Result<(), EncodeError> {
    match compression.codec() {
        Codec::Lz4 => lz4::compress(lz4::HeaderChecksum::WithMagic, input, output),
        _ => compress(compression, input, output),
    }
}

/// As [`decompress`], for a message set of format 0: any lz4 header checksum is accepted.
pub(crate) fn decompress_v0(
    codec: Codec,
    input: &[u8],
    limit: usize,
) -> Result<Bytes, DecodeError> {
    match codec {
        Codec::Lz4 => lz4::decompress(lz4::HeaderChecksum::WithMagic, input, limit),
        _ => decompress(codec, input, limit),
    }
}

#[cold]
fn too_large(what: &'static str, limit: usize) -> DecodeError {
    DecodeError::TooLarge { what, limit }
}

/// A fault found by this crate or a codec's library.
#[cold]
fn damaged(codec: Codec, detail: impl std::fmt::Display) -> DecodeError {
    DecodeError::Compression {
        codec: codec.name(),
        detail: detail.to_string().into(),
    }
}

#[cold]
fn failed(codec: Codec, detail: impl std::fmt::Display) -> EncodeError {
    EncodeError::Compression {
        codec: codec.name(),
        detail: detail.to_string().into(),
    }
}

#[cold]
#[cfg(not(feature = "zstd"))]
fn not_built_in(codec: Codec) -> EncodeError {
    failed(codec, "not built in: enable the feature of that name")
}
