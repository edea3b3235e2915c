//! One message from the handler to its commit, whatever happens.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ekafka_conn::Message;
use ekafka_reader::ReaderError;
use tokio::sync::watch;

use super::failure::{ConsumptionError, HandlerPanic, Stage, is_recoverable};
use super::{Errors, Mode, Rules, Shared, concurrent, dead_letter, serial};
use crate::app::panic_message;
use crate::consumer::Consumer;
use crate::consumer_group::ConsumerGroup;
use crate::context::Context;
use crate::error::ComponentError;
use crate::interceptor::{Call, Command, Operation};
use crate::producer::Producer;
use crate::server::{BoxError, Stop};

pub(crate) type Handled = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;
pub(crate) type MessageHandler = Arc<dyn Fn(Context, Message) -> Handled + Send + Sync>;
pub(super) type BatchHandler = Arc<dyn Fn(Context, Vec<Message>) -> Handled + Send + Sync>;
pub(super) type Start = Arc<dyn Fn(Context, Arc<Consumer>) -> Handled + Send + Sync>;
pub(super) type GroupStart = Arc<dyn Fn(Context, Arc<ConsumerGroup>) -> Handled + Send + Sync>;

/// What handling needs; clones share it.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) consumer: Arc<Consumer>,
    pub(crate) rules: Rules,
    pub(crate) context: Context,
    pub(crate) dead_letter: Option<Arc<Producer>>,
    pub(crate) stop: watch::Receiver<Stop>,
}

/// The handler of one message or of many.
#[derive(Clone)]
pub(super) enum Handler {
    Message(MessageHandler),
    Batch(BatchHandler),
}

impl Work {
    pub(super) fn new(
        shared: &Shared,
        consumer: Arc<Consumer>,
        context: Context,
    ) -> Result<Self, ComponentError> {
        let producer = shared.rules.dead_letter.as_deref();
        let producer = producer.map(|name| shared.component.try_producer(name));
        Ok(Self {
            consumer,
            rules: shared.rules.clone(),
            context,
            dead_letter: producer.transpose()?,
            stop: shared.stop.subscribe(),
        })
    }

    pub(crate) async fn until_stopped(self, mode: &Mode) -> Result<(), ConsumptionError> {
        match mode {
            Mode::EachMessage(errors, handler) if self.rules.concurrency == 1 => {
                serial::run(
                    self,
                    errors,
                    &Handler::Message(Arc::clone(handler)),
                    1,
                    Duration::ZERO,
                )
                .await
            }
            Mode::EachMessage(errors, handler) => {
                concurrent::run(self, errors, Handler::Message(Arc::clone(handler))).await
            }
            Mode::EachBatch(errors, count, wait, handler) => {
                serial::run(
                    self,
                    errors,
                    &Handler::Batch(Arc::clone(handler)),
                    *count,
                    *wait,
                )
                .await
            }
            Mode::Unset | Mode::Start(_) | Mode::GroupStart(_) => Ok(()),
        }
    }

