//! The documents' end-to-end tests. A configuration file says everything: the one that `TEST_CONFIG` names, on the brokers it
//! names (`cargo xtask e2e` sees to both), else `test/e2e/config/example.toml` on the brokers of all other tests. Waits are
//! for events, not for times.

use std::env;
use std::time::Duration;

use ekafka::config::{Config, ConsumerServerConfig, KafkaConfig};
use ekafka::consumerserver::{self, ConsumerServer};
use ekafka::{App, Component, Container, GroupEvent, Record, TopicConfig};
use tokio::sync::mpsc;

use crate::support::{Kafka, in_time};
use crate::tidy::sources::root;

/// One test's topic and group, and what the file says of everything else.
struct Bench {
    config: KafkaConfig,
    server: ConsumerServerConfig,
    /// None where the file names the brokers.
    kafka: Option<Kafka>,
}

impl Bench {
    async fn set_up() -> Self {
        let named = env::var_os("TEST_CONFIG");
        let file = match &named {
            Some(path) => path.into(),
            None => root().join("test/e2e/config/example.toml"),
        };
        let document = Config::from_file(file).expect("a configuration");
        let document = document.with_env();
        let mut config = document.kafka("kafka").expect("the table [kafka]");
        let server = document.consumer_server("kafkaConsumerServers.s1");
        let kafka = match named {
            Some(_) => None,
            None => {
                let reason = "members join at heartbeats, and answers wait for minBytes";
                Some(Kafka::start_slow(Duration::from_secs(30), reason).await)
            }
        };
        let ending = crate::support::unique("e2e");
        let of_this_test = |name: &mut String| *name = format!("{name}-{ending}");
        for producer in config.producers.values_mut() {
            of_this_test(&mut producer.topic);
        }
        for consumer in config.consumers.values_mut() {
            of_this_test(&mut consumer.topic);
            of_this_test(&mut consumer.group_id);
        }
        for group in config.consumer_groups.values_mut() {
            of_this_test(&mut group.topic);
            of_this_test(&mut group.group_id);
        }
        let bench = Self {
            config,
            server: server.expect("the table [kafkaConsumerServers.s1]"),
            kafka,
        };
        bench.make_topic().await;
        bench
    }

    /// Three partitions, as many copies as the brokers make by themselves.
    async fn make_topic(&self) {
        let topic = &self.config.producers["p1"].topic;
        let component = self.component();
        let made = in_time(
            component
                .client()
                .create_topics([TopicConfig::new(topic, 3, -1)]),
        );
        made.await.expect("an answer").all().expect("a topic");
        in_time(component.close()).await.expect("closed");
    }

    fn component(&self) -> Component {
        let container = Container::new(self.config.clone());
        let balancer = ekafka::balancer::Hash::default();
        let container = container.register_balancer("my-balancer", balancer);
        match &self.kafka {
            Some(kafka) => container.brokers(kafka.brokers()).build(),
            None => container.build(),
        }
    }

    fn server(&self, component: &Component) -> ConsumerServer {
        let container = consumerserver::Container::new("s1", self.server.clone());
        container.ekafka(component).build()
    }
}

/// A text of sixteen letters that nobody else writes.
fn letters() -> String {
    (0..16).map(|_| fastrand::alphabetic()).collect()
}

async fn write(component: &Component, text: &str) {
    let producer = component.producer("p1");
    let records = [Record::new(text).key(text)];
    in_time(producer.write_messages(&records))
        .await
        .expect("written");
}

fn is(message: &ekafka::Message, text: &str) -> bool {
    message.value() == Some(text.as_bytes())
}

/// S2.86: what is written arrives.
#[tokio::test]
async fn a_consumer_reads_what_a_producer_wrote() {
    let bench = Bench::set_up().await;
    let component = bench.component();
    let text = letters();
    write(&component, &text).await;
    let consumer = component.consumer("c1");
    while !is(
        &in_time(consumer.read_message()).await.expect("a message"),
        &text,
    ) {}
    in_time(component.close()).await.expect("closed");
}

/// S2.22, S2.23: a second member joins: three assignments and one revocation in all.
#[tokio::test]
async fn two_members_are_assigned_three_times_and_revoked_once() {
    let bench = Bench::set_up().await;
    let component = bench.component();
    let (told, mut events) = mpsc::unbounded_channel();
    let mut tasks = tokio::task::JoinSet::new();
    let mut watch = |name: &str| {
        let (group, told) = (component.consumer_group(name), told.clone());
        tasks.spawn(async move {
            while let Ok(event) = group.poll().await {
                if told.send(event).is_err() {
                    break;
                }
            }
        });
    };
    let mut counted = Counted::default();
    watch("cg1");
    while counted.assigned < 1 {
        counted.note(in_time(events.recv()).await.expect("an event"));
    }
    watch("cg2");
    while counted.assigned < 3 {
        counted.note(in_time(events.recv()).await.expect("an event"));
    }
    let text = letters();
    counted.until_read(&component, &text, &mut events).await;
    assert_eq!((counted.assigned, counted.revoked), (3, 1));
    in_time(component.close()).await.expect("closed");
    while in_time(tasks.join_next()).await.is_some() {}
}

