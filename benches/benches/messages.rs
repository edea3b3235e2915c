//! Hot messages beside those of kafka-protocol, and what the length check adds to cold ones.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, criterion_group, criterion_main};
use ekafka_protocol::messages::{
    FetchRequest, FetchResponse, FetchedPartition, FetchedTopic, MetadataPartition,
    MetadataRequest, MetadataResponse, MetadataTopic, NodeSpan, PartitionProduceData,
    ProduceRequest, TopicProduceData,
};
use ekafka_protocol::precheck::{self, Direction};
use ekafka_protocol::{BrokerRequest, ErrorCode, Frame, Request, StrBytes};
use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, Encodable};

/// A thousand topics of ten partitions with three replicas each.
fn metadata(criterion: &mut Criterion) {
    let mut response = MetadataResponse::default();
    for topic in 0..1000 {
        let partitions = (0..10)
            .map(|partition| MetadataPartition {
                error_code: ErrorCode::NONE,
                partition_index: partition,
                leader_id: 1,
                leader_epoch: 0,
                replica_nodes: response.add_nodes(&[1, 2, 3]),
                isr_nodes: response.add_nodes(&[1, 2, 3]),
                offline_replicas: NodeSpan::default(),
            })
            .collect();
        let name = Some(StrBytes::from_string(format!("topic-{topic}")));
        response.topics.push(MetadataTopic {
            name,
            partitions,
            ..MetadataTopic::default()
        });
    }
    let mut body = Frame::new();
    MetadataRequest::encode_response(&response, 12, &mut body).expect("encodes");
    let body = body.to_bytes();
    let mut group = criterion.benchmark_group("decode/metadata of 10,000 partitions");
    group.bench_function("ekafka", |bencher| {
        bencher.iter(|| MetadataRequest::decode_response(12, black_box(body.clone())));
    });
    group.bench_function("kafka-protocol", |bencher| {
        bencher.iter(|| theirs::MetadataResponse::decode(&mut black_box(body.clone()), 12));
    });
    group.bench_function("length check alone", |bencher| {
        let api = MetadataRequest::API;
        bencher.iter(|| precheck::check(api, 12, Direction::Response, black_box(&body)));
    });
    group.finish();
}

/// One batch of 1 MB for one partition.
fn produce(criterion: &mut Criterion) {
    let records = Bytes::from(vec![7; 1 << 20]);
    let request = ProduceRequest {
        acks: -1,
        timeout_ms: 30_000,
        topic_data: vec![TopicProduceData {
            name: StrBytes::from_static_str("orders"),
            partition_data: vec![PartitionProduceData {
                index: 0,
                records: Some(records.clone()),
            }],
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    };
    let mut group = criterion.benchmark_group("encode/produce of 1 MB");
    group.bench_function("ekafka", |bencher| {
        bencher.iter(|| Frame::request(9, 1, Some("bench"), black_box(&request)));
    });
    let partition = theirs::produce_request::PartitionProduceData::default();
    let topic = theirs::produce_request::TopicProduceData::default()
        .with_name(theirs::TopicName(StrBytes::from_static_str("orders")))
        .with_partition_data(vec![partition.with_records(Some(records))]);
    let request = theirs::ProduceRequest::default().with_topic_data(vec![topic]);
    group.bench_function("kafka-protocol, reused buffer", |bencher| {
        let mut buffer = BytesMut::with_capacity(2 << 20);
        bencher.iter(|| {
            buffer.clear();
            Encodable::encode(black_box(&request), &mut buffer, 9)
        });
    });
    group.finish();
}

/// A thousand partitions without news, which is what a wide consumer reads most.
fn fetch(criterion: &mut Criterion) {
    let partitions = (0..1000)
        .map(|partition_index| FetchedPartition {
            partition_index,
            records: Some(Bytes::new()),
            ..FetchedPartition::default()
        })
        .collect();
    let response = FetchResponse {
        responses: vec![FetchedTopic {
            topic: StrBytes::from_static_str("orders"),
            partitions,
            ..FetchedTopic::default()
        }],
        ..FetchResponse::default()
    };
    let mut body = Frame::new();
    FetchRequest::encode_response(&response, 12, &mut body).expect("encodes");
    let body = body.to_bytes();
    let mut group = criterion.benchmark_group("decode/fetch of 1,000 empty partitions");
    group.bench_function("ekafka", |bencher| {
        bencher.iter(|| FetchRequest::decode_response(12, black_box(body.clone())));
    });
    group.bench_function("kafka-protocol", |bencher| {
        bencher.iter(|| theirs::FetchResponse::decode(&mut black_box(body.clone()), 12));
    });
    group.finish();
}

criterion_group!(benches, metadata, produce, fetch);
criterion_main!(benches);
