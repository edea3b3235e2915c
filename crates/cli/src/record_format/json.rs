//! A record as one JSON object. Bytes are shown as text when they are UTF-8, else as `{"base64":"…"}`; absent ones
//! are `null`. Headers are a list, because their order counts and keys may repeat.

use std::io::{self, Write};

use ekafka::Header;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use super::Row;

/// Writes the object and a line end.
pub(super) fn write(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, row)?;
    out.write_all(b"\n")
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("record", 7)?;
        object.serialize_field("topic", self.topic)?;
        object.serialize_field("partition", &self.partition)?;
        object.serialize_field("offset", &self.offset)?;
        object.serialize_field("timestamp", &self.timestamp)?;
        object.serialize_field("key", &self.key.map(Octets))?;
        object.serialize_field("value", &self.value.map(Octets))?;
        object.serialize_field("headers", &Headers(self.headers))?;
        object.end()
    }
}

struct Headers<'a>(&'a [Header<'a>]);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for header in self.0 {
            list.serialize_element(&Pair(header))?;
        }
        list.end()
    }
}

struct Pair<'a>(&'a Header<'a>);

impl Serialize for Pair<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(2))?;
        object.serialize_entry("key", self.0.key)?;
        object.serialize_entry("value", &self.0.value.map(Octets))?;
        object.end()
    }
}

struct Octets<'a>(&'a [u8]);

impl Serialize for Octets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(self.0) {
            return serializer.serialize_str(text);
        }
        let mut object = serializer.serialize_map(Some(1))?;
        object.serialize_entry("base64", &base64(self.0))?;
        object.end()
    }
}

/// RFC 4648 §4, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
        let group = group << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let six = (group >> (18 - 6 * place)) & 63;
            let letter = LETTERS.get(six as usize).copied().unwrap_or(b'=');
            text.push(if place <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}
