//! `cargo xtask samples`: the guide's samples as a new user has them, each a package of its own that depends on `ekafka`,
//! built and run on an embedded broker, and what they print compared with the guide's table.
//!
//! A comment `<!-- sample NAME PATH -->` in `docs/components.md` says which file of which sample the block below it is.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use toml::{Table, Value};

use crate::failure::Failure;
use crate::interop::embedded::Broker;
use crate::process;

/// Makes, builds and runs them all.
pub(crate) fn run() -> Result<(), Failure> {
    let guide = fs::read_to_string(process::root().join(GUIDE))?;
    let samples = samples(&guide)?;
    let folder = process::built("samples");
    write(&folder, &samples)?;
    process::run(&mut process::cargo(["build", "-p", "ekafka-cli"]))?;
    let mut build = process::cargo(["build", "--manifest-path"]);
    build.arg(folder.join("Cargo.toml"));
    process::run(build.env("CARGO_TARGET_DIR", process::built("")))?;

    let ekafka = process::built("debug/ekafka");
    for sample in &samples {
        println!("== {}", sample.name);
        // One of its own, so that no sample waits for the member of another.
        let broker = Broker::start(&ekafka)?;
        let topic = sample.topic();
        let mut create = Command::new(&ekafka);
        create.args(["topics", "create", &topic, "--brokers", broker.addresses()]);
        process::capture(&mut create)?;
        let feed = || produce(&ekafka, &broker, &topic);
        let said = Running::start(sample, &folder, &broker)?.until_all_is_said(feed)?;
        print!("{said}");
    }
    Ok(())
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
    /// The topic of its configuration.
    fn topic(&self) -> String {
        let text = self
            .files
            .values()
            .find_map(|text| text.split_once("topic"));
        let quoted = text.and_then(|(_, behind)| behind.split('"').nth(1));
        quoted.unwrap_or_default().to_owned()
    }
}

/// The samples of a guide, in its order.
fn samples(guide: &str) -> Result<Vec<Sample>, Failure> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut rest = guide;
    while let Some((_, behind)) = rest.split_once("<!-- sample ") {
        let broken = || Failure::new(format!("{GUIDE}: a sample is not a comment and a block"));
        let (head, behind) = behind.split_once(" -->\n```").ok_or_else(broken)?;
        let (_, behind) = behind.split_once('\n').ok_or_else(broken)?;
        let (text, behind) = behind.split_once("\n```").ok_or_else(broken)?;
        let (name, path) = head.split_once(' ').ok_or_else(broken)?;
        if samples.last().is_none_or(|sample| sample.name != name) {
            samples.push(Sample {
                name: name.to_owned(),
                files: BTreeMap::new(),
                prints: prints(guide, name)?,
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
fn prints(guide: &str, name: &str) -> Result<Vec<String>, Failure> {
    let row = guide
        .lines()
        .find(|line| line.starts_with(&format!("| [{name}](")));
    let row = row.ok_or_else(|| Failure::new(format!("{GUIDE}: no row for the sample {name}")))?;
    let last = row.trim_end_matches(" |").rsplit(" | ").next();
    let parts = last.unwrap_or_default().split('`').skip(1).step_by(2);
    Ok(parts.map(str::to_owned).collect())
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
    fs::write(folder.join("Cargo.toml"), manifest.to_string())?;
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
             tokio = {{ version = \"1\", features = [\"macros\", \"rt-multi-thread\", \"sync\", \"time\"] }}\n"
        );
        let package = folder.join(&sample.name);
        fs::create_dir_all(package.join("src"))?;
        fs::write(package.join("Cargo.toml"), manifest)?;
        for (path, text) in &sample.files {
            fs::write(package.join(path), text)?;
        }
    }
    Ok(())
}

/// Writes what the samples wait for.
fn produce(ekafka: &Path, broker: &Broker, topic: &str) -> Result<(), Failure> {
    let mut command = Command::new(ekafka);
    command.args(["produce", "--topic", topic, "--brokers", broker.addresses()]);
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = process.stdin.take() {
        input.write_all(b"Hello World!\n")?;
    }
    process.wait()?;
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
                    if line.starts_with(next.as_str()) {
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

const GUIDE: &str = "docs/components.md";

/// How often a sample is fed before it should have said everything.
const PATIENCE: u32 = 60;

#[cfg(test)]
mod tests;
