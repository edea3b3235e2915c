//! The producer's identity and the sequence numbers of its batches (KIP-98), and when both start anew (KIP-360).

#[cfg(test)]
mod tests;

/// The identity that every batch of an idempotent writer is stamped with.
#[derive(Debug)]
pub(crate) struct Producer {
    identity: Identity,
    /// Counts identities, so that a partition sees that its sequence belongs to an older one.
    generation: u64,
    /// A sequence number was lost; a new epoch is needed before anything new is stamped.
    renewal_wanted: bool,
    /// Batches that carry a stamp of the present identity and have no outcome yet.
    stamped: usize,
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
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// Sequence number of the next record; wraps to zero after 2^31 - 1.
    next: i32,
    /// Identity that `next` belongs to.
    generation: u64,
    /// Whether the broker has acknowledged a batch of this identity. Until then it knows no sequence to compare with and
    /// would take a second batch without the first, so only one may be on its way.
    proven: bool,
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
            generation: 1,
            renewal_wanted: false,
            stamped: 0,
        }
    }

    pub(crate) fn is_idempotent(&self) -> bool {
        self.identity != Identity::None
    }

    /// Whether an identity has to be asked from a broker.
    pub(crate) fn needs_identity(&self) -> bool {
        self.identity == Identity::Unknown
    }

    /// Whether batches can be stamped now.
    pub(crate) fn is_ready(&self) -> bool {
        !self.needs_identity() && !self.renewal_wanted
    }

    /// A broker has given an identity.
    pub(crate) fn handle_identity(&mut self, id: i64, epoch: i16) {
        if self.needs_identity() {
            self.identity = Identity::Known { id, epoch };
            self.generation += 1;
        }
    }

    /// The stamp of the next batch of a partition; `None` while there is no identity to stamp with.
    pub(crate) fn stamp(&mut self, sequence: &mut Sequence, count: u32) -> Option<Stamp> {
        if !self.is_ready() {
            return None;
        }
        let (producer_id, epoch) = match self.identity {
            Identity::None => return Some(Stamp::NONE),
            Identity::Unknown => return None,
            Identity::Known { id, epoch } => (id, epoch),
        };
        if sequence.generation != self.generation {
            *sequence = Sequence {
                next: 0,
                generation: self.generation,
                proven: false,
            };
        }
        let stamp = Stamp {
            producer_id,
            epoch,
            sequence: sequence.next,
        };
        sequence.next = advance(sequence.next, count);
        self.stamped += 1;
        Some(stamp)
    }

    /// How many batches of a partition may be on their way, given the bound for a partition that has proven its sequence.
    pub(crate) fn depth(&self, sequence: &Sequence, bound: usize) -> usize {
        let proven = sequence.proven && sequence.generation == self.generation;
        if !self.is_idempotent() || proven {
            bound
        } else {
            1
        }
    }

    /// A stamped batch was acknowledged.
    pub(crate) fn handle_written(&mut self, sequence: &mut Sequence, stamp: Stamp) {
        if stamp == Stamp::NONE {
            return;
        }
        self.stamped -= 1;
        sequence.proven |= sequence.generation == self.generation;
    }

    /// A stamped batch failed, or lost its stamp. When it is known not to be stored and is the last of its partition, its
    /// numbers are given to the next; else the gap needs a new epoch.
    pub(crate) fn handle_unused(
        &mut self,
        sequence: &mut Sequence,
        stamp: Stamp,
        count: u32,
        reusable: bool,
    ) {
        if stamp == Stamp::NONE {
            return;
        }
        self.stamped -= 1;
        let is_last = sequence.generation == self.generation
            && sequence.next == advance(stamp.sequence, count);
        if reusable && is_last {
            sequence.next = stamp.sequence;
        } else {
            self.renewal_wanted = true;
        }
    }

    /// A batch was cut in two, which share its numbers.
    pub(crate) fn handle_split(&mut self, stamp: Stamp) {
        if stamp != Stamp::NONE {
            self.stamped += 1;
        }
    }

    /// The broker and the writer disagree about a sequence: nothing new is stamped until a new epoch.
    pub(crate) fn want_renewal(&mut self) {
        self.renewal_wanted |= self.is_idempotent();
    }

    /// Whether a new epoch is awaited: batches that are known not to be stored give up their stamps then.
    pub(crate) fn is_renewal_wanted(&self) -> bool {
        self.renewal_wanted
    }

    /// Starts the next epoch once no batch of the present one can still arrive anywhere; says whether it did. Epochs used
    /// up, or `refused` by a broker, ask for a new producer id.
    pub(crate) fn renew(&mut self, refused: bool) -> bool {
        if !self.renewal_wanted || self.stamped > 0 {
            return false;
        }
        self.renewal_wanted = false;
        self.generation += 1;
        self.identity = match self.identity {
            Identity::None => Identity::None,
            Identity::Known { id, epoch } if epoch < i16::MAX && !refused => Identity::Known {
                id,
                epoch: epoch + 1,
            },
            _ => Identity::Unknown,
        };
        true
    }
}

/// Sequence numbers run from 0 to 2^31 - 1 and start over.
fn advance(sequence: i32, count: u32) -> i32 {
    ((i64::from(sequence) + i64::from(count)) & i64::from(i32::MAX)) as i32
}
