//! `ekafka consume`: records of a topic on standard output.

use std::collections::BTreeMap;
use std::future::ready;
use std::io::{self, BufWriter, Write};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use clap::Args;
use ekafka::admin::{ListOffsets, OffsetSpec};
use ekafka::{
    Event, IsolationLevel, Message, Partition, Reader, ReaderError, Received, StartOffset,
    TopicPartition,
};

use crate::connection::Connection;
use crate::failure::Failure;
use crate::isolation::isolation;
use crate::moment;
use crate::record_format::{RecordFormat, Row};
use crate::stop::Stop;
use crate::topics;

/// In a group the end is reached when nothing came for this long.
const QUIET: Duration = Duration::from_secs(3);

/// When nothing came for this long, what is left may be markers of transactions, which are not shown.
const LOOK: Duration = Duration::from_millis(300);

#[derive(Args)]
pub(crate) struct Arguments {
    /// The topic to read
    #[arg(long, short, required_unless_present = "regex")]
    topic: Option<String>,
    /// Read every topic whose whole name matches this regular expression, those that come later included, as a
    /// member of the group
    #[arg(
        long,
        value_name = "PATTERN",
        conflicts_with = "topic",
        requires = "group"
    )]
    regex: Option<String>,
    /// Read as a member of this consumer group, and commit what was shown
    #[arg(long, short, conflicts_with = "partition")]
    group: Option<String>,
    /// Only this partition; may be repeated [default: all]
    #[arg(long, short)]
    partition: Vec<i32>,
    /// Where to begin: first, last, an offset, or @TIME for the first record of that time or later
    /// (@2026-01-31T09:00:00Z, @1769850000000 in milliseconds, @-15m for so long ago); in a group, where nothing is
    /// committed [default: first]
    #[arg(
        long,
        short = 'o',
        visible_alias = "offset",
        allow_hyphen_values = true
    )]
    from: Option<Offset>,
    /// Show what comes from now on: begins at the end unless --from says otherwise, and goes on until interrupted
    #[arg(long, conflicts_with = "exit_at_end")]
    follow: bool,
    /// Records of open and aborted transactions: uncommitted shows them, committed does not
    #[arg(long, value_name = "LEVEL", default_value = "uncommitted", value_parser = isolation)]
    isolation: IsolationLevel,
    /// End after so many records
    #[arg(long, short, value_name = "N")]
    count: Option<u64>,
    /// End where the topic ended when reading began; in a group, when nothing came for three seconds
    #[arg(long, short)]
    exit_at_end: bool,
    /// json, or a pattern: %t topic, %p partition, %o offset, %T timestamp, %k key, %v value, %h headers
    #[arg(long, short, default_value = "%v\\n")]
    format: RecordFormat,
}

#[derive(Clone, Copy, Debug)]
struct Offset(StartOffset);

impl Arguments {
    /// What is read, as the user named it.
    fn subject(&self) -> &str {
        let named = self.topic.as_ref().or(self.regex.as_ref());
        named.map_or("", String::as_str)
    }

    fn start(&self) -> StartOffset {
        match (self.from, self.follow) {
            (Some(Offset(start)), _) => start,
            (None, true) => StartOffset::Last,
            (None, false) => StartOffset::First,
        }
    }
}

impl FromStr for Offset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(match text {
            "first" => StartOffset::First,
            "last" => StartOffset::Last,
            _ => match (text.strip_prefix('@'), text.parse()) {
                (Some(time), _) => {
                    let time = moment::parse(time, SystemTime::now())?;
                    StartOffset::Time(moment::system_time(time))
                }
                (None, Ok(offset)) if offset >= 0 => StartOffset::At(offset),
                _ => return Err("first, last, an offset from 0, or @TIME".to_owned()),
            },
        }))
    }
}

