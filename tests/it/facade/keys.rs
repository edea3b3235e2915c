//! What keys of a configuration promise on every broker.

use std::time::{Duration, Instant};

use ekafka::admin::CreatePartitions;
use ekafka::{Component, GroupEvent, Message, Record};
use ekafka_conn::{ConnConfig, Connection};
use ekafka_protocol::StrBytes;
use ekafka_protocol::messages::{FetchPartition, FetchRequest, FetchTopic};
use tokio::time::sleep;

use crate::support::{Kafka, in_time, metadata, soon};

/// How often a broker is asked for what it does not announce.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A component of one topic, with more keys for its producer, its consumer and its group.
fn component(kafka: &Kafka, topic: &str, [producer, consumer, group]: [&str; 3]) -> Component {
    let brokers = format!("{:?}", kafka.brokers());
    let toml = format!(
        r#"
        [kafka]
        brokers = {brokers}
        [kafka.producers.p1]
        topic = "{topic}"
        {producer}
        [kafka.consumers.c1]
        topic = "{topic}"
        heartbeatInterval = "200ms"
        {consumer}
        [kafka.consumerGroups.cg1]
        topic = "{topic}"
        groupID = "{topic}"
        heartbeatInterval = "200ms"
        {group}
        "#
    );
    ekafka::load_toml(&toml, "kafka")
        .expect("a good configuration")
        .build()
}

async fn write(component: &Component, values: &[&str]) {
    let records: Vec<_> = values.iter().map(Record::new).collect();
    in_time(component.producer("p1").write_messages(&records))
        .await
        .expect("written");
}

async fn fetched(component: &Component) -> Message {
    in_time(component.consumer("c1").fetch_message())
        .await
        .expect("a message")
}

/// What a group has committed in partition 0.
async fn committed(component: &Component, group: &str) -> Option<i64> {
    let offsets = in_time(component.client().offset_fetch(group)).await;
    let offsets = offsets.expect("an answer").all().expect("offsets");
    offsets.into_iter().find_map(|(_, at)| Some(at?.offset))
}

const AUTO: &str = "batchTimeout = 'auto'";

/// S2.34, S2.52, S2.58, S0.14: a group that has never committed begins at the oldest record, or at the newest.
#[tokio::test]
async fn a_group_without_commits_begins_where_start_offset_says() {
    let kafka = slow().await;
    let topic = kafka.topic(1).await;
    for (keys, begins) in [
        ("", true),
        ("startOffset = '-2'", true),
        ("startOffset = -1", false),
    ] {
        let group = kafka.unique("group");
        let consumer = format!("groupID = '{group}'\n{keys}");
        let component = component(&kafka, &topic, [AUTO, &consumer, ""]);
        write(&component, &["old"]).await;
        // Where the end is shows only in what comes behind it, so records are written until one of them is read.
        let writing = async {
            loop {
                write(&component, &["new"]).await;
                sleep(LOOK_AGAIN).await;
            }
        };
        let message = tokio::select! {
            message = fetched(&component) => message,
            () = writing => unreachable!("it writes for ever"),
        };
        assert_eq!(message.offset() == 0, begins, "{keys}: {message:?}");
        in_time(component.close()).await.expect("closed");
    }
}

/// S2.78 to S2.81: the codec is in the attributes of the batch that the broker stored, and what it holds is read again.
#[tokio::test]
async fn each_codec_is_stored_and_read() {
    let kafka = slow().await;
    let text = "the same over and over, ".repeat(100);
    for codec in 0..=4_u8 {
        let topic = kafka.topic(1).await;
        let keys = format!("{AUTO}\ncompression = {codec}");
        let component = component(&kafka, &topic, [&keys, "", ""]);
        write(&component, &[&text]).await;
        // Attributes stand 21 bytes into a batch; their lowest three bits are the codec.
        let stored = stored(&kafka, &topic).await;
        assert_eq!(stored.get(22).map(|low| low & 7), Some(codec), "{stored:?}");
        assert_eq!(fetched(&component).await.value(), Some(text.as_bytes()));
        in_time(component.close()).await.expect("closed");
    }
}

