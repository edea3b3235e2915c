//! What the documents' files become, and what is said about faulty ones.

use std::time::Duration;

use ekafka_protocol::compression::Compression;
use ekafka_reader::StartOffset;
use ekafka_writer::Acks;

use super::duration::parse_nanos;
use super::*;

fn kafka(text: &str) -> KafkaConfig {
    Config::from_toml(text).unwrap().kafka("kafka").unwrap()
}

fn problems(text: &str) -> Vec<(String, String)> {
    let error = Config::from_toml(text).unwrap().kafka("kafka").unwrap_err();
    let faults = error.faults().iter();
    faults
        .map(|fault| (fault.path.clone(), fault.problem.clone()))
        .collect()
}

#[test]
fn durations_are_gos() {
    for (text, nanos) in [
        ("100ms", Some(100_000_000)),
        ("1m30s", Some(90_000_000_000)),
        ("1.5h", Some(5_400_000_000_000)),
        (".5s", Some(500_000_000)),
        ("1.s", Some(1_000_000_000)),
        ("-1s", Some(-1_000_000_000)),
        ("+3us", Some(3_000)),
        ("3µs", Some(3_000)),
        ("0", Some(0)),
        ("-0", Some(0)),
        ("7ns", Some(7)),
        ("", None),
        ("-", None),
        ("5", None),
        ("5d", None),
        (".s", None),
        ("1..5s", None),
        ("99999999999999999999999999999999h", None),
    ] {
        assert_eq!(parse_nanos(text), nanos, "{text:?}");
    }
    assert_eq!(duration::show(Duration::from_millis(90_100)), "1m30s100ms");
}

/// S2.44: the group block of the documents, every key.
#[test]
fn s2_44_the_documented_group_block_loads() {
    let config = kafka(
        r#"
        [kafka]
        brokers = ["127.0.0.1:9092", "127.0.0.1:9093", "127.0.0.1:9094"]
        [kafka.client]
        timeout = "3s"
        [kafka.consumerGroups.cg1]
        JoinGroupBackoff = "1s"
        groupID = "group-1"
        topic = "my-topic"
        heartbeatInterval = "3s"
        partitionWatchInterval = "5s"
        watchPartitionChanges = false
        sessionTimeout = "30s"
        rebalanceTimeout = "30s"
        startOffset = "-2"
        retentionTime = "-1"
        timeout = "5s"
        minBytes = 1
        maxBytes = 1048576
        maxWait = "10s"
        readLagInterval = "60s"
        commitInterval = "0"
        readBackoffMin = "100ms"
        readBackoffMax = "1s"
        "#,
    );
    assert_eq!(config.connection.brokers.len(), 3);
    assert_eq!(config.client.timeout, Duration::from_secs(3));
    let group = &config.consumer_groups["cg1"];
    assert_eq!(group.join_group_backoff, Duration::from_secs(1));
    assert_eq!(group.retention_time, None);
    assert_eq!(group.start_offset, StartOffset::First);
    assert_eq!(group.commit_interval, Duration::ZERO);
    assert_eq!(group.read_lag_interval, Some(Duration::from_secs(60)));
    assert_eq!(group.max_wait, Duration::from_secs(10));
}

/// S2.51–S2.57 and S2.69–S2.70: the consumer server's block and the indented producer's.
#[test]
fn s2_51_consumer_server_and_producer_blocks_load() {
    let text = r#"
[kafka]
	debug=true
	brokers=["localhost:9091","localhost:9092","localhost:9093"]
	[kafka.client]
		timeout="3s"
	[kafka.producers.p1]        # defines the producer p1
		topic="sre-infra-test"  # where it writes
		compression=4
	[kafka.consumers.c1]
		topic="sre-infra-test"
		groupID="group-1"
		startOffset = -1
		commitInterval = "1s"
[kafkaConsumerServers.s1]
debug=true
consumerName="c1"
consumerGroupName="cg1"
"#;
    let config = kafka(text);
    assert_eq!(config.connection.debug, Some(true));
    assert_eq!(config.producers["p1"].compression, Compression::ZSTD);
    assert_eq!(config.consumers["c1"].start_offset, StartOffset::Last);
    assert_eq!(
        config.consumers["c1"].commit_interval,
        Duration::from_secs(1)
    );
    let server = Config::from_toml(text)
        .unwrap()
        .consumer_server("kafkaConsumerServers.s1")
        .unwrap();
    assert_eq!(
        (
            server.consumer_name.as_str(),
            server.consumer_group_name.as_str()
        ),
        ("c1", "cg1")
    );
}

