//! The task that keeps the view fresh: asks one broker at a time, and goes back to the bootstrap addresses when none
//! of those known answers.

use std::cell::Cell;
use std::sync::Arc;

use ekafka_protocol::messages::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use ekafka_protocol::{ApiKey, DecodeError, ErrorCode, StrBytes};
use tokio::time::{Instant, sleep_until};

use super::state::{Running, Shared};
use crate::address::HostPort;
use crate::broker::{Broker, Purpose};
use crate::error::{ConnError, Stage};
use crate::refresh::{Next, Question};
use crate::view::Refused;

pub(super) async fn run(running: Running) {
    let shared = &*running.0;
    let mut last_rebootstrap = None;
    loop {
        let next = shared.plan().next(Instant::now());
        match next {
            Next::At(at) => {
                tokio::select! {
                    () = sleep_until(at) => {}
                    () = shared.to_task.notified() => {}
                }
            }
            Next::Send(question) => {
                let outcome = Box::pin(ask_around(shared, &question, &mut last_rebootstrap)).await;
                let now = Instant::now();
                let failure = outcome.err();
                let before = shared.progress.borrow().failure.clone();
                match &failure {
                    None => {
                        if before.is_some() {
                            tracing::info!("metadata again");
                        }
                        shared.plan().handle_answer(&question, now);
                    }
                    Some(failure) => {
                        // One line tells of an outage, however long that lasts, unless it changes.
                        let before = before.map(|before| before.to_string());
                        if before.is_some_and(|before| before == failure.to_string()) {
                            tracing::debug!(%failure, "still no metadata");
                        } else {
                            tracing::warn!(%failure, "no metadata");
                        }
                        shared.plan().handle_failure(question, now, fastrand::f64());
                    }
                }
                shared.progress.send_modify(|progress| {
                    progress.rounds += 1;
                    progress.failure = failure;
                });
            }
        }
    }
}

/// Asks brokers until one gives a usable answer, and takes that over.
async fn ask_around(
    shared: &Shared,
    question: &Question,
    last_rebootstrap: &mut Option<Instant>,
) -> Result<(), ConnError> {
    let mut attempts = Attempts::default();
    let known = shared.by_readiness(Purpose::General);
    for broker in known.iter().take(KNOWN_TRIED) {
        match ask(shared, broker, question).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                // The cluster itself says that this view leads nowhere (KIP-1102).
                let is_over = error.code() == Some(ErrorCode::REBOOTSTRAP_REQUIRED);
                attempts.note(broker, error);
                if is_over {
                    break;
                }
            }
        }
    }
    let now = Instant::now();
    let interval = shared.config.rebootstrap_interval;
    if !known.is_empty() && last_rebootstrap.is_some_and(|last| now < last + interval) {
        return Err(attempts.into_error());
    }
    if !known.is_empty() {
        tracing::info!("no known broker answers: going back to the bootstrap addresses");
        *last_rebootstrap = Some(now);
    }
    let mut seeds = shared.seeds.clone();
    fastrand::shuffle(&mut seeds);
    for seed in &seeds {
        match ask(shared, seed, question).await {
            Ok(()) => {
                // What is not taken over by a broker of the view is not needed any more.
                shared.by_readiness(Purpose::General);
                drop(seed.release(Purpose::General));
                return Ok(());
            }
            Err(error) => attempts.note(seed, error),
        }
    }
    Err(attempts.into_error())
}

async fn ask(shared: &Shared, broker: &Arc<Broker>, question: &Question) -> Result<(), ConnError> {
    let connection = broker.connect(Purpose::General, &shared.config).await?;
    let topics = question.topics.iter();
    let request = MetadataRequest {
        topics: Some(
            topics
                .map(|topic| MetadataRequestTopic::named(StrBytes::from_string(topic.to_string())))
                .collect(),
        ),
        allow_auto_topic_creation: question.create,
        ..MetadataRequest::default()
    };
    let deadline = shared.config.request_deadline(Instant::now());
    let answer = connection.send(&request, deadline).await?;
    take_over(shared, broker, question, &answer)
}

fn take_over(
    shared: &Shared,
    broker: &Broker,
    question: &Question,
    answer: &MetadataResponse,
) -> Result<(), ConnError> {
    let refused = Cell::new(None);
    shared.replace_view(|view| {
        let merged = view.merge(answer, question.asked);
        refused.set(merged.as_ref().err().copied());
        merged.ok()
    });
    let Some(refused) = refused.get() else {
        return Ok(());
    };
    let kafka = |code| ConnError::Kafka {
        broker: broker.address().clone(),
        api: ApiKey::METADATA,
        code,
    };
    Err(match refused {
        // The address belongs to another cluster now.
        Refused::OtherCluster => kafka(ErrorCode::INCONSISTENT_CLUSTER_ID),
        Refused::Code(code) => kafka(code),
        Refused::NoBrokers => ConnError::Malformed {
            broker: broker.address().clone(),
            stage: Stage::Request(ApiKey::METADATA),
            cause: Arc::new(DecodeError::Corrupt {
                what: "metadata",
                detail: "it lists no usable broker",
            }),
        },
    })
}

/// How the attempts of one round ended, by address: brokers of the view are often bootstrap addresses too.
#[derive(Default)]
struct Attempts(Vec<(HostPort, ConnError)>);

impl Attempts {
    fn note(&mut self, broker: &Broker, error: ConnError) {
        let address = broker.address();
        self.0.retain(|(tried, _)| tried != address);
        self.0.push((address.clone(), error));
    }

    fn into_error(mut self) -> ConnError {
        // They were asked in random order.
        self.0
            .sort_by_cached_key(|(address, _)| address.to_string());
        ConnError::NoBroker {
            wanted: None,
            attempts: self.0.into_iter().map(|(_, error)| error).collect(),
        }
    }
}

/// Known brokers asked in one round before the bootstrap addresses are.
const KNOWN_TRIED: usize = 3;