pub(crate) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    if arguments.count == Some(0) {
        return Ok(());
    }
    let mut end = End::never();
    let builder = Reader::builder()
        .cluster(connection.cluster()?)
        .start_offset(arguments.start())
        .isolation_level(arguments.isolation);
    let builder = match (&arguments.topic, &arguments.regex) {
        (Some(topic), _) => {
            let partitions = chosen(arguments, connection, topic).await?;
            if arguments.exit_at_end && arguments.group.is_none() {
                let mut offsets = topics::offsets(connection, &partitions).await?;
                if arguments.isolation == IsolationLevel::ReadCommitted {
                    end_before_open_transactions(connection, topic, &mut offsets).await?;
                }
                let begins = begins(arguments, connection, topic, &offsets).await?;
                end = End::at(&offsets, &begins);
                if end.is_reached() {
                    return Ok(());
                }
            }
            let builder = builder.topic(topic);
            if arguments.group.is_none() {
                builder.partitions(partitions.iter().map(|partition| partition.id))
            } else {
                builder
            }
        }
        (None, pattern) => {
            // Who cannot be reached at all is told at once.
            drop(connection.dial().await?);
            builder
                .topic_pattern(pattern.as_deref().unwrap_or_default())
                .watch_partition_changes(true)
        }
    };
    let builder = match &arguments.group {
        Some(group) => builder
            .group_id(group)
            .commit_interval(Duration::from_secs(1)),
        None => builder,
    };
    let mut stop = Stop::new()?;
    let mut reader = builder
        .build()
        .map_err(|error| Failure::new("cannot read", &error))?;
    let shown = show(arguments, &mut reader, &mut end, &mut stop).await;
    // Commits what was shown and leaves the group, also after a failure.
    let closed = tokio::select! {
        closed = reader.close() => closed,
        // Whoever asks again does not wait for brokers that are away.
        () = stop.asked() => Ok(()),
    };
    shown?;
    closed.map_err(|error| Failure::new("cannot end in order", &error))
}

/// The partitions of a topic that are to be read.
async fn chosen(
    arguments: &Arguments,
    connection: &Connection,
    topic: &str,
) -> Result<Vec<Partition>, Failure> {
    let mut partitions = topics::partitions(connection, topic).await?;
    let is_known = |id: &i32| partitions.iter().any(|known| known.id == *id);
    if let Some(missing) = arguments.partition.iter().find(|id| !is_known(id)) {
        let last = partitions.len().saturating_sub(1);
        let failure = Failure::plain(format!("topic {topic} has no partition {missing}"));
        return Err(failure.advise(format!("--partition 0 to {last}")));
    }
    if !arguments.partition.is_empty() {
        partitions.retain(|partition| arguments.partition.contains(&partition.id));
    }
    Ok(partitions)
}

/// The offset at which reading begins in each partition.
async fn begins(
    arguments: &Arguments,
    connection: &Connection,
    topic: &str,
    offsets: &BTreeMap<i32, (i64, i64)>,
) -> Result<BTreeMap<i32, i64>, Failure> {
    let start = arguments.start();
    if let StartOffset::Time(time) = start {
        let wanted = offsets
            .keys()
            .map(|id| (TopicPartition::new(topic, *id), OffsetSpec::from(time)));
        let found = connection
            .client()
            .await?
            .list_offsets(wanted.collect::<Vec<_>>())
            .await;
        let found = found.and_then(ekafka::admin::Outcomes::all);
        let found = found.map_err(|error| Failure::new("cannot find that time", &error))?;
        let begin = |((partition, _), found): ((TopicPartition, _), ekafka::admin::FoundOffset)| {
            let end = offsets
                .get(&partition.partition)
                .map_or(0, |(_, next)| *next);
            (partition.partition, found.offset.unwrap_or(end))
        };
        return Ok(found.into_iter().map(begin).collect());
    }
    let begin = |(&id, &(first, next)): (&i32, &(i64, i64))| match start {
        StartOffset::First => (id, first),
        StartOffset::At(offset) => (id, offset.max(first)),
        _ => (id, next),
    };
    Ok(offsets.iter().map(begin).collect())
}

