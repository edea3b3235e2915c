//! Heap memory of a reader whose application sleeps, on data that expands twenty times.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ekafka_conn::{Cluster, ConnConfig, dial_fn};
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::records::{BatchBuilder, RecordData};
use ekafka_reader::Reader;
use ekafka_testkit::EmbeddedKafka;

const PARTITIONS: i32 = 100;
const BATCHES: i64 = 8;
const RECORDS: i64 = 1_000;
const BUFFER: u64 = 8 << 20;
const MIB: u64 = 1 << 20;

#[test]
fn s36_unpacked_data_stays_within_the_bound_while_the_application_sleeps() {
    let most = most_held(|mut reader| async move {
        let first = reader.fetch_message().await.unwrap();
        tokio::time::sleep(Duration::from_secs(600)).await;
        drop(first);
        let held = reader.stats().buffered_bytes;
        assert!(held > 3 * MIB, "{held}");
        assert!(held <= BUFFER, "{held}");
    });
    assert!(most <= BUFFER + 20 * MIB, "{most} bytes");
}

#[test]
fn s36_unpacked_data_stays_within_the_bound_while_a_hundred_tasks_sleep() {
    let most = most_held(|reader| async move {
        let mut streams = reader.into_partitions();
        let mut sleepers = tokio::task::JoinSet::new();
        for _ in 0..PARTITIONS {
            let mut stream = streams.next().await.unwrap().unwrap();
            sleepers.spawn(async move {
                let first = stream.next().await;
                tokio::time::sleep(Duration::from_secs(600)).await;
                (first, stream)
            });
        }
        let (first, _) = sleepers.join_next().await.unwrap().unwrap();
        assert_eq!(first.unwrap().offset(), 0);
        let held = streams.handle().stats().buffered_bytes;
        assert!(held <= BUFFER, "{held}");
    });
    assert!(most <= BUFFER + 20 * MIB, "{most} bytes");
}

/// Bytes of the heap at most while `work` has a reader of all partitions.
fn most_held<F: Future<Output = ()>>(work: impl FnOnce(Reader) -> F) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let kafka = runtime.block_on(kafka());
    let connector = kafka.connector();
    let dial = dial_fn(move |host, port| connector.connect(host, port));
    let cluster = Cluster::new([kafka.bootstrap()], ConnConfig::default().dial_fn(dial)).unwrap();
    let reader = Reader::builder().cluster(cluster).topic("t");
    let reader = reader.partitions(0..PARTITIONS).buffer_memory(BUFFER);
    let reader = reader.build().unwrap();
    let counted = allocation_counter::measure(|| runtime.block_on(work(reader)));
    counted.bytes_max
}

/// Partitions of which each unpacks to more than the whole bound.
async fn kafka() -> EmbeddedKafka {
    let kafka = EmbeddedKafka::builder().in_memory().start().await.unwrap();
    kafka.create_topic("t", PARTITIONS).unwrap();
    let batch = batch();
    for partition in 0..PARTITIONS {
        for index in 0..BATCHES {
            let mut bytes = BytesMut::from(&*batch);
            bytes[..8].copy_from_slice(&(index * RECORDS).to_be_bytes());
            kafka
                .plant("t", partition, bytes.freeze(), RECORDS, 0)
                .unwrap();
        }
    }
    kafka
}

/// A batch of about a mebibyte, a twentieth of it when compressed.
fn batch() -> Bytes {
    let mut batch = BatchBuilder::new(BytesMut::new());
    let mut random = 1u64;
    for _ in 0..RECORDS {
        let mut value = vec![7; 1_040];
        for byte in &mut value[..40] {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            *byte = (random >> 56) as u8;
        }
        let record = RecordData {
            timestamp: 0,
            key: None,
            value: Some(&value),
            headers: &[],
        };
        batch.append(&record).unwrap();
    }
    let mut sealed = batch.seal(Compression::from(Codec::Zstd)).unwrap();
    sealed.stamp(-1, -1, -1).to_vec().into()
}
