//! Kafka's own property names, for configurations that come from librdkafka or the Java client.
//!
//! A `properties` table in `[kafka]`, a producer, a consumer or a group may hold them (`"linger.ms" = 5`). Each becomes a
//! key of the table it stands in, unless that key is there itself, or is refused with the reason.

use std::borrow::Cow;

use toml::{Table, Value};

use super::error::{ConfigError, Faults};
use super::section::nearest;
use super::{KafkaConfig, setting::Setting};
use Becomes::{Millis, Refused, Retries, Same, Word};

/// Whose properties a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Connection,
    Producer,
    Consumer,
    ConsumerGroup,
    Nothing,
}

impl KafkaConfig {
    /// A cluster, a producer and a consumer, both named `default`, from a flat list of Kafka's properties, each applied
    /// where it belongs. Both use `topic`.
    ///
    /// ```
    /// use ekafka::config::KafkaConfig;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let config = KafkaConfig::from_properties("orders", [("bootstrap.servers", "localhost:9092"), ("linger.ms", "5")])?;
    /// println!("{}", config.effective());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ConfigError`] with every property that is unknown, has no counterpart, or holds a faulty value.
    pub fn from_properties<K: Into<String>, V: Into<String>>(
        topic: &str,
        properties: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, ConfigError> {
        let mut tables = [Of::Connection, Of::Producer, Of::Consumer].map(|of| (of, Table::new()));
        for (name, value) in properties {
            let (name, value) = (name.into(), Value::String(value.into()));
            let mut placed = false;
            for (of, table) in &mut tables {
                if PROPERTIES.iter().any(|property| property.is(&name, *of)) {
                    table.insert(name.clone(), value.clone());
                    placed = true;
                }
            }
            if !placed && let Some((_, table)) = tables.first_mut() {
                table.insert(name, value);
            }
        }
        let [(_, connection), (_, producer), (_, consumer)] = tables;
        let entry = |properties: Table| {
            let mut entry = Table::new();
            entry.insert("topic".to_owned(), Value::String(topic.to_owned()));
            entry.insert("properties".to_owned(), Value::Table(properties));
            let mut entries = Table::new();
            entries.insert("default".to_owned(), Value::Table(entry));
            Value::Table(entries)
        };
        let mut root = Table::new();
        root.insert("properties".to_owned(), Value::Table(connection));
        root.insert("producers".to_owned(), entry(producer));
        root.insert("consumers".to_owned(), entry(consumer));
        Self::read("properties", &root)
    }
}

/// `table` with its properties turned into keys.
pub(super) fn translated<'t>(
    path: &str,
    table: &'t Table,
    of: Of,
    faults: &mut Faults,
) -> Cow<'t, Table> {
    let found = table
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("properties"));
    let Some((name, Value::Table(properties))) = found else {
        return Cow::Borrowed(table);
    };
    let mut table = table.clone();
    table.remove(name);
    let mut flat = Vec::new();
    flatten("", properties, &mut flat);
    for (property, value) in flat {
        match translate(&property, value, of) {
            Ok((key, value)) => {
                if !table.keys().any(|there| there.eq_ignore_ascii_case(key)) {
                    table.insert(key.to_owned(), value);
                }
            }
            Err(problem) => faults.add(format!("{path}.properties.\"{property}\""), problem),
        }
    }
    Cow::Owned(table)
}

/// `linger.ms = 5` without quotes is a table in a table for TOML.
fn flatten<'v>(prefix: &str, table: &'v Table, out: &mut Vec<(String, &'v Value)>) {
    for (key, value) in table {
        let name = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            Value::Table(inner) => flatten(&name, inner, out),
            value => out.push((name, value)),
        }
    }
}

fn translate(name: &str, value: &Value, of: Of) -> Result<(&'static str, Value), String> {
    if let Some(property) = PROPERTIES.iter().find(|property| property.is(name, of)) {
        return property.target(value);
    }
    if let Some(elsewhere) = PROPERTIES.iter().find(|property| property.name == name) {
        return Err(match elsewhere.becomes {
            Refused(reason) => reason.to_owned(),
            _ => format!("belongs in the properties of {}", elsewhere.place()),
        });
    }
    let names: Vec<&str> = PROPERTIES.iter().map(|property| property.name).collect();
    Err(match nearest(name, &names) {
        Some(near) => format!("unknown property; the nearest known one is {near}"),
        None => "unknown property".to_owned(),
    })
}

/// One property, where it may stand, and what becomes of it there.
struct Property {
    name: &'static str,
    of: &'static [Of],
    becomes: Becomes,
}

