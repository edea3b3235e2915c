//! The broker of `ekafka::pubsub` on any cluster: what a program of the documents does.

use std::time::Duration;

use ekafka::Context;
use ekafka::pubsub::*;
use tokio::sync::mpsc;

use crate::support::{Kafka, in_time};

fn broker(kafka: &Kafka, options: impl IntoIterator<Item = BrokerOption>) -> KafkaBroker {
    let options: Vec<_> = options.into_iter().collect();
    BrokerOptions::default()
        .address(kafka.brokers())
        .heartbeat_interval(Duration::from_millis(200))
        .partition_watch_interval(Duration::from_millis(200))
        .asynchronous(false)
        .apply(options)
        .broker()
}

async fn publish_text(broker: &KafkaBroker, topic: &str, text: &str) {
    let context = Context::new();
    let published = broker.publish_raw(&context, topic, text.to_owned(), []);
    in_time(published).await.expect("published");
}

async fn listen(
    broker: &KafkaBroker,
    topics: impl Into<Topics>,
    options: impl IntoIterator<Item = SubscribeOption> + Send,
) -> (Subscriber, mpsc::UnboundedReceiver<String>) {
    let (sender, texts) = mpsc::unbounded_channel();
    let handler = move |_context, event: Event| {
        let text = String::from_utf8_lossy(event.body()).into_owned();
        let sent = sender.send(text);
        async move { Ok(sent?) }
    };
    let subscribed = in_time(broker.subscribe(topics, handler, options)).await;
    (subscribed.expect("subscribed"), texts)
}

async fn next(texts: &mut mpsc::UnboundedReceiver<String>) -> String {
    in_time(texts.recv()).await.expect("a message")
}

async fn slow() -> Kafka {
    let reason = "members join at heartbeats, and changes are found at intervals";
    Kafka::start_slow(Duration::from_secs(20), reason).await
}

/// S4.5, S4.6: topics are made, a second time without an error, and deleted together.
#[tokio::test]
async fn topics_are_made_and_deleted() {
    let kafka = slow().await;
    let address = kafka.brokers()[0].as_str();
    let topics = [kafka.unique("made"), kafka.unique("made")];
    for topic in [&topics[0], &topics[0], &topics[1]] {
        in_time(create_topic(address, topic, 2, 1))
            .await
            .expect("made");
        kafka.until_led(topic, 2).await;
    }
    let client = ekafka::Client::builder()
        .brokers([address])
        .build()
        .expect("a client");
    let found = in_time(client.metadata([topics[0].as_str()]))
        .await
        .expect("an answer");
    assert_eq!(found.topics[0].partitions.len(), 2);
    in_time(delete_topic(address, topics.clone()))
        .await
        .expect("deleted");
    in_time(delete_topic(address, topics))
        .await
        .expect_err("they are gone");
}

/// Ten messages go from a publisher to a subscriber, and a restart goes on behind what was committed.
#[tokio::test]
async fn messages_are_published_and_handled() {
    let kafka = slow().await;
    let topic = kafka.topic(1).await;
    let group = kafka.unique("group");
    let publisher = broker(&kafka, []);
    let (subscriber, mut texts) = listen(&publisher, &topic, [with_queue_name(&group)]).await;
    for number in 0..10 {
        publish_text(&publisher, &topic, &number.to_string()).await;
    }
    for number in 0..10 {
        assert_eq!(next(&mut texts).await, number.to_string());
    }
    in_time(subscriber.unsubscribe()).await.expect("committed");
    publish_text(&publisher, &topic, "later").await;
    let (_again, mut texts) = listen(&publisher, &topic, [with_queue_name(&group)]).await;
    assert_eq!(next(&mut texts).await, "later");
    in_time(publisher.disconnect()).await.expect("disconnected");
}

/// S4.48: -1 begins at the end, -2 at the first message.
#[tokio::test]
async fn reading_begins_at_the_start_offset() {
    let kafka = slow().await;
    let topic = kafka.topic(1).await;
    let first = broker(&kafka, [with_start_offset(-2)]);
    publish_text(&first, &topic, "early").await;
    let (_first, mut of_first) = listen(&first, &topic, []).await;
    assert_eq!(next(&mut of_first).await, "early");
    let last = broker(&kafka, [with_start_offset(-1)]);
    let (_last, mut of_last) = listen(&last, &topic, []).await;
    // Where the end is when it joins nobody tells; of these, the first that it gets is not the early one.
    let begun = loop {
        publish_text(&first, &topic, "late").await;
        let wait = Duration::from_millis(200);
        if let Ok(text) = tokio::time::timeout(wait, of_last.recv()).await {
            break text;
        }
    };
    assert_eq!(begun.as_deref(), Some("late"));
    in_time(first.disconnect()).await.expect("disconnected");
    in_time(last.disconnect()).await.expect("disconnected");
}

