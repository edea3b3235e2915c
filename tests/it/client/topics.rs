use ekafka_admin::{AdminError, CreatePartitions, Metadata, OffsetSpec};
use ekafka_conn::{Record, TopicConfig};
use ekafka_protocol::ErrorCode;

use super::{at, client};
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

#[tokio::test]
async fn t162_partitions_are_added_with_and_without_a_choice_of_brokers() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let (one, two) = (kafka.topic(1).await, kafka.topic(1).await);
    let described = client.describe_cluster().await.unwrap();
    let last = described.brokers.last().unwrap().id;
    let replicas = client.metadata([&two]).await.unwrap().topics[0].partitions[0]
        .replicas
        .len();
    let mut chosen: Vec<i32> = described
        .brokers
        .iter()
        .map(|broker| broker.id)
        .rev()
        .collect();
    chosen.truncate(replicas);
    let grown = CreatePartitions::new()
        .topic(&one, 3)
        .topic_on(&two, 2, vec![chosen]);
    let only = grown.clone().validate_only(true);
    client.create_partitions(only).await.unwrap().all().unwrap();
    client
        .create_partitions(grown)
        .await
        .unwrap()
        .all()
        .unwrap();
    kafka.until_led(&one, 3).await;
    kafka.until_led(&two, 2).await;
    let found = client.metadata([&one, &two]).await.unwrap();
    let topic = |name: &str| {
        found
            .topics
            .iter()
            .find(|topic| topic.name == name)
            .unwrap()
    };
    assert_eq!(topic(&one).partitions.len(), 3);
    assert_eq!(topic(&two).partitions[1].replicas[0].id, last);

    let fewer = CreatePartitions::new().topic(&one, 2);
    let refused = client
        .create_partitions(fewer)
        .await
        .unwrap()
        .all()
        .unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::INVALID_PARTITIONS));
}

#[tokio::test]
async fn records_are_deleted_up_to_an_offset_or_all() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let topic = kafka.topic(1).await;
    let writer = kafka.writer(&topic).build().unwrap();
    let records: Vec<Record<'_>> = (0..5).map(|_| Record::new("value")).collect();
    writer.write(&records).await.unwrap();
    writer.close().await.unwrap();
    let partition = at(&topic, 0);
    let delete = async |before| {
        let deleted = client
            .delete_records([(partition.clone(), before)])
            .await
            .unwrap();
        deleted.all().map(|deleted| deleted[0].1)
    };
    assert_eq!(delete(Some(2)).await.unwrap(), 2);
    let first = client
        .list_offsets([(partition.clone(), OffsetSpec::First)])
        .await;
    assert_eq!(first.unwrap().all().unwrap()[0].1.offset, Some(2));
    assert_eq!(delete(None).await.unwrap(), 5);
    let beyond = delete(Some(9)).await.unwrap_err();
    assert_eq!(beyond.code(), Some(ErrorCode::OFFSET_OUT_OF_RANGE));
}

#[tokio::test]
async fn a_cluster_is_described_as_metadata_describes_it() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let described = client.describe_cluster().await.unwrap();
    let metadata = client.metadata(Metadata::brokers_only()).await.unwrap();
    assert_eq!(Some(&described.cluster_id), metadata.cluster_id.as_ref());
    let mut brokers = metadata.brokers;
    brokers.sort_by_key(|broker| broker.id);
    assert_eq!(described.brokers, brokers);
}
