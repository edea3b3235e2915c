//! Record batches (format 2, KIP-98) and the message sets before them (formats 0 and 1), both ways.
//!
//! Writing: [`BatchBuilder`] encodes on append, [`SealedBatch`] is stamped and sent. Reading:
//! [`BatchIter`] walks the bytes of one fetched partition, [`Batch::records`] opens a batch, and
//! records come borrowed ([`RecordRef`]) or as offsets into the batch ([`RecordSpan`]); neither
//! allocates per record.

mod batch;
mod batches;
mod builder;
mod control;
mod headers;
mod iter;
mod layout;
mod message;
mod message_set;
mod record;
mod sealed;
mod shape;
mod span;
mod varint;

#[cfg(test)]
mod tests;

pub use batch::{Batch, TimestampType};
pub use batches::{BatchIter, DecodeLimits};
pub use builder::BatchBuilder;
pub use control::{ControlKind, ControlRecord};
pub use iter::{HeaderIter, HeaderRef, RecordIter, RecordRef, Records};
pub use layout::BATCH_OVERHEAD;
pub use message_set::{MessageFormat, MessageSetBuilder};
pub use record::{Header, RecordData};
pub use sealed::SealedBatch;
pub use span::{RecordSpan, RecordSpans};
