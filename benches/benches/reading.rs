//! Records from a broker in the same process, on a thread of its own, to the application: what a reader costs its thread.
//!
//! Time is CPU time of the client's only thread, so neither the broker nor waiting for it counts. The connection is a pipe
//! in memory: its copying stands for the socket's, and is beside it as `copying the bytes`.

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ekafka_benches::{RECORDS, Shape, cpu_time, encode, values};
use ekafka_conn::{Cluster, ConnConfig, dial_fn};
use ekafka_protocol::compression::Compression;
use ekafka_reader::{Reader, StartOffset, TopicPartition};
use ekafka_testkit::EmbeddedKafka;
use tokio::runtime::{Builder, Runtime};

/// Batches of one measured round, each of [`RECORDS`].
const BATCHES: usize = 200;

/// What a pipe holds in each direction: more than an answer, as a socket's buffers are.
const PIPE: usize = 4 << 20;

fn forms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read/form");
    group.throughput(Throughput::Elements((BATCHES * RECORDS) as u64));
    group.sample_size(20);
    let batch = batch();
    let answer = batch.repeat((1 << 20) / batch.len());
    group.bench_function("copying the bytes", |bencher| {
        let mut received = vec![0; answer.len()];
        bencher.iter_custom(|rounds| {
            let begun = cpu_time();
            for _ in 0..rounds {
                for _ in 0..BATCHES * batch.len() / answer.len() {
                    received.copy_from_slice(black_box(&answer));
                    black_box(&received);
                }
            }
            cpu_time() - begun
        });
    });
    let setup = Setup::new(&batch);
    group.bench_function("borrowed", |bencher| {
        let mut reader = setup.reader();
        bencher.iter_custom(|rounds| {
            let begun = cpu_time();
            for _ in 0..rounds {
                setup.clients.block_on(borrowed(&mut reader));
            }
            cpu_time() - begun
        });
    });
    group.bench_function("owned", |bencher| {
        let mut reader = setup.reader();
        bencher.iter_custom(|rounds| {
            let begun = cpu_time();
            for _ in 0..rounds {
                setup.clients.block_on(owned(&mut reader));
            }
            cpu_time() - begun
        });
    });
    group.finish();
}

/// Whole batches, whose records are borrowed.
async fn borrowed(reader: &mut Reader) {
    start_again(reader).await;
    let mut read = 0;
    while read < BATCHES * RECORDS {
        let batch = reader.next_batch().await.expect("a batch");
        for record in &batch {
            let record = record.expect("a good record");
            black_box((record.key, record.value));
            read += 1;
        }
    }
}

/// A message at a time, which can be kept.
async fn owned(reader: &mut Reader) {
    start_again(reader).await;
    for _ in 0..BATCHES * RECORDS {
        let message = reader.fetch_message().await.expect("a message");
        black_box((message.key(), message.value()));
    }
}

async fn start_again(reader: &mut Reader) {
    let partition = TopicPartition::new("t", 0);
    let sought = reader.seek(&partition, StartOffset::First).await;
    sought.expect("the partition is assigned");
}

struct Setup {
    clients: Runtime,
    cluster: Cluster,
    /// Serves as long as it lives.
    _servers: Runtime,
    _kafka: EmbeddedKafka,
}

impl Setup {
    /// A broker with all records in one partition.
    fn new(batch: &[u8]) -> Self {
        let servers = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let clients = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let kafka = EmbeddedKafka::builder().nodes(1).pipe_bytes(PIPE).start();
        let kafka = servers.block_on(kafka).expect("the broker starts");
        kafka.create_topic("t", 1).expect("a new topic");
        for number in 0..BATCHES {
            let mut bytes = batch.to_vec();
            let first = (number * RECORDS) as i64;
            bytes[..8].copy_from_slice(&first.to_be_bytes());
            let planted = kafka.plant("t", 0, Bytes::from(bytes), RECORDS as i64, 0);
            planted.expect("a known partition");
        }
        let (connector, handle) = (kafka.connector(), servers.handle().clone());
        let dial = dial_fn(move |host, port| {
            // The broker's end is served by its own thread.
            let _entered = handle.enter();
            connector.connect(host, port)
        });
        let config = ConnConfig::default().dial_fn(dial);
        let cluster = Cluster::new([kafka.bootstrap()], config).expect("a good configuration");
        Self {
            clients,
            cluster,
            _servers: servers,
            _kafka: kafka,
        }
    }

    fn reader(&self) -> Reader {
        let builder = Reader::builder().cluster(self.cluster.clone()).topic("t");
        let mut reader = self
            .clients
            .block_on(async {
                builder
                    .partition(0)
                    .start_offset(StartOffset::First)
                    .build()
            })
            .expect("a good configuration");
        let first = self.clients.block_on(reader.fetch_message());
        first.expect("a message");
        reader
    }
}

fn batch() -> Vec<u8> {
    let shape = Shape {
        name: "100B",
        value: 100,
        decorated: false,
    };
    let values = values(shape);
    let sent = encode(shape, &values, bytes::BytesMut::new(), Compression::NONE);
    sent.expect("it encodes").to_vec()
}

criterion_group!(benches, forms);
criterion_main!(benches);
