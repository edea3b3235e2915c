//! Positions that change while fetches are under way, records lie ready and starts are being looked up.

use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;

use super::super::setup::*;
use crate::TopicPartition;
use crate::event::Event;
use crate::reader::{Reader, Received};

/// What may come next of one partition.
#[derive(Debug, Clone, Default)]
struct Expected {
    /// The offsets of which the next one may be; none while the partition is not assigned.
    next: Vec<i64>,
    last_seek: Option<i64>,
    is_paused: bool,
}

struct Play {
    seed: u64,
    in_group: bool,
    kafka: EmbeddedKafka,
    reader: Reader,
    random: fastrand::Rng,
    expected: [Expected; 2],
}

impl Play {
    async fn begin(seed: u64, in_group: bool) -> Self {
        let kafka = kafka_of(2).await;
        kafka.create_topic("t", 2).unwrap();
        for partition in [0, 1] {
            for _ in 0..4 {
                write(&kafka, "t", partition, 25);
            }
        }
        let mut reader = builder(&kafka).topic("t").max_bytes(1_000);
        let mut at_first = Expected::default();
        if in_group {
            reader = reader
                .group_id("g")
                .heartbeat_interval(Duration::from_millis(20));
        } else {
            reader = reader.partitions([0, 1]);
            at_first.next = vec![0];
        }
        Self {
            seed,
            in_group,
            reader: reader.build().unwrap(),
            random: fastrand::Rng::with_seed(seed),
            expected: [at_first.clone(), at_first],
            kafka,
        }
    }

    async fn step(&mut self) {
        let partition = self.random.i32(0..2);
        let index = usize::try_from(partition).unwrap();
        let named = TopicPartition::new("t", partition);
        match self.random.u8(0..9) {
            0 | 1 => {
                let offset = self.random.i64(0..100);
                let result = self.reader.seek(&named, offset).await;
                if self.done(result.is_ok()) {
                    self.expected[index].next = vec![offset];
                    self.expected[index].last_seek = Some(offset);
                }
            }
            2 => {
                let result = self.reader.pause(&[named]).await;
                if self.done(result.is_ok()) {
                    self.expected[index].is_paused = true;
                }
            }
            3 => {
                let result = self.reader.resume(&[named]).await;
                if self.done(result.is_ok()) {
                    self.expected[index].is_paused = false;
                }
            }
            4 => {
                let late = Duration::from_millis(self.random.u64(1..60));
                let slow = [ApiKey::FETCH, ApiKey::LIST_OFFSETS, ApiKey::OFFSET_FETCH];
                let slow = self.random.choice(slow).unwrap();
                self.kafka.on_next(slow).delay_answer(late);
            }
            5 if self.in_group => {
                // It loses its partitions, and gets them anew.
                let code = ErrorCode::UNKNOWN_MEMBER_ID;
                self.kafka.on_next(ApiKey::HEARTBEAT).error(code);
            }
            _ => self.take().await,
        }
    }

    /// Whether a call was carried out. Only a member whose partitions are gone may refuse it.
    fn done(&self, is_ok: bool) -> bool {
        assert!(is_ok || self.in_group, "seed {}", self.seed);
        is_ok
    }

    async fn take(&mut self) {
        let wait = Duration::from_millis(self.random.u64(0..40));
        for _ in 0..self.random.u8(0..20) {
            let received = tokio::time::timeout(wait, self.reader.recv()).await;
            let Ok(received) = received else { return };
            match received.unwrap() {
                Received::Message(message) => {
                    let index = usize::try_from(message.partition()).unwrap();
                    let (seed, expected) = (self.seed, &mut self.expected[index]);
                    assert!(!expected.is_paused, "seed {seed}: {message:?}");
                    let is_expected = expected.next.contains(&message.offset());
                    assert!(is_expected, "seed {seed}: {message:?} for {expected:?}");
                    expected.next = vec![message.offset() + 1];
                }
                Received::Event(Event::Assigned(_)) => {
                    // Nothing is committed. A seek may have come after the assignment, and before it was told.
                    for expected in &mut self.expected {
                        expected.next = [0].into_iter().chain(expected.last_seek).collect();
                        expected.is_paused = false;
                    }
                }
                Received::Event(Event::Lost(_) | Event::Revoked(_)) => {
                    for expected in &mut self.expected {
                        expected.next = Vec::new();
                    }
                }
                other => panic!("seed {}: {other:?}", self.seed),
            }
        }
    }
}

async fn play(seeds: std::ops::Range<u64>, in_group: bool) {
    for seed in seeds {
        let mut play = Play::begin(seed, in_group).await;
        for _ in 0..25 {
            play.step().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn s29_a_seek_wins_over_fetches_queues_and_look_ups() {
    play(0..1_000, false).await;
}

#[tokio::test(start_paused = true)]
async fn s29_a_seek_wins_over_assignments_and_their_look_ups() {
    play(1_000..2_000, true).await;
}