/// Moves the end of each partition to where its first open transaction begins: what is behind is not shown.
async fn end_before_open_transactions(
    connection: &Connection,
    topic: &str,
    offsets: &mut BTreeMap<i32, (i64, i64)>,
) -> Result<(), Failure> {
    let ids = offsets.keys();
    let wanted = ids.map(|id| (TopicPartition::new(topic, *id), OffsetSpec::Last));
    let wanted = ListOffsets::new(wanted).isolation_level(IsolationLevel::ReadCommitted);
    let found = connection.client().await?.list_offsets(wanted).await;
    let found = found.and_then(ekafka::admin::Outcomes::all);
    let found = found.map_err(|error| Failure::new("cannot find the ends", &error))?;
    for ((partition, _), found) in found {
        if let (Some(both), Some(end)) = (offsets.get_mut(&partition.partition), found.offset) {
            both.1 = end;
        }
    }
    Ok(())
}

async fn show(
    arguments: &Arguments,
    reader: &mut Reader,
    end: &mut End,
    stop: &mut Stop,
) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut left = arguments.count.unwrap_or(u64::MAX);
    let mut told = None;
    let waits_for_quiet = arguments.exit_at_end && arguments.group.is_some();
    while left > 0 && !end.is_reached() {
        // What is there is written in one piece; what was written is shown before waiting for more.
        let ready = tokio::select! {
            biased;
            () = stop.asked() => break,
            received = reader.recv() => Some(received),
            () = ready(()) => None,
        };
        let received = match ready {
            Some(received) => received,
            None => {
                out.flush().map_err(|error| Failure::output(&error))?;
                tokio::select! {
                    received = reader.recv() => received,
                    () = stop.asked() => break,
                    () = tokio::time::sleep(QUIET), if waits_for_quiet => break,
                    () = tokio::time::sleep(LOOK), if end.is_set() => {
                        end.look(reader, arguments.subject()).await;
                        continue;
                    }
                }
            }
        };
        let received = match received {
            // Brokers come back.
            Err(error) if error.is_retriable() && !arguments.exit_at_end => {
                let failure = failed(arguments.subject(), &error).to_string();
                if told.as_ref() != Some(&failure) {
                    eprintln!("ekafka: {failure}; trying on");
                    told = Some(failure);
                }
                continue;
            }
            received => received.map_err(|error| failed(arguments.subject(), &error))?,
        };
        match received {
            Received::Message(message) => {
                told = None;
                write(&arguments.format, &message, &mut out)?;
                end.passed(message.partition(), message.offset());
                left -= 1;
                if arguments.group.is_some() {
                    // The offset goes with the next tick, or when the reader is closed.
                    let marked = reader.commit_messages(std::slice::from_ref(&message)).await;
                    marked.map_err(|error| Failure::new("cannot commit", &error))?;
                }
            }
            Received::Event(event) => tell(&event),
            _ => {}
        }
    }
    out.flush().map_err(|error| Failure::output(&error))
}

fn write(format: &RecordFormat, message: &Message, out: &mut impl Write) -> Result<(), Failure> {
    let headers = message.header_list().map_err(|error| {
        let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
        Failure::new(
            format_args!("{topic}/{partition} at offset {offset}"),
            &error,
        )
    })?;
    let row = Row {
        topic: message.topic(),
        partition: message.partition(),
        offset: message.offset(),
        timestamp: message.timestamp(),
        key: message.key(),
        value: message.value(),
        headers: &headers,
    };
    format
        .write(&row, out)
        .map_err(|error| Failure::output(&error))
}

