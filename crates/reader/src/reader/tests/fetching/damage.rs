//! Batches that cannot be read.

use std::time::Duration;

use ekafka_protocol::compression::Codec;
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

use super::super::odd_logs::crc_of;
use super::super::setup::*;
use crate::config::ReaderBuilder;
use crate::error::ReaderError;
use crate::reader::Reader;

/// Reads until `count` messages have come; their offsets, and those at which a batch could not be read.
async fn read(reader: &mut Reader, count: usize) -> (Vec<i64>, Vec<i64>) {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    while good.len() < count {
        let next = tokio::time::timeout(Duration::from_secs(60), reader.fetch_message());
        match next.await.expect("progress") {
            Ok(message) => good.push(message.offset()),
            Err(ReaderError::Corrupt { offset, .. }) => bad.push(offset),
            Err(error) => panic!("{error}"),
        }
    }
    (good, bad)
}

/// Ten good records, five of a damaged batch, and so on; 30 good ones in all.
async fn damaged(nodes: u16) -> EmbeddedKafka {
    let kafka = kafka_of(nodes).await;
    kafka.create_topic("t", 2).unwrap();
    for _ in 0..2 {
        write(&kafka, "t", 0, 10);
        plant_damaged(&kafka, "t", 0, 5);
    }
    write(&kafka, "t", 0, 10);
    kafka
}

fn skipping(kafka: &EmbeddedKafka) -> ReaderBuilder {
    builder(kafka).topic("t").skip_corrupt_batches(true)
}

#[tokio::test(start_paused = true)]
async fn s23_a_damaged_batch_is_passed_over_only_when_asked_for_and_told_each_time() {
    let kafka = damaged(1).await;
    let expected: Vec<i64> = (0..10).chain(15..25).chain(30..40).collect();
    let mut reader = skipping(&kafka).build().unwrap();
    assert_eq!(read(&mut reader, 30).await, (expected, vec![10, 25]));
    let mut strict = builder(&kafka).topic("t").build().unwrap();
    let mut errors = 0;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        let next = tokio::time::timeout(Duration::from_secs(20), strict.fetch_message());
        match next.await.expect("an error at the pace of the backoff") {
            Ok(message) => assert!(message.offset() < 10),
            Err(ReaderError::Corrupt { offset: 10, .. }) => errors += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!((15..=25).contains(&errors), "{errors} errors in 20 s");
}

#[tokio::test(start_paused = true)]
async fn s23_the_other_partitions_go_on_beside_a_damaged_batch() {
    let kafka = damaged(1).await;
    write(&kafka, "t", 1, 10);
    let reader = builder(&kafka).topic("t").partitions([0, 1]);
    let mut reader = reader.build().unwrap();
    let mut of_other = 0;
    while of_other < 30 {
        if let Ok(message) = reader.fetch_message().await
            && message.partition() == 1
        {
            of_other += 1;
            if message.offset() % 10 == 9 {
                write(&kafka, "t", 1, 10);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s34_unknown_codecs_damaged_data_and_bombs_are_errors_at_their_batch() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let plant = |bytes: Vec<u8>| {
        let (_, first) = kafka.offsets("t", 0).unwrap();
        let mut bytes = bytes;
        bytes[..8].copy_from_slice(&first.to_be_bytes());
        kafka.plant("t", 0, bytes.into(), 10, 1_000).unwrap();
    };
    let mut bad = Vec::new();
    for codec in [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd] {
        write_as(&kafka, "t", 0, 10, codec);
        let (_, first) = kafka.offsets("t", 0).unwrap();
        bad.push(first);
        let mut bytes = batch(first, 10, codec);
        for byte in bytes.iter_mut().skip(61) {
            *byte ^= 0x5a;
        }
        seal(&mut bytes);
        plant(bytes);
    }
    // Codec 5 does not exist.
    let (_, first) = kafka.offsets("t", 0).unwrap();
    bad.push(first);
    let mut bytes = batch(first, 10, Codec::None);
    bytes[22] |= 5;
    seal(&mut bytes);
    plant(bytes);
    let (_, first) = kafka.offsets("t", 0).unwrap();
    bad.push(first);
    write_as(&kafka, "t", 0, 20_000, Codec::Zstd);
    write(&kafka, "t", 0, 10);
    let reader = skipping(&kafka).max_decompressed(100_000);
    let mut reader = reader.build().unwrap();
    let (good, told) = read(&mut reader, 50).await;
    assert_eq!(told, bad);
    assert!(good.is_sorted());
}

/// Makes the checksum right again.
fn seal(batch: &mut [u8]) {
    let crc = crc_of(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
}
