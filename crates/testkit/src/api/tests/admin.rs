use ekafka_protocol::cold::alter_configs_request::{
    AlterConfigsResource as Replaced, AlterableConfig as ReplacedConfig,
};
use ekafka_protocol::cold::create_partitions_request::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use ekafka_protocol::cold::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use ekafka_protocol::cold::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use ekafka_protocol::cold::delete_topics_request::DeleteTopicState;
use ekafka_protocol::cold::describe_configs_request::DescribeConfigsResource;
use ekafka_protocol::cold::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use ekafka_protocol::cold::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use ekafka_protocol::cold::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use ekafka_protocol::cold::{
    AlterConfigsRequest, BrokerId, CreatePartitionsRequest, CreateTopicsRequest,
    DeleteRecordsRequest, DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest,
    GroupId, IncrementalAlterConfigsRequest, InitProducerIdRequest, OffsetDeleteRequest,
    OffsetForLeaderEpochRequest, TopicName,
};
use ekafka_protocol::{ErrorCode, Request};

use super::{RawClient, in_memory};
use crate::EmbeddedKafka;

fn name(name: &'static str) -> TopicName {
    TopicName(name.into())
}

fn topic(named: &'static str) -> CreatableTopic {
    CreatableTopic::default()
        .with_name(name(named))
        .with_num_partitions(1)
        .with_replication_factor(1)
}

fn assigned(replicas: &[i32]) -> CreatableReplicaAssignment {
    CreatableReplicaAssignment::default()
        .with_broker_ids(replicas.iter().copied().map(BrokerId).collect())
}

fn config(key: &'static str, value: &'static str) -> CreatableTopicConfig {
    CreatableTopicConfig::default()
        .with_name(key.into())
        .with_value(Some(value.into()))
}

