use std::time::{Duration, Instant};

use ekafka_conn::ConnError;
use ekafka_protocol::ApiKey;

use super::{after, leader, write_batch};
use crate::support::Kafka;

const SHORT: Duration = Duration::from_millis(100);

#[tokio::test]
async fn s1_13_write_deadline_bounds_a_silent_broker() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let conn = leader(&kafka).await;
    embedded.on_next(ApiKey::PRODUCE).silence();
    let start = Instant::now();
    conn.set_write_deadline(after(SHORT));
    let error = conn.write(b"x").await.unwrap_err();
    assert!(error.is_timeout() && error.maybe_sent(), "{error}");
    assert!(start.elapsed() >= SHORT);
    // What comes later could be taken for the answer to something else, so there is no later.
    conn.set_deadline(None);
    assert!(matches!(conn.write(b"x").await, Err(ConnError::Closed)));
}

#[tokio::test]
async fn s1_17_read_deadline_bounds_a_silent_broker() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let mut conn = leader(&kafka).await;
    embedded.on_next(ApiKey::FETCH).silence();
    conn.set_read_deadline(after(SHORT));
    let error = conn.read_message(1_000).await.unwrap_err();
    assert!(
        matches!(error, ConnError::Timeout { sent: true, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn deadline_in_the_past_sends_nothing() {
    let kafka = Kafka::start().await;
    let conn = leader(&kafka).await;
    conn.set_write_deadline(tokio::time::Instant::now());
    let error = conn.write(b"x").await.unwrap_err();
    assert!(error.is_timeout() && !error.maybe_sent(), "{error}");
    conn.set_write_deadline(None);
    assert_eq!(conn.write(b"x").await.unwrap(), 1);
    assert_eq!(conn.read_last_offset().await.unwrap(), 1);
}

#[tokio::test]
async fn c_1_deadline_set_later_ends_what_is_under_way() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let conn = leader(&kafka).await;
    conn.set_deadline(None);
    embedded.on_next(ApiKey::PRODUCE).silence();
    let other = conn.clone();
    let writing = conn.write(b"x");
    let setting = async {
        while embedded.requests_of(ApiKey::PRODUCE).is_empty() {
            tokio::task::yield_now().await;
        }
        other.set_write_deadline(after(SHORT));
    };
    let (written, ()) = tokio::join!(writing, setting);
    assert!(written.unwrap_err().is_timeout());
}

#[tokio::test]
async fn c_2_each_kind_of_request_has_its_own_deadline() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    let past = tokio::time::Instant::now();
    conn.set_read_deadline(past);
    assert_eq!(conn.write(b"x").await.unwrap(), 1);
    assert!(conn.read_last_offset().await.unwrap_err().is_timeout());
    assert!(conn.brokers().await.unwrap_err().is_timeout());
    assert!(conn.api_versions().await.unwrap_err().is_timeout());
    conn.set_read_deadline(None);
    conn.set_write_deadline(past);
    assert!(conn.write(b"x").await.unwrap_err().is_timeout());
    assert!(
        conn.delete_topics(&["absent"])
            .await
            .unwrap_err()
            .is_timeout()
    );
    assert!(conn.api_versions().await.unwrap_err().is_timeout());
    assert_eq!(conn.read_last_offset().await.unwrap(), 1);
    assert_eq!(conn.read_message(1_000).await.unwrap().offset(), 0);
}

#[tokio::test]
async fn c_3_broker_is_asked_to_answer_before_the_deadline() {
    use ekafka_protocol::messages::{FetchRequest, ProduceRequest};
    let broker = ekafka_testkit::EmbeddedKafka::builder()
        .nodes(1)
        .keep_bodies(true);
    let embedded = broker.start().await.unwrap();
    embedded.create_topic("topic", 1).unwrap();
    let address = &embedded.addresses()[0];
    let dialer = ekafka_conn::Dialer::default();
    let mut conn = dialer.dial_leader(address, "topic", 0).await.unwrap();
    conn.set_deadline(after(Duration::from_secs(10)));
    write_batch(&conn, &["x"]).await;
    assert!(conn.read_batch(10, 1_000).await.err().is_none());

    let request = embedded.requests_of(ApiKey::PRODUCE).remove(0);
    let produce = request.decode::<ProduceRequest>().unwrap();
    assert!(
        (8_000..=9_000).contains(&produce.timeout_ms),
        "{}",
        produce.timeout_ms
    );
    assert_eq!(produce.acks, -1);
    let request = embedded.requests_of(ApiKey::FETCH).remove(0);
    let fetch = request.decode::<FetchRequest>().unwrap();
    assert!(
        (8_000..=9_000).contains(&fetch.max_wait_ms),
        "{}",
        fetch.max_wait_ms
    );
}
