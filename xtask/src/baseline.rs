//! `cargo xtask bench baseline`: how our benches stand to the reference beside them, and whether that has changed.
//!
//! Times differ from machine to machine and from hour to hour; a time divided by that of a reference of the same run does so
//! much less, so only ratios are saved.

use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::process;

/// Ours and the reference, as criterion's folders name them.
const PAIRS: [(&str, &str); 10] = [
    ("encode_100B/ekafka", "encode_100B/kafka-protocol, built"),
    ("encode_1KB/ekafka", "encode_1KB/kafka-protocol, built"),
    ("decode_100B/ekafka, borrowed", "decode_100B/kafka-protocol"),
    (
        "decode_100B/ekafka, borrowed",
        "decode_100B/copying the bytes",
    ),
    ("decode_100B/ekafka, spans", "decode_100B/copying the bytes"),
    ("decode_1KB/ekafka, borrowed", "decode_1KB/kafka-protocol"),
    ("write_form/slice", "write_form/encoding alone"),
    ("write_form/handle", "write_form/encoding alone"),
    ("read_form/borrowed", "read_form/copying the bytes"),
    ("read_form/owned", "read_form/copying the bytes"),
];

/// A ratio that has grown by more than this is a slower client, not noise.
const TOLERATED: f64 = 1.25;

/// Runs the benches, shows each ratio beside the saved one, and saves them or fails when one has grown.
pub(crate) fn run(save: bool) -> Result<(), Failure> {
    let benches = [
        "bench",
        "-p",
        "ekafka-benches",
        "--bench",
        "records",
        "--bench",
        "writing",
        "--bench",
        "reading",
        "--",
    ];
    let mut command = process::cargo(benches);
    command.args(["--measurement-time", "3", "--warm-up-time", "1"]);
    process::run(command.arg("^(encode|decode)/1(00B|KB)/|^(write|read)/form/"))?;

    let saved = saved()?;
    let mut now = Map::new();
    let mut grown = Vec::new();
    println!("{:70} {:>7} {:>7}", "ours ÷ reference", "now", "saved");
    for (ours, reference) in PAIRS {
        let name = format!("{ours} ÷ {reference}");
        let ratio = (mean(ours)? / mean(reference)? * 1e3).round() / 1e3;
        let before = saved[&name].as_f64();
        let shown = before.map_or_else(String::new, |before| format!("{before:.3}"));
        println!("{name:70} {ratio:7.3} {shown:>7}");
        if before.is_some_and(|before| ratio > before * TOLERATED) {
            grown.push(name.clone());
        }
        now.insert(name, json!(ratio));
    }
    if save {
        fs::write(file(), format!("{:#}\n", Value::Object(now)))?;
        return Ok(());
    }
    if grown.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "slower than saved: {}",
        grown.join(", ")
    )))
}

/// Mean time of one bench of the last run, in nanoseconds.
fn mean(bench: &str) -> Result<f64, Failure> {
    let path = process::root()
        .join("target/criterion")
        .join(bench)
        .join("new/estimates.json");
    let told = fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("{bench} left no estimate: {error}")))?;
    let told: Value = serde_json::from_str(&told)
        .map_err(|error| Failure::new(format!("the estimate of {bench} is no JSON: {error}")))?;
    told["mean"]["point_estimate"]
        .as_f64()
        .ok_or_else(|| Failure::new(format!("the estimate of {bench} has no mean")))
}

fn saved() -> Result<Value, Failure> {
    if !file().exists() {
        return Ok(Value::Null);
    }
    let text = fs::read_to_string(file())?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::new(format!("benches/baseline.json is no JSON: {error}")))
}

fn file() -> PathBuf {
    process::root().join("benches/baseline.json")
}
