//! `ekafka perf consume`.

mod counting;

use std::time::Duration;

use clap::{Args, ValueEnum};
use ekafka::{IsolationLevel, Reader, StartOffset};

use self::counting::Counting;
use super::Workload;
use super::report::{Done, Meter};
use crate::connection::Connection;
use crate::delivering::duration;
use crate::failure::Failure;
use crate::isolation::isolation;
use crate::topics;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    workload: Workload,
    /// End after so many records [default: all that are there]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    records: Option<u64>,
    /// Fail unless every value has so many bytes
    #[arg(long, value_name = "BYTES")]
    size: Option<usize>,
    /// Whole batches whose records are borrowed, or one message at a time
    #[arg(long, value_enum, default_value_t = Api::Batch)]
    api: Api,
    /// Read as a member of this consumer group, which commits what was read; where it has committed, it goes on
    #[arg(long)]
    group: Option<String>,
    /// How often the group's member commits
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration, requires = "group")]
    commit_interval: Duration,
    /// uncommitted, or committed: without records of open and aborted transactions
    #[arg(long, default_value = "uncommitted", value_parser = isolation)]
    isolation: IsolationLevel,
    /// Bytes asked for at once, of all partitions of a broker [default: the reader's]
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u32>,
    /// Bytes asked for at once, of each partition [default: the reader's]
    #[arg(long, value_name = "BYTES")]
    max_partition_bytes: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Api {
    Batch,
    Message,
}

pub(super) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    let topic = &arguments.workload.topic;
    let partitions = topics::partitions(connection, topic).await?;
    let offsets = topics::offsets(connection, &partitions).await?;
    let stored: i64 = offsets.values().map(|(first, next)| next - first).sum();
    let there = u64::try_from(stored).unwrap_or(0);
    if there < arguments.records.unwrap_or(1) {
        return Err(Failure::plain(format!("topic {topic} has {there} records"))
            .advise(format!("ekafka perf produce --topic {topic}")));
    }
    let ids = partitions.iter().map(|partition| partition.id);
    let mut meter = Meter::start()?;
    let mut reader = arguments.reader(connection, ids)?;
    let mut counting = Counting::new(
        arguments.records.unwrap_or(there),
        offsets,
        arguments.size,
        arguments.group.is_some(),
    );
    let counted = match arguments.api {
        Api::Batch => counting.batches(&mut reader, &mut meter).await,
        Api::Message => counting.messages(&mut reader, &mut meter).await,
    };
    let stats = reader.stats();
    let done = Done {
        records: counting.records,
        bytes: counting.bytes,
        first_record: counting.first,
        fetched: Some((stats.fetches, stats.fetched_bytes, stats.received_bytes)),
    };
    let json = arguments.workload.json;
    let told = counted.and_then(|()| meter.finish("read", &done, json));
    // What was measured counts, however the reader ends.
    let _ = reader.close().await;
    told
}

impl Arguments {
    fn reader(
        &self,
        connection: &Connection,
        partitions: impl Iterator<Item = i32>,
    ) -> Result<Reader, Failure> {
        let mut builder = Reader::builder()
            .cluster(connection.cluster()?)
            .topic(&self.workload.topic)
            .isolation_level(self.isolation)
            .start_offset(StartOffset::First);
        builder = match &self.group {
            Some(group) => builder
                .group_id(group)
                .commit_interval(self.commit_interval),
            None => builder.partitions(partitions),
        };
        if let Some(bytes) = self.max_bytes {
            builder = builder.max_bytes(bytes);
        }
        if let Some(bytes) = self.max_partition_bytes {
            builder = builder.max_partition_bytes(bytes);
        }
        builder
            .build()
            .map_err(|error| Failure::usage(error.to_string()))
    }
}
