//! `ekafka perf`: what a record costs and how long it takes.

mod consume;
mod latency;
mod payload;
mod produce;
mod report;

use clap::{Args, Subcommand};
use ekafka::TopicConfig;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::topics;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Write records as fast as they are acknowledged
    Produce(produce::Arguments),
    /// Read records from the beginning of a topic
    Consume(consume::Arguments),
    /// Write one record at a time, each acknowledged before the next
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
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
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
            let wanted = TopicConfig::new(&self.topic, self.partitions, -1);
            topics::create(connection, wanted).await?;
        }
        Ok(())
    }
}