/// S4.49: a topic is created for the subscription.
#[tokio::test]
async fn a_topic_is_created_for_its_subscription() {
    let kafka = slow().await;
    let topic = kafka.unique("created");
    let both = broker(&kafka, []);
    let option = with_subscribe_auto_create_topic(&topic, 1, 1);
    let (_one, mut texts) = listen(&both, &topic, [option]).await;
    publish_text(&both, &topic, "x").await;
    assert_eq!(next(&mut texts).await, "x");
    in_time(both.disconnect()).await.expect("disconnected");
}

/// S4.8: publishing creates the topic where the cluster allows it.
#[tokio::test]
async fn publishing_creates_a_topic() {
    let kafka = slow().await;
    let topic = kafka.unique("new");
    let publisher = broker(&kafka, [with_allow_publish_auto_topic_creation(true)]);
    publish_text(&publisher, &topic, "x").await;
    let (_one, mut texts) = listen(&publisher, &topic, []).await;
    assert_eq!(next(&mut texts).await, "x");
    in_time(publisher.disconnect()).await.expect("disconnected");
}

/// S4.50: a partition that is added is read; topics that fit a pattern are, too.
#[tokio::test]
async fn what_is_added_is_found() {
    let kafka = slow().await;
    let prefix = kafka.unique("added");
    let address = kafka.brokers()[0].as_str();
    let both = broker(&kafka, [with_watch_partition_changes(true)]);
    let (first, second) = (format!("{prefix}.one"), format!("{prefix}.two"));
    in_time(create_topic(address, &first, 1, 1))
        .await
        .expect("made");
    let (_one, mut texts) = listen(&both, format!("{prefix}.*"), []).await;
    publish_text(&both, &first, "one").await;
    assert_eq!(next(&mut texts).await, "one");
    in_time(create_topic(address, &second, 1, 1))
        .await
        .expect("made");
    publish_text(&both, &second, "two").await;
    assert_eq!(next(&mut texts).await, "two");
    let client = ekafka::Client::builder()
        .brokers([address])
        .build()
        .expect("a client");
    let more = ekafka::admin::CreatePartitions::new().topic(&first, 2);
    let grown = in_time(client.create_partitions(more)).await;
    grown.expect("an answer").all().expect("added");
    kafka.until_led(&first, 2).await;
    let context = Context::new();
    let publisher = broker(&kafka, []);
    let options = [with_partition(1)];
    let published = publisher.publish_raw(&context, &first, "three", options);
    in_time(published).await.expect("published");
    assert_eq!(next(&mut texts).await, "three");
    in_time(both.disconnect()).await.expect("disconnected");
}

/// Values as protocol buffers, from one typed end to the other.
#[tokio::test]
async fn protocol_buffers_are_values() {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Hygrothermograph {
        #[prost(double, tag = "1")]
        humidity: f64,
        #[prost(double, tag = "2")]
        temperature: f64,
    }

    let kafka = slow().await;
    let topic = kafka.topic(1).await;
    let both = broker(&kafka, [with_codec(PayloadCodec::Proto)]);
    let (sender, mut values) = mpsc::unbounded_channel();
    let handler = move |_context, _topic, _headers, Proto::<Hygrothermograph>(value)| {
        let sent = sender.send(value);
        async move { Ok(sent?) }
    };
    let subscribed = in_time(subscribe(&both, &topic, handler, [])).await;
    subscribed.expect("subscribed");
    let value = Hygrothermograph {
        humidity: 40.5,
        temperature: 21.5,
    };
    let message = Proto(value.clone());
    let context = Context::new();
    let published = publish(&both, &context, &topic, &message, []);
    in_time(published).await.expect("published");
    assert_eq!(in_time(values.recv()).await, Some(value));
    let text = "no message".to_owned();
    let refused = publish(&both, &context, &topic, &text, []).await;
    refused.expect_err("only a Proto");
    in_time(both.disconnect()).await.expect("disconnected");
}