/// S2.3–S2.9: what holds when the file says nothing.
/// The documents' blocks on compression and log-in, word for word.
#[test]
fn s2_78_s2_82_the_blocks_on_compression_and_log_in_load() {
    let config = kafka(
        r#"
[kafka]
	brokers=["localhost:9091","localhost:9092","localhost:9093"]
	[kafka.client]
		timeout="3s"
	[kafka.producers.p1]        # 定义了名字为 p1 的 producer
		topic="test_topic"        # 指定生产消息的 topic
		compression=1 #指定压缩类型
"#,
    );
    assert_eq!(config.producers["p1"].compression, Compression::GZIP);
    let config = kafka(
        r#"
[kafka]
	debug=true
	brokers=["localhost:9091","localhost:9092","localhost:9093"]
	saslMechanism="PLAIN" #SASL Authentication Types
	saslUserName="username" #用户名
	saslPassword="password" #密码
	[kafka.client]
        timeout="3s"
	[kafka.producers.p1]
		topic="sre-infra-test"
	[kafka.consumers.c1]
		topic="sre-infra-test"
		groupID="group-1"
"#,
    );
    assert_eq!(config.connection.sasl_mechanism, "PLAIN");
    assert_eq!(config.connection.sasl_user_name, "username");
    assert_eq!(config.consumers["c1"].group_id, "group-1");
}

#[test]
fn s2_3_documented_defaults() {
    let config = kafka("[kafka.producers.p1]\n[kafka.consumers.c1]\ntopic = \"t\"");
    let producer = &config.producers["p1"];
    assert_eq!(
        producer.batch_timeout,
        BatchTimeout::After(Duration::from_secs(1))
    );
    assert_eq!(
        (producer.batch_size, producer.batch_bytes),
        (100, 1_048_576)
    );
    assert_eq!(
        (producer.max_attempts, producer.balancer.as_str()),
        (10, "roundRobin")
    );
    assert_eq!(producer.required_acks, Acks::All);
    assert_eq!(config.connection.debug, None);
    let consumer = &config.consumers["c1"];
    assert_eq!((consumer.min_bytes, consumer.max_bytes), (1, 1 << 20));
}

#[test]
fn zero_asks_for_the_default_except_where_it_means_something() {
    let config =
        kafka("[kafka.producers.p1]\nbatchSize = 0\nbatchTimeout = \"0\"\nrequiredAcks = 0");
    let producer = &config.producers["p1"];
    assert_eq!(producer.batch_size, 100);
    assert_eq!(
        producer.batch_timeout,
        BatchTimeout::After(Duration::from_secs(1))
    );
    assert_eq!(producer.required_acks, Acks::None);
}

#[test]
fn values_are_weakly_typed_and_names_match_in_any_case() {
    let config = kafka(
        "[KAFKA]\nBROKERS = \"a:1, b:2,\"\nenableAccessInterceptor = 1\n[KAFKA.Producers.P1]\nBatchSize = \"7\"\nbatchTimeout = \"auto\"\nasync = \"true\"",
    );
    assert_eq!(config.connection.brokers, ["a:1", "b:2"]);
    assert!(config.connection.enable_access_interceptor);
    let producer = &config.producers["P1"];
    assert_eq!((producer.batch_size, producer.asynchronous), (7, true));
    assert_eq!(producer.batch_timeout, BatchTimeout::Auto);
}

#[test]
fn all_faults_are_told_at_once_with_their_paths() {
    let found = problems(
        "[kafka]\nsaslMechanism = \"KERBEROS\"\n[kafka.producers.p1]\nbatchSize = \"many\"\n[kafka.consumers.c1]\ngroupID = \"g\"\npartition = 3\nminBytes = 9\nmaxBytes = 5\n[kafka.consumerGroups.g1]\ntopic = \"t\"\ngroupBalancers = [\"fair\"]",
    );
    let paths: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "kafka.producers.p1.batchSize",
            "kafka.saslMechanism",
            "kafka.consumers.c1.topic",
            "kafka.consumers.c1.partition",
            "kafka.consumers.c1.minBytes",
            "kafka.consumerGroups.g1.groupID",
            "kafka.consumerGroups.g1.groupBalancers",
        ]
    );
    assert!(
        found[0].1.contains("whole number") && found[0].1.contains("many"),
        "{found:?}"
    );
    let missing = Config::from_toml("").unwrap().kafka("kafka").unwrap_err();
    assert!(missing.to_string().contains("no such table"), "{missing}");
}

