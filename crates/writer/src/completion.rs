//! Tells the application what became of each batch, in a task of its own: before those who wait for the batch are told, and
//! under no lock.

mod batch;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use ekafka_protocol::records::SealedBatch;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::accumulator::{Permit, Pool};
use crate::error::WriterError;
use crate::receipt::{Ack, Resolver};

pub use batch::{CompletedBatch, CompletedRecord, CompletedRecords};

/// The application's function.
#[derive(Clone)]
pub(crate) struct Callback(pub(crate) Arc<dyn Fn(&CompletedBatch) + Send + Sync>);

/// Where outcomes are handed over; shared by the batches that have none yet.
#[derive(Debug, Clone)]
pub(crate) struct Teller(Arc<Line>);

#[derive(Debug)]
struct Line {
    callback: Callback,
    /// Unbounded, since each job holds the room of its batch in the writer's memory, which is bounded.
    jobs: UnboundedSender<Job>,
}

/// A batch with its outcome, on its way to the application.
#[derive(Debug)]
pub(crate) struct Job {
    batch: CompletedBatch,
    /// Told after the application.
    resolver: Resolver,
    /// Holds the buffer, which is used again, and its room; absent while the batch is still on the wire.
    freight: Option<Freight>,
}

/// What a batch that has its outcome leaves behind.
#[derive(Debug)]
pub(crate) struct Freight {
    pub(crate) sealed: SealedBatch,
    /// Room in the memory, free when this is dropped.
    pub(crate) permit: Permit,
}

/// The task's side.
pub(crate) struct Jobs {
    callback: Callback,
    pool: Arc<Pool>,
    receiver: UnboundedReceiver<Job>,
}

impl Teller {
    pub(crate) fn new(callback: Callback, pool: Arc<Pool>) -> (Self, Jobs) {
        let (jobs, receiver) = unbounded_channel();
        let line = Line {
            callback: callback.clone(),
            jobs,
        };
        let jobs = Jobs {
            callback,
            pool,
            receiver,
        };
        (Self(Arc::new(line)), jobs)
    }

    /// Hands an outcome over. `bytes` are the batch's, absent if they are lost.
    pub(crate) fn tell(
        &self,
        mut resolver: Resolver,
        result: Result<Ack, WriterError>,
        bytes: Option<Bytes>,
        freight: Option<Freight>,
    ) {
        let tags = resolver.take_tags();
        let at = resolver.at().clone();
        let batch = CompletedBatch::new(at, result, resolver.count(), bytes, tags);
        let job = Job {
            batch,
            resolver,
            freight,
        };
        if let Err(refused) = self.0.jobs.send(job) {
            // The runtime has ended, and with it the task.
            refused.0.finish(&self.0.callback, None);
        }
    }
}

/// Calls the application for one batch after the other, until the writer and all its batches are gone.
pub(crate) async fn run(mut jobs: Jobs) {
    while let Some(job) = jobs.receiver.recv().await {
        job.finish(&jobs.callback, Some(&jobs.pool));
    }
}

impl Drop for Jobs {
    /// The runtime ends: what is in line is told here, what comes later by whoever has it.
    fn drop(&mut self) {
        self.receiver.close();
        while let Ok(job) = self.receiver.try_recv() {
            job.finish(&self.callback, None);
        }
    }
}

impl Job {
    fn finish(self, callback: &Callback, pool: Option<&Pool>) {
        let Self {
            batch,
            resolver,
            freight,
        } = self;
        if catch_unwind(AssertUnwindSafe(|| (callback.0)(&batch))).is_err() {
            tracing::error!(at = %batch.at(), "a completion function panicked");
        }
        let result = batch.into_result();
        if let Some(Freight { sealed, permit }) = freight {
            if let (Some(pool), Some(buffer)) = (pool, sealed.recycle()) {
                pool.put(buffer);
            }
            drop(permit);
        }
        resolver.resolve(result);
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Callback")
    }
}
