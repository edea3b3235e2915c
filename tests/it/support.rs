//! Where conformance tests get their brokers: a real Kafka when `EKAFKA_TEST_BROKERS` names one
//! (`cargo xtask kafka test` does), else an embedded broker for each test. The same bodies run on both.

mod names;
mod time_limit;

use std::env;
use std::time::Duration;

use ekafka_conn::{Conn, ConnConfig, Connection, Dialer};
use ekafka_protocol::cold::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use ekafka_protocol::messages::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use ekafka_protocol::{ErrorCode, StrBytes};
use ekafka_reader::{Message, Reader, ReaderBuilder, StartOffset};
use ekafka_testkit::EmbeddedKafka;
use ekafka_writer::{Writer, WriterConfig};
use tokio::time::{Instant, sleep};

pub(crate) use self::names::unique;
use self::time_limit::TimeLimit;

/// How long a test waits for one answer before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a topic on a real Kafka is looked at until it has leaders; nothing announces them.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The brokers of one test.
pub(crate) struct Kafka {
    brokers: Vec<String>,
    /// None on a real Kafka.
    embedded: Option<EmbeddedKafka>,
    _limit: TimeLimit,
}

impl Kafka {
    /// Three nodes; the test may take a second on the embedded broker.
    pub(crate) async fn start() -> Self {
        Self::with_limit(TimeLimit::usual()).await
    }

    /// As [`start`](Self::start) for a test that has a reason to take longer.
    pub(crate) async fn start_slow(limit: Duration, reason: &'static str) -> Self {
        Self::with_limit(TimeLimit::longer(limit, reason)).await
    }

    async fn with_limit(limit: TimeLimit) -> Self {
        if let Some(brokers) = listed("EKAFKA_TEST_BROKERS") {
            return Self {
                brokers,
                embedded: None,
                _limit: limit.for_real_brokers(),
            };
        }
        let builder = EmbeddedKafka::builder()
            .default_partitions(3)
            .default_replication(3);
        let embedded = builder
            .start()
            .await
            .expect("free ports on the loopback interface");
        Self {
            brokers: embedded.addresses(),
            embedded: Some(embedded),
            _limit: limit,
        }
    }

    /// Every broker, `host:port`.
    pub(crate) fn brokers(&self) -> &[String] {
        &self.brokers
    }

    /// The embedded broker, for what only it can do.
    pub(crate) fn embedded(&self) -> Option<&EmbeddedKafka> {
        self.embedded.as_ref()
    }

    /// A connection to the first broker.
    pub(crate) async fn connect(&self) -> Connection {
        self.connect_with(&ConnConfig::default()).await
    }

    /// A connection to the first broker, opened in some way.
    pub(crate) async fn connect_with(&self, config: &ConnConfig) -> Connection {
        let (host, port) = host_and_port(&self.brokers[0]);
        Connection::open(host, port, config)
            .await
            .expect("the broker listens")
    }

    /// A connection to the controller, which alone creates topics where ZooKeeper keeps the cluster.
    async fn controller(&self) -> Connection {
        let controller = self.controller_conn().await;
        let controller = controller.controller().await.expect("a controller");
        Connection::open(&controller.host, controller.port, &ConnConfig::default())
            .await
            .expect("the controller listens")
    }

    /// As [`controller`](Self::controller), with calls of its own.
    async fn controller_conn(&self) -> Conn {
        let dial = async |address: &str| Dialer::default().dial(address).await;
        let any = dial(&self.brokers[0]).await.expect("the broker listens");
        let controller = any.controller().await.expect("a controller");
        let address = controller.address();
        dial(&address).await.expect("the controller listens")
    }

    /// A topic of its own for this test, with leaders; its name.
    pub(crate) async fn topic(&self, partitions: i32) -> String {
        self.topic_with(partitions, &[]).await
    }

    /// As [`topic`](Self::topic), with configuration values.
    pub(crate) async fn topic_with(&self, partitions: i32, config: &[(&str, &str)]) -> String {
        let name = self.unique("topic");
        let controller = self.controller().await;
        create(&controller, &name, partitions, config).await;
        self.until_led(&name, partitions).await;
        name
    }

    /// Deletes a topic.
    pub(crate) async fn remove(&self, name: &str) {
        let controller = self.controller_conn().await;
        controller.delete_topics(&[name]).await.expect("deleted");
    }

    /// Deletes a topic and creates it again, with nothing in it.
    pub(crate) async fn make_anew(&self, name: &str, partitions: i32) {
        self.remove(name).await;
        self.make(name, partitions).await;
    }

    /// Creates a topic of that name, which another may just have had, with leaders.
    pub(crate) async fn make(&self, name: &str, partitions: i32) {
        let connection = self.controller().await;
        // The name is free again only when every broker has let it go.
        while try_create(&connection, name, partitions, &[]).await
            == ErrorCode::TOPIC_ALREADY_EXISTS
        {
            sleep(LOOK_AGAIN).await;
        }
        self.until_led(name, partitions).await;
    }

