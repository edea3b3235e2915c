//! The program that writes: started, watched, and told when it may end.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::Produce;
use crate::failure::Failure;
use crate::process;

pub(super) struct Load {
    child: Child,
    words: Lines<BufReader<ChildStdout>>,
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

impl Load {
    pub(super) fn start(
        produce: &Produce,
        brokers: &str,
        topic: &str,
        ledger: &Path,
    ) -> Result<Self, Failure> {
        let mut command = Command::new(process::built("release/chaos-load"));
        command.args(["--brokers", brokers, "--topic", topic]);
        command.arg("--records").arg(produce.records.to_string());
        command.arg("--rate").arg(produce.rate.to_string());
        command.arg("--size").arg(produce.size.to_string());
        command.arg("--ledger").arg(ledger);
        if let Some(timeout) = produce.delivery_timeout {
            command.arg("--delivery-timeout").arg(timeout.to_string());
        }
        if produce.keyed {
            command.arg("--keyed");
        }
        if produce.no_idempotence {
            command.arg("--no-idempotence");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let Some(out) = child.stdout.take() else {
            return Err(Failure::new("the load has no output"));
        };
        let words = BufReader::new(out).lines();
        Ok(Self { child, words })
    }

    /// Waits until so many records were handed to the writer.
    pub(super) fn wait_for(&mut self, records: u64) -> Result<(), Failure> {
        while let Some(line) = self.words.next().transpose()? {
            let sent = line
                .strip_prefix("sent ")
                .and_then(|rest| rest.parse().ok());
            match sent {
                Some(sent) if records <= sent => return Ok(()),
                Some(_) => {}
                None => println!("{line}"),
            }
        }
        Err(Failure::new("the load has ended early"))
    }

    /// Lets it send the rest, and waits for its end.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        drop(self.child.stdin.take());
        while let Some(line) = self.words.next().transpose()? {
            if !line.starts_with("sent ") {
                println!("{line}");
            }
        }
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("the load ended with {status}")))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // After its own end there is nothing to stop.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PROGRAM: &str = "chaos-load";
