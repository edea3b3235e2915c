//! Compares every length in a message with the bytes left, before a generated decoder sees it.
//!
//! The generated decoders reserve memory for as many elements as a count announces, so six bytes
//! could end the process. [`check`] walks the bytes along a table of Kafka's schemas, allocates
//! nothing, and answers `Ok` only when
//!
//! - every string, array, structure and tagged field lies wholly within the bytes,
//! - every known tagged field fills exactly the length it announces (the decoders do not look), and
//! - what the decoder will allocate stays below 16 × the bytes + 64 KiB. The table knows how large
//!   each array's element is in memory; structures with unknown tagged fields count 512 bytes more.
//!   A message that passes this bound without a lie would have thousands of elements that are all
//!   but empty, such as null messages of 4 bytes each that take 64 bytes in memory.
//!
//! Nesting is as deep as the schemas, at most 8 levels, since no schema refers to itself.
//!
//! The table is written by `cargo xtask schema`; tests compare it with the generated decoders.

use crate::decoder::{checked_length, read_uvarint};
use crate::{ApiKey, DecodeError};

#[rustfmt::skip]
mod generated;
mod table;
#[cfg(test)]
mod tests;

use table::{Element, Kind, Layout, Structure};

/// Which of an API's two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// What the client sends.
    Request,
    /// What the broker answers.
    Response,
}

/// Walks the body of a message along its schema; bytes behind its end are not looked at.
///
/// # Errors
///
/// [`DecodeError::Version`] when the message or version is not in Kafka 4.1,
/// [`DecodeError::Truncated`], [`DecodeError::Length`] or [`DecodeError::Corrupt`] where the bytes do
/// not follow the schema, [`DecodeError::TooLarge`] when decoding would take too much memory.
///
/// ```
/// use ekafka_protocol::precheck::{Direction, check};
/// use ekafka_protocol::{ApiKey, DecodeError};
///
/// // A list of 2 billion groups in four bytes.
/// let hostile = i32::MAX.to_be_bytes();
/// let refused = check(ApiKey::DESCRIBE_GROUPS, 0, Direction::Request, &hostile);
/// assert!(matches!(refused, Err(DecodeError::Length { .. })));
/// ```
pub fn check(
    api: ApiKey,
    version: i16,
    direction: Direction,
    body: &[u8],
) -> Result<(), DecodeError> {
    let layout = Layout::of(api, direction)
        .filter(|layout| layout.first <= version && version <= layout.last)
        .ok_or(DecodeError::Version {
            api: api.0,
            version,
        })?;
    let mut walk = Walk {
        left: body,
        version,
        flexible: version >= layout.first_flexible,
        memory: body
            .len()
            .saturating_mul(MEMORY_FACTOR)
            .saturating_add(MEMORY_SLACK),
    };
    walk.structure(layout.root())
}

/// One pass over the bytes of a message.
struct Walk<'a> {
    left: &'a [u8],
    version: i16,
    flexible: bool,
    /// Bytes of memory the decoder may still take.
    memory: usize,
}

