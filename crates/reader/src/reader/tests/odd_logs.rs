//! Logs that are not a plain row of records: compacted, with empty batches, in pieces larger than a fetch.

use std::time::Duration;

use ekafka_protocol::compression::Codec;
use ekafka_testkit::EmbeddedKafka;

use super::setup::*;
use crate::reset::StartOffset;

/// Puts a batch of `count` offsets into the log of which compaction has left `kept`; its header keeps what it covered.
fn write_compacted(kafka: &EmbeddedKafka, count: i64, kept: &[i64]) {
    let (_, first) = kafka.offsets("t", 0).unwrap();
    let whole = batch(first, count, Codec::None);
    let (header, mut rest) = whole.split_at(HEADER);
    let mut left = header.to_vec();
    for record in 0..count {
        // A record begins with its length as a zigzag varint, of one byte for these.
        let (one, others) = rest.split_at(usize::from(rest[0] >> 1) + 1);
        rest = others;
        if kept.contains(&(first + record)) {
            left.extend_from_slice(one);
        }
    }
    let length = i32::try_from(left.len() - 12).unwrap();
    left[8..12].copy_from_slice(&length.to_be_bytes());
    let count_left = i32::try_from(kept.len()).unwrap();
    left[57..61].copy_from_slice(&count_left.to_be_bytes());
    let crc = crc_of(&left[21..]);
    left[17..21].copy_from_slice(&crc.to_be_bytes());
    kafka.plant("t", 0, left.into(), count, 1_000).unwrap();
}

/// Bytes before the records of a batch.
const HEADER: usize = 61;

/// CRC-32C, bit by bit.
pub(super) fn crc_of(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    })
}

#[tokio::test(start_paused = true)]
async fn t58_each_record_that_compaction_left_is_read_once_from_wherever_reading_begins() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    let mut kept = Vec::new();
    // Duplicates of one key leave the last, pairs leave every second, and a run leaves nothing at all.
    for (count, left) in [
        (10, &[9][..]),
        (10, &[11, 13, 15, 17, 19]),
        (10, &[]),
        (1, &[30]),
        (9, &[31, 32, 35]),
        (10, &[]),
        (10, &[]),
        (10, &[60, 61, 62, 63, 64, 65, 66, 67, 68, 69]),
        (10, &[70]),
    ] {
        write_compacted(&kafka, count, left);
        kept.extend_from_slice(left);
    }
    for start in 0..80 {
        let reader = builder(&kafka)
            .topic("t")
            .start_offset(StartOffset::At(start));
        let mut reader = reader.max_partition_bytes(200).build().unwrap();
        let expected: Vec<i64> = kept.iter().copied().filter(|at| *at >= start).collect();
        assert_eq!(
            offsets(&mut reader, expected.len()).await,
            expected,
            "from {start}"
        );
        if start % 20 == 0 {
            assert_silent(&mut reader).await;
        }
    }
    // What is written behind goes on.
    let reader = builder(&kafka).topic("t").start_offset(StartOffset::At(75));
    let mut reader = reader.build().unwrap();
    write(&kafka, "t", 0, 2);
    assert_eq!(offsets(&mut reader, 2).await, [80, 81]);
}

#[tokio::test(start_paused = true)]
async fn t65_empty_batches_in_a_row_and_at_the_end_are_passed() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    write(&kafka, "t", 0, 2);
    write_compacted(&kafka, 4, &[]);
    write_compacted(&kafka, 4, &[]);
    write(&kafka, "t", 0, 1);
    write_compacted(&kafka, 3, &[]);
    let mut reader = builder(&kafka).topic("t").build().unwrap();
    assert_eq!(offsets(&mut reader, 3).await, [0, 1, 10]);
    assert_silent(&mut reader).await;
    assert!(kafka.violations().is_empty());
    let handle = reader.handle();
    assert_eq!(handle.stats().errors, 0);
    write(&kafka, "t", 0, 1);
    assert_eq!(offsets(&mut reader, 1).await, [14]);
}

#[tokio::test(start_paused = true)]
async fn t57_t59_answers_smaller_than_a_batch_lose_nothing() {
    for bytes in [1, 100] {
        let kafka = kafka().await;
        kafka.create_topic("t", 1).unwrap();
        let mut written = 0;
        for count in 1..40 {
            write(&kafka, "t", 0, count);
            written += count;
        }
        let reader = builder(&kafka).topic("t").max_bytes(bytes);
        let mut reader = reader.max_partition_bytes(bytes).build().unwrap();
        let expected: Vec<i64> = (0..written).collect();
        let read = offsets(&mut reader, expected.len()).await;
        assert_eq!(read, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn s3_18_at_most_one_message_more_than_the_capacity_is_fetched_ahead() {
    let kafka = kafka().await;
    kafka.create_topic("t", 1).unwrap();
    for _ in 0..300 {
        write(&kafka, "t", 0, 1);
    }
    let capacity = 100;
    let builder = builder(&kafka).topic("t").queue_capacity(capacity);
    // An answer never has more than the one batch that comes whatever the limit.
    let mut reader = builder.max_bytes(1).build().unwrap();
    for read in 0..150 {
        assert_eq!(offsets(&mut reader, 1).await, [read]);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let queued = reader.handle().stats().queue_length;
        assert!(queued <= capacity + 1, "{queued} messages wait");
        assert!(
            queued >= capacity - 1,
            "{queued} messages wait, so few are fetched ahead"
        );
    }
}
