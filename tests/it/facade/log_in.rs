//! Components log in as their configuration says, on the embedded broker or on the listener of a real one.

use ekafka::{Record, TopicConfig};

use crate::logging_in::sasl_door;
use crate::support::{in_time, unique};

/// S2.82 to S2.84: one configuration for the producer, the consumer and the client.
#[tokio::test]
async fn producers_and_consumers_log_in() {
    let door = sasl_door().await;
    for (mechanism, user) in [
        ("PLAIN", "alice"),
        ("SCRAM-SHA-256", "bob"),
        ("SCRAM-SHA-512", "carol"),
    ] {
        let topic = unique("login");
        let toml = format!(
            r#"
            [kafka]
            brokers = ["{}"]
            saslMechanism = "{mechanism}"
            saslUserName = "{user}"
            saslPassword = "{user}-secret"
            saslAllowPlaintext = true
            [kafka.producers.p1]
            topic = "{topic}"
            batchTimeout = "auto"
            [kafka.consumers.c1]
            topic = "{topic}"
            "#,
            door.address
        );
        let component = ekafka::load_toml(&toml, "kafka")
            .expect("a good configuration")
            .build();
        let client = component.client();
        let made = in_time(client.create_topics([TopicConfig::new(&topic, 1, -1)])).await;
        made.expect("an answer").all().expect("a topic");
        let records = [Record::new("x")];
        in_time(component.producer("p1").write_messages(&records))
            .await
            .expect("written");
        let message = in_time(component.consumer("c1").fetch_message()).await;
        assert_eq!(message.expect("a message").value(), Some(&b"x"[..]));
        in_time(component.close()).await.expect("closed");
    }
}
