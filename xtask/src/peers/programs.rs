//! The programs: built when their toolchain is here, and how each is told what to do.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::process;

use super::rows::{Kind, Row};

/// One client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Program {
    Ekafka,
    /// The same with settings for throughput.
    EkafkaTuned,
    Floor,
    FranzGo,
    KafkaGo,
    Krafka,
    Librdkafka,
    Rskafka,
}

/// Those that could be built.
pub(super) struct Programs {
    ekafka: PathBuf,
    /// Our own client in the peers' form.
    form: PathBuf,
    built: Vec<(Program, PathBuf)>,
}

impl Program {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ekafka => "ekafka",
            Self::EkafkaTuned => "ekafka with linger 5 ms and batches of 1 MB",
            Self::Floor => "floor",
            Self::FranzGo => "franz-go",
            Self::KafkaGo => "kafka-go",
            Self::Krafka => "krafka",
            Self::Librdkafka => "librdkafka",
            Self::Rskafka => "rskafka",
        }
    }

    /// A client that others wrote.
    pub(super) fn is_peer(self) -> bool {
        !matches!(self, Self::Ekafka | Self::EkafkaTuned | Self::Floor)
    }

    /// A peer with groups and idempotent writing.
    pub(super) fn is_full(self) -> bool {
        self.is_peer() && !matches!(self, Self::KafkaGo | Self::Rskafka)
    }

    /// Whether it has what the row needs.
    fn can(self, row: &Row) -> bool {
        let kind = row.kind;
        match self {
            Self::Ekafka => true,
            Self::EkafkaTuned => kind == Kind::Saturated,
            // It has no groups, and its defaults are what it is.
            Self::Floor => {
                kind == Kind::Rated
                    || is_simple(kind)
                    || matches!(kind, Kind::Latency | Kind::EndToEnd)
            }
            Self::FranzGo => {
                is_simple(kind) || shares(kind) || matches!(kind, Kind::Latency | Kind::EndToEnd)
            }
            Self::KafkaGo => {
                is_simple(kind)
                    || matches!(kind, Kind::Calls | Kind::Latency | Kind::EndToEnd)
                    || shares(kind) && kind != Kind::Cooperative
            }
            Self::Krafka => is_simple(kind) && kind != Kind::Produce || shares(kind),
            Self::Librdkafka => {
                is_simple(kind) || shares(kind) || matches!(kind, Kind::Latency | Kind::Distant)
            }
            // No keys, no groups.
            Self::Rskafka => {
                row.keys == 0 && is_simple(kind)
                    || matches!(kind, Kind::Latency | Kind::EndToEnd | Kind::Distant)
            }
        }
    }
}

/// What all clients have.
fn is_simple(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Produce | Kind::Consume | Kind::Amplified | Kind::Receive | Kind::Idle
    )
}

/// What needs a group.
fn shares(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Group | Kind::Start | Kind::Eager | Kind::Cooperative
    )
}

impl Programs {
    /// Builds everything; what cannot be built here is left out with a word.
    pub(super) fn build() -> Result<Self, Failure> {
        for what in [
            ["-p", "ekafka-cli", "--bin", "ekafka"],
            ["-p", "ekafka-testkit", "--example", "distant"],
        ] {
            process::run(process::cargo(["build", "--release"]).args(what))?;
        }
        let cargo = |packages: &[&str]| -> Result<(), Failure> {
            let mut command = process::cargo(["build", "--release"]);
            command.env_remove("CARGO_TARGET_DIR").args(packages);
            process::run(command.current_dir(folder()))
        };
        // All at once they share what they depend on; one by one only where not all can be built.
        let mut lacking = Vec::new();
        if cargo(&["--workspace"]).is_err() {
            cargo(&["-p", "peer-ekafka", "-p", "peer-floor"])?;
            for (program, name) in PEERS {
                if let Err(failure) = cargo(&["-p", name]) {
                    eprintln!("without {}: {failure}", program.name());
                    lacking.push(program);
                }
            }
        }
        let mut command = Command::new("go");
        command.args(["build", "-o"]).arg(left("peers-go")).arg(".");
        if let Err(failure) = process::run(command.current_dir(folder().join("go"))) {
            eprintln!("without franz-go and kafka-go: {failure}");
            lacking.extend([Program::FranzGo, Program::KafkaGo]);
        }
        let mut programs = Self::built()?;
        programs
            .built
            .retain(|(program, _)| !lacking.contains(program));
        Ok(programs)
    }

