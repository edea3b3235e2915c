//! `ekafka lag`: how far a group is behind.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use clap::Args;
use ekafka::admin::{
    AdminError, Client, GroupDescription, MemberDescription, OffsetFetch, OffsetSpec,
};
use ekafka::{ErrorCode, TopicPartition};
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::stop::Stop;
use crate::table;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The group to look at
    #[arg(long, short)]
    group: String,
    /// Look again and again, every so many seconds, until interrupted
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "5",
        value_parser = clap::value_parser!(u64).range(1..))]
    watch: Option<u64>,
    /// A line of JSON for each partition
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    let client = connection.client().await?;
    let group = arguments.group.as_str();
    let Some(seconds) = arguments.watch else {
        let rows = look(&client, group).await?.ok_or_else(|| missing(group))?;
        show(group, &rows, arguments.json);
        return Ok(());
    };
    let mut stop = Stop::new()?;
    let mut was_seen = false;
    loop {
        let looked = tokio::select! {
            () = stop.asked() => return Ok(()),
            looked = look(&client, group) => looked,
        };
        match looked {
            Ok(Some(rows)) => {
                if was_seen && !arguments.json {
                    say!("");
                }
                was_seen = true;
                show(group, &rows, arguments.json);
            }
            Ok(None) => return Err(missing(group)),
            // Brokers come back.
            Err(failure) if was_seen => drop(failure.report()),
            Err(failure) => return Err(failure),
        }
        tokio::select! {
            () = stop.asked() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(seconds)) => {}
        }
    }
}

/// How far a group is; `None` when there is no such group.
async fn look(client: &Client, group: &str) -> Result<Option<Vec<Progress>>, Failure> {
    match describe(client, group).await? {
        Some(described) => progress(client, &described).await.map(Some),
        None => Ok(None),
    }
}

/// There is no such group.
pub(crate) fn missing(group: &str) -> Failure {
    Failure::plain(format!("there is no group {group}")).advise("ekafka groups list")
}

/// What a group has read of one partition.
pub(crate) struct Progress {
    pub(crate) partition: TopicPartition,
    /// The offset of the next record; `None` when nothing was ever committed.
    pub(crate) committed: Option<i64>,
    /// The offset behind the last record; `None` when the partition is gone or has no leader.
    pub(crate) end: Option<i64>,
    /// Who reads it now.
    pub(crate) member: Option<MemberDescription>,
}

impl Progress {
    /// Records that are still to be read.
    pub(crate) fn lag(&self) -> Option<i64> {
        Some((self.end? - self.committed?).max(0))
    }
}

/// The group as its coordinator describes it; `None` when there is no such group.
pub(crate) async fn describe(
    client: &Client,
    group: &str,
) -> Result<Option<GroupDescription>, Failure> {
    let described = client.describe_groups([group]).await;
    let described = described.and_then(|outcomes| Ok(outcomes.all()?.pop()));
    match described {
        Ok(described) => Ok(described.map(|(_, described)| described)),
        Err(error) if error.code() == Some(ErrorCode::GROUP_ID_NOT_FOUND) => Ok(None),
        Err(error) => Err(Failure::new(
            format_args!("cannot describe group {group}"),
            &error,
        )),
    }
}

/// Every partition that the group has committed in or reads, in order.
pub(crate) async fn progress(
    client: &Client,
    described: &GroupDescription,
) -> Result<Vec<Progress>, Failure> {
    let group = described.group_id.as_str();
    let committed = committed(client, group).await?;
    let mut readers: BTreeMap<&TopicPartition, &MemberDescription> = BTreeMap::new();
    for member in &described.members {
        readers.extend(
            member
                .assignment
                .iter()
                .map(|partition| (partition, member)),
        );
    }
    let all: BTreeSet<&TopicPartition> = committed.keys().chain(readers.keys().copied()).collect();
    let wanted = all
        .iter()
        .map(|partition| ((*partition).clone(), OffsetSpec::Last));
    let ends = client.list_offsets(wanted.collect::<Vec<_>>()).await;
    let ends = ends.map_err(|error| Failure::new("cannot find the ends of partitions", &error))?;
    let rows = all.into_iter().map(|partition| Progress {
        partition: partition.clone(),
        committed: committed.get(partition).copied(),
        end: ends
            .get(&(partition.clone(), OffsetSpec::Last))
            .and_then(|found| found.ok()?.offset),
        member: readers.get(partition).map(|member| (*member).clone()),
    });
    Ok(rows.collect())
}

/// The offsets that a group has committed; none for a group that does not exist.
pub(crate) async fn committed(
    client: &Client,
    group: &str,
) -> Result<BTreeMap<TopicPartition, i64>, Failure> {
    let failed = |error: AdminError| {
        Failure::new(
            format_args!("cannot read the offsets of group {group}"),
            &error,
        )
    };
    let found = client
        .offset_fetch(OffsetFetch::all_of(group))
        .await
        .map_err(failed)?;
    let found = found.all().map_err(failed)?.into_iter();
    Ok(found
        .filter_map(|(partition, found)| Some((partition, found?.offset)))
        .collect())
}

/// The table or the lines of JSON.
pub(crate) fn show(group: &str, rows: &[Progress], as_json: bool) {
    if as_json {
        for row in rows {
            let member = row.member.as_ref();
            let line = json!({
                "group": group,
                "topic": &*row.partition.topic,
                "partition": row.partition.partition,
                "committed": row.committed,
                "end": row.end,
                "lag": row.lag(),
                "member": member.map(|member| &member.member_id),
                "client_id": member.map(|member| &member.client_id),
                "host": member.map(|member| &member.client_host),
            });
            say!("{line}");
        }
        return;
    }
    let number =
        |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let lines: Vec<[String; 7]> = rows
        .iter()
        .map(|row| {
            let member = row.member.as_ref();
            let of = |part: fn(&MemberDescription) -> &String| {
                member.map_or_else(|| "-".to_owned(), |member| part(member).clone())
            };
            [
                row.partition.topic.to_string(),
                row.partition.partition.to_string(),
                number(row.committed),
                number(row.end),
                number(row.lag()),
                of(|member| &member.client_id),
                of(|member| &member.client_host),
            ]
        })
        .collect();
    table::print(
        [
            "topic",
            "partition",
            "committed",
            "end",
            "lag",
            "client",
            "host",
        ],
        &lines,
    );
    let total: i64 = rows.iter().filter_map(Progress::lag).sum();
    say!("total lag {total}");
}
