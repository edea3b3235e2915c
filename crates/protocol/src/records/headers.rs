//! The headers of a record as a batch has them: their count, then key and value of each (KIP-82).

use super::record::Header;
use super::varint;

/// Bytes that they take, those of their count included.
#[inline(always)]
pub(super) fn encoded_len(headers: &[Header<'_>]) -> usize {
    if headers.is_empty() {
        return 1;
    }
    let bytes: usize = headers
        .iter()
        .map(|header| {
            varint::field_size(Some(header.key.as_bytes())) + varint::field_size(header.value)
        })
        .sum();
    varint::size(headers.len() as i64) + bytes
}

/// Writes them at `at` and returns the place behind them. The caller has made room.
#[inline(always)]
pub(super) fn put(out: &mut [u8], at: usize, headers: &[Header<'_>]) -> usize {
    let mut at = varint::put_len(out, at, headers.len());
    for header in headers {
        at = varint::put_field(out, at, Some(header.key.as_bytes()));
        at = varint::put_field(out, at, header.value);
    }
    at
}
