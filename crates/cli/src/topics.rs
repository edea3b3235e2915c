//! `ekafka topics`: list, create, describe and delete topics.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use ekafka::admin::{AdminError, Outcomes};
use ekafka::{Conn, ConnError, Dialer, ErrorCode, Partition, TopicConfig};
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::input::KeyValue;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Each topic with its number of partitions and replicas
    List {
        /// A line of JSON for each topic
        #[arg(long)]
        json: bool,
    },
    /// Create a topic and wait until it can be used
    Create {
        /// The topic's name
        topic: String,
        /// Number of partitions [default: as the brokers have it]
        #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
        partitions: Option<i32>,
        /// Copies of each partition [default: as the brokers have it]
        #[arg(long, value_parser = clap::value_parser!(i16).range(1..))]
        replication: Option<i16>,
        /// A setting of the topic, such as retention.ms=60000; may be repeated
        #[arg(long, value_name = "NAME=VALUE")]
        config: Vec<KeyValue>,
    },
    /// Leader, replicas and offsets of each partition
    Describe {
        /// The topic's name
        topic: String,
        /// A line of JSON for each partition
        #[arg(long)]
        json: bool,
    },
    /// Delete topics with everything in them
    Delete {
        /// The topics' names
        #[arg(required = true)]
        topics: Vec<String>,
    },
}

pub(crate) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    match &arguments.action {
        Action::List { json } => list(connection, *json).await,
        Action::Create {
            topic,
            partitions,
            replication,
            config,
        } => {
            let mut wanted =
                TopicConfig::new(topic, partitions.unwrap_or(-1), replication.unwrap_or(-1));
            wanted.config_entries = config
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.clone()))
                .collect();
            create(connection, wanted).await?;
            say!("created {topic}");
            Ok(())
        }
        Action::Describe { topic, json } => describe(connection, topic, *json).await,
        Action::Delete { topics } => {
            let names: Vec<&str> = topics.iter().map(String::as_str).collect();
            let mut failures = Vec::new();
            for (topic, outcome) in delete(connection, &names).await? {
                match outcome {
                    Ok(()) => say!("deleted {topic}"),
                    Err(error) => failures.push(error),
                }
            }
            let code = failures.first().and_then(AdminError::code);
            if failures.is_empty() {
                return Ok(());
            }
            Err(advised(Failure::each("cannot delete", &failures), code))
        }
    }
}

/// Creates a topic and waits until it can be used.
pub(crate) async fn create(connection: &Connection, wanted: TopicConfig) -> Result<(), Failure> {
    let topic = wanted.topic.clone();
    let created = connection.client().await?.create_topics([wanted]).await;
    let created = created.and_then(Outcomes::all);
    created.map(drop).map_err(|error| match error.code() {
        Some(ErrorCode::TOPIC_ALREADY_EXISTS) => {
            Failure::plain(format!("topic {topic} exists already"))
                .advise(format!("ekafka topics describe {topic}"))
        }
        code => advised(
            Failure::new(format_args!("cannot create topic {topic}"), &error),
            code,
        ),
    })
}

/// Deletes topics; what became of each.
pub(crate) async fn delete(
    connection: &Connection,
    topics: &[&str],
) -> Result<Outcomes<String, ()>, Failure> {
    let deleted = connection
        .client()
        .await?
        .delete_topics(topics.iter().copied())
        .await;
    deleted
        .map_err(|error| Failure::new(format_args!("cannot delete {}", topics.join(", ")), &error))
}

/// The partitions of a topic that must be there, in order.
pub(crate) async fn partitions(
    connection: &Connection,
    topic: &str,
) -> Result<Vec<Partition>, Failure> {
    let conn = connection.dial().await?;
    let mut found = look_up(&conn, topic).await?;
    if found.is_empty() {
        return Err(Failure::plain(format!(
            "there is no topic {topic} on {}",
            conn.broker().address()
        ))
        .advise(format!(
            "ekafka topics create {topic}, or ekafka topics list"
        )));
    }
    found.sort_unstable_by_key(|partition| partition.id);
    Ok(found)
}

/// Whether there is no such topic.
pub(crate) async fn is_missing(connection: &Connection, topic: &str) -> Result<bool, Failure> {
    let conn = connection.dial().await?;
    Ok(look_up(&conn, topic).await?.is_empty())
}

/// Whether there is a broker to be asked about a partition.
fn has_leader(partition: &Partition) -> bool {
    !partition.leader.host.is_empty()
}

