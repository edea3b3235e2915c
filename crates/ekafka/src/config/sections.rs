//! The tables of `[kafka]`.

use std::time::Duration;

use ekafka_conn::{IsolationLevel, Secret};
use ekafka_protocol::compression::Compression;
use ekafka_reader::StartOffset;
use ekafka_writer::Acks;

use super::section::section;
use super::setting::BatchTimeout;

section! {
    /// `[kafka]`: the cluster, how to log in, and what is observed.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ekafka::config::Config;
    ///
    /// let text = "[kafka]\nbrokers = ['a:9092', 'b:9092']\nclientID = 'orders'";
    /// let connection = Config::from_toml(text)?.kafka("kafka")?.connection;
    /// assert_eq!(connection.brokers, ["a:9092", "b:9092"]);
    /// assert_eq!(connection.client_id, "orders");
    /// # Ok(())
    /// # }
    /// ```
    pub struct ConnectionConfig {
        /// Where to find the cluster: `host:port` of one or more brokers. Empty texts are left out.
        brokers: Vec<String> = Vec::new() => "brokers",
        /// Prints each call with its request and response; unset, `EGO_DEBUG=true` decides.
        debug: Option<bool> = None => "debug",
        /// Names this client to the brokers.
        client_id: String = "ekafka".to_owned() => "clientID",
        /// How to log in: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`; empty for no log-in.
        sasl_mechanism: String = String::new() => "saslMechanism",
        /// The name to log in with.
        sasl_user_name: String = String::new() => "saslUserName",
        /// The password to log in with.
        sasl_password: Secret = Secret::from("") => "saslPassword",
        /// Whether PLAIN may go without TLS, where anyone on the path can read the password. False: the configuration is refused. Unset: it is read with a warning, and refused when it connects.
        sasl_allow_plaintext: Option<bool> = None => "saslAllowPlaintext",
        /// Encrypts connections and checks the brokers' certificates.
        tls_enable: bool = false => "tlsEnable",
        /// A PEM file of certificate authorities to trust; empty for the operating system's, which needs the feature `native-roots`.
        tls_ca_file: String = String::new() => "tlsCaFile",
        /// A PEM file with the client's certificate, for brokers that ask for one.
        tls_cert_file: String = String::new() => "tlsCertFile",
        /// A PEM file with the key of the client's certificate.
        tls_key_file: String = String::new() => "tlsKeyFile",
        /// The name to find in the brokers' certificates instead of the host dialled.
        tls_server_name: String = String::new() => "tlsServerName",
        /// Accepts any certificate: for tests only.
        tls_insecure_skip_verify: bool = false => "tlsInsecureSkipVerify",
        /// Continues traces through message headers (W3C trace context).
        enable_trace_interceptor: bool = true => "enableTraceInterceptor",
        /// Counts and times each call.
        enable_metric_interceptor: bool = true => "enableMetricInterceptor",
        /// Logs each call.
        enable_access_interceptor: bool = false => "enableAccessInterceptor",
        /// Adds the request to the access log.
        enable_access_interceptor_req: bool = false => "enableAccessInterceptorReq",
        /// Adds the response to the access log.
        enable_access_interceptor_res: bool = false => "enableAccessInterceptorRes",
        /// Calls that take longer are logged as warnings; `0s` logs none.
        slow_log_threshold: Duration = Duration::ZERO => "slowLogThreshold",
    }
}

section! {
    /// `[kafka.client]`: the client for topics, offsets and metadata.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use ekafka::config::Config;
    ///
    /// let client = Config::from_toml("[kafka.client]\ntimeout = '3s'")?.kafka("kafka")?.client;
    /// assert_eq!(client.timeout, Duration::from_secs(3));
    /// # Ok(())
    /// # }
    /// ```
    pub struct ClientConfig {
        /// How long one call may take, all tries together; `0s` for the usual 60 s.
        timeout: Duration = Duration::ZERO => "timeout",
    }
}

