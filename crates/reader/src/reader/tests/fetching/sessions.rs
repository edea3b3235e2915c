//! Fetch sessions (KIP-227) that brokers lose, and partitions that they leave out.

use std::collections::HashMap;
use std::time::Duration;

use ekafka_protocol::messages::FetchRequest;
use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::{Instant, sleep, timeout};

use super::super::setup::*;

/// What a broker may say of a session, or of a topic's id in it.
const LOSSES: [ErrorCode; 5] = [
    ErrorCode::FETCH_SESSION_ID_NOT_FOUND,
    ErrorCode::INVALID_FETCH_SESSION_EPOCH,
    ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR,
    ErrorCode::UNKNOWN_TOPIC_ID,
    ErrorCode::INCONSISTENT_TOPIC_ID,
];

/// The session id, the epoch and how many partitions are named, of each fetch.
fn fetches(kafka: &EmbeddedKafka) -> Vec<(i32, i32, usize)> {
    let requests = kafka.requests_of(ApiKey::FETCH);
    let requests = requests.iter().map(|request| {
        let request: FetchRequest = request.decode().unwrap();
        let named = request.topics.iter().map(|topic| topic.partitions.len());
        (request.session_id, request.session_epoch, named.sum())
    });
    requests.collect()
}

#[tokio::test(start_paused = true)]
async fn s28_after_a_lost_session_everything_is_named_and_then_only_what_changed() {
    const PARTITIONS: usize = 6;
    for code in LOSSES {
        let kafka = kafka().await;
        kafka.create_topic("t", PARTITIONS as i32).unwrap();
        let reader = builder(&kafka).topic("t").partitions(0..PARTITIONS as i32);
        let mut reader = reader.max_attempts(1_000).build().unwrap();
        let mut next = [0; PARTITIONS];
        for round in 0..4 {
            if round == 2 {
                kafka.on_next(ApiKey::FETCH).error(code);
                // The fetch that is refused is the one under way or the next.
                kafka.clear_requests();
            }
            for partition in [0, 5, 3, 1, 2, 4] {
                write(&kafka, "t", partition, 1);
                let message = timeout(Duration::from_secs(2), reader.fetch_message()).await;
                let message = message
                    .unwrap_or_else(|_| panic!("{code}: starved"))
                    .unwrap();
                assert_eq!(message.partition(), partition, "{code}");
                let expected = &mut next[usize::try_from(partition).unwrap()];
                assert_eq!(message.offset(), *expected, "{code}");
                *expected += 1;
            }
        }
        assert_eq!(kafka.pending_faults(), 0, "{code}");
        let fetches = fetches(&kafka);
        let full: Vec<usize> = fetches
            .iter()
            .filter(|(id, epoch, _)| *id == 0 && *epoch <= 0)
            .map(|(.., named)| *named)
            .collect();
        let is_lost = !matches!(
            code,
            ErrorCode::UNKNOWN_TOPIC_ID | ErrorCode::INCONSISTENT_TOPIC_ID
        );
        if is_lost {
            assert_eq!(full, [PARTITIONS], "{code}: {fetches:?}");
        }
        // Behind that at most the one that moved is named, and one beside it whose limit changed.
        let last = fetches.get(fetches.len() - 6..).unwrap();
        assert!(
            last.iter().all(|(id, _, named)| *id != 0 && *named <= 2),
            "{code}: {fetches:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn s28_no_partition_starves_beside_full_ones_while_sessions_are_lost() {
    let kafka = kafka_with(1, |builder| builder.round_trip(Duration::from_millis(1))).await;
    kafka.create_topic("t", 6).unwrap();
    // Three partitions always have more than an answer takes.
    for _ in 0..400 {
        for partition in 0..3 {
            write(&kafka, "t", partition, 20);
        }
    }
    let reader = builder(&kafka).topic("t").partitions(0..6).max_bytes(1_500);
    let reader = reader.max_partition_bytes(1_500).buffer_memory(6_000);
    let mut reader = reader.max_attempts(1_000).build().unwrap();
    let mut random = fastrand::Rng::with_seed(28);
    let mut written: HashMap<(i32, i64), Instant> = HashMap::new();
    let (mut next_write, mut next_loss) = (Instant::now(), Instant::now());
    let (mut seen, mut busy) = (0, 0);
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if next_write <= Instant::now() {
            let partition = random.i32(3..6);
            let (_, offset) = kafka.offsets("t", partition).unwrap();
            write(&kafka, "t", partition, 1);
            written.insert((partition, offset), Instant::now());
            next_write += Duration::from_millis(random.u64(50..400));
        }
        if next_loss <= Instant::now() {
            let code = random.choice(LOSSES).unwrap();
            kafka.on_next(ApiKey::FETCH).error(code);
            next_loss += Duration::from_millis(random.u64(500..4_000));
        }
        if let Ok(message) = timeout(Duration::from_millis(20), reader.fetch_message()).await {
            let message = message.unwrap();
            match written.remove(&(message.partition(), message.offset())) {
                Some(at) => {
                    let waited = at.elapsed();
                    assert!(waited <= Duration::from_secs(2), "{message:?}: {waited:?}");
                    seen += 1;
                }
                None => busy += 1,
            }
            sleep(Duration::from_millis(1)).await;
        }
        let oldest = written.values().map(Instant::elapsed).max();
        assert!(oldest.is_none_or(|waited| waited <= Duration::from_secs(2)));
    }
    assert!(seen > 80 && busy > 5_000, "{seen} beside {busy}");
}
