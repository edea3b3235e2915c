//! Heap allocations per record, from the inbox to the application.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use ekafka_conn::{Cluster, ConnConfig, dial_fn};
use ekafka_protocol::compression::Compression;
use ekafka_protocol::records::{BatchBuilder, RecordData};
use ekafka_reader::{Reader, StartOffset};
use ekafka_testkit::EmbeddedKafka;

const BATCHES: i64 = 200;
const RECORDS: i64 = 1_000;

#[tokio::test(start_paused = true)]
async fn a_record_costs_no_allocation() {
    let kafka = EmbeddedKafka::builder().in_memory().start().await.unwrap();
    kafka.create_topic("t", 1).unwrap();
    for batch in 0..BATCHES {
        let bytes = batch_of(batch * RECORDS);
        kafka.plant("t", 0, bytes.into(), RECORDS, 0).unwrap();
    }
    let connector = kafka.connector();
    let dial = dial_fn(move |host, port| connector.connect(host, port));
    let cluster = Cluster::new([kafka.bootstrap()], ConnConfig::default().dial_fn(dial)).unwrap();
    for group in [None, Some("g")] {
        let mut builder = Reader::builder().cluster(cluster.clone()).topic("t");
        builder = builder.start_offset(StartOffset::First);
        if let Some(group) = group {
            let interval = Duration::from_secs(60);
            builder = builder.group_id(group).commit_interval(interval);
        }
        let mut reader = builder.build().unwrap();
        let is_grouped = group.is_some();
        let (mut messages, mut allocations) = (0, 0);
        while messages < BATCHES * RECORDS {
            // What is ready is counted; waiting for the broker is not.
            let counted = allocation_counter::measure(|| {
                while take_ready(&mut reader, is_grouped) {
                    messages += 1;
                }
            });
            allocations += counted.count_total;
            if messages < BATCHES * RECORDS {
                let message = if is_grouped {
                    reader.read_message().await
                } else {
                    reader.fetch_message().await
                };
                drop(message.unwrap());
                messages += 1;
            }
        }
        let each = allocations as f64 / messages as f64;
        assert!(
            each < 0.002,
            "{each:.5} allocations per record, group: {is_grouped}"
        );
    }
}

fn take_ready(reader: &mut Reader, is_grouped: bool) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    let taken = if is_grouped {
        pin!(reader.read_message()).poll(&mut context)
    } else {
        pin!(reader.fetch_message()).poll(&mut context)
    };
    matches!(taken, Poll::Ready(Ok(_)))
}

fn batch_of(first: i64) -> Vec<u8> {
    let mut batch = BatchBuilder::new(BytesMut::new());
    for _ in 0..RECORDS {
        let record = RecordData {
            timestamp: 0,
            key: None,
            value: Some(&[7; 100]),
            headers: &[],
        };
        batch.append(&record).unwrap();
    }
    let mut sealed = batch.seal(Compression::NONE).unwrap();
    let mut bytes = sealed.stamp(-1, -1, -1).to_vec();
    bytes[..8].copy_from_slice(&first.to_be_bytes());
    bytes
}
