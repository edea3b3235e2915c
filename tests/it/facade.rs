//! The documents' end-to-end tests: components by their configuration, on any broker. Waits are for events, not for times.

use std::sync::Arc;
use std::time::Duration;

use ekafka::{App, Component, GroupEvent, Record, consumerserver};
use tokio::sync::mpsc;

use crate::support::{Kafka, in_time};

/// A configuration as the documents' `example.toml` has it, for one topic and one group.
fn toml(kafka: &Kafka, topic: &str, group: &str) -> String {
    let brokers = format!("{:?}", kafka.brokers());
    format!(
        r#"
        [kafka]
        brokers = {brokers}
        [kafka.client]
        timeout = "10s"
        [kafka.producers.p1]
        topic = "{topic}"
        balancer = "my-balancer"
        [kafka.consumers.c1]
        topic = "{topic}"
        groupID = "{group}"
        JoinGroupBackoff = "1s"
        heartbeatInterval = "200ms"
        minBytes = 1
        maxBytes = 1500
        [kafka.consumerGroups.cg1]
        topic = "{topic}"
        groupID = "{group}"
        JoinGroupBackoff = "1s"
        heartbeatInterval = "200ms"
        [kafka.consumerGroups.cg2]
        topic = "{topic}"
        groupID = "{group}"
        JoinGroupBackoff = "1s"
        heartbeatInterval = "200ms"
        [kafkaConsumerServers.s1]
        consumerName = "c1"
        consumerGroupName = "cg1"
        "#
    )
}

fn component(toml: &str) -> Component {
    let container = ekafka::load_toml(toml, "kafka").expect("a good configuration");
    let balancer = ekafka::balancer::Hash::default();
    container.register_balancer("my-balancer", balancer).build()
}

async fn slow() -> Kafka {
    let reason = "members join at heartbeats, and batches wait for a second";
    Kafka::start_slow(Duration::from_secs(20), reason).await
}

/// S2.72, S2.73, S2.77, S2.19: three values by a producer's name, then read by a consumer's.
#[tokio::test]
async fn what_a_producer_writes_a_consumer_reads() {
    let kafka = slow().await;
    let topic = kafka.topic(3).await;
    let component = component(&toml(&kafka, &topic, &kafka.unique("group")));
    let values = ["Hello World!", "One!", "Two!"];
    let messages = values.map(Record::new);
    let producer = component.producer("p1");
    in_time(producer.write_messages(&messages))
        .await
        .expect("written");
    let consumer = component.consumer("c1");
    let mut read = Vec::new();
    for _ in values {
        let message = in_time(consumer.read_message()).await.expect("a message");
        read.push(message.value().expect("a value").to_vec());
    }
    read.sort();
    assert_eq!(read, [&b"Hello World!"[..], b"One!", b"Two!"]);
    in_time(component.close()).await.expect("closed");
}

/// S2.22, S2.23: a second member joins: three assignments and one revocation in all.
#[tokio::test]
async fn two_members_are_assigned_three_times_and_revoked_once() {
    let kafka = slow().await;
    let topic = kafka.topic(3).await;
    let component = component(&toml(&kafka, &topic, &kafka.unique("group")));
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
    let (mut assigned, mut revoked) = (0, 0);
    watch("cg1");
    while assigned < 1 {
        count(in_time(events.recv()).await, &mut assigned, &mut revoked);
    }
    watch("cg2");
    while assigned < 3 {
        count(in_time(events.recv()).await, &mut assigned, &mut revoked);
    }
    let producer = component.producer("p1");
    in_time(producer.write_messages(&[Record::new("x")]))
        .await
        .expect("written");
    while count(in_time(events.recv()).await, &mut assigned, &mut revoked) {}
    assert_eq!((assigned, revoked), (3, 1));
    in_time(component.close()).await.expect("closed");
    while in_time(tasks.join_next()).await.is_some() {}
}

/// False for a message.
fn count(event: Option<GroupEvent>, assigned: &mut u32, revoked: &mut u32) -> bool {
    match event.expect("an event") {
        GroupEvent::AssignedPartitions(_) => *assigned += 1,
        GroupEvent::RevokedPartitions(_) => *revoked += 1,
        GroupEvent::Message(_) => return false,
        other => panic!("{other:?}"),
    }
    true
}

