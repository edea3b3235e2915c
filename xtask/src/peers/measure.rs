//! Running the programs of a row in turns, each on a topic of its own, and checking what they say they did.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::Value;

use crate::failure::Failure;
use crate::interop::Broker;
use crate::process;

use super::programs::{Program, Programs, Work};
use super::rows::{Kind, Row};
use super::{sharing, stopped};

/// Brokers, and what was prepared on them.
pub(super) struct Bench<'a> {
    pub(super) programs: &'a Programs,
    pub(super) brokers: String,
    /// Records are divided by this.
    share: u64,
    /// Topics to read from.
    filled: Vec<Filled>,
    /// Ends with this value, when it was started for it.
    _embedded: Option<Broker>,
}

/// A topic with records to read.
#[derive(Clone)]
pub(super) struct Filled {
    size: u64,
    codec: &'static str,
    batch: u64,
    idle: bool,
    pub(super) records: u64,
    pub(super) topic: String,
    /// Of all batches.
    pub(super) log_bytes: f64,
    /// The partitions that have records, separated by commas.
    pub(super) busy: String,
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
    /// Of what the row is about.
    pub(super) ratio: f64,
    /// Longest time without records of a partition that stays with its member, and of one that moves.
    pub(super) stays_ms: f64,
    pub(super) moves_ms: f64,
}

/// The runs of one program, or why it has none.
pub(super) type Measured = Vec<(Program, Result<Vec<Run>, String>)>;

impl<'a> Bench<'a> {
    pub(super) fn new(
        programs: &'a Programs,
        brokers: &str,
        share: u64,
        embedded: Option<Broker>,
    ) -> Self {
        Self {
            programs,
            brokers: brokers.to_owned(),
            share,
            filled: Vec::new(),
            _embedded: embedded,
        }
    }

    /// How many nodes the brokers have.
    pub(super) fn nodes(&self) -> usize {
        self.brokers.split(',').count()
    }

    /// Every program once more.
    pub(super) fn row(&mut self, row: &Row, measured: &mut Measured) -> Result<(), Failure> {
        let filled = match row.kind {
            Kind::Consume | Kind::Group | Kind::Start | Kind::Amplified => {
                Some(self.fill(row, false)?)
            }
            Kind::Idle | Kind::Stopped => Some(self.fill(row, true)?),
            _ => None,
        };
        // A start takes so little that one more costs nothing.
        let rounds = if row.kind == Kind::Start { 5 } else { 1 };
        for _ in 0..rounds {
            for (program, runs) in &mut *measured {
                let Ok(done) = runs else { continue };
                match self.once(*program, row, filled.as_ref()) {
                    Ok(run) => done.push(run),
                    Err(failure) => {
                        eprintln!("{} {}: {failure}", row.id, program.name());
                        *runs = Err(failure.to_string());
                    }
                }
            }
        }
        Ok(())
    }

    /// Deletes what was kept for further runs.
    pub(super) fn clean(&self) -> Result<(), Failure> {
        for filled in &self.filled {
            self.topics(&["delete", &filled.topic])?;
        }
        Ok(())
    }

    /// A topic with what the row reads, on all partitions or on those that lie with one broker.
    fn fill(&mut self, row: &Row, idle: bool) -> Result<Filled, Failure> {
        let records = row.records / self.share;
        let known = self.filled.iter().find(|known| {
            known.size == row.size
                && known.codec == row.codec
                && known.batch == row.batch
                && known.idle == idle
                && known.records == records
        });
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let replicas = if idle { 1 } else { self.nodes() };
        let topic = self.create("read", PARTITIONS, replicas)?;
        let leaders = self.leaders(&topic)?;
        let first = leaders.first().map_or(0, |(_, leader)| *leader);
        let busy: Vec<String> = leaders
            .iter()
            .filter(|(_, leader)| !idle || *leader == first)
            .map(|(partition, _)| partition.to_string())
            .collect();
        let busy = busy.join(",");
        let produce = Row {
            kind: Kind::Produce,
            ..*row
        };
        let work = Work {
            only: Some(busy.clone()),
            ..self.work(&topic, "", records)
        };
        let told = tell(&mut self.programs.command(Program::Floor, &produce, &work))?;
        self.check_stored(&topic, records, &told)?;
        let filled = Filled {
            size: row.size,
            codec: row.codec,
            batch: row.batch,
            idle,
            records,
            topic,
            log_bytes: told.number("log_bytes"),
            busy,
        };
        self.filled.push(filled.clone());
        Ok(filled)
    }

