//! A broker from its making to its end.

use std::time::Duration;

use ekafka::{ApiKey, ComponentError, Context};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::*;
use crate::rig::{soon, values};

/// S4.7: the functions make the same broker as the builder, and nothing is dialled before it must be.
#[tokio::test(start_paused = true)]
async fn a_broker_dials_only_when_it_must() {
    let kafka = cluster().await;
    let broker = broker(&kafka, []);
    assert_eq!(broker.name(), "kafka");
    assert_eq!(broker.address(), kafka.bootstrap());
    broker.init(vec![with_async(false)]).unwrap();
    broker.connect().await.unwrap();
    broker.connect().await.unwrap();
    assert!(broker.init(vec![]).is_err(), "too late");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(kafka.accepted_connections(), 0);
    publish_text(&broker, "t", "x", []).await.unwrap();
    assert_eq!(
        values(&kafka, "t", 1).await,
        ["x"],
        "as init said, it waited"
    );
}

/// What is wrong with the options is told when connecting, before anything is dialled.
#[tokio::test]
async fn faults_of_options_are_told_when_connecting() {
    for (option, part) in [
        (with_plain_mechanism("", "secret"), "plain_mechanism"),
        (
            with_plain_mechanism("alice", "secret"),
            "allow_plaintext_sasl",
        ),
        (
            with_scram_mechanism(ScramAlgorithm::Sha256, "", "secret"),
            "scram_mechanism",
        ),
        (with_enable_secure(true), "tls_config"),
        (with_address(["a host:9092"]), "a host"),
    ] {
        let broker = new_broker([option]);
        let error = broker.connect().await.unwrap_err();
        assert!(matches!(error, ComponentError::Config(_)), "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.to_string().contains("secret "), "{error}");
    }
    let broker = new_broker([with_min_bytes(5), with_max_bytes(2)]);
    let refused = broker.subscribe("t", |_, _| async { Ok(()) }, []).await;
    assert!(refused.unwrap_err().to_string().contains("min_bytes"));
    let broker = new_broker([with_batch_size(0)]);
    let refused = broker.publish_raw(&Context::new(), "t", "x", []).await;
    assert!(refused.unwrap_err().to_string().contains("batch_size"));
}

/// Brokers that do not answer delay the end by no more than a commit and a delivery may take.
#[tokio::test(start_paused = true)]
async fn disconnecting_does_not_wait_for_silent_brokers_for_ever() {
    let kafka = cluster().await;
    let limits = [
        with_max_attempts(2),
        with_write_timeout(Duration::from_secs(2)),
        with_batch_timeout(Duration::ZERO),
    ];
    let broker = broker(&kafka, limits);
    let (seen, mut handled) = mpsc::unbounded_channel();
    let handler = move |_context, _event: Event| {
        let seen = seen.clone();
        async move { Ok(seen.send(())?) }
    };
    let subscriber = soon(broker.subscribe("t", handler, [with_queue_name("g")]));
    let subscriber = subscriber.await.unwrap();
    publish_text(&broker, "t", "first", []).await.unwrap();
    soon(handled.recv()).await.unwrap();
    kafka.on_any().silence().times(usize::MAX);
    publish_text(&broker, "t", "lost", []).await.unwrap();
    let begun = Instant::now();
    let _ = broker.disconnect().await;
    let took = begun.elapsed();
    assert!(took <= Duration::from_secs(30), "{took:?}");
    assert!(!subscriber.is_active());
}

/// Disconnecting delivers what was published, ends subscriptions after their message, and the broker may connect again.
#[tokio::test(start_paused = true)]
async fn disconnecting_ends_in_order() {
    let kafka = cluster().await;
    let hour = with_batch_timeout(Duration::from_secs(3_600));
    let broker = broker(&kafka, [hour]);
    broker.disconnect().await.unwrap();
    let (begun, mut began) = mpsc::unbounded_channel();
    let (done, mut ended) = mpsc::unbounded_channel();
    let slow = move |_context, event: Event| {
        let (begun, done) = (begun.clone(), done.clone());
        async move {
            begun.send(event.body().to_vec())?;
            sleep(Duration::from_secs(5)).await;
            Ok(done.send(())?)
        }
    };
    let first = waiting(&kafka, []);
    publish_text(&first, "t", "first", []).await.unwrap();
    let subscriber = broker.subscribe("t", slow, []).await.unwrap();
    soon(began.recv()).await.unwrap();
    publish_text(&broker, "t", "buffered", []).await.unwrap();
    let started = Instant::now();
    soon(broker.disconnect()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(7));
    assert_eq!(ended.recv().await, Some(()), "the handler came to its end");
    assert!(!subscriber.is_active());
    assert_eq!(kafka.requests_of(ApiKey::LEAVE_GROUP).len(), 1);
    assert_eq!(values(&kafka, "t", 2).await, ["first", "buffered"]);
    let closed = publish_text(&broker, "t", "x", []).await;
    assert!(matches!(closed, Err(ComponentError::Closed)), "{closed:?}");
    assert_eq!(broker.writers().writers.len(), 0);

    broker.connect().await.unwrap();
    publish_text(&broker, "t", "again", []).await.unwrap();
    soon(broker.disconnect()).await.unwrap();
    assert_eq!(values(&kafka, "t", 3).await[2], "again");
}

/// D-17: a second subscription to a topic does not make the first one forgotten.
#[tokio::test(start_paused = true)]
async fn disconnecting_ends_every_subscription_of_a_topic() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, []);
    let (one, _of_one) = listen(&broker, "t", []).await;
    let (two, _of_two) = listen(&broker, "t", []).await;
    soon(one.unsubscribe()).await.unwrap();
    soon(one.unsubscribe()).await.unwrap();
    assert!(two.is_active());
    let (three, _of_three) = listen(&broker, "t", []).await;
    soon(broker.disconnect()).await.unwrap();
    assert!(!two.is_active() && !three.is_active());
}

/// The last handle that is dropped ends subscriptions at once.
#[tokio::test(start_paused = true)]
async fn a_broker_that_is_dropped_ends_its_subscriptions() {
    let kafka = cluster().await;
    let broker = waiting(&kafka, []);
    publish_text(&broker, "t", "x", []).await.unwrap();
    let (begun, mut began) = mpsc::unbounded_channel();
    let stuck = move |_context, _event| {
        let sent = begun.send(());
        async move {
            sent?;
            std::future::pending().await
        }
    };
    let subscriber = broker.subscribe("t", stuck, []).await.unwrap();
    soon(began.recv()).await.unwrap();
    drop(broker);
    soon(subscriber.ended()).await.unwrap();
}

/// Kafka has no requests with answers.
#[tokio::test]
async fn requests_are_not_implemented() {
    let broker = new_broker([]);
    let context = Context::new();
    let error = broker.request(&context, "t", "x".into()).await.unwrap_err();
    assert_eq!(error.to_string(), "request is not implemented");
}
