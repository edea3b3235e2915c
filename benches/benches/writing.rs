//! Records through a writer until they are acknowledged, by a broker in the same process on a thread of its own.
//!
//! Time is CPU time of the client's only thread, its system calls included: neither the broker's work nor waiting for an
//! answer counts. Compare with `encoding alone`, or from one state of the code to the next by ratio (`cargo xtask bench
//! baseline`).

use std::sync::Arc;

use bytes::BytesMut;
use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use ekafka_benches::{Shape, cpu_time, encode, values};
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Record, Writer, WriterConfig};
use tokio::runtime::{Builder, Runtime};

/// What is varied; each bench changes one of these.
#[derive(Clone, Copy)]
struct Setting {
    size: usize,
    batch: usize,
    codec: Codec,
    partitions: i32,
    tasks: usize,
    form: Form,
}

/// How records are handed to the writer.
#[derive(Clone, Copy)]
enum Form {
    /// Calls of 1,000 records.
    Slice,
    /// A call for each record, and each handle awaited, 1,000 of them at a time.
    Handle,
}

const USUAL: Setting = Setting {
    size: 100,
    batch: 256 << 10,
    codec: Codec::None,
    partitions: 6,
    tasks: 1,
    form: Form::Slice,
};

/// Records of one call, or handles alive at a time.
const CALL: usize = 1_000;

/// Records of one measured round of each task.
const ROUND: usize = 20_000;

/// What the broker keeps of each partition, so that its memory stays as it is.
const KEPT: u64 = 4 << 20;

fn forms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write/form");
    alone(&mut group);
    bench(&mut group, "slice", USUAL);
    let form = Form::Handle;
    bench(&mut group, "handle", Setting { form, ..USUAL });
    group.finish();
}

/// What the same records cost without a writer: encoded into batches of 1,000, and that is all.
fn alone(group: &mut BenchmarkGroup<'_, WallTime>) {
    let shape = Shape {
        name: "100B",
        value: USUAL.size,
        decorated: false,
    };
    let values = values(shape);
    group.throughput(Throughput::Elements(ROUND as u64));
    group.bench_function("encoding alone", |bencher| {
        let mut buffer = BytesMut::new();
        bencher.iter_custom(|rounds| {
            let begun = cpu_time();
            for _ in 0..rounds * (ROUND / CALL) as u64 {
                let taken = std::mem::take(&mut buffer);
                let sent = encode(shape, &values, taken, Compression::NONE).expect("it encodes");
                buffer = sent.try_into_mut().expect("nobody else holds the batch");
            }
            cpu_time() - begun
        });
    });
}

fn sizes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write/record bytes");
    for size in [10, 100, 1_024, 10_240] {
        bench(&mut group, size, Setting { size, ..USUAL });
    }
    group.finish();
}

fn batches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write/batch bytes");
    for batch in [16 << 10, 64 << 10, 256 << 10, 1 << 20] {
        bench(&mut group, batch, Setting { batch, ..USUAL });
    }
    group.finish();
}

fn codecs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write/codec");
    for codec in [
        Codec::None,
        Codec::Gzip,
        Codec::Snappy,
        Codec::Lz4,
        Codec::Zstd,
    ] {
        bench(&mut group, codec, Setting { codec, ..USUAL });
    }
    group.finish();
}

fn partitions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write/partitions");
    for partitions in [1, 6, 60] {
        let setting = Setting {
            partitions,
            ..USUAL
        };
        bench(&mut group, partitions, setting);
    }
    group.finish();
}

fn tasks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("write/tasks");
    for tasks in [1, 2, 8] {
        bench(&mut group, tasks, Setting { tasks, ..USUAL });
    }
    group.finish();
}

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, name: impl std::fmt::Display, setting: Setting) {
    let servers = runtime(Builder::new_multi_thread().worker_threads(1));
    let clients = runtime(&mut Builder::new_current_thread());
    let kafka = EmbeddedKafka::builder().retention_bytes(KEPT);
    let kafka = servers.block_on(kafka.start()).expect("the broker starts");
    kafka
        .create_topic("t", setting.partitions)
        .expect("a new topic");
    let config = WriterConfig::default()
        .brokers(kafka.addresses())
        .topic("t")
        .batch_bytes(setting.batch)
        .compression(Compression::from(setting.codec));
    let writer =
        clients.block_on(async { config.build().map(Arc::new).expect("a good configuration") });
    let value = Arc::new(vec![b'v'; setting.size]);

    let records = (ROUND * setting.tasks) as u64;
    group.throughput(Throughput::Elements(records));
    group.sample_size(20);
    group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
        bencher.iter_custom(|rounds| {
            let begun = cpu_time();
            for _ in 0..rounds {
                clients.block_on(round(&writer, &value, setting));
            }
            cpu_time() - begun
        });
    });
}

/// Every task writes its records, and all are acknowledged.
async fn round(writer: &Arc<Writer>, value: &Arc<Vec<u8>>, setting: Setting) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..setting.tasks {
        let (writer, value) = (writer.clone(), value.clone());
        tasks.spawn(async move {
            for _ in 0..ROUND / CALL {
                match setting.form {
                    Form::Slice => {
                        let records = vec![Record::new(value.as_slice()); CALL];
                        writer.write(&records).await.expect("all are written");
                    }
                    Form::Handle => handles(&writer, &value).await,
                }
            }
        });
    }
    tasks.join_all().await;
}

async fn handles(writer: &Writer, value: &[u8]) {
    let mut deliveries = Vec::with_capacity(CALL);
    for _ in 0..CALL {
        deliveries.push(
            writer
                .send(Record::new(value))
                .await
                .expect("there is room"),
        );
    }
    for delivery in deliveries {
        delivery.await.expect("it is written");
    }
}

fn runtime(builder: &mut Builder) -> Runtime {
    builder.enable_all().build().expect("a runtime")
}

criterion_group!(benches, forms, sizes, batches, codecs, partitions, tasks);
criterion_main!(benches);
