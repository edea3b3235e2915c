//! What the keys of a configuration do, as the broker sees it.

mod connecting;
mod reading;
mod writing;

use std::time::Duration;

use ekafka::{ApiKey, Component, Record};
use ekafka_protocol::messages::{FetchRequest, ProduceRequest};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

use crate::rig::{component, container, kafka, soon, start, values};

fn with(kafka: &EmbeddedKafka, connection: &str, producer: &str, consumer: &str) -> Component {
    let text = format!(
        "[kafka]\nbrokers = ['localhost:9092']\n{connection}\n\
         [kafka.producers.p1]\ntopic = 't'\n{producer}\n\
         [kafka.consumers.c1]\ntopic = 't'\n{consumer}\n"
    );
    component(kafka, &text)
}

/// S0.4, S2.7, S2.8, S2.9: the field of the request, and all without the key.
#[tokio::test(start_paused = true)]
async fn required_acks_are_asked_for() {
    for (key, acks) in [
        ("requiredAcks = 0", 0),
        ("requiredAcks = 1", 1),
        ("requiredAcks = -1", -1),
        ("", -1),
    ] {
        let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
        kafka.create_topic("t", 1).unwrap();
        let producer = with(&kafka, "", key, "").producer("p1");
        soon(producer.write_messages(&[Record::new("x")]))
            .await
            .unwrap();
        assert_eq!(values(&kafka, "t", 1).await, ["x"]);
        let requests = kafka.requests_of(ApiKey::PRODUCE);
        let request: ProduceRequest = requests[0].decode().unwrap();
        assert_eq!(request.acks, acks, "{key}");
    }
}

/// S2.3: one second without the key, what it says with it, nothing to wait for with `auto`.
#[tokio::test(start_paused = true)]
async fn batch_timeout_is_waited_for() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    for (key, expected) in [
        ("", Duration::from_secs(1)),
        ("batchTimeout = '250ms'", Duration::from_millis(250)),
        ("batchTimeout = 'auto'", Duration::ZERO),
    ] {
        let producer = with(&kafka, "", key, "").producer("p1");
        soon(producer.write_messages(&[Record::new("first dials")]))
            .await
            .unwrap();
        let begun = Instant::now();
        soon(producer.write_messages(&[Record::new("x")]))
            .await
            .unwrap();
        let took = begun.elapsed();
        assert!(took >= expected, "{key}: {took:?}");
        assert!(
            took < expected + Duration::from_millis(20),
            "{key}: {took:?}"
        );
    }
}

/// S2.4: the message that fills the batch sends it.
#[tokio::test(start_paused = true)]
async fn a_full_batch_does_not_wait() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let producer = with(&kafka, "", "batchTimeout = '1h'", "").producer("p1");
    let records = vec![Record::new("x"); 100];
    soon(producer.write_messages(&records)).await.unwrap();
    let small = with(&kafka, "", "batchTimeout = '1h'\nbatchSize = 2", "").producer("p1");
    soon(small.write_messages(&records[..2])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_over_batch_bytes_is_refused() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let producer = with(&kafka, "", "batchBytes = 100", "").producer("p1");
    let large = "x".repeat(200);
    let error = soon(producer.write_messages(&[Record::new(&large)]))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("batch_bytes allows 100"),
        "{error}"
    );
}

/// S0.3, S2.6: with nobody to write to, the call returns all the same.
#[tokio::test(start_paused = true)]
async fn an_asynchronous_producer_returns_at_once() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let producer = with(&kafka, "", "async = true\nmaxAttempts = 1", "").producer("p1");
    soon(producer.write_messages(&[Record::new("finds the topic")]))
        .await
        .unwrap();
    for node in kafka.node_ids() {
        kafka.stop_node(node).await;
    }
    let begun = Instant::now();
    producer.write_messages(&[Record::new("x")]).await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(10));
}

