//! What an application hands over: a record whose key, value and headers are borrowed for the length of the call.

use std::time::{SystemTime, UNIX_EPOCH};

pub use ekafka_protocol::records::Header;

/// One record to write. Everything is borrowed: the bytes are copied once, into the batch under construction.
///
/// Absent and empty are kept apart for key and value, as Kafka keeps them.
///
/// ```
/// use ekafka_conn::Record;
///
/// let record = Record::new(b"payload").key(b"user-7").timestamp(1_700_000_000_000);
/// assert_eq!(record.key, Some(&b"user-7"[..]));
/// assert_eq!(record.topic, None);
/// ```
///
/// ```
/// use std::time::SystemTime;
///
/// use ekafka_conn::{Header, Record};
///
/// let headers = [Header { key: "shop", value: Some(b"north") }];
/// let record = Record::new("two apples").topic("orders").partition(2).headers(&headers).tag(7).time(SystemTime::now());
/// assert_eq!((record.topic, record.partition, record.tag), (Some("orders"), Some(2), 7));
/// assert_eq!(Record::tombstone("user-7").value, None);
/// assert_eq!(Record::tombstone("user-7").value("back again").key, Some(&b"user-7"[..]));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// Topic of this record; must be absent when the writer has one, and present when it has none.
    pub topic: Option<&'a str>,
    /// Partition to write to; absent lets the balancer choose.
    pub partition: Option<i32>,
    /// Key bytes; `None` is a null key.
    pub key: Option<&'a [u8]>,
    /// Value bytes; `None` is a null value (a tombstone in a compacted topic).
    pub value: Option<&'a [u8]>,
    /// Headers in order; duplicate keys and null values are kept.
    pub headers: &'a [Header<'a>],
    /// Create time in milliseconds since 1970; absent stamps the time of the call.
    pub timestamp: Option<i64>,
    /// For the application alone, and never sent: a number that comes back with the record when a writer's completion
    /// function is told of it.
    #[doc(alias = "WriterData")]
    pub tag: u64,
}

impl<'a> Record<'a> {
    /// A record with this value, and nothing else set.
    #[must_use]
    pub fn new(value: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self {
            value: Some(value.as_ref()),
            ..Self::default()
        }
    }

    /// A record with a null value: it deletes its key in a compacted topic.
    #[must_use]
    pub fn tombstone(key: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self::default().key(key)
    }

    /// Sets the key.
    #[must_use]
    pub fn key(mut self, key: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.key = Some(key.as_ref());
        self
    }

    /// Sets the value.
    #[must_use]
    pub fn value(mut self, value: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        self.value = Some(value.as_ref());
        self
    }

    /// Sets the topic, for a writer that has none of its own.
    #[must_use]
    pub fn topic(mut self, topic: &'a str) -> Self {
        self.topic = Some(topic);
        self
    }

    /// Sets the partition; the balancer is not asked.
    #[must_use]
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Sets the headers.
    #[must_use]
    pub fn headers(mut self, headers: &'a [Header<'a>]) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the create time, milliseconds since 1970.
    #[must_use]
    pub fn timestamp(mut self, milliseconds: i64) -> Self {
        self.timestamp = Some(milliseconds);
        self
    }

    /// Sets the number that comes back with the record when a writer's completion function is told of it.
    #[must_use]
    pub fn tag(mut self, tag: u64) -> Self {
        self.tag = tag;
        self
    }

    /// Sets the create time; before 1970 counts backwards.
    #[must_use]
    pub fn time(self, time: SystemTime) -> Self {
        self.timestamp(milliseconds_since_1970(time))
    }
}

/// Kafka's timestamp of a point in time, saturating far outside its range.
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// let a_minute = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
/// assert_eq!(ekafka_conn::milliseconds_since_1970(a_minute), 60_000);
/// ```
pub fn milliseconds_since_1970(time: SystemTime) -> i64 {
    let clamp = |milliseconds: u128| i64::try_from(milliseconds).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => clamp(after.as_millis()),
        Err(before) => -clamp(before.duration().as_millis()),
    }
}
