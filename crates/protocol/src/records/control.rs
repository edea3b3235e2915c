//! Control records, by which brokers end transactions (KIP-98). Big-endian.
//!
//! ```text
//! key   0 version i16   2 type i16
//! value 0 version i16   2 coordinator epoch i32
//! ```

use super::iter::RecordRef;
use super::layout;
use crate::error::DecodeError;

/// What a control record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ControlKind {
    /// The producer's open transaction was aborted.
    Abort,
    /// The producer's open transaction was committed.
    Commit,
    /// A type this crate gives no meaning, such as those of the metadata log.
    Other(i16),
}

/// A control record. Its batch names the producer.
///
/// ```
/// use ekafka_protocol::compression::Compression;
/// use ekafka_protocol::records::{
///     BatchBuilder, BatchIter, ControlKind, ControlRecord, DecodeLimits, RecordData,
/// };
///
/// let commit = ControlRecord { version: 0, kind: ControlKind::Commit, coordinator_epoch: 4 };
/// let (key, value) = commit.encode();
/// let mut open = BatchBuilder::new(bytes::BytesMut::new()).transactional(true).control(true);
/// open.append(&RecordData { key: Some(&key), value: Some(&value), ..RecordData::default() })?;
/// let wire = open.seal(Compression::NONE)?.stamp(77, 0, -1);
///
/// let limits = DecodeLimits::default();
/// for batch in BatchIter::new(wire, &limits) {
///     for record in batch?.records(&limits)?.iter() {
///         assert_eq!(ControlRecord::parse(&record?)?, commit);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ControlRecord {
    /// Version of the key, 0 so far.
    pub version: i16,
    /// What it says.
    pub kind: ControlKind,
    /// Epoch of the transaction coordinator that wrote an abort or commit, else -1.
    pub coordinator_epoch: i32,
}

impl ControlRecord {
    /// Reads a record of a control batch. Later versions may be longer; what is known is read.
    ///
    /// # Errors
    /// [`DecodeError::Corrupt`] when key or value are shorter than the format.
    pub fn parse(record: &RecordRef<'_>) -> Result<Self, DecodeError> {
        let key = record.key.unwrap_or_default();
        let (Some(version), Some(id)) = (layout::get(key, 0), layout::get(key, 2)) else {
            return Err(DecodeError::Corrupt {
                what: "control record",
                detail: "key is too short",
            });
        };
        let kind = match i16::from_be_bytes(id) {
            0 => ControlKind::Abort,
            1 => ControlKind::Commit,
            other => ControlKind::Other(other),
        };
        let epoch = layout::get(record.value.unwrap_or_default(), 2).map(i32::from_be_bytes);
        let coordinator_epoch = match (kind, epoch) {
            (ControlKind::Other(_), _) => -1,
            (_, Some(epoch)) => epoch,
            (_, None) => {
                return Err(DecodeError::Corrupt {
                    what: "control record",
                    detail: "value is too short",
                });
            }
        };
        Ok(Self {
            version: i16::from_be_bytes(version),
            kind,
            coordinator_epoch,
        })
    }

    /// Key and value of an abort or commit marker, as a broker writes it in version 0.
    #[must_use]
    pub fn encode(&self) -> ([u8; 4], [u8; 6]) {
        let id = match self.kind {
            ControlKind::Abort => 0,
            ControlKind::Commit => 1,
            ControlKind::Other(id) => id,
        };
        let (mut key, mut value) = ([0; 4], [0; 6]);
        layout::put(&mut key, 0, self.version.to_be_bytes());
        layout::put(&mut key, 2, id.to_be_bytes());
        layout::put(&mut value, 2, self.coordinator_epoch.to_be_bytes());
        (key, value)
    }
}