#[tokio::test(start_paused = true)]
async fn topics_are_made_in_every_version_and_bad_ones_refused_with_kafkas_codes() {
    let kafka = in_memory(3).await;
    let mut client = RawClient::to(&kafka, 1);
    for version in CreateTopicsRequest::VERSIONS.iter() {
        let named = ["a", "b", "c", "d", "e", "f", "g", "h"][usize::try_from(version).unwrap()];
        let answer = client
            .ask(
                version,
                &CreateTopicsRequest::default().with_topics(vec![topic(named)]),
            )
            .await;
        assert_eq!(answer.topics[0].error_code, 0, "v{version}");
    }
    let by_hand = || {
        topic("x")
            .with_num_partitions(-1)
            .with_replication_factor(-1)
    };
    for (topics, expected) in [
        (vec![topic("c")], ErrorCode::TOPIC_ALREADY_EXISTS),
        (vec![topic("a/b")], ErrorCode::INVALID_TOPIC_EXCEPTION),
        (vec![topic("")], ErrorCode::INVALID_TOPIC_EXCEPTION),
        (vec![topic("x"), topic("x")], ErrorCode::INVALID_REQUEST),
        (
            vec![topic("x").with_num_partitions(0)],
            ErrorCode::INVALID_PARTITIONS,
        ),
        (
            vec![topic("x").with_replication_factor(4)],
            ErrorCode::INVALID_REPLICATION_FACTOR,
        ),
        (
            vec![topic("x").with_replication_factor(0)],
            ErrorCode::INVALID_REPLICATION_FACTOR,
        ),
        (
            vec![topic("x").with_configs(vec![config("no.such", "1")])],
            ErrorCode::INVALID_CONFIG,
        ),
        (
            vec![topic("x").with_configs(vec![config("retention.ms", "soon")])],
            ErrorCode::INVALID_CONFIG,
        ),
        (
            vec![topic("x").with_assignments(vec![assigned(&[1])])],
            ErrorCode::INVALID_REQUEST,
        ),
        (
            vec![by_hand().with_assignments(vec![assigned(&[1, 1])])],
            ErrorCode::INVALID_REPLICA_ASSIGNMENT,
        ),
        (
            vec![by_hand().with_assignments(vec![assigned(&[9])])],
            ErrorCode::INVALID_REPLICA_ASSIGNMENT,
        ),
    ] {
        let answer = client
            .ask(5, &CreateTopicsRequest::default().with_topics(topics))
            .await;
        assert_eq!(answer.topics.len(), 1);
        assert_eq!(
            answer.topics[0].error_code, expected.0,
            "{:?}",
            answer.topics[0]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn topics_are_only_checked_when_asked_so_and_lie_where_they_are_put() {
    let kafka = in_memory(3).await;
    let mut client = RawClient::to(&kafka, 1);
    let dry = CreateTopicsRequest::default()
        .with_topics(vec![topic("x")])
        .with_validate_only(true);
    assert_eq!(client.ask(5, &dry).await.topics[0].error_code, 0);
    assert!(kafka.leader("x", 0).is_err());
    let by_hand = topic("x")
        .with_num_partitions(-1)
        .with_replication_factor(-1);
    let sound = by_hand.with_assignments(vec![assigned(&[3, 1])]);
    let answer = client
        .ask(7, &CreateTopicsRequest::default().with_topics(vec![sound]))
        .await;
    assert_eq!(
        (
            answer.topics[0].num_partitions,
            answer.topics[0].replication_factor
        ),
        (1, 2)
    );
    assert_eq!(kafka.leader("x", 0), Ok(3));
}

#[tokio::test(start_paused = true)]
async fn only_the_controller_serves_where_the_cluster_insists() {
    let builder = EmbeddedKafka::builder()
        .nodes(2)
        .in_memory()
        .insist_on_controller(true);
    let kafka = builder.start().await.unwrap();
    let request = CreateTopicsRequest::default().with_topics(vec![topic("t")]);
    let answer = RawClient::to(&kafka, 2).ask(5, &request).await;
    assert_eq!(answer.topics[0].error_code, ErrorCode::NOT_CONTROLLER.0);
    let answer = RawClient::to(&kafka, kafka.controller())
        .ask(5, &request)
        .await;
    assert_eq!(answer.topics[0].error_code, 0);
}

#[tokio::test(start_paused = true)]
async fn topics_are_deleted_by_name_or_id() {
    let kafka = in_memory(1).await;
    let mut client = RawClient::to(&kafka, 1);
    for version in DeleteTopicsRequest::VERSIONS.iter() {
        let id = kafka.create_topic("t", 1).unwrap();
        let request = match version {
            6.. => DeleteTopicsRequest::default()
                .with_topics(vec![DeleteTopicState::default().with_topic_id(id)]),
            _ => DeleteTopicsRequest::default().with_topic_names(vec![name("t")]),
        };
        assert_eq!(
            client.ask(version, &request).await.responses[0].error_code,
            0,
            "v{version}"
        );
        let again = client.ask(version, &request).await.responses[0].error_code;
        let expected = if version >= 6 {
            ErrorCode::UNKNOWN_TOPIC_ID
        } else {
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        };
        assert_eq!(again, expected.0);
    }
}

#[tokio::test(start_paused = true)]
async fn partitions_are_added_and_never_taken_away() {
    let kafka = in_memory(2).await;
    kafka.create_topic("t", 2).unwrap();
    let mut client = RawClient::to(&kafka, 1);
    let ask = |count| {
        CreatePartitionsTopic::default()
            .with_name(name("t"))
            .with_count(count)
    };
    let none = || ask(0).with_assignments(None);
    let by_hand = CreatePartitionsAssignment::default().with_broker_ids(vec![BrokerId(2)]);
    for (version, topic, expected) in [
        (0, none().with_count(2), ErrorCode::INVALID_PARTITIONS),
        (1, none().with_count(1), ErrorCode::INVALID_PARTITIONS),
        (2, none().with_count(3), ErrorCode::NONE),
        (
            3,
            none().with_count(4).with_name(name("x")),
            ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
        ),
        (
            3,
            ask(5).with_assignments(Some(vec![by_hand.clone()])),
            ErrorCode::INVALID_REPLICA_ASSIGNMENT,
        ),
        (
            3,
            ask(4).with_assignments(Some(vec![by_hand])),
            ErrorCode::NONE,
        ),
    ] {
        let answer = client
            .ask(
                version,
                &CreatePartitionsRequest::default().with_topics(vec![topic]),
            )
            .await;
        assert_eq!(answer.results[0].error_code, expected.0);
    }
    assert_eq!(
        (kafka.leader("t", 3), kafka.leader("t", 4).is_err()),
        (Ok(2), true)
    );
}

#[tokio::test(start_paused = true)]
async fn configurations_are_described_replaced_and_changed_one_by_one() {
    let kafka = in_memory(1).await;
    kafka.create_topic("t", 1).unwrap();
    let mut client = RawClient::to(&kafka, 1);
    let resource = DescribeConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name("t".into())
        .with_configuration_keys(Some(vec!["cleanup.policy".into()]));
    let describe = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let change = |operation, value: &'static str| {
        let config = AlterableConfig::default()
            .with_name("cleanup.policy".into())
            .with_config_operation(operation)
            .with_value(Some(value.into()));
        let resource = AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name("t".into())
            .with_configs(vec![config]);
        IncrementalAlterConfigsRequest::default().with_resources(vec![resource])
    };
    for (version, operation, value, expected) in [
        (0, 0, "compact", "compact"),
        (1, 2, "delete", "compact,delete"),
        (1, 3, "compact", "delete"),
    ] {
        assert_eq!(
            client
                .ask(version, &change(operation, value))
                .await
                .responses[0]
                .error_code,
            0
        );
        for version in DescribeConfigsRequest::VERSIONS.iter() {
            let answer = client.ask(version, &describe).await;
            let found = &answer.results[0].configs[0];
            assert_eq!(
                (found.value.as_deref(), found.config_source),
                (Some(expected), 1)
            );
        }
    }
    let other = ReplacedConfig::default()
        .with_name("retention.ms".into())
        .with_value(Some("5".into()));
    let resource = Replaced::default()
        .with_resource_type(2)
        .with_resource_name("t".into())
        .with_configs(vec![other]);
    let replace = AlterConfigsRequest::default().with_resources(vec![resource]);
    for version in AlterConfigsRequest::VERSIONS.iter() {
        assert_eq!(
            client.ask(version, &replace).await.responses[0].error_code,
            0
        );
    }
    let answer = client.ask(4, &describe).await;
    assert_eq!(answer.results[0].configs[0].config_source, 5);
    let broker = DescribeConfigsResource::default()
        .with_resource_type(4)
        .with_resource_name("1".into());
    let describe = DescribeConfigsRequest::default()
        .with_resources(vec![broker.with_configuration_keys(None)]);
    let answer = client.ask(4, &describe).await;
    assert!(
        answer.results[0]
            .configs
            .iter()
            .any(|config| config.name.as_str() == "num.partitions")
    );
}

#[tokio::test(start_paused = true)]
async fn the_cluster_records_epochs_and_producer_ids_answer_in_every_version() {
    let kafka = in_memory(1).await;
    kafka.create_topic("t", 1).unwrap();
    kafka
        .plant("t", 0, bytes::Bytes::from_static(b"anything"), 3, 0)
        .unwrap();
    kafka.move_leader("t", 0, 1).unwrap();
    let mut client = RawClient::to(&kafka, 1);
    for version in DescribeClusterRequest::VERSIONS.iter() {
        let answer = client
            .ask(
                version,
                &DescribeClusterRequest::default().with_endpoint_type(1),
            )
            .await;
        assert_eq!((answer.error_code, answer.brokers.len()), (0, 1));
    }
    for version in InitProducerIdRequest::VERSIONS.iter() {
        let answer = client
            .ask(
                version,
                &InitProducerIdRequest::default().with_transactional_id(None),
            )
            .await;
        assert_eq!(
            (answer.producer_id.0, answer.producer_epoch),
            (i64::from(version), 0)
        );
    }
    for version in OffsetForLeaderEpochRequest::VERSIONS.iter() {
        let partition = OffsetForLeaderPartition::default()
            .with_current_leader_epoch(1)
            .with_leader_epoch(0);
        let topic = OffsetForLeaderTopic::default()
            .with_topic(name("t"))
            .with_partitions(vec![partition]);
        let answer = client
            .ask(
                version,
                &OffsetForLeaderEpochRequest::default().with_topics(vec![topic]),
            )
            .await;
        let found = &answer.topics[0].partitions[0];
        assert_eq!(
            (found.error_code, found.leader_epoch, found.end_offset),
            (0, 0, 3)
        );
    }
    for (version, offset, expected) in [
        (0, 4, (ErrorCode::OFFSET_OUT_OF_RANGE, -1)),
        (1, 2, (ErrorCode::NONE, 2)),
        (2, 1, (ErrorCode::NONE, 2)),
        (2, -1, (ErrorCode::NONE, 3)),
    ] {
        let partition = DeleteRecordsPartition::default().with_offset(offset);
        let topic = DeleteRecordsTopic::default()
            .with_name(name("t"))
            .with_partitions(vec![partition]);
        let answer = client
            .ask(
                version,
                &DeleteRecordsRequest::default().with_topics(vec![topic]),
            )
            .await;
        let found = &answer.topics[0].partitions[0];
        assert_eq!((ErrorCode(found.error_code), found.low_watermark), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn offsets_are_deleted_from_groups_that_exist() {
    let kafka = in_memory(1).await;
    let mut client = RawClient::to(&kafka, 1);
    let partition = OffsetDeleteRequestPartition::default();
    let topic = OffsetDeleteRequestTopic::default()
        .with_name(name("t"))
        .with_partitions(vec![partition]);
    let request = OffsetDeleteRequest::default()
        .with_group_id(GroupId("g".into()))
        .with_topics(vec![topic]);
    assert_eq!(
        client.ask(0, &request).await.error_code,
        ErrorCode::GROUP_ID_NOT_FOUND.0
    );
    kafka
        .shared()
        .cluster()
        .groups
        .at_or_new("g", tokio::time::Instant::now());
    assert_eq!(
        client.ask(0, &request).await.topics[0].partitions[0].error_code,
        0
    );
}