/// The bytes of partition 0 as its leader has them.
async fn stored(kafka: &Kafka, topic: &str) -> Vec<u8> {
    let known = metadata(&kafka.connect().await, topic).await;
    let leader = known.topics[0].partitions[0].leader_id;
    let leader = known.brokers.iter().find(|broker| broker.node_id == leader);
    let leader = leader.expect("a leader");
    let port = u16::try_from(leader.port).expect("a port");
    let connection = Connection::open(&leader.host, port, &ConnConfig::default()).await;
    let partition = FetchPartition {
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    let request = FetchRequest {
        max_wait_ms: 1_000,
        min_bytes: 1,
        topics: vec![FetchTopic {
            topic: StrBytes::from_string(topic.to_owned()),
            partitions: vec![partition],
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    };
    let answer = connection.expect("the leader listens");
    let answer = answer.send(&request, soon()).await.expect("an answer");
    let records = &answer.responses[0].partitions[0].records;
    records.as_ref().expect("records").to_vec()
}

/// S2.29, S2.30: a partition that is added is assigned soon, where that is watched for.
#[tokio::test]
async fn partitions_that_are_added_are_assigned() {
    let kafka = slow().await;
    let topic = kafka.topic(1).await;
    let keys = "watchPartitionChanges = true\npartitionWatchInterval = '200ms'";
    let component = component(&kafka, &topic, [AUTO, "", keys]);
    let group = component.consumer_group("cg1");
    let assigned = async || loop {
        match in_time(group.poll()).await.expect("an event") {
            GroupEvent::AssignedPartitions(all) => break all.partitions.len(),
            GroupEvent::RevokedPartitions(_) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(assigned().await, 1);
    let grown = CreatePartitions::new().topic(&topic, 2);
    let grown = in_time(component.client().admin().create_partitions(grown)).await;
    grown.expect("an answer").all().expect("grown");
    while assigned().await < 2 {}
    in_time(component.close()).await.expect("closed");
}

/// S2.53, S2.54, S2.41: without an interval a commit has been made when the call returns; with one, it comes by itself.
#[tokio::test]
async fn commits_are_made_in_each_call_or_by_themselves() {
    let kafka = slow().await;
    let topic = kafka.topic(1).await;
    for (keys, in_the_call) in [("", true), ("commitInterval = '1s'", false)] {
        let group = kafka.unique("group");
        let consumer = format!("groupID = '{group}'\n{keys}");
        let component = component(&kafka, &topic, [AUTO, &consumer, ""]);
        write(&component, &["a"]).await;
        let message = fetched(&component).await;
        let consumer = component.consumer("c1");
        let begun = Instant::now();
        in_time(consumer.commit_messages(&[message]))
            .await
            .expect("committed, or noted");
        if in_the_call {
            assert_eq!(committed(&component, &group).await, Some(1));
        } else {
            let waiting = async {
                while committed(&component, &group).await.is_none() {
                    sleep(LOOK_AGAIN).await;
                }
            };
            in_time(waiting).await;
            // The interval began with the reader, a moment before the message came.
            let took = begun.elapsed();
            assert!(took < Duration::from_secs(10), "{took:?}");
        }
        in_time(component.close()).await.expect("closed");
    }
}

/// S3.7, S3.8, S3.14: one call waits for its batch, three calls wait three times, and a batch of one does not wait.
#[tokio::test]
async fn calls_wait_for_their_batches() {
    let kafka = slow().await;
    let topic = kafka.topic(1).await;
    let second = Duration::from_secs(1);
    let timed = async |keys: &str, calls: &[&[&str]]| {
        let component = component(&kafka, &topic, [keys, "", ""]);
        let begun = Instant::now();
        for values in calls {
            write(&component, values).await;
        }
        begun.elapsed()
    };
    // The documents' times, with room above them for brokers and machines that are busy.
    let took = timed("", &[&["1", "2", "3"]]).await;
    assert!(took >= second && took < 2 * second, "one call: {took:?}");
    let took = timed("", &[&["1"], &["2"], &["3"]]).await;
    assert!(
        took >= 3 * second && took < 5 * second,
        "three calls: {took:?}"
    );
    let took = timed("batchSize = 1", &[&["1"], &["2"], &["3"]]).await;
    assert!(took < second, "batches of one: {took:?}");
}

/// S3.34: statistics tell the settings as the documents show them.
#[tokio::test]
async fn statistics_tell_the_settings() {
    let kafka = slow().await;
    let topic = kafka.topic(1).await;
    for (group, partition) in [(true, "-1"), (false, "0")] {
        let group = if group {
            format!("groupID = '{}'", kafka.unique("group"))
        } else {
            String::new()
        };
        let keys = format!("maxBytes = 10000000\n{group}");
        let component = component(&kafka, &topic, [AUTO, &keys, ""]);
        write(&component, &["a"]).await;
        fetched(&component).await;
        let stats = component.consumer("c1").stats().await.expect("statistics");
        let json = serde_json::to_value(&stats).expect("JSON");
        assert_eq!(json["MaxWait"], 10_000_000_000_i64, "{json}");
        assert_eq!(json["MaxBytes"], 10_000_000, "{json}");
        assert_eq!(json["MinBytes"], 1, "{json}");
        assert_eq!(json["Partition"], partition, "{json}");
        assert_eq!(json["Fetches"], json["DeprecatedFetchesWithTypo"], "{json}");
        in_time(component.close()).await.expect("closed");
    }
}

async fn slow() -> Kafka {
    let reason = "members join at heartbeats, batches and commits wait for a second";
    Kafka::start_slow(Duration::from_secs(30), reason).await
}
