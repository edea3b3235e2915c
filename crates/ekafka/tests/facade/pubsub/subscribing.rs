//! What handlers get, and what becomes of messages that they are done with, or not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ekafka::consumerserver::{Order, RecoverableError, Stage};
use ekafka::{ApiKey, Context};
use ekafka_protocol::cold::OffsetCommitRequest;
use ekafka_testkit::EmbeddedKafka;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::*;
use crate::rig::{soon, stored, values};

/// The highest offset that was committed for partition 0 of `t`.
fn committed(kafka: &EmbeddedKafka) -> Option<i64> {
    let commits = kafka.requests_of(ApiKey::OFFSET_COMMIT);
    let commits = commits.iter().map(|commit| {
        let commit: OffsetCommitRequest = commit.decode().unwrap();
        commit.topics[0].partitions[0].committed_offset
    });
    commits.max()
}

async fn publish_all(broker: &KafkaBroker, topic: &str, texts: &[&str]) {
    for text in texts {
        publish_text(broker, topic, text, []).await.unwrap();
    }
}

/// Each subscription has every message, unless several share a group.
#[tokio::test(start_paused = true)]
async fn subscriptions_have_all_messages_or_share_them() {
    let kafka = cluster().await;
    kafka.create_topic("two", 2).unwrap();
    let broker = waiting(&kafka, []);
    let (one, mut of_one) = listen(&broker, "two", []).await;
    let (other, mut of_other) = listen(&broker, "two", []).await;
    assert_ne!(one.group_id(), other.group_id());
    let group = || [with_queue_name("workers")];
    let (_worker, mut of_worker) = listen(&broker, "two", group()).await;
    let (_another, mut of_another) = listen(&broker, "two", group()).await;
    sleep(Duration::from_secs(10)).await;
    for partition in [0, 1] {
        let options = [with_partition(partition)];
        publish_text(&broker, "two", &partition.to_string(), options)
            .await
            .unwrap();
    }
    for events in [&mut of_one, &mut of_other] {
        let mut texts = [next(events).await, next(events).await];
        texts.sort();
        assert_eq!(texts, ["0", "1"]);
    }
    let mut texts = [next(&mut of_worker).await, next(&mut of_another).await];
    texts.sort();
    assert_eq!(texts, ["0", "1"], "one each");
    assert!(of_worker.try_recv().is_err() && of_another.try_recv().is_err());
}

/// The event has all parts of the message.
#[tokio::test(start_paused = true)]
async fn an_event_has_all_parts_of_the_message() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, []);
    publish_text(&broker, "t", "before", []).await.unwrap();
    let headers = with_headers([("version", "1.0.0"), ("version", "2.0.0")]);
    let options = [headers, with_message_key("kitchen")];
    publish_text(&broker, "t", "21.5", options).await.unwrap();
    let (subscriber, mut events) = listen(&broker, "t", []).await;
    assert_eq!(subscriber.topic(), "t");
    assert!(subscriber.is_active());
    next(&mut events).await;
    let event = soon(events.recv()).await.unwrap();
    assert_eq!(event.topic(), "t");
    assert_eq!(event.key(), Some(&b"kitchen"[..]));
    assert_eq!(event.body(), b"21.5");
    assert_eq!(event.decode::<String>().unwrap(), "21.5");
    assert_eq!(event.headers().get("version"), Some("2.0.0"), "the last");
    assert_eq!(event.headers().len(), 2);
    assert_eq!(event.raw_message().offset(), 1);
    let message = event.message();
    assert_eq!((message.partition, message.offset), (0, 1));
    assert_eq!(message.high_water_mark, 2);
    assert_eq!(message.header("version"), Some("1.0.0"), "the first");
    assert!(message.time.is_some());
}

