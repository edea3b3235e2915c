//! Runs the examples, each on a broker of its own, and compares what they print with what their heads promise; one that
//! waits for a signal gets it.
//!
//! A line `//! > text` of an example's head is a line that it prints; `…` in it stands for anything. The lines come in
//! that order, others may be between them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::process;

/// Builds and runs them; with `brokers`, those that run on brokers that are named.
pub(crate) fn run(brokers: Option<&str>) -> Result<(), Failure> {
    process::run(&mut process::cargo(["build", "-p", "ekafka", "--examples"]))?;
    for name in names()? {
        if brokers.is_some() && !head(&name)?.contains("[HOST:PORT") {
            continue;
        }
        println!("== {name}");
        let said = if SIGNALLED.contains(&name.as_str()) {
            until_told_to_end(&name, brokers)?
        } else {
            process::capture(&mut example(&name, brokers)?)?
        };
        print!("{said}");
        if let Some(missing) = missing(&promised(&name)?, &said) {
            return Err(Failure::new(format!(
                "the example {name} should print `{missing}`, after what comes before it"
            )));
        }
    }
    Ok(())
}

/// The examples that go on until they get SIGTERM.
const SIGNALLED: [&str; 3] = ["consumer_server", "metrics_endpoint", "shutdown"];

/// All of them, in the order of their names.
fn names() -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(process::root().join(FOLDER))? {
        let path = entry?.path();
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        let is_example = is_rust || path.join("main.rs").exists();
        let name = path.file_stem().filter(|_| is_example);
        names.extend(name.map(|name| name.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// The lines that an example's head promises.
fn promised(name: &str) -> Result<Vec<String>, Failure> {
    let head = head(name)?;
    let lines = head.lines().filter_map(|line| line.strip_prefix("//! > "));
    Ok(lines.map(str::to_owned).collect())
}

/// What an example says of itself.
fn head(name: &str) -> Result<String, Failure> {
    let folder = process::root().join(FOLDER);
    let file = folder.join(format!("{name}.rs"));
    let text = fs::read_to_string(file)
        .or_else(|_| fs::read_to_string(folder.join(name).join("main.rs")))?;
    let head = text.lines().take_while(|line| line.starts_with("//!"));
    Ok(head.collect::<Vec<_>>().join("\n"))
}

/// The first promised line that was not said behind those before it.
fn missing<'a>(promised: &'a [String], said: &str) -> Option<&'a String> {
    let mut said = said.lines();
    promised
        .iter()
        .find(|pattern| !said.any(|line| fits(pattern, line)))
}

/// Whether a line is as a pattern says, in which `…` stands for anything.
pub(crate) fn fits(pattern: &str, line: &str) -> bool {
    let Some((before, after)) = pattern.split_once('…') else {
        return pattern == line;
    };
    let Some(rest) = line.strip_prefix(before) else {
        return false;
    };
    let mut tails = (0..=rest.len()).filter_map(|at| rest.get(at..));
    tails.any(|tail| fits(after, tail))
}

/// Waits for its first line, sends SIGTERM, and expects it to end well.
fn until_told_to_end(name: &str, brokers: Option<&str>) -> Result<String, Failure> {
    let mut process = example(name, brokers)?.stdout(Stdio::piped()).spawn()?;
    let nothing = || Failure::new(format!("the example {name} said nothing"));
    let mut lines = BufReader::new(process.stdout.take().ok_or_else(nothing)?).lines();
    let mut said = lines.next().ok_or_else(nothing)?? + "\n";
    process::run(Command::new("kill").arg(process.id().to_string()))?;
    for line in lines {
        said += &line?;
        said.push('\n');
    }
    let status = process.wait()?;
    if status.success() {
        return Ok(said);
    }
    Err(Failure::new(format!(
        "the example {name} ended with {status}: {said}"
    )))
}

fn example(name: &str, brokers: Option<&str>) -> Result<Command, Failure> {
    let takes_list = head(name)?.contains("[HOST:PORT,");
    let first = |list| str::split(list, ',').next();
    let named = brokers.and_then(|list| if takes_list { Some(list) } else { first(list) });
    let mut command = Command::new(process::built("debug/examples").join(name));
    command.args(named).current_dir(process::root());
    Ok(command)
}

/// Where they are.
const FOLDER: &str = "crates/ekafka/examples";

#[cfg(test)]
mod tests;
