//! Calls that are given up while a layer waits behind them: what they took is for the next call.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ekafka::interceptor::{Call, CallFuture, Interceptor, Next};
use ekafka::{Component, GroupEvent, Message, Record, consumerserver};
use ekafka_testkit::EmbeddedKafka;
use tokio::sync::{Notify, mpsc};
use tokio::time::{sleep, timeout};

use crate::rig::{container, kafka, soon};

const TOML: &str = r#"
    [kafka]
    brokers = ["localhost:9092"]
    [kafka.producers.p1]
    topic = "orders"
    batchTimeout = "auto"
    [kafka.consumers.c1]
    topic = "orders"
    groupID = "shop"
    [kafka.consumerGroups.cg1]
    topic = "orders"
    groupID = "shop"
    [kafkaConsumerServers.s1]
    consumerName = "c1"
"#;

/// Waits for a second after every other call that came to something.
#[derive(Default)]
struct Pensive {
    calls: AtomicUsize,
    waits: Arc<Notify>,
}

impl Interceptor for Pensive {
    fn call<'a>(&'a self, call: &'a mut Call<'_>, next: Next<'a>) -> CallFuture<'a> {
        Box::pin(async move {
            let result = next.run(call).await;
            if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
                self.waits.notify_one();
                sleep(Duration::from_secs(1)).await;
            }
            result
        })
    }
}

const PATIENCE: Duration = Duration::from_millis(100);

async fn setup(values: &[&str]) -> (EmbeddedKafka, Component, Arc<Notify>) {
    let kafka = kafka().await;
    kafka.create_topic("orders", 1).unwrap();
    let pensive = Pensive::default();
    let waits = Arc::clone(&pensive.waits);
    let component = container(&kafka, TOML).server_interceptor(pensive).build();
    let records: Vec<_> = values.iter().map(Record::new).collect();
    let producer = component.producer("p1");
    soon(producer.write_messages(&records)).await.unwrap();
    (kafka, component, waits)
}

fn text(message: &Message) -> String {
    String::from_utf8_lossy(message.value().unwrap_or_default()).into_owned()
}

#[tokio::test(start_paused = true)]
async fn a_message_that_nobody_got_comes_again() {
    let (_kafka, component, _) = setup(&["a", "b", "c"]).await;
    let consumer = component.consumer("c1");
    let mut taken = Vec::new();
    let all = async {
        while taken.len() < 3 {
            if let Ok(message) = timeout(PATIENCE, consumer.fetch_message()).await {
                taken.push(text(&message.unwrap()));
            }
        }
    };
    soon(all).await;
    assert_eq!(taken, ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_gets_what_another_gave_up() {
    let (_kafka, component, waits) = setup(&["a"]).await;
    let consumer = component.consumer("c1");
    let mut first = Box::pin(consumer.fetch_message());
    tokio::select! {
        taken = &mut first => panic!("{taken:?}"),
        () = soon(waits.notified()) => {}
    }
    let (second, ()) =
        soon(async { tokio::join!(biased; consumer.fetch_message(), async { drop(first) }) }).await;
    assert_eq!(text(&second.unwrap()), "a");
}

#[tokio::test(start_paused = true)]
async fn a_groups_events_come_again_in_order() {
    let (_kafka, component, _) = setup(&["a", "b"]).await;
    let group = component.consumer_group("cg1");
    let mut seen = Vec::new();
    let all = async {
        while seen.len() < 3 {
            let Ok(event) = timeout(PATIENCE, group.poll()).await else {
                continue;
            };
            seen.push(match event.unwrap() {
                GroupEvent::Message(message) => text(&message),
                GroupEvent::AssignedPartitions(assigned) => {
                    format!("assigned {}", assigned.partitions.len())
                }
                other => panic!("{other:?}"),
            });
        }
    };
    soon(all).await;
    assert_eq!(seen, ["assigned 1", "a", "b"]);
}

/// The server gives calls up whenever a handler returns.
#[tokio::test(start_paused = true)]
async fn a_server_with_several_handlers_misses_nothing() {
    let values: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let (_kafka, component, _) = setup(&values).await;
    let server = consumerserver::load_toml(TOML, "kafkaConsumerServers.s1").unwrap();
    let server = server.ekafka(&component).concurrency(4).build();
    let (handled, mut told) = mpsc::unbounded_channel();
    server.on_each_message(None, move |_, message| {
        let handled = handled.clone();
        async move {
            sleep(Duration::from_millis(300)).await;
            handled.send(text(&message)).unwrap();
            Ok(())
        }
    });
    let mut seen = Vec::new();
    let all = async {
        while seen.len() < values.len() {
            seen.push(told.recv().await.unwrap());
        }
    };
    tokio::select! {
        ended = ekafka::Server::start(&server) => panic!("{ended:?}"),
        () = soon(all) => {}
    }
    assert_eq!(seen, values);
}
