use std::time::{Duration, SystemTime};

use ekafka_conn::{ConnError, FIRST_OFFSET, Record, Whence};
use ekafka_protocol::{ApiKey, ErrorCode};

use super::{leader, write_numbers};
use crate::support::Kafka;

fn is_out_of_range(error: &ConnError) -> bool {
    error.code() == Some(ErrorCode::OFFSET_OUT_OF_RANGE)
}

#[tokio::test]
async fn t02_new_connection_is_at_the_start() {
    let kafka = Kafka::start().await;
    assert_eq!(leader(&kafka).await.offset(), (0, Whence::Start));
}

#[tokio::test]
async fn t05_to_t08_seeks_by_every_whence() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_numbers(&conn, 10).await;
    assert_eq!(conn.seek(0, Whence::Start).await.unwrap(), 0);
    assert_eq!(conn.seek(0, Whence::End).await.unwrap(), 10);
    assert_eq!(conn.seek(5, Whence::Start).await.unwrap(), 5);
    assert_eq!(conn.seek(-2, Whence::Current).await.unwrap(), 3);
    assert_eq!(conn.seek(7, Whence::Absolute).await.unwrap(), 7);
    assert_eq!(conn.seek(4, Whence::End).await.unwrap(), 6);
    assert_eq!(conn.seek(2, Whence::Current).await.unwrap(), 8);
    assert_eq!(conn.seek(3, Whence::Absolute).await.unwrap(), 3);
    assert_eq!(conn.offset(), (3, Whence::Absolute));
}

#[tokio::test]
async fn t09_unchecked_seek_then_read_is_out_of_range() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_numbers(&conn, 10).await;
    assert_eq!(
        conn.seek(42, Whence::Absolute.dont_check()).await.unwrap(),
        42
    );
    let error = conn.read_message(1_000).await.unwrap_err();
    assert!(is_out_of_range(&error), "{error}");
    // An error code leaves the connection usable.
    conn.seek(9, Whence::Absolute).await.unwrap();
    assert_eq!(conn.read_message(1_000).await.unwrap().offset(), 9);
}

#[tokio::test]
async fn s3_47_to_s3_51_seeks_outside_the_partition_change_nothing() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_numbers(&conn, 10).await;
    conn.seek(5, Whence::Absolute).await.unwrap();
    let outside = [
        (-1, Whence::Start),
        (11, Whence::Start),
        (-1, Whence::End),
        (11, Whence::End),
        (11, Whence::Absolute),
        (-3, Whence::Absolute),
        (6, Whence::Current),
        (-6, Whence::Current),
    ];
    for (offset, whence) in outside {
        let error = conn.seek(offset, whence).await.unwrap_err();
        assert!(is_out_of_range(&error), "{offset} {whence:?}: {error}");
        assert_eq!(conn.offset(), (5, Whence::Absolute));
    }
}

#[tokio::test]
async fn c_09_seek_on_a_fresh_connection_resolves_the_start_first() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_numbers(&conn, 10).await;
    assert_eq!(conn.seek(5, Whence::Current).await.unwrap(), 5);
    assert_eq!(
        conn.seek(FIRST_OFFSET, Whence::Absolute).await.unwrap(),
        FIRST_OFFSET
    );
    assert_eq!(conn.offset(), (0, Whence::Start));
    assert_eq!(conn.read_message(1_000).await.unwrap().offset(), 0);
}

#[tokio::test]
async fn s3_48_reading_starts_where_seek_went() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    write_numbers(&conn, 10).await;
    conn.seek(7, Whence::Absolute).await.unwrap();
    let message = conn.read_message(1_000).await.unwrap();
    assert_eq!((message.offset(), super::text(&message)), (7, "7"));
    assert_eq!(conn.offset(), (8, Whence::Absolute));
}

/// Deletes the records before `offset`.
async fn delete_before(conn: &ekafka_conn::Conn, offset: i64) {
    use ekafka_protocol::StrBytes;
    use ekafka_protocol::cold::delete_records_request::{
        DeleteRecordsPartition, DeleteRecordsTopic,
    };
    use ekafka_protocol::cold::{DeleteRecordsRequest, TopicName};
    let partition = DeleteRecordsPartition::default()
        .with_partition_index(conn.partition())
        .with_offset(offset);
    let topic = DeleteRecordsTopic::default()
        .with_name(TopicName(StrBytes::from_string(conn.topic().to_owned())))
        .with_partitions(vec![partition]);
    let request = DeleteRecordsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(10_000);
    let answer = conn.send(&request).await.expect("the broker answers");
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
}

#[tokio::test]
async fn s3_55_first_and_last_offsets() {
    let kafka = Kafka::start().await;
    let mut conn = leader(&kafka).await;
    assert_eq!(conn.read_offsets().await.unwrap(), (0, 0));
    write_numbers(&conn, 20).await;
    delete_before(&conn, 10).await;
    assert_eq!(conn.read_first_offset().await.unwrap(), 10);
    assert_eq!(conn.read_last_offset().await.unwrap(), 20);
    assert_eq!(conn.read_offsets().await.unwrap(), (10, 20));
    // Seeking counts from the first record that is left.
    assert_eq!(conn.seek(5, Whence::Start).await.unwrap(), 15);
    let error = conn.seek(9, Whence::Absolute).await.unwrap_err();
    assert!(is_out_of_range(&error), "{error}");
    assert_eq!(conn.seek(0, Whence::Start).await.unwrap(), 10);
    assert_eq!(conn.read_message(1_000).await.unwrap().offset(), 10);
}

#[tokio::test]
async fn offset_by_time_is_that_of_the_first_record_not_older() {
    let kafka = Kafka::start().await;
    let conn = leader(&kafka).await;
    let base = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_000);
    let at = |milliseconds: u64| base + Duration::from_millis(milliseconds);
    for milliseconds in [0, 1_000, 2_000] {
        conn.write_messages(&[Record::new("x").time(at(milliseconds))])
            .await
            .unwrap();
    }
    assert_eq!(conn.read_offset(SystemTime::UNIX_EPOCH).await.unwrap(), 0);
    assert_eq!(conn.read_offset(at(1)).await.unwrap(), 1);
    assert_eq!(conn.read_offset(at(1_000)).await.unwrap(), 1);
    assert_eq!(conn.read_offset(at(2_001)).await.unwrap(), -1);
}

#[tokio::test]
async fn s3_46_seeking_does_not_touch_the_offsets_of_groups() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let mut conn = leader(&kafka).await;
    write_numbers(&conn, 3).await;
    conn.seek(2, Whence::Absolute).await.unwrap();
    conn.read_message(1_000).await.unwrap();
    assert!(embedded.requests_of(ApiKey::OFFSET_COMMIT).is_empty());
}

#[tokio::test]
async fn seeks_that_need_no_answer_ask_for_none() {
    let kafka = Kafka::start().await;
    let Some(embedded) = kafka.embedded() else {
        return;
    };
    let mut conn = leader(&kafka).await;
    write_numbers(&conn, 3).await;
    // Waiting for a leader that serves has asked for offsets too.
    embedded.clear_requests();
    conn.seek(2, Whence::Absolute.dont_check()).await.unwrap();
    conn.seek(2, Whence::Absolute).await.unwrap();
    conn.seek(-1, Whence::Current.dont_check()).await.unwrap();
    assert!(embedded.requests_of(ApiKey::LIST_OFFSETS).is_empty());
    conn.seek(1, Whence::Start).await.unwrap();
    assert_eq!(embedded.requests_of(ApiKey::LIST_OFFSETS).len(), 2);
}
