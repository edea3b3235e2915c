//! `cargo xtask samples`: the guide's samples as a new user has them, each a package of its own that depends on `ekafka`,
//! built and run on an embedded broker, and what they print compared with the guide's tables.
//!
//! A comment `<!-- sample NAME PATH -->` in a chapter says which file of which sample the block below it is. `Cargo.toml` is
//! further dependencies, `broker` how its broker is started, `before` what is typed before the sample is, and `meanwhile` what
//! is typed while it runs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use toml::{Table, Value};

use crate::examples;
use crate::failure::Failure;
use crate::interop::embedded::Broker;
use crate::process;

/// What `cargo xtask samples` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only these
    names: Vec<String>,
    /// Where the broker listens, and on the two ports behind; the samples say 9092, and are changed for any other
    #[arg(long, default_value_t = DOCUMENTED_PORT)]
    port: u16,
}

/// All of them, where they say that the broker is.
pub(crate) fn run_all() -> Result<(), Failure> {
    run(&Arguments {
        names: Vec::new(),
        port: DOCUMENTED_PORT,
    })
}

/// Makes, builds and runs them.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut samples = Vec::new();
    for chapter in CHAPTERS {
        let guide = fs::read_to_string(process::root().join(chapter))?;
        samples.extend(samples_of(&guide, chapter)?);
    }
    for text in samples
        .iter_mut()
        .flat_map(|sample| sample.files.values_mut())
    {
        *text = with_port(text, arguments.port);
    }
    let folder = process::built("samples");
    write(&folder, &samples)?;
    process::run(&mut process::cargo(["build", "-p", "ekafka-cli"]))?;
    let mut build = process::cargo(["build", "--manifest-path"]);
    build.arg(folder.join("Cargo.toml"));
    process::run(build.env("CARGO_TARGET_DIR", process::built("")))?;

    let ekafka = process::built("debug/ekafka");
    let names = &arguments.names;
    samples.retain(|sample| names.is_empty() || names.contains(&sample.name));
    let mut failures = Vec::new();
    for sample in &samples {
        println!("== {}", sample.name);
        match sample.run(&folder, &ekafka, arguments.port) {
            Ok(said) => print!("{said}"),
            Err(failure) => failures.push(failure.to_string()),
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(Failure::new(failures.join("\n")))
}

/// A sample of the guide.
struct Sample {
    name: String,
    /// Text by path.
    files: BTreeMap<String, String>,
    /// What lines of its output begin with, in this order.
    prints: Vec<String>,
}

impl Sample {
    /// What it said, on a broker of its own, so that no sample waits for the member of another.
    fn run(&self, folder: &Path, ekafka: &Path, port: u16) -> Result<String, Failure> {
        let broker = self
            .files
            .get("broker")
            .map_or("ekafka broker", |text| text.trim_end());
        // So that ending the shell ends the broker.
        let broker = broker.replace("ekafka broker", "exec ekafka broker");
        let broker = format!("{broker} --listen 127.0.0.1:{port} --nodes 3");
        let broker = Broker::run(shell(&broker, ekafka)?.env_remove("EKAFKA_BROKERS"))?;
        self.type_in("before", ekafka, &broker)?;
        let feed = || self.type_in("meanwhile", ekafka, &broker);
        Running::start(self, folder, &broker)?.until_all_is_said(feed)
    }

    /// Runs what its reader types, if anything.
    fn type_in(&self, block: &str, ekafka: &Path, broker: &Broker) -> Result<(), Failure> {
        let Some(script) = self.files.get(block) else {
            return Ok(());
        };
        let mut shell = shell(script, ekafka)?;
        process::capture(shell.env("EKAFKA_BROKERS", broker.addresses()))?;
        Ok(())
    }
}

/// A shell that finds the `ekafka` command.
fn shell(script: &str, ekafka: &Path) -> Result<Command, Failure> {
    let mut paths = vec![ekafka.parent().unwrap_or(ekafka).to_owned()];
    paths.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let paths = std::env::join_paths(paths).map_err(|error| Failure::new(error.to_string()))?;
    let mut shell = Command::new("sh");
    shell.args(["-euc", script]).env("PATH", paths);
    Ok(shell)
}

/// The samples of a chapter, in its order.
fn samples_of(guide: &str, chapter: &str) -> Result<Vec<Sample>, Failure> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut rest = guide;
    while let Some((_, behind)) = rest.split_once("<!-- sample ") {
        let broken = || Failure::new(format!("{chapter}: a sample is not a comment and a block"));
        let (head, behind) = behind.split_once(" -->\n```").ok_or_else(broken)?;
        let (_, behind) = behind.split_once('\n').ok_or_else(broken)?;
        let (text, behind) = behind.split_once("\n```").ok_or_else(broken)?;
        let (name, path) = head.split_once(' ').ok_or_else(broken)?;
        if samples.last().is_none_or(|sample| sample.name != name) {
            samples.push(Sample {
                name: name.to_owned(),
                files: BTreeMap::new(),
                prints: prints(guide, name)
                    .ok_or_else(|| Failure::new(format!("{chapter}: no row for {name}")))?,
            });
        }
        if let Some(sample) = samples.last_mut() {
            sample.files.insert(path.to_owned(), format!("{text}\n"));
        }
        rest = behind;
    }
    Ok(samples)
}

