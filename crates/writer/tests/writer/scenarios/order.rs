//! Several batches of a partition on their way when one of them fails, or their leader moves.

use std::time::Duration;

use ekafka_protocol::{ApiKey, ErrorCode};
use ekafka_testkit::{EmbeddedKafka, FaultBuilder};
use ekafka_writer::{Acks, Record};
use tokio::time::Instant;

use super::sent;
use crate::faults::{expect_numbers, send_numbers, small_batches};
use crate::rig::{start, values};

/// Long enough that a pipeline fills before the first answer.
const ROUND_TRIP: Duration = Duration::from_millis(20);

async fn distant() -> EmbeddedKafka {
    let builder = EmbeddedKafka::builder().keep_bodies(true);
    let kafka = start(builder.round_trip(ROUND_TRIP)).await;
    kafka.create_topic_on("t", &[vec![1, 2, 3]]).unwrap();
    kafka
}

/// Five batches of a partition are on their way, the second fails in one way or another, those behind it are refused as out
/// of order: the log has the order of the calls, and nothing twice.
#[tokio::test(start_paused = true)]
async fn s05_a_refused_batch_keeps_its_place() {
    type Fault = fn(FaultBuilder) -> FaultBuilder;
    let faults: [Fault; 7] = [
        |fault| fault.error(ErrorCode::NOT_LEADER_OR_FOLLOWER),
        |fault| fault.error(ErrorCode::CORRUPT_MESSAGE),
        |fault| fault.error(ErrorCode::NOT_ENOUGH_REPLICAS),
        |fault| fault.error(ErrorCode::KAFKA_STORAGE_ERROR),
        FaultBuilder::drop_before,
        FaultBuilder::drop_after,
        |fault| fault.cut(6),
    ];
    for (index, fault) in faults.into_iter().enumerate() {
        let kafka = distant().await;
        let writer = small_batches(&kafka).build().unwrap();
        writer.write(&[Record::new("0")]).await.unwrap();
        drop(fault(kafka.on_next(ApiKey::PRODUCE).skip(1)));
        for handle in send_numbers(&writer, 1..100, 1).await {
            handle.await.unwrap();
        }
        expect_numbers(&kafka, 0..100, 1);
        let times: Vec<_> = sent(&kafka)[1..6].iter().map(|batch| batch.at).collect();
        // Where the connection ended, the broker did not read them all.
        if index < 4 {
            assert!(times[4] - times[0] < ROUND_TRIP, "five under way");
        }
    }
}

/// Without idempotence only one batch of a partition is ever on its way.
#[tokio::test(start_paused = true)]
async fn s05_without_idempotence_batches_go_one_by_one() {
    for acks in [Acks::One, Acks::All] {
        for code in [
            ErrorCode::NOT_LEADER_OR_FOLLOWER,
            ErrorCode::CORRUPT_MESSAGE,
        ] {
            let kafka = distant().await;
            let config = small_batches(&kafka).acks(acks).idempotence(false);
            let writer = config.build().unwrap();
            writer.write(&[Record::new("0")]).await.unwrap();
            kafka.on_next(ApiKey::PRODUCE).skip(1).error(code);
            for handle in send_numbers(&writer, 1..100, 1).await {
                handle.await.unwrap();
            }
            expect_numbers(&kafka, 0..100, 1);
            let sent = sent(&kafka);
            for pair in sent.windows(2) {
                assert!(pair[1].at - pair[0].at >= ROUND_TRIP, "{acks:?} {code:?}");
            }
        }
    }
}

/// The leader moves with five batches under way, of which the old one takes two: order kept, nothing twice, and nothing goes
/// to the old leader once the new epoch is known.
#[tokio::test(start_paused = true)]
async fn s06_a_moving_leader_is_followed() {
    let kafka = distant().await;
    let writer = small_batches(&kafka).build().unwrap();
    writer.write(&[Record::new("0")]).await.unwrap();
    kafka.on_next(ApiKey::PRODUCE).skip(2).delay(ROUND_TRIP * 2);
    let mut handles = send_numbers(&writer, 1..51, 1).await;
    tokio::time::sleep(ROUND_TRIP).await;
    let taken = values(&kafka, "t", 0).len();
    assert_eq!(taken, 1 + 1 + 10, "two of five, the first with one record");
    kafka.move_leader("t", 0, 2).unwrap();
    handles.extend(send_numbers(&writer, 51..101, 1).await);
    for handle in handles {
        handle.await.unwrap();
    }
    expect_numbers(&kafka, 0..101, 1);
    let sent = sent(&kafka);
    let moved = sent.iter().position(|batch| batch.node == 2).unwrap();
    assert_eq!(moved, 1 + 5 + 2, "the two taken made room for two");
    assert!(sent[moved..].iter().all(|batch| batch.node == 2));
}

/// A long way is kept full: five batches of a partition share a round trip, and take a fifth of the time.
#[tokio::test(start_paused = true)]
async fn five_batches_share_a_round_trip() {
    let mut times = Vec::new();
    for depth in [1, 5] {
        let kafka = distant().await;
        let config = small_batches(&kafka).max_in_flight(depth);
        let writer = config.build().unwrap();
        writer.write(&[Record::new("0")]).await.unwrap();
        let values: Vec<_> = (1..=1000).map(|number| number.to_string()).collect();
        let records: Vec<_> = values.iter().map(Record::new).collect();
        let begun = Instant::now();
        writer.write(&records).await.unwrap();
        times.push(begun.elapsed());
        expect_numbers(&kafka, 0..1001, 1);
    }
    assert!(times[1] * 9 / 2 <= times[0], "{times:?}");
}
