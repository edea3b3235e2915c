//! A message's headers as traces are carried by them.

use bytes::Bytes;

use super::message::{Message, MessageHeader};

/// Reads and writes the headers of a message, as propagators of traces want it.
///
/// ```
/// use ekafka::pubsub::{Message, MessageCarrier};
///
/// let mut message = Message::new("logger.sensor.ts", "21.5").with_header("version", "1");
/// let mut carrier = MessageCarrier::new(&mut message);
/// carrier.set("version", "2");
/// assert_eq!(carrier.get("version"), "2");
/// assert_eq!(carrier.keys(), ["version"]);
/// ```
#[derive(Debug)]
pub struct MessageCarrier<'m> {
    message: &'m mut Message,
}

/// As [`MessageCarrier::new`].
///
/// ```
/// use ekafka::pubsub::{Message, new_message_carrier};
///
/// let mut message = Message::new("orders", "two apples");
/// let mut carrier = new_message_carrier(&mut message);
/// carrier.set("traceparent", "00-…");
/// assert_eq!((carrier.get("traceparent"), carrier.keys()), ("00-…", vec!["traceparent"]));
/// ```
pub fn new_message_carrier(message: &mut Message) -> MessageCarrier<'_> {
    MessageCarrier::new(message)
}

impl<'m> MessageCarrier<'m> {
    /// Carries in the headers of `message`.
    pub fn new(message: &'m mut Message) -> Self {
        Self { message }
    }

    /// The value of the first header with exactly this key; empty when there is none, or it is no text.
    #[must_use]
    pub fn get(&self, key: &str) -> &str {
        self.message.header(key).unwrap_or_default()
    }

    /// Puts one header with this key behind the others, in the place of all that had it.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        let headers = &mut self.message.headers;
        headers.retain(|header| header.key != key);
        headers.push(MessageHeader {
            key: key.to_owned(),
            value: Some(Bytes::from(value.into())),
        });
    }

    /// The headers' keys in order, as often as they come.
    #[must_use]
    pub fn keys(&self) -> Vec<&str> {
        let headers = self.message.headers.iter();
        headers.map(|header| header.key.as_str()).collect()
    }
}

#[cfg(feature = "otel")]
impl opentelemetry::propagation::Injector for MessageCarrier<'_> {
    fn set(&mut self, key: &str, value: String) {
        MessageCarrier::set(self, key, value);
    }
}

#[cfg(feature = "otel")]
impl opentelemetry::propagation::Extractor for MessageCarrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.message.header(key)
    }

    fn keys(&self) -> Vec<&str> {
        MessageCarrier::keys(self)
    }
}