section! {
    /// `[kafka.producers.NAME]`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ekafka::config::{Config, ProducerConfig};
    ///
    /// let text = "[kafka.producers.p1]\ntopic = 'orders'\ncompression = 'zstd:3'";
    /// let producer: &ProducerConfig = &Config::from_toml(text)?.kafka("kafka")?.producers["p1"];
    /// assert_eq!(producer.topic, "orders");
    /// assert_eq!(producer.batch_size, 100);
    /// # Ok(())
    /// # }
    /// ```
    pub struct ProducerConfig {
        /// The topic of every message; empty means that each message names its own.
        topic: String = String::new() => "topic",
        /// Chooses the partition: `roundRobin`, `hash`, `referenceHash`, `leastBytes`, `crc32`, `murmur2`, `sticky`, or a registered name.
        balancer: String = "roundRobin".to_owned() => "balancer",
        /// How often a batch is sent before it is given up.
        max_attempts: u32 = 10 => "maxAttempts",
        /// Records per batch.
        batch_size: usize = 100 => "batchSize",
        /// Bytes per batch; one larger message is refused.
        batch_bytes: usize = 1_048_576 => "batchBytes",
        /// How long a batch that is not full waits; `auto` waits only while another is in flight.
        batch_timeout: BatchTimeout = BatchTimeout::After(Duration::from_secs(1)) => "batchTimeout",
        /// How long looking up a topic may take.
        read_timeout: Duration = Duration::from_secs(10) => "readTimeout",
        /// How long one produce request may take.
        write_timeout: Duration = Duration::from_secs(10) => "writeTimeout",
        /// Who must have a batch: nobody, the leader, or all replicas in sync.
        required_acks: Acks = Acks::All => "requiredAcks",
        /// Returns from writing at once; errors go to the log only.
        asynchronous: bool = false => "async",
        /// How batches are compressed.
        compression: Compression = Compression::NONE => "compression",
        /// Creates a topic that is missing when a message is written to it.
        allow_auto_topic_creation: bool = false => "allowAutoTopicCreation",
        /// Waits between attempts: the shortest.
        write_backoff_min: Duration = Duration::from_millis(100) => "writeBackoffMin",
        /// Waits between attempts: the longest.
        write_backoff_max: Duration = Duration::from_secs(1) => "writeBackoffMax",
        /// Bytes that may wait to be sent before writing waits.
        buffer_memory: usize = 33_554_432 => "bufferMemory",
        /// Lets brokers recognise batches that are sent again, so that none is stored twice; needs `requiredAcks = -1`. Unset: wherever that holds.
        idempotence: Option<bool> = None => "idempotence",
    }
}

section! {
    /// `[kafka.consumers.NAME]`: one partition, or a member of a group when `groupID` is set.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ekafka::StartOffset;
    /// use ekafka::config::{Config, ConsumerConfig};
    ///
    /// let text = "[kafka.consumers.c1]\ntopic = 'orders'\ngroupID = 'shop'\nstartOffset = -1";
    /// let consumer: &ConsumerConfig = &Config::from_toml(text)?.kafka("kafka")?.consumers["c1"];
    /// assert_eq!(consumer.start_offset, StartOffset::Last);
    /// # Ok(())
    /// # }
    /// ```
    pub struct ConsumerConfig {
        /// The topic to read.
        topic: String = String::new() => "topic",
        /// The consumer group; not together with `partition`.
        group_id: String = String::new() => "groupID",
        /// The partition to read without a group.
        partition: i32 = 0 => "partition",
        /// Bytes for which the broker waits, up to `maxWait`.
        min_bytes: u32 = 1 => "minBytes",
        /// Bytes of one answer.
        max_bytes: u32 = 1_048_576 => "maxBytes",
        /// How long the broker waits for `minBytes`.
        max_wait: Duration = Duration::from_secs(10) => "maxWait",
        /// Joins again when the topic gets more partitions.
        watch_partition_changes: bool = false => "watchPartitionChanges",
        /// How often to look for new partitions.
        partition_watch_interval: Duration = Duration::from_secs(5) => "partitionWatchInterval",
        /// How long the group waits for its members to join.
        rebalance_timeout: Duration = Duration::from_secs(30) => "rebalanceTimeout",
        /// Silence after which the coordinator counts a member as dead.
        session_timeout: Duration = Duration::from_secs(30) => "sessionTimeout",
        /// How often a member tells that it is alive.
        heartbeat_interval: Duration = Duration::from_secs(3) => "heartbeatInterval",
        /// The wait before joining again after an error.
        join_group_backoff: Duration = Duration::from_secs(5) => "joinGroupBackoff",
        /// How long the broker keeps committed offsets; negative leaves it to the broker.
        retention_time: Option<Duration> = None => "retentionTime",
        /// How often the end of the partition is asked for, for the lag; negative never does. Messages of groups tell their own.
        read_lag_interval: Option<Duration> = Some(Duration::from_secs(60)) => "readLagInterval",
        /// Collects marked offsets and commits them this often; `0s` commits in each call.
        commit_interval: Duration = Duration::ZERO => "commitInterval",
        /// Where to begin in partitions without a committed offset.
        start_offset: StartOffset = StartOffset::First => "startOffset",
        /// Waits after a fetch that failed: the shortest.
        read_backoff_min: Duration = Duration::from_millis(100) => "readBackoffMin",
        /// Waits after a fetch that failed: the longest.
        read_backoff_max: Duration = Duration::from_secs(1) => "readBackoffMax",
        /// Whether records of open and aborted transactions are delivered.
        isolation_level: IsolationLevel = IsolationLevel::ReadUncommitted => "isolationLevel",
        /// How partitions are shared out, in order of preference: `range`, `roundrobin`, `rack-affinity`, `sticky`, `cooperative-sticky`.
        group_balancers: Vec<String> = vec!["range".to_owned(), "roundrobin".to_owned()] => "groupBalancers",
    }
}

