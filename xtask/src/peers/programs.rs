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
    Floor,
    FranzGo,
    KafkaGo,
    Librdkafka,
    Rskafka,
}

/// Those that could be built.
pub(super) struct Programs {
    ekafka: PathBuf,
    built: Vec<(Program, PathBuf)>,
}

impl Program {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ekafka => "ekafka",
            Self::Floor => "floor",
            Self::FranzGo => "franz-go",
            Self::KafkaGo => "kafka-go",
            Self::Librdkafka => "librdkafka",
            Self::Rskafka => "rskafka",
        }
    }

    /// Whether it has what the row needs.
    fn can(self, row: &Row) -> bool {
        match self {
            Self::Ekafka => true,
            // It has no groups, and its defaults are what it is.
            Self::Floor => !matches!(row.kind, Kind::Calls | Kind::Group | Kind::Start),
            Self::FranzGo => row.kind != Kind::Calls,
            Self::KafkaGo => true,
            Self::Librdkafka => !matches!(row.kind, Kind::Calls | Kind::EndToEnd),
            // No keys, no groups.
            Self::Rskafka => {
                row.keys == 0 && !matches!(row.kind, Kind::Calls | Kind::Group | Kind::Start)
            }
        }
    }
}

impl Programs {
    /// Builds everything; what cannot be built here is left out with a word.
    pub(super) fn build() -> Result<Self, Failure> {
        process::run(&mut process::cargo([
            "build",
            "--release",
            "-p",
            "ekafka-cli",
        ]))?;
        let ekafka = process::root().join("target/release/ekafka");
        let mut built = vec![(Program::Ekafka, ekafka.clone())];
        let target = folder().join("target/release");
        for (program, package) in [
            (Program::Floor, "peer-floor"),
            (Program::Rskafka, "peer-rskafka"),
            (Program::Librdkafka, "peer-librdkafka"),
        ] {
            let mut command = process::cargo(["build", "--release", "--locked", "-p", package]);
            match process::run(command.current_dir(folder())) {
                Ok(()) => built.push((program, target.join(package))),
                Err(failure) => eprintln!("without {}: {failure}", program.name()),
            }
        }
        let go = target.join("peers-go");
        let mut command = Command::new("go");
        command.args(["build", "-o"]).arg(&go).arg(".");
        match process::run(command.current_dir(folder().join("go"))) {
            Ok(()) => built.extend([(Program::FranzGo, go.clone()), (Program::KafkaGo, go)]),
            Err(failure) => eprintln!("without franz-go and kafka-go: {failure}"),
        }
        Ok(Self { ekafka, built })
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
        let path = self.built.iter().find(|(known, _)| *known == program);
        let mut command = Command::new(path.map_or_else(|| Path::new(""), |(_, path)| path));
        command.env_remove("EKAFKA_BROKERS");
        match program {
            Program::Ekafka => ekafka(&mut command, row, work),
            Program::FranzGo | Program::KafkaGo => {
                command.args(["--client", program.name()]);
                peer(&mut command, row, work);
            }
            Program::Floor | Program::Librdkafka | Program::Rskafka => {
                peer(&mut command, row, work);
            }
        }
        command
    }
}

/// What differs from run to run.
pub(super) struct Work<'a> {
    pub(super) brokers: &'a str,
    pub(super) topic: &'a str,
    /// A name that no run before had.
    pub(super) group: &'a str,
    pub(super) records: u64,
}

/// The command line that all peers share.
fn peer(command: &mut Command, row: &Row, work: &Work<'_>) {
    let mode = match row.kind {
        Kind::Produce | Kind::Calls => "produce",
        Kind::Latency => "latency",
        Kind::EndToEnd => "end-to-end",
        Kind::Consume | Kind::Group => "consume",
        Kind::Start => "start",
    };
    command.args(["--mode", mode, "--acks", "all"]);
    command.args(["--brokers", work.brokers, "--topic", work.topic]);
    command.args(["--records", &work.records.to_string()]);
    command.args(["--size", &row.size.to_string(), "--codec", row.codec]);
    command.args(["--keys", &row.keys.to_string()]);
    if matches!(row.kind, Kind::Group | Kind::Start) {
        command.args(["--group", work.group]);
    }
    if row.kind == Kind::Calls {
        command.args(["--api", "calls"]);
    }
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
        Kind::Produce | Kind::Calls => "produce",
        Kind::Latency | Kind::EndToEnd => "latency",
        Kind::Consume | Kind::Group | Kind::Start => "consume",
    };
    command.args(["perf", what, "--json", "--topic", work.topic]);
    command.args(["--records", &work.records.to_string()]);
    match row.kind {
        Kind::Produce => {
            command.args(["--size", &row.size.to_string()]);
            if row.codec != "none" {
                command.args(["--compression", row.codec]);
            }
        }
        Kind::Calls => {
            command.args(["--tasks", "1", "--slice", "1000"]);
        }
        Kind::EndToEnd => {
            command.arg("--end-to-end");
        }
        Kind::Group => {
            command.args(["--group", work.group]);
        }
        Kind::Latency | Kind::Consume | Kind::Start => {}
    }
    if let Some(api) = row.api {
        command.args(["--api", api]);
    }
    if row.keys > 0 {
        command.args(["--keys", &row.keys.to_string()]);
    }
    if row.defaults && what == "produce" {
        command.arg("--defaults");
    }
}

fn folder() -> PathBuf {
    process::root().join("benches/peers")
}
