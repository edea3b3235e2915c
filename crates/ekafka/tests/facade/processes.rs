//! What only shows between processes: this test program starts itself again, once for each part that an application plays.

mod signals;
#[cfg(feature = "otel")]
mod traces;

use std::env;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// A part being played by another process.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts the test `entry` of this program in the part `part`; `address` is what it has to know.
    fn start(entry: &str, part: &str, address: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", entry, "--nocapture"])
            .env(PART, part)
            .env(ADDRESS, address)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads on to a line with `text` in it; what was said before it.
    fn until(&mut self, text: &str) -> Vec<String> {
        let mut before = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line.contains(text) {
                return before;
            }
            before.push(line);
        }
        panic!("it never said {text:?}: {before:#?}");
    }

    /// Sends a signal by its name.
    fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let sent = kill.args(["-s", name, &self.child.id().to_string()]);
        assert!(sent.status().unwrap().success());
    }

    /// Waits for its end; what it said until then.
    fn end(mut self) -> (ExitStatus, String) {
        let rest: Vec<String> = self.lines.by_ref().map(Result::unwrap).collect();
        (self.child.wait().unwrap(), rest.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails when the process has ended, which is what is wanted.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// The part that this process plays, and what it has to know; none in the process that runs the tests.
fn part() -> Option<(String, String)> {
    Some((env::var(PART).ok()?, env::var(ADDRESS).ok()?))
}

/// Tells the process that runs the tests.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // The test runner may have left its line open.
    write!(out, "\n{text}\n").unwrap();
    out.flush().unwrap();
}

const PART: &str = "EKAFKA_TEST_PART";
const ADDRESS: &str = "EKAFKA_TEST_ADDRESS";
