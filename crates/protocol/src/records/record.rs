//! What a caller hands over to be encoded: borrowed from end to end, so nothing is allocated.

/// A header to write. Keys may repeat; a value may be absent, which differs from empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header<'a> {
    /// The header's key, never null in Kafka.
    pub key: &'a str,
    /// The header's value.
    pub value: Option<&'a [u8]>,
}

/// A record to write, of borrowed parts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordData<'a> {
    /// Milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// `None` is a null key, which differs from an empty one.
    pub key: Option<&'a [u8]>,
    /// `None` is a tombstone, which differs from an empty value.
    pub value: Option<&'a [u8]>,
    /// In the order in which they are written.
    pub headers: &'a [Header<'a>],
}
