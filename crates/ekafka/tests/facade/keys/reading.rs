//! What the keys of consumers and groups do, those that both have on both.

use std::time::Duration;

use ekafka::{ApiKey, Component, ErrorCode, GroupEvent, Message, Record};
use ekafka_protocol::cold::{JoinGroupRequest, OffsetCommitRequest};
use ekafka_protocol::messages::FetchRequest;
use ekafka_testkit::EmbeddedKafka;
use tokio::time::Instant;

use crate::rig::{component, soon, start};

/// A consumer or a group member with these keys, behind one name.
struct Kind {
    table: &'static str,
    keys: String,
}

const CONSUMER: &str = "consumers";
const GROUP: &str = "consumerGroups";

async fn cluster() -> EmbeddedKafka {
    let kafka = start(EmbeddedKafka::builder().keep_bodies(true)).await;
    kafka.create_topic("t", 1).unwrap();
    kafka
}

impl Kind {
    fn new(table: &'static str, keys: &str) -> Self {
        Self {
            table,
            keys: format!("groupID = 'g'\n{keys}"),
        }
    }

    fn component(&self, kafka: &EmbeddedKafka) -> Component {
        let text = format!(
            "[kafka]\nbrokers = ['localhost:9092']\n\
             [kafka.producers.p1]\ntopic = 't'\nbatchTimeout = 'auto'\n\
             [kafka.{}.r1]\ntopic = 't'\n{}\n",
            self.table, self.keys
        );
        component(kafka, &text)
    }

    /// The next message of either kind; errors that pass are passed over.
    async fn message(&self, component: &Component) -> Message {
        if self.table == CONSUMER {
            let consumer = component.consumer("r1");
            loop {
                match consumer.fetch_message().await {
                    Ok(message) => return message,
                    Err(error) => assert!(!error.is_fatal(), "{error}"),
                }
            }
        }
        let group = component.consumer_group("r1");
        loop {
            if let GroupEvent::Message(message) = group.poll().await.unwrap() {
                return message;
            }
        }
    }
}

async fn write(component: &Component, value: &str) {
    let producer = component.producer("p1");
    let records = [Record::new(value)];
    soon(producer.write_messages(&records)).await.unwrap();
}

/// S3.38: what the member offers the group, in this order.
#[tokio::test(start_paused = true)]
async fn group_balancers_are_offered_in_their_order() {
    for table in [CONSUMER, GROUP] {
        for (keys, offered) in [
            ("", vec!["range", "roundrobin"]),
            ("groupBalancers = ['Range']", vec!["range"]),
            ("groupBalancers = 'sticky,range'", vec!["sticky", "range"]),
            (
                "groupBalancers = ['cooperative-sticky']",
                vec!["cooperative-sticky"],
            ),
            ("groupBalancers = ['rack-affinity']", vec!["rack-affinity"]),
        ] {
            let kafka = cluster().await;
            let kind = Kind::new(table, keys);
            let component = kind.component(&kafka);
            write(&component, "a").await;
            soon(kind.message(&component)).await;
            let joins = kafka.requests_of(ApiKey::JOIN_GROUP);
            let join: JoinGroupRequest = joins[0].decode().unwrap();
            let names = join
                .protocols
                .iter()
                .map(|protocol| protocol.name.to_string());
            assert_eq!(names.collect::<Vec<_>>(), offered, "{table} {keys}");
        }
    }
}

/// The time between a fetch that failed and the next.
#[tokio::test(start_paused = true)]
async fn waits_after_failed_fetches() {
    for table in [CONSUMER, GROUP] {
        for (keys, least, most) in [
            ("", 75, 130),
            ("readBackoffMin = '400ms'", 300, 520),
            ("readBackoffMin = '10ms'\nreadBackoffMax = '10ms'", 7, 14),
        ] {
            let kafka = cluster().await;
            let kind = Kind::new(table, keys);
            let component = kind.component(&kafka);
            write(&component, "a").await;
            let failing = kafka.on_next(ApiKey::FETCH);
            let _ = failing.error(ErrorCode::UNKNOWN_SERVER_ERROR).times(2);
            soon(kind.message(&component)).await;
            let fetches = kafka.requests_of(ApiKey::FETCH);
            let wait = fetches[1].at - fetches[0].at;
            let range = Duration::from_millis(least)..Duration::from_millis(most);
            assert!(range.contains(&wait), "{table} {keys}: {wait:?}");
        }
    }
}

/// S2.37 to S2.39 for groups: the fields of the request.
#[tokio::test(start_paused = true)]
async fn a_groups_fetch_sizes_and_isolation_are_asked_for() {
    let keys = "minBytes = 7\nmaxBytes = 1500\nmaxWait = '2s'\nisolationLevel = 'read_committed'";
    for (keys, expected) in [
        (keys, (7, 1500, 2_000, true)),
        ("", (1, 1_048_576, 10_000, false)),
    ] {
        let kafka = cluster().await;
        let kind = Kind::new(GROUP, keys);
        let component = kind.component(&kafka);
        write(&component, "long enough for the least").await;
        soon(kind.message(&component)).await;
        let requests = kafka.requests_of(ApiKey::FETCH);
        let fetch: FetchRequest = requests[0].decode().unwrap();
        let committed_only = fetch.isolation_level != ekafka::IsolationLevel::ReadUncommitted;
        let found = (
            fetch.min_bytes,
            fetch.max_bytes,
            fetch.max_wait_ms,
            committed_only,
        );
        assert_eq!(found, expected, "{keys}");
    }
}

