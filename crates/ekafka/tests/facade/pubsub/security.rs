//! Log-in and encryption, of readers and of writers.

use std::sync::Arc;

use ekafka::{Context, Plain, Record, TlsConfig};
use ekafka_testkit::EmbeddedKafka;

use super::*;
use crate::rig::soon;

/// Publishes and reads a message.
async fn round_trip(kafka: &EmbeddedKafka, options: impl IntoIterator<Item = BrokerOption>) {
    kafka.create_topic("t", 1).unwrap();
    let broker = BrokerOptions::default().address([kafka.bootstrap()]);
    let broker = broker.asynchronous(false).apply(options).broker();
    publish_text(&broker, "t", "x", []).await.unwrap();
    let (_one, mut events) = listen(&broker, "t", []).await;
    assert_eq!(next(&mut events).await, "x");
    soon(broker.disconnect()).await.unwrap();
}

/// S4.35: readers and writers log in by PLAIN.
#[tokio::test]
async fn plain_logs_in() {
    let kafka = EmbeddedKafka::builder()
        .nodes(1)
        .sasl_plain("alice", "alice-secret");
    let kafka = kafka.start().await.unwrap();
    let options = [
        with_plain_mechanism("alice", "alice-secret"),
        with_allow_plaintext_sasl(),
    ];
    round_trip(&kafka, options).await;
    let wrong = [
        with_address([kafka.bootstrap()]),
        with_plain_mechanism("alice", "wr0ng"),
        with_allow_plaintext_sasl(),
    ];
    let wrong = new_broker(wrong);
    let refused = soon(wrong.publish_raw(&Context::new(), "t", "x", [])).await;
    let refused = format!("{:?}", refused.unwrap_err());
    assert!(!refused.contains("wr0ng"), "{refused}");
}

/// S4.46: readers and writers log in by SCRAM, with either hash.
#[tokio::test]
async fn scram_logs_in() {
    for (algorithm, user) in [
        (ScramAlgorithm::Sha256, "bob"),
        (ScramAlgorithm::Sha512, "carol"),
    ] {
        let kafka = EmbeddedKafka::builder()
            .nodes(1)
            .sasl_scram_256("bob", "bob-secret")
            .sasl_scram_512("carol", "carol-secret");
        let kafka = kafka.start().await.unwrap();
        let secret = format!("{user}-secret");
        round_trip(&kafka, [with_scram_mechanism(algorithm, user, secret)]).await;
    }
}

fn trusting(kafka: &EmbeddedKafka) -> TlsConfig {
    let files = kafka.tls_files().unwrap();
    TlsConfig::builder()
        .ca_pem(files.ca.into_bytes())
        .build()
        .unwrap()
}

/// Readers and writers encrypt, unless that is switched off.
#[tokio::test]
async fn connections_are_encrypted() {
    let kafka = EmbeddedKafka::builder()
        .nodes(1)
        .tls()
        .start()
        .await
        .unwrap();
    round_trip(&kafka, [with_tls_config(trusting(&kafka))]).await;
    let plain = EmbeddedKafka::builder().nodes(1).start().await.unwrap();
    let off = [with_tls_config(trusting(&kafka)), with_enable_secure(false)];
    round_trip(&plain, off).await;
}

/// S4.57, S4.60: a holder makes writers that log in and encrypt, and closes those it holds.
#[tokio::test]
async fn a_holder_makes_writers() {
    let kafka = EmbeddedKafka::builder()
        .nodes(1)
        .tls()
        .sasl_plain("alice", "alice-secret");
    let kafka = kafka.start().await.unwrap();
    kafka.create_topic("t", 1).unwrap();
    let mut holder = new_writer(true);
    assert!(holder.enable_one_topic_one_writer);
    assert!(holder.writer.is_none() && holder.writers.is_empty());
    let config = WriterConfig {
        brokers: kafka.addresses(),
        batch_size: 1,
        ..WriterConfig::default()
    };
    let alice = Plain::new("alice", "alice-secret").unwrap();
    let writer = holder.create_producer(&config, Some(Arc::new(alice)), Some(trusting(&kafka)));
    let writer = writer.unwrap();
    soon(writer.write(&[Record::new("x").topic("t")]))
        .await
        .unwrap();
    assert!(holder.of("t").is_none(), "it is nobody's");
    holder.writers.insert("t".to_owned(), writer.clone());
    assert!(holder.of("t").is_some() && holder.of("u").is_none());
    soon(holder.close()).await.unwrap();
    assert!(holder.writers.is_empty());
    soon(writer.write(&[Record::new("x").topic("t")]))
        .await
        .unwrap_err();
    let none = WriterConfig::default();
    assert!(
        holder.create_producer(&none, None, None).is_err(),
        "no brokers"
    );
}
