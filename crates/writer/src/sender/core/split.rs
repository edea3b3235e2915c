//! A batch cut in two, record by record, for a broker that refused it for its size.

use bytes::BytesMut;
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::{
    BatchBuilder, BatchIter, DecodeLimits, Header, RecordData, RecordRef, SealedBatch,
};
use tokio::time::Instant;

use crate::sender::in_flight::{Flight, Place};
use crate::sender::sequence::Stamp;

impl Flight {
    /// The two halves, which share the sequence numbers and the receipt; the batch itself when its own bytes cannot be
    /// read back.
    pub(super) fn split(
        mut self,
        compression: Compression,
        ids: (u64, u64),
        now: Instant,
    ) -> Result<(Self, Self), Box<Self>> {
        let cut = self.count() / 2;
        let Some((first, second)) = self.halves(cut as usize, compression) else {
            return Err(Box::new(self));
        };
        let stamp = self.stamped.take().map(|(stamp, _)| stamp);
        let rest = self
            .resolver
            .as_mut()
            .map(|resolver| resolver.split_off(cut));
        let rest_of_room = self.permit.split_off();
        let place = Place::Waiting {
            until: now,
            stale_epoch: None,
        };
        let half = |id, mut sealed: SealedBatch, resolver, permit, stamp: Option<Stamp>| {
            let stamped = stamp.map(|stamp| {
                let bytes = sealed.stamp(stamp.producer_id, stamp.epoch, stamp.sequence);
                (stamp, bytes)
            });
            Self {
                id,
                sealed,
                stamped,
                resolver,
                permit,
                expires: self.expires,
                ordinal: self.ordinal,
                attempts: self.attempts,
                place,
                ambiguous: false,
                cause: self.cause.clone(),
            }
        };
        let following = stamp.map(|stamp| stamp.after(cut));
        let second = half(ids.1, second, rest, rest_of_room, following);
        let first = half(ids.0, first, self.resolver, self.permit, stamp);
        Ok((first, second))
    }

    fn halves(
        &mut self,
        cut: usize,
        compression: Compression,
    ) -> Option<(SealedBatch, SealedBatch)> {
        let bytes = match &self.stamped {
            Some((_, bytes)) => bytes.clone(),
            None => self.sealed.stamp(-1, -1, -1),
        };
        // Our own bytes: no limit, no doubt.
        let limits = DecodeLimits {
            max_decompressed: usize::MAX,
            check_crcs: false,
        };
        let batch = BatchIter::new(bytes, &limits).next()?.ok()?;
        let records = batch.records(&limits).ok()?;
        let mut halves = [BytesMut::new(), BytesMut::new()].map(BatchBuilder::new);
        for (index, record) in records.iter().enumerate() {
            let [first, second] = &mut halves;
            let half = if index < cut { first } else { second };
            append(half, &record.ok()?)?;
        }
        let [first, second] = halves.map(|half| half.seal(compression).ok());
        Some((first?, second?))
    }
}

fn append(half: &mut BatchBuilder, record: &RecordRef<'_>) -> Option<()> {
    let mut headers = Vec::with_capacity(record.header_count());
    for header in record.headers() {
        let header = header.ok()?;
        headers.push(Header {
            key: header.key_str().ok()?,
            value: header.value,
        });
    }
    let data = RecordData {
        timestamp: record.timestamp,
        key: record.key,
        value: record.value,
        headers: &headers,
    };
    half.append(&data).ok()
}
