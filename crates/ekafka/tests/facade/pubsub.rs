//! Brokers that publish and subscribe, option by option, as the cluster and the handlers see it.

mod balancing;
mod lifecycle;
mod logging;
mod publishing;
mod reading;
mod security;
mod subscribing;
mod topics;
#[cfg(feature = "otel")]
mod traces;

use std::time::Duration;

use ekafka::pubsub::*;
use ekafka::{ConnConfig, Context, Dialer, dial_fn};
use ekafka_testkit::EmbeddedKafka;
use tokio::sync::mpsc;

use crate::rig::{soon, start};

/// A cluster that keeps what it was asked, with a topic `t` of one partition.
async fn cluster() -> EmbeddedKafka {
    let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
    kafka.create_topic("t", 1).unwrap();
    kafka
}

/// Connections to a cluster in memory.
fn dialing(kafka: &EmbeddedKafka) -> ConnConfig {
    let connector = kafka.connector();
    ConnConfig::default().dial_fn(dial_fn(move |host, port| connector.connect(host, port)))
}

/// A broker on that cluster.
fn broker(kafka: &EmbeddedKafka, options: impl IntoIterator<Item = BrokerOption>) -> KafkaBroker {
    BrokerOptions::default()
        .dialer(&Dialer::new(dialing(kafka)))
        .address([kafka.bootstrap()])
        .apply(options)
        .broker()
}

/// A broker that waits for outcomes, and sends at once.
fn waiting(kafka: &EmbeddedKafka, options: impl IntoIterator<Item = BrokerOption>) -> KafkaBroker {
    let first = [with_async(false), with_batch_timeout(Duration::ZERO)];
    broker(kafka, first.into_iter().chain(options))
}

async fn publish_text(
    broker: &KafkaBroker,
    topic: &str,
    text: &str,
    options: impl IntoIterator<Item = PublishOption> + Send,
) -> Result<(), ekafka::ComponentError> {
    let context = Context::new();
    soon(broker.publish_raw(&context, topic, text.to_owned(), options)).await
}

/// A subscription whose handler hands over what it gets.
async fn listen(
    broker: &KafkaBroker,
    topics: impl Into<Topics>,
    options: impl IntoIterator<Item = SubscribeOption> + Send,
) -> (Subscriber, mpsc::UnboundedReceiver<Event>) {
    let (sender, events) = mpsc::unbounded_channel();
    let handler = move |_context, event| {
        let sent = sender.send(event);
        async move { Ok(sent?) }
    };
    let subscriber = broker.subscribe(topics, handler, options).await.unwrap();
    (subscriber, events)
}

async fn next(events: &mut mpsc::UnboundedReceiver<Event>) -> String {
    let event = soon(events.recv()).await.expect("an event");
    String::from_utf8(event.body().to_vec()).unwrap()
}