/// S2.78 to S2.81: the codec in the stored batch's attributes.
#[tokio::test(start_paused = true)]
async fn compression_is_by_number_or_name() {
    for (key, codec) in [
        ("", 0),
        ("compression = 1", 1),
        ("compression = 2", 2),
        ("compression = 3", 3),
        ("compression = 4", 4),
        ("compression = 'zstd:7'", 4),
    ] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let producer = with(&kafka, "", key, "").producer("p1");
        let text = "the same over and over, ".repeat(100);
        soon(producer.write_messages(&[Record::new(&text)]))
            .await
            .unwrap();
        // Attributes stand 21 bytes into a batch; their lowest three bits are the codec.
        let log = kafka.log("t", 0).unwrap();
        assert_eq!(log[22] & 7, codec, "{key}");
        assert_eq!(values(&kafka, "t", 1).await, [text]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_is_made_only_when_that_is_allowed() {
    let kafka = start(EmbeddedKafka::builder().auto_create(true)).await;
    let strict = with(&kafka, "", "readTimeout = '1s'", "").producer("p1");
    let begun = Instant::now();
    soon(strict.write_messages(&[Record::new("x")]))
        .await
        .unwrap_err();
    assert!(
        begun.elapsed() <= Duration::from_millis(1_200),
        "readTimeout"
    );
    assert!(kafka.offsets("t", 0).is_err());
    let lenient = with(&kafka, "", "allowAutoTopicCreation = true", "").producer("p1");
    soon(lenient.write_messages(&[Record::new("x")]))
        .await
        .unwrap();
    assert_eq!(values(&kafka, "t", 1).await, ["x"]);
}

/// S2.37, S2.38, S2.39: the fields of the request.
#[tokio::test(start_paused = true)]
async fn fetch_sizes_and_isolation_are_asked_for() {
    let keys = "minBytes = 7\nmaxBytes = 1500\nmaxWait = '2s'\nisolationLevel = 'read_committed'";
    for (keys, expected) in [(keys, (7, 1500, 2_000, 1)), ("", (1, 1_048_576, 10_000, 0))] {
        let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
        kafka.create_topic("t", 1).unwrap();
        let component = with(&kafka, "", "batchTimeout = 'auto'", keys);
        let producer = component.producer("p1");
        soon(producer.write_messages(&[Record::new("long enough for the least")]))
            .await
            .unwrap();
        soon(component.consumer("c1").fetch_message())
            .await
            .unwrap();
        let requests = kafka.requests_of(ApiKey::FETCH);
        let fetch: FetchRequest = requests[0].decode().unwrap();
        let isolation = i8::from(fetch.isolation_level != ekafka::IsolationLevel::ReadUncommitted);
        assert_eq!(
            (
                fetch.min_bytes,
                fetch.max_bytes,
                fetch.max_wait_ms,
                isolation
            ),
            expected,
            "{keys}"
        );
        assert_eq!(
            fetch.topics[0].partitions[0].partition_max_bytes,
            expected.1
        );
    }
}

/// S2.58, S2.52: the newest or the oldest, where nothing is committed.
#[tokio::test(start_paused = true)]
async fn start_offset_is_first_or_last() {
    for (key, first) in [
        ("startOffset = -1", "new"),
        ("startOffset = -2", "old"),
        ("startOffset = '-2'", "old"),
        ("", "old"),
    ] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let keys = format!("groupID = 'g'\n{key}");
        let component = with(&kafka, "", "batchTimeout = 'auto'", &keys);
        let (producer, consumer) = (component.producer("p1"), component.consumer("c1"));
        soon(producer.write_messages(&[Record::new("old")]))
            .await
            .unwrap();
        // It has joined and found where it begins when nothing comes for a second.
        let waited = tokio::time::timeout(Duration::from_secs(1), consumer.fetch_message()).await;
        let message = match waited {
            Ok(message) => message,
            Err(_) => {
                soon(producer.write_messages(&[Record::new("new")]))
                    .await
                    .unwrap();
                soon(consumer.fetch_message()).await
            }
        };
        assert_eq!(message.unwrap().value(), Some(first.as_bytes()), "{key}");
    }
}

/// S2.53, S2.49: with an interval, commits are collected.
#[tokio::test(start_paused = true)]
async fn commits_are_collected_for_the_interval() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let keys = "groupID = 'g'\ncommitInterval = '1s'";
    let component = with(&kafka, "", "batchTimeout = 'auto'", keys);
    let (producer, consumer) = (component.producer("p1"), component.consumer("c1"));
    let records = ["a", "b", "c"].map(Record::new);
    soon(producer.write_messages(&records)).await.unwrap();
    for _ in 0..3 {
        soon(consumer.read_message()).await.unwrap();
    }
    assert!(kafka.requests_of(ApiKey::OFFSET_COMMIT).is_empty());
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_COMMIT).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_client_id_is_in_every_request() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let component = with(
        &kafka,
        "clientID = 'orders-service'",
        "batchTimeout = 'auto'",
        "",
    );
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("x")]))
        .await
        .unwrap();
    soon(component.consumer("c1").fetch_message())
        .await
        .unwrap();
    for request in kafka.requests() {
        assert_eq!(request.client_id.as_deref(), Some("orders-service"));
    }
}

