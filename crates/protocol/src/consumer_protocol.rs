//! What members of a group tell each other through the coordinator, which does not look inside.
//!
//! Source: `ConsumerProtocolSubscription` versions 0-3 and `ConsumerProtocolAssignment` versions 0-3.
//! All integers are big-endian; strings carry an `i16` length, arrays and bytes an `i32` count. A newer
//! version only appends fields, so bytes after the known ones are ignored, as Kafka's own clients do.
//! A list is read whole or not at all: a shorter list would take partitions from somebody.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::DecodeError;

#[cfg(test)]
mod tests;

/// What a member tells the leader.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use ekafka_protocol::consumer_protocol::{
///     Claims, Subscription, decode_assignment, encode_assignment,
/// };
///
/// let held = BTreeMap::from([("orders".to_owned(), vec![0, 1])]);
/// let subscription = Subscription {
///     topics: vec!["orders".to_owned()],
///     // What Java's sticky strategy adds.
///     user_data: Claims { partitions: held.clone(), generation: 3 }.encode(),
///     owned: held.clone(),
///     generation: 3,
///     rack: None,
/// };
/// let received = Subscription::decode(&subscription.encode())?;
/// assert_eq!(Claims::decode(&received.user_data)?.partitions, held);
/// // What the leader answers.
/// assert_eq!(decode_assignment(&encode_assignment(&held))?, held);
/// # Ok::<(), ekafka_protocol::DecodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The topics it wants to read.
    pub topics: Vec<String>,
    /// What its assignment strategy adds.
    pub user_data: Bytes,
    /// The partitions it holds, by topic; version 1 on.
    pub owned: BTreeMap<String, Vec<i32>>,
    /// The generation it holds them from; version 2 on; -1 is "none".
    pub generation: i32,
    /// Where it runs; version 3 on.
    pub rack: Option<String>,
}

impl Subscription {
    /// Writes the lowest version that carries every field that is set, so that old members can read it.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let version: i16 = match (&self.rack, self.generation, self.owned.is_empty()) {
            (Some(_), _, _) => 3,
            (None, 0.., _) => 2,
            (None, _, false) => 1,
            (None, _, true) => 0,
        };
        let mut out = Vec::new();
        out.extend(version.to_be_bytes());
        put_count(&mut out, self.topics.len());
        for topic in &self.topics {
            put_string(&mut out, topic);
        }
        put_count(&mut out, self.user_data.len());
        out.extend_from_slice(&self.user_data);
        if version >= 1 {
            put_partitions(&mut out, &self.owned);
        }
        if version >= 2 {
            out.extend(self.generation.to_be_bytes());
        }
        if let Some(rack) = &self.rack {
            put_string(&mut out, rack);
        }
        out.into()
    }

    /// Reads any version; one above 3 is read as 3.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are no subscription.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut blob = Blob { left: bytes };
        let version = blob.version()?;
        let count = blob.count("subscribed topics", 2)?;
        let mut topics = Vec::with_capacity(count);
        for _ in 0..count {
            topics.push(blob.string("subscribed topic")?);
        }
        let user_data = Bytes::copy_from_slice(blob.nullable_bytes("subscription user data")?);
        let owned = if version >= 1 {
            blob.partitions()?
        } else {
            BTreeMap::new()
        };
        let generation = if version >= 2 {
            blob.i32("subscription generation")?
        } else {
            -1
        };
        let rack = if version >= 3 {
            blob.nullable_string("subscription rack")?
        } else {
            None
        };
        Ok(Self {
            topics,
            user_data,
            owned,
            generation,
            rack,
        })
    }
}

/// Writes what the leader assigns to one member, version 0.
#[must_use]
pub fn encode_assignment(partitions: &BTreeMap<String, Vec<i32>>) -> Bytes {
    let mut out = Vec::new();
    out.extend(0i16.to_be_bytes());
    put_partitions(&mut out, partitions);
    out.extend((-1i32).to_be_bytes());
    out.into()
}

/// Reads what the leader assigned: partitions by topic. No bytes at all are an empty assignment.
///
/// # Errors
///
/// [`DecodeError`] when the bytes are no assignment.
pub fn decode_assignment(bytes: &[u8]) -> Result<BTreeMap<String, Vec<i32>>, DecodeError> {
    if bytes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut blob = Blob { left: bytes };
    blob.version()?;
    let partitions = blob.partitions()?;
    blob.nullable_bytes("assignment user data")?;
    Ok(partitions)
}

/// What the sticky strategies tell of a member's last assignment: the user data of Java's `StickyAssignor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// What the member had, by topic.
    pub partitions: BTreeMap<String, Vec<i32>>,
    /// In which generation; -1 is "unknown".
    pub generation: i32,
}

