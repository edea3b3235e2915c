//! Finding and ending brokers that an earlier command started.
//!
//! No process ids are kept: a file of them would be wrong after a crash. A broker is recognised by an argument that
//! names its cluster's folder.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::process;

/// How long a broker may take to stop in order before it is ended.
const GRACE: Duration = Duration::from_secs(20);

/// Ends every Java process whose arguments name a file in `folder`.
pub(super) fn end_all(folder: &Path) -> Result<(), Failure> {
    kill(&format!("{}/", folder.display()))
}

/// Ends at once, as a power cut would.
pub(super) fn kill(mark: &str) -> Result<(), Failure> {
    for id in find(mark)? {
        signal("-KILL", &id);
    }
    while !find(mark)?.is_empty() {
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Asks to stop, waits, and ends what did not.
pub(super) fn terminate(mark: &str) -> Result<(), Failure> {
    for id in find(mark)? {
        signal("-TERM", &id);
    }
    let patience = Instant::now() + GRACE;
    while !find(mark)?.is_empty() && Instant::now() < patience {
        sleep(Duration::from_millis(50));
    }
    kill(mark)
}

/// Stops a process where it is, or lets it go on: its sockets stay open, but nobody answers.
pub(super) fn hold(mark: &str, is_held: bool) -> Result<(), Failure> {
    for id in find(mark)? {
        signal(if is_held { "-STOP" } else { "-CONT" }, &id);
    }
    Ok(())
}

/// The ids of Java processes with `mark` in their arguments.
pub(super) fn find(mark: &str) -> Result<Vec<String>, Failure> {
    Ok(running()?
        .into_iter()
        .filter(|(_, arguments)| arguments.contains(mark) && arguments.contains("java"))
        .map(|(id, _)| id)
        .collect())
}

/// Id and arguments of every process of this machine.
fn running() -> Result<Vec<(String, String)>, Failure> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return listed();
    };
    // A process may end while its entry is read; then there is nothing to find.
    Ok(entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name().into_string().ok()?;
            id.parse::<u32>().ok()?;
            let arguments = fs::read(entry.path().join("cmdline")).ok()?;
            Some((id, String::from_utf8_lossy(&arguments).replace('\0', " ")))
        })
        .collect())
}

/// The same by `ps`, where there is no /proc.
fn listed() -> Result<Vec<(String, String)>, Failure> {
    let text = process::capture(Command::new("ps").args(["-A", "-o", "pid=,args="]))?;
    Ok(text
        .lines()
        .filter_map(|line| line.trim_start().split_once(' '))
        .map(|(id, arguments)| (id.to_owned(), arguments.to_owned()))
        .collect())
}

fn signal(kind: &str, id: &str) {
    // It may have ended by itself in the meantime, which is what is wanted.
    process::succeeds(Command::new("kill").args([kind, id]));
}
