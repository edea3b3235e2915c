//! A batch whose records are final: it is stamped with a producer's identity and sent.

use bytes::{Bytes, BytesMut};

use super::layout;
use crate::compression::{self, Codec, Compression};
use crate::error::EncodeError;

/// A finished record batch. Its records never change; the producer id, epoch and base sequence
/// (KIP-98) are patched in by [`stamp`](Self::stamp), as often as needed.
#[derive(Debug)]
pub struct SealedBatch {
    bytes: Bytes,
    spare: BytesMut,
    count: i32,
    uncompressed_len: usize,
    max_timestamp: i64,
}

impl SealedBatch {
    pub(super) fn new(
        mut bytes: BytesMut,
        count: i32,
        uncompressed_len: usize,
        max_timestamp: i64,
    ) -> Self {
        // Makes the buffer countable, once in its life: it keeps its count through freezing, thawing and reuse, where a plain
        // one would allocate a count each time it is frozen.
        drop(bytes.split_to(0));
        Self {
            bytes: bytes.freeze(),
            spare: BytesMut::new(),
            count,
            uncompressed_len,
            max_timestamp,
        }
    }

    /// The same batch once more, without a copy of its bytes: so it can be compressed in one place
    /// while another still has it as it was.
    #[must_use]
    pub fn share(&self) -> Self {
        Self {
            bytes: self.bytes.clone(),
            spare: BytesMut::new(),
            ..*self
        }
    }

    /// Compresses the records into `output`; a batch that this makes no smaller stays as it is. The
    /// buffer that does not hold the result can be had from [`take_spare`](Self::take_spare), unless
    /// it is shared. For a batch that is not compressed yet and has no stamp.
    ///
    /// # Errors
    /// [`EncodeError::Compression`] when the codec fails or is not built in.
    pub fn compress(
        mut self,
        compression: Compression,
        mut output: BytesMut,
    ) -> Result<Self, EncodeError> {
        if compression.codec() == Codec::None {
            self.spare = output;
            return Ok(self);
        }
        output.clear();
        output.extend_from_slice(&self.bytes[..layout::BATCH_OVERHEAD]);
        compression::compress(
            compression,
            &self.bytes[layout::BATCH_OVERHEAD..],
            &mut output,
        )?;
        if output.len() >= self.bytes.len() {
            self.spare = output;
            return Ok(self);
        }
        let length = (output.len() - layout::LOG_OVERHEAD) as i32;
        layout::put(&mut output, layout::BATCH_LENGTH, length.to_be_bytes());
        // The codec's bits are in the second of the two bytes.
        output[layout::ATTRIBUTES + 1] |= compression.codec().id();
        let mut compressed = Self::new(
            output,
            self.count,
            self.uncompressed_len,
            self.max_timestamp,
        );
        compressed.spare = self.bytes.try_into_mut().unwrap_or_default();
        Ok(compressed)
    }

    /// Writes the producer's identity and the CRC-32C, and returns the batch as it goes on the
    /// wire; without a copy unless bytes of an earlier stamp are still alive. `(-1, -1, -1)` is a
    /// producer without an identity.
    ///
    /// The result shares memory with `self`, so a batch keeps its stamp while it is sent again.
    #[must_use]
    pub fn stamp(&mut self, producer_id: i64, producer_epoch: i16, base_sequence: i32) -> Bytes {
        let mut batch = match std::mem::take(&mut self.bytes).try_into_mut() {
            Ok(unshared) => unshared,
            Err(shared) => BytesMut::from(&shared[..]),
        };
        layout::put(&mut batch, layout::PRODUCER_ID, producer_id.to_be_bytes());
        layout::put(
            &mut batch,
            layout::PRODUCER_EPOCH,
            producer_epoch.to_be_bytes(),
        );
        layout::put(
            &mut batch,
            layout::BASE_SEQUENCE,
            base_sequence.to_be_bytes(),
        );
        let crc = crc_fast::crc32_iscsi(&batch[layout::ATTRIBUTES..]);
        layout::put(&mut batch, layout::CRC, crc.to_be_bytes());
        self.bytes = batch.freeze();
        self.bytes.clone()
    }

    /// Records in the batch.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count as usize
    }

    /// Bytes on the wire, header included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the batch has no bytes; never true.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes before compression, header included.
    #[must_use]
    pub fn uncompressed_len(&self) -> usize {
        self.uncompressed_len
    }

    /// The latest timestamp of its records, milliseconds since the Unix epoch.
    #[must_use]
    pub fn max_timestamp(&self) -> i64 {
        self.max_timestamp
    }

    /// The buffer that was needed for compressing and does not hold the batch, for reuse.
    #[must_use]
    pub fn take_spare(&mut self) -> BytesMut {
        std::mem::take(&mut self.spare)
    }

    /// Gives the batch's own buffer back, unless stamped bytes of it are still alive somewhere.
    #[must_use]
    pub fn recycle(self) -> Option<BytesMut> {
        self.bytes.try_into_mut().ok()
    }
}
