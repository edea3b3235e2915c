//! How much of a partition to ask for, so that whole batches come.
//!
//! A broker cuts an answer at the partition's limit (KIP-74), and what it cut off is fetched again. With
//! batches near 1 MB and a limit of 1 MiB that is up to a third of all bytes. The limit is therefore a
//! multiple of the batches' size, as far as it is known.

#[cfg(test)]
mod tests;

/// The size of a partition's batches, learnt from what was fetched.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BatchSizes {
    /// Bytes of the largest batch lately; 0 before the first.
    largest: usize,
}

impl BatchSizes {
    /// Notes the largest batch of an answer, 0 for none. Larger ones count at once, smaller ones slowly.
    pub(crate) fn note(&mut self, largest: usize) {
        if largest > self.largest {
            self.largest = largest;
        } else if largest > 0 {
            self.largest -= (self.largest - largest) / 8;
        }
    }

    pub(crate) fn is_known(self) -> bool {
        self.largest > 0
    }

    /// The limit to ask with: as many batches as fit in `most` bytes, or `most` when none does.
    pub(crate) fn limit(self, most: i32) -> i32 {
        // Batches of one writer differ by a few bytes; one that is a little larger must not be cut.
        let Ok(size) = i32::try_from(self.largest + self.largest / 64) else {
            return most;
        };
        if size == 0 || size > most {
            return most;
        }
        most - most % size
    }
}
