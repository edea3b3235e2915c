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

/// Runs the benches, shows each ratio beside the saved one, and fails when one has grown. To save, it runs them twice, and
/// saves the middle of the two.
pub(crate) fn run(save: bool) -> Result<(), Failure> {
    let first = measure()?;
    if save {
        let second = measure()?;
        return save_middle(&first, &second);
    }
    let saved = saved()?;
    let mut grown = Vec::new();
    println!("{:70} {:>8} {:>8}", "ours ÷ reference", "now", "saved");
    for (name, ratio) in &first {
        let before = saved[name].as_f64();
        let shown = before.map_or_else(String::new, |before| format!("{before:.3}"));
        println!("{name:70} {ratio:8.3} {shown:>8}");
        if before.is_none_or(|before| *ratio > before * TOLERATED) {
            grown.push(name.as_str());
        }
    }
    if grown.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "not saved, or more than {TOLERATED} times what is: {}",
        grown.join("; ")
    )))
}

/// Each pair's name and ratio in a run of the benches.
fn measure() -> Result<Vec<(String, f64)>, Failure> {
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
    let ratio = |(ours, reference)| {
        let name = format!("{ours} ÷ {reference}");
        Ok((name, fastest(ours)? / fastest(reference)?))
    };
    PAIRS.into_iter().map(ratio).collect()
}

fn save_middle(first: &[(String, f64)], second: &[(String, f64)]) -> Result<(), Failure> {
    let mut middles = Map::new();
    println!("{:70} {:>8} {:>8}", "ours ÷ reference", "first", "second");
    for ((name, one), (_, other)) in first.iter().zip(second) {
        println!("{name:70} {one:8.3} {other:8.3}");
        let middle = f64::midpoint(*one, *other);
        middles.insert(name.clone(), json!((middle * 1e3).round() / 1e3));
    }
    fs::write(file(), format!("{:#}\n", Value::Object(middles)))?;
    Ok(())
}

/// Time of a round in the fastest sample of one bench of the last run, in nanoseconds: whatever else the machine does only
/// makes samples slower.
fn fastest(bench: &str) -> Result<f64, Failure> {
    let path = process::built("criterion")
        .join(bench)
        .join("new/sample.json");
    let told = fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("{bench} left no samples: {error}")))?;
    let told: Value = serde_json::from_str(&told)
        .map_err(|error| Failure::new(format!("the samples of {bench} are no JSON: {error}")))?;
    let numbers = |name: &str| {
        let list = told[name].as_array().into_iter().flatten();
        list.filter_map(Value::as_f64)
    };
    let rounds = numbers("times").zip(numbers("iters"));
    rounds
        .map(|(time, count)| time / count)
        .min_by(f64::total_cmp)
        .ok_or_else(|| Failure::new(format!("{bench} has no samples")))
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