/// What happened to a group's members.
#[derive(Default)]
struct Counted {
    assigned: u32,
    revoked: u32,
    messages: u32,
}

impl Counted {
    fn note(&mut self, event: GroupEvent) {
        match event {
            GroupEvent::AssignedPartitions(_) => self.assigned += 1,
            GroupEvent::RevokedPartitions(_) => self.revoked += 1,
            GroupEvent::Message(_) => self.messages += 1,
            other => panic!("{other:?}"),
        }
    }

    /// Writes until something is read: a group without commits begins at the end, which is where it is when its members look.
    async fn until_read(
        &mut self,
        component: &Component,
        text: &str,
        events: &mut mpsc::UnboundedReceiver<GroupEvent>,
    ) {
        let reading = async {
            while self.messages == 0 {
                self.note(events.recv().await.expect("an event"));
            }
        };
        let writing = async {
            loop {
                write(component, text).await;
            }
        };
        in_time(async {
            tokio::select! { () = reading => (), () = writing => () }
        })
        .await;
    }
}

/// S2.61, S2.48: a message reaches the handler; the server stops afterwards.
#[tokio::test]
async fn a_server_handles_each_message() {
    let bench = Bench::set_up().await;
    let component = bench.component();
    let text = letters();
    write(&component, &text).await;
    let server = bench.server(&component);
    let app = App::new();
    let handle = app.handle();
    let (errors, mut seen) = mpsc::channel(8);
    server.on_each_message(errors, move |_context, message| {
        let found = is(&message, &text);
        if found {
            handle.stop();
        }
        async move {
            found
                .then_some(())
                .ok_or_else(|| "a strange message".into())
        }
    });
    in_time(app.serve(server).run()).await.expect("stopped");
    assert!(seen.try_recv().is_err(), "no error");
    in_time(component.close()).await.expect("closed");
}

/// S2.67: the consumer is handed over.
#[tokio::test]
async fn a_server_hands_the_consumer_over() {
    let bench = Bench::set_up().await;
    let component = bench.component();
    let text = letters();
    write(&component, &text).await;
    let server = bench.server(&component);
    server.on_start(move |_context, consumer| {
        let text = text.clone();
        async move {
            while !is(&consumer.read_message().await?, &text) {}
            Ok(())
        }
    });
    in_time(App::new().serve(server).run())
        .await
        .expect("ended");
    in_time(component.close()).await.expect("closed");
}

/// S2.68: the group is handed over: one assignment, no revocation.
#[tokio::test]
async fn a_server_hands_the_group_over() {
    let bench = Bench::set_up().await;
    let component = bench.component();
    let server = bench.server(&component);
    let (told, mut events) = mpsc::unbounded_channel();
    server.on_consumer_group_start(move |_context, group| {
        let told = told.clone();
        async move {
            loop {
                let event = group.poll().await?;
                let is_message = matches!(event, GroupEvent::Message(_));
                told.send(event)?;
                if is_message {
                    return Ok(());
                }
            }
        }
    });
    let mut counted = Counted::default();
    let app = App::new().serve(server).run();
    let text = letters();
    let ((), ran) = tokio::join!(
        counted.until_read(&component, &text, &mut events),
        in_time(app)
    );
    ran.expect("ended");
    assert_eq!((counted.assigned, counted.revoked), (1, 0));
    in_time(component.close()).await.expect("closed");
}

/// The shipped file has everything that these tests use, and what the documents' file has.
#[test]
fn the_example_is_complete() {
    let file = root().join("test/e2e/config/example.toml");
    let config = Config::from_file(file).expect("a configuration");
    let kafka = config.kafka("kafka").expect("the table [kafka]");
    assert_eq!(kafka.connection.brokers.len(), 3);
    assert_eq!(kafka.producers["p1"].topic, "test-topic");
    let consumer = &kafka.consumers["c1"];
    assert_eq!(consumer.join_group_backoff, Duration::from_secs(1));
    assert_eq!((consumer.min_bytes, consumer.max_bytes), (100, 1500));
    for group in ["cg1", "cg2"] {
        let group = &kafka.consumer_groups[group];
        assert_eq!(group.start_offset, ekafka::StartOffset::Last);
        assert_eq!(group.group_id, consumer.group_id);
    }
    let server = config.consumer_server("kafkaConsumerServers.s1");
    let server = server.expect("the table [kafkaConsumerServers.s1]");
    assert_eq!(server.consumer_name, "c1");
    assert_eq!(server.consumer_group_name, "cg1");
}
