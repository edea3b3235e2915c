//! `ekafka`: a Kafka command line with an embedded broker.
#![expect(
    clippy::print_stdout,
    reason = "what a command finds goes to standard output"
)]

mod broker;
mod connection;
mod failure;
mod input;
mod progress;
mod record_format;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
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
    /// Run the embedded broker until it is interrupted; any Kafka client can use it
    Broker(broker::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("EKAFKA_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start the runtime", &error))?;
    runtime.block_on(async {
        match &arguments.command {
            Command::Broker(options) => broker::run(options).await,
        }
    })
}
