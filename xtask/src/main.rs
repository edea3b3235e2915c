//! `cargo xtask NAME`: every check and job of the workspace, by name.
//!
//! Continuous integration runs these jobs and nothing else, so what passes here passes there.
#![expect(
    clippy::print_stdout,
    reason = "jobs report to the person who started them"
)]

mod api;
mod baseline;
mod bench;
mod chaos;
mod checks;
mod containers;
mod e2e;
mod examples;
mod failure;
mod instructions;
mod interop;
mod kafka;
mod peers;
mod process;
mod profile;
mod samples;
mod schema;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Every check and job of the workspace, by name"
)]
struct Arguments {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Format the code, or with --check tell whether it is formatted
    Fmt {
        /// Change nothing; fail when something is not formatted
        #[arg(long)]
        check: bool,
    },
    /// Clippy over all targets, warnings denied
    Lint,
    /// All tests that need no outside service
    Test {
        /// Passed on to `cargo test`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// The documentation, warnings denied
    Doc,
    /// The guide in docs/ as web pages in target/book (brings mdBook when it is missing)
    Book,
    /// The list of all public items, docs/api.md, or with --check whether it is as the code is
    Api {
        /// Change nothing; fail when the list is stale
        #[arg(long)]
        check: bool,
    },
    /// Licences, advisories and banned crates (needs cargo-deny)
    Deny,
    /// Run the examples, each on an embedded broker of its own
    Examples {
        /// `HOST:PORT,…`: those that can, on these brokers, which must not have their topics yet
        #[arg(long)]
        brokers: Option<String>,
    },
    /// The guide's samples as packages of their own, each built and run on an embedded broker
    Samples(samples::Arguments),
    /// Every feature of every library crate on its own
    Features,
    /// Benchmarks; `bench instructions` counts instructions per record
    Bench {
        /// Which bench, and its options
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// A fuzz target for a while (needs cargo-fuzz and a nightly toolchain)
    Fuzz {
        /// The target's name; without it the targets are listed
        target: Option<String>,
        /// How long to run it, in seconds
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Write the seeds of all targets anew
        #[arg(long, conflicts_with = "target")]
        seeds: bool,
    },
    /// Generate the message tables from Kafka's schemas, or with --check compare them
    Schema {
        /// Options of the generator
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// A real Apache Kafka on this machine, and the conformance tests on it
    Kafka(kafka::Arguments),
    /// The documents' end-to-end tests, by test/e2e/config/e2e.toml, on the brokers it names or on three of their own
    E2e(e2e::Arguments),
    /// Brokers killed under load on a real Apache Kafka, and every outcome audited
    Chaos(chaos::Arguments),
    /// Start each environment of docker/ and wait until it answers, where a Docker engine runs
    Containers,
    /// Clients from elsewhere against the embedded broker: Kafka's own tools, kcat, confluent-kafka
    Interop(interop::Arguments),
    /// Other clients, a floor and ekafka side by side on the same brokers
    Peers(peers::Arguments),
    /// What continuous integration runs before the real-Kafka suite
    Ci,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().job) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(job: &Job) -> Result<(), Failure> {
    match job {
        Job::Fmt { check } => checks::format(*check),
        Job::Lint => checks::lint(),
        Job::Test { rest } => checks::test(rest),
        Job::Doc => checks::doc(),
        Job::Book => checks::book(),
        Job::Api { check } => api::run(*check),
        Job::Deny => checks::deny(),
        Job::Examples { brokers } => examples::run(brokers.as_deref()),
        Job::Samples(arguments) => samples::run(arguments),
        Job::Features => checks::features(),
        Job::Bench { rest } => bench::run(rest),
        Job::Fuzz { seeds: true, .. } => checks::fuzz_seeds(),
        Job::Fuzz {
            target, seconds, ..
        } => checks::fuzz(target.as_deref(), *seconds),
        Job::Schema { rest } => schema::run(rest),
        Job::Kafka(arguments) => kafka::run(arguments),
        Job::E2e(arguments) => e2e::run(arguments),
        Job::Chaos(arguments) => chaos::run(arguments),
        Job::Containers => containers::check(),
        Job::Interop(arguments) => interop::run(arguments),
        Job::Peers(arguments) => peers::run(arguments),
        Job::Ci => checks::ci(),
    }
}
