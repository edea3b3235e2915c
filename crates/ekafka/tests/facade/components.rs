//! Instances by name, and what a faulty configuration says.

use std::sync::Arc;
use std::time::Duration;

use ekafka::{ComponentError, Record, StartOffset};

use crate::rig::{component, container, kafka, soon, values};

const TOML: &str = r#"
    [kafka]
    brokers = ["localhost:9091", "localhost:9092", "localhost:9093"]
    [kafka.client]
        timeout = "3s"
    [kafka.producers.p1]        # a producer named p1
        topic = "sre-infra-test"
        batchTimeout = "10ms"
    [kafka.consumers.c1]
    topic = "sre-infra-test"
    [kafka.consumers.g1]
    topic = "sre-infra-test"
    groupID = "group-1"
    [kafka.consumerGroups.cg1]
    topic = "sre-infra-test"
    groupID = "group-2"
"#;

/// S2.18, S0.9: lazily made, then the same; a closed one is replaced.
#[tokio::test(start_paused = true)]
async fn an_instance_is_made_once_and_anew_when_it_was_closed() {
    let kafka = kafka().await;
    let component = component(&kafka, TOML);
    assert_eq!(kafka.accepted_connections(), 0, "nothing was dialled");
    let producer = component.producer("p1");
    assert!(Arc::ptr_eq(&producer, &component.clone().producer("p1")));
    let consumer = component.consumer("c1");
    assert!(Arc::ptr_eq(&consumer, &component.consumer("c1")));
    let group = component.consumer_group("cg1");
    assert!(Arc::ptr_eq(&group, &component.consumer_group("cg1")));
    assert_eq!(kafka.accepted_connections(), 0, "nothing was dialled");

    producer.close().await.unwrap();
    consumer.close().await.unwrap();
    group.close().await.unwrap();
    assert!(producer.is_closed() && consumer.is_closed() && group.is_closed());
    assert!(!Arc::ptr_eq(&producer, &component.producer("p1")));
    assert!(!Arc::ptr_eq(&consumer, &component.consumer("c1")));
    assert!(!Arc::ptr_eq(&group, &component.consumer_group("cg1")));
    assert!(!component.producer("p1").is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_configured_is_an_error_that_lists_those_that_are() {
    let kafka = kafka().await;
    let component = component(&kafka, TOML);
    for (error, text) in [
        (
            component.try_producer("p2").unwrap_err(),
            "kafka.producers has no entry \"p2\", it has: p1",
        ),
        (
            component.try_consumer("p1").unwrap_err(),
            "kafka.consumers has no entry \"p1\", it has: c1, g1",
        ),
        (
            component.try_consumer_group("c1").unwrap_err(),
            "kafka.consumerGroups has no entry \"c1\", it has: cg1",
        ),
    ] {
        assert!(matches!(error, ComponentError::Unknown { .. }));
        assert_eq!(error.to_string(), text);
    }
    // After a failure everything else works: no lock is left held.
    let _ = component.producer("p1");
}

#[test]
#[should_panic(expected = "kafka.producers has no entry \"p2\"")]
fn the_panicking_form_panics_with_the_same_text() {
    let component = ekafka::load_toml(TOML, "kafka").unwrap().build();
    let _ = component.producer("p2");
}

#[test]
#[should_panic(expected = "parse config error: configuration: nobody")]
fn loading_a_table_that_is_not_there_panics() {
    let _ = ekafka::load("nobody");
}

/// S0.8: empty texts are dropped, and no broker at all is an error at once.
#[test]
fn every_fault_is_told_before_anything_is_dialled() {
    let container = ekafka::load_toml(
        r#"
        [kafka]
        brokers = ["", "", ""]
        tlsEnable = true
        tlsCaFile = "/does/not/exist.pem"
        [kafka.producers.p1]
        balancer = "sideways"
        "#,
        "kafka",
    );
    let error = container.unwrap().try_build().unwrap_err();
    let paths: Vec<&str> = error.faults().iter().map(|fault| &*fault.path).collect();
    assert_eq!(
        paths,
        [
            "kafka.brokers",
            "kafka.producers.p1.balancer",
            "kafka.tlsEnable"
        ]
    );
    let text = error.to_string();
    assert!(text.contains("names no broker"), "{text}");
    assert!(
        text.contains("roundRobin, hash, referenceHash, leastBytes, crc32, murmur2, sticky"),
        "{text}"
    );
    assert!(text.contains("/does/not/exist.pem"), "{text}");
}

/// S2.72, S2.73, S2.77, S2.75: by name, three values, stored in order; then closed.
#[tokio::test(start_paused = true)]
async fn a_producer_writes_what_it_is_given() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let producer = component(&kafka, TOML).producer("p1");
    let messages = ["Hello World!", "One!", "Two!"].map(Record::new);
    soon(producer.write_messages(&messages)).await.unwrap();
    soon(producer.close()).await.unwrap();
    assert_eq!(
        values(&kafka, "sre-infra-test", 3).await,
        ["Hello World!", "One!", "Two!"]
    );
    let error = producer.write_messages(&messages).await.unwrap_err();
    assert!(error.is_fatal(), "{error}");
}

/// S2.74.
#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_written_is_an_error_of_its_slot() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let producer = component(&kafka, TOML).producer("p1");
    let messages = [Record::new("good"), Record::new("bad").topic("another")];
    let error = soon(producer.write_messages(&messages)).await.unwrap_err();
    let ComponentError::Write(errors) = error else {
        panic!("{error}");
    };
    assert!(errors.get(0).is_none(), "{errors}");
    assert!(errors.get(1).is_some(), "{errors}");
    assert_eq!(values(&kafka, "sre-infra-test", 1).await, ["good"]);
}

