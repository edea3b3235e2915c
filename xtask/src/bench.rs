//! `cargo xtask bench`: criterion benches of the `benches` package, and counted instructions.

use crate::failure::Failure;
use crate::instructions;
use crate::process;

/// `instructions` counts instructions; anything else is passed on to `cargo bench` over the
/// `benches` package.
pub(crate) fn run(rest: &[String]) -> Result<(), Failure> {
    if rest.first().is_some_and(|name| name == "instructions") {
        return instructions::run();
    }
    let mut command = process::cargo(["bench", "-p", "ekafka-benches"]);
    command.args(rest);
    process::run(&mut command)
}