    /// Those that an earlier build left.
    pub(super) fn built() -> Result<Self, Failure> {
        let ekafka = process::built("release/ekafka");
        let mut built = vec![
            (Program::Ekafka, ekafka.clone()),
            (Program::EkafkaTuned, ekafka.clone()),
            (Program::Floor, left("peer-floor")),
            (Program::FranzGo, left("peers-go")),
            (Program::KafkaGo, left("peers-go")),
        ];
        built.extend(PEERS.map(|(program, name)| (program, left(name))));
        built.retain(|(program, path)| {
            let is_there = path.exists();
            if !is_there {
                eprintln!("without {}: it was not built", program.name());
            }
            is_there
        });
        let form = left("peer-ekafka");
        let ours = [Program::Ekafka, Program::Floor];
        let has_ours = ours
            .iter()
            .all(|one| built.iter().any(|(program, _)| program == one));
        if !has_ours || !form.exists() {
            return Err(Failure::new("our own programs were not built"));
        }
        Ok(Self {
            ekafka,
            form,
            built,
        })
    }

    pub(super) fn ekafka(&self) -> &Path {
        &self.ekafka
    }

    /// Those that have what the row needs.
    pub(super) fn of(&self, row: &Row) -> Vec<Program> {
        let built = self.built.iter().map(|(program, _)| *program);
        built.filter(|program| program.can(row)).collect()
    }

    /// The command of one run.
    pub(super) fn command(&self, program: Program, row: &Row, work: &Work<'_>) -> Command {
        let ours = matches!(program, Program::Ekafka | Program::EkafkaTuned);
        if ours && !has_own_form(row.kind) {
            let mut command = Command::new(&self.ekafka);
            ekafka(&mut command, row, work);
            if program == Program::Ekafka && row.defaults && writes(row.kind) {
                command.arg("--defaults");
            } else if program == Program::EkafkaTuned {
                command.args(["--linger", "5ms", "--batch-bytes", "1000000"]);
            }
            command.env_remove("EKAFKA_BROKERS");
            return command;
        }
        if ours {
            let mut command = Command::new(&self.form);
            peer(&mut command, row, work);
            return command;
        }
        let path = self.built.iter().find(|(known, _)| *known == program);
        let mut command = Command::new(path.map_or_else(|| Path::new(""), |(_, path)| path));
        if matches!(program, Program::FranzGo | Program::KafkaGo) {
            command.args(["--client", program.name()]);
        }
        peer(&mut command, row, work);
        match (program, row.kind) {
            // One batch of ekafka's size at a time, whatever it does by itself.
            (Program::Rskafka, Kind::Distant) => {
                command.args(["--in-flight", "1", "--batch", "262144"]);
            }
            (Program::Floor, _) => {
                command.args(["--batch", &row.batch.to_string()]);
                command.args(work.only.iter().flat_map(|only| ["--only", only.as_str()]));
            }
            _ => {}
        }
        if row.kind == Kind::Rated {
            command.args(["--rate", RATE]);
        }
        command
    }

    /// The floor writing stamped records at a rate, in turn to all partitions, until it is ended.
    pub(super) fn ticking(&self, work: &Work<'_>, rate: u64) -> Command {
        let path = self
            .built
            .iter()
            .find(|(known, _)| *known == Program::Floor);
        let mut command = Command::new(path.map_or_else(|| Path::new(""), |(_, path)| path));
        command.args(["--mode", "tick", "--rate", &rate.to_string()]);
        command.args(["--brokers", work.brokers, "--topic", work.topic]);
        command
    }
}

/// What `ekafka perf` has no form of.
fn has_own_form(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Receive | Kind::Eager | Kind::Cooperative | Kind::Beside | Kind::Stopped
    )
}

fn writes(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Produce | Kind::Calls | Kind::Saturated | Kind::Distant | Kind::Rated
    )
}

/// Tasks of ekafka that write, each with a slice of 1,000 records or 2,048 handles under way: what they hold stays near the
/// processor. The peers may have 200,000 records under way.
const TASKS: &str = "8";

/// The same where an answer takes long: eight calls of 1,000 would wait for it.
const FAR_TASKS: &str = "32";

