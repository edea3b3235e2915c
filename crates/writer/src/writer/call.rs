//! One call of `write`: which batches hold its records, and what failed before it got into one.

use std::sync::Arc;

use tokio::time::Instant;

use crate::accumulator::Partition;
use crate::error::{WriteErrors, WriterError};
use crate::receipt::Receipt;

/// The records of a call on their way to their outcomes.
#[derive(Debug)]
pub(super) struct Call {
    /// How many records it has.
    count: usize,
    /// Index in the call of each record, in the order in which they are appended; empty when that is the call's own order.
    pub(super) order: Vec<u32>,
    /// Runs of that order that went into one batch.
    runs: Vec<Run>,
    /// Records that were not accepted, by index in the call.
    refused: Vec<(usize, WriterError)>,
    /// Partitions of which the sender has not been told.
    pub(super) ready: Vec<Arc<Partition>>,
    /// When waiting for room ends, once it has begun.
    pub(super) deadline: Option<Instant>,
}

/// Neighbours in the order of appending that are neighbours in one batch.
#[derive(Debug)]
struct Run {
    receipt: Arc<Receipt>,
    /// Position in the order of the first.
    start: usize,
    length: usize,
    /// Index in the batch of the first.
    first: u32,
}

impl Call {
    pub(super) fn new(count: usize) -> Self {
        Self {
            count,
            order: Vec::new(),
            runs: Vec::new(),
            refused: Vec::new(),
            ready: Vec::new(),
            deadline: None,
        }
    }

    /// Makes room for that many runs and partitions at once.
    pub(super) fn expect_runs(&mut self, count: usize) {
        self.runs.reserve(count);
        self.ready.reserve(count);
    }

    /// Index in the call of the record at a position of the order.
    pub(super) fn index(&self, position: usize) -> usize {
        self.order
            .get(position)
            .map_or(position, |index| *index as usize)
    }

    /// `length` records from a position on are in a batch, from an index on.
    pub(super) fn note_run(
        &mut self,
        receipt: Arc<Receipt>,
        start: usize,
        length: usize,
        first: u32,
    ) {
        self.runs.push(Run {
            receipt,
            start,
            length,
            first,
        });
    }

    pub(super) fn refuse(&mut self, index: usize, error: WriterError) {
        self.refused.push((index, error));
    }

    /// What was not accepted, without a wait for what was.
    pub(super) fn refusals(mut self) -> Result<(), WriteErrors> {
        if self.refused.is_empty() {
            return Ok(());
        }
        self.runs.clear();
        self.errors()
    }

    /// Waits for every batch, and collects what failed.
    pub(super) async fn finish(self) -> Result<(), WriteErrors> {
        let mut all_written = self.refused.is_empty();
        for run in &self.runs {
            if !run.receipt.is_done() {
                run.receipt.done().await;
            }
            all_written &= run.receipt.is_all_written();
        }
        if all_written { Ok(()) } else { self.errors() }
    }

    /// One slot for each record; no error if it was other calls' records that failed.
    fn errors(mut self) -> Result<(), WriteErrors> {
        let mut slots = vec![None; self.count];
        for run in &self.runs {
            for step in 0..run.length {
                let result = run.receipt.result_of(run.first + step as u32);
                let index = self.index(run.start + step);
                if let (Some(Err(error)), Some(slot)) = (result, slots.get_mut(index)) {
                    *slot = Some(error);
                }
            }
        }
        for (index, error) in self.refused.drain(..) {
            if let Some(slot) = slots.get_mut(index) {
                *slot = Some(error);
            }
        }
        if slots.iter().all(Option::is_none) {
            Ok(())
        } else {
            Err(WriteErrors::new(slots))
        }
    }
}
