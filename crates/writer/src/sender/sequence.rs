//! The producer's identity and the sequence numbers of its batches (KIP-98), and when both start anew (KIP-360).

#[cfg(test)]
mod tests;

/// The identity that partitions of an idempotent writer begin with.
#[derive(Debug)]
pub(crate) struct Producer {
    identity: Identity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identity {
    /// Not idempotent: batches carry no identity.
    None,
    /// To be asked from a broker.
    Unknown,
    Known {
        id: i64,
        epoch: i16,
    },
}

/// Where one partition is in its sequence.
///
/// Brokers keep the epoch of a producer without transactions per partition. So each partition begins its next epoch by
/// itself: a partition in doubt neither waits for others nor holds them up.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// Sequence number of the next record; wraps to zero after 2^31 - 1.
    next: i32,
    /// Producer id and epoch that `next` belongs to; absent until the first stamp, and while a new id is awaited.
    identity: Option<(i64, i16)>,
    /// Whether the broker has acknowledged a batch of this identity. Until then it knows no sequence to compare with and
    /// would take a second batch without the first, so only one may be on its way.
    proven: bool,
    /// A sequence number was lost; a new epoch is needed before anything new is stamped.
    in_doubt: bool,
    /// A broker has refused the epoch: the next identity has another producer id.
    refused: bool,
    /// Batches that carry a stamp of this identity and have no outcome yet.
    stamped: usize,
}

/// What goes into a batch's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) producer_id: i64,
    pub(crate) epoch: i16,
    pub(crate) sequence: i32,
}

impl Stamp {
    /// The header of a producer without identity.
    pub(crate) const NONE: Self = Self {
        producer_id: -1,
        epoch: -1,
        sequence: -1,
    };

    /// The stamp of what follows `count` records after this one.
    pub(crate) fn after(self, count: u32) -> Self {
        if self == Self::NONE {
            return self;
        }
        Self {
            sequence: advance(self.sequence, count),
            ..self
        }
    }
}

impl Producer {
    pub(crate) fn new(idempotent: bool) -> Self {
        Self {
            identity: if idempotent {
                Identity::Unknown
            } else {
                Identity::None
            },
        }
    }

    pub(crate) fn is_idempotent(&self) -> bool {
        self.identity != Identity::None
    }

    /// Whether an identity has to be asked from a broker before a partition can begin a sequence.
    pub(crate) fn needs_identity(&self) -> bool {
        self.identity == Identity::Unknown
    }

    /// Whether a new batch of a partition can be stamped now.
    pub(crate) fn is_ready(&self, sequence: &Sequence) -> bool {
        !sequence.in_doubt && (sequence.identity.is_some() || !self.needs_identity())
    }

    /// A broker has given an identity.
    pub(crate) fn handle_identity(&mut self, id: i64, epoch: i16) {
        if self.needs_identity() {
            self.identity = Identity::Known { id, epoch };
        }
    }

    /// The stamp of the next batch of a partition; `None` while there is no identity to stamp with.
    pub(crate) fn stamp(&self, sequence: &mut Sequence, count: u32) -> Option<Stamp> {
        if sequence.in_doubt {
            return None;
        }
        let (producer_id, epoch) = match (sequence.identity, self.identity) {
            (_, Identity::None) => return Some(Stamp::NONE),
            (Some(identity), _) => identity,
            (None, Identity::Known { id, epoch }) => (id, epoch),
            (None, Identity::Unknown) => return None,
        };
        sequence.identity = Some((producer_id, epoch));
        let stamp = Stamp {
            producer_id,
            epoch,
            sequence: sequence.next,
        };
        sequence.next = advance(sequence.next, count);
        sequence.stamped += 1;
        Some(stamp)
    }

    /// How many batches of a partition may be on their way, given the bound for a partition that has proven its sequence.
    pub(crate) fn depth(&self, sequence: &Sequence, bound: usize) -> usize {
        if !self.is_idempotent() || sequence.proven {
            bound
        } else {
            1
        }
    }

    /// Starts the next epoch of a partition in doubt once no batch of the present one can still arrive; says whether it
    /// did. An epoch used up, or refused by a broker, asks for a new producer id.
    pub(crate) fn renew(&mut self, sequence: &mut Sequence) -> bool {
        if !sequence.in_doubt || sequence.stamped > 0 {
            return false;
        }
        let next = match sequence.identity {
            Some((id, epoch)) if epoch < i16::MAX && !sequence.refused => Some((id, epoch + 1)),
            Some((old, _)) => {
                // Another partition may have asked for a new one before.
                if matches!(self.identity, Identity::Known { id, .. } if id == old) {
                    self.identity = Identity::Unknown;
                }
                None
            }
            None => None,
        };
        *sequence = Sequence {
            identity: next,
            ..Sequence::default()
        };
        true
    }
}

impl Sequence {
    /// Whether a new epoch is awaited: batches that are known not to be stored give up their stamps then.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// A stamped batch was acknowledged.
    pub(crate) fn handle_written(&mut self, stamp: Stamp) {
        if stamp == Stamp::NONE {
            return;
        }
        self.stamped -= 1;
        self.proven = true;
    }

    /// A stamped batch failed, or lost its stamp. When it is known not to be stored and is the last of its partition, its
    /// numbers are given to the next; else the gap needs a new epoch.
    pub(crate) fn handle_unused(&mut self, stamp: Stamp, count: u32, reusable: bool) {
        if stamp == Stamp::NONE {
            return;
        }
        self.stamped -= 1;
        if reusable && self.next == advance(stamp.sequence, count) {
            self.next = stamp.sequence;
        } else {
            self.in_doubt = true;
        }
    }

    /// A batch was cut in two, which share its numbers.
    pub(crate) fn handle_split(&mut self, stamp: Stamp) {
        if stamp != Stamp::NONE {
            self.stamped += 1;
        }
    }

    /// The broker and the writer disagree about the sequence, or even about the epoch: nothing new is stamped until the
    /// next.
    pub(crate) fn handle_disagreement(&mut self, refused: bool) {
        self.in_doubt |= self.identity.is_some();
        self.refused |= refused;
    }
}

/// Sequence numbers run from 0 to 2^31 - 1 and start over.
fn advance(sequence: i32, count: u32) -> i32 {
    ((i64::from(sequence) + i64::from(count)) & i64::from(i32::MAX)) as i32
}
