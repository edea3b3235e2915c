//! Writing records into the connection's partition.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use ekafka_protocol::compression::Compression;
use ekafka_protocol::messages::{PartitionProduceData, ProduceRequest, TopicProduceData};
use ekafka_protocol::records::{BatchBuilder, RecordData};
use ekafka_protocol::{ApiKey, StrBytes};
use tokio::time::Instant;

use super::Conn;
use super::deadline::{broker_timeout, milliseconds};
use crate::error::ConnError;
use crate::record::{Record, milliseconds_since_1970};

/// What became of a write.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("orders", 3)?;
/// # let address = kafka.addresses().remove(0);
/// # let mut leader = ekafka_conn::Dialer::default().dial_leader(&address, "orders", 0).await?;
/// use ekafka_conn::Record;
/// use ekafka_protocol::compression::Compression;
///
/// let lz4 = Compression::LZ4;
/// let written = leader.write_compressed_messages_at(lz4, &[Record::new("two apples")]).await?;
/// println!("{} bytes from offset {} on", written.bytes, written.base_offset);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of all keys and values.
    pub bytes: usize,
    /// The partition.
    pub partition: i32,
    /// The offset of the first record; the others follow it without a gap. -1 when nothing was
    /// written.
    pub base_offset: i64,
    /// When the broker stored the records, where it sets their timestamps.
    pub append_time: Option<SystemTime>,
}

impl Conn {
    /// Writes one record with that value, and returns its length in bytes.
    ///
    /// # Errors
    /// As [`write_compressed_messages_at`](Self::write_compressed_messages_at).
    ///
    /// # Cancel safety
    /// As [`write_compressed_messages_at`](Self::write_compressed_messages_at).
    pub async fn write(&self, value: &[u8]) -> Result<usize, ConnError> {
        self.write_messages(&[Record::new(value)]).await
    }

    /// Writes records in one batch, and returns the bytes of all keys and values.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let address = kafka.addresses().remove(0);
    /// # let mut leader = ekafka_conn::Dialer::default().dial_leader(&address, "orders", 0).await?;
    /// use ekafka_conn::Record;
    /// use ekafka_protocol::compression::Compression;
    ///
    /// leader.write(b"a value alone").await?;
    /// let records = [Record::new("two apples").key("user-7"), Record::new("a pear")];
    /// leader.write_messages(&records).await?;
    /// let gzip = Compression::GZIP;
    /// leader.write_compressed_messages(gzip, &records).await?;
    /// let written = leader.write_compressed_messages_at(gzip, &records).await?;
    /// assert_eq!(written.base_offset, 5);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`write_compressed_messages_at`](Self::write_compressed_messages_at).
    ///
    /// # Cancel safety
    /// As [`write_compressed_messages_at`](Self::write_compressed_messages_at).
    pub async fn write_messages(&self, records: &[Record<'_>]) -> Result<usize, ConnError> {
        self.write_compressed_messages(Compression::NONE, records)
            .await
    }

    /// Writes records in one compressed batch, and returns the bytes of all keys and values.
    ///
    /// # Errors
    /// As [`write_compressed_messages_at`](Self::write_compressed_messages_at).
    ///
    /// # Cancel safety
    /// As [`write_compressed_messages_at`](Self::write_compressed_messages_at).
    pub async fn write_compressed_messages(
        &self,
        compression: Compression,
        records: &[Record<'_>],
    ) -> Result<usize, ConnError> {
        let written = self
            .write_compressed_messages_at(compression, records)
            .await?;
        Ok(written.bytes)
    }

    /// Writes records in one batch, all or none, and says where they are (API Produce, KIP-98).
    /// Without records nothing is sent. A record without a timestamp gets the time of the call.
    ///
    /// The write is neither idempotent nor tried again: after an error that
    /// [may have reached the broker](ConnError::maybe_sent) the records may be stored.
    ///
    /// # Errors
    /// [`ConnError::Config`], with nothing sent, for a record of another topic or partition than the
    /// connection's; [`ConnError::Kafka`] when the broker refuses; [`ConnError`] when there is no
    /// answer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable; the records may be stored all the same.
    pub async fn write_compressed_messages_at(
        &self,
        compression: Compression,
        records: &[Record<'_>],
    ) -> Result<Written, ConnError> {
        let topic = self.topic_needed()?;
        self.check_addressed_here(records)?;
        let partition = self.partition();
        if records.is_empty() {
            return Ok(Written {
                bytes: 0,
                partition,
                base_offset: -1,
                append_time: None,
            });
        }
        let data = PartitionProduceData {
            index: partition,
            records: Some(encode(compression, records)?),
        };
        let data = TopicProduceData {
            name: StrBytes::from_string(topic.to_owned()),
            partition_data: vec![data],
            ..TopicProduceData::default()
        };
        let id = self.shared.transactional_id.as_deref();
        let request = ProduceRequest {
            transactional_id: id.map(|id| StrBytes::from_string(id.to_owned())),
            acks: self.shared.acks.load(Ordering::Relaxed),
            timeout_ms: milliseconds(self.write_timeout()),
            topic_data: vec![data],
        };
        let answer = self.send(&request).await?;
        let found = answer
            .responses
            .iter()
            .flat_map(|topic| &topic.partition_responses)
            .find(|found| found.index == partition)
            .ok_or_else(|| self.not_answered(ApiKey::PRODUCE))?;
        self.check(ApiKey::PRODUCE, found.error_code)?;
        let length = |field: Option<&[u8]>| field.map_or(0, <[u8]>::len);
        Ok(Written {
            bytes: records
                .iter()
                .map(|record| length(record.key) + length(record.value))
                .sum(),
            partition,
            base_offset: found.base_offset,
            append_time: time_of(found.log_append_time_ms),
        })
    }

    fn check_addressed_here(&self, records: &[Record<'_>]) -> Result<(), ConnError> {
        for (index, record) in records.iter().enumerate() {
            if record
                .topic
                .is_some_and(|topic| !topic.is_empty() && topic != self.topic())
            {
                let what = format!("record {index} is for another topic than the connection's");
                return Err(ConnError::config(what));
            }
            if record
                .partition
                .is_some_and(|partition| partition != self.partition())
            {
                let what = format!("record {index} is for another partition than the connection's");
                return Err(ConnError::config(what));
            }
        }
        Ok(())
    }

    /// How long the broker may wait for its replicas.
    fn write_timeout(&self) -> Duration {
        match self.shared.write_deadline.get() {
            None => self.shared.request_timeout,
            deadline => broker_timeout(deadline, Instant::now()),
        }
    }
}

fn encode(compression: Compression, records: &[Record<'_>]) -> Result<Bytes, ConnError> {
    let now = milliseconds_since_1970(SystemTime::now());
    let mut batch = BatchBuilder::new(BytesMut::new());
    for record in records {
        batch.append(&RecordData {
            timestamp: record.timestamp.unwrap_or(now),
            key: record.key,
            value: record.value,
            headers: record.headers,
        })?;
    }
    Ok(batch
        .seal(compression)?
        .stamp(NO_PRODUCER.0, NO_PRODUCER.1, NO_PRODUCER.2))
}

fn time_of(milliseconds: i64) -> Option<SystemTime> {
    let milliseconds = u64::try_from(milliseconds).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))
}

/// Id, epoch and sequence of a producer without an identity.
const NO_PRODUCER: (i64, i16, i32) = (-1, -1, -1);
