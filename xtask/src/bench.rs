//! `cargo xtask bench`: criterion benches of the `benches` package.

use crate::failure::Failure;
use crate::process;

/// Runs `cargo bench` over the `benches` package; `rest` is passed on.
pub(crate) fn run(rest: &[String]) -> Result<(), Failure> {
    let mut command = process::cargo(["bench", "-p", "ekafka-benches"]);
    command.args(rest);
    process::run(&mut command)
}
