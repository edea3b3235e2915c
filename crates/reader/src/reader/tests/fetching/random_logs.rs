//! Logs made at random, and faults at random: what is read is what a plain walk over the log says.

use std::time::Duration;

use bytes::BytesMut;
use ekafka_protocol::ApiKey;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::compression::{Codec, Compression, compress};
use ekafka_protocol::messages::FetchRequest;
use ekafka_testkit::EmbeddedKafka;

use super::super::odd_logs::crc_of;
use super::super::setup::*;
use crate::TopicPartition;

/// Plants a log that was compacted at random: records gone from the middle and the ends of batches, empty
/// batches, whole ranges. The offsets that are left, and the end.
fn compacted(kafka: &EmbeddedKafka, random: &mut fastrand::Rng) -> (Vec<i64>, i64) {
    let (mut left, mut next) = (Vec::new(), 0);
    for _ in 0..random.usize(3..30) {
        // A range of which nothing is left, not even a batch.
        let gap = if random.u8(0..4) == 0 {
            random.i64(1..50)
        } else {
            0
        };
        let count = random.i64(1..20);
        let share = random.choice([0, 1, 5, 10]).unwrap_or(5);
        let first = next + gap;
        let kept: Vec<i64> = (first..first + count)
            .filter(|_| random.u8(0..10) < share)
            .collect();
        let codec = random.choice([Codec::None, Codec::Zstd]);
        let bytes = of_offsets(first, count, &kept, codec.unwrap_or(Codec::None));
        // What is left begins a batch that reaches from the last one's end, as far as the broker is concerned.
        kafka
            .plant("t", 0, bytes.into(), count + gap, 1_000)
            .unwrap();
        left.extend(kept);
        next = first + count;
    }
    (left, next)
}

/// A batch of `count` offsets from `first` on in which only `kept` have records.
fn of_offsets(first: i64, count: i64, kept: &[i64], codec: Codec) -> Vec<u8> {
    let whole = batch(first, count, Codec::None);
    let (header, mut rest) = whole.split_at(61);
    let mut left = Vec::new();
    for offset in first..first + count {
        // A record begins with its length as a zigzag varint, of one byte for these.
        let (one, others) = rest.split_at(usize::from(rest[0] >> 1) + 1);
        rest = others;
        if kept.contains(&offset) {
            left.extend_from_slice(one);
        }
    }
    let mut bytes = BytesMut::from(header);
    if !kept.is_empty() {
        bytes[22] |= codec.id();
        compress(Compression::from(codec), &left, &mut bytes).unwrap();
    }
    let length = i32::try_from(bytes.len() - 12).unwrap();
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    let count_left = i32::try_from(kept.len()).unwrap();
    bytes[57..61].copy_from_slice(&count_left.to_be_bytes());
    let crc = crc_of(&bytes[21..]);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    bytes.to_vec()
}

