//! Compressing large batches: away from the tasks, in order, and with one outcome whatever ends first.

use std::time::Duration;

use ekafka_protocol::compression::Compression;
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Delivery, ErrorClass, Record, Writer, WriterConfig};

use crate::rig::{config, kafka, values};

/// Several batches of 256 KiB, which no thread with a task on it compresses.
const RECORDS: usize = 6_000;

fn compressing(kafka: &EmbeddedKafka, codec: &str) -> WriterConfig {
    let compression: Compression = codec.parse().unwrap();
    config(kafka).topic("t").compression(compression)
}

/// A text that differs from record to record and has some 200 bytes.
fn text(number: usize) -> String {
    format!("record {number:06} {}", "with words ".repeat(17))
}

async fn send_all(writer: &Writer) -> Vec<Delivery> {
    let mut handles = Vec::with_capacity(RECORDS);
    for number in 0..RECORDS {
        let record = text(number);
        handles.push(
            writer
                .send(Record::new(&record).partition(0))
                .await
                .unwrap(),
        );
    }
    handles
}

#[tokio::test(start_paused = true)]
async fn large_batches_keep_their_order_with_every_codec() {
    for codec in ["gzip", "snappy", "lz4", "zstd"] {
        let kafka = kafka().await;
        kafka.create_topic("t", 2).unwrap();
        let writer = compressing(&kafka, codec).build().unwrap();
        let handles = send_all(&writer).await;
        // Another partition's small batch is sent meanwhile.
        let other = writer
            .send(Record::new("small").partition(1))
            .await
            .unwrap();
        writer.flush().await;
        assert!(other.is_done() && handles.iter().all(Delivery::is_done));
        for (number, handle) in handles.into_iter().enumerate() {
            assert_eq!(handle.await.unwrap().offset(), Some(number as i64));
        }
        let expected: Vec<_> = (0..RECORDS).map(text).collect();
        assert!(values(&kafka, "t", 0) == expected, "{codec}");
        assert_eq!(values(&kafka, "t", 1), ["small"]);
    }
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_what_is_being_compressed() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = compressing(&kafka, "zstd").build().unwrap();
    let handles = send_all(&writer).await;
    writer.close().await.unwrap();
    for handle in handles {
        handle.await.unwrap();
    }
    assert_eq!(values(&kafka, "t", 0).len(), RECORDS);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_passes_meanwhile_gives_each_record_one_outcome() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = compressing(&kafka, "zstd:19").build().unwrap();
    writer
        .write(&[Record::new("first").partition(0)])
        .await
        .unwrap();
    let handles = send_all(&writer).await;
    let undelivered = writer.close_within(Duration::ZERO).await.unwrap_err();
    let told: usize = undelivered
        .partitions
        .iter()
        .map(|share| share.not_written + share.maybe_written)
        .sum();
    let mut failed = 0;
    for handle in handles {
        assert!(handle.is_done(), "nothing is left open by a closed writer");
        if let Err(error) = handle.await {
            assert!(matches!(
                error.class(),
                ErrorClass::NotWritten | ErrorClass::MaybeWritten
            ));
            failed += 1;
        }
    }
    assert_eq!(told, failed);
    assert!(failed > 0);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_writer_leaves_no_record_without_an_outcome() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let writer = compressing(&kafka, "zstd:19").build().unwrap();
    writer
        .write(&[Record::new("first").partition(0)])
        .await
        .unwrap();
    let handles = send_all(&writer).await;
    drop(writer);
    let mut failed = 0;
    for handle in handles {
        failed += usize::from(handle.await.is_err());
    }
    assert!(failed > 0);
}

#[test]
fn a_runtime_that_ends_meanwhile_leaves_no_record_without_an_outcome() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .build()
            .unwrap()
    };
    let first = runtime();
    let handles = first.block_on(async {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let writer = compressing(&kafka, "zstd:19").build().unwrap();
        writer
            .write(&[Record::new("first").partition(0)])
            .await
            .unwrap();
        let handles = send_all(&writer).await;
        // The writer is not dropped here: only the end of the runtime ends it.
        std::mem::forget(writer);
        handles
    });
    drop(first);
    runtime().block_on(async {
        let mut failed = 0;
        for handle in handles {
            failed += usize::from(handle.await.is_err());
        }
        assert!(failed > 0);
    });
}
