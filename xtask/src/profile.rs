//! `cargo xtask bench profile`: where the instructions of `ekafka perf produce` go, by the source they come from.
//!
//! Callgrind attributes inlined code to its own file, so locks and channels show even where they left no function.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::failure::Failure;
use crate::process;

/// What a part of a source's path says about the work done there; the first that fits counts.
const KINDS: [(&str, &[&str]); 8] = [
    (
        LOCKS,
        &[
            "sync/poison/",
            "sync/mutex",
            "futex",
            "core/src/sync/atomic",
            "/src/sync/",
            "nptl",
        ],
    ),
    ("checksum", &["crc-fast", "pclmulqdq", "sse42"]),
    (
        "encoding records",
        &["BatchBuilder", "protocol/src/records"],
    ),
    (
        "copying and clearing bytes",
        &["memmove", "memset", "memcpy"],
    ),
    (
        "making the payload (perf itself)",
        &["cli/src/perf", "ekafka::perf"],
    ),
    ("writer", &["ekafka_writer", "crates/writer"]),
    (
        "connection and messages",
        &["ekafka_conn", "ekafka_protocol"],
    ),
    ("runtime", &["tokio", "mio"]),
];

/// Prints each kind's share; fails when locks and channels take more than a tenth.
pub(crate) fn run() -> Result<(), Failure> {
    process::run(&mut process::cargo([
        "build",
        "--release",
        "-p",
        "ekafka-cli",
    ]))?;
    let binary = process::built("release/ekafka");
    let counts = process::built("perf-produce.callgrind");
    let broker = Broker::start(&binary)?;
    process::capture(
        Command::new("valgrind")
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", counts.display()))
            .arg(&binary)
            .args(["perf", "produce", "--json", "--records", RECORDS])
            .args(["--brokers", &broker.address]),
    )?;
    drop(broker);
    let said = process::capture(
        Command::new("callgrind_annotate")
            .args(["--threshold=100", "--auto=no"])
            .arg(&counts),
    )?;
    report(&said)
}

fn report(said: &str) -> Result<(), Failure> {
    let mut sums = [0_u64; KINDS.len() + 1];
    for (count, place) in said.lines().filter_map(entry) {
        let kind = KINDS
            .iter()
            .position(|(_, marks)| marks.iter().any(|mark| place.contains(mark)));
        sums[kind.unwrap_or(KINDS.len())] += count;
    }
    let total = sums.iter().sum::<u64>().max(1);
    println!("instructions of `ekafka perf produce --records {RECORDS}` by what they do");
    let names = KINDS.iter().map(|(name, _)| *name).chain(["other"]);
    for (name, sum) in names.zip(sums) {
        let tenths = sum * 1000 / total;
        println!("{name:34} {:3}.{} %", tenths / 10, tenths % 10);
    }
    if sums[0] * 10 > total {
        return Err(Failure::new(format!(
            "{LOCKS}: more than a tenth of the work"
        )));
    }
    Ok(())
}

/// A line of the list: ` 1,234 ( 5.6%)  file:function`.
fn entry(line: &str) -> Option<(u64, &str)> {
    let (count, place) = line.trim_start().split_once(" (")?;
    let (_, place) = place.split_once(")  ")?;
    let is_place = place.contains(':') && !place.starts_with("PROGRAM");
    Some((count.replace(',', "").parse().ok()?, place)).filter(|_| is_place)
}

/// An embedded broker in a process of its own; ended when dropped.
struct Broker {
    process: Child,
    address: String,
}

impl Broker {
    fn start(binary: &Path) -> Result<Self, Failure> {
        let mut process = Command::new(binary)
            .args(["broker", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start the broker: {error}")))?;
        let mut address = String::new();
        if let Some(output) = process.stdout.take() {
            BufReader::new(output)
                .read_line(&mut address)
                .map_err(|error| Failure::new(format!("the broker said nothing: {error}")))?;
        }
        let address = address.trim().to_owned();
        Ok(Self { process, address })
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const LOCKS: &str = "locks, atomics, channels";
const RECORDS: &str = "1000000";
