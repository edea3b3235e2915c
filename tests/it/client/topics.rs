use ekafka_admin::{AdminError, Metadata};
use ekafka_conn::TopicConfig;
use ekafka_protocol::ErrorCode;

use super::client;
use crate::support::Kafka;

#[tokio::test]
async fn t161_metadata_has_brokers_leaders_and_exactly_the_topic_asked_for() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let topic = kafka.topic(2).await;
    let found = client.metadata([&topic]).await.unwrap();
    assert!(!found.brokers.is_empty());
    assert!(found.controller.is_some() && found.cluster_id.is_some());
    let [described] = &found.topics[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        (&described.name, described.error),
        (&topic, ErrorCode::NONE)
    );
    assert!(!described.is_internal);
    let ids: Vec<i32> = described.partitions.iter().map(|found| found.id).collect();
    assert_eq!(ids, [0, 1]);
    for partition in &described.partitions {
        assert_eq!(partition.error, ErrorCode::NONE);
        let known = found.brokers.contains(&partition.leader);
        assert!(known, "{partition:?}");
    }
}

#[tokio::test]
async fn all_topics_or_none_can_be_described() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let topic = kafka.topic(1).await;
    let all = client.metadata(Metadata::all_topics()).await.unwrap();
    assert!(all.topics.iter().any(|known| known.name == topic));
    let none = client.metadata(Metadata::brokers_only()).await.unwrap();
    assert!(none.topics.is_empty() && !none.brokers.is_empty());
}

#[tokio::test]
async fn t162_topics_are_created_used_at_once_and_deleted() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let (one, two) = (kafka.unique("one"), kafka.unique("two"));
    let mut second = TopicConfig::new(&two, 3, 1);
    second.config_entries = vec![("retention.ms".to_owned(), "60000".to_owned())];
    let made = client
        .create_topics([TopicConfig::new(&one, 1, 1), second])
        .await;
    made.unwrap().all().unwrap();
    let found = client.metadata([&two]).await.unwrap();
    assert_eq!(found.topics[0].partitions.len(), 3);

    let again = client.create_topics([TopicConfig::new(&one, 1, 1)]).await;
    let again = again.unwrap().all().unwrap_err();
    assert_eq!(again.code(), Some(ErrorCode::TOPIC_ALREADY_EXISTS));

    let absent = kafka.unique("absent");
    let gone = client.delete_topics([&one, &absent, &two]).await.unwrap();
    let codes: Vec<Option<ErrorCode>> = gone
        .iter()
        .map(|(_, outcome)| outcome.err().and_then(AdminError::code))
        .collect();
    assert_eq!(
        codes,
        [None, Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION), None]
    );
}

#[tokio::test]
async fn a_creation_that_cannot_be_is_refused_with_the_brokers_words() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let wide = TopicConfig::new(kafka.unique("wide"), 1, 99);
    let error = client
        .create_topics([wide])
        .await
        .unwrap()
        .all()
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::INVALID_REPLICATION_FACTOR));
    assert!(error.to_string().contains("wide"), "{error}");
}
