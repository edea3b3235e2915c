//! Committed reads of transactions that a broker has carried out.

use std::time::Duration;

use bytes::BytesMut;
use ekafka_conn::{Cluster, Connection, Purpose};
use ekafka_protocol::cold::{
    AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, ProducerId, TopicName,
    TransactionalId, add_partitions_to_txn_request::AddPartitionsToTxnTopic,
};
use ekafka_protocol::compression::{Codec, Compression};
use ekafka_protocol::messages::{
    IsolationLevel, PartitionProduceData, ProduceRequest, TopicProduceData,
};
use ekafka_protocol::records::{BatchBuilder, RecordData};
use ekafka_protocol::{ApiKey, ErrorCode, StrBytes, VersionRange};
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

use super::super::setup::*;
use crate::TopicPartition;
use crate::reader::Reader;

/// A transactional producer, or an idempotent one without a name.
struct Producer {
    connection: Connection,
    /// Its connections end with it.
    _cluster: Cluster,
    name: Option<String>,
    id: i64,
    epoch: i16,
    sequence: i32,
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

impl Producer {
    async fn new(kafka: &EmbeddedKafka, name: Option<String>) -> Self {
        let cluster = cluster(kafka);
        cluster.topic("t", deadline()).await.unwrap();
        let view = cluster.view();
        let (leader, _) = view.leader("t", 0).unwrap();
        let connection = cluster.connection(leader, Purpose::Produce).await.unwrap();
        let transactional_id = name.clone().map(|name| TransactionalId(text(&name)));
        let request = InitProducerIdRequest::default()
            .with_transactional_id(transactional_id)
            .with_transaction_timeout_ms(600_000);
        let answer = connection
            .send_version(&request, 2, deadline())
            .await
            .unwrap();
        assert_eq!(answer.error_code, 0);
        Self {
            connection,
            _cluster: cluster,
            name,
            id: answer.producer_id.0,
            epoch: answer.producer_epoch,
            sequence: 0,
        }
    }

