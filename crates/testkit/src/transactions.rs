//! Producer ids, and the transactional ids that own some of them (KIP-98). Pure.

use std::collections::BTreeMap;

use ekafka_protocol::ErrorCode;

use crate::group::Committed;
use crate::log::Batch;

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
    /// Groups whose offsets are part of the open transaction.
    pub(crate) groups: Vec<String>,
    /// How the newest transaction ended; none while one is open or before the first.
    ended: Option<bool>,
    /// Topic and partition of what was added to the open transaction.
    pub(crate) partitions: Vec<(String, i32)>,
    /// Offsets that become visible when the transaction commits: group, topic, partition, position.
    pub(crate) offsets: Vec<(String, String, i32, Committed)>,
}

/// Partitions of a transaction, and its offsets by group, topic and partition.
type Touched = (Vec<(String, i32)>, Vec<(String, String, i32, Committed)>);

impl Transactions {
    /// Checks that a batch of a transaction comes from the newest incarnation and that its partition was added.
    pub(crate) fn check_append(
        &self,
        batch: &Batch,
        topic: &str,
        partition: i32,
    ) -> Result<(), ErrorCode> {
        let mut known = self.by_id.values();
        let producer = known.find(|producer| producer.producer_id == batch.producer_id);
        let producer = producer.ok_or(ErrorCode::INVALID_PRODUCER_ID_MAPPING)?;
        if batch.producer_epoch != producer.epoch {
            return Err(ErrorCode::INVALID_PRODUCER_EPOCH);
        }
        if producer.holds(topic, partition) {
            Ok(())
        } else {
            Err(ErrorCode::INVALID_TXN_STATE)
        }
    }

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
            known.ended = None;
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

impl TransactionalProducer {
    /// Makes a partition part of the transaction, beginning one if need be.
    pub(crate) fn add_partition(&mut self, topic: &str, partition: i32) {
        self.ended = None;
        if !self.holds(topic, partition) {
            self.partitions.push((topic.to_owned(), partition));
        }
    }

    /// Makes a group's offsets part of the transaction, beginning one if need be.
    pub(crate) fn add_group(&mut self, group: &str) {
        self.ended = None;
        if !self.groups.iter().any(|known| known == group) {
            self.groups.push(group.to_owned());
        }
    }

    /// Whether a partition is part of the open transaction.
    pub(crate) fn holds(&self, topic: &str, partition: i32) -> bool {
        self.partitions
            .iter()
            .any(|(name, number)| name == topic && *number == partition)
    }

    /// Whether there is something to end, or it has ended in just this way already.
    pub(crate) fn may_end(&self, committed: bool) -> Result<bool, ErrorCode> {
        match self.ended {
            Some(how) if how == committed => Ok(false),
            Some(_) => Err(ErrorCode::INVALID_TXN_STATE),
            None if self.partitions.is_empty() && self.groups.is_empty() => {
                Err(ErrorCode::INVALID_TXN_STATE)
            }
            None => Ok(true),
        }
    }

    /// Ends the transaction and gives what it touched: partitions, and offsets to be committed.
    pub(crate) fn end(&mut self, committed: bool) -> Touched {
        self.ended = Some(committed);
        self.groups.clear();
        (
            std::mem::take(&mut self.partitions),
            std::mem::take(&mut self.offsets),
        )
    }
}
