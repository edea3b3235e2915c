//! What a writer could not deliver before it was closed.

use std::fmt;

use super::TopicPartition;

/// What a writer gave up when it was closed; each of these records has had its outcome, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error(
    "closed before everything was delivered: {not_written} records not written, {maybe_written} maybe written ({})",
    Places(partitions)
)]
#[non_exhaustive]
pub struct Undelivered {
    /// Records that no broker has.
    pub not_written: usize,
    /// Records that a broker may have.
    pub maybe_written: usize,
    /// Where they were to go: each partition that lost any, in order.
    pub partitions: Vec<UndeliveredPartition>,
}

/// The share of one partition in [`Undelivered`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UndeliveredPartition {
    /// Where the records were to go.
    pub at: TopicPartition,
    /// Records that no broker has.
    pub not_written: usize,
    /// Records that a broker may have.
    pub maybe_written: usize,
}

impl Undelivered {
    /// Counts records of a partition that were given up.
    pub(crate) fn add(&mut self, at: &TopicPartition, records: usize, maybe_written: bool) {
        let found = self
            .partitions
            .binary_search_by(|known| key(&known.at).cmp(&key(at)));
        let place = found.unwrap_or_else(|place| {
            let share = UndeliveredPartition {
                at: at.clone(),
                not_written: 0,
                maybe_written: 0,
            };
            self.partitions.insert(place, share);
            place
        });
        let share = &mut self.partitions[place];
        if maybe_written {
            self.maybe_written += records;
            share.maybe_written += records;
        } else {
            self.not_written += records;
            share.not_written += records;
        }
    }

    /// Whether nothing was given up.
    pub(crate) fn is_nothing(&self) -> bool {
        self.partitions.is_empty()
    }
}

fn key(at: &TopicPartition) -> (&str, i32) {
    (&at.topic, at.partition)
}

/// The first partitions by name.
struct Places<'a>(&'a [UndeliveredPartition]);

impl fmt::Display for Places<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, share) in self.0.iter().take(TOLD).enumerate() {
            let word = if place == 0 { "" } else { ", " };
            write!(formatter, "{word}{}", share.at)?;
        }
        match self.0.len().saturating_sub(TOLD) {
            0 => Ok(()),
            more => write!(formatter, " and {more} more partitions"),
        }
    }
}

/// Partitions that a text names; the rest is counted.
const TOLD: usize = 3;
