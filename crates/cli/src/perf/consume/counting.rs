//! Reading and counting, with every key and value touched.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ekafka::{Reader, ReaderError};

use crate::failure::Failure;
use crate::perf::report::Meter;
use crate::process_start;
use crate::progress::Progress;

/// What was read, and what is to be.
pub(super) struct Counting {
    pub(super) records: u64,
    /// Of values.
    pub(super) bytes: u64,
    /// From the start of the process to the first record.
    pub(super) first: Option<Duration>,
    total: u64,
    /// The offset behind the last record of each partition that is not read to its end.
    ends: BTreeMap<i32, i64>,
    /// What every value must have, when that is known.
    size: Option<usize>,
    is_group: bool,
    /// Every byte of a key or value is behind its slice; touching the ends brings it in.
    touched: u64,
    progress: Progress,
}

impl Counting {
    /// Nothing so far, of `total` records in partitions with these first and next offsets.
    pub(super) fn new(
        total: u64,
        offsets: BTreeMap<i32, (i64, i64)>,
        size: Option<usize>,
        is_group: bool,
    ) -> Self {
        let open = offsets
            .into_iter()
            .filter(|(_, (first, next))| first < next);
        Self {
            records: 0,
            bytes: 0,
            first: None,
            total,
            ends: open.map(|(id, (_, next))| (id, next)).collect(),
            size,
            is_group,
            touched: 0,
            progress: Progress::new("records read", Some(total)),
        }
    }

    pub(super) async fn batches(
        &mut self,
        reader: &mut Reader,
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        while !self.is_finished() {
            let begun = Instant::now();
            let batch = reader.next_batch().await.map_err(|error| failed(&error))?;
            meter.latencies().note(begun.elapsed());
            self.first.get_or_insert_with(process_start::elapsed);
            for record in &batch {
                let record = record.map_err(|error| failed(&error))?;
                self.count(record.key, record.value)?;
            }
            if self.is_group {
                let marked = reader.commit_batch(&batch).await;
                marked_or_taken_away(marked)?;
            }
            self.passed(batch.partition().partition, batch.next_offset());
            self.progress.tell(self.records);
        }
        black_box(self.touched);
        Ok(())
    }

    pub(super) async fn messages(
        &mut self,
        reader: &mut Reader,
        meter: &mut Meter,
    ) -> Result<(), Failure> {
        while !self.is_finished() {
            // One of so many is timed: reading the clock twice costs more than a message.
            let begun = self
                .records
                .is_multiple_of(TIMED_MESSAGE)
                .then(Instant::now);
            let message = if self.is_group {
                reader.read_message().await
            } else {
                reader.fetch_message().await
            };
            let message = message.map_err(|error| failed(&error))?;
            if let Some(begun) = begun {
                meter.latencies().note(begun.elapsed());
                self.first.get_or_insert_with(process_start::elapsed);
                self.progress.tell(self.records);
            }
            self.count(message.key(), message.value())?;
            self.passed(message.partition(), message.offset() + 1);
        }
        black_box(self.touched);
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.records >= self.total || self.ends.is_empty()
    }

    fn count(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), Failure> {
        let value = value.unwrap_or_default();
        let key = key.unwrap_or_default();
        if self.size.is_some_and(|size| size != value.len()) {
            return Err(Failure::plain(format!(
                "a value has {} bytes, not {}",
                value.len(),
                self.size.unwrap_or_default()
            )));
        }
        self.touched += u64::from(value.last().copied().unwrap_or_default());
        self.touched += u64::from(key.last().copied().unwrap_or_default());
        self.records += 1;
        self.bytes += value.len() as u64;
        Ok(())
    }

    /// The partition was read up to `next`.
    fn passed(&mut self, partition: i32, next: i64) {
        if self.ends.get(&partition).is_some_and(|end| next >= *end) {
            self.ends.remove(&partition);
        }
    }
}

const TIMED_MESSAGE: u64 = 64;

/// A partition that goes to another member takes its mark along.
fn marked_or_taken_away(marked: Result<(), ReaderError>) -> Result<(), Failure> {
    match marked {
        Ok(()) | Err(ReaderError::NotAssigned { .. }) => Ok(()),
        Err(error) => Err(failed(&error)),
    }
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::new("cannot read", error)
}