    fn once(&self, program: Program, row: &Row, filled: Option<&Filled>) -> Result<Run, Failure> {
        match (row.kind, filled) {
            (Kind::Eager | Kind::Cooperative, _) => sharing::join(self, program, row),
            (Kind::Receive, _) => sharing::receive(self, program, row),
            (Kind::Stopped, Some(filled)) => stopped::compare(self, program, row, filled),
            (_, Some(filled)) => self.read(program, row, filled),
            (_, None) => self.write(program, row),
        }
    }

    fn read(&self, program: Program, row: &Row, filled: &Filled) -> Result<Run, Failure> {
        let group = unique(row.id);
        // It waits for the idle brokers again and again.
        let fewer = program == Program::Krafka && row.kind == Kind::Idle;
        let records = filled.records / if fewer { 20 } else { 1 };
        let work = self.work(&filled.topic, &group, records);
        let mut command = self.programs.command(program, row, &work);
        if row.kind == Kind::Start {
            return first_line(&mut command);
        }
        let (cpu, loopback) = (children_cpu()?, loopback_bytes());
        let told = tell(&mut command)?;
        let whole = children_cpu()? - cpu;
        let read = told.number("records");
        if read < records as f64 {
            return Err(Failure::new(format!("{read} records of {records} came")));
        }
        // Ours counts for itself; of the others the network's counter tells, which others may raise meanwhile.
        let came = match told.0["received_bytes"].as_f64() {
            Some(received) => received,
            None => loopback_bytes() - loopback,
        };
        Ok(Run {
            ratio: came / filled.log_bytes.max(1.0),
            ..told.run(Some(whole))
        })
    }

    fn write(&self, program: Program, row: &Row) -> Result<Run, Failure> {
        let (partitions, replicas) = match row.kind {
            Kind::Distant => (1, 1),
            _ => (PARTITIONS, self.nodes()),
        };
        let topic = self.create(row.id, partitions, replicas)?;
        let records = self.records(program, row);
        let work = Work {
            partitions,
            ..self.work(&topic, "", records)
        };
        let told = tell(&mut self.programs.command(program, row, &work));
        let checked = told.and_then(|told| {
            if is_counted(row.kind) {
                self.check_stored(&topic, records, &told)?;
            }
            Ok(Run {
                ratio: told.number("beside_p99_us") / told.number("alone_p99_us").max(1.0),
                ..told.run(None)
            })
        });
        self.topics(&["delete", &topic])?;
        checked
    }

    /// How many records a program writes: fewer where it would take minutes.
    fn records(&self, program: Program, row: &Row) -> u64 {
        match (program, row.kind) {
            // Each of its calls waits for a second.
            (Program::KafkaGo, Kind::Calls) if row.defaults => 5_000,
            (Program::Rskafka, Kind::Distant) => row.records / self.share / 5,
            (_, Kind::Latency | Kind::Rated | Kind::Beside | Kind::EndToEnd) => row.records,
            _ => row.records / self.share,
        }
    }

