//! A record that was read, owned: one handle on its batch, and where its parts lie in there.

mod json;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use ekafka_protocol::DecodeError;
use ekafka_protocol::records::{Header, HeaderIter, RecordSpan, TimestampType};

use crate::record::Record;

/// A record read from a partition.
///
/// Cloning costs one counter: all messages of a batch share its bytes, which stay in memory until
/// the last of them is dropped ([`detach`](Self::detach) copies one out). Serialised it has the keys
/// `Topic`, `Partition`, `Offset`, `HighWaterMark`, `Key`, `Value`, `Headers` and `Time`, with bytes
/// in base64. `Debug` shows where the message is from and how long it is, never
/// what it says.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("orders", 3)?;
/// # let address = kafka.addresses().remove(0);
/// # let mut leader = ekafka_conn::Dialer::default().dial_leader(&address, "orders", 0).await?;
/// use ekafka_conn::Record;
///
/// leader.write_messages(&[Record::new("two apples").key("user-7"), Record::new("a pear")]).await?;
/// let message = leader.read_message(1_000_000).await?;
/// println!("{}[{}] at {}", message.topic(), message.partition(), message.offset());
/// println!("{} behind, the end is {}", message.lag(), message.high_water_mark());
/// println!("{:?} is {} ms ({:?})", message.time(), message.timestamp(), message.timestamp_type());
/// assert_eq!(message.key(), Some(&b"user-7"[..]));
/// assert_eq!(message.value(), Some(&b"two apples"[..]));
/// assert_eq!((message.payload_len(), message.headers().count()), (16, 0));
///
/// // Shares the memory of the batch; a detached one holds its own bytes alone.
/// let value = message.value_bytes();
/// let alone = message.detach();
/// assert_eq!((alone.key_bytes(), alone.value_bytes()), (message.key_bytes(), value));
///
/// // To be written again.
/// let headers = message.header_list()?;
/// assert_eq!(message.record(&headers).value, Some(&b"two apples"[..]));
/// println!("of {:?}, leader epoch {}", message.batch().partition, message.leader_epoch());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Message {
    batch: Arc<MessageBatch>,
    span: RecordSpan,
}

/// What the messages of one batch share.
#[derive(Debug)]
pub struct MessageBatch {
    /// The topic's name.
    pub topic: Arc<str>,
    /// The partition's number.
    pub partition: i32,
    /// The partition's high watermark when the batch was fetched; -1 when unknown.
    pub high_water_mark: i64,
    /// Epoch of the leader that stored the batch; -1 when unknown.
    pub leader_epoch: i32,
    /// Who set the timestamps.
    pub timestamp_type: TimestampType,
    /// The batch's records, decompressed.
    pub bytes: Bytes,
    /// Whatever the one who read the batch wants to find again in its messages.
    pub origin: Option<Arc<dyn Any + Send + Sync>>,
}

impl Message {
    /// The record of `batch` that `span` describes; the span must have been made from its bytes. For those who decode record
    /// batches by themselves.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use ekafka_conn::{Message, MessageBatch};
    /// use ekafka_protocol::DecodeError;
    /// use ekafka_protocol::records::Records;
    ///
    /// fn messages(topic: &str, partition: i32, records: Records) -> Result<Vec<Message>, DecodeError> {
    ///     let spans = records.into_spans()?;
    ///     let batch = Arc::new(MessageBatch {
    ///         topic: topic.into(),
    ///         partition,
    ///         high_water_mark: -1,
    ///         leader_epoch: -1,
    ///         timestamp_type: spans.timestamp_type(),
    ///         bytes: spans.bytes().clone(),
    ///         origin: None,
    ///     });
    ///     spans.map(|span| Ok(Message::new(Arc::clone(&batch), span?))).collect()
    /// }
    /// ```
    pub fn new(batch: Arc<MessageBatch>, span: RecordSpan) -> Self {
        Self { batch, span }
    }

    /// What the message shares with the others of its batch.
    pub fn batch(&self) -> &MessageBatch {
        &self.batch
    }

    /// The topic's name.
    pub fn topic(&self) -> &str {
        &self.batch.topic
    }

    /// The partition's number.
    pub fn partition(&self) -> i32 {
        self.batch.partition
    }

