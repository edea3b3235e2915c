//! `ekafka groups reset-offsets`: where a group goes on.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::SystemTime;

use clap::Args;
use ekafka::admin::{AdminError, Client, Metadata, OffsetCommit, OffsetSpec};
use ekafka::{ErrorCode, TopicPartition};
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::{lag, moment, table};

#[derive(Args)]
pub(crate) struct Arguments {
    /// The group's id
    group: String,
    /// Only this topic, or these of its partitions (TOPIC:0,2); may be repeated [default: all that the group has
    /// committed]
    #[arg(long, value_name = "TOPIC[:PARTITIONS]")]
    topic: Vec<Chosen>,
    #[command(flatten)]
    target: Target,
    /// Do it
    #[arg(long, conflicts_with = "dry_run")]
    execute: bool,
    /// Only show what would be done; so it is without --execute too
    #[arg(long)]
    dry_run: bool,
    /// A line of JSON for each partition
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// The first record there is
    #[arg(long)]
    to_earliest: bool,
    /// The end: only records written from now on
    #[arg(long)]
    to_latest: bool,
    /// This offset, or the nearest that there is
    #[arg(long, value_name = "OFFSET", value_parser = clap::value_parser!(i64).range(0..))]
    to_offset: Option<i64>,
    /// The first record of that time or later: 2026-01-31T09:00:00Z, milliseconds since 1970, or -15m for so long ago
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    to_datetime: Option<i64>,
    /// So many records further, or back when negative, within what there is
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    shift_by: Option<i64>,
}

/// A topic, and which of its partitions.
#[derive(Clone, Debug)]
struct Chosen {
    topic: String,
    /// None for all.
    partitions: Option<Vec<i32>>,
}

impl FromStr for Chosen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((topic, list)) = text.split_once(':') else {
            let topic = text.to_owned();
            return Ok(Self {
                topic,
                partitions: None,
            });
        };
        let numbers = list.split(',').map(str::parse::<i32>);
        let partitions: Result<Vec<i32>, _> = numbers.collect();
        match partitions {
            Ok(partitions) if partitions.iter().all(|number| *number >= 0) => Ok(Self {
                topic: topic.to_owned(),
                partitions: Some(partitions),
            }),
            _ => Err("expected TOPIC or TOPIC:0,2".to_owned()),
        }
    }
}

fn time(text: &str) -> Result<i64, String> {
    moment::parse(text, SystemTime::now())
}

/// A partition, where the group is and where it shall be.
struct Move {
    partition: TopicPartition,
    before: Option<i64>,
    after: i64,
}

pub(crate) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    let client = connection.client().await?;
    let group = &arguments.group;
    refuse_members(&client, group).await?;
    let committed = lag::committed(&client, group).await?;
    let partitions = choose(&client, &arguments.topic, &committed).await?;
    if partitions.is_empty() {
        return Err(
            Failure::plain(format!("group {group} has committed nothing"))
                .advise("--topic TOPIC, to set where it begins"),
        );
    }
    let moves = plan(&client, &arguments.target, partitions, &committed).await?;
    if arguments.execute {
        execute(&client, group, &moves).await?;
    }
    show(arguments, &moves);
    if !arguments.execute {
        eprintln!("nothing was changed; --execute does it");
    }
    Ok(())
}

async fn refuse_members(client: &Client, group: &str) -> Result<(), Failure> {
    let described = client.describe_groups([group]).await;
    let described = described.and_then(ekafka::admin::Outcomes::all);
    match described {
        // One that does not exist begins to by its first offset.
        Err(error) if error.code() == Some(ErrorCode::GROUP_ID_NOT_FOUND) => Ok(()),
        Err(error) => Err(Failure::new(
            format_args!("cannot describe group {group}"),
            &error,
        )),
        Ok(described) => {
            let members: usize = described.iter().map(|(_, found)| found.members.len()).sum();
            if members == 0 {
                return Ok(());
            }
            Err(
                Failure::plain(format!("group {group} has {members} active members"))
                    .advise("stop them first"),
            )
        }
    }
}

