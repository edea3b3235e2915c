use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use ekafka_protocol::cold::{ListOffsetsRequest, TopicName};
use ekafka_protocol::compression::Compression;
use ekafka_protocol::messages::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchedPartition, IsolationLevel,
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData,
};
use ekafka_protocol::records::{BatchBuilder, BatchIter, DecodeLimits, RecordData};
use tokio::time::Instant;

use super::{RawClient, in_memory};
use crate::EmbeddedKafka;

/// A batch of one record per value, stamped 1,000 ms apart from `first_ms` on.
fn batch_at(
    values: &[&str],
    first_ms: i64,
    producer: (i64, i16, i32),
    transactional: bool,
) -> Bytes {
    let mut builder = BatchBuilder::new(BytesMut::new()).transactional(transactional);
    for (at, value) in (0..).zip(values) {
        let record = RecordData {
            timestamp: first_ms + at * 1_000,
            value: Some(value.as_bytes()),
            ..RecordData::default()
        };
        builder.append(&record).unwrap();
    }
    let (id, epoch, sequence) = producer;
    builder
        .seal(Compression::default())
        .unwrap()
        .stamp(id, epoch, sequence)
}

fn batch(values: &[&str]) -> Bytes {
    batch_at(values, 1_000, (-1, -1, -1), false)
}

fn produce_request(records: Bytes, acks: i16) -> ProduceRequest {
    let data = PartitionProduceData {
        index: 0,
        records: Some(records),
    };
    let topic = TopicProduceData {
        name: "t".into(),
        partition_data: vec![data],
        ..TopicProduceData::default()
    };
    ProduceRequest {
        transactional_id: None,
        acks,
        timeout_ms: 1_000,
        topic_data: vec![topic],
    }
}

async fn produce(client: &mut RawClient, records: Bytes) -> PartitionProduceResponse {
    let answer = client.ask(12, &produce_request(records, -1)).await;
    answer.responses[0].partition_responses[0].clone()
}

