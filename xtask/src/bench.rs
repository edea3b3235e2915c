//! `cargo xtask bench`: criterion benches of the `benches` package, counted instructions, and a profile.

use crate::failure::Failure;
use crate::instructions;
use crate::process;
use crate::profile;

/// `instructions` counts instructions, `profile` says where they go; anything else is passed on to `cargo bench` over the
/// `benches` package.
pub(crate) fn run(rest: &[String]) -> Result<(), Failure> {
    match rest.first().map(String::as_str) {
        Some("instructions") => return instructions::run(),
        Some("profile") => return profile::run(),
        _ => {}
    }
    let mut command = process::cargo(["bench", "-p", "ekafka-benches"]);
    command.args(rest);
    process::run(&mut command)
}
