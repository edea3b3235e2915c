//! Components by their configuration, on any broker. Waits are for events, not for times.

mod keys;
mod log_in;

use std::sync::Arc;
use std::time::Duration;

use ekafka::{App, Component, GroupEvent, Record, consumerserver};

use crate::support::{Kafka, in_time};

/// A configuration for one topic and one group.
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
