//! What is seen of a writer from outside: what its application's functions are told, its numbers, its lines.

use crate::accumulator::{OpenBatch, Partition};
use crate::completion::Teller;
use crate::error::{Cause, WriterError};
use crate::receipt::Ack;
use crate::sender::Flight;
use crate::stats::Counters;
use crate::story::Story;

/// Whom a writer tells what it does; nobody by default.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    /// Who tells the application what became of each batch, if it wants to know.
    pub(crate) teller: Option<Teller>,
    /// Absent without a logger.
    pub(crate) story: Option<Story>,
    pub(crate) counters: Counters,
}

impl Outside {
    /// A broker has a batch, whose records wait for their outcome.
    pub(crate) fn note_written(&self, partition: &Partition, flight: &Flight, ack: &Ack) {
        let records = flight.sealed.count();
        let bytes = flight.sealed.uncompressed_len();
        partition.counters.note_written(records, bytes);
        let (at, attempts, offset) = (&partition.at, flight.attempts, ack.base_offset);
        tracing::debug!(%at, records, bytes, attempts, offset, "batch written");
        if let Some(story) = &self.story {
            story.tell(match offset {
                Some(offset) => format!("{at}: wrote {records} records from offset {offset} on"),
                None => format!("{at}: wrote {records} records"),
            });
        }
    }

    /// A batch that came back with an error is sent again.
    pub(crate) fn note_retry(&self, partition: &Partition, attempts: u32, cause: &Cause) {
        let at = &partition.at;
        tracing::debug!(%at, attempts, %cause, "batch to be sent again");
        if let Some(story) = &self.story {
            story.tell_fault(format!("{at}: attempt {attempts} failed: {cause}"));
        }
    }

    /// Records that were accepted have failed for good.
    pub(crate) fn note_failed(&self, partition: &Partition, records: usize, error: &WriterError) {
        partition.counters.note_failed(&self.counters, records);
        tracing::debug!(%error, records, "batch failed");
        if let Some(story) = &self.story {
            story.tell_fault(format!("{records} records: {error}"));
        }
    }

    /// Gives up a batch before anything was tried.
    pub(crate) fn refuse(&self, partition: &Partition, batch: OpenBatch, error: WriterError) {
        self.note_failed(partition, batch.count(), &error);
        batch.refuse(error);
    }
}
