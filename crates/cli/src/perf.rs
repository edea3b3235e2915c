//! `ekafka perf`: what a record costs and how long it takes.

mod consume;
mod latency;
mod produce;

mod latencies;
mod payload;
mod report;
mod schedule;

use clap::{Args, Subcommand};
use ekafka::{TopicConfig, Writer};

use crate::connection::Connection;
use crate::delivering::{Delivering, OPTIONS};
use crate::failure::Failure;
use crate::topics;

#[derive(Args)]
#[command(after_help = report::FIELDS)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write records as fast as they are acknowledged, or at a rate
    #[command(after_help = report::FIELDS)]
    Produce(produce::Arguments),
    /// Read records from the beginning of a topic, or as a member of a group
    #[command(after_help = report::FIELDS)]
    Consume(consume::Arguments),
    /// Write one record at a time, each acknowledged or received before the next, or at a rate
    #[command(after_help = report::FIELDS)]
    Latency(latency::Arguments),
}

/// What all of them have.
#[derive(Args)]
struct Workload {
    /// The topic; created when it is missing
    #[arg(long, short, default_value = "ekafka-perf")]
    topic: String,
    /// Partitions of the topic when it is created
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    /// Copies of each partition when the topic is created [default: as the brokers have it]
    #[arg(long, value_parser = clap::value_parser!(i16).range(1..))]
    replication: Option<i16>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// How `produce` and `latency` write.
#[derive(Args)]
struct Delivery {
    #[command(flatten)]
    delivering: Delivering,
    /// Configure nothing but the brokers and the topic
    #[arg(long, conflicts_with_all = OPTIONS)]
    defaults: bool,
}

pub(crate) async fn run(arguments: &Arguments, connection: &Connection) -> Result<(), Failure> {
    match &arguments.what {
        What::Produce(options) => produce::run(options, connection).await,
        What::Consume(options) => consume::run(options, connection).await,
        What::Latency(options) => latency::run(options, connection).await,
    }
}

impl Workload {
    /// Creates the topic unless it is there.
    async fn prepare(&self, connection: &Connection) -> Result<(), Failure> {
        if topics::is_missing(connection, &self.topic).await? {
            let wanted =
                TopicConfig::new(&self.topic, self.partitions, self.replication.unwrap_or(-1));
            topics::create(connection, wanted).await?;
        }
        Ok(())
    }
}

impl Delivery {
    fn writer(&self, connection: &Connection, topic: &str) -> Result<Writer, Failure> {
        if !self.defaults {
            return self.delivering.writer(connection, topic);
        }
        Writer::builder()
            .cluster(connection.cluster()?)
            .topic(topic)
            .build()
            .map_err(|error| Failure::new("cannot write", &error))
    }
}
