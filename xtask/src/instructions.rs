//! `cargo xtask bench instructions`: instructions per record, counted by callgrind.
//!
//! Unlike times, the counts are the same on a busy machine, so they are a gate.

use crate::failure::Failure;
use crate::process;

/// What may be spent on a record: job and shape as the example names them, and the limit.
const GATES: [(&str, &str, Option<u64>); 6] = [
    ("encode", "100B", Some(260)),
    ("encode", "100B+key+2headers", Some(520)),
    ("decode", "100B", Some(245)),
    ("decode", "100B+key+2headers", None),
    ("headers", "100B+key+2headers", None),
    ("spans", "100B", None),
];

/// Prints a line for each job and fails when one is over its limit.
pub(crate) fn run() -> Result<(), Failure> {
    let mut over = Vec::new();
    println!("instructions per record, batches of 1,000 records, checksum included");
    for (job, shape, limit) in GATES {
        let (few, many) = (count(job, shape, FEW)?, count(job, shape, MANY)?);
        let records = u64::from(MANY - FEW) * RECORDS_PER_BATCH;
        let each = many.saturating_sub(few).div_ceil(records);
        let shown = limit.map_or(String::new(), |limit| format!("  limit {limit}"));
        println!("{job:8} {shape:18} {each:5}{shown}");
        if limit.is_some_and(|limit| each > limit) {
            over.push(format!("{job} {shape}"));
        }
    }
    if over.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("over the limit: {}", over.join(", "))))
    }
}

/// Instructions of a whole run over `batches` batches.
fn count(job: &str, shape: &str, batches: u32) -> Result<u64, Failure> {
    let mut command = process::cargo(["run", "--release", "--quiet", "-p", "ekafka-benches"]);
    command
        .args(["--example", "instructions", "--config", RUNNER, "--"])
        .args([job, shape, &batches.to_string()]);
    let said = process::capture(&mut command)?;
    said.split_once("Collected : ")
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| Failure::new(format!("callgrind reported no count: {said}")))
}

const RUNNER: &str = "target.'cfg(all())'.runner = \
    ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', '--log-fd=1']";
const FEW: u32 = 5;
const MANY: u32 = 25;
const RECORDS_PER_BATCH: u64 = 1_000;
