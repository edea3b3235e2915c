//! Producer ids, and the transactional ids that own some of them (KIP-98). Pure.

use std::collections::BTreeMap;

use ekafka_protocol::ErrorCode;

/// Producer ids given out so far.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    next_producer_id: i64,
    /// By transactional id.
    pub(crate) by_id: BTreeMap<String, TransactionalProducer>,
}

/// The newest incarnation of a transactional id, and its transaction under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct TransactionalProducer {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    /// Topic and partition of what was added to the open transaction.
    pub(crate) partitions: Vec<(String, i32)>,
    /// Offsets that become visible when the transaction commits: group, topic, partition, position.
    pub(crate) offsets: Vec<(String, String, i32, crate::group::Committed)>,
}

impl Transactions {
    /// A producer id no one has.
    pub(crate) fn fresh_id(&mut self) -> i64 {
        let id = self.next_producer_id;
        self.next_producer_id += 1;
        id
    }

    /// Whether an open transaction is about to commit this group's position in a partition.
    pub(crate) fn holds_offset(&self, group: &str, topic: &str, partition: i32) -> bool {
        let mut pending = self.by_id.values().flat_map(|producer| &producer.offsets);
        pending.any(|(of, name, number, _)| of == group && name == topic && *number == partition)
    }

    /// Gives a transactional id its producer: a new one, or the old id with a higher epoch that fences what ran before.
    pub(crate) fn init(&mut self, transactional_id: &str) -> (i64, i16) {
        if let Some(known) = self.by_id.get_mut(transactional_id)
            && let Some(epoch) = known.epoch.checked_add(1).filter(|epoch| *epoch < i16::MAX)
        {
            known.epoch = epoch;
            return (known.producer_id, epoch);
        }
        let producer_id = self.fresh_id();
        let producer = TransactionalProducer {
            producer_id,
            ..TransactionalProducer::default()
        };
        self.by_id.insert(transactional_id.to_owned(), producer);
        (producer_id, 0)
    }

    /// The producer of a transactional id, when the caller is its newest incarnation.
    pub(crate) fn owned(
        &mut self,
        transactional_id: &str,
        producer_id: i64,
        epoch: i16,
    ) -> Result<&mut TransactionalProducer, ErrorCode> {
        let known = self
            .by_id
            .get_mut(transactional_id)
            .ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        if known.producer_id != producer_id {
            return Err(ErrorCode::INVALID_PRODUCER_ID_MAPPING);
        }
        if known.epoch == epoch {
            Ok(known)
        } else {
            Err(ErrorCode::PRODUCER_FENCED)
        }
    }
}