enum Becomes {
    /// The key with the value as it is.
    Same(&'static str),
    /// The key with a number of milliseconds as a time span.
    Millis(&'static str),
    /// The key, one higher: retries are attempts after the first.
    Retries(&'static str),
    /// The key, by a word: the property's word beside the key's.
    Word(&'static str, &'static [(&'static str, &'static str)]),
    /// Nothing, for this reason.
    Refused(&'static str),
}

impl Property {
    fn is(&self, name: &str, of: Of) -> bool {
        self.name == name && self.of.contains(&of)
    }

    fn place(&self) -> &'static str {
        match self.of.first() {
            Some(Of::Producer) => "a producer",
            Some(Of::Consumer | Of::ConsumerGroup) => "a consumer or group",
            _ => "the cluster",
        }
    }

    fn target(&self, value: &Value) -> Result<(&'static str, Value), String> {
        let number = |least: i64| {
            let number = value
                .as_integer()
                .or_else(|| value.as_str()?.trim().parse().ok());
            number
                .filter(|number| *number >= least)
                .ok_or_else(|| format!("expected a whole number of {least} or more, found {value}"))
        };
        match self.becomes {
            Same(key) => Ok((key, value.clone())),
            Millis(key) => Ok((key, Value::String(format!("{}ms", number(0)?)))),
            Retries(key) => {
                let attempts = number(0)?.saturating_add(1).min(i64::from(u32::MAX));
                Ok((key, Value::Integer(attempts)))
            }
            Word(key, words) => {
                let word = String::read(value).unwrap_or_default();
                let found = words
                    .iter()
                    .find(|(from, _)| word.eq_ignore_ascii_case(from));
                let accepted: Vec<&str> = words.iter().map(|(from, _)| *from).collect();
                found
                    .map(|(_, to)| (key, Value::String((*to).to_owned())))
                    .ok_or_else(|| {
                        format!("expected one of {}, found {value}", accepted.join(", "))
                    })
            }
            Refused(reason) => Err(reason.to_owned()),
        }
    }
}

const fn property(name: &'static str, of: &'static [Of], becomes: Becomes) -> Property {
    Property { name, of, becomes }
}

const CLUSTER: &[Of] = &[Of::Connection];
const PRODUCER: &[Of] = &[Of::Producer];
const READERS: &[Of] = &[Of::Consumer, Of::ConsumerGroup];
const ANY: &[Of] = &[
    Of::Connection,
    Of::Producer,
    Of::Consumer,
    Of::ConsumerGroup,
];

const MECHANISMS: &[(&str, &str)] = &[
    ("PLAIN", "PLAIN"),
    ("SCRAM-SHA-256", "SCRAM-SHA-256"),
    ("SCRAM-SHA-512", "SCRAM-SHA-512"),
];

const PROPERTIES: &[Property] = &[
    property("bootstrap.servers", CLUSTER, Same("brokers")),
    property("metadata.broker.list", CLUSTER, Same("brokers")),
    property("client.id", CLUSTER, Same("clientID")),
    property(
        "security.protocol",
        CLUSTER,
        Word(
            "tlsEnable",
            &[
                ("plaintext", "false"),
                ("ssl", "true"),
                ("sasl_plaintext", "false"),
                ("sasl_ssl", "true"),
            ],
        ),
    ),
    property("sasl.mechanism", CLUSTER, Word("saslMechanism", MECHANISMS)),
    property(
        "sasl.mechanisms",
        CLUSTER,
        Word("saslMechanism", MECHANISMS),
    ),
    property("sasl.username", CLUSTER, Same("saslUserName")),
    property("sasl.password", CLUSTER, Same("saslPassword")),
    property("ssl.ca.location", CLUSTER, Same("tlsCaFile")),
    property("ssl.certificate.location", CLUSTER, Same("tlsCertFile")),
    property("ssl.key.location", CLUSTER, Same("tlsKeyFile")),
    property(
        "enable.ssl.certificate.verification",
        CLUSTER,
        Word(
            "tlsInsecureSkipVerify",
            &[("true", "false"), ("false", "true")],
        ),
    ),
    property("acks", PRODUCER, Same("requiredAcks")),
    property("request.required.acks", PRODUCER, Same("requiredAcks")),
    property("linger.ms", PRODUCER, Millis("batchTimeout")),
    property("queue.buffering.max.ms", PRODUCER, Millis("batchTimeout")),
    property("batch.size", PRODUCER, Same("batchBytes")),
    property("batch.num.messages", PRODUCER, Same("batchSize")),
    property("message.max.bytes", PRODUCER, Same("batchBytes")),
    property("max.request.size", PRODUCER, Same("batchBytes")),
    property("buffer.memory", PRODUCER, Same("bufferMemory")),
    property("compression.type", PRODUCER, Same("compression")),
    property("compression.codec", PRODUCER, Same("compression")),
    property("enable.idempotence", PRODUCER, Same("idempotence")),
    property("retries", PRODUCER, Retries("maxAttempts")),
    property("message.send.max.retries", PRODUCER, Retries("maxAttempts")),
    property("retry.backoff.ms", PRODUCER, Millis("writeBackoffMin")),
    property("retry.backoff.max.ms", PRODUCER, Millis("writeBackoffMax")),
    property("request.timeout.ms", PRODUCER, Millis("writeTimeout")),
    property(
        "allow.auto.create.topics",
        PRODUCER,
        Same("allowAutoTopicCreation"),
    ),
    property(
        "partitioner",
        PRODUCER,
        Word(
            "balancer",
            &[
                ("consistent_random", "crc32"),
                ("consistent", "crc32Consistent"),
                ("murmur2_random", "murmur2"),
                ("murmur2", "murmur2Consistent"),
                ("fnv1a_random", "hash"),
            ],
        ),
    ),
    property("group.id", READERS, Same("groupID")),
    property(
        "auto.offset.reset",
        READERS,
        Word(
            "startOffset",
            &[
                ("earliest", "first"),
                ("latest", "last"),
                ("smallest", "first"),
                ("largest", "last"),
                ("beginning", "first"),
                ("end", "last"),
            ],
        ),
    ),
    property("auto.commit.interval.ms", READERS, Millis("commitInterval")),
    property("session.timeout.ms", READERS, Millis("sessionTimeout")),
    property(
        "heartbeat.interval.ms",
        READERS,
        Millis("heartbeatInterval"),
    ),
    property("max.poll.interval.ms", READERS, Millis("rebalanceTimeout")),
    property("fetch.min.bytes", READERS, Same("minBytes")),
    property("fetch.max.bytes", READERS, Same("maxBytes")),
    property("fetch.max.wait.ms", READERS, Millis("maxWait")),
    property("fetch.wait.max.ms", READERS, Millis("maxWait")),
    property("isolation.level", READERS, Same("isolationLevel")),
    property(
        "partition.assignment.strategy",
        READERS,
        Same("groupBalancers"),
    ),
    property(
        "enable.auto.commit",
        READERS,
        Refused(
            "choose by the call: read_message commits what it returns, fetch_message does not; commitInterval merges commits",
        ),
    ),
    property(
        "max.poll.records",
        READERS,
        Refused(
            "messages are handed over one by one or batch by batch; maxBytes bounds what is fetched",
        ),
    ),
    property(
        "max.in.flight.requests.per.connection",
        PRODUCER,
        Refused("order is kept with five in flight; there is nothing to trade"),
    ),
    property(
        "max.in.flight",
        PRODUCER,
        Refused("order is kept with five in flight; there is nothing to trade"),
    ),
    property(
        "delivery.timeout.ms",
        PRODUCER,
        Refused("maxAttempts and writeTimeout bound a message's delivery"),
    ),
    property(
        "transactional.id",
        PRODUCER,
        Refused("transactions are not offered by this writer"),
    ),
    property(
        "key.serializer",
        ANY,
        Refused("keys and values are bytes; see the codecs of pubsub"),
    ),
    property(
        "value.serializer",
        ANY,
        Refused("keys and values are bytes; see the codecs of pubsub"),
    ),
    property(
        "key.deserializer",
        ANY,
        Refused("keys and values are bytes; see the codecs of pubsub"),
    ),
    property(
        "value.deserializer",
        ANY,
        Refused("keys and values are bytes; see the codecs of pubsub"),
    ),
    property(
        "partitioner.class",
        PRODUCER,
        Refused("a Java class; name a balancer by the key `balancer`"),
    ),
    property(
        "interceptor.classes",
        ANY,
        Refused("Java classes; register interceptors when building the component"),
    ),
    property(
        "sasl.jaas.config",
        CLUSTER,
        Refused("a Java login module; use saslUserName and saslPassword"),
    ),
    property(
        "ssl.keystore.location",
        CLUSTER,
        Refused("a Java key store; use PEM files by tlsCertFile and tlsKeyFile"),
    ),
    property(
        "ssl.truststore.location",
        CLUSTER,
        Refused("a Java trust store; use a PEM file by tlsCaFile"),
    ),
    property(
        "statistics.interval.ms",
        ANY,
        Refused("statistics are asked for (stats) or reported as metrics"),
    ),
    property(
        "queue.buffering.max.messages",
        PRODUCER,
        Refused("memory is bounded in bytes: bufferMemory"),
    ),
    property(
        "queue.buffering.max.kbytes",
        PRODUCER,
        Refused("memory is bounded in bytes: bufferMemory"),
    ),
    property(
        "group.instance.id",
        READERS,
        Refused(
            "static membership is set on the reader's builder, where each process has its own name",
        ),
    ),
];
