//! `ekafka config`: look at configuration files as a service would see them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ekafka::config::{Config, Section};
use toml::{Table, Value};

use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Read a file, tell every fault, and show the values in effect; passwords are blotted out
    Check {
        /// The TOML file; EKAFKA_… variables are laid over it
        file: PathBuf,
        /// A table with a cluster; may be repeated [default: each table that has brokers]
        #[arg(long, value_name = "PATH")]
        table: Vec<String>,
    },
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Action::Check { file, table } = &arguments.action;
    let config = Config::from_file(file).map_err(|error| Failure::plain(error.to_string()))?;
    let shown = effective(&config.with_env(), table).map_err(Failure::plain)?;
    say!("{}", shown.to_string().trim_end());
    Ok(())
}

/// The values in effect, or what is wrong in all tables together.
fn effective(config: &Config, named: &[String]) -> Result<Table, String> {
    let mut tables = named.to_vec();
    if tables.is_empty() {
        tables = config.kafka_tables();
    }
    if tables.is_empty() {
        tables.push("kafka".to_owned());
    }
    let mut shown = Table::new();
    let mut faults = Vec::new();
    for path in tables {
        match config.kafka(&path) {
            Ok(kafka) => drop(shown.insert(path, Value::Table(kafka.effective()))),
            Err(error) => faults.push(error.to_string()),
        }
    }
    let mut servers = Table::new();
    for name in config.entries(SERVERS) {
        match config.consumer_server(&format!("{SERVERS}.{name}")) {
            Ok(server) => drop(servers.insert(name, Value::Table(server.effective()))),
            Err(error) => faults.push(error.to_string()),
        }
    }
    if !servers.is_empty() {
        shown.insert(SERVERS.to_owned(), Value::Table(servers));
    }
    if faults.is_empty() {
        Ok(shown)
    } else {
        Err(faults.join("\n"))
    }
}

/// Where consumer servers are by convention.
const SERVERS: &str = "kafkaConsumerServers";
