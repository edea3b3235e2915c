//! Consumer servers: what is committed when, and what becomes of handlers that misbehave.

mod crews;
mod modes;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ekafka::consumerserver::{self, ConsumerServer, ConsumptionError, RecoverableError, Stage};
use ekafka::{ApiKey, BoxError, Component, ErrorCode, Message, Record, Server};
use ekafka_testkit::EmbeddedKafka;
use tokio::sync::mpsc;

use crate::rig::{component, kafka, soon, stored};

const TOML: &str = r#"
    [kafka]
    debug = false
    brokers = ["localhost:9094"]
    [kafka.client]
    timeout = "3s"
    [kafka.producers.p1]
    topic = "sre-infra-test"
    batchTimeout = "auto"
    [kafka.producers.failed]
    topic = "failed"
    batchTimeout = "auto"
    [kafka.consumers.c1]
    topic = "sre-infra-test"
    groupID = "group-1"
    [kafka.consumers.alone]
    topic = "sre-infra-test"
    [kafka.consumerGroups.cg1]
    topic = "sre-infra-test"
    groupID = "group-1"
    [kafkaConsumerServers.s1]
    debug = true
    consumerName = "c1"
    consumerGroupName = "cg1"
    [kafkaConsumerServers.alone]
    consumerName = "alone"
"#;

async fn setup(partitions: i32, values: &[&str]) -> (EmbeddedKafka, Component) {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", partitions).unwrap();
    let component = component(&kafka, TOML);
    write(&component, values).await;
    (kafka, component)
}

async fn write(component: &Component, values: &[&str]) {
    let records: Vec<_> = values.iter().map(Record::new).collect();
    let written = component.producer("p1");
    soon(written.write_messages(&records)).await.unwrap();
}

fn container(component: &Component) -> consumerserver::Container {
    let container = consumerserver::load_toml(TOML, "kafkaConsumerServers.s1").unwrap();
    container.ekafka(component)
}

fn text(message: &Message) -> String {
    String::from_utf8_lossy(message.value().unwrap_or_default()).into_owned()
}

/// What handlers saw, and a wait for it.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>, Arc<tokio::sync::Notify>);

impl Seen {
    fn note(&self, what: impl Into<String>) -> usize {
        let mut seen = self.0.lock().unwrap();
        seen.push(what.into());
        self.1.notify_waiters();
        seen.len()
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    async fn reaches(&self, count: usize) {
        loop {
            let notified = self.1.notified();
            if self.all().len() >= count {
                return;
            }
            notified.await;
        }
    }
}

/// Runs the server until `done` is ready, then stops it gracefully.
async fn run_until(server: &ConsumerServer, done: impl Future<Output = ()>) {
    let stopping = async {
        done.await;
        server.graceful_stop().await
    };
    let (started, stopped) = soon(async { tokio::join!(server.start(), stopping) }).await;
    started.unwrap();
    stopped.unwrap();
}

/// What the group has committed in partition 0, as its next member finds it.
async fn committed(component: &Component) -> i64 {
    let group = component.consumer_group("cg1");
    let event = soon(group.poll()).await.unwrap();
    let ekafka::GroupEvent::AssignedPartitions(assigned) = event else {
        panic!("{event:?}");
    };
    soon(group.close()).await.unwrap();
    assigned.partitions[0].offset
}

/// S2.48, S2.61: commits right after each handler, and only then.
#[tokio::test(start_paused = true)]
async fn each_message_is_committed_after_its_handler() {
    let (kafka, component) = setup(1, &["a", "b", "c"]).await;
    let kafka = Arc::new(kafka);
    let server = container(&component).build();
    let seen = Seen::default();
    let (errors, mut told) = mpsc::channel(8);
    server.on_each_message(errors, {
        let (seen, kafka) = (seen.clone(), Arc::clone(&kafka));
        move |_context, message| {
            let commits = kafka.requests_of(ApiKey::OFFSET_COMMIT).len();
            seen.note(format!("{} after {commits}", text(&message)));
            async { Ok(()) }
        }
    });
    run_until(&server, seen.reaches(3)).await;
    assert_eq!(seen.all(), ["a after 0", "b after 1", "c after 2"]);
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 3);
    assert_eq!(committed(&component).await, 3);
    assert!(told.try_recv().is_err(), "no error was told");
}