/// First and next offset of each partition of a topic, which must have leaders.
pub(crate) async fn offsets(
    connection: &Connection,
    partitions: &[Partition],
) -> Result<BTreeMap<i32, (i64, i64)>, Failure> {
    let dialer = Dialer::new(connection.config()?);
    let mut found = BTreeMap::new();
    for partition in partitions {
        if !has_leader(partition) {
            let (topic, id) = (&partition.topic, partition.id);
            return Err(Failure::plain(format!("{topic}/{id} has no leader"))
                .advise(format!("ekafka topics describe {topic}")));
        }
        let both = async { dialer.dial_partition(partition).await?.read_offsets().await };
        let both = both.await.map_err(|error| {
            let (topic, id) = (&partition.topic, partition.id);
            Failure::new(
                format_args!("cannot read the offsets of {topic}/{id}"),
                &error,
            )
        })?;
        found.insert(partition.id, both);
    }
    Ok(found)
}

async fn list(connection: &Connection, as_json: bool) -> Result<(), Failure> {
    let conn = connection.dial().await?;
    let all = conn.read_partitions(&[]).await;
    let all = all.map_err(|error| refused("cannot list the topics", &error))?;
    let mut topics: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for partition in &all {
        let (partitions, replicas) = topics.entry(&partition.topic).or_default();
        *partitions += 1;
        *replicas = (*replicas).max(partition.replicas.len());
    }
    if as_json {
        for (topic, (partitions, replicas)) in topics {
            let line = json!({ "topic": topic, "partitions": partitions, "replicas": replicas });
            say!("{line}");
        }
        return Ok(());
    }
    let width = topics
        .keys()
        .map(|name| name.len())
        .max()
        .unwrap_or(0)
        .max(5);
    say!("{:width$}  partitions  replicas", "topic");
    for (topic, (partitions, replicas)) in topics {
        say!("{topic:width$}  {partitions:10}  {replicas:8}");
    }
    Ok(())
}

async fn describe(connection: &Connection, topic: &str, as_json: bool) -> Result<(), Failure> {
    let partitions = partitions(connection, topic).await?;
    let led = partitions.iter().filter(|partition| has_leader(partition));
    let led: Vec<Partition> = led.cloned().collect();
    let offsets = offsets(connection, &led).await?;
    if as_json {
        for partition in &partitions {
            let ids = |brokers: &[ekafka::Broker]| -> Vec<i32> {
                brokers.iter().map(|broker| broker.id).collect()
            };
            let both = offsets.get(&partition.id);
            let line = json!({
                "topic": topic,
                "partition": partition.id,
                "leader": has_leader(partition).then_some(partition.leader.id),
                "replicas": ids(&partition.replicas),
                "in_sync": ids(&partition.isr),
                "first_offset": both.map(|both| both.0),
                "next_offset": both.map(|both| both.1),
            });
            say!("{line}");
        }
        return Ok(());
    }
    say!("partition  leader  replicas      in sync       first offset  next offset");
    for partition in &partitions {
        let ids = |brokers: &[ekafka::Broker]| {
            let ids: Vec<String> = brokers.iter().map(|broker| broker.id.to_string()).collect();
            ids.join(",")
        };
        let told = |known: Option<i64>| known.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let both = offsets.get(&partition.id);
        let (first, next) = (told(both.map(|both| both.0)), told(both.map(|both| both.1)));
        let leader = has_leader(partition).then_some(i64::from(partition.leader.id));
        say!(
            "{:9}  {:>6}  {:12}  {:12}  {first:>12}  {next:>11}",
            partition.id,
            told(leader),
            ids(&partition.replicas),
            ids(&partition.isr),
        );
    }
    Ok(())
}

/// The partitions of a topic; none when it does not exist.
async fn look_up(conn: &Conn, topic: &str) -> Result<Vec<Partition>, Failure> {
    match conn.read_partitions(&[topic]).await {
        Ok(found) => Ok(found),
        Err(ConnError::Kafka { code, .. } | ConnError::Topic { code, .. })
            if code == ErrorCode::UNKNOWN_TOPIC_OR_PARTITION =>
        {
            Ok(Vec::new())
        }
        Err(error) => Err(refused(&format!("cannot look up topic {topic}"), &error)),
    }
}

/// A refusal, with what usually helps.
fn refused(what: &str, error: &ConnError) -> Failure {
    let failure = Failure::new(what, error);
    match error {
        ConnError::Kafka { code, .. } => advised(failure, Some(*code)),
        ConnError::Disconnected { .. } => {
            failure.advise("--sasl or --tls-ca, if this listener expects them")
        }
        _ => failure,
    }
}

fn advised(failure: Failure, code: Option<ErrorCode>) -> Failure {
    match code {
        Some(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION) => failure.advise("ekafka topics list"),
        Some(ErrorCode::INVALID_TOPIC_EXCEPTION) => {
            failure.advise("a name of letters, digits, `.`, `_` and `-`, at most 249 of them")
        }
        Some(ErrorCode::INVALID_REPLICATION_FACTOR) => {
            failure.advise("at most as many --replication as there are brokers")
        }
        _ => failure,
    }
}
