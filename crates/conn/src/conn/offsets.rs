//! Offsets of the connection's partition, and moving its position.

use std::time::SystemTime;

use ekafka_protocol::cold::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ekafka_protocol::cold::{BrokerId, ListOffsetsRequest};
use ekafka_protocol::{ApiKey, DecodeError, ErrorCode};

use super::Conn;
use super::admin::topic_name;
use super::position::{self, FIRST_OFFSET, LAST_OFFSET, Seek, SeekMode, Whence};
use crate::error::{ConnError, Stage};
use crate::record::milliseconds_since_1970;

impl Conn {
    /// The lowest offset of the partition (API ListOffsets).
    ///
    /// # Errors
    /// [`ConnError`]; [`ConnError::Kafka`] when the broker does not lead the partition.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable.
    pub async fn read_first_offset(&self) -> Result<i64, ConnError> {
        self.list_offset(FIRST_OFFSET).await
    }

    /// The offset behind the last record of the partition (API ListOffsets).
    ///
    /// # Errors
    /// As [`read_first_offset`](Self::read_first_offset).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable.
    pub async fn read_last_offset(&self) -> Result<i64, ConnError> {
        self.list_offset(LAST_OFFSET).await
    }

    /// The first and the last offset, by two requests under way together.
    ///
    /// # Errors
    /// As [`read_first_offset`](Self::read_first_offset).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable.
    pub async fn read_offsets(&self) -> Result<(i64, i64), ConnError> {
        tokio::try_join!(self.read_first_offset(), self.read_last_offset())
    }

    /// The offset of the first record of that time or later; -1 when there is none, which read as a
    /// position is [`LAST_OFFSET`]. Times before 1970 count as 1970.
    ///
    /// # Errors
    /// As [`read_first_offset`](Self::read_first_offset).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the connection usable.
    pub async fn read_offset(&self, time: SystemTime) -> Result<i64, ConnError> {
        self.list_offset(milliseconds_since_1970(time).max(0)).await
    }

    /// Where the next read begins, as the seek that would reach it: `(0, Start)` on a new
    /// connection.
    pub fn offset(&self) -> (i64, Whence) {
        position::describe(self.position)
    }

    /// Moves to `offset` counted from `mode`, and returns the new position. Asks the broker for the
    /// partition's ends unless they do not matter.
    ///
    /// This is about this connection alone; offsets committed by groups have nothing to do with it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
    /// # kafka.create_topic("orders", 3)?;
    /// # let address = kafka.addresses().remove(0);
    /// # let mut leader = ekafka_conn::Dialer::default().dial_leader(&address, "orders", 0).await?;
    /// use std::time::{Duration, SystemTime};
    ///
    /// use ekafka_conn::{Record, Whence};
    ///
    /// leader.write_messages(&["one", "two", "three"].map(Record::new)).await?;
    /// assert_eq!(leader.read_first_offset().await?, 0);
    /// assert_eq!(leader.read_last_offset().await?, 3);
    /// assert_eq!(leader.read_offsets().await?, (0, 3));
    /// let an_hour_ago = SystemTime::now() - Duration::from_secs(3_600);
    /// assert_eq!(leader.read_offset(an_hour_ago).await?, 0);
    ///
    /// // The last one. What lies outside the partition is an error, unless it is not compared with its ends.
    /// assert_eq!(leader.seek(1, Whence::End).await?, 2);
    /// assert_eq!(leader.seek(42, Whence::Absolute.dont_check()).await?, 42);
    /// assert_eq!(leader.offset(), (42, Whence::Absolute));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ConnError::Kafka`] with `OFFSET_OUT_OF_RANGE` when the result lies outside the partition or
    /// `offset` is negative where it must not be; the position is unchanged then.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the position unchanged.
    pub async fn seek(&mut self, offset: i64, mode: impl Into<SeekMode>) -> Result<i64, ConnError> {
        let mode = mode.into();
        let reached = match position::seek(self.position, offset, mode) {
            Seek::Done(reached) => Some(reached),
            Seek::OutOfRange => None,
            Seek::NeedsEnds => {
                let (first, last) = self.read_offsets().await?;
                position::resolve(self.position, offset, mode, first, last)
            }
        };
        let Some(reached) = reached else {
            return Err(self.refused(ApiKey::LIST_OFFSETS, ErrorCode::OFFSET_OUT_OF_RANGE));
        };
        self.position = reached;
        Ok(reached)
    }

    /// The position as an offset, asked for if it is still one of the markers.
    pub(super) async fn resolve_position(&self) -> Result<i64, ConnError> {
        match self.position {
            marker @ (FIRST_OFFSET | LAST_OFFSET) => self.list_offset(marker).await,
            offset => Ok(offset),
        }
    }

    /// Asks for an offset by time in milliseconds, or by marker.
    async fn list_offset(&self, timestamp: i64) -> Result<i64, ConnError> {
        let topic = self.topic_needed()?;
        let partition = ListOffsetsPartition::default()
            .with_partition_index(self.partition())
            .with_current_leader_epoch(-1)
            .with_timestamp(timestamp);
        let topic = ListOffsetsTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![partition]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![topic]);
        let answer = self.send(&request).await?;
        let found = answer
            .topics
            .iter()
            .filter(|topic| **topic.name == *self.topic())
            .flat_map(|topic| &topic.partitions)
            .find(|found| found.partition_index == self.partition())
            .ok_or_else(|| self.not_answered(ApiKey::LIST_OFFSETS))?;
        self.check(ApiKey::LIST_OFFSETS, ErrorCode(found.error_code))?;
        Ok(found.offset)
    }

    /// The answer says nothing about our partition.
    pub(super) fn not_answered(&self, api: ApiKey) -> ConnError {
        let fault = DecodeError::Corrupt {
            what: "answer",
            detail: "it says nothing about the partition asked for",
        };
        ConnError::Malformed {
            broker: self.address().clone(),
            stage: Stage::Request(api),
            cause: fault.into(),
        }
    }
}