/// What handlers succeed with is committed, and nothing but that.
#[tokio::test(start_paused = true)]
async fn handled_messages_are_committed() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, []);
    publish_all(&broker, "t", &["a", "b"]).await;
    let (subscriber, mut events) = listen(&broker, "t", [with_queue_name("g")]).await;
    assert_eq!(next(&mut events).await, "a");
    assert_eq!(next(&mut events).await, "b");
    soon(subscriber.unsubscribe()).await.unwrap();
    assert!(!subscriber.is_active());
    assert_eq!(committed(&kafka), Some(2));
    publish_all(&broker, "t", &["c"]).await;
    let (_again, mut events) = listen(&broker, "t", [with_queue_name("g")]).await;
    assert_eq!(next(&mut events).await, "c", "behind what was committed");
}

/// By hand, only what is acknowledged is committed, even after the handler has returned.
#[tokio::test(start_paused = true)]
async fn without_automatic_acknowledgement_the_handler_commits() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, []);
    publish_all(&broker, "t", &["a", "b", "c"]).await;
    let options = || [with_queue_name("g"), disable_auto_ack()];
    let (subscriber, mut events) = listen(&broker, "t", options()).await;
    let first = soon(events.recv()).await.unwrap();
    let second = soon(events.recv()).await.unwrap();
    next(&mut events).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(committed(&kafka), None);
    soon(first.ack()).await.unwrap();
    assert_eq!(committed(&kafka), Some(1));
    soon(second.ack()).await.unwrap();
    assert_eq!(committed(&kafka), Some(2));
    soon(subscriber.unsubscribe()).await.unwrap();
    soon(second.ack()).await.unwrap_err();
    let (_again, mut events) = listen(&broker, "t", options()).await;
    assert_eq!(next(&mut events).await, "c");

    let by_key = SubscribeOptions::default().disable_auto_ack();
    let by_key = by_key.concurrency(2).order(Order::Key);
    let handler: Handler = Arc::new(|_, _| Box::pin(async { Ok(()) }));
    let refused = broker.subscribe_events("t".into(), handler, by_key).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("disable_auto_ack")
    );
}

/// D-15: a failure ends the subscription, is told, and loses nothing.
#[tokio::test(start_paused = true)]
async fn a_failure_ends_the_subscription_and_its_message_is_read_again() {
    let kafka = cluster().await;
    let (told, mut failures) = mpsc::unbounded_channel();
    let handler = with_error_handler(move |error| told.send(error.clone()).unwrap());
    let broker = waiting(&kafka, [handler]);
    publish_all(&broker, "t", &["good", "bad", "later"]).await;
    let picky = |_context, event: Event| async move {
        if event.body() == b"bad" {
            return Err("no good".into());
        }
        Ok(())
    };
    let subscriber = broker
        .subscribe("t", picky, [with_queue_name("g")])
        .await
        .unwrap();
    let failure = soon(subscriber.ended()).await.unwrap_err();
    assert_eq!(failure.stage, Stage::Handle);
    assert_eq!(failure.cause.to_string(), "no good");
    assert_eq!(failure.to_string(), "handling t[0] at offset 1 failed");
    assert!(!subscriber.is_active());
    let first = soon(failures.recv()).await.unwrap();
    assert_eq!(first.message.unwrap().offset(), 1);
    assert_eq!(committed(&kafka), Some(1));
    let (_again, mut events) = listen(&broker, "t", [with_queue_name("g")]).await;
    assert_eq!(next(&mut events).await, "bad");
    assert_eq!(next(&mut events).await, "later");
}

/// Recoverable failures are tried three more times; panics are failures.
#[tokio::test(start_paused = true)]
async fn recoverable_failures_are_tried_again_and_panics_contained() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, []);
    publish_all(&broker, "t", &["a", "b"]).await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let handler = move |_context, event: Event| {
        let run = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(event.body() == b"a", "a handler's bug");
            if run < 3 {
                return Err(RecoverableError::new("busy").into());
            }
            Ok(())
        }
    };
    let subscriber = broker.subscribe("t", handler, []).await.unwrap();
    let failure = soon(subscriber.ended()).await.unwrap_err();
    assert!(failure.cause.to_string().contains("a handler's bug"));
    assert_eq!(runs.load(Ordering::SeqCst), 5, "four times a, once b");
}