/// S2.62, S2.63: the error is told and returned, the group is left, nothing is committed.
#[tokio::test(start_paused = true)]
async fn an_error_of_the_handler_ends_the_server() {
    let (kafka, component) = setup(1, &["a", "b"]).await;
    let server = container(&component).build();
    let (errors, mut told) = mpsc::channel(8);
    server.on_each_message(errors, |_, _| async { Err("out of paper".into()) });
    let error = soon(server.start()).await.unwrap_err();
    let error = error.downcast::<ConsumptionError>().unwrap();
    assert_eq!(error.stage, Stage::Handle);
    assert_eq!(
        error.to_string(),
        "handling sre-infra-test[0] at offset 0 failed"
    );
    assert_eq!(error.cause.to_string(), "out of paper");
    assert_eq!(told.recv().await.unwrap().cause.to_string(), "out of paper");
    assert!(told.try_recv().is_err());
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
    assert_eq!(committed(&component).await, -2);
}

/// S2.64: four runs and no more; three when the third one succeeds.
#[tokio::test(start_paused = true)]
async fn a_recoverable_error_is_tried_three_more_times() {
    for (successful_run, runs) in [(9, 4), (4, 4), (3, 3)] {
        let (_kafka, component) = setup(1, &["a"]).await;
        let server = container(&component).build();
        let seen = Seen::default();
        let (errors, mut told) = mpsc::channel(8);
        server.on_each_message(errors, {
            let seen = seen.clone();
            move |_, _| {
                let run = seen.note("run");
                async move {
                    if run == successful_run {
                        return Ok(());
                    }
                    let busy = RecoverableError::new("the database is busy");
                    Err(BoxError::from(Wrapped(busy)))
                }
            }
        });
        let handle = Arc::new(server);
        if successful_run > 4 {
            let error = soon(handle.start()).await.unwrap_err();
            assert!(error.to_string().ends_with("failed in run 4"), "{error}");
        } else {
            run_until(&handle, seen.reaches(runs)).await;
        }
        assert_eq!(seen.all().len(), runs);
        let failures = runs - usize::from(successful_run <= 4);
        for attempt in 1..=failures {
            assert_eq!(told.recv().await.unwrap().attempt as usize, attempt);
        }
        assert!(told.try_recv().is_err());
        let offset = if successful_run > 4 { -2 } else { 1 };
        assert_eq!(committed(&component).await, offset);
    }
}

/// An application's error around the marked one.
#[derive(Debug)]
struct Wrapped(RecoverableError);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("writing to the database")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// D-11: nobody reads the errors, and everything is handled.
#[tokio::test(start_paused = true)]
async fn an_unread_error_channel_stops_nothing() {
    let (_kafka, component) = setup(1, &["a", "b", "c", "d", "e"]).await;
    let server = container(&component).build();
    let seen = Seen::default();
    let (errors, _unread) = mpsc::channel(1);
    server.on_each_message(errors, {
        let seen = seen.clone();
        move |_, _| {
            let run = seen.note("run");
            async move {
                if run % 2 == 0 {
                    return Ok(());
                }
                Err(RecoverableError::new("again").into())
            }
        }
    });
    run_until(&server, seen.reaches(10)).await;
    assert_eq!(committed(&component).await, 5);
}