/// Tells what happened in the group, or to the position.
pub(crate) fn tell(event: &Event) {
    let list = |partitions: &[TopicPartition]| {
        let names: Vec<String> = partitions.iter().map(ToString::to_string).collect();
        if names.is_empty() {
            "nothing".to_owned()
        } else {
            names.join(", ")
        }
    };
    match event {
        Event::Assigned(partitions) => eprintln!("assigned: {}", list(partitions)),
        Event::Revoked(partitions) => eprintln!("revoked: {}", list(partitions)),
        Event::Lost(partitions) => eprintln!("lost: {}", list(partitions)),
        Event::OutOfRange {
            partition,
            from,
            to,
        } => {
            eprintln!("{partition}: offset {from} is not there (any more); reading on at {to}");
        }
        Event::Truncated {
            partition,
            from,
            to,
        } => {
            eprintln!(
                "{partition}: records {to} to {from} were lost by the cluster; reading on at {to}"
            );
        }
        _ => {}
    }
}

fn failed(topic: &str, error: &ReaderError) -> Failure {
    Failure::new(format_args!("cannot read {topic}"), error)
}

/// Where reading ends: the offset behind the last record of each partition that is not read to its end yet.
struct End(Option<BTreeMap<i32, i64>>);

impl End {
    fn never() -> Self {
        Self(None)
    }

    /// The end as it is now, for a reader that begins at these offsets.
    fn at(offsets: &BTreeMap<i32, (i64, i64)>, begins: &BTreeMap<i32, i64>) -> Self {
        let open = offsets.iter().filter_map(|(&partition, &(first, next))| {
            let begin = begins.get(&partition).copied().unwrap_or(first);
            (begin < next).then_some((partition, next))
        });
        Self(Some(open.collect()))
    }

    fn is_reached(&self) -> bool {
        self.0.as_ref().is_some_and(BTreeMap::is_empty)
    }

    /// Whether reading ends at all.
    fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// Notices partitions whose last offsets are no records that are shown.
    async fn look(&mut self, reader: &Reader, topic: &str) {
        let Some(open) = &mut self.0 else {
            return;
        };
        let mut still = BTreeMap::new();
        for (id, next) in std::mem::take(open) {
            let position = reader.position(&TopicPartition::new(topic, id)).await;
            if position.is_none_or(|position| position < next) {
                still.insert(id, next);
            }
        }
        *open = still;
    }

    /// A record of `partition` at `offset` was shown.
    fn passed(&mut self, partition: i32, offset: i64) {
        if let Some(open) = &mut self.0
            && open.get(&partition).is_some_and(|next| offset + 1 >= *next)
        {
            open.remove(&partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_where_every_partition_ended() {
        let offsets = BTreeMap::from([(0, (0, 3)), (1, (5, 5)), (2, (2, 4))]);
        let begins = BTreeMap::from([(0, 0), (1, 5), (2, 2)]);
        let mut end = End::at(&offsets, &begins);
        end.passed(0, 1);
        end.passed(2, 3);
        assert!(!end.is_reached(), "partition 0 has one more");
        end.passed(0, 2);
        assert!(end.is_reached(), "partition 1 is empty");
    }

    #[test]
    fn beginning_at_the_end_is_the_end() {
        let offsets = BTreeMap::from([(0, (0, 3))]);
        assert!(End::at(&offsets, &BTreeMap::from([(0, 3)])).is_reached());
        assert!(!End::at(&offsets, &BTreeMap::from([(0, 2)])).is_reached());
        assert!(!End::never().is_reached());
    }

    #[test]
    fn an_offset_is_a_word_a_number_or_a_time() {
        assert!(matches!("@0".parse(), Ok(Offset(StartOffset::Time(_)))));
        assert!("@soon".parse::<Offset>().is_err());
        assert!(matches!("last".parse(), Ok(Offset(StartOffset::Last))));
        assert!(matches!("7".parse(), Ok(Offset(StartOffset::At(7)))));
        assert!("-7".parse::<Offset>().is_err());
        assert!("soon".parse::<Offset>().is_err());
    }
}
