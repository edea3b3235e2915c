//! `cargo xtask bench instructions`: instructions per record, counted by callgrind.
//!
//! Unlike times, the counts are the same on a busy machine, so they are a gate.

use crate::failure::Failure;
use crate::process;

/// Example, job and shape as the example names them, and what may be spent on a record.
type Gate = (&'static str, &'static [&'static str], Option<u64>);

const GATES: [Gate; 12] = [
    ("instructions", &["encode", "100B"], Some(260)),
    ("instructions", &["encode", "100B+key+2headers"], Some(520)),
    ("instructions", &["decode", "100B"], Some(245)),
    ("instructions", &["decode", "100B+key+2headers"], None),
    ("instructions", &["headers", "100B+key+2headers"], None),
    ("instructions", &["spans", "100B"], None),
    // Records of 100 bytes through a writer, from the call to the acknowledged batch, its request included.
    ("writing", &["write"], Some(330)),
    ("writing", &["send"], Some(600)),
    // The same with every handle kept and awaited.
    ("writing", &["await"], None),
    // The same through a reader, from the fetch to every value's end touched.
    ("reading", &["next_batch"], Some(260)),
    ("reading", &["fetch_message"], Some(490)),
    // Message by message as a member of a group that commits at an interval.
    ("reading", &["group"], Some(570)),
];

/// Prints a line for each job and fails when one is over its limit.
pub(crate) fn run() -> Result<(), Failure> {
    let mut over = Vec::new();
    println!("instructions per record, batches of about 1,000 records, checksum included");
    for (example, job, limit) in GATES {
        let (few, many) = (count(example, job, FEW)?, count(example, job, MANY)?);
        let records = u64::from(MANY - FEW) * RECORDS_PER_BATCH;
        let each = many.saturating_sub(few).div_ceil(records);
        let shown = limit.map_or(String::new(), |limit| format!("  limit {limit}"));
        let name = job.join(" ");
        println!("{name:27} {each:5}{shown}");
        if limit.is_some_and(|limit| each > limit) {
            over.push(name);
        }
    }
    let (without, with) = (each_of("none")?, each_of("metrics")?);
    let tenths = with.saturating_sub(without) * 1_000 / without.max(1);
    println!(
        "component, no interceptor   {without:5}\ncomponent, metrics          {with:5}  \
         +{}.{} %, limit {METRICS_LIMIT} %",
        tenths / 10,
        tenths % 10
    );
    if tenths > METRICS_LIMIT * 10 {
        over.push("component, metrics".to_owned());
    }
    if over.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("over the limit: {}", over.join(", "))))
    }
}

/// Instructions that a record costs a component's producer, in calls of a hundred records.
fn each_of(interceptor: &str) -> Result<u64, Failure> {
    let (few, many) = (
        count("interceptors", &[interceptor], FEW)?,
        count("interceptors", &[interceptor], MANY)?,
    );
    Ok(many.saturating_sub(few) / (u64::from(MANY - FEW) * RECORDS_PER_BATCH))
}

/// Instructions of a whole run over `batches` batches.
fn count(example: &str, job: &[&str], batches: u32) -> Result<u64, Failure> {
    let mut command = process::cargo(["run", "--release", "--quiet", "-p", "ekafka-benches"]);
    command
        .args(["--example", example, "--config", RUNNER, "--"])
        .args(job)
        .arg(batches.to_string());
    let said = process::capture(&mut command)?;
    said.split_once("Collected : ")
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| Failure::new(format!("callgrind reported no count: {said}")))
}

const RUNNER: &str = "target.'cfg(all())'.runner = \
    ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null', '--log-fd=1']";
/// What metrics may add to a record's instructions, in hundredths.
const METRICS_LIMIT: u64 = 10;
const FEW: u32 = 20;
const MANY: u32 = 120;
const RECORDS_PER_BATCH: u64 = 1_000;