    /// Waits until the leader of each partition of a topic serves it. A real broker may be told that it leads, and tell
    /// others so, a moment before it does.
    pub(crate) async fn until_led(&self, topic: &str, partitions: i32) {
        let dialer = Dialer::default();
        for partition in 0..partitions {
            let offset = async || {
                let leader = dialer
                    .dial_leader(&self.brokers[0], topic, partition)
                    .await?;
                leader.read_first_offset().await
            };
            while let Err(error) = in_time(offset()).await {
                assert!(
                    error.is_retriable(),
                    "{topic}[{partition}] has no leader: {error}"
                );
                sleep(LOOK_AGAIN).await;
            }
        }
    }

    /// A writer's settings, with brokers and topic set.
    pub(crate) fn writer(&self, topic: &str) -> WriterConfig {
        Writer::builder().brokers(&self.brokers).topic(topic)
    }

    /// A group member's settings, with brokers, topic and group set; it heartbeats often enough for tests.
    pub(crate) fn member(&self, topic: &str, group: &str) -> ReaderBuilder {
        let builder = Reader::builder()
            .brokers(&self.brokers)
            .topic(topic)
            .group_id(group);
        builder.heartbeat_interval(Duration::from_millis(100))
    }

    /// Whether the real Kafka's release has this major number or a higher one; the embedded broker is no release.
    pub(crate) fn version_is_at_least(&self, major: u32) -> bool {
        let version = env::var("EKAFKA_TEST_KAFKA_VERSION").unwrap_or_default();
        let of_release = version.split('.').next().and_then(|text| text.parse().ok());
        self.embedded.is_none() && of_release.is_none_or(|number: u32| number >= major)
    }

    /// A name that no other test, and no other run on the same brokers, uses.
    pub(crate) fn unique(&self, what: &str) -> String {
        unique(what)
    }
}

/// The addresses of a listener of the real Kafka; none when the tests run on the embedded broker.
pub(crate) fn listed(variable: &str) -> Option<Vec<String>> {
    let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.split(',').map(str::to_owned).collect())
}

/// Host and port of `host:port`.
pub(crate) fn host_and_port(address: &str) -> (&str, u16) {
    let (host, port) = address.rsplit_once(':').expect("host:port");
    (host, port.parse().expect("a port"))
}

/// The moment by which one answer must be there.
pub(crate) fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// Waits for something that must happen soon.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("it happens in time")
}

/// Reads `count` messages from the beginning of all partitions, which then have no more.
pub(crate) async fn read_all(
    kafka: &Kafka,
    topic: &str,
    partitions: i32,
    count: usize,
) -> Vec<Message> {
    let reader = Reader::builder()
        .brokers(&kafka.brokers)
        .topic(topic)
        .partitions(0..partitions);
    let mut reader = reader
        .start_offset(StartOffset::First)
        .build()
        .expect("a reader");
    let mut messages = Vec::with_capacity(count);
    while messages.len() < count {
        messages.push(in_time(reader.fetch_message()).await.expect("a message"));
    }
    in_time(reader.close()).await.expect("closed");
    for partition in 0..partitions {
        if let Some(last) = messages
            .iter()
            .rfind(|message| message.partition() == partition)
        {
            assert_eq!(last.lag(), 1, "more was stored than was written: {last:?}");
        }
    }
    messages
}

async fn create(connection: &Connection, name: &str, partitions: i32, config: &[(&str, &str)]) {
    let code = try_create(connection, name, partitions, config).await;
    assert_eq!(code, ErrorCode::NONE, "{name} is not created");
}

/// Creates a topic; what the controller says to it.
async fn try_create(
    connection: &Connection,
    name: &str,
    partitions: i32,
    config: &[(&str, &str)],
) -> ErrorCode {
    use ekafka_protocol::cold::TopicName;
    use ekafka_protocol::cold::create_topics_request::CreatableTopicConfig;
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let configs = config.iter().map(|(key, value)| {
        CreatableTopicConfig::default()
            .with_name(text(key))
            .with_value(Some(text(value)))
    });
    let topic = CreatableTopic::default()
        .with_name(TopicName(text(name)))
        .with_num_partitions(partitions)
        .with_replication_factor(-1)
        .with_configs(configs.collect());
    let request = CreateTopicsRequest::default()
        .with_topics(vec![topic])
        .with_timeout_ms(30_000);
    let answer = connection
        .send(&request, soon())
        .await
        .expect("an answer to CreateTopics");
    ErrorCode(answer.topics[0].error_code)
}

/// What the broker knows about one topic; does not create it.
pub(crate) async fn metadata(connection: &Connection, topic: &str) -> MetadataResponse {
    let topic = MetadataRequestTopic::named(StrBytes::from_string(topic.to_owned()));
    let request = MetadataRequest {
        topics: Some(vec![topic]),
        ..MetadataRequest::default()
    };
    connection
        .send(&request, soon())
        .await
        .expect("an answer to Metadata")
}
