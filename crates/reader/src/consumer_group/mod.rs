//! Membership without reading, for applications that fetch by themselves.

mod builder;
mod commit_queue;
mod generation;
mod host;
mod offers;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::ReaderError;

pub use builder::ConsumerGroupBuilder;
pub use generation::{Generation, GenerationEnd, PartitionAssignment};

use host::{Host, Note};
use offers::Offers;

/// A member of a consumer group that is told which partitions it has, generation by generation, and reads nothing itself.
///
/// The group goes on in the background while the application works: heartbeats are sent, and what the group decides ends
/// the [`Generation`]. Dropping this leaves without a word; [`close`](Self::close) leaves in order.
///
/// ```no_run
/// # async fn example() -> Result<(), ekafka_reader::ReaderError> {
/// let mut group = ekafka_reader::ConsumerGroup::builder()
///     .group_id("shop")
///     .brokers(["localhost:9092"])
///     .topics(["orders"])
///     .build()?;
/// let generation = group.next().await?;
/// for (topic, partitions) in generation.assignments() {
///     println!("{topic}: {partitions:?}");
/// }
/// group.close().await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "kafka-go")]
pub struct ConsumerGroup {
    offers: Arc<Offers>,
    notes: UnboundedSender<Note>,
    /// What runs once the first generation is asked for.
    unstarted: Option<Box<Host>>,
    task: Option<JoinHandle<()>>,
    close_timeout: Duration,
}

impl ConsumerGroup {
    /// Sets a member up.
    pub fn builder() -> ConsumerGroupBuilder {
        ConsumerGroupBuilder::default()
    }

    /// The next generation. The one before is over by then, and the functions started in it have returned.
    ///
    /// The first call joins the group, and needs a tokio runtime around it. A generation that ends before it is taken is
    /// never handed out.
    ///
    /// # Errors
    /// What keeps the member out of the group; it goes on trying unless the error
    /// [is fatal](ReaderError::is_fatal). [`ReaderError::Closed`] after [`close`](Self::close).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Generation, ReaderError> {
        if let Some(host) = self.unstarted.take() {
            #[expect(
                clippy::disallowed_methods,
                reason = "the membership task, one per ConsumerGroup; ends when it is closed or dropped"
            )]
            let task = tokio::spawn(host.run());
            self.task = Some(task);
        }
        loop {
            if let Some(offered) = self.offers.take() {
                return offered;
            }
            self.offers.arrived().await;
        }
    }

    /// Ends the generation, waits for the functions started in it, and leaves the group. What has not happened within
    /// `close_timeout` does not happen. Closing again changes nothing.
    ///
    /// # Errors
    /// [`ReaderError::Timeout`] when a function or the brokers took longer than `close_timeout`; it is closed all the same.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the member on its way out of the group.
    pub async fn close(&mut self) -> Result<(), ReaderError> {
        self.unstarted = None;
        let Some(task) = self.task.take() else {
            self.offers.close();
            return Ok(());
        };
        let (reply, closed) = oneshot::channel();
        let after = self.close_timeout;
        let in_order = self.notes.send(Note::Close(reply)).is_err()
            || tokio::time::timeout(after, closed).await.is_ok();
        task.abort();
        self.offers.close();
        if in_order {
            return Ok(());
        }
        tracing::warn!("the consumer group could not end in order within close_timeout");
        let step = "closing the consumer group";
        Err(ReaderError::Timeout { step, after })
    }
}

impl fmt::Debug for ConsumerGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerGroup")
            .field("offers", &self.offers)
            .finish_non_exhaustive()
    }
}

impl Drop for ConsumerGroup {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
