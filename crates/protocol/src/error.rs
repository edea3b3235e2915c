//! What can go wrong between bytes and messages.

use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Why bytes from a peer could not be read.
///
/// Reading stops at the first fault; nothing is allocated on the word of a length before the
/// length was compared with what is really there.
///
/// ```
/// use ekafka_protocol::{DecodeError, decode_frame_length};
///
/// let error = decode_frame_length(*b"HTTP", 1 << 20).unwrap_err();
/// assert!(matches!(error, DecodeError::NotKafka { .. }));
/// assert!(error.is_fatal() && !error.is_retriable());
/// println!("{error}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside `what`.
    #[error("{what} needs {needed} bytes, {left} are left")]
    Truncated {
        /// The field or structure that is cut off.
        what: &'static str,
        /// Bytes the field needs, as far as known.
        needed: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// A length or count is negative where none is allowed, or larger than its limit.
    #[error("{what} has length {length}, the limit is {limit}")]
    Length {
        /// The field whose length it is.
        what: &'static str,
        /// The length as it was sent.
        length: i64,
        /// The largest acceptable value: bytes left, or a configured cap.
        limit: usize,
    },
    /// A record batch or message does not match its checksum.
    #[error("checksum is {computed:#010x}, the batch says {stored:#010x}")]
    Crc {
        /// The checksum in the bytes.
        stored: u32,
        /// The checksum of the bytes.
        computed: u32,
    },
    /// A record batch or message of a format that does not exist.
    #[error("unknown record format (magic {magic})")]
    UnknownMagic {
        /// The magic byte.
        magic: i8,
    },
    /// A compression codec that does not exist, or that this build left out.
    #[error("compression codec {id} is unknown or not built in")]
    UnknownCodec {
        /// Bits 0-2 of the attributes.
        id: u8,
    },
    /// A field contradicts the format or another field.
    #[error("{what}: {detail}")]
    Corrupt {
        /// The field or structure.
        what: &'static str,
        /// The contradiction.
        detail: &'static str,
    },
    /// A codec refused its input.
    #[error("{codec}: {detail}")]
    Compression {
        /// The codec's Kafka name.
        codec: &'static str,
        /// What the codec reported.
        detail: Arc<str>,
    },
    /// Decompressed bytes would pass the cap.
    #[error("{what} is larger than the limit of {limit} bytes")]
    TooLarge {
        /// What was being decompressed.
        what: &'static str,
        /// The cap in bytes.
        limit: usize,
    },
    /// A message version this crate does not speak.
    #[error("version {version} of api key {api} is not supported")]
    Version {
        /// The API key.
        api: i16,
        /// The version asked for.
        version: i16,
    },
    /// A string that is not UTF-8.
    #[error("{what} is not valid UTF-8")]
    Utf8 {
        /// The field.
        what: &'static str,
    },
    /// The first bytes are those of another protocol.
    #[error("the peer does not speak Kafka: {hint}")]
    NotKafka {
        /// What it looks like instead, and what to try.
        hint: &'static str,
    },
    /// A generated message decoder refused its input.
    #[error("api key {api} version {version}: {detail}")]
    Message {
        /// The API key.
        api: i16,
        /// The version decoded.
        version: i16,
        /// What the decoder reported.
        detail: Arc<str>,
    },
}

impl DecodeError {
    /// Whether asking again may bring readable bytes: only damage in transit can go away.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        matches!(self, Self::Crc { .. })
    }

    /// Whether the peer's bytes stay unreadable however often they are asked for.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !self.is_retriable()
    }
}

/// Why a message or record could not be written.
///
/// ```
/// use ekafka_protocol::messages::SaslHandshakeRequest;
/// use ekafka_protocol::{EncodeError, Frame};
///
/// let request = SaslHandshakeRequest { mechanism: "PLAIN".into() };
/// let error = Frame::request(99, 1, None, &request).unwrap_err();
/// assert!(matches!(error, EncodeError::Version { version: 99, .. }));
/// assert!(error.is_fatal() && !error.is_retriable());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A message version this crate does not speak.
    #[error("version {version} of api key {api} is not supported")]
    Version {
        /// The API key.
        api: i16,
        /// The version asked for.
        version: i16,
    },
    /// A field that is set has no place in the version being written.
    #[error("field {field} does not exist in version {version} of api key {api}")]
    Field {
        /// The API key.
        api: i16,
        /// The version being written.
        version: i16,
        /// The field, as Kafka's schema spells it.
        field: &'static str,
    },
    /// Something is longer than the format or a configured limit allows.
    #[error("{what} has {length} bytes, the limit is {limit}")]
    TooLarge {
        /// What is too long.
        what: &'static str,
        /// Its length in bytes.
        length: usize,
        /// The largest length in bytes.
        limit: usize,
    },
    /// A value the format cannot carry.
    #[error("{what}: {detail}")]
    Invalid {
        /// The field.
        what: &'static str,
        /// What is wrong with it.
        detail: &'static str,
    },
    /// A codec failed, was asked for a level it does not have, or is not built in.
    #[error("{codec}: {detail}")]
    Compression {
        /// The codec's Kafka name.
        codec: &'static str,
        /// What the codec reported.
        detail: Arc<str>,
    },
    /// A generated message encoder refused the message.
    #[error("api key {api} version {version}: {detail}")]
    Message {
        /// The API key.
        api: i16,
        /// The version being written.
        version: i16,
        /// What the encoder reported.
        detail: Arc<str>,
    },
}

impl EncodeError {
    /// Whether the same call may succeed later; encoding depends on nothing but its input.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        false
    }

    /// Whether the same call fails for ever.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        true
    }
}
