//! The batches in the `records` field of one fetched partition.

use bytes::Bytes;

use super::batch::Batch;
use super::layout;
use super::message;
use crate::error::DecodeError;

/// What reading may cost, and whether checksums are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Largest decompressed size of one batch in bytes. Default: 64 MiB.
    pub max_decompressed: usize,
    /// Whether a batch must match its checksum. Default: yes.
    pub check_crcs: bool,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self {
            max_decompressed: 64 * 1024 * 1024,
            check_crcs: true,
        }
    }
}

/// Iterates over batches of any format, mixed as a log that was upgraded holds them.
///
/// A batch that is cut off at the end ends the iteration quietly, since brokers cut at a byte limit;
/// [`remainder`](Self::remainder) tells. Any other fault is returned once and ends the iteration.
///
/// ```
/// use ekafka_protocol::compression::Compression;
/// use ekafka_protocol::records::{
///     BatchBuilder, BatchIter, DecodeLimits, Header, RecordData, TimestampType,
/// };
///
/// let headers = [Header { key: "trace", value: Some(b"1-2") }];
/// let record = RecordData { key: Some(b"k"), value: Some(b"v"), headers: &headers, ..RecordData::default() };
/// let mut open = BatchBuilder::new(bytes::BytesMut::new());
/// open.append(&record)?;
/// let wire = open.seal(Compression::GZIP)?.stamp(77, 0, 0);
///
/// let limits = DecodeLimits::default();
/// // What a broker cut off comes with the next fetch.
/// let fetched = [&wire[..], &wire[..20]].concat();
/// let mut batches = BatchIter::new(fetched.into(), &limits);
/// let batch = batches.next().ok_or("a batch")??;
/// assert!(batches.next().is_none());
/// assert_eq!(batches.remainder(), 20);
///
/// assert_eq!((batch.base_offset(), batch.last_offset(), batch.count()), (0, 0, Some(1)));
/// assert_eq!((batch.producer_id(), batch.producer_epoch(), batch.base_sequence()), (77, 0, 0));
/// assert_eq!((batch.magic(), batch.max_timestamp()), (2, 0));
/// assert_eq!(batch.timestamp_type(), TimestampType::CreateTime);
/// println!("{} of epoch {}, {} bytes", batch.codec(), batch.leader_epoch(), batch.bytes().len());
///
/// // Control batches and those of aborted transactions are not for applications.
/// if !batch.is_control() && !batch.is_transactional() {
///     let records = batch.records(&limits)?;
///     assert_eq!((records.count_or_more(), records.timestamp_type()), (1, TimestampType::CreateTime));
///     for record in records.iter() {
///         let record = record?;
///         assert_eq!((record.value, record.header_count()), (Some(&b"v"[..]), 1));
///         for header in record.headers() {
///             assert_eq!(header?.key_str()?, "trace");
///         }
///     }
///
///     // By position, to be kept without borrowing.
///     let mut spans = records.into_spans()?;
///     assert_eq!(spans.timestamp_type(), TimestampType::CreateTime);
///     let bytes = spans.bytes().clone();
///     let span = spans.next().ok_or("a record")??;
///     assert_eq!((span.key(&bytes), span.value(&bytes)), (Some(&b"k"[..]), Some(&b"v"[..])));
///     assert_eq!(span.key_range().map(|range| bytes.slice(range)), Some("k".into()));
///     assert_eq!(span.value_range().map(|range| bytes.slice(range)), Some("v".into()));
///     assert_eq!((span.headers(&bytes).count(), span.header_count()), (1, 1));
///     assert!(span.payload_len() > span.data_len());
///     let (alone, copy) = span.copied_from(&bytes);
///     assert_eq!(alone.value(&copy), Some(&b"v"[..]));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct BatchIter {
    rest: Bytes,
    check_crcs: bool,
    done: bool,
}

impl BatchIter {
    /// Iterates over `records`, which the batches will share.
    #[must_use]
    pub fn new(records: Bytes, limits: &DecodeLimits) -> Self {
        Self {
            rest: records,
            check_crcs: limits.check_crcs,
            done: false,
        }
    }

    /// Bytes not consumed yet; after the last batch, those of the one that was cut off.
    #[must_use]
    pub fn remainder(&self) -> usize {
        self.rest.len()
    }

    fn take_batch(&mut self) -> Result<Option<Batch>, DecodeError> {
        let Some(length) = layout::get(&self.rest, layout::BATCH_LENGTH).map(i32::from_be_bytes)
        else {
            return Ok(None);
        };
        let size = usize::try_from(length)
            .ok()
            .filter(|length| *length >= message::MIN_LENGTH)
            .and_then(|length| length.checked_add(layout::LOG_OVERHEAD))
            .ok_or_else(|| DecodeError::Length {
                what: "record batch",
                length: i64::from(length),
                limit: self.rest.len(),
            })?;
        // The magic byte is at the same place in every format.
        let magic = self.rest.get(layout::MAGIC).map_or(0, |&byte| byte as i8);
        if !(0..=2).contains(&magic) {
            return Err(DecodeError::UnknownMagic { magic });
        }
        if size > self.rest.len() {
            return Ok(None);
        }
        let bytes = self.rest.split_to(size);
        Batch::read(bytes, magic, self.check_crcs).map(Some)
    }
}

impl Iterator for BatchIter {
    type Item = Result<Batch, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let taken = self.take_batch();
        self.done = !matches!(taken, Ok(Some(_)));
        taken.transpose()
    }
}

impl std::iter::FusedIterator for BatchIter {}
