//! What all programs of this folder share: the command line, the bytes that are written, and the line that is told.

mod diary;
mod meter;
mod payload;
mod stamp;

use std::fmt::Display;
use std::process::ExitCode;
use std::str::FromStr;

pub use diary::Diary;
pub use meter::Meter;
pub use payload::Payload;
pub use stamp::{BEFORE_STAMPS, age, stamp};

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
    /// `produce`, `consume`, `latency`, `end-to-end`, `start`, `receive`, `member` and what only some have.
    pub mode: String,
    /// How a group shares its partitions: `eager` or `cooperative`.
    pub strategy: String,
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
    /// Bytes of a batch before compression, where a program lets that be chosen; 0 for its own.
    pub batch: usize,
    /// Records per second; 0 for as many as are acknowledged.
    pub rate: usize,
    /// The partitions to use; all when empty.
    pub only: Vec<i32>,
    /// Of how many partitions a member must have records before it says that it is ready.
    pub want: usize,
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
            strategy: "cooperative".into(),
            records: 1_000_000,
            size: 100,
            keys: 0,
            partitions: 6,
            in_flight: 5,
            batch: 0,
            rate: 0,
            only: Vec::new(),
            want: 1,
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
            "--strategy" => self.strategy = value,
            "--batch" => self.batch = number(name, &value)?,
            "--rate" => self.rate = number(name, &value)?,
            "--want" => self.want = number(name, &value)?,
            "--only" => {
                let parts = value.split(',');
                self.only = parts
                    .map(|part| number(name, part))
                    .collect::<Result<_, _>>()?;
            }
            "--acks" if value == "all" => {}
            "--acks" => return Err("only --acks all is measured".into()),
            _ => return Err(format!("unknown argument {name}").into()),
        }
        Ok(())
    }

    /// Whether the partition is one to use.
    #[must_use]
    pub fn uses(&self, partition: i32) -> bool {
        self.only.is_empty() || self.only.contains(&partition)
    }

    /// The partitions to use, in order.
    #[must_use]
    pub fn used(&self) -> Vec<i32> {
        let all = 0..self.partitions;
        all.filter(|partition| self.uses(*partition)).collect()
    }

    /// Bytes of a batch.
    #[must_use]
    pub fn batch_or(&self, own: usize) -> usize {
        if self.batch == 0 { own } else { self.batch }
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