section! {
    /// `[kafka.consumerGroups.NAME]`: a member of a group that is polled for events.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ekafka::config::{Config, ConsumerGroupConfig};
    ///
    /// let text = "[kafka.consumerGroups.cg1]\ntopic = 'orders'\ngroupID = 'shop'";
    /// let group: &ConsumerGroupConfig = &Config::from_toml(text)?.kafka("kafka")?.consumer_groups["cg1"];
    /// assert_eq!(group.heartbeat_interval.as_secs(), 3);
    /// # Ok(())
    /// # }
    /// ```
    pub struct ConsumerGroupConfig {
        /// The consumer group.
        group_id: String = String::new() => "groupID",
        /// The topic to read.
        topic: String = String::new() => "topic",
        /// How often a member tells that it is alive.
        heartbeat_interval: Duration = Duration::from_secs(3) => "heartbeatInterval",
        /// How often to look for new partitions.
        partition_watch_interval: Duration = Duration::from_secs(5) => "partitionWatchInterval",
        /// Joins again when the topic gets more partitions.
        watch_partition_changes: bool = false => "watchPartitionChanges",
        /// Silence after which the coordinator counts a member as dead.
        session_timeout: Duration = Duration::from_secs(30) => "sessionTimeout",
        /// How long the group waits for its members to join.
        rebalance_timeout: Duration = Duration::from_secs(30) => "rebalanceTimeout",
        /// The wait before joining again after an error.
        join_group_backoff: Duration = Duration::from_secs(5) => "joinGroupBackoff",
        /// Where to begin in partitions without a committed offset.
        start_offset: StartOffset = StartOffset::First => "startOffset",
        /// How long the broker keeps committed offsets; negative leaves it to the broker.
        retention_time: Option<Duration> = None => "retentionTime",
        /// How long one exchange with the coordinator may take; joining takes `rebalanceTimeout` longer.
        timeout: Duration = Duration::from_secs(5) => "timeout",
        /// Bytes for which the broker waits, up to `maxWait`.
        min_bytes: u32 = 1 => "minBytes",
        /// Bytes of one answer.
        max_bytes: u32 = 1_048_576 => "maxBytes",
        /// How long the broker waits for `minBytes`.
        max_wait: Duration = Duration::from_secs(10) => "maxWait",
        /// Accepted from the documents; without effect, since each message tells its lag.
        read_lag_interval: Option<Duration> = Some(Duration::from_secs(60)) => "readLagInterval",
        /// Collects marked offsets and commits them this often; `0s` commits in each call.
        commit_interval: Duration = Duration::ZERO => "commitInterval",
        /// Waits after a fetch that failed: the shortest.
        read_backoff_min: Duration = Duration::from_millis(100) => "readBackoffMin",
        /// Waits after a fetch that failed: the longest.
        read_backoff_max: Duration = Duration::from_secs(1) => "readBackoffMax",
        /// Whether records of open and aborted transactions are delivered.
        isolation_level: IsolationLevel = IsolationLevel::ReadUncommitted => "isolationLevel",
        /// How partitions are shared out, in order of preference: `range`, `roundrobin`, `rack-affinity`, `sticky`, `cooperative-sticky`.
        group_balancers: Vec<String> = vec!["range".to_owned(), "roundrobin".to_owned()] => "groupBalancers",
    }
}

section! {
    /// `[kafkaConsumerServers.NAME]`: a server that consumes as long as the application runs.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use ekafka::config::{Config, ConsumerServerConfig};
    ///
    /// let text = "[kafkaConsumerServers.s1]\nconsumerName = 'c1'";
    /// let server: ConsumerServerConfig = Config::from_toml(text)?.consumer_server("kafkaConsumerServers.s1")?;
    /// assert_eq!(server.consumer_name, "c1");
    /// assert_eq!(server.consumer_group_name, "default");
    /// # Ok(())
    /// # }
    /// ```
    pub struct ConsumerServerConfig {
        /// Logs each message at debug level.
        debug: bool = false => "debug",
        /// The entry of `kafka.consumers` it uses.
        consumer_name: String = "default".to_owned() => "consumerName",
        /// The entry of `kafka.consumerGroups` it uses.
        consumer_group_name: String = "default".to_owned() => "consumerGroupName",
    }
}
