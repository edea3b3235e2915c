//! A batch under construction: its bytes in wire form, its permit and the right to resolve it.

use bytes::BytesMut;
use ekafka_protocol::EncodeError;
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::{BatchBuilder, RecordData, SealedBatch};
use tokio::time::Instant;

use super::budget::Permit;
use crate::error::WriterError;
use crate::receipt::Resolver;

/// A batch that still takes records.
#[derive(Debug)]
pub(crate) struct OpenBatch {
    builder: BatchBuilder,
    resolver: Resolver,
    /// Room paid for; the builder is never asked to hold more.
    permit: Permit,
    /// Bytes the batch may grow to, if room for them can be had.
    limit: usize,
    /// Whether it has the usual size and only grows until it can leave.
    stretched: bool,
    /// Bytes by kafka-go's estimate, where the writer counts so.
    estimated: usize,
    /// When its first record was accepted.
    opened: Instant,
}

/// A batch whose records are final, on its way from the shelf to the sender.
#[derive(Debug)]
pub(crate) struct ClosedBatch {
    pub(crate) sealed: SealedBatch,
    pub(crate) resolver: Resolver,
    pub(crate) permit: Permit,
    pub(crate) opened: Instant,
}

impl OpenBatch {
    pub(crate) fn new(
        buffer: BytesMut,
        resolver: Resolver,
        permit: Permit,
        limit: usize,
        opened: Instant,
    ) -> Self {
        Self {
            builder: BatchBuilder::new(buffer),
            resolver,
            permit,
            limit,
            stretched: false,
            estimated: 0,
            opened,
        }
    }

    /// Appends if the record fits in the room paid for; says whether it did.
    #[inline]
    pub(crate) fn append(&mut self, record: &RecordData<'_>) -> Result<bool, EncodeError> {
        self.builder
            .append_within(record, self.limit.min(self.permit.bytes()))
    }

    /// Appends records as long as they fit in the room paid for and none is invalid; says how many it took.
    #[inline]
    pub(crate) fn append_all<'a>(
        &mut self,
        records: impl Iterator<Item = RecordData<'a>>,
        batch_size: usize,
    ) -> usize {
        let room = self.limit.min(self.permit.bytes());
        let before = self.builder.count();
        for record in records {
            let taken = self.builder.append_within(&record, room);
            if !matches!(taken, Ok(true)) || self.is_full(batch_size) {
                break;
            }
        }
        self.builder.count() - before
    }

    /// Bytes to pay for before `record` fits: twice what the batch has, within its limit. `None` when the batch is too
    /// full for it.
    pub(crate) fn room_wanted(&self, record: &RecordData<'_>) -> Option<usize> {
        let needed = self.builder.len() + self.builder.encoded_len(record);
        let paid = self.permit.bytes();
        (needed > paid && needed <= self.limit).then(|| needed.max(paid * 2).min(self.limit) - paid)
    }

    /// Lets it grow up to `limit`; says whether that is more than before.
    pub(crate) fn stretch(&mut self, limit: usize) -> bool {
        let more = limit > self.limit;
        if more {
            self.limit = limit;
            self.stretched = true;
        }
        more
    }

    pub(crate) fn is_stretched(&self) -> bool {
        self.stretched
    }

    pub(crate) fn add_room(&mut self, permit: Permit) {
        self.permit.merge(permit);
    }

    /// Whether not even the smallest record fits.
    pub(crate) fn is_full(&self, batch_size: usize) -> bool {
        self.builder.count() >= batch_size || self.builder.len() + SMALLEST_RECORD > self.limit
    }

    pub(crate) fn len(&self) -> usize {
        self.builder.len()
    }

    pub(crate) fn estimated(&self) -> usize {
        self.estimated
    }

    /// Counts a record that was appended; one that reaches `limit` is the last.
    pub(crate) fn add_estimate(&mut self, bytes: usize, limit: usize) {
        self.estimated += bytes;
        if self.estimated >= limit {
            self.limit = self.builder.len();
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.builder.count()
    }

    pub(crate) fn opened(&self) -> Instant {
        self.opened
    }

    pub(crate) fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Sets the tag of the record that was appended as the one at `index`.
    pub(crate) fn set_tag(&mut self, index: usize, tag: u64) {
        self.resolver.set_tag(index, tag);
    }

    /// Gives up before anything was tried.
    pub(crate) fn refuse(mut self, error: WriterError) {
        self.resolver.set_count(self.builder.count() as u32);
        let Some(teller) = self.resolver.take_teller() else {
            self.resolver.resolve(Err(error));
            return;
        };
        // Only to be read by the application.
        let sealed = self.builder.seal(Compression::NONE).ok();
        let bytes = sealed.map(|mut sealed| sealed.stamp(-1, -1, -1));
        teller.tell(self.resolver, Err(error), bytes, None);
    }

    /// Writes the header; compressing, which takes its time, is for later.
    pub(crate) fn seal(mut self) -> Result<ClosedBatch, (Resolver, EncodeError)> {
        self.resolver.set_count(self.builder.count() as u32);
        match self.builder.seal(Compression::NONE) {
            Ok(sealed) => Ok(ClosedBatch {
                sealed,
                resolver: self.resolver,
                permit: self.permit,
                opened: self.opened,
            }),
            Err(error) => Err((self.resolver, error)),
        }
    }
}

/// Length, attributes, two deltas, two null fields and a header count, one byte each.
const SMALLEST_RECORD: usize = 7;