#[tokio::test(start_paused = true)]
async fn s20_random_compacted_logs_are_read_to_their_end_without_asking_twice() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let kafka = EmbeddedKafka::builder().nodes(1).in_memory().strict();
        let kafka = kafka.keep_bodies(true).start().await.unwrap();
        kafka.create_topic("t", 1).unwrap();
        let (expected, end) = compacted(&kafka, &mut random);
        let size = random.choice([200, 2_000, 1 << 20]).unwrap_or(200);
        let reader = builder(&kafka).topic("t").max_bytes(size);
        let mut reader = reader.max_partition_bytes(size).build().unwrap();
        assert_eq!(
            offsets(&mut reader, expected.len()).await,
            expected,
            "{seed}"
        );
        let quiet = tokio::time::timeout(Duration::from_secs(3), reader.fetch_message()).await;
        assert!(quiet.is_err(), "seed {seed}: {quiet:?}");
        let mut asked = kafka.requests_of(ApiKey::FETCH).into_iter();
        let asked = asked.by_ref().filter_map(|request| {
            let request = request.decode::<FetchRequest>()?;
            Some(request.topics.first()?.partitions.first()?.fetch_offset)
        });
        let asked: Vec<i64> = asked.collect();
        assert_eq!(asked.last(), Some(&end), "seed {seed}");
        assert!(asked.is_sorted(), "seed {seed}: {asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s26_s28_leaders_that_move_and_sessions_that_are_lost_cost_nothing() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let builder_of = EmbeddedKafka::builder().nodes(3).in_memory().strict();
        let kafka = builder_of.seed(seed).start().await.unwrap();
        let replicas = vec![vec![1, 2, 3], vec![2, 3, 1], vec![3, 1, 2]];
        kafka.create_topic_on("t", &replicas).unwrap();
        let reader = builder(&kafka).topic("t").partitions(0..3);
        let mut reader = reader.max_attempts(100).build().unwrap();
        let (mut written, mut next) = ([0i64; 3], [0i64; 3]);
        for _ in 0..20 {
            let partition = random.i32(0..3);
            match random.u8(0..6) {
                0 => kafka.move_leader("t", partition, random.i32(1..4)).unwrap(),
                1 => {
                    let code = random.choice([
                        ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
                        ErrorCode::INVALID_FETCH_SESSION_EPOCH,
                    ]);
                    kafka.on_next(ApiKey::FETCH).error(code.unwrap());
                }
                2 => {
                    let late = Duration::from_millis(random.u64(1..800));
                    kafka.on_next(ApiKey::FETCH).delay_answer(late);
                }
                3 => {
                    kafka.on_next(ApiKey::FETCH).drop_after();
                }
                _ => {}
            }
            let count = random.i64(1..20);
            write(&kafka, "t", partition, count);
            written[usize::try_from(partition).unwrap()] += count;
            if random.bool() {
                let wait = Duration::from_millis(random.u64(0..700));
                tokio::time::sleep(wait).await;
            }
            while next.iter().sum::<i64>() < written.iter().sum() && random.u8(0..8) > 0 {
                let message = fetch(&mut reader).await;
                let expected = &mut next[usize::try_from(message.partition()).unwrap()];
                assert_eq!(message.offset(), *expected, "seed {seed}");
                *expected += 1;
            }
        }
        while next != written {
            let message = fetch(&mut reader).await;
            let expected = &mut next[usize::try_from(message.partition()).unwrap()];
            assert_eq!(message.offset(), *expected, "seed {seed}");
            *expected += 1;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s29_random_seeks_and_pauses_never_hand_out_an_old_position() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let kafka = kafka_of(2).await;
        kafka.create_topic("t", 2).unwrap();
        for partition in [0, 1] {
            for _ in 0..4 {
                write(&kafka, "t", partition, 25);
            }
        }
        let reader = builder(&kafka).topic("t").partitions([0, 1]);
        let mut reader = reader.max_bytes(1_000).build().unwrap();
        let mut next = [0i64; 2];
        let mut paused = [false; 2];
        for _ in 0..40 {
            let partition = random.i32(0..2);
            let index = usize::try_from(partition).unwrap();
            let named = TopicPartition::new("t", partition);
            match random.u8(0..6) {
                0 => {
                    next[index] = random.i64(0..100);
                    reader.seek(&named, next[index]).await.unwrap();
                }
                1 => {
                    reader.pause(&[named]).await.unwrap();
                    paused[index] = true;
                }
                2 => {
                    reader.resume(&[named]).await.unwrap();
                    paused[index] = false;
                }
                _ => {
                    let wait = Duration::from_millis(random.u64(0..40));
                    for _ in 0..random.u8(0..20) {
                        let one = tokio::time::timeout(wait, reader.fetch_message()).await;
                        let Ok(message) = one else {
                            break;
                        };
                        let message = message.unwrap();
                        let index = usize::try_from(message.partition()).unwrap();
                        assert!(!paused[index], "seed {seed}");
                        assert_eq!(message.offset(), next[index], "seed {seed}");
                        next[index] += 1;
                    }
                }
            }
        }
    }
}
