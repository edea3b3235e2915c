//! Running a client with an input and a time limit: a client that waits for ever is a result too.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How long one client may take; the slowest needs about three seconds on an idle machine.
const LIMIT: Duration = Duration::from_secs(90);

/// How much of a failed client's words is shown, in characters.
const MOST_SHOWN: usize = 600;

/// What a client printed.
pub(super) struct Said {
    pub(super) out: String,
    pub(super) err: String,
}

/// Runs it to its end, which must be a success within the limit.
pub(super) fn run(command: &mut Command, input: &str) -> Result<Said, Failure> {
    let name = name(command);
    let mut child = Running(
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start {name}: {error}")))?,
    );
    let (stdin, stdout, stderr) = (
        child.0.stdin.take(),
        child.0.stdout.take(),
        child.0.stderr.take(),
    );
    let (status, said) = scope(|scope| {
        let out = scope.spawn(move || text(stdout));
        let err = scope.spawn(move || text(stderr));
        scope.spawn(move || {
            if let Some(mut stdin) = stdin {
                // A client that reads no input may have ended by now.
                let _ended = stdin.write_all(input.as_bytes());
            }
        });
        let status = child.wait();
        let said = Said {
            out: out.join().unwrap_or_default(),
            err: err.join().unwrap_or_default(),
        };
        (status, said)
    });
    match status? {
        Some(status) if status.success() => Ok(said),
        Some(status) => Err(Failure::new(format!(
            "expected {name} to succeed, seen {status}: {}",
            said.words()
        ))),
        None => Err(Failure::new(format!(
            "expected {name} to end within {} s, seen none; so far: {}",
            LIMIT.as_secs(),
            said.words()
        ))),
    }
}

/// Starts it without input and output, to be ended by dropping it.
pub(super) fn start(command: &mut Command) -> Result<Running, Failure> {
    let name = name(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(Running)
        .map_err(|error| Failure::new(format!("cannot start {name}: {error}")))
}

impl Said {
    /// The end of what it printed, errors last.
    fn words(&self) -> String {
        let all = format!("{}\n{}", self.out.trim(), self.err.trim());
        let count = all.chars().count();
        let end: String = all.chars().skip(count.saturating_sub(MOST_SHOWN)).collect();
        end.trim().to_owned()
    }
}

/// A process that ends with its owner.
pub(super) struct Running(Child);

impl Running {
    /// None when it was ended because the limit passed.
    fn wait(&mut self) -> Result<Option<ExitStatus>, Failure> {
        let give_up = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() > give_up {
                self.0.kill()?;
                self.0.wait()?;
                return Ok(None);
            }
            sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to stop in order, and waits for that.
    pub(super) fn terminate(mut self) -> Result<(), Failure> {
        let id = self.0.id().to_string();
        crate::process::succeeds(Command::new("kill").args(["-TERM", &id]));
        match self.wait()? {
            Some(_) => Ok(()),
            None => Err(Failure::new(
                "expected it to stop when asked, seen it run on",
            )),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Either fails when the process has ended, which is what is wanted.
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

fn text(source: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut source) = source {
        // What came before an error is still worth showing.
        let _read = source.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The program, or the class that Java runs.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let class = command
        .get_args()
        .filter_map(|argument| argument.to_str())
        .find_map(|argument| argument.strip_prefix("org.apache.kafka.tools."));
    class.map_or_else(|| program.display().to_string(), str::to_owned)
}
