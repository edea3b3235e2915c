//! What is closed while no broker answers any more ends all the same, in the time that its documentation promises.

use std::sync::Arc;
use std::time::Duration;

use ekafka::consumerserver::ConsumerServer;
use ekafka::{ApiKey, Component, ComponentError, Delivery, Producer, ReaderError, Record, Server};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::{Instant, sleep};

use crate::rig::{component, kafka, soon};

const TOML: &str = r#"
    [kafka]
    brokers = ["localhost:9092"]
    [kafka.producers.p1]
    topic = "t"
    batchTimeout = "auto"
    maxAttempts = 2
    writeTimeout = "2s"
    [kafka.consumers.one]
    topic = "t"
    groupID = "one"
    commitInterval = "60s"
    [kafka.consumers.two]
    topic = "t"
    groupID = "two"
    commitInterval = "60s"
    [kafka.consumers.alone]
    topic = "t"
    [kafka.consumerGroups.three]
    topic = "t"
    groupID = "three"
    [kafkaConsumerServers.s1]
    consumerName = "one"
"#;

/// How long a reader may take to close.
const READERS: Duration = Duration::from_secs(10);

/// How long the producer above may try: two attempts and the waits around them.
const PRODUCER: Duration = Duration::from_secs(10);

/// A cluster with one message in `t`.
async fn with_a_message() -> EmbeddedKafka {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let producer = component(&kafka, TOML).producer("p1");
    soon(producer.write_messages(&[Record::new("first")]))
        .await
        .unwrap();
    soon(producer.close()).await.unwrap();
    kafka
}

/// From now on requests are read, and nothing comes back.
fn fall_silent(kafka: &EmbeddedKafka) {
    kafka.on_any().silence().times(usize::MAX);
}

/// A connected producer, and what it has sent to brokers that then fell silent.
async fn producer_with_a_lost_message(
    kafka: &EmbeddedKafka,
    component: &Component,
) -> (Arc<Producer>, Delivery) {
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("second")]))
        .await
        .unwrap();
    fall_silent(kafka);
    let lost = producer.writer().send(Record::new("lost")).await.unwrap();
    (producer, lost)
}

#[tokio::test(start_paused = true)]
async fn a_component_closes_its_readers_together_and_then_its_producers() {
    let kafka = with_a_message().await;
    let component = component(&kafka, TOML);
    let (one, two) = (component.consumer("one"), component.consumer("two"));
    soon(one.read_message()).await.unwrap();
    soon(two.read_message()).await.unwrap();
    let group = component.consumer_group("three");
    while !matches!(soon(group.poll()).await, Ok(ekafka::GroupEvent::Message(_))) {}
    let (producer, lost) = producer_with_a_lost_message(&kafka, &component).await;

    let begun = Instant::now();
    let error = component.close().await.unwrap_err();
    let took = begun.elapsed();
    assert!(
        matches!(&error, ComponentError::Reader(error) if matches!(**error, ReaderError::Timeout { .. })),
        "{error:?}"
    );
    assert!(took <= READERS + PRODUCER, "{took:?}");
    lost.await.unwrap_err();
    assert!(one.is_closed() && two.is_closed() && group.is_closed() && producer.is_closed());

    let begun = Instant::now();
    component.close().await.unwrap();
    one.close().await.unwrap();
    producer.close().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO, "closed things stay so");
}

#[tokio::test(start_paused = true)]
async fn a_producer_closes_within_a_limit() {
    let kafka = with_a_message().await;
    let component = component(&kafka, TOML);
    let (producer, lost) = producer_with_a_lost_message(&kafka, &component).await;
    let (begun, limit) = (Instant::now(), Duration::from_millis(500));
    let error = producer.close_within(limit).await.unwrap_err();
    assert!(matches!(error, ComponentError::Undelivered(_)), "{error:?}");
    let took = begun.elapsed();
    assert!(took <= limit + Duration::from_millis(1), "{took:?}");
    assert!(lost.await.unwrap_err().maybe_written());
    assert!(!Arc::ptr_eq(&producer, &component.producer("p1")));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_does_not_wait_for_a_call_that_is_not_answered() {
    let kafka = with_a_message().await;
    let consumer = component(&kafka, TOML).consumer("alone");
    soon(consumer.read_message()).await.unwrap();
    fall_silent(&kafka);
    let before = kafka.requests_of(ApiKey::LIST_OFFSETS).len();
    let asking = tokio::spawn({
        let consumer = Arc::clone(&consumer);
        async move { consumer.read_lag().await }
    });
    while kafka.requests_of(ApiKey::LIST_OFFSETS).len() == before {
        sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    consumer.close().await.unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    let ended = soon(asking).await.unwrap();
    assert!(matches!(ended, Err(ComponentError::Closed)), "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_stops_gracefully_in_a_readers_time() {
    let kafka = with_a_message().await;
    let component = component(&kafka, TOML);
    let container = ekafka::consumerserver::load_toml(TOML, "kafkaConsumerServers.s1").unwrap();
    let server: ConsumerServer = container.ekafka(&component).build();
    let (errors, _told) = tokio::sync::mpsc::channel(8);
    let (seen, mut handled) = tokio::sync::mpsc::channel(8);
    server.on_each_message(errors, move |_context, _message| {
        let seen = seen.clone();
        async move { Ok(seen.send(()).await?) }
    });
    let stopping = async {
        handled.recv().await;
        fall_silent(&kafka);
        let begun = Instant::now();
        server.graceful_stop().await.unwrap();
        begun.elapsed()
    };
    let (_, took) = soon(async { tokio::join!(server.start(), stopping) }).await;
    // A commit may be on its way when the brokers fall silent: it has its own time.
    assert!(took <= Duration::from_secs(20), "{took:?}");
}