impl Walk<'_> {
    fn structure(&mut self, structure: &Structure) -> Result<(), DecodeError> {
        for field in structure.fields {
            if field.tag.is_none() && field.is_in(self.version) {
                self.value(field.kind)?;
            }
        }
        if self.flexible {
            self.tags(structure)
        } else {
            Ok(())
        }
    }

    fn value(&mut self, kind: Kind) -> Result<(), DecodeError> {
        match kind {
            Kind::Fixed(size) => self.skip("field", size.into()),
            Kind::String => {
                let length = self.string_length()?;
                self.blob("string", length)
            }
            Kind::Bytes => {
                let length = self.length("bytes")?;
                self.blob("bytes", length)
            }
            Kind::Structure(index) => self.structure(Structure::at(index)),
            Kind::Optional(index) => match self.take("structure")? {
                [1] => self.structure(Structure::at(index)),
                [0xff] => Ok(()),
                _ => Err(DecodeError::Corrupt {
                    what: "structure",
                    detail: "neither there nor null",
                }),
            },
            Kind::Array(element) => self.array(element),
        }
    }

    fn array(&mut self, element: Element) -> Result<(), DecodeError> {
        let count = self.length("array")?;
        let limit = self.left.len() / element.min_size(self.version, self.flexible);
        let count = checked_length("array", count, limit)?.unwrap_or_default();
        self.charge(count.saturating_mul(element.memory()))?;
        match element {
            // The product fits, since count was compared with the bytes left.
            Element::Fixed(size) => self.skip("array", count.saturating_mul(size.into())),
            Element::String => (0..count).try_for_each(|_| self.value(Kind::String)),
            Element::Structure(index) => {
                let structure = Structure::at(index);
                (0..count).try_for_each(|_| self.structure(structure))
            }
        }
    }

    fn tags(&mut self, structure: &Structure) -> Result<(), DecodeError> {
        let mut charge = FIRST_UNKNOWN_TAG;
        for _ in 0..self.uvarint("number of tagged fields")? {
            let tag = self.uvarint("tag")?;
            let length = self.uvarint("length of tagged field")?.into();
            let length =
                checked_length("tagged field", length, self.left.len())?.unwrap_or_default();
            let known = structure
                .fields
                .iter()
                .find(|field| field.tag.map(u32::from) == Some(tag) && field.is_in(self.version));
            let Some(field) = known else {
                self.charge(charge)?;
                charge = FURTHER_UNKNOWN_TAG;
                self.skip("tagged field", length)?;
                continue;
            };
            let behind = self.left.get(length..).unwrap_or_default();
            self.left = self.left.get(..length).unwrap_or_default();
            self.value(field.kind)?;
            if !self.left.is_empty() {
                let detail = "longer than its value";
                return Err(DecodeError::Corrupt {
                    what: "tagged field",
                    detail,
                });
            }
            self.left = behind;
        }
        Ok(())
    }

    /// -1 for null.
    fn string_length(&mut self) -> Result<i64, DecodeError> {
        if self.flexible {
            self.length("string")
        } else {
            self.take("string")
                .map(|bytes| i16::from_be_bytes(bytes).into())
        }
    }

    /// The length of bytes or the count of an array; -1 for null.
    fn length(&mut self, what: &'static str) -> Result<i64, DecodeError> {
        if self.flexible {
            self.uvarint(what).map(|length| i64::from(length) - 1)
        } else {
            self.take(what)
                .map(|bytes| i32::from_be_bytes(bytes).into())
        }
    }

    fn blob(&mut self, what: &'static str, length: i64) -> Result<(), DecodeError> {
        let length = checked_length(what, length, self.left.len())?;
        self.skip(what, length.unwrap_or_default())
    }

    fn uvarint(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        read_uvarint(what, &mut self.left)
    }

    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let left = self.left.len();
        let (chunk, rest) = self
            .left
            .split_first_chunk()
            .ok_or(DecodeError::Truncated {
                what,
                needed: N,
                left,
            })?;
        self.left = rest;
        Ok(*chunk)
    }

    fn skip(&mut self, what: &'static str, length: usize) -> Result<(), DecodeError> {
        let left = self.left.len();
        self.left = self.left.get(length..).ok_or(DecodeError::Truncated {
            what,
            needed: length,
            left,
        })?;
        Ok(())
    }

    fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        let limit = self.memory;
        let what = "memory for the message";
        self.memory = limit
            .checked_sub(bytes)
            .ok_or(DecodeError::TooLarge { what, limit })?;
        Ok(())
    }
}

/// The decoder may take this many times the message's bytes, and the slack on top; the rest of the
/// 64 KiB promised is for the error it may end with.
const MEMORY_FACTOR: usize = 16;
const MEMORY_SLACK: usize = 48 * 1024;

/// The first entry of a map of unknown tagged fields takes a node for eleven; further ones split it.
const FIRST_UNKNOWN_TAG: usize = 512;
const FURTHER_UNKNOWN_TAG: usize = 160;