/// The last column of a sample's row, `` `one`, `two` ``.
fn prints(guide: &str, name: &str) -> Option<Vec<String>> {
    let row = guide
        .lines()
        .find(|line| line.starts_with(&format!("| [{name}](")))?;
    let last = row.trim_end_matches(" |").rsplit(" | ").next()?;
    let parts = last.split('`').skip(1).step_by(2);
    Some(parts.map(str::to_owned).collect())
}

/// A text with its brokers at other ports.
fn with_port(text: &str, port: u16) -> String {
    let mut text = text.to_owned();
    if port != DOCUMENTED_PORT {
        for (old, new) in (DOCUMENTED_PORT..).zip(port..).take(3) {
            for host in ["localhost", "127.0.0.1"] {
                text = text.replace(&format!("\"{host}:{old}\""), &format!("\"{host}:{new}\""));
            }
        }
    }
    text
}

/// The packages, in a workspace that builds as ours does.
fn write(folder: &Path, samples: &[Sample]) -> Result<(), Failure> {
    let root = process::root();
    let ours: Table = fs::read_to_string(root.join("Cargo.toml"))?
        .parse()
        .map_err(|error| Failure::new(format!("Cargo.toml: {error}")))?;
    let mut workspace = Table::new();
    let names = samples
        .iter()
        .map(|sample| Value::from(sample.name.as_str()));
    workspace.insert("members".into(), Value::Array(names.collect()));
    workspace.insert("resolver".into(), Value::from("3"));
    let mut manifest = Table::new();
    manifest.insert("workspace".into(), Value::Table(workspace));
    if let Some(profile) = ours.get("profile") {
        manifest.insert("profile".into(), profile.clone());
    }
    fs::create_dir_all(folder)?;
    put(&folder.join("Cargo.toml"), &manifest.to_string())?;
    // The same releases of everything.
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let ekafka = root.join("crates/ekafka");
    for sample in samples {
        let mut manifest = format!(
            "[package]\nname = \"{}\"\nedition = \"2024\"\n",
            sample.name
        );
        let _ = write!(
            manifest,
            "[dependencies]\nekafka = {{ path = {ekafka:?} }}\n\
             tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\", \"signal\", \"sync\", \"time\"] }}\n"
        );
        manifest.extend(sample.files.get("Cargo.toml").map(String::as_str));
        let package = folder.join(&sample.name);
        fs::create_dir_all(package.join("src"))?;
        put(&package.join("Cargo.toml"), &manifest)?;
        for (path, text) in &sample.files {
            if !NOT_FILES.contains(&path.as_str()) {
                put(&package.join(path), text)?;
            }
        }
    }
    Ok(())
}

/// Writes a file that is not so already: what is written anew is built anew.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    if fs::read_to_string(path).ok().as_deref() != Some(text) {
        fs::write(path, text)?;
    }
    Ok(())
}

/// A sample under way; ended with its owner.
struct Running {
    name: String,
    process: Child,
    lines: Receiver<String>,
    prints: Vec<String>,
}

impl Running {
    fn start(sample: &Sample, folder: &Path, broker: &Broker) -> Result<Self, Failure> {
        let program: PathBuf = process::built("debug").join(&sample.name);
        let mut process = Command::new(program)
            .current_dir(folder.join(&sample.name))
            .env("EKAFKA_KAFKA__BROKERS", broker.addresses())
            .stdout(Stdio::piped())
            .spawn()?;
        let (told, lines) = channel();
        if let Some(output) = process.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if told.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self {
            name: sample.name.clone(),
            process,
            lines,
            prints: sample.prints.clone(),
        })
    }

    /// Feeds it until it has said everything; then it must end well by itself, or when it is told to by SIGTERM.
    fn until_all_is_said(
        mut self,
        mut feed: impl FnMut() -> Result<(), Failure>,
    ) -> Result<String, Failure> {
        let mut said = String::new();
        let mut expected = self.prints.clone().into_iter().peekable();
        let mut patience = PATIENCE;
        while let Some(next) = expected.peek() {
            match self.lines.recv_timeout(Duration::from_millis(500)) {
                Ok(line) => {
                    if examples::fits(&format!("{next}…"), &line) {
                        expected.next();
                    }
                    let _ = writeln!(said, "{line}");
                }
                Err(RecvTimeoutError::Timeout) if patience > 0 => {
                    patience -= 1;
                    feed()?;
                }
                Err(_) => {
                    let name = &self.name;
                    return Err(Failure::new(format!(
                        "{name} should print {next:?}; it said:\n{said}"
                    )));
                }
            }
        }
        if !self.has_ended()? {
            process::run(Command::new("kill").arg(self.process.id().to_string()))?;
        }
        let status = self.process.wait()?;
        let was_told = status.code().is_none();
        if status.success() || was_told {
            return Ok(said);
        }
        Err(Failure::new(format!("{} ended with {status}", self.name)))
    }

    /// Whether it ends by itself within a moment.
    fn has_ended(&mut self) -> Result<bool, Failure> {
        for _ in 0..20 {
            if self.process.try_wait()?.is_some() {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(false)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Either fails when the process has ended, which is what is wanted.
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}

/// Where samples are.
const CHAPTERS: [&str; 3] = ["docs/components.md", "docs/samples.md", "docs/pubsub.md"];

/// Blocks that are not files of a package by themselves.
const NOT_FILES: [&str; 4] = ["Cargo.toml", "broker", "before", "meanwhile"];

const DOCUMENTED_PORT: u16 = 9092;

/// How often a sample is fed before it should have said everything.
const PATIENCE: u32 = 60;

#[cfg(test)]
mod tests;
