//! A message that can be changed: what completions are told of, and what a carrier writes headers into.

use std::time::SystemTime;

use bytes::Bytes;

/// A message with its own parts, as kafka-go has it: what is read from Kafka by itself is the lighter
/// [`ekafka::Message`](crate::Message), of which this is a copy.
///
/// ```
/// use ekafka::pubsub::Message;
///
/// let message = Message::new("logger.sensor.ts", "21.5").with_key("kitchen").with_header("version", "1.0");
/// assert_eq!(message.header("version"), Some("1.0"));
/// ```
///
/// ```
/// use ekafka::pubsub::Message;
///
/// let message = Message::new("orders", "two apples").with_key("user-7").with_header("version", "1.0.0");
/// assert_eq!(message.header("version"), Some("1.0.0"));
/// assert_eq!(message.headers[0].text(), Some("1.0.0"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The topic's name.
    pub topic: String,
    /// The partition; -1 when it is not known.
    pub partition: i32,
    /// The offset in the partition; -1 when it is not known.
    pub offset: i64,
    /// The partition's high watermark when the message was read; -1 when it is not known.
    pub high_water_mark: i64,
    /// The key; `None` is a null key.
    pub key: Option<Bytes>,
    /// The body; `None` is a null value, a tombstone in compacted topics.
    pub value: Option<Bytes>,
    /// The headers in order; a key may come more than once.
    pub headers: Vec<MessageHeader>,
    /// When it was written; `None` for now.
    pub time: Option<SystemTime>,
}

/// One header of a [`Message`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageHeader {
    /// Its key.
    pub key: String,
    /// Its value; `None` is a null value.
    pub value: Option<Bytes>,
}

impl MessageHeader {
    /// The value as a text; `None` for null and for what is no UTF-8.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.value.as_deref()?).ok()
    }
}

impl Message {
    /// A message for a topic, with nothing but a body.
    pub fn new(topic: impl Into<String>, value: impl Into<Bytes>) -> Self {
        Self {
            topic: topic.into(),
            partition: -1,
            offset: -1,
            high_water_mark: -1,
            key: None,
            value: Some(value.into()),
            headers: Vec::new(),
            time: None,
        }
    }

    /// Sets the key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Bytes>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Adds a header behind the others.
    #[must_use]
    pub fn with_header(mut self, key: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.headers.push(MessageHeader {
            key: key.into(),
            value: Some(value.into()),
        });
        self
    }

    /// The first header with this key, as a text.
    #[must_use]
    pub fn header(&self, key: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|header| header.key == key)?.text()
    }
}

impl From<&ekafka_conn::Message> for Message {
    /// A copy; key and value share the bytes of the message's batch. Headers that cannot be read are left out.
    fn from(message: &ekafka_conn::Message) -> Self {
        Self {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            high_water_mark: message.high_water_mark(),
            key: message.key_bytes(),
            value: message.value_bytes(),
            headers: headers_of(message),
            time: message.time(),
        }
    }
}

/// The headers of a message; those that cannot be read are left out.
pub(super) fn headers_of(message: &ekafka_conn::Message) -> Vec<MessageHeader> {
    let headers = message.headers().flatten();
    let headers = headers.filter_map(|header| {
        Some(MessageHeader {
            key: header.key_str().ok()?.to_owned(),
            value: header.value.map(Bytes::copy_from_slice),
        })
    });
    headers.collect()
}

/// The headers of a message that a typed handler gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(pub(super) Vec<MessageHeader>);

impl Headers {
    /// The last header with this key, as a text; `None` where it is null or no UTF-8.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut headers = self.0.iter().rev();
        headers.find(|header| header.key == key)?.text()
    }

    /// All of them in order, those with the same key too.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &MessageHeader> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