    pub(super) fn is_stopping(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    /// Whether there is nothing more to take: the server is to stop, or somebody closed the consumer.
    pub(super) fn is_over(&self) -> bool {
        self.is_stopping() || self.consumer.is_closed()
    }

    /// Waits until the server is to stop.
    pub(super) async fn stopping(&self) {
        let mut stop = self.stop.clone();
        // A server that is gone has stopped.
        let _ = stop.wait_for(|stop| *stop != Stop::No).await;
    }

    /// Runs the handler, as often as the rules say, then writes a dead letter if there is a place for it. `Ok` means that
    /// the messages may be committed.
    pub(super) async fn handle(
        &self,
        errors: &Errors,
        handler: &Handler,
        messages: &[Message],
    ) -> Result<(), ConsumptionError> {
        let mut attempt = 1;
        loop {
            if self.rules.debug {
                tracing::debug!(target: "ekafka", first = ?messages.first(), attempt, "handling");
            }
            let Err(error) = self.handle_once(handler, messages).await else {
                return Ok(());
            };
            let mut failure = ConsumptionError::new(Stage::Handle, messages.first(), &error);
            failure.attempt = attempt;
            errors.tell(&failure);
            if !is_recoverable(&*failure.cause) || attempt > self.rules.retries {
                return self.bury(errors, failure, messages).await;
            }
            attempt += 1;
            tokio::time::sleep(self.rules.retry_backoff).await;
        }
    }

    async fn handle_once(
        &self,
        handler: &Handler,
        messages: &[Message],
    ) -> Result<(), ComponentError> {
        let chain = self.consumer.chain();
        let topic = match messages {
            // The messages of several topics name their own.
            [first, ..] if self.consumer.config().topic.is_empty() => first.topic(),
            _ => &self.consumer.config().topic,
        };
        let mut call = chain.call(Command::Handler, topic, &self.context);
        call.set_messages(messages);
        chain.run(&mut call, &mut Handling(handler)).await
    }

    async fn bury(
        &self,
        errors: &Errors,
        failure: ConsumptionError,
        messages: &[Message],
    ) -> Result<(), ConsumptionError> {
        let Some(producer) = &self.dead_letter else {
            return if self.rules.skips {
                Ok(())
            } else {
                Err(failure)
            };
        };
        for message in messages {
            if let Err(error) = dead_letter::write(producer, message, &failure).await {
                let lost = ConsumptionError::new(Stage::DeadLetter, Some(message), &error);
                errors.tell(&lost);
                return Err(lost);
            }
        }
        Ok(())
    }

    /// Commits handled messages, trying again while that can help and the server is not to stop.
    pub(super) async fn commit(
        &self,
        errors: &Errors,
        messages: &[Message],
    ) -> Result<(), ConsumptionError> {
        if !self.rules.commits {
            return Ok(());
        }
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.consumer.commit(Command::Commit, messages).await {
            let failure = ConsumptionError::new(Stage::Commit, messages.last(), &error);
            errors.tell(&failure);
            if is_of_others(&error) {
                // Whoever has the partition now will handle them again.
                return Ok(());
            }
            if !error.is_retriable() || self.is_stopping() {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    /// Tells a failure of reading; an error if there is nothing to be hoped for.
    pub(super) async fn note_unread(
        &self,
        errors: &Errors,
        error: ComponentError,
    ) -> Result<(), ConsumptionError> {
        let failure = ConsumptionError::new(Stage::Fetch, None, &error);
        errors.tell(&failure);
        if !error.is_retriable() {
            return Err(failure);
        }
        tokio::time::sleep(FIRST_PAUSE).await;
        Ok(())
    }
}

fn is_of_others(error: &ComponentError) -> bool {
    matches!(error, ComponentError::Closed)
        || matches!(error, ComponentError::Reader(error) if matches!(**error, ReaderError::NotAssigned { .. }))
}

struct Handling<'h>(&'h Handler);

impl Operation for Handling<'_> {
    async fn run(&mut self, call: &mut Call<'_>) -> Result<(), ComponentError> {
        let (context, messages) = (call.context().clone(), call.messages());
        let trace = context.clone();
        let handled = match (self.0, messages) {
            (Handler::Message(handler), [message, ..]) => {
                contained(&trace, || handler(context, message.clone())).await
            }
            (Handler::Message(_), []) => Ok(()),
            (Handler::Batch(handler), messages) => {
                contained(&trace, || handler(context, messages.to_vec())).await
            }
        };
        handled.map_err(|error| ComponentError::Handler(Arc::from(error)))
    }
}

/// Runs code of the application within the context's trace; a panic is an error like others.
pub(super) async fn contained(
    context: &Context,
    run: impl FnOnce() -> Handled,
) -> Result<(), BoxError> {
    let run = || context.within_trace(run);
    let mut running = catch_unwind(AssertUnwindSafe(run)).map_err(|panic| panicked(&*panic))?;
    std::future::poll_fn(move |task| {
        let poll = || context.within_trace(|| running.as_mut().poll(task));
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(polled) => polled,
            Err(panic) => Poll::Ready(Err(panicked(&*panic))),
        }
    })
    .await
}

fn panicked(panic: &(dyn Any + Send)) -> BoxError {
    Box::new(HandlerPanic {
        message: panic_message(panic),
    })
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