/// Asks for partition 0 of "t", without a session, waiting up to 10 s for one byte.
fn fetch_request(offset: i64) -> FetchRequest {
    let partition = FetchPartition {
        fetch_offset: offset,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    let topic = FetchTopic {
        topic: "t".into(),
        partitions: vec![partition],
        ..FetchTopic::default()
    };
    FetchRequest {
        max_wait_ms: 10_000,
        min_bytes: 1,
        topics: vec![topic],
        ..FetchRequest::default()
    }
}

fn only(response: &FetchResponse) -> &FetchedPartition {
    &response.responses[0].partitions[0]
}

fn values(partition: &FetchedPartition) -> Vec<(i64, String)> {
    let limits = DecodeLimits::default();
    let mut all = Vec::new();
    for batch in BatchIter::new(partition.records.clone().unwrap(), &limits) {
        let records = batch.unwrap().records(&limits).unwrap();
        for record in records.iter() {
            let record = record.unwrap();
            all.push((
                record.offset,
                String::from_utf8(record.value.unwrap().to_vec()).unwrap(),
            ));
        }
    }
    all
}

async fn one_topic() -> (EmbeddedKafka, RawClient) {
    let kafka = in_memory(1).await;
    kafka.create_topic("t", 1).unwrap();
    let client = RawClient::to(&kafka, 1);
    (kafka, client)
}

#[tokio::test(start_paused = true)]
async fn what_was_produced_is_fetched_with_offsets_in_every_version() {
    let (_kafka, mut client) = one_topic().await;
    for version in 3..=12 {
        let answer = client
            .ask(version, &produce_request(batch(&["a", "b"]), -1))
            .await;
        let partition = &answer.responses[0].partition_responses[0];
        assert_eq!(partition.error_code, ErrorCode::NONE);
        assert_eq!(partition.base_offset, i64::from(version - 3) * 2);
    }
    for version in 4..=12 {
        let answer = client.ask(version, &fetch_request(18)).await;
        assert_eq!(
            values(only(&answer)),
            [(18, "a".to_owned()), (19, "b".to_owned())]
        );
        assert_eq!(only(&answer).high_watermark, 20);
    }
}

#[tokio::test(start_paused = true)]
async fn topics_are_found_by_id_in_the_newest_versions() {
    let (kafka, mut client) = one_topic().await;
    let id = kafka.shared().cluster().topics["t"].id;
    let mut request = produce_request(batch(&["a"]), -1);
    request.topic_data[0].topic_id = id;
    let answer = client.ask(13, &request).await;
    assert_eq!(
        answer.responses[0].partition_responses[0].error_code,
        ErrorCode::NONE
    );
    for version in 13..=18 {
        let mut request = fetch_request(0);
        request.topics[0].topic_id = id;
        let answer = client.ask(version, &request).await;
        assert_eq!(values(only(&answer)).len(), 1);
        request.topics[0].topic_id = uuid::Uuid::from_u128(7);
        let answer = client.ask(version, &request).await;
        assert_eq!(only(&answer).error_code, ErrorCode::UNKNOWN_TOPIC_ID);
    }
}

#[tokio::test(start_paused = true)]
async fn damaged_oversized_and_empty_batches_are_refused() {
    let (kafka, mut client) = one_topic().await;
    let mut damaged = batch(&["abc"]).to_vec();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(
        produce(&mut client, damaged.into()).await.error_code,
        ErrorCode::CORRUPT_MESSAGE
    );
    let cut = batch(&["abc"]).slice(..70);
    assert_eq!(
        produce(&mut client, cut).await.error_code,
        ErrorCode::CORRUPT_MESSAGE
    );
    let big = "x".repeat(1_048_589);
    assert_eq!(
        produce(&mut client, batch(&[&big])).await.error_code,
        ErrorCode::MESSAGE_TOO_LARGE
    );
    assert_eq!(
        produce(&mut client, Bytes::new()).await.error_code,
        ErrorCode::INVALID_RECORD
    );
    assert_eq!(kafka.offsets("t", 0), Ok((0, 0)));
    // One for each but the oversized one, which a client cannot always know.
    assert_eq!(kafka.violations().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_resent_batch_gets_its_first_offset_and_a_gap_is_refused() {
    let (_kafka, mut client) = one_topic().await;
    let idempotent = |sequence, epoch| batch_at(&["a", "b"], 0, (7, epoch, sequence), false);
    assert_eq!(produce(&mut client, idempotent(0, 0)).await.base_offset, 0);
    assert_eq!(produce(&mut client, idempotent(2, 0)).await.base_offset, 2);
    let again = produce(&mut client, idempotent(0, 0)).await;
    assert_eq!((again.error_code, again.base_offset), (ErrorCode::NONE, 0));
    let gap = produce(&mut client, idempotent(6, 0)).await;
    assert_eq!(gap.error_code, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    let bumped = produce(&mut client, idempotent(2, 1)).await;
    assert_eq!(bumped.error_code, ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_eq!(produce(&mut client, idempotent(0, 1)).await.base_offset, 4);
    let old = produce(&mut client, idempotent(4, 0)).await;
    assert_eq!(old.error_code, ErrorCode::INVALID_PRODUCER_EPOCH);
}

#[tokio::test(start_paused = true)]
async fn acks_none_gets_no_answer_and_a_refusal_closes_the_connection() {
    let (kafka, mut client) = one_topic().await;
    client.send(9, &produce_request(batch(&["a"]), 0)).await;
    assert_eq!(produce(&mut client, batch(&["b"])).await.base_offset, 1);
    kafka.delete_topic("t").unwrap();
    client.send(9, &produce_request(batch(&["c"]), 0)).await;
    assert!(client.receive::<ProduceRequest>(9).await.is_none());
}

#[tokio::test(start_paused = true)]
async fn another_node_names_the_leader() {
    let kafka = in_memory(2).await;
    kafka.create_topic_on("t", &[vec![2, 1]]).unwrap();
    let mut client = RawClient::to(&kafka, 1);
    let answer = client.ask(12, &produce_request(batch(&["a"]), -1)).await;
    let partition = &answer.responses[0].partition_responses[0];
    assert_eq!(partition.error_code, ErrorCode::NOT_LEADER_OR_FOLLOWER);
    assert_eq!(
        partition.current_leader.map(|leader| leader.leader_id),
        Some(2)
    );
    assert_eq!(answer.node_endpoints[0].host.as_str(), "kafka-2");
    let answer = client.ask(12, &fetch_request(0)).await;
    assert_eq!(
        only(&answer).current_leader.map(|leader| leader.leader_id),
        Some(2)
    );
}

#[tokio::test(start_paused = true)]
async fn log_append_time_replaces_the_timestamps_and_keeps_the_checksum_right() {
    let kafka = in_memory(1).await;
    kafka
        .create_topic_with("t", 1, &[("message.timestamp.type", "LogAppendTime")])
        .unwrap();
    let mut client = RawClient::to(&kafka, 1);
    assert_eq!(
        produce(&mut client, batch(&["a"])).await.log_append_time_ms,
        1_700_000_000_000
    );
    let answer = client.ask(12, &fetch_request(0)).await;
    assert_eq!(values(only(&answer)), [(0, "a".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_waits_for_records_and_no_longer_than_it_may() {
    let (kafka, mut client) = one_topic().await;
    let began = Instant::now();
    let answer = client.ask(12, &fetch_request(0)).await;
    assert_eq!(
        (values(only(&answer)).len(), began.elapsed()),
        (0, Duration::from_secs(10))
    );

    client.send(12, &fetch_request(0)).await;
    tokio::time::advance(Duration::from_secs(3)).await;
    produce(&mut RawClient::to(&kafka, 1), batch(&["a"])).await;
    let answer = client.receive::<FetchRequest>(12).await.unwrap();
    assert_eq!(
        (values(only(&answer)).len(), began.elapsed()),
        (1, Duration::from_secs(13))
    );

    let patient = FetchRequest {
        min_bytes: 10_000,
        ..fetch_request(0)
    };
    client.ask(12, &patient).await;
    assert_eq!(began.elapsed(), Duration::from_secs(23));
}

#[tokio::test(start_paused = true)]
async fn limits_are_kept_but_for_the_first_batch() {
    let (_kafka, mut client) = one_topic().await;
    for value in ["a", "b", "c"] {
        produce(&mut client, batch(&[value])).await;
    }
    let size = i32::try_from(batch(&["a"]).len()).unwrap();
    for (limit, expected) in [
        (1, 1),
        (size, 1),
        (size * 2, 2),
        (size * 3 - 1, 2),
        (size * 3, 3),
    ] {
        let mut request = fetch_request(0);
        request.topics[0].partitions[0].partition_max_bytes = limit;
        assert_eq!(
            values(only(&client.ask(12, &request).await)).len(),
            expected,
            "partition {limit}"
        );
        let request = FetchRequest {
            max_bytes: limit,
            ..fetch_request(0)
        };
        assert_eq!(
            values(only(&client.ask(12, &request).await)).len(),
            expected,
            "request {limit}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn offsets_and_epochs_out_of_place_are_refused() {
    let (kafka, mut client) = one_topic().await;
    produce(&mut client, batch(&["a", "b"])).await;
    produce(&mut client, batch(&["c"])).await;
    kafka.delete_records("t", 0, 2).unwrap();
    kafka.move_leader("t", 0, 1).unwrap();
    for (offset, epoch, expected) in [
        (1, -1, ErrorCode::OFFSET_OUT_OF_RANGE),
        (4, -1, ErrorCode::OFFSET_OUT_OF_RANGE),
        (2, 0, ErrorCode::FENCED_LEADER_EPOCH),
        (2, 2, ErrorCode::UNKNOWN_LEADER_EPOCH),
        (2, 1, ErrorCode::NONE),
    ] {
        let mut request = fetch_request(offset);
        request.topics[0].partitions[0].current_leader_epoch = epoch;
        assert_eq!(
            only(&client.ask(12, &request).await).error_code,
            expected,
            "{offset} {epoch}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_truncated_log_is_told_to_those_who_read_further() {
    let (kafka, mut client) = one_topic().await;
    produce(&mut client, batch(&["a"])).await;
    produce(&mut client, batch(&["b"])).await;
    kafka.truncate("t", 0, 1).unwrap();
    produce(&mut client, batch(&["c"])).await;
    let mut request = fetch_request(2);
    request.topics[0].partitions[0].last_fetched_epoch = 0;
    let answer = client.ask(12, &request).await;
    let diverging = only(&answer).diverging_epoch.unwrap();
    assert_eq!((diverging.epoch, diverging.end_offset), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_session_answers_what_is_new_and_checks_its_epoch() {
    let (_kafka, mut client) = one_topic().await;
    produce(&mut client, batch(&["a"])).await;
    let opening = FetchRequest {
        session_epoch: 0,
        ..fetch_request(0)
    };
    let opened = client.ask(12, &opening).await;
    assert_ne!(opened.session_id, 0);
    let next = |epoch, topics| FetchRequest {
        session_id: opened.session_id,
        session_epoch: epoch,
        topics,
        ..fetch_request(0)
    };
    let answer = client.ask(12, &next(1, fetch_request(1).topics)).await;
    assert!(answer.responses.is_empty());
    produce(&mut client, batch(&["b"])).await;
    let answer = client.ask(12, &next(2, Vec::new())).await;
    assert_eq!(values(only(&answer)), [(1, "b".to_owned())]);
    let answer = client.ask(12, &next(2, Vec::new())).await;
    assert_eq!(answer.error_code, ErrorCode::INVALID_FETCH_SESSION_EPOCH);
    let mut unknown = next(3, Vec::new());
    unknown.session_id += 1;
    let answer = client.ask(12, &unknown).await;
    assert_eq!(answer.error_code, ErrorCode::FETCH_SESSION_ID_NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn offsets_are_found_by_meaning_and_by_time_in_every_version() {
    let (_kafka, mut client) = one_topic().await;
    produce(
        &mut client,
        batch_at(&["a", "b", "c"], 5_000, (-1, -1, -1), false),
    )
    .await;
    produce(&mut client, batch_at(&["d"], 2_000, (-1, -1, -1), false)).await;
    for version in 1..=10 {
        for (asked, offset, since) in [
            (-1, 4, 1),
            (-2, 0, 1),
            (0, 0, 1),
            (5_001, 1, 1),
            (7_000, 2, 1),
            (7_001, -1, 1),
            (-3, 2, 7),
            (-4, 0, 8),
            (-5, -1, 9),
        ] {
            if version < since {
                continue;
            }
            let partition = ListOffsetsPartition::default()
                .with_timestamp(asked)
                .with_current_leader_epoch(-1);
            let topic = ListOffsetsTopic::default()
                .with_name(TopicName("t".into()))
                .with_partitions(vec![partition]);
            let request = ListOffsetsRequest::default().with_topics(vec![topic]);
            let answer = client.ask(version, &request).await;
            assert_eq!(
                answer.topics[0].partitions[0].offset, offset,
                "v{version} {asked}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_injected_error_hits_one_partition_and_is_applied_or_not() {
    use ekafka_protocol::ApiKey;
    let (kafka, mut client) = one_topic().await;
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::NOT_ENOUGH_REPLICAS);
    kafka
        .on_next(ApiKey::PRODUCE)
        .error_after(ErrorCode::REQUEST_TIMED_OUT);
    kafka
        .on_next(ApiKey::PRODUCE)
        .error(ErrorCode::KAFKA_STORAGE_ERROR)
        .partition("t", 1);
    let first = produce(&mut client, batch(&["a"])).await;
    assert_eq!(first.error_code, ErrorCode::NOT_ENOUGH_REPLICAS);
    assert_eq!(kafka.offsets("t", 0), Ok((0, 0)));
    let second = produce(&mut client, batch(&["a"])).await;
    assert_eq!(second.error_code, ErrorCode::REQUEST_TIMED_OUT);
    assert_eq!(kafka.offsets("t", 0), Ok((0, 1)));
    assert_eq!(
        produce(&mut client, batch(&["a"])).await.error_code,
        ErrorCode::NONE
    );
}

#[tokio::test(start_paused = true)]
async fn committed_reads_stop_at_open_transactions_and_learn_of_aborted_ones() {
    use ekafka_protocol::cold::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
    use ekafka_protocol::cold::{
        AddPartitionsToTxnRequest, EndTxnRequest, InitProducerIdRequest, TransactionalId,
    };
    let (_kafka, mut client) = one_topic().await;
    let id = || TransactionalId("x".into());
    let init = InitProducerIdRequest::default()
        .with_transactional_id(Some(id()))
        .with_transaction_timeout_ms(1_000);
    let init = client.ask(4, &init).await;
    let mut stray = produce_request(batch_at(&["a"], 0, (init.producer_id.0, 0, 0), true), -1);
    stray.transactional_id = Some("x".into());
    let refused = client.ask(11, &stray).await;
    assert_eq!(
        refused.responses[0].partition_responses[0].error_code,
        ErrorCode::INVALID_TXN_STATE
    );
    let topic = AddPartitionsToTxnTopic::default()
        .with_name(TopicName("t".into()))
        .with_partitions(vec![0]);
    let add = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(id())
        .with_v3_and_below_producer_id(init.producer_id)
        .with_v3_and_below_topics(vec![topic]);
    client.ask(3, &add).await;
    client.ask(11, &stray).await;
    let committed = FetchRequest {
        isolation_level: IsolationLevel::ReadCommitted,
        max_wait_ms: 0,
        ..fetch_request(0)
    };
    let answer = client.ask(12, &committed).await;
    assert_eq!(
        (
            values(only(&answer)).len(),
            only(&answer).last_stable_offset
        ),
        (0, 0)
    );
    let end = EndTxnRequest::default()
        .with_transactional_id(id())
        .with_producer_id(init.producer_id);
    assert_eq!(client.ask(3, &end).await.error_code, 0);
    let answer = client.ask(12, &committed).await;
    assert_eq!(only(&answer).last_stable_offset, 2);
    let aborted = only(&answer).aborted_transactions.clone().unwrap();
    assert_eq!(
        (aborted[0].producer_id, aborted[0].first_offset),
        (init.producer_id.0, 0)
    );
}
