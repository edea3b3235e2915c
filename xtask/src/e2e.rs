//! `cargo xtask e2e`: the documents' end-to-end tests, by their configuration file, on the brokers that it names, or on
//! three of their own where none of these answers.

use std::env;
use std::ffi::OsString;
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use toml::{Table, Value};

use crate::failure::Failure;
use crate::{kafka, process};

#[derive(Args)]
pub(crate) struct Arguments {
    /// First of the ports for brokers of our own; a cluster takes 30 from here on
    #[arg(long, default_value_t = 29092)]
    port: u16,
    /// Passed on to the test binary, such as a filter
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let file = configuration(env::var_os("TEST_CONFIG"))?;
    // Compiling first keeps brokers from waiting, and from competing with the compiler for cores.
    let tests = ["test", "-p", "ekafka-tests", "--test", "it"];
    process::run(process::cargo(tests).arg("--no-run"))?;
    let mut command = process::cargo(tests);
    command.env("TEST_CONFIG", &file);
    command
        .args(["--", "e2e::", "--nocapture"])
        .args(&arguments.rest);
    let named = brokers(&file)?;
    if named.iter().any(|address| answers(address)) {
        println!("end-to-end tests on {}", named.join(","));
        return process::run(&mut command);
    }
    println!(
        "none of {} answers: starting three brokers",
        named.join(",")
    );
    let cluster = kafka::Trio::start(arguments.port)?;
    println!("end-to-end tests on {}", cluster.brokers());
    command.env(BROKERS, cluster.brokers());
    process::run(&mut command)
}

/// The file that configures the run: what `TEST_CONFIG` names, else `test/e2e/config/e2e.toml`.
fn configuration(named: Option<OsString>) -> Result<PathBuf, Failure> {
    let usual = || process::root().join(FOLDER).join("e2e.toml");
    let file = named.map_or_else(usual, PathBuf::from);
    if file.is_file() {
        return Ok(file);
    }
    Err(Failure::new(format!(
        "the end-to-end tests are configured by {}, which does not exist: copy {FOLDER}/example.toml to {FOLDER}/e2e.toml \
         and change it to your environment",
        file.display()
    )))
}

/// What the environment names, else what the file does.
fn brokers(file: &Path) -> Result<Vec<String>, Failure> {
    if let Ok(listed) = env::var(BROKERS) {
        return Ok(listed.split(',').map(str::to_owned).collect());
    }
    brokers_of(&std::fs::read_to_string(file)?)
        .map_err(|fault| Failure::new(format!("{}: {fault}", file.display())))
}

fn brokers_of(text: &str) -> Result<Vec<String>, String> {
    let document: Table = text.parse().map_err(|error| format!("{error}"))?;
    let brokers = document
        .get("kafka")
        .and_then(|kafka| kafka.get("brokers"))
        .and_then(Value::as_array)
        .ok_or("there is no list `brokers` in the table [kafka]")?;
    let texts = brokers.iter().filter_map(Value::as_str);
    Ok(texts.map(str::to_owned).collect())
}

/// Whether something listens there.
fn answers(address: &str) -> bool {
    let addresses = address.to_socket_addrs().into_iter().flatten();
    addresses
        .into_iter()
        .any(|address| TcpStream::connect_timeout(&address, PATIENCE).is_ok())
}

/// Overrides `kafka.brokers` of any configuration.
const BROKERS: &str = "EKAFKA_KAFKA__BROKERS";

const FOLDER: &str = "test/e2e/config";

const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