impl Claims {
    /// Writes version 1.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        put_partitions(&mut out, &self.partitions);
        out.extend(self.generation.to_be_bytes());
        out.into()
    }

    /// Reads version 0, which has no generation, or 1.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are no such claims.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut blob = Blob { left: bytes };
        let partitions = blob.partitions()?;
        let generation = if blob.left.is_empty() {
            -1
        } else {
            blob.i32("generation of the last assignment")?
        };
        Ok(Self {
            partitions,
            generation,
        })
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend(i32::try_from(count).unwrap_or(i32::MAX).to_be_bytes());
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    out.extend(i16::try_from(text.len()).unwrap_or(i16::MAX).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn put_partitions(out: &mut Vec<u8>, partitions: &BTreeMap<String, Vec<i32>>) {
    put_count(out, partitions.len());
    for (topic, ids) in partitions {
        put_string(out, topic);
        put_count(out, ids.len());
        for id in ids {
            out.extend(id.to_be_bytes());
        }
    }
}

/// The bytes that are not read yet.
struct Blob<'a> {
    left: &'a [u8],
}

impl<'a> Blob<'a> {
    fn version(&mut self) -> Result<i16, DecodeError> {
        let version = self.i16("version")?;
        if version < 0 {
            return Err(DecodeError::Corrupt {
                what: "consumer protocol",
                detail: "the version is negative",
            });
        }
        Ok(version)
    }

    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((head, rest)) = self.left.split_first_chunk::<N>() else {
            return Err(self.truncated(what, N));
        };
        self.left = rest;
        Ok(*head)
    }

    fn i16(&mut self, what: &'static str) -> Result<i16, DecodeError> {
        self.take(what).map(i16::from_be_bytes)
    }

    fn i32(&mut self, what: &'static str) -> Result<i32, DecodeError> {
        self.take(what).map(i32::from_be_bytes)
    }

    fn slice(&mut self, what: &'static str, length: usize) -> Result<&'a [u8], DecodeError> {
        let Some((head, rest)) = self.left.split_at_checked(length) else {
            return Err(self.truncated(what, length));
        };
        self.left = rest;
        Ok(head)
    }

    /// An array's length, refused when even elements of `smallest` bytes each do not fit.
    fn count(&mut self, what: &'static str, smallest: usize) -> Result<usize, DecodeError> {
        let length = self.i32(what)?;
        let limit = self.left.len() / smallest;
        usize::try_from(length)
            .ok()
            .filter(|&count| count <= limit)
            .ok_or_else(|| DecodeError::Length {
                what,
                length: length.into(),
                limit,
            })
    }

    fn nullable_string(&mut self, what: &'static str) -> Result<Option<String>, DecodeError> {
        let length = self.i16(what)?;
        if length == -1 {
            return Ok(None);
        }
        let Ok(length) = usize::try_from(length) else {
            return Err(DecodeError::Length {
                what,
                length: length.into(),
                limit: self.left.len(),
            });
        };
        let bytes = self.slice(what, length)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(DecodeError::Utf8 { what }),
        }
    }

    fn string(&mut self, what: &'static str) -> Result<String, DecodeError> {
        self.nullable_string(what)?.ok_or(DecodeError::Corrupt {
            what,
            detail: "null where a name must be",
        })
    }

    /// Null reads as empty: nobody tells them apart.
    fn nullable_bytes(&mut self, what: &'static str) -> Result<&'a [u8], DecodeError> {
        let length = self.i32(what)?;
        if length == -1 {
            return Ok(&[]);
        }
        let Ok(length) = usize::try_from(length) else {
            return Err(DecodeError::Length {
                what,
                length: length.into(),
                limit: self.left.len(),
            });
        };
        self.slice(what, length)
    }

    fn partitions(&mut self) -> Result<BTreeMap<String, Vec<i32>>, DecodeError> {
        let topics = self.count("topics", 6)?;
        let mut partitions: BTreeMap<String, Vec<i32>> = BTreeMap::new();
        for _ in 0..topics {
            let topic = self.string("topic")?;
            let ids = self.count("partitions", 4)?;
            let list = partitions.entry(topic).or_default();
            for _ in 0..ids {
                let id = self.i32("partition")?;
                if id < 0 {
                    return Err(DecodeError::Corrupt {
                        what: "partition",
                        detail: "the index is negative",
                    });
                }
                list.push(id);
            }
        }
        Ok(partitions)
    }

    fn truncated(&self, what: &'static str, needed: usize) -> DecodeError {
        DecodeError::Truncated {
            what,
            needed,
            left: self.left.len(),
        }
    }
}
