use std::time::Duration;

use ekafka_admin::{AdminError, Client, CreateTopics, Metadata, OffsetFetch, OffsetSpec};
use ekafka_conn::TopicConfig;
use ekafka_protocol::{ApiKey, ErrorCode};
use tokio::time::Instant;

use crate::setup::{at, client, kafka};

#[tokio::test(start_paused = true)]
async fn each_topic_has_an_outcome_of_its_own() {
    let kafka = kafka(3).await;
    let client = client(&kafka);
    kafka.create_topic("there", 1).unwrap();
    let topics = ["new", "there", "not a name"].map(|name| TopicConfig::new(name, 2, 1));
    let outcomes = client.create_topics(topics).await.unwrap();
    assert_eq!(
        outcomes.get("new").unwrap().unwrap().num_partitions,
        Some(2)
    );
    let code = |name| outcomes.get(name).unwrap().unwrap_err().code();
    assert_eq!(code("there"), Some(ErrorCode::TOPIC_ALREADY_EXISTS));
    assert_eq!(code("not a name"), Some(ErrorCode::INVALID_TOPIC_EXCEPTION));
    assert_eq!(outcomes.failures().count(), 2);
    assert!(outcomes.get("else").is_none());
    outcomes.all().unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn validating_creates_nothing() {
    let kafka = kafka(1).await;
    let client = client(&kafka);
    let only = CreateTopics::new([TopicConfig::new("maybe", 1, 1)]).validate_only(true);
    client.create_topics(only).await.unwrap().all().unwrap();
    let found = client.metadata(["maybe"]).await.unwrap();
    assert_eq!(found.topics[0].error, ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_has_moved_is_asked_again() {
    let kafka = kafka(3).await;
    let client = client(&kafka);
    let code = ErrorCode::NOT_CONTROLLER;
    kafka.on_next(ApiKey::CREATE_TOPICS).error(code).times(2);
    let outcomes = client.create_topics([TopicConfig::new("t", 1, 1)]).await;
    outcomes.unwrap().all().unwrap();
    assert_eq!(kafka.requests_of(ApiKey::CREATE_TOPICS).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_was_lost_says_that_it_may_be_done() {
    let kafka = kafka(1).await;
    let client = client(&kafka);
    kafka.on_next(ApiKey::CREATE_TOPICS).drop_after();
    let outcomes = client.create_topics([TopicConfig::new("t", 1, 1)]).await;
    let outcomes = outcomes.unwrap();
    let error = outcomes.get("t").unwrap().unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TOPIC_ALREADY_EXISTS));
    assert!(error.maybe_done(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_call_that_nobody_answers() {
    let kafka = kafka(1).await;
    let client = client(&kafka).within(Duration::from_secs(3));
    client.metadata(Metadata::brokers_only()).await.unwrap();
    kafka.on_next(ApiKey::METADATA).silence().times(100);
    let start = Instant::now();
    let error = client.metadata(["t"]).await.unwrap_err();
    assert!(matches!(error, AdminError::NoAnswer { .. }), "{error}");
    assert!(error.is_retriable());
    let elapsed = start.elapsed();
    assert!(elapsed <= Duration::from_secs(3), "S2.16: {elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn s2_16_an_unreachable_cluster_ends_the_call_at_its_limit() {
    let kafka = kafka(1).await;
    let client = client(&kafka).within(Duration::from_secs(3));
    kafka.stop_node(kafka.node_ids()[0]).await;
    let start = Instant::now();
    let error = client.metadata(Metadata::all_topics()).await.unwrap_err();
    assert!(matches!(error, AdminError::NoAnswer { .. }), "{error}");
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_leader_is_asked_once_for_all_of_its_partitions() {
    let kafka = kafka(3).await;
    let client = client(&kafka);
    kafka.create_topic("wide", 12).unwrap();
    let wanted = (0..12).map(|partition| (at("wide", partition), OffsetSpec::Last));
    let found = client.list_offsets(wanted).await.unwrap().all().unwrap();
    assert!(found.iter().all(|(_, found)| found.offset == Some(0)));
    assert_eq!(kafka.requests_of(ApiKey::LIST_OFFSETS).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_partition_can_be_asked_for_several_offsets() {
    let kafka = kafka(1).await;
    let client = client(&kafka);
    kafka.create_topic("t", 1).unwrap();
    let wanted = [OffsetSpec::First, OffsetSpec::Last, OffsetSpec::Time(5)];
    let found = client
        .list_offsets(wanted.map(|spec| (at("t", 0), spec)))
        .await;
    let found = found.unwrap().all().unwrap();
    let offsets: Vec<Option<i64>> = found.iter().map(|(_, found)| found.offset).collect();
    assert_eq!(offsets, [Some(0), Some(0), None]);
}

#[tokio::test(start_paused = true)]
async fn a_moved_leader_is_followed() {
    let kafka = kafka(3).await;
    let client = client(&kafka);
    kafka.create_topic("t", 1).unwrap();
    let ask = async || {
        let found = client.list_offsets([(at("t", 0), OffsetSpec::Last)]).await;
        found.unwrap().all().unwrap()
    };
    ask().await;
    let old = kafka.leader("t", 0).unwrap();
    let new = kafka.node_ids().into_iter().find(|id| *id != old).unwrap();
    kafka.move_leader("t", 0, new).unwrap();
    ask().await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_refused_at_once() {
    let kafka = kafka(3).await;
    let client = client(&kafka);
    kafka.create_topic("t", 1).unwrap();
    let start = Instant::now();
    let wanted = [at("t", 0), at("t", 1), at("absent", 0)];
    let found = client
        .list_offsets(
            wanted
                .clone()
                .map(|partition| (partition, OffsetSpec::Last)),
        )
        .await
        .unwrap();
    let codes: Vec<Option<ErrorCode>> = found
        .iter()
        .map(|(_, found)| found.err().and_then(AdminError::code))
        .collect();
    let unknown = Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
    assert_eq!(codes, [None, unknown, unknown]);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_moved_is_found_again() {
    let kafka = kafka(3).await;
    let client = client(&kafka);
    kafka.set_coordinator("g", Some(kafka.node_ids()[0]), false);
    assert!(client.offset_fetch("g").await.unwrap().is_empty());
    kafka.set_coordinator("g", Some(kafka.node_ids()[1]), false);
    let offsets = client.offset_fetch("g").await.unwrap();
    assert!(offsets.is_empty(), "a group that does not exist has none");
}

#[tokio::test(start_paused = true)]
async fn an_open_transaction_is_waited_for_when_asked() {
    let kafka = kafka(1).await;
    let client = client(&kafka);
    kafka.create_topic("t", 1).unwrap();
    let code = ErrorCode::UNSTABLE_OFFSET_COMMIT;
    let fault = kafka.on_next(ApiKey::OFFSET_FETCH).error(code);
    fault.partition("t", 0).times(2);
    let stable = OffsetFetch::all_of("g")
        .partitions([at("t", 0)])
        .require_stable(true);
    let found = client.offset_fetch(stable).await.unwrap().all().unwrap();
    assert_eq!(found, [(at("t", 0), None)]);
    assert_eq!(kafka.requests_of(ApiKey::OFFSET_FETCH).len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_the_broker_is_too_old_for_names_both_versions() {
    let builder = ekafka_testkit::EmbeddedKafka::builder()
        .nodes(1)
        .in_memory();
    let old = ekafka_protocol::VersionRange::new(1, 5);
    let kafka = builder
        .limit_api(ApiKey::LIST_OFFSETS, old)
        .start()
        .await
        .unwrap();
    kafka.create_topic("t", 1).unwrap();
    let wanted = [(at("t", 0), OffsetSpec::MaxTime)];
    let error = client(&kafka).list_offsets(wanted).await.unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(error.is_fatal() && text.contains("ListOffsets"), "{text}");
}

#[test]
fn faults_of_the_configuration_are_all_named() {
    let builder = Client::builder().timeout(Duration::ZERO);
    let text = builder.build().unwrap_err().to_string();
    assert!(
        text.contains("zero") && text.contains("no brokers"),
        "{text}"
    );
    let both = Client::builder().brokers(["a:0"]).build().unwrap_err();
    assert!(both.is_fatal());
}
