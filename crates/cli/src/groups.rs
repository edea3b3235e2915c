//! `ekafka groups`: list, describe and delete consumer groups, and move their offsets.

mod reset;

use clap::{Args, Subcommand};
use ekafka::ErrorCode;
use ekafka::admin::{AdminError, GroupDescription, GroupListing, ListGroups};
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::{lag, table};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Each group with its state and coordinator
    List {
        /// Only groups in this state, such as Stable or Empty; may be repeated
        #[arg(long)]
        state: Vec<String>,
        /// A line of JSON for each group
        #[arg(long)]
        json: bool,
    },
    /// State, members and their partitions, and how far each partition is read
    Describe {
        /// The group's id
        group: String,
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete groups with their offsets; only groups without members
    Delete {
        /// The groups' ids
        #[arg(required = true)]
        groups: Vec<String>,
    },
    /// Set where a group goes on; only a group without members. Shows what would happen unless --execute is given
    ResetOffsets(reset::Arguments),
}

pub(crate) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    match &arguments.action {
        Action::List { state, json } => list(connection, state, *json).await,
        Action::Describe { group, json } => describe(connection, group, *json).await,
        Action::Delete { groups } => delete(connection, groups).await,
        Action::ResetOffsets(options) => reset::run(options, connection).await,
    }
}

async fn list(connection: &Connection, states: &[String], as_json: bool) -> Result<(), Failure> {
    let client = connection.client().await?;
    let listed = client.list_groups(ListGroups::all().states(states)).await;
    let listed = listed.map_err(|error| Failure::new("cannot list the groups", &error))?;
    let mut groups: Vec<GroupListing> = Vec::new();
    for (broker, outcome) in listed {
        let known = outcome.map_err(|error| {
            Failure::new(
                format_args!("cannot list the groups of broker {broker}"),
                &error,
            )
        })?;
        groups.extend(known);
    }
    groups.sort_by(|left, right| left.group_id.cmp(&right.group_id));
    if as_json {
        for group in &groups {
            let line = json!({
                "group": group.group_id,
                "state": group.state,
                "type": group.group_type,
                "protocol_type": group.protocol_type,
                "coordinator": group.coordinator.0,
            });
            say!("{line}");
        }
        return Ok(());
    }
    let told = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let row = |group: &GroupListing| {
        let (state, kind) = (told(&group.state), told(&group.group_type));
        [
            group.group_id.clone(),
            state,
            kind,
            group.coordinator.to_string(),
        ]
    };
    let rows: Vec<[String; 4]> = groups.iter().map(row).collect();
    table::print(["group", "state", "type", "coordinator"], &rows);
    Ok(())
}

async fn describe(connection: &Connection, group: &str, as_json: bool) -> Result<(), Failure> {
    let client = connection.client().await?;
    let described = lag::describe(&client, group).await?;
    let described = described.ok_or_else(|| lag::missing(group))?;
    let progress = lag::progress(&client, &described).await?;
    if as_json {
        say!("{}", as_line(&described, &progress));
        return Ok(());
    }
    let GroupDescription {
        state,
        assignor,
        members,
        ..
    } = &described;
    let strategy = if assignor.is_empty() { "-" } else { assignor };
    say!(
        "group {group}: {state}, strategy {strategy}, {} members",
        members.len()
    );
    for member in members {
        let partitions: Vec<String> = member.assignment.iter().map(ToString::to_string).collect();
        let name = member.instance_id.as_ref().unwrap_or(&member.member_id);
        say!(
            "  {name} at {}: {}",
            member.client_host,
            partitions.join(", ")
        );
    }
    say!("");
    lag::show(group, &progress, false);
    Ok(())
}

fn as_line(described: &GroupDescription, progress: &[lag::Progress]) -> serde_json::Value {
    let members = described.members.iter().map(|member| {
        let assignment = member.assignment.iter().map(
            |partition| json!({ "topic": &*partition.topic, "partition": partition.partition }),
        );
        json!({
            "member": member.member_id,
            "instance": member.instance_id,
            "client_id": member.client_id,
            "host": member.client_host,
            "topics": member.topics,
            "assignment": assignment.collect::<Vec<_>>(),
        })
    });
    let partitions = progress.iter().map(|row| {
        json!({
            "topic": &*row.partition.topic,
            "partition": row.partition.partition,
            "committed": row.committed,
            "end": row.end,
            "lag": row.lag(),
        })
    });
    json!({
        "group": described.group_id,
        "type": described.group_type,
        "state": described.state,
        "protocol_type": described.protocol_type,
        "assignor": described.assignor,
        "members": members.collect::<Vec<_>>(),
        "partitions": partitions.collect::<Vec<_>>(),
    })
}

async fn delete(connection: &Connection, groups: &[String]) -> Result<(), Failure> {
    let client = connection.client().await?;
    let deleted = client.delete_groups(groups).await;
    let deleted = deleted.map_err(|error| Failure::new("cannot delete the groups", &error))?;
    let mut failures = Vec::new();
    for (group, outcome) in deleted {
        match outcome {
            Ok(()) => say!("deleted {group}"),
            Err(error) => failures.push(error),
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    let is_in_use = |error: &AdminError| error.code() == Some(ErrorCode::NON_EMPTY_GROUP);
    let failure = Failure::each("cannot delete", &failures);
    Err(if failures.iter().any(is_in_use) {
        failure.advise("stop its members first")
    } else {
        failure.advise("ekafka groups list")
    })
}
