//! The processes of the group.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::Consume;
use crate::failure::Failure;
use crate::process;

/// Which group on which cluster.
pub(super) struct Group<'a> {
    pub(super) consume: &'a Consume,
    pub(super) brokers: String,
    pub(super) topic: &'a str,
    /// Where the diaries go.
    pub(super) folder: &'a Path,
    /// How many were started so far.
    pub(super) started: usize,
}

/// One running member.
pub(super) struct Member {
    child: Child,
    /// Counts the members of the run.
    pub(super) number: usize,
}

pub(super) fn build() -> Result<(), Failure> {
    process::run(&mut process::cargo([
        "build",
        "--release",
        "-p",
        "ekafka-tests",
        "--bin",
        PROGRAM,
    ]))
}

impl Group<'_> {
    /// Starts one more. Every other one commits by interval.
    pub(super) fn start(&mut self) -> Result<Member, Failure> {
        let number = self.started;
        self.started += 1;
        let mut command = Command::new(process::built("release/chaos-member"));
        command.args(["--brokers", &self.brokers]);
        command.args(["--topic", self.topic, "--group", self.topic]);
        command.args(["--strategy", &self.consume.strategy]);
        command.arg("--diary").arg(diary(self.folder, number));
        if number % 2 == 1 {
            command.args(["--commit-interval", "200"]);
        }
        let child = command.stdin(Stdio::piped()).spawn()?;
        Ok(Member { child, number })
    }
}

impl Member {
    /// Ends it at once.
    pub(super) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Has it leave the group, and waits for its end.
    pub(super) fn leave(mut self) -> Result<(), Failure> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "member {} ended with {status}",
            self.number
        )))
    }

    /// Fails when it has ended by itself.
    pub(super) fn check(&mut self) -> Result<(), Failure> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(Failure::new(format!(
                "member {} ended by itself with {status}",
                self.number
            ))),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // After its own end there is nothing to stop.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn diary(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("member-{number}"))
}

const PROGRAM: &str = "chaos-member";
