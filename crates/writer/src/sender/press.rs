//! Where batches are compressed: a small one by the thread that has just had the sender's state, a large one on a thread
//! that may be busy for longer than a task should be. Never with the state or a lock held.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use ekafka_protocol::EncodeError;
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::records::SealedBatch;
use tokio::runtime::Handle;

use super::{Event, Job, Sender};

#[cfg(test)]
mod tests;

/// The large batches that wait, and how many threads work on them.
#[derive(Debug)]
pub(super) struct Press {
    pile: Mutex<Pile>,
    /// Threads at most: half as many as processors. With more, two of them share a core, and each takes longer.
    most: usize,
    runtime: Handle,
}

#[derive(Debug, Default)]
struct Pile {
    jobs: VecDeque<Job>,
    /// Threads that have begun, or are about to, and have not found the pile empty.
    workers: usize,
}

impl Press {
    /// Must be called within a runtime.
    pub(super) fn new() -> Self {
        Self {
            pile: Mutex::default(),
            most: std::thread::available_parallelism()
                .map_or(1, usize::from)
                .div_ceil(2),
            runtime: Handle::current(),
        }
    }

    /// Leaves a job to another thread.
    pub(super) fn submit(&self, sender: &Arc<Sender>, job: Job) {
        let has_place = {
            let mut pile = self.pile();
            pile.jobs.push_back(job);
            let has_place = pile.workers < self.most;
            pile.workers += usize::from(has_place);
            has_place
        };
        if has_place {
            let worker = Worker(Some(Arc::clone(sender)));
            self.runtime.spawn_blocking(move || worker.run());
        }
    }

    /// The oldest job. Without one the worker that asks is counted out.
    fn next(&self) -> Option<Job> {
        let mut pile = self.pile();
        let job = pile.jobs.pop_front();
        pile.workers -= usize::from(job.is_none());
        job
    }

    fn pile(&self) -> MutexGuard<'_, Pile> {
        // Nothing that can panic runs under this lock.
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread's work. A worker that never came to run, because the runtime has ended, fails what it was to do.
struct Worker(Option<Arc<Sender>>);

impl Worker {
    fn run(mut self) {
        let Some(sender) = &self.0 else { return };
        while let Some(job) = sender.press.next() {
            let event = press(job, sender.rules.compression, sender.shelf.pool.take());
            sender.post(event);
        }
        self.0 = None;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let Some(sender) = self.0.take() else { return };
        while let Some(job) = sender.press.next() {
            sender.post(outcome(
                &job,
                Err(failed(sender.rules.compression, "the runtime has ended")),
            ));
        }
    }
}

/// Whether a batch takes less than about half a millisecond, so that a task may be held up by it: handing a batch of
/// 256 KiB to another thread costs lz4 a tenth more.
pub(super) fn is_small(job: &Job, compression: Compression) -> bool {
    let most = match compression.codec() {
        Codec::None => usize::MAX,
        Codec::Snappy | Codec::Lz4 => 256 * 1024,
        Codec::Zstd => 64 * 1024,
        _ => 16 * 1024,
    };
    job.batch.len() <= most
}

/// Compresses a batch into `output`. A codec that panics has failed, like one that says so.
pub(super) fn press(job: Job, compression: Compression, output: BytesMut) -> Event {
    press_by(job, compression, |batch| {
        batch.compress(compression, output)
    })
}

fn press_by(
    job: Job,
    compression: Compression,
    compress: impl FnOnce(SealedBatch) -> Result<SealedBatch, EncodeError>,
) -> Event {
    let Job {
        lane,
        flight,
        batch,
    } = job;
    // What the closure had is gone after a panic, so nobody sees it half done.
    let result = catch_unwind(AssertUnwindSafe(|| compress(batch)))
        .unwrap_or_else(|_| Err(failed(compression, "the codec panicked")));
    Event::Sealed {
        lane,
        flight,
        result,
    }
}

fn outcome(job: &Job, result: Result<SealedBatch, EncodeError>) -> Event {
    Event::Sealed {
        lane: job.lane,
        flight: job.flight,
        result,
    }
}

fn failed(compression: Compression, detail: &str) -> EncodeError {
    EncodeError::Compression {
        codec: compression.codec().name(),
        detail: detail.into(),
    }
}