async fn choose(
    client: &Client,
    chosen: &[Chosen],
    committed: &BTreeMap<TopicPartition, i64>,
) -> Result<Vec<TopicPartition>, Failure> {
    if chosen.is_empty() {
        return Ok(committed.keys().cloned().collect());
    }
    let names = chosen.iter().map(|chosen| chosen.topic.as_str());
    let found = client.metadata(Metadata::topics(names)).await;
    let found = found.map_err(|error| Failure::new("cannot look up the topics", &error))?;
    let mut partitions = Vec::new();
    for Chosen {
        topic,
        partitions: numbers,
    } in chosen
    {
        let known = found.topics.iter().find(|known| known.name == *topic);
        let known: Vec<i32> = known
            .into_iter()
            .flat_map(|known| known.partitions.iter().map(|partition| partition.id))
            .collect();
        if known.is_empty() {
            return Err(
                Failure::plain(format!("there is no topic {topic}")).advise("ekafka topics list")
            );
        }
        let numbers = numbers.as_ref().unwrap_or(&known);
        if let Some(missing) = numbers.iter().find(|number| !known.contains(number)) {
            return Err(Failure::plain(format!(
                "topic {topic} has no partition {missing}"
            )));
        }
        let wanted = numbers
            .iter()
            .map(|number| TopicPartition::new(topic.as_str(), *number));
        partitions.extend(wanted);
    }
    partitions.sort();
    partitions.dedup();
    Ok(partitions)
}

async fn plan(
    client: &Client,
    target: &Target,
    partitions: Vec<TopicPartition>,
    committed: &BTreeMap<TopicPartition, i64>,
) -> Result<Vec<Move>, Failure> {
    let mut specs = vec![OffsetSpec::First, OffsetSpec::Last];
    specs.extend(target.to_datetime.map(OffsetSpec::Time));
    let wanted: Vec<_> = partitions
        .iter()
        .flat_map(|partition| specs.iter().map(|spec| (partition.clone(), *spec)))
        .collect();
    let failed = |error: AdminError| Failure::new("cannot find the offsets to go to", &error);
    let found = client.list_offsets(wanted).await.map_err(failed)?;
    let found: BTreeMap<(TopicPartition, usize), Option<i64>> = found
        .all()
        .map_err(failed)?
        .into_iter()
        .enumerate()
        .map(|(at, ((partition, _), found))| ((partition, at % specs.len()), found.offset))
        .collect();
    let plan = |partition: TopicPartition| {
        let known = |at| found.get(&(partition.clone(), at)).copied().flatten();
        let (first, last) = (known(0).unwrap_or(0), known(1).unwrap_or(0));
        let before = committed.get(&partition).copied();
        let after = match (target.to_offset, target.to_datetime, target.shift_by) {
            (Some(offset), _, _) => offset,
            (_, Some(_), _) => known(2).unwrap_or(last),
            (_, _, Some(by)) => match before {
                Some(before) => before.saturating_add(by),
                None => {
                    let text = format!("{partition} has no committed offset to shift");
                    return Err(Failure::plain(text).advise("--to-earliest, or leave it out"));
                }
            },
            _ if target.to_earliest => first,
            _ => last,
        };
        Ok(Move {
            before,
            after: after.clamp(first, last.max(first)),
            partition,
        })
    };
    partitions.into_iter().map(plan).collect()
}

async fn execute(client: &Client, group: &str, moves: &[Move]) -> Result<(), Failure> {
    let commit = moves
        .iter()
        .fold(OffsetCommit::of(group), |commit, planned| {
            commit.offset(planned.partition.clone(), planned.after)
        });
    let committed = client.offset_commit(commit).await;
    let committed = committed.and_then(ekafka::admin::Outcomes::all);
    committed.map(drop).map_err(|error| {
        Failure::new(
            format_args!("cannot set the offsets of group {group}"),
            &error,
        )
    })
}

fn show(arguments: &Arguments, moves: &[Move]) {
    if arguments.json {
        for planned in moves {
            let line = json!({
                "group": arguments.group,
                "topic": &*planned.partition.topic,
                "partition": planned.partition.partition,
                "before": planned.before,
                "after": planned.after,
                "executed": arguments.execute,
            });
            say!("{line}");
        }
        return;
    }
    let row = |planned: &Move| {
        [
            planned.partition.topic.to_string(),
            planned.partition.partition.to_string(),
            planned
                .before
                .map_or_else(|| "-".to_owned(), |before| before.to_string()),
            planned.after.to_string(),
        ]
    };
    let rows: Vec<[String; 4]> = moves.iter().map(row).collect();
    table::print(["topic", "partition", "before", "after"], &rows);
}