    pub(super) fn work<'w>(&'w self, topic: &'w str, group: &'w str, records: u64) -> Work<'w> {
        Work {
            brokers: &self.brokers,
            topic,
            group,
            records,
            partitions: PARTITIONS,
            only: None,
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

    /// A new topic of the usual form.
    pub(super) fn topic(&self, what: &str) -> Result<String, Failure> {
        self.create(what, PARTITIONS, self.nodes())
    }

    fn create(&self, what: &str, partitions: u16, replicas: usize) -> Result<String, Failure> {
        let topic = unique(what);
        let (partitions, replicas) = (partitions.to_string(), replicas.to_string());
        self.topics(&[
            "create",
            &topic,
            "--partitions",
            &partitions,
            "--replication",
            &replicas,
        ])?;
        // A new topic's leaders may not know yet that they are.
        let begun = Instant::now();
        while let Err(failure) = self.topics(&["describe", &topic]) {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(failure);
            }
            sleep(Duration::from_millis(50));
        }
        Ok(topic)
    }

    /// Each partition of a topic and the node that leads it.
    pub(super) fn leaders(&self, topic: &str) -> Result<Vec<(u16, u16)>, Failure> {
        let said = self.topics(&["describe", topic])?;
        let pair = |line: &str| {
            let mut words = line.split_whitespace().map(str::parse);
            Some((words.next()?.ok()?, words.next()?.ok()?))
        };
        Ok(said.lines().filter_map(pair).collect())
    }

    pub(super) fn topics(&self, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(self.programs.ekafka());
        command.args(["--brokers", &self.brokers, "topics"]);
        process::capture(command.args(arguments))
    }
}

/// The line that a program told.
pub(super) struct Told(pub(super) Value);

impl Told {
    pub(super) fn number(&self, field: &str) -> f64 {
        self.0[field].as_f64().unwrap_or_default()
    }

    /// With a rate, what counts from the moment a record was due has a neighbour that counts from the call, as all others do.
    fn since_call(&self, field: &str) -> f64 {
        let call = self.0[format!("call_{field}")].as_f64();
        call.unwrap_or_else(|| self.number(field))
    }

    pub(super) fn run(&self, whole_cpu: Option<f64>) -> Run {
        let cpu = whole_cpu.unwrap_or_else(|| self.number("cpu_s"));
        let records = self.number("records").max(1.0);
        Run {
            cpu: cpu * 1e6 / records,
            rate: records / self.number("wall_s").max(1e-9) / 1e3,
            p50_us: self.since_call("p50_us"),
            p99_us: self.since_call("p99_us"),
            memory: self.number("max_rss_kb") / 1e3,
            ..Run::default()
        }
    }
}

pub(super) fn tell(command: &mut Command) -> Result<Told, Failure> {
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

/// Whether what was written is compared with the log.
fn is_counted(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Produce | Kind::Calls | Kind::Saturated | Kind::Distant
    )
}

/// What the loopback network has carried so far.
fn loopback_bytes() -> f64 {
    let table = std::fs::read_to_string("/proc/net/dev").unwrap_or_default();
    let line = table
        .lines()
        .find_map(|line| line.trim().strip_prefix("lo:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// CPU seconds of all processes that this one started and that have ended.
fn children_cpu() -> Result<f64, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_err(|error| Failure::new(format!("cannot read the resources used: {error}")))?;
    let used = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(used as f64 / 1e6)
}

pub(super) fn unique(what: &str) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    format!(
        "peers-{what}-{}",
        since.map_or(0, |since| since.as_micros())
    )
}

/// Partitions of topics.
const PARTITIONS: u16 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_time_that_a_program_tells_is_counted_once() {
        let line = r#"{"records":2000000,"wall_s":1.0,"user_s":0.1,"sys_s":0.2,"cpu_s":0.3}"#;
        let told = Told(serde_json::from_str(line).unwrap());
        assert!((told.run(None).cpu - 0.15).abs() < 1e-9);
        assert!(
            (told.run(Some(0.5)).cpu - 0.25).abs() < 1e-9,
            "of the whole process"
        );
    }
}
