//! `ekafka`: a Kafka command line with an embedded broker.

/// Writes a line to standard output. The standard macro would panic when nobody reads it any more.
macro_rules! say {
    ($($text:tt)*) => {
        crate::output::line(format_args!($($text)*))
    };
}

mod broker;
mod config;
mod consume;
mod groups;
mod lag;
mod perf;
mod produce;
mod quickstart;
mod topics;

mod connection;
mod delivering;
mod failure;
mod input;
mod isolation;
mod moment;
mod output;
mod process_start;
mod progress;
mod record_format;
mod stop;
mod table;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::EnvFilter;

use crate::connection::Connection;
use crate::failure::Failure;

#[derive(Parser)]
#[command(
    name = "ekafka",
    version,
    about = "Kafka from the command line, with an embedded broker",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage. EKAFKA_LOG=debug shows what happens inside."
)]
struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write and read real records, on an embedded broker unless --brokers names others
    Quickstart(quickstart::Arguments),
    /// Run the embedded broker until it is interrupted; any Kafka client can use it. With --sasl,
    /// clients must log in as that user
    Broker(broker::Arguments),
    /// List, create, describe and delete topics
    Topics(topics::Arguments),
    /// Write a record for each line of standard input
    Produce(produce::Arguments),
    /// Show the records of a topic
    Consume(consume::Arguments),
    /// List, describe and delete consumer groups, and set where they go on
    Groups(groups::Arguments),
    /// How far a group is behind
    Lag(lag::Arguments),
    /// Measure what a record costs
    Perf(perf::Arguments),
    /// Check configuration files
    Config(config::Arguments),
}

fn main() -> ExitCode {
    process_start::note();
    let matches = Arguments::command().get_matches();
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let filter = EnvFilter::try_from_env("EKAFKA_LOG").unwrap_or_else(|_| EnvFilter::new(LOGGED));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let names_brokers = matches.value_source("brokers") == Some(ValueSource::CommandLine);
    if names_brokers && matches!(arguments.command, Command::Broker(_)) {
        let failure = Failure::usage("the embedded broker joins no other brokers");
        return failure.advise("--listen says where it is found").report();
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// What is logged unless EKAFKA_LOG says otherwise. Events and errors of readers the commands tell themselves.
const LOGGED: &str = "warn,ekafka_reader=error";

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let connection = &arguments.connection;
    let runtime = arguments.command.runtime()?;
    let done = runtime.block_on(async {
        match &arguments.command {
            Command::Quickstart(options) => quickstart::run(options, connection).await,
            Command::Broker(options) => broker::run(options, connection).await,
            Command::Topics(options) => topics::run(options, connection).await,
            Command::Produce(options) => produce::run(options, connection).await,
            Command::Consume(options) => consume::run(options, connection).await,
            Command::Groups(options) => groups::run(options, connection).await,
            Command::Lag(options) => lag::run(options, connection).await,
            Command::Perf(options) => perf::run(options, connection).await,
            Command::Config(options) => config::run(options),
        }
    });
    // A read of the standard input that nobody waits for any more would be waited for.
    runtime.shutdown_background();
    done
}

impl Command {
    /// Brokers and the quickstart, which holds one, use all cores; a client alone is cheapest on one thread.
    fn runtime(&self) -> Result<Runtime, Failure> {
        let mut builder = match self {
            Self::Quickstart(_) | Self::Broker(_) => Builder::new_multi_thread(),
            _ => Builder::new_current_thread(),
        };
        let built = builder.enable_all().build();
        built.map_err(|error| Failure::new("cannot start the runtime", &error))
    }
}