/// S2.82 to S2.84: producers and consumers log in with what `[kafka]` has.
#[tokio::test(start_paused = true)]
async fn both_sides_log_in() {
    let plain = "saslMechanism = 'PLAIN'\nsaslAllowPlaintext = true";
    for mechanism in [
        plain,
        "saslMechanism = 'SCRAM-SHA-256'",
        "saslMechanism = 'SCRAM-SHA-512'",
    ] {
        let builder = EmbeddedKafka::builder()
            .sasl_plain("username", "password")
            .sasl_scram_256("username", "password")
            .sasl_scram_512("username", "password");
        let kafka = start(builder).await;
        kafka.create_topic("t", 1).unwrap();
        let keys = format!("{mechanism}\nsaslUserName = 'username'\nsaslPassword = 'password'");
        let component = with(&kafka, &keys, "batchTimeout = 'auto'", "");
        let producer = component.producer("p1");
        soon(producer.write_messages(&[Record::new("x")]))
            .await
            .unwrap();
        let message = soon(component.consumer("c1").fetch_message())
            .await
            .unwrap();
        assert_eq!(message.value(), Some(&b"x"[..]), "{mechanism}");
    }
}

/// The documents' block with PLAIN loads, but no password is sent readable unless that is asked for.
#[tokio::test(start_paused = true)]
async fn plain_without_tls_connects_only_when_asked_for() {
    let kafka = start(EmbeddedKafka::builder().sasl_plain("username", "password")).await;
    let keys = "saslMechanism = 'PLAIN'\nsaslUserName = 'username'\nsaslPassword = 'password'";
    let text = format!("[kafka]\nbrokers = ['localhost:9092']\n{keys}");
    let refused = container(&kafka, &text)
        .try_build()
        .unwrap_err()
        .to_string();
    assert!(refused.contains("kafka.saslMechanism"), "{refused}");
    assert!(refused.contains("saslAllowPlaintext"), "{refused}");
    assert_eq!(kafka.requests().len(), 0);
}

/// S2.85: a wrong password is an error in time.
#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_an_error() {
    let kafka = start(EmbeddedKafka::builder().sasl_scram_256("username", "password")).await;
    let keys = "saslMechanism = 'SCRAM-SHA-256'\nsaslUserName = 'username'\nsaslPassword = 'wrong'";
    let component = with(&kafka, keys, "", "");
    let producer = component.producer("p1");
    let error = soon(producer.write_messages(&[Record::new("x")]))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(!text.contains("wrong"), "the password is nowhere: {text}");
    soon(component.consumer("c1").fetch_message())
        .await
        .unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn connections_are_encrypted() {
    let kafka = start(EmbeddedKafka::builder().tls()).await;
    kafka.create_topic("t", 1).unwrap();
    let folder = std::env::temp_dir().join(format!("ekafka-facade-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let authority = folder.join("ca.pem");
    std::fs::write(&authority, kafka.tls_files().unwrap().ca).unwrap();
    let keys = format!(
        "tlsEnable = true\ntlsCaFile = '{}'\ntlsServerName = 'localhost'",
        authority.display()
    );
    let component = with(&kafka, &keys, "batchTimeout = 'auto'", "");
    let producer = component.producer("p1");
    soon(producer.write_messages(&[Record::new("x")]))
        .await
        .unwrap();
    let message = soon(component.consumer("c1").fetch_message())
        .await
        .unwrap();
    assert_eq!(message.value(), Some(&b"x"[..]));
    std::fs::remove_dir_all(&folder).unwrap();

    let careless = "tlsEnable = true\ntlsInsecureSkipVerify = true";
    let producer = with(&kafka, careless, "batchTimeout = 'auto'", "").producer("p1");
    soon(producer.write_messages(&[Record::new("y")]))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn balancers_go_by_their_names() {
    let kafka = kafka().await;
    kafka.create_topic("t", 4).unwrap();
    let mut seen = Vec::new();
    for name in ["hash", "referenceHash", "crc32", "murmur2", "HASH"] {
        let key = format!("batchTimeout = 'auto'\nbalancer = '{name}'");
        let producer = container(
            &kafka,
            &format!("[kafka]\n[kafka.producers.p1]\ntopic='t'\n{key}"),
        );
        let producer = producer.build().producer("p1");
        let before: Vec<i64> = ends(&kafka);
        let records = ["one", "two", "three"].map(|key| Record::new("x").key(key));
        soon(producer.write_messages(&records)).await.unwrap();
        let spread: Vec<i64> = ends(&kafka)
            .iter()
            .zip(before)
            .map(|(now, then)| now - then)
            .collect();
        seen.push(spread);
    }
    assert_eq!(seen[0], seen[4], "names are in any case");
    assert_ne!(seen[0], seen[2], "and different");
    assert_ne!(seen[2], seen[3]);
}

fn ends(kafka: &EmbeddedKafka) -> Vec<i64> {
    (0..4)
        .map(|partition| kafka.offsets("t", partition).unwrap().1)
        .collect()
}