/// What cannot be handled goes to the dead letters, or is passed over, as the options say.
#[tokio::test(start_paused = true)]
async fn failures_go_to_the_dead_letters_or_are_passed_over() {
    for option in [with_dead_letter_topic("dead"), with_skip_failures()] {
        let kafka = cluster().await;
        kafka.create_topic("dead", 1).unwrap();
        let is_kept = format!("{:?}", SubscribeOptions::from([option]).clone());
        let option = if is_kept.contains("dead_letter: Some") {
            with_dead_letter_topic("dead")
        } else {
            with_skip_failures()
        };
        let broker = waiting(&kafka, []);
        publish_all(&broker, "t", &["bad", "good"]).await;
        let (sender, mut events) = mpsc::unbounded_channel();
        let picky = move |_context, event: Event| {
            let sent = sender.send(event.clone());
            async move {
                sent?;
                if event.body() == b"bad" {
                    return Err("no good".into());
                }
                Ok(())
            }
        };
        let subscriber = broker.subscribe("t", picky, [option]).await.unwrap();
        assert_eq!(next(&mut events).await, "bad");
        assert_eq!(next(&mut events).await, "good");
        soon(subscriber.unsubscribe()).await.unwrap();
        assert_eq!(committed(&kafka), Some(2));
        if is_kept.contains("dead_letter: Some") {
            let dead = stored(&kafka, "dead", 1).await;
            let headers = dead[0].header_list().unwrap();
            let error = headers
                .iter()
                .find(|one| one.key == "ekafka-error")
                .unwrap();
            assert_eq!(error.value, Some(&b"no good"[..]));
            assert_eq!(dead[0].value(), Some(&b"bad"[..]));
        } else {
            assert_eq!(kafka.offsets("dead", 0).unwrap(), (0, 0));
        }
    }
}

/// Handlers of different partitions run at a time, when they may.
#[tokio::test(start_paused = true)]
async fn handlers_run_at_a_time_when_they_may() {
    let kafka = cluster().await;
    kafka.create_topic("three", 3).unwrap();
    let broker = waiting(&kafka, []);
    for partition in 0..3 {
        let options = [with_partition(partition)];
        publish_text(&broker, "three", "x", options).await.unwrap();
    }
    let together = Arc::new(tokio::sync::Barrier::new(3));
    let (sender, mut done) = mpsc::unbounded_channel();
    let handler = move |_context, _event| {
        let (together, sender) = (Arc::clone(&together), sender.clone());
        async move {
            together.wait().await;
            Ok(sender.send(())?)
        }
    };
    let options = [with_subscribe_concurrency(3)];
    let _subscriber = broker.subscribe("three", handler, options).await.unwrap();
    for _ in 0..3 {
        soon(done.recv()).await.unwrap();
    }
}

/// Several topics, and those that fit a pattern, later ones too.
#[tokio::test(start_paused = true)]
async fn several_topics_and_patterns_are_read() {
    let kafka = cluster().await;
    for topic in ["logger.sensor.ts", "logger.sensor.hg", "logger.other"] {
        kafka.create_topic(topic, 1).unwrap();
    }
    let broker = waiting(&kafka, []);
    let topics = ["logger.sensor.ts", "logger.other"];
    let (several, mut of_several) = listen(&broker, topics, []).await;
    assert_eq!(several.topic(), "logger.sensor.ts,logger.other");
    let (_wild, mut of_wild) = listen(&broker, "logger.sensor.*", []).await;
    for topic in ["logger.sensor.ts", "logger.sensor.hg", "logger.other"] {
        publish_all(&broker, topic, &[topic]).await;
    }
    let mut texts = [next(&mut of_several).await, next(&mut of_several).await];
    texts.sort();
    assert_eq!(texts, ["logger.other", "logger.sensor.ts"]);
    let mut texts = [next(&mut of_wild).await, next(&mut of_wild).await];
    texts.sort();
    assert_eq!(texts, ["logger.sensor.hg", "logger.sensor.ts"]);
    kafka.create_topic("logger.sensor.new", 1).unwrap();
    publish_all(&broker, "logger.sensor.new", &["new"]).await;
    assert_eq!(next(&mut of_wild).await, "new");
}