#[test]
fn plain_without_tls_can_be_refused_and_passwords_are_not_shown() {
    let text = "[kafka]\nsaslMechanism = \"PLAIN\"\nsaslPassword = \"geheim\"";
    let refused = format!("{text}\nsaslAllowPlaintext = false");
    assert!(problems(&refused)[0].1.contains("saslAllowPlaintext"));
    let config = kafka(text);
    let shown = format!("{} {config:?}", config.effective());
    assert!(!shown.contains("geheim"), "{shown}");
    let wrong = problems("[kafka]\nsaslPassword = [\"geheim\"]");
    assert!(!wrong[0].1.contains("geheim"), "{wrong:?}");
}

#[test]
fn variables_are_laid_over_the_document() {
    let document =
        Config::from_toml("[kafka]\nbrokers = [\"a:1\"]\n[kafka.producers.p1]\ntopic = \"t\"")
            .unwrap();
    let variables = [
        ("EKAFKA_KAFKA__BROKERS", "x:1,y:2"),
        ("EKAFKA_KAFKA__PRODUCERS__P1__BATCHSIZE", "500"),
        ("EKAFKA_LOG", "debug"),
        ("OTHER__THING", "1"),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = document.with_variables(variables).kafka("kafka").unwrap();
    assert_eq!(config.connection.brokers, ["x:1", "y:2"]);
    assert_eq!(config.producers["p1"].batch_size, 500);
}

#[test]
fn kafka_properties_become_keys_or_are_refused_with_the_reason() {
    let config = kafka(
        "[kafka.properties]\n\"bootstrap.servers\" = \"a:1,b:2\"\n[kafka.producers.p1]\nbatchSize = 3\n[kafka.producers.p1.properties]\nlinger.ms = 5\n\"enable.idempotence\" = true\nretries = 4\n\"batch.num.messages\" = 9\n\"compression.type\" = \"zstd\"",
    );
    assert_eq!(config.connection.brokers, ["a:1", "b:2"]);
    let producer = &config.producers["p1"];
    assert_eq!(
        producer.batch_timeout,
        BatchTimeout::After(Duration::from_millis(5))
    );
    assert_eq!((producer.max_attempts, producer.batch_size), (5, 3));
    assert_eq!(
        (producer.idempotence, producer.compression),
        (Some(true), Compression::ZSTD)
    );

    let refused = problems(
        "[kafka.producers.p1.properties]\n\"transactional.id\" = \"x\"\n\"group.id\" = \"g\"\n\"lingr.ms\" = 1",
    );
    let texts: Vec<&str> = refused
        .iter()
        .map(|(_, problem)| problem.as_str())
        .collect();
    assert!(
        texts.iter().any(|text| text.contains("transactions")),
        "{texts:?}"
    );
    assert!(
        texts.iter().any(|text| text.contains("belongs in")),
        "{texts:?}"
    );
    assert!(
        texts.iter().any(|text| text.contains("linger.ms")),
        "{texts:?}"
    );

    let flat = [
        ("bootstrap.servers", "a:1"),
        ("acks", "1"),
        ("group.id", "g"),
        ("auto.offset.reset", "latest"),
    ];
    let config = KafkaConfig::from_properties("t", flat).unwrap();
    assert_eq!(config.producers["default"].required_acks, Acks::One);
    assert_eq!(config.consumers["default"].start_offset, StartOffset::Last);
}

#[test]
fn unknown_keys_find_their_nearest() {
    let keys: Vec<&str> = ProducerConfig::keys().iter().map(|key| key.name).collect();
    assert_eq!(section::nearest("batchTimout", &keys), Some("batchTimeout"));
    assert_eq!(section::nearest("colour", &keys), None);
}

#[test]
fn what_is_shown_reads_back_as_the_same() {
    let config = kafka(
        "[kafka]\nbrokers = [\"a:1\"]\n[kafka.producers.p1]\n[kafka.consumers.c1]\ntopic = \"t\"\n[kafka.consumerGroups.g1]\ntopic = \"t\"\ngroupID = \"g\"",
    );
    let shown = config.effective();
    let again = KafkaConfig::read("kafka", &shown).unwrap();
    assert_eq!(again.effective(), shown);
}
