//! What all programs of this folder share: the command line, the bytes that are written, and the line that is told.

mod meter;
mod payload;

use std::fmt::Display;
use std::process::ExitCode;
use std::str::FromStr;

pub use meter::Meter;
pub use payload::Payload;

/// Records written before latencies are measured: connections open, caches fill.
pub const WARM_UP: usize = 200;

/// What every program can be told.
#[derive(Debug, Clone)]
pub struct Line {
    /// `host:port` of some brokers, separated by commas.
    pub brokers: String,
    /// A topic that exists.
    pub topic: String,
    /// Consume as a member of this group; without one when empty.
    pub group: String,
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub codec: String,
    /// Which of several forms of the client to use.
    pub api: String,
    /// `produce`, `consume`, `latency`, `end-to-end` or `start`.
    pub mode: String,
    /// How many records.
    pub records: usize,
    /// Bytes of each value.
    pub size: usize,
    /// How many different keys; 0 for records without one.
    pub keys: usize,
    /// Partitions of the topic.
    pub partitions: i32,
    /// Requests of one connection that may wait for their answer, where a program lets that be chosen.
    pub in_flight: usize,
    /// Configure nothing but brokers, topic, group and acks.
    pub defaults: bool,
}

/// Why a program ended early.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

impl Line {
    /// Reads the process's arguments.
    ///
    /// # Errors
    /// Names an unknown or incomplete argument.
    pub fn parse() -> Result<Self, Error> {
        let mut line = Self {
            brokers: "127.0.0.1:9092".into(),
            topic: "peers".into(),
            group: String::new(),
            codec: "none".into(),
            api: String::new(),
            mode: "produce".into(),
            records: 1_000_000,
            size: 100,
            keys: 0,
            partitions: 6,
            in_flight: 5,
            defaults: false,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            if name == "--defaults" {
                line.defaults = true;
                continue;
            }
            let value = arguments.next().ok_or(format!("{name} needs a value"))?;
            line.set(&name, value)?;
        }
        Ok(line)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Error> {
        match name {
            "--brokers" => self.brokers = value,
            "--topic" => self.topic = value,
            "--group" => self.group = value,
            "--codec" => self.codec = value,
            "--api" => self.api = value,
            "--mode" => self.mode = value,
            "--records" => self.records = number(name, &value)?,
            "--size" => self.size = number(name, &value)?,
            "--keys" => self.keys = number(name, &value)?,
            "--partitions" => self.partitions = number(name, &value)?,
            "--in-flight" => self.in_flight = number(name, &value)?,
            "--acks" if value == "all" => {}
            "--acks" => return Err("only --acks all is measured".into()),
            _ => return Err(format!("unknown argument {name}").into()),
        }
        Ok(())
    }

    /// The keys of the run; a record's is the one at its number modulo their count.
    #[must_use]
    pub fn all_keys(&self) -> Vec<String> {
        (0..self.keys).map(|key| format!("k{key:07}")).collect()
    }
}

fn number<N: FromStr<Err: Display>>(name: &str, value: &str) -> Result<N, Error> {
    value
        .parse()
        .map_err(|error| format!("{name} {value}: {error}").into())
}

/// The last byte, so that each key and value is looked at.
#[must_use]
pub fn touch(bytes: Option<&[u8]>) -> u64 {
    bytes
        .and_then(|bytes| bytes.last())
        .map_or(0, |last| u64::from(*last))
}

/// Runs a program on its command line.
pub fn run(program: impl FnOnce(&Line) -> Result<(), Error>) -> ExitCode {
    match Line::parse().and_then(|line| program(&line)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What is said for a mode that the program does not have.
#[must_use]
pub fn no_mode(line: &Line) -> Error {
    format!("this program has no mode {}", line.mode).into()
}
