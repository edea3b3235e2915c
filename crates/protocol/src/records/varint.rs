//! Zigzag varints as record batches use them (KIP-98): base 128, least significant group first.

/// Bytes that `value` takes as a zigzag varint, 1 to 10.
#[inline(always)]
pub(super) fn size(value: i64) -> usize {
    unsigned_size(zigzag(value))
}

/// Bytes that the length of a nullable field takes, with the field itself.
#[inline(always)]
pub(super) fn field_size(field: Option<&[u8]>) -> usize {
    match field {
        None => 1,
        Some(bytes) => unsigned_size((bytes.len() as u64) << 1) + bytes.len(),
    }
}

/// Writes `value` at `at` and returns the place behind it. The caller has made room.
#[inline(always)]
pub(super) fn put(out: &mut [u8], at: usize, value: i64) -> usize {
    put_unsigned(out, at, zigzag(value))
}

/// Writes a length that is not negative.
#[inline(always)]
pub(super) fn put_len(out: &mut [u8], at: usize, length: usize) -> usize {
    put_unsigned(out, at, (length as u64) << 1)
}

/// Writes a nullable field with its length. The caller has made room.
#[inline(always)]
pub(super) fn put_field(out: &mut [u8], at: usize, field: Option<&[u8]>) -> usize {
    let Some(bytes) = field else {
        out[at] = NULL_LENGTH;
        return at + 1;
    };
    let at = put_len(out, at, bytes.len());
    let end = at + bytes.len();
    out[at..end].copy_from_slice(bytes);
    end
}

/// Takes a varint of up to 10 bytes off the front and returns what follows it; `None` when it is
/// cut off or over-long. Slices go in and out by value, so that they stay in registers.
#[inline(always)]
pub(super) fn take_long(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((unzigzag(u64::from(first)), rest));
    }
    let (&second, rest) = rest.split_first()?;
    if second < 0x80 {
        let value = u64::from(first & 0x7f) | (u64::from(second) << 7);
        return Some((unzigzag(value), rest));
    }
    let (value, length) = read_rest(bytes, 10)?;
    Some((unzigzag(value), bytes.get(length..)?))
}

/// Takes a varint of up to 5 bytes, its sign still in the lowest bit: what is odd is negative.
#[inline(always)]
pub(super) fn take_unsigned(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((u32::from(first), rest));
    }
    let (&second, rest) = rest.split_first()?;
    if second < 0x80 {
        let value = u32::from(first & 0x7f) | (u32::from(second) << 7);
        return Some((value, rest));
    }
    let (value, length) = read_rest(bytes, 5)?;
    Some((u32::try_from(value).ok()?, bytes.get(length..)?))
}

/// The loop for three bytes and more: the value and its length. The tenth byte may carry one bit only.
#[inline(never)]
fn read_rest(bytes: &[u8], limit: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().enumerate().take(limit) {
        if index == 9 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            return Some((value, index + 1));
        }
    }
    None
}

/// One and two bytes hold nearly every length and delta; two are stored at once.
#[inline(always)]
fn put_unsigned(out: &mut [u8], at: usize, value: u64) -> usize {
    if value < 0x80 {
        out[at] = value as u8;
        return at + 1;
    }
    if value < 0x4000 {
        let groups = (value & 0x7f) | 0x80 | ((value >> 7) << 8);
        out[at..at + 2].copy_from_slice(&(groups as u16).to_le_bytes());
        return at + 2;
    }
    put_rest(out, at, value)
}

#[inline(never)]
fn put_rest(out: &mut [u8], mut at: usize, mut value: u64) -> usize {
    while value >= 0x80 {
        out[at] = value as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    out[at] = value as u8;
    at + 1
}

/// Branch-free: one byte for every seven significant bits.
#[inline(always)]
fn unsigned_size(value: u64) -> usize {
    let top_bit = 63 - (value | 1).leading_zeros();
    ((top_bit * 9 + 73) >> 6) as usize
}

#[inline(always)]
pub(super) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline(always)]
fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Length -1 as a zigzag varint.
const NULL_LENGTH: u8 = 1;

#[cfg(test)]
mod tests;
