//! What somebody gets wrong is told before anything is dialled, with the path of the key; what misbehaves is contained.

use std::time::Duration;

use ekafka::config::ConfigError;
use ekafka::consumerserver::{self, RecoverableError};
use ekafka::{ApiKey, BoxError, Component, ComponentError, Record, Server};
use ekafka_testkit::EmbeddedKafka;
use tokio::sync::mpsc;

use crate::rig::{component, kafka, soon};

/// The faults of a text, as `path: problem`.
fn faults(text: &str) -> Vec<String> {
    let built = ekafka::load_toml(text, "kafka").and_then(|container| container.try_build());
    let error: ConfigError = built.expect_err("a fault");
    let faults = error.faults().iter();
    faults
        .map(|fault| format!("{}: {}", fault.path, fault.problem))
        .collect()
}

/// Expects one fault that begins so.
fn has_one(text: &str, begins: &str) {
    let faults = faults(text);
    assert!(
        faults.len() == 1 && faults[0].starts_with(begins),
        "{begins}: {faults:#?}"
    );
}

#[test]
fn a_missing_table() {
    has_one(
        "[kafkas]\nbrokers = ['a:1']",
        "kafka: there is no such table",
    );
    let server = consumerserver::load_toml("[kafka]", "kafkaConsumerServers.s1");
    let error = server.unwrap_err();
    assert_eq!(error.faults()[0].path, "kafkaConsumerServers.s1");
}

#[test]
fn a_wrong_type() {
    has_one("kafka = 7", "kafka: expected a table, found integer");
    has_one(
        "[kafka]\nbrokers = ['a:1']\nproducers = 7",
        "kafka.producers: expected a table, found integer",
    );
    has_one(
        "[kafka]\nbrokers = ['a:1']\n[kafka.producers.p1]\nbatchSize = 'many'",
        "kafka.producers.p1.batchSize: expected a whole number",
    );
    has_one(
        "[kafka]\nbrokers = ['a:1']\n[kafka.client]\ntimeout = [1]",
        "kafka.client.timeout: expected a time span",
    );
}

#[test]
fn an_unknown_balancer() {
    has_one(
        "[kafka]\nbrokers = ['a:1']\n[kafka.producers.p1]\nbalancer = 'sideways'",
        "kafka.producers.p1.balancer: expected one of roundRobin, hash",
    );
    has_one(
        "[kafka]\nbrokers = ['a:1']\n[kafka.consumers.c1]\ntopic = 't'\ngroupID = 'g'\ngroupBalancers = ['sideways']",
        "kafka.consumers.c1.groupBalancers: expected some of range, roundrobin",
    );
}

#[test]
fn a_bad_mechanism() {
    has_one(
        "[kafka]\nbrokers = ['a:1']\nsaslMechanism = 'plain'",
        "kafka.saslMechanism: expected one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, found \"plain\"",
    );
}

#[test]
fn an_empty_broker_list() {
    for brokers in ["", "brokers = []", "brokers = ['', ' ']"] {
        has_one(
            &format!("[kafka]\n{brokers}"),
            "kafka.brokers: names no broker",
        );
    }
}

#[test]
fn min_bytes_above_max_bytes() {
    for table in ["consumers.c1", "consumerGroups.c1"] {
        let text = format!(
            "[kafka]\nbrokers = ['a:1']\n[kafka.{table}]\ntopic = 't'\ngroupID = 'g'\nminBytes = 2\nmaxBytes = 1"
        );
        has_one(
            &text,
            &format!("kafka.{table}.minBytes: 2 is above maxBytes, 1"),
        );
    }
}

#[test]
fn both_a_partition_and_a_group() {
    has_one(
        "[kafka]\nbrokers = ['a:1']\n[kafka.consumers.c1]\ntopic = 't'\ngroupID = 'g'\npartition = 1",
        "kafka.consumers.c1.partition: is set together with groupID",
    );
}

