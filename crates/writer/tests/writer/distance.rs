//! One partition on a broker a long way off: what a round trip carries.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Record, WriterConfig};
use tokio::time::Instant;

use crate::rig::{config, start, stored};

const ROUND_TRIP: Duration = Duration::from_millis(10);
const SLICES: usize = 800;
const SLICE: usize = 100 * 1024;

/// Has a hundred tasks write slices to one partition, and says how many bytes a round trip carried.
async fn bytes_per_round_trip(change: impl FnOnce(WriterConfig) -> WriterConfig) -> usize {
    let builder = EmbeddedKafka::builder().round_trip(ROUND_TRIP);
    let kafka = start(builder).await;
    kafka.create_topic("t", 1).unwrap();
    let writer = change(config(&kafka).topic("t")).build().unwrap();
    writer.write(&[Record::new("first")]).await.unwrap();
    let begun = Instant::now();
    let taken = Arc::new(AtomicUsize::new(0));
    let tasks = (0..100).map(|_| {
        let (writer, taken) = (writer.clone(), Arc::clone(&taken));
        tokio::spawn(async move {
            let value = [b'v'; SLICE / 10];
            while taken.fetch_add(1, Ordering::Relaxed) < SLICES {
                writer.write(&[Record::new(&value); 10]).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let trips = begun.elapsed().as_secs_f64() / ROUND_TRIP.as_secs_f64();
    assert_eq!(stored(&kafka, "t", 0).len(), SLICES * 10 + 1);
    (SLICES as f64 * SLICE as f64 / trips) as usize
}

#[tokio::test(start_paused = true)]
async fn batches_grow_while_none_can_leave_for_a_broker_far_away() {
    let bytes = bytes_per_round_trip(|config| config).await;
    // Five batches of 256 KiB would be 1.3 MB.
    assert!(bytes > 2_500_000, "{bytes}");
}

#[tokio::test(start_paused = true)]
async fn batches_whose_size_is_set_do_not_grow() {
    let bytes = bytes_per_round_trip(|config| config.batch_bytes(256 * 1024)).await;
    assert!(bytes < 1_400_000, "{bytes}");
}

/// Each call has its answer after one round trip and little more, also while others are under way.
#[tokio::test(start_paused = true)]
async fn a_call_hardly_waits_for_the_answers_of_others() {
    let kafka = start(EmbeddedKafka::builder().round_trip(ROUND_TRIP)).await;
    kafka.create_topic("t", 1).unwrap();
    let writer = config(&kafka).topic("t").build().unwrap();
    writer.write(&[Record::new("first")]).await.unwrap();
    let begun = Instant::now();
    let tasks = (0..8).map(|_| {
        let writer = writer.clone();
        tokio::spawn(async move {
            let value = [b'v'; SLICE / 10];
            for _ in 0..20 {
                writer.write(&[Record::new(&value); 10]).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let elapsed = begun.elapsed();
    assert!(elapsed < 20 * ROUND_TRIP * 14 / 10, "{elapsed:?}");
}
