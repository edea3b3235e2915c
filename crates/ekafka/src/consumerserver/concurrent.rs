//! Several handlers at a time, commits in order.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use ekafka_conn::Message;
use ekafka_reader::{Event, Received};
use tokio::task::{JoinError, JoinSet};

use super::failure::{ConsumptionError, HandlerPanic, Stage};
use super::handling::{Handler, Work};
use super::lanes::Lanes;
use super::progress::{Place, Progress};
use super::{Errors, Order};
use crate::app::panic_message;
use crate::error::ComponentError;

/// Which messages wait for each other: a partition, and the hash of a key where keys count.
type Lane = (Place, u64);

type Done = (Lane, Message, Result<(), ConsumptionError>);

struct Crew<'e> {
    work: Work,
    errors: &'e Errors,
    handler: Handler,
    lanes: Lanes<Lane, Message>,
    progress: Progress<Message>,
    tasks: JoinSet<Done>,
}

/// Handles messages until the server stops; then what is being handled is finished and committed.
pub(super) async fn run(
    work: Work,
    errors: &Errors,
    handler: Handler,
) -> Result<(), ConsumptionError> {
    let mut crew = Crew {
        lanes: Lanes::new(work.rules.concurrency),
        work,
        errors,
        handler,
        progress: Progress::new(),
        tasks: JoinSet::new(),
    };
    let result = crew.until_stopped().await;
    crew.lanes.clear();
    result.and(crew.finish_running().await)
}

impl Crew<'_> {
    async fn until_stopped(&mut self) -> Result<(), ConsumptionError> {
        loop {
            while let Some((lane, message)) = self.lanes.start() {
                self.begin(lane, message);
            }
            let has_room = self.lanes.has_room();
            let received = tokio::select! {
                biased;
                () = self.work.stopping() => return Ok(()),
                Some(done) = self.tasks.join_next() => {
                    self.finish(done).await?;
                    continue;
                }
                received = self.work.consumer.receive(), if has_room => received,
            };
            match received {
                Ok(Received::Message(message)) => self.take(message),
                // Taking the next item lets the group go on, so first everything is brought to an end.
                Ok(Received::Event(Event::Revoked(partitions) | Event::Lost(partitions))) => {
                    self.lanes.clear();
                    self.finish_running().await?;
                    for partition in partitions {
                        self.progress
                            .forget(&(partition.topic, partition.partition));
                    }
                }
                Ok(_) => {}
                Err(ComponentError::Closed) => return Ok(()),
                Err(error) => self.work.note_unread(self.errors, error).await?,
            }
        }
    }

    fn take(&mut self, message: Message) {
        let place: Place = (Arc::clone(&message.batch().topic), message.partition());
        let key = match self.work.rules.order {
            Order::Partition => 0,
            Order::Key => {
                let mut hasher = DefaultHasher::new();
                message.key().hash(&mut hasher);
                hasher.finish()
            }
        };
        self.progress.begin(&place, message.offset());
        self.lanes.add((place, key), message);
    }

    fn begin(&mut self, lane: Lane, message: Message) {
        let (work, errors) = (self.work.clone(), self.errors.clone());
        let handler = self.handler.clone();
        self.tasks.spawn(async move {
            let result = work
                .handle(&errors, &handler, std::slice::from_ref(&message))
                .await;
            (lane, message, result)
        });
    }

    async fn finish(&mut self, done: Result<Done, JoinError>) -> Result<(), ConsumptionError> {
        let (lane, message, result) = match done {
            Ok(done) => done,
            // Handlers are contained, so this is an interceptor that panicked.
            Err(error) => return Err(lost(error)),
        };
        self.lanes.finish(&lane);
        result?;
        let offset = message.offset();
        if let Some(last) = self.progress.finish(&lane.0, offset, message) {
            self.work.commit(self.errors, &[last]).await?;
        }
        Ok(())
    }

    async fn finish_running(&mut self) -> Result<(), ConsumptionError> {
        let mut result = Ok(());
        while self.lanes.running() > 0 {
            let Some(done) = self.tasks.join_next().await else {
                break;
            };
            let finished = self.finish(done).await;
            result = result.and(finished);
        }
        result
    }
}

fn lost(error: JoinError) -> ConsumptionError {
    let message = match error.try_into_panic() {
        Ok(panic) => panic_message(&*panic),
        Err(error) => error.to_string(),
    };
    let panic = ComponentError::Handler(Arc::new(HandlerPanic { message }));
    ConsumptionError::new(Stage::Handle, None, &panic)
}