/// Typed handlers get values; what is none has failed.
#[tokio::test(start_paused = true)]
async fn typed_handlers_get_values() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, [with_codec(PayloadCodec::Json)]);
    let context = Context::new();
    let headers = with_headers([("version", "1.0.0")]);
    soon(publish(
        &broker,
        &context,
        "t",
        &vec![21.5_f64, 40.0],
        [headers],
    ))
    .await
    .unwrap();
    publish_text(&broker, "t", "{", []).await.unwrap();
    let (sender, mut values) = mpsc::unbounded_channel();
    let handler = move |_context, topic: String, headers: Headers, value: Vec<f64>| {
        let version = headers.get("version").unwrap_or_default().to_owned();
        let sent = sender.send((topic, version, value));
        async move { Ok(sent?) }
    };
    let subscriber = subscribe(&broker, "t", handler, []).await.unwrap();
    let (topic, version, value) = soon(values.recv()).await.unwrap();
    assert_eq!((topic.as_str(), version.as_str()), ("t", "1.0.0"));
    assert_eq!(value, [21.5, 40.0]);
    let failure = soon(subscriber.ended()).await.unwrap_err();
    assert!(
        failure.cause.to_string().contains("message body"),
        "{}",
        failure.cause
    );
    assert_eq!(values.recv().await, None);
}

/// Layers around handlers see each message, and may refuse it.
#[tokio::test(start_paused = true)]
async fn middlewares_are_passed_by_messages() {
    use ekafka::interceptor::{Call, CallFuture, Command, Interceptor, Next};

    struct Seen(mpsc::UnboundedSender<String>);

    impl Interceptor for Seen {
        fn call<'a>(&'a self, call: &'a mut Call<'_>, next: Next<'a>) -> CallFuture<'a> {
            Box::pin(async move {
                if call.command() == Command::Handler {
                    let offset = call.messages()[0].offset();
                    self.0.send(format!("{} {offset}", call.topic())).unwrap();
                }
                next.run(call).await
            })
        }
    }

    let kafka = cluster().await;
    kafka.create_topic("u", 1).unwrap();
    let (sender, mut seen) = mpsc::unbounded_channel();
    let layer: Arc<dyn Interceptor> = Arc::new(Seen(sender));
    let broker = waiting(&kafka, [with_subscriber_middlewares([layer])]);
    publish_all(&broker, "t", &["a", "b"]).await;
    let (_one, mut events) = listen(&broker, ["t", "u"], []).await;
    for offset in 0..2 {
        next(&mut events).await;
        assert_eq!(seen.recv().await.unwrap(), format!("t {offset}"));
    }
}

/// S4.49: a topic is created first; one that exists is left as it is.
#[tokio::test(start_paused = true)]
async fn a_topic_is_created_before_subscribing() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, []);
    for partitions in [2, 5] {
        let option = with_subscribe_auto_create_topic("made", partitions, 1);
        let (_one, _events) = listen(&broker, "made", [option]).await;
        assert!(kafka.offsets("made", 1).is_ok());
        assert!(kafka.offsets("made", 2).is_err());
    }
    publish_all(&broker, "made", &["x"]).await;
    assert_eq!(values(&kafka, "made", 1).await, ["x"]);
    let option = with_subscribe_auto_create_topic("bad name", 1, 1);
    let refused = broker
        .subscribe("t", |_, _| async { Ok(()) }, [option])
        .await;
    assert!(refused.is_err());
}
