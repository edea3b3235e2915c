use std::time::Duration;

use ekafka_conn::{ConnError, Filled, ReadBatchConfig, Record, Whence};
use ekafka_protocol::{ApiKey, ErrorCode};

use super::{after, leader, text, write_batch, write_numbers};
use crate::support::Kafka;

const TEN: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

#[tokio::test]
async fn t10_single_writes_read_back_in_order_with_one_buffer() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_numbers(&conn, 10).await;
    let mut buffer = [0; 128];
    for expected in TEN {
        let filled = conn.read(&mut buffer).await.unwrap();
        assert_eq!(filled, Filled::Value(1));
        assert_eq!(&buffer[..1], expected.as_bytes());
    }
}

#[tokio::test]
async fn t11_s1_23_batch_keeps_key_value_time_and_order() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    let time = |index: usize| 1_700_000_000_000 + index as i64;
    let record = |(index, value): (usize, &'static &'static str)| {
        Record::new(*value).key(*value).timestamp(time(index))
    };
    let records: Vec<Record<'_>> = TEN.iter().enumerate().map(record).collect();
    conn.write_messages(&records).await.unwrap();
    let mut batch = conn.read_batch(1, 1_000_000).await;
    for (index, expected) in TEN.iter().enumerate() {
        assert_eq!(batch.offset(), index as i64);
        let message = batch.read_message().unwrap().expect("ten messages");
        assert_eq!(
            (message.key(), text(&message)),
            (Some(expected.as_bytes()), *expected)
        );
        assert_eq!(
            (message.offset(), message.timestamp()),
            (index as i64, time(index))
        );
    }
    assert!(batch.read_message().unwrap().is_none());
    assert!(batch.is_drained());
    batch.close().unwrap();
    assert_eq!(conn.offset(), (10, Whence::Absolute));
}

#[tokio::test]
async fn t13_s1_20_value_longer_than_the_buffer_is_not_consumed() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_batch(&conn, &["Hello World!", "next"]).await;
    let mut small = [0; 4];
    for _ in 0..10 {
        let filled = conn.read(&mut small).await.unwrap();
        assert_eq!(filled, Filled::Short { needed: 12 });
        assert_eq!(&small, b"Hell");
        assert!(conn.offset().0 == 0);
    }
    let mut batch = conn.read_batch(1, 1_000_000).await;
    assert_eq!(
        batch.read(&mut small).unwrap(),
        Filled::Short { needed: 12 }
    );
    assert_eq!(batch.offset(), 0);
    // The same batch goes on with a longer one.
    let mut long = [0; 12];
    assert_eq!(batch.read(&mut long).unwrap(), Filled::Value(12));
    assert_eq!(&long, b"Hello World!");
    assert_eq!(batch.read(&mut small).unwrap(), Filled::Value(4));
    batch.close().unwrap();
}

#[tokio::test]
async fn s1_21_read_message_needs_no_buffer() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    let value = "x".repeat(100_000);
    write_batch(&conn, &[&value]).await;
    // The limit is below the message's length: one batch comes whole.
    assert_eq!(text(&conn.read_message(10).await.unwrap()), value);
}

/// A deadline that a broker meets with its answer that there is nothing.
fn patience(kafka: &Kafka) -> Duration {
    // Real ones may be busy with other tests.
    let milliseconds = if kafka.embedded().is_some() {
        200
    } else {
        3_000
    };
    Duration::from_millis(milliseconds)
}

#[tokio::test]
async fn t14_s1_17_reading_an_empty_partition_times_out() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    conn.set_read_deadline(after(patience(&kafka)));
    let error = conn.read_message(1_000).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    // The broker answered in time, so the connection goes on.
    conn.set_deadline(after(Duration::from_secs(10)));
    write_batch(&conn, &["x"]).await;
    assert_eq!(text(&conn.read_message(1_000).await.unwrap()), "x");
}

#[tokio::test]
async fn t14_batch_of_an_empty_partition_reports_the_timeout_every_time() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    conn.set_read_deadline(after(patience(&kafka)));
    let mut batch = conn.read_batch(1, 1_000).await;
    for _ in 0..2 {
        assert!(batch.read_message().unwrap_err().is_timeout());
    }
    assert!(batch.err().is_some_and(ConnError::is_timeout));
    assert_eq!((batch.offset(), batch.high_water_mark()), (0, 0));
    assert!(batch.close().unwrap_err().is_timeout());
}

#[tokio::test]
async fn t15_batch_tells_the_high_watermark() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_numbers(&conn, 10).await;
    let mut batch = conn.read_batch(1, 1_000_000).await;
    assert_eq!((batch.high_water_mark(), batch.partition()), (10, 0));
    assert_eq!(batch.throttle(), Duration::ZERO);
    let mut count = 0;
    while let Some(message) = batch.read_message().unwrap() {
        assert_eq!(
            (message.high_water_mark(), message.lag()),
            (10, 10 - message.offset())
        );
        assert_eq!(batch.high_water_mark(), 10);
        count += 1;
    }
    assert_eq!(count, 10);
}