    async fn begin(&self) {
        let Some(name) = &self.name else {
            return;
        };
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(TopicName(text("t")))
            .with_partitions(vec![0]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(TransactionalId(text(name)))
            .with_v3_and_below_producer_id(ProducerId(self.id))
            .with_v3_and_below_producer_epoch(self.epoch)
            .with_v3_and_below_topics(vec![topic]);
        let answer = self.connection.send_version(&request, 3, deadline()).await;
        let answer = answer.unwrap();
        let of_partition = &answer.results_by_topic_v3_and_below[0].results_by_partition[0];
        assert_eq!(of_partition.partition_error_code, 0);
    }

    /// Writes `count` records; the offset of the first.
    async fn write(&mut self, count: i32, codec: Codec) -> i64 {
        let is_transactional = self.name.is_some();
        let mut batch = BatchBuilder::new(BytesMut::new()).transactional(is_transactional);
        for _ in 0..count {
            let record = RecordData {
                timestamp: 0,
                key: None,
                value: Some(b"transactional"),
                headers: &[],
            };
            batch.append(&record).unwrap();
        }
        let mut sealed = batch.seal(Compression::from(codec)).unwrap();
        let bytes = sealed.stamp(self.id, self.epoch, self.sequence).to_vec();
        self.sequence += count;
        let partition = PartitionProduceData {
            index: 0,
            records: Some(bytes.into()),
        };
        let request = ProduceRequest {
            transactional_id: self.name.as_deref().map(text),
            acks: -1,
            timeout_ms: 1_000,
            topic_data: vec![TopicProduceData {
                name: text("t"),
                partition_data: vec![partition],
                ..TopicProduceData::default()
            }],
        };
        let answer = self.connection.send_version(&request, 9, deadline()).await;
        let answer = answer.unwrap();
        let of_partition = &answer.responses[0].partition_responses[0];
        assert_eq!(of_partition.error_code, ErrorCode::NONE);
        of_partition.base_offset
    }

    async fn end(&self, is_committed: bool) {
        let Some(name) = &self.name else {
            return;
        };
        let request = EndTxnRequest::default()
            .with_transactional_id(TransactionalId(text(name)))
            .with_producer_id(ProducerId(self.id))
            .with_producer_epoch(self.epoch)
            .with_committed(is_committed);
        let answer = self.connection.send_version(&request, 3, deadline()).await;
        assert_eq!(answer.unwrap().error_code, 0);
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// One node that serves the versions these requests are written in.
async fn broker() -> EmbeddedKafka {
    let kafka = EmbeddedKafka::builder().nodes(1).in_memory().strict();
    let kafka = kafka.limit_api(ApiKey::PRODUCE, VersionRange::new(3, 9));
    let kafka = kafka.start().await.unwrap();
    kafka.create_topic("t", 1).unwrap();
    kafka
}

fn committed(kafka: &EmbeddedKafka, max_bytes: u32) -> Reader {
    let reader = builder(kafka).topic("t").max_partition_bytes(max_bytes);
    let reader = reader.isolation_level(IsolationLevel::ReadCommitted);
    reader.max_bytes(max_bytes).build().unwrap()
}

/// Writes a history by `seed`: five producers with transactions across each other, one without. The offsets
/// that a committed read must give.
async fn history(kafka: &EmbeddedKafka, seed: u64) -> Vec<i64> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut producers = vec![Producer::new(kafka, None).await];
    for number in 0..5 {
        producers.push(Producer::new(kafka, Some(format!("p{number}"))).await);
    }
    let mut open: Vec<Option<Vec<i64>>> = vec![None; producers.len()];
    let mut expected = Vec::new();
    for _ in 0..random.usize(10..60) {
        let index = random.usize(..producers.len());
        let producer = &mut producers[index];
        if producer.name.is_some() && open[index].is_none() {
            producer.begin().await;
            open[index] = Some(Vec::new());
        }
        let is_over = producer.name.is_some() && random.u8(0..3) == 0;
        if is_over {
            let is_committed = random.bool();
            producer.end(is_committed).await;
            let offsets = open[index].take().unwrap_or_default();
            expected.extend(offsets.into_iter().filter(|_| is_committed));
        } else {
            let codec = random.choice([Codec::None, Codec::Lz4, Codec::Zstd]);
            let count = random.i32(1..6);
            let first = producer.write(count, codec.unwrap_or(Codec::None)).await;
            let offsets = first..first + i64::from(count);
            match &mut open[index] {
                Some(of_transaction) => of_transaction.extend(offsets),
                None => expected.extend(offsets),
            }
        }
    }
    for (producer, offsets) in producers.iter().zip(open) {
        if let Some(offsets) = offsets {
            let is_committed = random.bool();
            producer.end(is_committed).await;
            expected.extend(offsets.into_iter().filter(|_| is_committed));
        }
    }
    expected.sort_unstable();
    expected
}

#[tokio::test(start_paused = true)]
async fn s21_random_transactions_are_read_as_the_broker_ended_them() {
    for seed in 0..200 {
        let kafka = broker().await;
        let expected = history(&kafka, seed).await;
        let mut reader = committed(
            &kafka,
            [400, 4_000, 1 << 20][usize::try_from(seed % 3).unwrap()],
        );
        let mut read = Vec::new();
        for _ in &expected {
            let next = tokio::time::timeout(Duration::from_secs(60), reader.fetch_message());
            read.push(
                next.await
                    .unwrap_or_else(|_| panic!("seed {seed}: {read:?} of {expected:?}"))
                    .unwrap()
                    .offset(),
            );
        }
        assert_eq!(read, expected, "seed {seed}");
        let more = tokio::time::timeout(Duration::from_secs(2), reader.fetch_message()).await;
        assert!(more.is_err(), "seed {seed}: {more:?}");
        // The position is behind the last marker.
        let end = kafka.offsets("t", 0).unwrap().1;
        let mut plain = Producer::new(&kafka, None).await;
        assert_eq!(plain.write(1, Codec::None).await, end);
        let next = reader.fetch_message().await.unwrap();
        assert_eq!(next.offset(), end);
    }
}

#[tokio::test(start_paused = true)]
async fn s22_an_open_transaction_holds_committed_reads_back_and_loses_nothing() {
    for is_committed in [true, false] {
        let kafka = broker().await;
        let mut plain = Producer::new(&kafka, None).await;
        let mut transactional = Producer::new(&kafka, Some("p".to_owned())).await;
        plain.write(3, Codec::None).await;
        let mut reader = committed(&kafka, 1 << 20);
        transactional.begin().await;
        transactional.write(4, Codec::None).await;
        plain.write(3, Codec::None).await;
        for offset in 0..3 {
            assert_eq!(reader.fetch_message().await.unwrap().offset(), offset);
        }
        kafka.clear_requests();
        let minute = tokio::time::timeout(Duration::from_secs(60), reader.fetch_message()).await;
        assert!(minute.is_err(), "{minute:?}");
        let fetches = kafka.requests_of(ApiKey::FETCH).len();
        assert!(fetches <= 180, "{fetches} fetches in a minute");
        transactional.end(is_committed).await;
        let expected: Vec<i64> = if is_committed {
            (3..10).collect()
        } else {
            (7..10).collect()
        };
        for offset in expected {
            assert_eq!(reader.fetch_message().await.unwrap().offset(), offset);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_position_passes_what_is_not_handed_out() {
    for is_committed in [true, false] {
        let kafka = broker().await;
        let mut producer = Producer::new(&kafka, Some("p".to_owned())).await;
        producer.begin().await;
        producer.write(2, Codec::None).await;
        producer.end(is_committed).await;
        let mut reader = committed(&kafka, 4_000);
        let partition = TopicPartition::new("t", 0);
        assert_eq!(reader.position(&partition).await, None);
        let quiet = Duration::from_secs(2);
        let mut handed_out = 0;
        while let Ok(message) = tokio::time::timeout(quiet, reader.fetch_message()).await {
            assert_eq!(message.unwrap().offset(), handed_out);
            handed_out += 1;
        }
        assert_eq!(handed_out, if is_committed { 2 } else { 0 });
        assert_eq!(reader.position(&partition).await, Some(3));
        let other = TopicPartition::new("t", 1);
        assert_eq!(reader.position(&other).await, None);
    }
}
