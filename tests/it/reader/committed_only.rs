//! Reading what transactions have committed, and nothing else.

use bytes::BytesMut;
use ekafka_conn::{Cluster, ConnConfig, Connection, CoordinatorKind, Purpose};
use ekafka_protocol::cold::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use ekafka_protocol::cold::{
    AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, InitProducerIdResponse,
    TopicName, TransactionalId,
};
use ekafka_protocol::compression::Compression;
use ekafka_protocol::messages::{
    FetchPartition, FetchRequest, FetchTopic, IsolationLevel as FetchedRecords,
    PartitionProduceData, ProduceRequest, TopicProduceData,
};
use ekafka_protocol::records::{BatchBuilder, BatchIter, DecodeLimits, RecordData};
use ekafka_protocol::{ErrorCode, StrBytes};
use ekafka_reader::{IsolationLevel, Reader};
use tokio::time::timeout;

use crate::support::{Kafka, in_time, soon};

/// A producer of transactions, request by request.
struct Transactions {
    id: String,
    topic: String,
    /// Keeps the connections open.
    _cluster: Cluster,
    coordinator: Connection,
    leader: Connection,
    given: InitProducerIdResponse,
    /// Records written, which number the next batch.
    written: i32,
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

impl Transactions {
    async fn begin(kafka: &Kafka, topic: &str) -> Self {
        let id = kafka.unique("transactions");
        let cluster = Cluster::new(kafka.brokers(), ConnConfig::default()).expect("a cluster");
        let (coordinator, given) = loop {
            let broker = cluster.coordinator(CoordinatorKind::Transaction, &id).await;
            let broker = broker.expect("a coordinator");
            let coordinator = cluster.connection(broker, Purpose::General).await;
            let coordinator = coordinator.expect("the coordinator listens");
            let request = InitProducerIdRequest::default()
                .with_transactional_id(Some(TransactionalId(text(&id))))
                .with_transaction_timeout_ms(60_000);
            let given = coordinator.send_version(&request, 2, soon()).await;
            let given = given.expect("an answer");
            let code = ErrorCode(given.error_code);
            if code == ErrorCode::NONE {
                break (coordinator, given);
            }
            // A new coordinator loads its log first.
            assert!(code.is_retriable(), "{code}");
            cluster.forget_coordinator(CoordinatorKind::Transaction, &id);
        };
        let view = cluster.topic(topic, soon()).await.expect("the topic");
        let (leader, _) = view.leader(topic, 0).expect("a leader");
        let leader = cluster.connection(leader, Purpose::General).await;
        Self {
            id,
            topic: topic.to_owned(),
            _cluster: cluster,
            coordinator,
            leader: leader.expect("the leader listens"),
            given,
            written: 0,
        }
    }

    /// Writes `values` in a transaction of their own, which stays open.
    async fn write(&mut self, values: &[&str]) {
        let topic = AddPartitionsToTxnTopic::default()
            .with_name(TopicName(text(&self.topic)))
            .with_partitions(vec![0]);
        let request = AddPartitionsToTxnRequest::default()
            .with_v3_and_below_transactional_id(TransactionalId(text(&self.id)))
            .with_v3_and_below_producer_id(self.given.producer_id)
            .with_v3_and_below_producer_epoch(self.given.producer_epoch)
            .with_v3_and_below_topics(vec![topic]);
        loop {
            let answer = self.coordinator.send_version(&request, 2, soon()).await;
            let answer = answer.expect("an answer");
            let of_topic = &answer.results_by_topic_v3_and_below[0];
            match ErrorCode(of_topic.results_by_partition[0].partition_error_code) {
                ErrorCode::NONE => break,
                // The markers of the transaction before are still being written.
                ErrorCode::CONCURRENT_TRANSACTIONS => tokio::task::yield_now().await,
                code => panic!("{code}"),
            }
        }
        self.produce(values).await;
    }

    async fn produce(&mut self, values: &[&str]) {
        let mut builder = BatchBuilder::new(BytesMut::new()).transactional(true);
        for value in values {
            let record = RecordData {
                timestamp: 1_700_000_000_000,
                key: None,
                value: Some(value.as_bytes()),
                headers: &[],
            };
            builder.append(&record).expect("it fits");
        }
        let mut batch = builder.seal(Compression::default()).expect("sealed");
        let producer = self.given.producer_id.0;
        let records = batch.stamp(producer, self.given.producer_epoch, self.written);
        self.written += i32::try_from(values.len()).expect("few");
        let partition = PartitionProduceData {
            index: 0,
            records: Some(records),
        };
        let topic = TopicProduceData {
            name: text(&self.topic),
            partition_data: vec![partition],
            ..TopicProduceData::default()
        };
        let request = ProduceRequest {
            transactional_id: Some(text(&self.id)),
            acks: -1,
            timeout_ms: 30_000,
            topic_data: vec![topic],
        };
        let answer = self.leader.send_version(&request, 9, soon()).await;
        let answer = answer.expect("an answer");
        let code = answer.responses[0].partition_responses[0].error_code;
        assert_eq!(code, ErrorCode::NONE);
    }

