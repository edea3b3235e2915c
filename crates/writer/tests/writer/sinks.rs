//! A writer as a sink: what is put in arrives, waits its turn, and fails once.

use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{ErrorClass, Header, Record, RecordSink, WriterError};
use futures_util::SinkExt;
use tokio::time::Instant;

use crate::rig::{config, kafka, stored, values};

async fn one_partition() -> EmbeddedKafka {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    kafka
}

async fn flush(sink: &mut RecordSink) -> Result<(), WriterError> {
    SinkExt::<Record<'_>>::flush(sink).await
}

#[tokio::test(start_paused = true)]
async fn flushing_waits_for_all_that_was_put_in() {
    let kafka = one_partition().await;
    let linger = Duration::from_secs(10);
    let writer = config(&kafka).topic("t").linger(linger).build().unwrap();
    let mut sink = writer.sink();
    let begun = Instant::now();
    let headers = [Header {
        key: "h",
        value: None,
    }];
    // The first has to wait until its topic is found, and is copied for that.
    let first = Record::new("first").key("k").timestamp(5).headers(&headers);
    sink.feed(first).await.unwrap();
    for number in 0..100 {
        sink.feed(Record::new(&number.to_string())).await.unwrap();
    }
    assert!(values(&kafka, "t", 0).is_empty(), "it lingers");
    flush(&mut sink).await.unwrap();
    assert!(begun.elapsed() < linger);
    let found = stored(&kafka, "t", 0);
    assert_eq!(found.len(), 101);
    assert_eq!(found[0].key.as_deref(), Some(&b"k"[..]));
    assert_eq!(found[0].value.as_deref(), Some(&b"first"[..]));
    assert_eq!(found[0].timestamp, 5);
    assert_eq!(found[0].headers, [("h".to_owned(), None)]);
    // Nothing is left to wait for, and the writer goes on after its sink.
    SinkExt::<Record<'_>>::close(&mut sink).await.unwrap();
    writer.write(&[Record::new("later")]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sink_takes_no_more_than_there_is_room_for() {
    let kafka = one_partition().await;
    let config = config(&kafka).topic("t").buffer_memory(64 * 1024);
    let writer = config.batch_bytes(16 * 1024).build().unwrap();
    let mut sink = writer.sink();
    let value = "x".repeat(10_000);
    for _ in 0..100 {
        sink.feed(Record::new(&value)).await.unwrap();
        let buffered = writer.stats().buffered_bytes;
        assert!(buffered <= 64 * 1024, "{buffered}");
    }
    flush(&mut sink).await.unwrap();
    assert_eq!(values(&kafka, "t", 0).len(), 100);
}

#[tokio::test(start_paused = true)]
async fn each_failure_is_told_once_and_the_sink_goes_on() {
    let kafka = one_partition().await;
    let writer = config(&kafka).topic("t").build().unwrap();
    let mut sink = writer.sink();
    sink.send(Record::new("before")).await.unwrap();
    let error = sink.send(Record::new("v").partition(9)).await.unwrap_err();
    assert!(
        matches!(error, WriterError::InvalidPartition { .. }),
        "{error}"
    );
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::INVALID_RECORD);
    sink.feed(Record::new("refused")).await.unwrap();
    let error = flush(&mut sink).await.unwrap_err();
    assert_eq!(
        error.class(),
        ErrorClass::Rejected(ErrorCode::INVALID_RECORD)
    );
    sink.send(Record::new("after")).await.unwrap();
    flush(&mut sink).await.unwrap();
    assert_eq!(values(&kafka, "t", 0), ["before", "after"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_dropped_sink_accepted_is_written() {
    let kafka = one_partition().await;
    let writer = config(&kafka).topic("t").build().unwrap();
    let mut sink = writer.sink();
    sink.send(Record::new("before")).await.unwrap();
    sink.feed(Record::new("v")).await.unwrap();
    drop(sink);
    writer.flush().await;
    assert_eq!(values(&kafka, "t", 0), ["before", "v"]);
}
