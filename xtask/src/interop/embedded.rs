//! The embedded broker as a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::failure::Failure;

/// A broker on free ports; ends with its owner.
pub(crate) struct Broker {
    process: Child,
    addresses: String,
}

impl Broker {
    /// `ekafka broker` with three nodes.
    pub(crate) fn start(ekafka: &Path) -> Result<Self, Failure> {
        Self::start_with(ekafka, 3)
    }

    /// `ekafka broker` with so many nodes.
    pub(crate) fn start_with(ekafka: &Path, nodes: u16) -> Result<Self, Failure> {
        let mut command = Command::new(ekafka);
        command.args(["broker", "--listen", "127.0.0.1:0"]);
        command.args(["--nodes", &nodes.to_string()]);
        Self::run(command.env_remove("EKAFKA_BROKERS"))
    }

    /// A command that prints the bootstrap list as its first line and serves until it is ended.
    pub(crate) fn run(command: &mut Command) -> Result<Self, Failure> {
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start a broker: {error}")))?;
        let mut addresses = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut addresses)?;
        }
        let broker = Self {
            process,
            addresses: addresses.trim().to_owned(),
        };
        if broker.addresses.is_empty() {
            return Err(Failure::new("the embedded broker ended at once"));
        }
        Ok(broker)
    }

    /// The bootstrap list.
    pub(crate) fn addresses(&self) -> &str {
        &self.addresses
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Either fails when the process has ended, which is what is wanted.
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}
