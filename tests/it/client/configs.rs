use ekafka_admin::{
    Client, ConfigChange, ConfigEntry, ConfigResource, ConfigSource, DescribeConfigs,
    IncrementalAlterConfigs,
};
use ekafka_conn::BrokerId;
use ekafka_protocol::ErrorCode;

use super::client;
use crate::support::Kafka;

const NAME: &str = "max.message.bytes";

/// The setting as the cluster tells it, a moment after it was changed.
async fn until(client: &Client, topic: &ConfigResource, value: Option<&str>) -> ConfigEntry {
    loop {
        let wanted = DescribeConfigs::of([topic.clone()])
            .names([NAME])
            .synonyms(true);
        let found = client
            .describe_configs(wanted)
            .await
            .expect("an answer")
            .all()
            .expect("an answer");
        let [entry] = &found[0].1[..] else {
            panic!("{found:?}");
        };
        let is_set = entry.source == ConfigSource::Topic;
        if is_set == value.is_some()
            && value.is_none_or(|value| entry.value.as_deref() == Some(value))
        {
            return entry.clone();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn t167_a_topics_settings_are_described_and_changed_one_by_one() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let name = kafka.topic(1).await;
    let topic = ConfigResource::Topic(name);
    let before = until(&client, &topic, None).await;
    assert!(!before.is_sensitive && before.documentation.is_none());

    let change = |change| IncrementalAlterConfigs::new().change(topic.clone(), NAME, change);
    let set = change(ConfigChange::Set("4096".to_owned()));
    let only = set.clone().validate_only(true);
    client
        .incremental_alter_configs(only)
        .await
        .unwrap()
        .all()
        .unwrap();
    until(&client, &topic, None).await;
    client
        .incremental_alter_configs(set)
        .await
        .unwrap()
        .all()
        .unwrap();
    let after = until(&client, &topic, Some("4096")).await;
    assert_eq!(after.synonyms[0].source, ConfigSource::Topic);

    let wrong = change(ConfigChange::Set("many".to_owned()));
    let refused = client.incremental_alter_configs(wrong).await.unwrap();
    assert_eq!(
        refused.all().unwrap_err().code(),
        Some(ErrorCode::INVALID_CONFIG)
    );

    client
        .incremental_alter_configs(change(ConfigChange::Delete))
        .await
        .unwrap()
        .all()
        .unwrap();
    assert_eq!(until(&client, &topic, None).await.value, before.value);
}

#[tokio::test]
async fn every_broker_tells_its_own_settings() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let brokers = client.describe_cluster().await.unwrap().brokers;
    let resources = brokers
        .iter()
        .map(|broker| ConfigResource::Broker(BrokerId(broker.id)));
    let found = client
        .describe_configs(DescribeConfigs::of(resources))
        .await
        .unwrap();
    let found = found.all().unwrap();
    assert_eq!(found.len(), brokers.len());
    for (resource, entries) in &found {
        assert!(!entries.is_empty(), "{resource:?}");
    }
    let unknown = [ConfigResource::Broker(BrokerId(9_999))];
    client.describe_configs(unknown).await.unwrap_err();
}

#[tokio::test]
async fn a_missing_topics_settings_are_refused() {
    let kafka = Kafka::start().await;
    let missing = [ConfigResource::Topic(kafka.unique("absent"))];
    let found = client(&kafka).describe_configs(missing).await.unwrap();
    let code = found.all().unwrap_err().code();
    assert_eq!(code, Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
}
