use std::collections::BTreeSet;

use ekafka_conn::{Conn, Dialer, Partition, TopicConfig};
use ekafka_protocol::{ApiKey, ErrorCode};

use super::{any, controller, known_to_leader, leader, leader_of};
use crate::support::Kafka;

/// The partitions of a topic, once it has leaders or is gone, whichever `wanted` says.
async fn settled(conn: &Conn, topic: &str, wanted: usize) -> Vec<Partition> {
    loop {
        match conn.read_partitions(&[topic]).await {
            Ok(found)
                if found.len() == wanted && found.iter().all(|found| found.leader.id >= 0) =>
            {
                return found;
            }
            Err(error)
                if wanted == 0 && error.code() == Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) =>
            {
                return Vec::new();
            }
            // Real brokers take a moment to tell each other.
            Ok(_) => tokio::task::yield_now().await,
            Err(error) if error.is_retriable() => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn t31_s1_28_topics_are_created_once_and_again_without_error() {
    let kafka = Kafka::start().await;
    let conn = controller(&kafka).await;
    let (one, two) = (kafka.unique("one"), kafka.unique("two"));
    let config = TopicConfig::new(&one, 1, 1);
    conn.create_topics(&[config.clone(), TopicConfig::new(&two, 3, 1)])
        .await
        .unwrap();
    assert_eq!(settled(&conn, &one, 1).await.len(), 1);
    assert_eq!(settled(&conn, &two, 3).await.len(), 3);
    conn.create_topics(&[config]).await.unwrap();
}

#[tokio::test]
async fn t31_the_same_name_twice_in_one_request_is_invalid() {
    let kafka = Kafka::start().await;
    let conn = controller(&kafka).await;
    let config = TopicConfig::new(kafka.unique("twice"), 1, 1);
    let error = conn
        .create_topics(&[config.clone(), config])
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::INVALID_REQUEST));
}

#[tokio::test]
async fn s1_29_more_replicas_than_brokers_are_refused() {
    let kafka = Kafka::start().await;
    let conn = controller(&kafka).await;
    let config = TopicConfig::new(kafka.unique("wide"), 1, 5);
    let error = conn.create_topics(&[config]).await.unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::INVALID_REPLICATION_FACTOR));
}

#[tokio::test]
async fn replicas_and_settings_can_be_chosen() {
    let kafka = Kafka::start().await;
    let conn = controller(&kafka).await;
    let ids: Vec<i32> = conn
        .brokers()
        .await
        .unwrap()
        .iter()
        .map(|broker| broker.id)
        .collect();
    let [first, second, ..] = ids[..] else { return };
    let topic = kafka.unique("chosen");
    let config = TopicConfig {
        replica_assignments: vec![(0, vec![second, first]), (1, vec![first, second])],
        config_entries: vec![(
            "message.timestamp.type".to_owned(),
            "LogAppendTime".to_owned(),
        )],
        ..TopicConfig::new(&topic, -1, -1)
    };
    conn.create_topics(&[config]).await.unwrap();
    let mut found = settled(&conn, &topic, 2).await;
    found.sort_by_key(|partition| partition.id);
    assert_eq!(found[0].leader.id, second);
    let replicas: Vec<i32> = found[1].replicas.iter().map(|broker| broker.id).collect();
    assert_eq!(replicas, [first, second]);
}

#[tokio::test]
async fn t23_deleted_topics_are_gone() {
    let kafka = Kafka::start().await;
    let (one, two) = (kafka.topic(1).await, kafka.topic(2).await);
    let conn = controller(&kafka).await;
    conn.delete_topics(&[&one, &two]).await.unwrap();
    settled(&conn, &one, 0).await;
    settled(&conn, &two, 0).await;
}

#[tokio::test]
async fn t23_deleting_an_unknown_topic_is_an_error() {
    let kafka = Kafka::start().await;
    let conn = controller(&kafka).await;
    let error = conn
        .delete_topics(&[&kafka.unique("absent")])
        .await
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
}

#[tokio::test]
async fn t24_s1_26_controller_is_one_of_the_brokers() {
    let kafka = Kafka::start().await;
    let conn = any(&kafka).await;
    let brokers = conn.brokers().await.unwrap();
    assert_eq!(brokers.len(), kafka.brokers().len());
    let listed: BTreeSet<String> = brokers.iter().map(ekafka_conn::Broker::address).collect();
    assert_eq!(listed, kafka.brokers().iter().cloned().collect());
    // With KRaft each answer may name another broker, so ask once.
    let controller = conn.controller().await.unwrap();
    assert!(brokers.contains(&controller), "{controller:?}");
}

#[tokio::test]
async fn t25_broker_is_the_leader_dialled() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(1).await;
    let conn = leader_of(&kafka, &topic).await;
    let found = conn.read_partitions(&[]).await.unwrap();
    assert_eq!(conn.broker(), &found[0].leader);
    assert!(conn.broker().id >= 0 && conn.broker().port > 0);
}

#[tokio::test]
async fn t26_s1_32_partitions_of_all_topics() {
    let kafka = Kafka::start().await;
    let (one, two) = (kafka.topic(1).await, kafka.topic(2).await);
    let found = any(&kafka).await.read_partitions(&[]).await.unwrap();
    let ids = |topic: &str| -> Vec<i32> {
        let mut ids: Vec<i32> = found
            .iter()
            .filter(|partition| partition.topic == topic)
            .map(|partition| partition.id)
            .collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!((ids(&one), ids(&two)), (vec![0], vec![0, 1]));
}

#[tokio::test]
async fn partitions_of_the_connections_own_topic_by_default() {
    let kafka = Kafka::start().await;
    kafka.topic(1).await;
    let conn = leader(&kafka).await;
    let found = conn.read_partitions(&[]).await.unwrap();
    assert!(
        found
            .iter()
            .all(|partition| partition.topic == conn.topic())
    );
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn s3_54_one_connection_for_each_partition() {
    let kafka = Kafka::start().await;
    let topic = kafka.topic(3).await;
    let conn = leader_of(&kafka, &topic).await;
    for partition in conn.read_partitions(&[]).await.unwrap() {
        let own = Dialer::default().dial_partition(&partition).await.unwrap();
        known_to_leader(&own).await;
        assert_eq!(own.write(b"x").await.unwrap(), 1);
        assert_eq!(own.read_offsets().await.unwrap(), (0, 1));
        assert_eq!(own.partition(), partition.id);
    }
}

#[tokio::test]
async fn versions_are_listed() {
    let kafka = Kafka::start().await;
    let versions = any(&kafka).await.api_versions().await.unwrap();
    for api in [
        ApiKey::PRODUCE,
        ApiKey::FETCH,
        ApiKey::METADATA,
        ApiKey::API_VERSIONS,
    ] {
        let (_, range) = versions
            .iter()
            .find(|(listed, _)| *listed == api)
            .expect("listed");
        assert!(range.max > range.min, "{api} {range}");
    }
}

#[tokio::test]
async fn s1_25_topic_can_be_created_where_asking_creates_none() {
    let kafka = Kafka::start().await;
    let conn = controller(&kafka).await;
    let topic = kafka.unique("explicit");
    settled(&conn, &topic, 0).await;
    conn.create_topics(&[TopicConfig::new(&topic, 1, 1)])
        .await
        .unwrap();
    settled(&conn, &topic, 1).await;
    kafka.until_led(&topic, 1).await;
    assert_eq!(
        leader_of(&kafka, &topic).await.write(b"x").await.unwrap(),
        1
    );
}
