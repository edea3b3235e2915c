//! `cargo xtask bench`: criterion benches of the `benches` package, counted instructions, and a profile.

use crate::baseline;
use crate::failure::Failure;
use crate::instructions;
use crate::process;
use crate::profile;

/// `reader` measures what a reader holds and costs at its edges, `instructions` counts instructions, `profile` says where
/// they go, `baseline` compares ratios with the saved ones; anything else is passed on to `cargo bench` over the `benches`
/// package.
pub(crate) fn run(rest: &[String]) -> Result<(), Failure> {
    match rest.first().map(String::as_str) {
        Some("instructions") => return instructions::run(),
        Some("profile") => return profile::run(),
        Some("reader") => return reader(),
        Some("baseline") => return baseline::run(rest.iter().any(|option| option == "--save")),
        _ => {}
    }
    let mut command = process::cargo(["bench", "-p", "ekafka-benches"]);
    command.args(rest);
    process::run(&mut command)
}

/// Memory of a sleeping reader, and the CPU that idle partitions cost.
fn reader() -> Result<(), Failure> {
    for what in ["memory", "partitions"] {
        let words = [
            "run",
            "--release",
            "-q",
            "-p",
            "ekafka-benches",
            "--example",
        ];
        let mut command = process::cargo(words);
        command.args(["reader_bounds", "--", what]);
        process::run(&mut command)?;
    }
    Ok(())
}
