//! Runs the examples, each on a broker of its own; one that waits for a signal gets it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::process;

/// Examples that end by themselves.
const ALL: [&str; 9] = [
    "low_level",
    "batch_timeout",
    "partition_reader",
    "group_reader",
    "explicit_commit",
    "interval_commit",
    "per_partition",
    "dead_letter",
    "lag_and_stats",
];

/// Builds and runs them.
pub(crate) fn run() -> Result<(), Failure> {
    process::run(&mut process::cargo(["build", "-p", "ekafka", "--examples"]))?;
    for name in ALL {
        println!("== {name}");
        process::run(&mut example(name))?;
    }
    println!("== shutdown");
    shutdown()
}

/// Waits for its first line, sends SIGTERM, and expects it to end well.
fn shutdown() -> Result<(), Failure> {
    let mut process = example("shutdown").stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(process.stdout.take().ok_or_else(no_output)?).lines();
    let first = lines.next().ok_or_else(no_output)??;
    println!("{first}");
    process::run(Command::new("kill").arg(process.id().to_string()))?;
    let last = lines.last().ok_or_else(no_output)??;
    let status = process.wait()?;
    if status.success() && last == "closed" {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the example shutdown did not close its reader: {status}, {last}"
    )))
}

fn example(name: &str) -> Command {
    let mut command = Command::new(process::root().join("target/debug/examples").join(name));
    command.current_dir(process::root());
    command
}

fn no_output() -> Failure {
    Failure::new("the example shutdown said nothing".to_owned())
}
