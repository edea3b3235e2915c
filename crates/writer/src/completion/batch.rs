//! A batch with its outcome, as the application sees it.

use std::cell::OnceCell;

use bytes::Bytes;
use ekafka_conn::Header;
use ekafka_protocol::records::{BatchIter, DecodeLimits, RecordIter, RecordRef, Records};

use crate::error::{TopicPartition, WriterError};
use crate::receipt::Ack;

/// What became of a batch; see [`WriterConfig::completion`](crate::WriterConfig::completion).
///
/// All of its records share the outcome. A batch that the broker found too large, and that was cut for it, is told as the
/// batches that it was cut into.
///
/// ```
/// use ekafka_writer::CompletedBatch;
///
/// fn report(batch: &CompletedBatch) {
///     let Some(error) = batch.error() else { return };
///     for record in batch.records() {
///         eprintln!("order {} was not written: {error}", record.tag());
///     }
/// }
/// let config = ekafka_writer::Writer::builder().completion(report);
/// ```
#[derive(Debug)]
pub struct CompletedBatch {
    at: TopicPartition,
    result: Result<Ack, WriterError>,
    count: u32,
    /// As sent; absent after a failure that lost them.
    bytes: Option<Bytes>,
    /// One for each record, unless all are zero.
    tags: Vec<u64>,
    /// Read when first asked for.
    records: OnceCell<Option<Records>>,
}

/// The records of a [`CompletedBatch`], in order.
#[derive(Debug)]
pub struct CompletedRecords<'a> {
    batch: &'a CompletedBatch,
    records: Option<RecordIter<'a>>,
    /// Index of the next.
    index: usize,
}

/// One record of a [`CompletedBatch`].
///
/// ```
/// use ekafka_writer::CompletedBatch;
///
/// fn report(batch: &CompletedBatch) {
///     println!("{}[{}]: {} records from {:?} on", batch.topic(), batch.partition(), batch.len(), batch.base_offset());
///     assert!(!batch.is_empty());
///     for record in batch.records() {
///         println!("order {} is at offset {:?}, {} ms", record.tag(), record.offset(), record.timestamp());
///         println!("{:?} = {:?}, {} headers", record.key(), record.value(), record.headers().count());
///     }
/// }
/// let config = ekafka_writer::Writer::builder().completion(report);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CompletedRecord<'a> {
    record: RecordRef<'a>,
    offset: Option<i64>,
    timestamp: i64,
    tag: u64,
}

impl CompletedBatch {
    pub(super) fn new(
        at: TopicPartition,
        result: Result<Ack, WriterError>,
        count: u32,
        bytes: Option<Bytes>,
        tags: Vec<u64>,
    ) -> Self {
        Self {
            at,
            result,
            count,
            bytes,
            tags,
            records: OnceCell::new(),
        }
    }

    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.at.topic
    }

    /// The partition.
    #[must_use]
    pub fn partition(&self) -> i32 {
        self.at.partition
    }

    /// Why none of the records was, or may have been, written; `None` when all were.
    #[must_use]
    pub fn error(&self) -> Option<&WriterError> {
        self.result.as_ref().err()
    }

    /// The offset of the first record, the others follow it; `None` after an error, and where the broker did not tell.
    #[must_use]
    pub fn base_offset(&self) -> Option<i64> {
        self.result.as_ref().ok()?.base_offset
    }

    /// How many records the batch has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether the batch has no record; never true.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The records. They are read, and unpacked where they were compressed, when this is first called, so that outcomes
    /// alone cost nothing.
    ///
    /// Fewer than [`len`](Self::len) only if compressing failed, or the writer itself by a bug.
    #[must_use]
    pub fn records(&self) -> CompletedRecords<'_> {
        let records = self.records.get_or_init(|| self.read());
        CompletedRecords {
            batch: self,
            records: records.as_ref().map(Records::iter),
            index: 0,
        }
    }

    pub(super) fn at(&self) -> &TopicPartition {
        &self.at
    }

    /// The outcome, with nothing left that refers to the bytes.
    pub(super) fn into_result(self) -> Result<Ack, WriterError> {
        self.result
    }

    fn read(&self) -> Option<Records> {
        // Our own bytes: no limit, no doubt.
        let limits = DecodeLimits {
            max_decompressed: usize::MAX,
            check_crcs: false,
        };
        let batch = BatchIter::new(self.bytes.clone()?, &limits).next()?.ok()?;
        batch.records(&limits).ok()
    }
}

impl<'a> Iterator for CompletedRecords<'a> {
    type Item = CompletedRecord<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.records.as_mut()?.next()?.ok()?;
        let index = self.index;
        self.index += 1;
        let ack = self.batch.result.as_ref().ok();
        let base_offset = ack.and_then(|ack| ack.base_offset);
        let append_time = ack.and_then(|ack| ack.log_append_time);
        Some(CompletedRecord {
            record,
            offset: base_offset.map(|base| base + index as i64),
            timestamp: append_time.unwrap_or(record.timestamp),
            tag: self.batch.tags.get(index).copied().unwrap_or_default(),
        })
    }
}

impl<'a> CompletedRecord<'a> {
    /// The key; `None` is a null key.
    #[must_use]
    pub fn key(&self) -> Option<&'a [u8]> {
        self.record.key
    }

    /// The value; `None` is a null value.
    #[must_use]
    pub fn value(&self) -> Option<&'a [u8]> {
        self.record.value
    }

    /// The headers in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> + use<'a> {
        let headers = self.record.headers().map_while(Result::ok);
        headers.filter_map(|header| {
            Some(Header {
                key: header.key_str().ok()?,
                value: header.value,
            })
        })
    }

    /// Where it was written; `None` after an error, and where the broker did not tell.
    #[must_use]
    pub fn offset(&self) -> Option<i64> {
        self.offset
    }

    /// Milliseconds since 1970: the broker's append time where the topic is set to use it, else the record's own.
    #[must_use]
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// What the application gave the record to recognise it by: [`Record::tag`](ekafka_conn::Record::tag), 0 by default.
    #[doc(alias = "WriterData")]
    #[must_use]
    pub fn tag(&self) -> u64 {
        self.tag
    }
}
