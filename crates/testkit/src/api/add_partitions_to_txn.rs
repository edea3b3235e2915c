//! AddPartitionsToTxn, versions 0 to 3: what clients send; later versions are for brokers among each other (KIP-890).

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use ekafka_protocol::cold::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};

use super::{Answer, Call, Refusal, answer};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = AddPartitionsToTxnRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> AddPartitionsToTxnResponse {
    let checked = check(cluster, call, &request);
    let is_known = |topic: &str, number: &i32| cluster.partition(topic, *number).is_some();
    let asked = request.v3_and_below_topics.iter();
    let is_all_known = asked.clone().all(|topic| {
        topic
            .partitions
            .iter()
            .all(|number| is_known(&topic.name, number))
    });
    let results = asked.map(|topic| {
        let partitions = topic.partitions.iter().map(|number| {
            let code = match checked {
                Err(code) => code,
                Ok(()) if !is_known(&topic.name, number) => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
                // All or nothing.
                Ok(()) if !is_all_known => ErrorCode::OPERATION_NOT_ATTEMPTED,
                Ok(()) => call.verdict_for(&topic.name, *number, ErrorCode::NONE),
            };
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*number)
                .with_partition_error_code(code.0)
        });
        let partitions = partitions.collect();
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(partitions)
    });
    let results = results.collect();
    let producer = cluster
        .transactions
        .by_id
        .get_mut(request.v3_and_below_transactional_id.as_str());
    if let Some(producer) = producer.filter(|_| checked.is_ok() && is_all_known) {
        for topic in &request.v3_and_below_topics {
            for number in &topic.partitions {
                producer.add_partition(&topic.name, *number);
            }
        }
    }
    AddPartitionsToTxnResponse::default()
        .with_throttle_time_ms(cluster.throttle_ms())
        .with_results_by_topic_v3_and_below(results)
}

fn check(cluster: &mut Cluster, call: &Call, request: &Request) -> Result<(), ErrorCode> {
    if let Some(code) = call.refused() {
        return Err(code);
    }
    let id = &request.v3_and_below_transactional_id;
    cluster.check_coordinator(call.node, id)?;
    let (producer_id, epoch) = (
        request.v3_and_below_producer_id.0,
        request.v3_and_below_producer_epoch,
    );
    cluster.transactions.owned(id, producer_id, epoch).map(drop)
}
