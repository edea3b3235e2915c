//! A writer in a process of its own, and those who receive: alone, or as members of one group.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::failure::Failure;

use super::measure::{Bench, Run, tell, unique};
use super::programs::Program;
use super::rows::Row;

/// How long records take that another process writes now and then.
pub(super) fn receive(bench: &Bench<'_>, program: Program, row: &Row) -> Result<Run, Failure> {
    let topic = bench.topic(row.id)?;
    let work = bench.work(&topic, "", row.records);
    let writer = Process::start(&mut bench.programs.ticking(&work, SELDOM))?;
    let told = tell(&mut bench.programs.command(program, row, &work));
    drop(writer);
    bench.topics(&["delete", &topic])?;
    Ok(told?.run(None))
}

/// How long partitions are without records when a second member joins the first.
pub(super) fn join(bench: &Bench<'_>, program: Program, row: &Row) -> Result<Run, Failure> {
    let topic = bench.topic(row.id)?;
    let group = unique(row.id);
    let work = bench.work(&topic, &group, 0);
    let writer = Process::start(&mut bench.programs.ticking(&work, OFTEN))?;
    let member = |partitions: &str| {
        let mut command = bench.programs.command(program, row, &work);
        Member::start(command.args(["--want", partitions]))
    };
    let pages = member("6").and_then(|first| {
        sleep(STEADY);
        let second = member("3")?;
        sleep(STEADY);
        Ok((first.end()?, second.end()?))
    });
    drop(writer);
    bench.topics(&["delete", &topic])?;
    let (first, second) = pages?;
    Ok(pauses(&first, &second))
}

/// What two members wrote down.
fn pauses(first: &Map<String, Value>, second: &Map<String, Value>) -> Run {
    let at = |page: &Value, field: &str| page[field].as_f64().unwrap_or_default();
    let mut run = Run::default();
    for (partition, before) in first {
        let own = at(before, "longest_ns");
        match second.get(partition) {
            None => run.stays_ms = run.stays_ms.max(own / 1e6),
            Some(after) => {
                let between = at(after, "first_ns") - at(before, "last_ns");
                // What was not written could not come.
                let between = between.min(at(after, "age_ns"));
                let longest = between.max(at(after, "longest_ns"));
                run.moves_ms = run.moves_ms.max(longest / 1e6);
            }
        }
    }
    run
}

/// A process that ends with this value.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Result<Self, Failure> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Ok(Self(child?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails when it has ended, which is what is wanted.
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

/// A member of a group that receives, and tells what at its end.
struct Member {
    process: Process,
    lines: Receiver<String>,
}

impl Member {
    /// Returns when it has records of the partitions that it is to have.
    fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let lines = stdout
            .map(lines_of)
            .ok_or_else(|| Failure::new("no output"))?;
        let mut process = Process(child);
        if lines
            .recv_timeout(PATIENCE)
            .is_ok_and(|line| line == "ready")
        {
            return Ok(Self { process, lines });
        }
        let _ended = process.0.kill();
        let mut said = String::new();
        if let Some(mut stderr) = stderr {
            stderr.read_to_string(&mut said)?;
        }
        Err(Failure::new(format!("a member had nothing to do: {said}")))
    }

    fn end(mut self) -> Result<Map<String, Value>, Failure> {
        drop(self.process.0.stdin.take());
        let line = self.lines.recv_timeout(PATIENCE);
        let line = line.map_err(|_| Failure::new("a member told nothing"))?;
        serde_json::from_str(&line).map_err(|error| Failure::new(format!("{error}: {line}")))
    }
}

fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Records per second of all partitions together, for a consumer that is idle in between.
const SELDOM: u64 = 200;

/// The same for members of a group: a partition has one every two milliseconds.
const OFTEN: u64 = 3_000;

/// Between what the members do.
const STEADY: Duration = Duration::from_millis(1_500);

const PATIENCE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_partition_that_moves_is_without_records_from_the_last_to_the_first() {
        let page = |first: u64, last: u64, longest: u64| {
            let ns = 1_000_000;
            json!({
                "first_ns": first * ns, "age_ns": 19 * ns, "last_ns": last * ns, "longest_ns": longest * ns
            })
        };
        let first = json!({ "0": page(1, 900, 7), "1": page(1, 500, 300), "2": page(1, 510, 4) });
        let second = json!({ "1": page(520, 900, 3), "2": page(525, 900, 18) });
        let (Value::Object(first), Value::Object(second)) = (first, second) else {
            panic!("both are objects");
        };
        let run = pauses(&first, &second);
        assert!((run.stays_ms - 7.0).abs() < 1e-6, "{}", run.stays_ms);
        assert!((run.moves_ms - 19.0).abs() < 1e-6, "{}", run.moves_ms);
    }
}
