use ekafka_admin::{ElectionType, OffsetSpec};
use ekafka_conn::BrokerId;
use ekafka_protocol::ErrorCode;

use super::{at, client};
use crate::support::{Kafka, in_time};

#[tokio::test]
async fn t170_partitions_are_moved_and_their_preferred_leaders_elected() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let (one, two) = (kafka.topic(2).await, kafka.topic(1).await);
    let brokers = client.describe_cluster().await.unwrap().brokers;
    let ids: Vec<BrokerId> = brokers.iter().map(|broker| BrokerId(broker.id)).collect();
    let last = *ids.last().unwrap();
    let mut turned = ids.clone();
    turned.reverse();

    let partitions = [at(&one, 0), at(&one, 1), at(&two, 0)];
    let moves = partitions
        .clone()
        .map(|partition| (partition, Some(turned.clone())));
    let moved = client.alter_partition_reassignments(moves).await.unwrap();
    moved.all().unwrap();
    in_time(async {
        let among = Some(partitions.to_vec());
        while !client
            .list_partition_reassignments(among.clone())
            .await
            .unwrap()
            .is_empty()
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let found = client.metadata([&one, &two]).await.unwrap();
    for partition in found.topics.iter().flat_map(|topic| &topic.partitions) {
        let replicas: Vec<i32> = partition.replicas.iter().map(|broker| broker.id).collect();
        let wanted: Vec<i32> = turned.iter().map(|id| id.0).collect();
        assert_eq!(replicas, wanted, "{partition:?}");
    }

    // On a real Kafka the controller may know of replicas in sync a moment later.
    in_time(async {
        loop {
            let elected = client
                .elect_leaders(ElectionType::Preferred, partitions.clone())
                .await;
            if elected
                .unwrap()
                .all()
                .is_ok_and(|all| all.iter().all(|(_, again)| !again))
            {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    in_time(async {
        loop {
            let found = client.metadata([&one, &two]).await.unwrap();
            let mut all = found.topics.iter().flat_map(|topic| &topic.partitions);
            if all.all(|partition| partition.leader.id == last.0) {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let ends = partitions.map(|partition| (partition, OffsetSpec::Last));
    client.list_offsets(ends).await.unwrap().all().unwrap();
}

#[tokio::test]
async fn a_move_that_cannot_be_is_refused_alone() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let topic = kafka.topic(2).await;
    let moves = [
        (at(&topic, 0), None),
        (at(&topic, 1), Some(vec![BrokerId(9_999)])),
    ];
    let outcomes = client.alter_partition_reassignments(moves).await.unwrap();
    let codes: Vec<Option<ErrorCode>> = outcomes
        .iter()
        .map(|(_, outcome)| outcome.err().and_then(ekafka_admin::AdminError::code))
        .collect();
    let wanted = [
        ErrorCode::NO_REASSIGNMENT_IN_PROGRESS,
        ErrorCode::INVALID_REPLICA_ASSIGNMENT,
    ];
    assert_eq!(codes, wanted.map(Some));
    let absent = [at(&kafka.unique("absent"), 0)];
    let refused = client.elect_leaders(ElectionType::Preferred, absent).await;
    let code = refused.unwrap().all().unwrap_err().code();
    assert_eq!(code, Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
}