/// S2.60: errors of reading are told, too; one that may pass ends nothing.
#[tokio::test(start_paused = true)]
async fn errors_of_the_broker_are_told() {
    let (kafka, component) = setup(1, &["a"]).await;
    kafka
        .on_next(ApiKey::OFFSET_COMMIT)
        .error(ErrorCode::REQUEST_TIMED_OUT)
        .times(40);
    let server = container(&component).build();
    let (errors, mut told) = mpsc::channel(100);
    let seen = Seen::default();
    server.on_each_message(errors, {
        let seen = seen.clone();
        move |_, _| {
            seen.note("run");
            async { Ok(()) }
        }
    });
    run_until(&server, async {
        let error = told.recv().await.unwrap();
        assert_eq!(error.stage, Stage::Commit);
        kafka.clear_faults();
        while kafka.pending_faults() > 0 {
            tokio::task::yield_now().await;
        }
        let after = kafka.requests_of(ApiKey::OFFSET_COMMIT).len();
        while kafka.requests_of(ApiKey::OFFSET_COMMIT).len() == after {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    })
    .await;
    assert_eq!(seen.all().len(), 1, "the handler ran once");
    assert_eq!(committed(&component).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reading_error_that_will_not_pass_ends_the_server() {
    let (kafka, component) = setup(1, &["a"]).await;
    kafka
        .on_next(ApiKey::JOIN_GROUP)
        .error(ErrorCode::GROUP_AUTHORIZATION_FAILED)
        .times(100);
    let server = container(&component).build();
    let (errors, mut told) = mpsc::channel(8);
    server.on_each_message(errors, |_, _| async { Ok(()) });
    let error = soon(server.start()).await.unwrap_err();
    let error = error.downcast::<ConsumptionError>().unwrap();
    assert_eq!(error.stage, Stage::Fetch);
    assert!(
        error
            .cause
            .to_string()
            .contains("GROUP_AUTHORIZATION_FAILED")
    );
    assert_eq!(told.recv().await.unwrap().stage, Stage::Fetch);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_has_failed() {
    let (_kafka, component) = setup(1, &["a"]).await;
    for server in [
        container(&component).build(),
        container(&component).concurrency(4).build(),
    ] {
        server.on_each_message(None, |_, message| async move {
            assert_eq!(text(&message), "something else");
            Ok(())
        });
        let error = soon(server.start()).await.unwrap_err();
        let error = error.downcast::<ConsumptionError>().unwrap();
        let cause = error.cause.to_string();
        assert!(cause.starts_with("the handler panicked: "), "{cause}");
        assert!(cause.contains("something else"), "{cause}");
    }
    assert_eq!(committed(&component).await, -2);
}

/// A handler that never returns: a hard stop ends it, and the message is not committed.
#[tokio::test(start_paused = true)]
async fn a_handler_that_never_returns_is_cut_off_by_a_hard_stop() {
    let (_kafka, component) = setup(1, &["a"]).await;
    let server = container(&component).build();
    let seen = Seen::default();
    server.on_each_message(None, {
        let seen = seen.clone();
        move |_, _| {
            seen.note("begun");
            std::future::pending()
        }
    });
    let (started, stopped) = soon(async {
        tokio::join!(server.start(), async {
            seen.reaches(1).await;
            let graceful = server.graceful_stop();
            let patience = Duration::from_secs(5);
            tokio::time::timeout(patience, graceful).await.unwrap_err();
            server.stop().await
        })
    })
    .await;
    started.unwrap();
    stopped.unwrap();
    // The member that was cut off is gone when its session is over.
    assert_eq!(committed(&component).await, -2);
}

/// Beyond the documents: what cannot be handled goes elsewhere, with where it was and why.
#[tokio::test(start_paused = true)]
async fn a_dead_letter_says_where_the_message_was() {
    let (kafka, component) = setup(1, &["a", "bad", "c"]).await;
    kafka.create_topic("failed", 1).unwrap();
    let server = container(&component).dead_letter("failed").build();
    let seen = Seen::default();
    server.on_each_message(None, {
        let seen = seen.clone();
        move |_, message| {
            seen.note(text(&message));
            async move {
                if text(&message) == "bad" {
                    return Err("not a number".into());
                }
                Ok(())
            }
        }
    });
    run_until(&server, seen.reaches(3)).await;
    assert_eq!(committed(&component).await, 3);
    let letters = stored(&kafka, "failed", 1).await;
    assert_eq!(text(&letters[0]), "bad");
    let headers = letters[0].header_list().unwrap();
    let of = |key: &str| {
        let header = headers.iter().find(|header| header.key == key).unwrap();
        std::str::from_utf8(header.value.unwrap()).unwrap()
    };
    assert_eq!(of("ekafka-topic"), "sre-infra-test");
    assert_eq!(of("ekafka-partition"), "0");
    assert_eq!(of("ekafka-offset"), "1");
    assert_eq!(of("ekafka-attempts"), "1");
    assert_eq!(of("ekafka-error"), "not a number");
    assert_eq!(of("ekafka-timestamp"), letters[0].timestamp().to_string());
}
