//! ElectLeaders, versions 0 to 2. Preferred: the first replica, if it is up and in sync; unclean: the first that is up.

use bytes::Bytes;
use ekafka_protocol::ErrorCode;
use ekafka_protocol::cold::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use ekafka_protocol::cold::{ElectLeadersRequest, ElectLeadersResponse};

use super::{Answer, Call, Refusal, answer, text};
use crate::cluster::Cluster;
use crate::server::Shared;

pub(super) type Request = ElectLeadersRequest;

pub(super) fn handle(shared: &Shared, call: &Call, body: Bytes) -> Result<Answer, Refusal> {
    answer::<Request>(shared, call, body, decide)
}

fn decide(cluster: &mut Cluster, call: &Call, request: Request) -> ElectLeadersResponse {
    let response = ElectLeadersResponse::default().with_throttle_time_ms(cluster.throttle_ms());
    let refused = call
        .refused()
        .or_else(|| cluster.check_controller(call.node).err());
    if let Some(code) = refused {
        return response.with_error_code(if call.version >= 1 { code.0 } else { 0 });
    }
    let is_clean = request.election_type == 0;
    let topics = request.topic_partitions.unwrap_or_default();
    let results = topics.into_iter().map(|wanted| {
        let partitions = wanted.partitions.iter().map(|number| {
            let code = elect(cluster, &wanted.topic, *number, is_clean).err();
            PartitionResult::default()
                .with_partition_id(*number)
                .with_error_code(code.unwrap_or(ErrorCode::NONE).0)
                .with_error_message(code.map(|code| text(code.message())))
        });
        let partitions = partitions.collect();
        ReplicaElectionResult::default()
            .with_topic(wanted.topic)
            .with_partition_result(partitions)
    });
    let results = results.collect();
    response.with_replica_election_results(results)
}

fn elect(cluster: &mut Cluster, topic: &str, number: i32, is_clean: bool) -> Result<(), ErrorCode> {
    let partition = cluster
        .partition(topic, number)
        .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let is_up = |id: &&i32| cluster.nodes.get(id).is_some_and(|node| node.is_up);
    let (found, missing) = if is_clean {
        let first = partition.replicas.first().filter(is_up);
        let first = first.filter(|id| partition.in_sync.contains(id));
        (first, ErrorCode::PREFERRED_LEADER_NOT_AVAILABLE)
    } else {
        let first = partition.replicas.iter().find(is_up);
        (first, ErrorCode::ELIGIBLE_LEADERS_NOT_AVAILABLE)
    };
    let leader = *found.ok_or(missing)?;
    let is_needed = partition.leader != leader && (is_clean || partition.leader == -1);
    if !is_needed {
        return Err(ErrorCode::ELECTION_NOT_NEEDED);
    }
    cluster.move_leader(topic, number, leader)
}
