//! Record batches beside those of kafka-protocol: encoding, decoding, codecs.
//!
//! `kafka-protocol, built` is given ready record structs; `kafka-protocol, building` makes them
//! from the same borrowed parts that ours takes, as a writer would have to.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ekafka_benches::{HEADERS, KEY, RECORDS, SHAPES, Shape, encode, payload, record, values};
use ekafka_protocol::compression::{Codec, Compression, compress, decompress};
use ekafka_protocol::records::{BatchIter, DecodeLimits};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records as theirs;

fn encoding(criterion: &mut Criterion) {
    for shape in SHAPES {
        let mut group = criterion.benchmark_group(format!("encode/{}", shape.name));
        group.throughput(Throughput::Elements(RECORDS as u64));
        let values = Bytes::from(values(shape));

        group.bench_function("ekafka", |bencher| {
            let mut buffer = BytesMut::new();
            bencher.iter(|| {
                let taken = std::mem::take(&mut buffer);
                let sent = encode(shape, &values, taken, Compression::NONE).expect("it encodes");
                buffer = sent.try_into_mut().expect("nobody else holds the batch");
            });
        });
        group.bench_function("kafka-protocol, built", |bencher| {
            let records: Vec<_> = (0..RECORDS)
                .map(|index| their_record(shape, &values, index))
                .collect();
            let mut buffer = BytesMut::new();
            bencher.iter(|| their_encode(&records, &mut buffer));
        });
        group.bench_function("kafka-protocol, building", |bencher| {
            let mut records = Vec::with_capacity(RECORDS);
            let mut buffer = BytesMut::new();
            bencher.iter(|| {
                records.clear();
                records.extend((0..RECORDS).map(|index| their_record(shape, &values, index)));
                their_encode(&records, &mut buffer);
            });
        });
        group.finish();
    }
}

/// The same record in the other crate's form, sharing all bytes, so that only the structs cost.
fn their_record(shape: Shape, values: &Bytes, index: usize) -> theirs::Record {
    let ours = record(shape, values, index);
    let headers = if shape.decorated { &HEADERS[..] } else { &[] };
    theirs::Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: -1,
        producer_epoch: -1,
        timestamp_type: theirs::TimestampType::Creation,
        offset: index as i64,
        sequence: index as i32,
        timestamp: ours.timestamp,
        key: shape.decorated.then(|| Bytes::from_static(KEY)),
        value: ours.value.map(|value| values.slice_ref(value)),
        headers: headers
            .iter()
            .map(|header| {
                let key = StrBytes::from_static_str(header.key);
                (key, header.value.map(Bytes::from_static))
            })
            .collect(),
    }
}

fn their_encode(records: &[theirs::Record], buffer: &mut BytesMut) {
    let options = theirs::RecordEncodeOptions {
        version: 2,
        compression: theirs::Compression::None,
    };
    buffer.clear();
    theirs::RecordBatchEncoder::encode(buffer, records, &options).expect("it encodes");
    black_box(buffer);
}

fn decoding(criterion: &mut Criterion) {
    for shape in SHAPES {
        let mut group = criterion.benchmark_group(format!("decode/{}", shape.name));
        group.throughput(Throughput::Elements(RECORDS as u64));
        let wire =
            encode(shape, &values(shape), BytesMut::new(), Compression::NONE).expect("it encodes");
        let limits = DecodeLimits::default();

        group.bench_function("ekafka, borrowed", |bencher| {
            bencher.iter(|| {
                for batch in BatchIter::new(wire.clone(), &limits) {
                    let records = batch
                        .and_then(|batch| batch.records(&limits))
                        .expect("it opens");
                    for record in &records {
                        let record = record.expect("it decodes");
                        black_box((record.offset, record.timestamp, record.key, record.value));
                    }
                }
            });
        });
        group.bench_function("ekafka, spans", |bencher| {
            bencher.iter(|| {
                for batch in BatchIter::new(wire.clone(), &limits) {
                    let records = batch
                        .and_then(|batch| batch.records(&limits))
                        .expect("it opens");
                    for span in records.into_spans().expect("it is small") {
                        black_box(span.expect("it decodes"));
                    }
                }
            });
        });
        group.bench_function("copying the bytes", |bencher| {
            let mut copy = vec![0; wire.len()];
            bencher.iter(|| black_box(&mut copy).copy_from_slice(black_box(&wire)));
        });
        group.bench_function("kafka-protocol", |bencher| {
            bencher.iter(|| {
                let mut bytes = wire.clone();
                black_box(theirs::RecordBatchDecoder::decode(&mut bytes).expect("it decodes"));
            });
        });
        group.finish();
    }
}

fn codecs(criterion: &mut Criterion) {
    for size in [16_000, 1_000_000] {
        let input = payload(size);
        let mut group = criterion.benchmark_group(format!("codec/{size}"));
        group.throughput(Throughput::Bytes(size as u64));
        for codec in &Codec::ALL[1..] {
            let compression = Compression::of(*codec);
            let mut packed = BytesMut::new();
            compress(compression, &input, &mut packed).expect("it compresses");
            group.bench_function(BenchmarkId::new("compress", codec), |bencher| {
                let mut output = BytesMut::new();
                bencher.iter(|| {
                    output.clear();
                    compress(compression, &input, &mut output).expect("it compresses");
                });
            });
            group.bench_function(BenchmarkId::new("decompress", codec), |bencher| {
                bencher.iter(|| decompress(*codec, &packed, size).expect("it fits"));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, encoding, decoding, codecs);
criterion_main!(benches);
