use std::collections::BTreeMap;

use ekafka_admin::{AlterClientQuotas, Client, DescribeClientQuotas, QuotaEntity};
use ekafka_protocol::ErrorCode;

use super::client;
use crate::support::{Kafka, in_time};

const RATE: &str = "producer_byte_rate";

/// Waits until the client id has these quotas; other brokers learn them a moment later.
async fn until(client: &Client, id: &str, wanted: &[(&str, f64)]) {
    let wanted: BTreeMap<String, f64> = wanted
        .iter()
        .map(|(name, value)| ((*name).to_owned(), *value))
        .collect();
    in_time(async {
        loop {
            let which = DescribeClientQuotas::all()
                .named("client-id", id)
                .strict(true);
            let found = client
                .describe_client_quotas(which)
                .await
                .expect("an answer");
            let quotas: Vec<&BTreeMap<String, f64>> = found
                .iter()
                .map(|(_, quotas)| quotas)
                .filter(|quotas| !quotas.is_empty())
                .collect();
            if quotas.is_empty() && wanted.is_empty() || quotas == [&wanted] {
                break;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn t169_quotas_are_set_described_and_removed() {
    let kafka = Kafka::start().await;
    let client = client(&kafka);
    let id = kafka.unique("client");
    let entity = QuotaEntity::client_id(&id);
    let set = AlterClientQuotas::new()
        .set(entity.clone(), RATE, 4_096.0)
        .set(entity.clone(), "request_percentage", 12.5);
    let only = set.clone().validate_only(true);
    client
        .alter_client_quotas(only)
        .await
        .unwrap()
        .all()
        .unwrap();
    until(&client, &id, &[]).await;
    client
        .alter_client_quotas(set)
        .await
        .unwrap()
        .all()
        .unwrap();
    until(
        &client,
        &id,
        &[(RATE, 4_096.0), ("request_percentage", 12.5)],
    )
    .await;

    let all = client
        .describe_client_quotas(DescribeClientQuotas::all().any("client-id"))
        .await;
    assert!(all.unwrap().iter().any(|(known, _)| *known == entity));
    let users = DescribeClientQuotas::all().default_of("user");
    let users = client.describe_client_quotas(users).await.unwrap();
    assert!(users.iter().all(|(known, _)| *known != entity));

    let remove = AlterClientQuotas::new()
        .remove(entity.clone(), RATE)
        .remove(entity, "request_percentage");
    client
        .alter_client_quotas(remove)
        .await
        .unwrap()
        .all()
        .unwrap();
    until(&client, &id, &[]).await;
}

#[tokio::test]
async fn a_quota_that_cannot_be_is_refused_by_name() {
    let kafka = Kafka::start().await;
    let entity = QuotaEntity::client_id("any").and("user", None);
    for (name, value) in [("no_such_rate", 1.0), (RATE, 0.5)] {
        let wrong = AlterClientQuotas::new().set(entity.clone(), name, value);
        let refused = client(&kafka).alter_client_quotas(wrong).await.unwrap();
        let error = refused.all().unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::INVALID_REQUEST));
        let text = error.to_string();
        assert!(text.contains("client-id any, user by default"), "{text}");
    }
}