#[tokio::test(start_paused = true)]
async fn closing_a_producer_delivers_what_waits_in_its_batch() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let text = TOML.replace("\"10ms\"", "\"1h\"\nasync = true");
    let component = component(&kafka, &text);
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("waits")]))
        .await
        .unwrap();
    soon(component.close()).await.unwrap();
    assert!(producer.is_closed());
    assert_eq!(values(&kafka, "sre-infra-test", 1).await, ["waits"]);
}

/// The documents' example of a balancer of one's own, chosen by the configuration.
#[tokio::test(start_paused = true)]
async fn a_registered_balancer_is_chosen_by_its_name() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 5).unwrap();
    let text = TOML.replace("\"10ms\"", "\"10ms\"\nbalancer = \"my-balancer\"");
    let container = container(&kafka, &text)
        .register_balancer("my-balancer", |_: &Record<'_>, all: &[i32]| all[3]);
    let producer = container.build().producer("p1");
    soon(producer.write_messages(&[Record::new("a"), Record::new("b")]))
        .await
        .unwrap();
    assert_eq!(kafka.offsets("sre-infra-test", 3).unwrap(), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_consumer_of_a_partition_knows_its_place() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let component = component(&kafka, TOML);
    let messages = ["a", "b", "c", "d"].map(Record::new);
    let written = component.producer("p1");
    soon(written.write_messages(&messages)).await.unwrap();

    let consumer = component.consumer("c1");
    assert_eq!(soon(consumer.read_lag()).await.unwrap(), 4);
    consumer.set_offset(1).await.unwrap();
    assert_eq!(consumer.offset(), Some(1));
    let message = soon(consumer.fetch_message()).await.unwrap();
    assert_eq!(message.value(), Some(&b"b"[..]));
    assert_eq!((consumer.offset(), consumer.lag()), (Some(2), Some(2)));
    consumer.set_offset(StartOffset::First).await.unwrap();
    let message = soon(consumer.read_message()).await.unwrap();
    assert_eq!(message.value(), Some(&b"a"[..]));
    consumer
        .set_offset_at(message.time().unwrap())
        .await
        .unwrap();
    assert_eq!(soon(consumer.read_lag()).await.unwrap(), 4);
    let error = consumer.commit_messages(&[message]).await.unwrap_err();
    assert!(error.to_string().contains("without a group"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_consumer_of_a_group_goes_on_where_it_committed() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let component = component(&kafka, TOML);
    let messages = ["a", "b", "c"].map(Record::new);
    let written = component.producer("p1");
    soon(written.write_messages(&messages)).await.unwrap();

    let consumer = component.consumer("g1");
    let first = soon(consumer.fetch_message()).await.unwrap();
    soon(consumer.commit_messages(&[first])).await.unwrap();
    let second = soon(consumer.read_message()).await.unwrap();
    assert_eq!(second.value(), Some(&b"b"[..]));
    assert_eq!((consumer.offset(), consumer.lag()), (None, None));
    assert!(consumer.set_offset(0).await.is_err());
    assert!(consumer.read_lag().await.is_err());
    soon(consumer.close()).await.unwrap();

    let third = soon(component.consumer("g1").fetch_message())
        .await
        .unwrap();
    assert_eq!(third.value(), Some(&b"c"[..]));
}

/// A call that waits for a message makes room for the others, and ends when the consumer is closed.
#[tokio::test(start_paused = true)]
async fn a_waiting_fetch_does_not_stand_in_the_way() {
    let kafka = kafka().await;
    kafka.create_topic("sre-infra-test", 1).unwrap();
    let consumer = component(&kafka, TOML).consumer("c1");
    let waiting = tokio::spawn({
        let consumer = Arc::clone(&consumer);
        async move { consumer.fetch_message().await }
    });
    // The fetch is on its way once the consumer has dialled.
    while kafka.requests_of(ekafka::ApiKey::FETCH).is_empty() {
        tokio::task::yield_now().await;
        tokio::time::advance(Duration::from_millis(1)).await;
    }
    assert_eq!(soon(consumer.read_lag()).await.unwrap(), 0);
    assert!(!waiting.is_finished());
    soon(consumer.close()).await.unwrap();
    let ended = soon(waiting).await.unwrap();
    assert!(matches!(ended, Err(ComponentError::Closed)), "{ended:?}");
}

/// The client's five calls, each seen by the interceptors' chain.
#[tokio::test(start_paused = true)]
async fn the_client_asks_about_topics_and_offsets() {
    use ekafka::TopicPartition;
    use ekafka::admin::{OffsetFetch, OffsetSpec};

    let kafka = kafka().await;
    let component = component(&kafka, TOML);
    let client = component.client();
    let topics = [ekafka::TopicConfig::new("sre-infra-test", 1, 1)];
    soon(client.create_topics(topics))
        .await
        .unwrap()
        .all()
        .unwrap();
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("a"), Record::new("b")]))
        .await
        .unwrap();
    let consumer = component.consumer("g1");
    soon(consumer.read_message()).await.unwrap();

    let cluster = soon(client.metadata(["sre-infra-test"])).await.unwrap();
    assert_eq!(
        (cluster.brokers.len(), cluster.topics[0].partitions.len()),
        (3, 1)
    );
    let at = TopicPartition::new("sre-infra-test", 0);
    let ends = soon(client.list_offsets([(at.clone(), OffsetSpec::Last)]))
        .await
        .unwrap();
    assert_eq!(ends.all().unwrap()[0].1.offset, Some(2));
    let committed = soon(client.offset_fetch(OffsetFetch::all_of("group-1")))
        .await
        .unwrap();
    let committed = committed.all().unwrap();
    assert_eq!(committed[0].0, at);
    assert_eq!(committed[0].1.as_ref().unwrap().offset, 1);
    soon(client.delete_topics(["sre-infra-test"]))
        .await
        .unwrap()
        .all()
        .unwrap();
    assert!(kafka.offsets("sre-infra-test", 0).is_err());
}

/// S2.16: three seconds, and not the sixty without the key.
#[tokio::test(start_paused = true)]
async fn a_call_of_the_client_ends_when_its_time_is_up() {
    let kafka = kafka().await;
    kafka.on_next(ekafka::ApiKey::METADATA).silence().times(100);
    let component = component(&kafka, TOML);
    let begun = tokio::time::Instant::now();
    soon(component.client().metadata(["sre-infra-test"]))
        .await
        .unwrap_err();
    let took = begun.elapsed();
    assert!(
        took >= Duration::from_secs(3) && took < Duration::from_millis(3_100),
        "{took:?}"
    );
}