/// S2.34 for groups: the newest or the oldest, where nothing is committed.
#[tokio::test(start_paused = true)]
async fn a_groups_start_offset_is_first_or_last() {
    for (keys, first) in [
        ("startOffset = -1", "new"),
        ("startOffset = '-2'", "old"),
        ("", "old"),
    ] {
        let kafka = cluster().await;
        let kind = Kind::new(GROUP, keys);
        let component = kind.component(&kafka);
        write(&component, "old").await;
        let waited = tokio::time::timeout(Duration::from_secs(1), kind.message(&component)).await;
        let message = match waited {
            Ok(message) => message,
            Err(_) => {
                write(&component, "new").await;
                soon(kind.message(&component)).await
            }
        };
        assert_eq!(message.value(), Some(first.as_bytes()), "{keys}");
    }
}

/// S2.29 for consumers: added partitions are read where they are watched for.
#[tokio::test(start_paused = true)]
async fn a_consumer_watches_for_new_partitions() {
    let watching =
        "watchPartitionChanges = true\npartitionWatchInterval = '1s'\nheartbeatInterval = '500ms'";
    for (keys, finds) in [(watching, true), ("", false)] {
        let kafka = cluster().await;
        let kind = Kind::new(CONSUMER, keys);
        let component = kind.component(&kafka);
        write(&component, "a").await;
        soon(kind.message(&component)).await;
        kafka.add_partitions("t", 2).unwrap();
        let text = "[kafka]\nbrokers = ['localhost:9092']\n[kafka.producers.p1]\ntopic = 't'\nbatchTimeout = 'auto'\n";
        let fresh = crate::rig::component(&kafka, text);
        let records = [Record::new("b").partition(1)];
        soon(fresh.producer("p1").write_messages(&records))
            .await
            .unwrap();
        let read = tokio::time::timeout(Duration::from_secs(10), kind.message(&component)).await;
        assert_eq!(read.is_ok(), finds, "{keys}");
    }
}

/// The broker is asked for a partition that is not the first.
#[tokio::test(start_paused = true)]
async fn a_consumer_reads_the_partition_it_names() {
    let kafka = start(EmbeddedKafka::builder()).await;
    kafka.create_topic("t", 3).unwrap();
    let text = "[kafka]\nbrokers = ['localhost:9092']\n\
        [kafka.producers.p1]\ntopic = 't'\nbatchTimeout = 'auto'\n\
        [kafka.consumers.r1]\ntopic = 't'\npartition = 2\n";
    let component = component(&kafka, text);
    let records = [0, 1, 2].map(|partition| Record::new("x").partition(partition));
    soon(component.producer("p1").write_messages(&records))
        .await
        .unwrap();
    let message = soon(component.consumer("r1").fetch_message())
        .await
        .unwrap();
    assert_eq!(message.partition(), 2);
}

/// S2.28 for consumers: the spacing of heartbeats.
#[tokio::test(start_paused = true)]
async fn a_consumers_heartbeats_come_at_their_interval() {
    for (keys, range) in [("heartbeatInterval = '1s'", 28..=31), ("", 9..=11)] {
        let kafka = cluster().await;
        let kind = Kind::new(CONSUMER, keys);
        let component = kind.component(&kafka);
        let waiting = tokio::time::timeout(Duration::from_secs(30), kind.message(&component));
        assert!(waiting.await.is_err(), "nothing comes");
        let beats = kafka.requests_of(ApiKey::HEARTBEAT).len();
        assert!(range.contains(&beats), "{keys}: {beats}");
    }
}

/// S2.33 for consumers: the wait after a refusal.
#[tokio::test(start_paused = true)]
async fn a_consumer_that_is_refused_waits_for_the_backoff() {
    for (keys, wait) in [("JoinGroupBackoff = '1s'", 1), ("", 5)] {
        let kafka = cluster().await;
        let kind = Kind::new(CONSUMER, keys);
        let component = kind.component(&kafka);
        write(&component, "a").await;
        let refused = kafka.on_next(ApiKey::JOIN_GROUP);
        let _ = refused
            .error(ErrorCode::GROUP_AUTHORIZATION_FAILED)
            .times(1);
        let consumer = component.consumer("r1");
        let begun = Instant::now();
        soon(consumer.fetch_message()).await.unwrap_err();
        soon(consumer.fetch_message()).await.unwrap();
        let (took, wait) = (begun.elapsed(), Duration::from_secs(wait));
        let range = wait..wait + Duration::from_millis(500);
        assert!(range.contains(&took), "{keys}: {took:?}");
    }
}

/// C-05 for groups: a time is asked for, and nothing without it.
#[tokio::test(start_paused = true)]
async fn a_groups_retention_time_is_asked_for() {
    for (keys, asked) in [
        ("retentionTime = '1h'", 3_600_000),
        ("retentionTime = '-1'", -1),
    ] {
        let kafka = cluster().await;
        let kind = Kind::new(GROUP, keys);
        let component = kind.component(&kafka);
        write(&component, "a").await;
        let message = soon(kind.message(&component)).await;
        let group = component.consumer_group("r1");
        soon(group.commit_messages(&[message])).await.unwrap();
        let commits = kafka.requests_of(ApiKey::OFFSET_COMMIT);
        let commit: OffsetCommitRequest = commits[0].decode().unwrap();
        assert_eq!(commit.retention_time_ms, asked, "{keys}");
    }
}
