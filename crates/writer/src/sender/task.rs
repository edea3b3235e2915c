//! The sender's task: it waits for what takes time, and tells the sender when it has happened.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ekafka_conn::{BrokerId, Cluster, ConnError, Connection, Purpose};
use tokio::time::Instant;

use super::{Event, Sender, identity};

/// Runs until the writer is closed or dropped. When the runtime drops it before, everything unresolved is resolved.
pub(super) async fn run(sender: Arc<Sender>) {
    let _end = EndWithTask(&sender);
    // Nothing is asked of the cluster before there is a record.
    sender.wake.notified().await;
    let mut dials = Dials::default();
    let mut asking = None;
    let mut generation = sender.cluster.view().generation;
    let mut news = Box::pin(newer_view(sender.cluster.clone(), generation));
    loop {
        let (wishes, alarm, ended) = sender.take_orders();
        if ended {
            return;
        }
        for broker in wishes.dial {
            dials.add(dial(Arc::clone(&sender), broker));
        }
        if wishes.identity && asking.is_none() {
            asking = Some(Box::pin(identity::ask(
                sender.cluster.clone(),
                sender.rules.backoff,
            )));
        }
        tokio::select! {
            () = sender.wake.notified() => {}
            () = sleep_until(alarm) => sender.post(Event::Time),
            (broker, result) = dials.next() => {
                // Held until the sender has used it, so that it is not closed for want of handles.
                let error = result.as_ref().err().cloned();
                sender.post(Event::Dialled { broker, error });
            }
            event = answer(&mut asking) => {
                asking = None;
                sender.post(event);
            }
            next = &mut news => {
                generation = next.unwrap_or(generation);
                sender.post(Event::View);
                news = Box::pin(newer_view(sender.cluster.clone(), generation));
            }
        }
    }
}

async fn dial(sender: Arc<Sender>, broker: BrokerId) -> (BrokerId, Result<Connection, ConnError>) {
    let begun = Instant::now();
    let result = sender.cluster.connection(broker, Purpose::Produce).await;
    sender.shelf.outside.counters.note_dial(begun.elapsed());
    (broker, result)
}

/// Waits for metadata newer than `generation`; `None` when it cannot be had for some time.
async fn newer_view(cluster: Cluster, generation: u64) -> Option<u64> {
    let begun = Instant::now();
    match cluster
        .view_newer_than(generation, begun + A_LONG_TIME)
        .await
    {
        Ok(view) => Some(view.generation),
        Err(_) => {
            // Whoever waits for a topic is told the error; here it only must not come around at once.
            tokio::time::sleep_until(begun + BETWEEN_FAILURES).await;
            None
        }
    }
}

async fn sleep_until(alarm: Option<Instant>) {
    match alarm {
        Some(alarm) => tokio::time::sleep_until(alarm).await,
        None => std::future::pending().await,
    }
}

async fn answer<F: Future + Unpin>(asking: &mut Option<F>) -> F::Output {
    match asking {
        Some(asking) => asking.await,
        None => std::future::pending().await,
    }
}

/// Ends the sender's work when the task goes, however it goes.
struct EndWithTask<'a>(&'a Arc<Sender>);

impl Drop for EndWithTask<'_> {
    fn drop(&mut self) {
        self.0.post(Event::Abandon(None));
    }
}

type Dial = Pin<Box<dyn Future<Output = (BrokerId, Result<Connection, ConnError>)> + Send>>;

/// The dials under way: at most one per broker.
#[derive(Default)]
struct Dials(Vec<Dial>);

impl Dials {
    fn add(
        &mut self,
        dial: impl Future<Output = (BrokerId, Result<Connection, ConnError>)> + Send + 'static,
    ) {
        self.0.push(Box::pin(dial));
    }

    /// The next dial to end. Cancel safe: the others go on.
    async fn next(&mut self) -> (BrokerId, Result<Connection, ConnError>) {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<(BrokerId, Result<Connection, ConnError>)> {
        for (index, dial) in self.0.iter_mut().enumerate() {
            if let Poll::Ready(ended) = dial.as_mut().poll(context) {
                drop(self.0.swap_remove(index));
                return Poll::Ready(ended);
            }
        }
        Poll::Pending
    }
}

/// After this the wait for news begins again; only a bound on a wait that has no other.
const A_LONG_TIME: Duration = Duration::from_secs(24 * 3600);

const BETWEEN_FAILURES: Duration = Duration::from_secs(1);
