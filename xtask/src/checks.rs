//! The checks that need nothing but the toolchain: format, lints, tests, documentation, features.

use std::process::Command;

use crate::failure::Failure;
use crate::process;

/// The library crates with the features that each offers beside its default.
const FEATURES: [(&str, &[&str]); 3] = [
    ("ekafka-protocol", &["zstd"]),
    ("ekafka-conn", &["zstd", "native-roots"]),
    ("ekafka", &["zstd", "native-roots"]),
];

/// The release of mdBook that builds the guide.
const MDBOOK: &str = "0.5.4";

/// Formats everything, or only looks.
pub(crate) fn format(check: bool) -> Result<(), Failure> {
    let mut command = process::cargo(["fmt", "--all"]);
    if check {
        command.arg("--check");
    }
    process::run(&mut command)
}

/// Clippy with warnings denied.
pub(crate) fn lint() -> Result<(), Failure> {
    process::run(&mut process::cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

/// `cargo test --workspace`.
pub(crate) fn test(rest: &[String]) -> Result<(), Failure> {
    let mut command = process::cargo(["test", "--workspace"]);
    command.args(rest);
    process::run(&mut command)
}

/// The documentation with warnings denied.
pub(crate) fn doc() -> Result<(), Failure> {
    let mut command = process::cargo(["doc", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    process::run(&mut command)
}

/// Licences, advisories, bans.
pub(crate) fn deny() -> Result<(), Failure> {
    installed("deny", "cargo-deny")?;
    process::run(&mut process::cargo(["deny", "check"]))
}

/// Each feature on its own, and none.
pub(crate) fn features() -> Result<(), Failure> {
    for (package, features) in FEATURES {
        let bare = ["check", "-p", package, "--no-default-features"];
        process::run(&mut process::cargo(bare))?;
        for feature in features {
            let mut command = process::cargo(bare);
            process::run(command.args(["--features", feature]))?;
        }
    }
    Ok(())
}

/// Writes the seeds of all fuzz targets anew.
pub(crate) fn fuzz_seeds() -> Result<(), Failure> {
    let example = ["-p", "ekafka-protocol", "--example", "write_fuzz_seeds"];
    process::run(process::cargo(["run"]).args(example))
}

/// One fuzz target for `seconds`, from its seeds and what earlier runs found, or the list of targets.
pub(crate) fn fuzz(target: Option<&str>, seconds: u32) -> Result<(), Failure> {
    installed("fuzz", "cargo-fuzz")?;
    let Some(target) = target else {
        return process::run(&mut process::cargo(["fuzz", "list"]));
    };
    let found = format!("fuzz/corpus/{target}");
    let seeds = format!("fuzz/corpus/seed/{target}");
    std::fs::create_dir_all(process::root().join(&found))?;
    let limit = format!("-max_total_time={seconds}");
    process::run(
        Command::new("cargo")
            .current_dir(process::root())
            .args(["+nightly", "fuzz", "run", target, &found, &seeds, "--"])
            .arg(&limit),
    )
}

/// The guide in docs/ as web pages in target/book, by mdBook, which is put into target/tools when it is missing.
pub(crate) fn book() -> Result<(), Failure> {
    let tools = process::root().join("target").join("tools");
    let mdbook = tools.join("bin").join("mdbook");
    if !mdbook.exists() {
        let install = [
            "install",
            "mdbook",
            "--version",
            MDBOOK,
            "--locked",
            "--no-default-features",
            "--debug",
            "--root",
        ];
        process::run(process::cargo(install).arg(tools))?;
    }
    process::run(
        Command::new(mdbook)
            .arg("build")
            .arg(process::root().join("docs")),
    )
}

/// Everything that needs no outside service, in the order that fails soonest.
pub(crate) fn ci() -> Result<(), Failure> {
    format(true)?;
    lint()?;
    doc()?;
    test(&[])?;
    crate::examples::run(None)?;
    crate::samples::run_all()?;
    book()?;
    if process::succeeds(&mut process::cargo(["deny", "--version"])) {
        deny()?;
    } else {
        println!("cargo-deny is not installed: licences and bans not checked");
    }
    if process::succeeds(Command::new("valgrind").arg("--version")) {
        crate::instructions::run()?;
    } else {
        println!("valgrind is not installed: instructions per record not counted");
    }
    Ok(())
}

fn installed(subcommand: &str, package: &str) -> Result<(), Failure> {
    if process::succeeds(&mut process::cargo([subcommand, "--version"])) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{package} is not installed; `cargo install {package}` brings it"
    )))
}