/// What writing one message says; nothing is asked of any broker.
async fn refused(producer: &str, message: Record<'_>) -> String {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let toml = format!("[kafka]\nbrokers = ['a:1']\n[kafka.producers.p1]\n{producer}");
    let component = component(&kafka, &toml);
    let writing = component.producer("p1");
    let error = soon(writing.write_messages(&[message])).await.unwrap_err();
    assert!(
        kafka.requests_of(ApiKey::METADATA).is_empty(),
        "nothing was asked"
    );
    assert!(
        kafka.requests_of(ApiKey::PRODUCE).is_empty(),
        "nothing was sent"
    );
    let ComponentError::Write(errors) = error else {
        panic!("{error}");
    };
    errors.get(0).unwrap().to_string()
}

#[tokio::test(start_paused = true)]
async fn a_topic_on_both_writer_and_message() {
    let said = refused("topic = 't'", Record::new("x").topic("t")).await;
    assert!(said.contains("topic"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_topic_on_neither_writer_nor_message() {
    let said = refused("", Record::new("x")).await;
    assert!(said.contains("topic"), "{said}");
}

const SERVED: &str = r#"
    [kafka]
    brokers = ["localhost:9094"]
    [kafka.producers.p1]
    topic = "orders"
    batchTimeout = "auto"
    [kafka.consumers.c1]
    topic = "orders"
    groupID = "shop"
    [kafkaConsumerServers.s1]
    consumerName = "c1"
"#;

async fn served() -> (EmbeddedKafka, Component) {
    let kafka = kafka().await;
    kafka.create_topic("orders", 1).unwrap();
    let component = component(&kafka, SERVED);
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("a")]))
        .await
        .unwrap();
    (kafka, component)
}

/// Handlers that misbehave, by name.
async fn misbehave(how: &'static str) -> Result<(), BoxError> {
    match how {
        "panics" => panic!("oh dear"),
        "never returns" => std::future::pending().await,
        "fails for ever" => Err(RecoverableError::new("again").into()),
        "fails" => Err("broken".into()),
        _ => Ok(()),
    }
}

/// The component is closed while a handler misbehaves and nobody reads its errors: closing returns, and the server ends,
/// at once when that is asked for.
#[tokio::test(start_paused = true)]
async fn closing_during_any_of_it() {
    for how in [
        "panics",
        "never returns",
        "fails for ever",
        "fails",
        "succeeds",
    ] {
        for concurrency in [1, 4] {
            let (_kafka, component) = served().await;
            let server = consumerserver::load_toml(SERVED, "kafkaConsumerServers.s1").unwrap();
            let server = server
                .ekafka(&component)
                .concurrency(concurrency)
                .retry_backoff(Duration::from_secs(1))
                .build();
            let (errors, _unread) = mpsc::channel(1);
            let begun = std::sync::Arc::new(tokio::sync::Notify::new());
            server.on_each_message(errors, {
                let begun = begun.clone();
                move |_, _| {
                    begun.notify_one();
                    misbehave(how)
                }
            });
            let closing = async {
                begun.notified().await;
                let closed = component.close().await;
                let graceful = tokio::time::timeout(Duration::from_secs(5), server.graceful_stop());
                if graceful.await.is_err() {
                    server.stop().await.unwrap();
                }
                closed
            };
            let (ended, closed) =
                soon(async { tokio::join!(server.start(), Box::pin(closing)) }).await;
            let fails = ["panics", "fails", "fails for ever"].contains(&how);
            assert_eq!(ended.is_err(), fails, "{how} {concurrency}: {ended:?}");
            closed.unwrap_or_else(|error| panic!("{how} {concurrency}: {error}"));
        }
    }
}

/// A handler that fails for ever runs four times, then the server ends; the errors are told.
#[tokio::test(start_paused = true)]
async fn a_handler_that_fails_for_ever() {
    let (_kafka, component) = served().await;
    let server = consumerserver::load_toml(SERVED, "kafkaConsumerServers.s1").unwrap();
    let server = server.ekafka(&component).build();
    let (errors, mut told) = mpsc::channel(16);
    server.on_each_message(errors, |_, _| misbehave("fails for ever"));
    let error = soon(server.start()).await.unwrap_err();
    assert!(
        error.to_string().contains("again") || error.source().is_some(),
        "{error}"
    );
    drop(server);
    let mut count = 0;
    while told.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 4);
}