    /// The log as the leader tells it to a reader of what is committed, for a test that fails.
    async fn log(&self) -> String {
        let partition = FetchPartition {
            partition: 0,
            fetch_offset: 0,
            partition_max_bytes: i32::MAX,
            ..FetchPartition::default()
        };
        let request = FetchRequest {
            isolation_level: FetchedRecords::ReadCommitted,
            topics: vec![FetchTopic {
                topic: text(&self.topic),
                partitions: vec![partition],
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        };
        // The last version that names topics.
        let answer = self.leader.send_version(&request, 12, soon()).await;
        let mut answer = answer.expect("an answer");
        let Some(mut told) = answer
            .responses
            .pop()
            .and_then(|mut topic| topic.partitions.pop())
        else {
            return format!("{answer:?}");
        };
        let records = told.records.take().unwrap_or_default();
        let batches = BatchIter::new(records, &DecodeLimits::default()).map(|batch| {
            let batch = batch.expect("a batch");
            let (first, last) = (batch.base_offset(), batch.last_offset());
            let kind = if batch.is_control() {
                "marker"
            } else {
                "records"
            };
            let records = batch.records(&DecodeLimits::default()).expect("records");
            let values = records.iter().map(|record| record.expect("a record").value);
            let values: Vec<_> = values.map(|value| value.map(<[u8]>::to_vec)).collect();
            format!("{kind} {first}..={last} {values:?}")
        });
        format!("{told:?} {:?}", batches.collect::<Vec<_>>())
    }

    async fn end(&self, commits: bool) {
        let request = EndTxnRequest::default()
            .with_transactional_id(TransactionalId(text(&self.id)))
            .with_producer_id(self.given.producer_id)
            .with_producer_epoch(self.given.producer_epoch)
            .with_committed(commits);
        let answer = self.coordinator.send_version(&request, 2, soon()).await;
        let code = ErrorCode(answer.expect("an answer").error_code);
        assert_eq!(code, ErrorCode::NONE);
    }
}

#[tokio::test]
async fn t64_aborted_records_and_markers_are_never_read_and_offsets_pass_them() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let mut transactions = Transactions::begin(&kafka, &topic).await;
    // Offsets 0, 1 and a marker; 3, 4, 5 and a marker; 7 and a marker; 9 stays open.
    for (values, commits) in [
        (&["a", "b"][..], true),
        (&["x", "y", "z"], false),
        (&["c"], true),
    ] {
        transactions.write(values).await;
        transactions.end(commits).await;
    }
    transactions.write(&["open"]).await;
    let builder = Reader::builder().brokers(kafka.brokers()).topic(&topic);
    let committed = builder
        .clone()
        .isolation_level(IsolationLevel::ReadCommitted);
    let mut committed = committed.build().expect("a reader");
    for (value, offset) in [("a", 0), ("b", 1), ("c", 7)] {
        let message = in_time(committed.fetch_message()).await.expect("a message");
        let got = (message.offset(), message.value());
        let expected = (offset, Some(value.as_bytes()));
        assert_eq!(got, expected, "from {}", transactions.log().await);
    }
    let silence = std::time::Duration::from_millis(150);
    let early = timeout(silence, committed.fetch_message()).await;
    assert!(early.is_err(), "nothing of an open transaction: {early:?}");
    assert_eq!(committed.offset(), Some(8));
    transactions.end(false).await;
    transactions.write(&["d"]).await;
    transactions.end(true).await;
    let message = in_time(committed.fetch_message()).await.expect("a message");
    assert_eq!((message.offset(), message.value()), (11, Some(&b"d"[..])));
    // The position is behind the last marker: nothing is left.
    let early = timeout(silence, committed.fetch_message()).await;
    assert!(early.is_err(), "{early:?}");
    assert_eq!(
        in_time(committed.read_lag()).await.expect("told"),
        1,
        "the marker"
    );

    let mut all = builder.build().expect("a reader");
    for offset in [0, 1, 3, 4, 5, 7, 9, 11] {
        let message = in_time(all.fetch_message()).await.expect("a message");
        assert_eq!(message.offset(), offset, "without markers");
    }
    let early = timeout(silence, all.fetch_message()).await;
    assert!(early.is_err(), "{early:?}");
}
