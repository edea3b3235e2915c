//! The command and an embedded broker to run it on.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Output, Stdio};

/// The command, with the variables of whoever runs the tests taken away.
pub(crate) fn ekafka() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ekafka"));
    for name in ["EKAFKA_BROKERS", "EKAFKA_SASL_PASSWORD", "EKAFKA_LOG"] {
        command.env_remove(name);
    }
    command
}

/// `ekafka broker` on free ports; ends with the test.
pub(crate) struct Broker {
    pub(crate) process: Child,
    pub(crate) brokers: String,
}

impl Broker {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        let mut command = ekafka();
        command
            .env("EKAFKA_SASL_PASSWORD", "bob-secret")
            .args(options);
        command.args([
            "broker",
            "--listen",
            "127.0.0.1:0",
            "--nodes",
            "3",
            "--no-auto-create",
        ]);
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut brokers = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut brokers)
            .unwrap();
        Self {
            process,
            brokers: brokers.trim().to_owned(),
        }
    }

    /// Runs a command on these brokers with that standard input.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = ekafka();
        command.args(["--brokers", &self.brokers]).args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        // A command that reads no input may have ended by now.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        process.wait_with_output().unwrap()
    }

    /// The standard output of a command that must succeed.
    pub(crate) fn output(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The standard error of a command that must fail with code 1.
    pub(crate) fn failure(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments, "");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