#[tokio::test]
async fn t16_batch_without_limits_reads_all_and_closes_clean() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_batch(&conn, &TEN).await;
    let mut batch = conn.read_batch(0, 0).await;
    let read: Vec<String> = batch
        .messages()
        .map(|message| text(&message.unwrap()).to_owned())
        .collect();
    assert_eq!(read, TEN);
    assert!(batch.err().is_none());
    batch.close().unwrap();
}

#[tokio::test]
async fn t17_waiting_ends_with_what_there_is() {
    let limit = Duration::from_secs(3);
    let kafka = Kafka::start_slow(limit, "waits half a second by design").await;
    let mut conn = leader(&kafka).await;
    write_batch(&conn, &TEN).await;
    let config = ReadBatchConfig {
        min_bytes: 10_000_000,
        max_bytes: 10_000_000,
        max_wait: Duration::from_millis(500),
        ..ReadBatchConfig::default()
    };
    conn.set_deadline(after(Duration::from_secs(1)));
    let mut batch = conn.read_batch_with(config).await;
    assert_eq!(batch.messages().map(Result::unwrap).count(), 10);
}

#[tokio::test]
async fn t17_deadline_before_the_wait_wins() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_batch(&conn, &TEN).await;
    let config = ReadBatchConfig {
        min_bytes: 10_000_000,
        max_bytes: 10_000_000,
        max_wait: Duration::from_millis(500),
        ..ReadBatchConfig::default()
    };
    conn.seek(0, Whence::Start).await.unwrap();
    conn.set_deadline(after(Duration::from_millis(50)));
    let mut batch = conn.read_batch_with(config).await;
    let error = batch.read_message().unwrap_err();
    assert!(matches!(error, ConnError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn s1_18_s1_19_s1_22_few_messages_come_when_the_wait_is_over() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_batch(&conn, &["one!", "two!", "three!"]).await;
    conn.set_read_deadline(after(Duration::from_millis(400)));
    let mut batch = conn.read_batch(10_000, 1_000_000).await;
    let mut buffer = vec![0; 10_000];
    let mut read = Vec::new();
    while let Filled::Value(length) = batch.read(&mut buffer).unwrap() {
        read.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    assert_eq!(read, ["one!", "two!", "three!"]);
    batch.close().unwrap();
    conn.close().unwrap();
}

#[tokio::test]
async fn batch_read_in_part_is_continued_by_the_next() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_batch(&conn, &TEN).await;
    let mut batch = conn.read_batch(1, 1_000_000).await;
    batch.read_message().unwrap();
    batch.read_message().unwrap();
    drop(batch);
    assert_eq!(conn.offset(), (2, Whence::Absolute));
    assert_eq!(text(&conn.read_message(1_000).await.unwrap()), "2");
}

#[tokio::test]
async fn c_16_limits_out_of_order_are_the_batchs_error() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    for (min, max) in [(2, 1), (0, i32::MAX as usize), (usize::MAX, usize::MAX)] {
        let mut batch = conn.read_batch(min, max).await;
        let error = batch.read_message().unwrap_err();
        assert!(matches!(error, ConnError::Config(_)), "{error}");
        batch.close().unwrap_err();
    }
}

#[tokio::test]
async fn c_15_start_is_resolved_once_and_then_kept() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let mut conn = leader(&kafka).await;
    write_numbers(&conn, 3).await;
    // Waiting for a leader that serves has asked for offsets too.
    embedded.clear_requests();
    for _ in 0..3 {
        conn.read_message(1_000).await.unwrap();
    }
    assert_eq!(embedded.requests_of(ApiKey::LIST_OFFSETS).len(), 1);
}

#[tokio::test]
async fn t30_connection_that_ends_under_a_batch_is_never_its_end() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let topic = kafka.topic(1).await;
    for cut in [0, 3, 20] {
        let mut conn = super::leader_of(&kafka, &topic).await;
        write_batch(&conn, &TEN).await;
        embedded.on_next(ApiKey::FETCH).cut(cut);
        let mut batch = conn.read_batch(1, 1_000_000).await;
        let mut buffer = [0; 10];
        let read = batch.read(&mut buffer).unwrap_err();
        assert!(matches!(read, ConnError::Disconnected { .. }), "{read}");
        let message = batch.read_message().unwrap_err();
        assert!(
            matches!(message, ConnError::Disconnected { .. }),
            "{message}"
        );
        let close = batch.close().unwrap_err();
        assert!(matches!(close, ConnError::Disconnected { .. }), "{close}");
    }
}

#[tokio::test]
async fn fetch_error_code_leaves_the_connection_usable() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let mut conn = leader(&kafka).await;
    write_batch(&conn, &TEN).await;
    let code = ErrorCode::NOT_LEADER_OR_FOLLOWER;
    embedded.on_next(ApiKey::FETCH).error(code);
    assert_eq!(
        conn.read_message(1_000).await.unwrap_err().code(),
        Some(code)
    );
    assert_eq!(text(&conn.read_message(1_000).await.unwrap()), "0");
}