/// On a long way 32,000 records under way are themselves the limit. librdkafka's default is 100,000; with more than this the
/// slices of the tasks leave the cache.
const DISTANT_TASKS: &str = "64";

/// Records per second of rows with a rate.
const RATE: &str = "1000";

/// What differs from run to run.
#[derive(Clone)]
pub(super) struct Work<'a> {
    pub(super) brokers: &'a str,
    pub(super) topic: &'a str,
    /// A name that no run before had.
    pub(super) group: &'a str,
    pub(super) records: u64,
    pub(super) partitions: u16,
    /// Partitions to use, separated by commas, where that can be chosen; else all.
    pub(super) only: Option<String>,
}

/// The command line that all peers share.
fn peer(command: &mut Command, row: &Row, work: &Work<'_>) {
    let mode = match row.kind {
        Kind::Produce | Kind::Calls | Kind::Saturated | Kind::Distant => "produce",
        Kind::Latency | Kind::Rated => "latency",
        Kind::Beside => "beside",
        Kind::EndToEnd => "end-to-end",
        Kind::Receive => "receive",
        Kind::Consume | Kind::Group | Kind::Amplified | Kind::Idle | Kind::Stopped => "consume",
        Kind::Start => "start",
        Kind::Eager | Kind::Cooperative => "member",
    };
    command.args(["--mode", mode, "--acks", "all"]);
    command.args(["--brokers", work.brokers, "--topic", work.topic]);
    command.args(["--records", &work.records.to_string()]);
    command.args(["--size", &row.size.to_string(), "--codec", row.codec]);
    command.args(["--keys", &row.keys.to_string()]);
    command.args(["--partitions", &work.partitions.to_string()]);
    if shares(row.kind) {
        command.args(["--group", work.group]);
    }
    match row.kind {
        Kind::Calls => command.args(["--api", "calls"]),
        Kind::Eager => command.args(["--strategy", "eager"]),
        Kind::Cooperative => command.args(["--strategy", "cooperative"]),
        Kind::Stopped => command.args(work.only.iter().flat_map(|only| ["--only", only.as_str()])),
        _ => command,
    };
    if row.defaults {
        command.arg("--defaults");
    }
}

fn ekafka(command: &mut Command, row: &Row, work: &Work<'_>) {
    command.args(["--brokers", work.brokers]);
    if row.kind == Kind::Start {
        command.args(["consume", "--topic", work.topic, "--group", work.group]);
        return;
    }
    let what = match row.kind {
        Kind::Latency | Kind::Rated | Kind::EndToEnd => "latency",
        Kind::Consume | Kind::Group | Kind::Amplified | Kind::Idle => "consume",
        _ => "produce",
    };
    command.args(["perf", what, "--json", "--topic", work.topic]);
    command.args(["--records", &work.records.to_string()]);
    match row.kind {
        Kind::Produce | Kind::Saturated | Kind::Distant => {
            let tasks = match row.kind {
                Kind::Distant => DISTANT_TASKS,
                _ if row.nodes > 1 => FAR_TASKS,
                _ => TASKS,
            };
            command.args(["--size", &row.size.to_string(), "--tasks", tasks]);
            if row.codec != "none" {
                command.args(["--compression", row.codec]);
            }
        }
        Kind::Calls => {
            command.args(["--tasks", "1", "--slice", "1000"]);
        }
        Kind::Rated => {
            command.args(["--rate", RATE]);
        }
        Kind::EndToEnd => {
            command.arg("--end-to-end");
        }
        Kind::Group => {
            command.args(["--group", work.group]);
        }
        _ => {}
    }
    if let Some(api) = row.api {
        command.args(["--api", api]);
    }
    if row.keys > 0 {
        command.args(["--keys", &row.keys.to_string()]);
    }
}

/// Where a build leaves a program.
fn left(name: &str) -> PathBuf {
    folder().join("target/release").join(name)
}

/// What is written in Rust, by the names of their packages.
const PEERS: [(Program, &str); 3] = [
    (Program::Krafka, "peer-krafka"),
    (Program::Librdkafka, "peer-librdkafka"),
    (Program::Rskafka, "peer-rskafka"),
];

fn folder() -> PathBuf {
    process::root().join("benches/peers")
}
