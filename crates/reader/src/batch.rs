//! A batch of records handed out as a whole.

use std::sync::Arc;

use ekafka_conn::{Message, MessageBatch};
use ekafka_protocol::DecodeError;
use ekafka_protocol::records::{RecordIter, RecordRef, Records};

use crate::TopicPartition;
use crate::lane::Lane;

/// Records of one partition, in offset order, as the writer batched them.
///
/// Iterating borrows from the batch: nothing is copied or allocated for a record.
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// let batch = reader.next_batch().await?;
/// for record in &batch {
///     match record {
///         Ok(record) => println!("{}: {:?}", record.offset, record.value),
///         Err(error) => eprintln!("{}: {error}", batch.partition()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// let batch = reader.next_batch().await?;
/// println!("{} up to {} of {}", batch.partition(), batch.next_offset(), batch.high_water_mark());
/// println!("written in leader epoch {}", batch.leader_epoch());
/// // Each shares the memory of the batch.
/// if let Ok(messages) = batch.messages() {
///     println!("{} messages", messages.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RecordBatch {
    pub(crate) lane: Arc<Lane>,
    pub(crate) records: Records,
    /// Records below it were handed out before or not asked for.
    pub(crate) from: i64,
    /// The offset behind the batch.
    pub(crate) end: i64,
    pub(crate) leader_epoch: i32,
}

impl RecordBatch {
    /// Whether this message is the first that is handed out with the batch.
    pub(crate) fn begins_with(&self, message: &Message) -> bool {
        let partition = self.partition();
        message.topic() == &*partition.topic
            && message.partition() == partition.partition
            && message.offset() == self.from
    }

    /// The partition the records are from.
    pub fn partition(&self) -> &TopicPartition {
        self.lane.partition()
    }

    /// The offset behind the batch: what a commit of the whole batch commits.
    pub fn next_offset(&self) -> i64 {
        self.end
    }

    /// The partition's high watermark as last fetched: the offset behind the last record that can be
    /// read. -1 when unknown.
    pub fn high_water_mark(&self) -> i64 {
        self.lane.high_watermark()
    }

    /// Epoch of the leader that stored the batch; -1 when unknown.
    pub fn leader_epoch(&self) -> i32 {
        self.leader_epoch
    }

    /// Iterates over the records. Bytes that cannot be read end the iteration with the error; the
    /// checksum has been compared already, so that means a writer at fault.
    pub fn iter(&self) -> RecordBatchIter<'_> {
        RecordBatchIter {
            records: self.records.iter(),
            from: self.from,
        }
    }

    /// The records as owned messages, which share the batch's bytes.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that cannot be read.
    pub fn messages(&self) -> Result<Vec<Message>, DecodeError> {
        let spans = self.records.clone().into_spans()?;
        let batch = message_batch(&self.lane, &self.records, self.leader_epoch);
        spans
            .filter(|span| !matches!(span, Ok(span) if span.offset < self.from))
            .map(|span| Ok(Message::new(Arc::clone(&batch), span?)))
            .collect()
    }
}

impl<'a> IntoIterator for &'a RecordBatch {
    type Item = Result<RecordRef<'a>, DecodeError>;
    type IntoIter = RecordBatchIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Iterates over the borrowed records of a [`RecordBatch`].
///
/// ```no_run
/// # async fn example(mut reader: ekafka_reader::Reader) -> Result<(), ekafka_reader::ReaderError> {
/// let batch = reader.next_batch().await?;
/// let oldest = batch.iter().flatten().map(|record| record.timestamp).min();
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RecordBatchIter<'a> {
    records: RecordIter<'a>,
    from: i64,
}

impl<'a> Iterator for RecordBatchIter<'a> {
    type Item = Result<RecordRef<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.records.next() {
                Some(Ok(record)) if record.offset < self.from => {}
                record => return record,
            }
        }
    }
}

/// What the messages of a batch share.
pub(crate) fn message_batch(
    lane: &Arc<Lane>,
    records: &Records,
    leader_epoch: i32,
) -> Arc<MessageBatch> {
    let partition = lane.partition();
    Arc::new(MessageBatch {
        topic: Arc::clone(&partition.topic),
        partition: partition.partition,
        high_water_mark: lane.high_watermark(),
        leader_epoch,
        timestamp_type: records.timestamp_type(),
        bytes: records.bytes().clone(),
        origin: Some(Arc::<Lane>::clone(lane)),
    })
}
