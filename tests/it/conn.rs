//! The low-level door: `Dialer`, `Conn` and `Batch`. Tests carry the ids of the behaviours they check: `t…` is a behaviour
//! of kafka-go's own test suite, `s…` one that its users' guides promise, `c…` a decision about an open question.

mod admin;
mod canary;
mod deadlines;
mod dialer;
mod groups;
mod position;
mod reading;
mod security;
mod writing;

use std::time::Duration;

use ekafka_conn::{Conn, Dialer, Message, Record};
use ekafka_protocol::ErrorCode;
use tokio::time::Instant;

use crate::support::Kafka;

/// A connection to the leader of partition 0 of a new topic, with a deadline that no test should meet.
async fn leader(kafka: &Kafka) -> Conn {
    leader_of(kafka, &kafka.topic(1).await).await
}

async fn leader_of(kafka: &Kafka, topic: &str) -> Conn {
    let address = &kafka.brokers()[0];
    let conn = Dialer::default()
        .dial_leader(address, topic, 0)
        .await
        .expect("a leader");
    conn.set_deadline(after(Duration::from_secs(10)));
    if kafka.embedded().is_none() {
        known_to_leader(&conn).await;
    }
    conn
}

/// Waits until a leader knows its partition; a real broker learns of a new topic after others have.
async fn known_to_leader(conn: &Conn) {
    while let Err(error) = conn.read_first_offset().await {
        assert!(error.code().is_some_and(ErrorCode::is_retriable), "{error}");
        tokio::task::yield_now().await;
    }
}

/// A connection to the first broker, without a topic.
async fn any(kafka: &Kafka) -> Conn {
    Dialer::default()
        .dial(&kafka.brokers()[0])
        .await
        .expect("the broker listens")
}

/// A connection to the controller.
async fn controller(kafka: &Kafka) -> Conn {
    let controller = any(kafka).await.controller().await.expect("a controller");
    Dialer::default()
        .dial(&controller.address())
        .await
        .expect("the controller listens")
}

/// Writes the numbers from 0 on, each in a batch of its own.
async fn write_numbers(conn: &Conn, count: usize) {
    for number in 0..count {
        conn.write(number.to_string().as_bytes())
            .await
            .expect("written");
    }
}

/// Writes values in one batch.
async fn write_batch(conn: &Conn, values: &[&str]) {
    let records: Vec<Record<'_>> = values.iter().map(|value| Record::new(*value)).collect();
    conn.write_messages(&records).await.expect("written");
}

fn text(message: &Message) -> &str {
    std::str::from_utf8(message.value().unwrap_or_default()).expect("text")
}

fn after(time: Duration) -> Instant {
    Instant::now() + time
}
