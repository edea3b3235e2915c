//! The size of a record as kafka-go counts it before it is encoded: by that its documents say when a batch is full.

use ekafka_protocol::records::RecordData;

/// Fourteen bytes, key and value with four-byte lengths, and the headers as a batch has them.
pub(super) fn estimate(record: &RecordData<'_>) -> usize {
    let bytes = |field: Option<&[u8]>| 4 + field.map_or(0, <[u8]>::len);
    let counted = |length: usize| varint_len(length) + length;
    let headers = record
        .headers
        .iter()
        .map(|header| counted(header.key.len()) + counted(header.value.map_or(0, <[u8]>::len)));
    let count = varint_len(record.headers.len());
    14 + bytes(record.key) + bytes(record.value) + count + headers.sum::<usize>()
}

/// Bytes of a length as a zigzag varint: seven bits each, one of them for the sign.
fn varint_len(length: usize) -> usize {
    let bits = usize::BITS - length.leading_zeros() + 1;
    bits.div_ceil(7) as usize
}