    /// The offset in the partition.
    pub fn offset(&self) -> i64 {
        self.span.offset
    }

    /// The partition's high watermark when the message was fetched: the offset behind the last
    /// record that all in-sync replicas had. -1 when unknown.
    pub fn high_water_mark(&self) -> i64 {
        self.batch.high_water_mark
    }

    /// How many offsets the message was behind the high watermark when fetched, itself included.
    pub fn lag(&self) -> i64 {
        self.batch
            .high_water_mark
            .saturating_sub(self.span.offset)
            .max(0)
    }

    /// Epoch of the leader that stored the message; -1 when unknown.
    pub fn leader_epoch(&self) -> i32 {
        self.batch.leader_epoch
    }

    /// Milliseconds since the Unix epoch; -1 for none.
    pub fn timestamp(&self) -> i64 {
        self.span.timestamp
    }

    /// The timestamp as a time; `None` for none.
    pub fn time(&self) -> Option<SystemTime> {
        let milliseconds = u64::try_from(self.span.timestamp).ok()?;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))
    }

    /// Whether the writer or the broker set the timestamp.
    pub fn timestamp_type(&self) -> TimestampType {
        self.batch.timestamp_type
    }

    /// The key; `None` is a null key, which differs from an empty one.
    pub fn key(&self) -> Option<&[u8]> {
        self.span.key(&self.batch.bytes)
    }

    /// The value; `None` is a null value, a tombstone in compacted topics.
    pub fn value(&self) -> Option<&[u8]> {
        self.span.value(&self.batch.bytes)
    }

    /// The key as a share of the batch's bytes, without a copy.
    pub fn key_bytes(&self) -> Option<Bytes> {
        self.span
            .key_range()
            .map(|range| self.batch.bytes.slice(range))
    }

    /// The value as a share of the batch's bytes, without a copy.
    pub fn value_bytes(&self) -> Option<Bytes> {
        self.span
            .value_range()
            .map(|range| self.batch.bytes.slice(range))
    }

    /// The headers in written order, duplicates and null values included; parsed as they are asked
    /// for, so a damaged one shows only here.
    pub fn headers(&self) -> HeaderIter<'_> {
        self.span.headers(&self.batch.bytes)
    }

    /// The headers as [`record`](Self::record) takes them.
    ///
    /// # Errors
    /// [`DecodeError`] for a damaged header or a key that is not UTF-8.
    pub fn header_list(&self) -> Result<Vec<Header<'_>>, DecodeError> {
        self.headers()
            .map(|header| {
                let header = header?;
                Ok(Header {
                    key: header.key_str()?,
                    value: header.value,
                })
            })
            .collect()
    }

    /// The message as a record to write, with `headers` (see [`header_list`](Self::header_list)):
    /// key, value and timestamp; topic and partition are left to whoever writes it.
    pub fn record<'a>(&'a self, headers: &'a [Header<'a>]) -> Record<'a> {
        Record {
            key: self.key(),
            value: self.value(),
            headers,
            timestamp: (self.span.timestamp >= 0).then_some(self.span.timestamp),
            ..Record::default()
        }
    }

    /// The message with a copy of its own bytes alone, for keeping it long: as it comes, it keeps its
    /// whole batch in memory. It still belongs to the reader that gave it, which can commit it.
    #[doc(alias = "to_owned")]
    #[must_use]
    pub fn detach(&self) -> Self {
        let (span, bytes) = self.span.copied_from(&self.batch.bytes);
        let batch = MessageBatch {
            topic: Arc::clone(&self.batch.topic),
            bytes,
            origin: self.batch.origin.clone(),
            ..*self.batch
        };
        Self::new(Arc::new(batch), span)
    }

    /// Bytes of key, value and encoded headers together.
    pub fn payload_len(&self) -> usize {
        self.span.payload_len()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("topic", &self.topic())
            .field("partition", &self.partition())
            .field("offset", &self.offset())
            .field("timestamp", &self.timestamp())
            .field("key_len", &self.key().map(<[u8]>::len))
            .field("value_len", &self.value().map(<[u8]>::len))
            .field("headers", &self.span.header_count())
            .finish()
    }
}