/// S2.61, S2.67, S2.68, S2.65: the three modes, one after another in one group, each going on behind the one before.
#[tokio::test]
async fn each_mode_of_a_server_gets_its_message() {
    let kafka = slow().await;
    let topic = kafka.topic(1).await;
    let toml = toml(&kafka, &topic, &kafka.unique("group"));
    let component = component(&toml);
    let server = || {
        let container = consumerserver::load_toml(&toml, "kafkaConsumerServers.s1");
        container
            .expect("a good configuration")
            .ekafka(&component)
            .build()
    };
    let values = ["each", "start", "group"];
    let messages = values.map(Record::new);
    let producer = component.producer("p1");
    in_time(producer.write_messages(&messages))
        .await
        .expect("written");

    let each = server();
    let app = App::new();
    let handle = app.handle();
    let (told, mut seen) = mpsc::unbounded_channel();
    let told_of_start = told.clone();
    let told_of_group = told.clone();
    each.on_each_message(None, move |context, message| {
        let (told, handle) = (told.clone(), handle.clone());
        async move {
            told.send(message.value().map(<[u8]>::to_vec))?;
            handle.stop();
            context.stopped().await;
            Ok(())
        }
    });
    in_time(app.serve(each).run())
        .await
        .expect("stopped in time");

    let start = server();
    start.on_start(move |_context, consumer| {
        let told = told_of_start.clone();
        async move {
            let message = consumer.fetch_message().await?;
            consumer
                .commit_messages(std::slice::from_ref(&message))
                .await?;
            Ok(told.send(message.value().map(<[u8]>::to_vec))?)
        }
    });
    in_time(App::new().serve(start).run()).await.expect("ended");

    let group = server();
    group.on_consumer_group_start(move |_context, group| {
        let told = told_of_group.clone();
        async move {
            loop {
                if let GroupEvent::Message(message) = group.poll().await? {
                    group
                        .commit_messages(std::slice::from_ref(&message))
                        .await?;
                    return Ok(told.send(message.value().map(<[u8]>::to_vec))?);
                }
            }
        }
    });
    in_time(App::new().serve(group).run()).await.expect("ended");
    for value in values {
        let found = seen.try_recv().expect("one for each mode");
        assert_eq!(found.as_deref(), Some(value.as_bytes()));
    }
    in_time(component.close()).await.expect("closed");
}

/// Several handlers at a time on whatever broker: each message once, and everything committed.
#[tokio::test]
async fn a_crew_handles_each_message_once() {
    let kafka = slow().await;
    let topic = kafka.topic(3).await;
    let toml = toml(&kafka, &topic, &kafka.unique("group"));
    let component = component(&toml);
    let keys: Vec<String> = (0..300).map(|number| format!("key {number}")).collect();
    let messages: Vec<_> = keys.iter().map(|key| Record::new(key).key(key)).collect();
    let producer = component.producer("p1");
    in_time(producer.write_messages(&messages))
        .await
        .expect("written");

    let container = consumerserver::load_toml(&toml, "kafkaConsumerServers.s1");
    let container = container.expect("a good configuration").ekafka(&component);
    let server = container
        .concurrency(16)
        .order(consumerserver::Order::Key)
        .build();
    let app = App::new();
    let handle = app.handle();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    server.on_each_message(None, {
        let seen = Arc::clone(&seen);
        move |_context, message| {
            let (seen, handle) = (Arc::clone(&seen), handle.clone());
            async move {
                tokio::task::yield_now().await;
                let mut seen = seen.lock().expect("nobody panicked");
                seen.push(message.value().map(<[u8]>::to_vec));
                if seen.len() == 300 {
                    handle.stop();
                }
                Ok(())
            }
        }
    });
    in_time(app.serve(server).run())
        .await
        .expect("stopped in time");
    let mut seen = seen.lock().expect("nobody panicked").clone();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 300);
    let group = component.consumer_group("cg1");
    let GroupEvent::AssignedPartitions(assigned) = in_time(group.poll()).await.expect("an event")
    else {
        panic!("the assignment comes first");
    };
    let committed: i64 = assigned.partitions.iter().map(|at| at.offset.max(0)).sum();
    assert_eq!(committed, 300);
    in_time(component.close()).await.expect("closed");
}
