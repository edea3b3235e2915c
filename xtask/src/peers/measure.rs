//! Running the programs of a row in turns, each on a topic of its own, and checking what they say they did.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::Value;

use crate::failure::Failure;
use crate::process;

use super::programs::{Program, Programs, Work};
use super::rows::{Kind, Row};

pub(super) struct Bench<'a> {
    pub(super) programs: &'a Programs,
    pub(super) brokers: String,
    pub(super) nodes: u16,
    /// Records are divided by this.
    pub(super) share: u64,
}

/// What one run cost.
#[derive(Clone, Copy, Default)]
pub(super) struct Run {
    /// CPU seconds per million records; of the whole process when it consumes.
    pub(super) cpu: f64,
    /// Thousands of records per second.
    pub(super) rate: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    /// Peak resident MB.
    pub(super) memory: f64,
}

/// The runs of one program, or why it has none.
pub(super) type Measured = Vec<(Program, Result<Vec<Run>, String>)>;

impl Bench<'_> {
    pub(super) fn row(&self, row: &Row, runs: u32) -> Result<Measured, Failure> {
        let records = match row.kind {
            Kind::Latency | Kind::EndToEnd | Kind::Start => row.records,
            _ => row.records / self.share,
        };
        let reads = matches!(row.kind, Kind::Consume | Kind::Group | Kind::Start);
        let filled = match reads {
            true => Some(self.fill(row, records)?),
            false => None,
        };
        let mut measured: Measured = self
            .programs
            .of(row)
            .into_iter()
            .map(|program| (program, Ok(Vec::new())))
            .collect();
        for _ in 0..runs {
            for (program, runs) in &mut measured {
                let Ok(done) = runs else { continue };
                match self.once(*program, row, records, filled.as_deref()) {
                    Ok(run) => done.push(run),
                    Err(failure) => *runs = Err(failure.to_string()),
                }
            }
        }
        if let Some(topic) = filled {
            self.topics(&["delete", &topic])?;
        }
        Ok(measured)
    }

    /// A topic with records to read, in batches of 200,000 bytes.
    fn fill(&self, row: &Row, records: u64) -> Result<String, Failure> {
        let topic = self.create("read")?;
        let produce = Row {
            kind: Kind::Produce,
            id: row.id,
            title: row.title,
            ..*row
        };
        let work = self.work(&topic, "", records);
        let told = tell(&mut self.programs.command(Program::Floor, &produce, &work))?;
        self.check_stored(&topic, records, &told)?;
        Ok(topic)
    }

    fn once(
        &self,
        program: Program,
        row: &Row,
        records: u64,
        filled: Option<&str>,
    ) -> Result<Run, Failure> {
        let name = unique(row.id);
        if row.kind == Kind::Start {
            let work = self.work(filled.unwrap_or_default(), &name, records);
            return first_line(&mut self.programs.command(program, row, &work));
        }
        let before = children_cpu()?;
        if let Some(topic) = filled {
            let work = self.work(topic, &name, records);
            let told = tell(&mut self.programs.command(program, row, &work))?;
            let whole = children_cpu()? - before;
            let read = told.number("records");
            if read < records as f64 {
                return Err(Failure::new(format!("{read} records of {records} came")));
            }
            return Ok(told.run(Some(whole)));
        }
        let topic = self.create(row.id)?;
        // A kafka-go call waits a second, and a lone write of its defaults too.
        let slow = program == Program::KafkaGo && row.defaults && row.kind == Kind::Calls;
        let records = if slow { 5_000 } else { records };
        let work = self.work(&topic, "", records);
        let told = tell(&mut self.programs.command(program, row, &work));
        let checked = told.and_then(|told| {
            if matches!(row.kind, Kind::Produce | Kind::Calls) {
                self.check_stored(&topic, records, &told)?;
            }
            Ok(told.run(None))
        });
        self.topics(&["delete", &topic])?;
        checked
    }

    fn work<'a>(&'a self, topic: &'a str, group: &'a str, records: u64) -> Work<'a> {
        Work {
            brokers: &self.brokers,
            topic,
            group,
            records,
        }
    }

    /// All records are acknowledged, and the log holds them and what was written before the measurement, no more.
    fn check_stored(&self, topic: &str, records: u64, told: &Told) -> Result<(), Failure> {
        let said = self.topics(&["describe", topic])?;
        let stored: u64 = said
            .lines()
            .filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok())
            .sum();
        let warm_up = told.0["warm_up"].as_u64().unwrap_or(1);
        let acknowledged = told.number("records");
        if acknowledged == records as f64 && stored == records + warm_up {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{records} records were to be written, {acknowledged} acknowledged, {stored} with {warm_up} before them stored"
        )))
    }

    fn create(&self, what: &str) -> Result<String, Failure> {
        let topic = unique(what);
        let replication = self.nodes.to_string();
        self.topics(&[
            "create",
            &topic,
            "--partitions",
            "6",
            "--replication",
            &replication,
        ])?;
        Ok(topic)
    }

    fn topics(&self, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(self.programs.ekafka());
        command.args(["--brokers", &self.brokers, "topics"]);
        process::capture(command.args(arguments))
    }
}

/// The line that a program told.
struct Told(Value);

impl Told {
    fn number(&self, field: &str) -> f64 {
        self.0[field].as_f64().unwrap_or_default()
    }

    fn run(&self, whole_cpu: Option<f64>) -> Run {
        let own = self.number("cpu_s") + self.number("user_s") + self.number("sys_s");
        let records = self.number("records").max(1.0);
        Run {
            cpu: whole_cpu.unwrap_or(own) * 1e6 / records,
            rate: records / self.number("wall_s").max(1e-9) / 1e3,
            p50_us: self.number("p50_us"),
            p99_us: self.number("p99_us"),
            memory: self.number("max_rss_kb") / 1e3,
        }
    }
}

fn tell(command: &mut Command) -> Result<Told, Failure> {
    let said = process::capture(command)?;
    let line = said.lines().last().unwrap_or_default();
    serde_json::from_str(line)
        .map(Told)
        .map_err(|error| Failure::new(format!("no JSON line: {error}: {said}")))
}

/// Time until the process writes its first byte; then it is ended.
fn first_line(command: &mut Command) -> Result<Run, Failure> {
    let begun = Instant::now();
    let mut process = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut byte = [0; 1];
    let read = process
        .stdout
        .take()
        .map_or(Ok(0), |mut stdout| stdout.read(&mut byte))?;
    let took = begun.elapsed().as_micros() as f64;
    let _ended = process.kill();
    process.wait()?;
    match read {
        0 => Err(Failure::new("it ended before its first record")),
        _ => Ok(Run {
            p50_us: took,
            p99_us: took,
            ..Run::default()
        }),
    }
}

/// CPU seconds of all processes that this one started and that have ended.
fn children_cpu() -> Result<f64, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_err(|error| Failure::new(format!("cannot read the resources used: {error}")))?;
    let used = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(used as f64 / 1e6)
}

fn unique(what: &str) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    format!(
        "peers-{what}-{}",
        since.map_or(0, |since| since.as_micros())
    )
}
