//! `cargo xtask interop`: clients that nobody here wrote, against the embedded broker or any other, and records that
//! travel between them and the `ekafka` command.
//!
//! A client that is not installed is skipped; with none at all the job fails, because it showed nothing.

mod client;
mod confluent;
mod distribution;
pub(crate) mod embedded;
mod exchange;
mod kcat;
mod lines;
mod report;
mod secured;
mod sharing;

use std::path::PathBuf;
use std::process::Command;

use crate::failure::Failure;
use crate::kafka::Tools;
use crate::process;

pub(crate) use self::embedded::Broker;
use self::report::Report;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Brokers of a running cluster, host:port separated by commas, instead of the embedded broker
    #[arg(long)]
    brokers: Option<String>,
    /// A Python that can import confluent_kafka, such as one in a virtual environment
    #[arg(long, env = "EKAFKA_PYTHON", default_value = "python3")]
    python: PathBuf,
    /// Only the steps in which several clients share one group
    #[arg(long)]
    sharing: bool,
    /// Start our programs as they were built last
    #[arg(long)]
    built: bool,
}

/// One side of every step: the brokers, and how this run tells its topics and groups from those of others.
struct Site {
    brokers: String,
    ekafka: PathBuf,
    mark: String,
}

impl Site {
    /// A topic or a group of this run.
    fn name(&self, purpose: &str) -> String {
        format!("interop-{}-{purpose}", self.mark)
    }

    /// Our own command, with these brokers and no settings of whoever runs the job.
    fn ekafka(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.ekafka);
        for name in ["EKAFKA_SASL_PASSWORD", "EKAFKA_LOG"] {
            command.env_remove(name);
        }
        command.env("EKAFKA_BROKERS", &self.brokers).args(arguments);
        command
    }

    /// Creates a topic with our own command.
    fn topic(&self, purpose: &str, partitions: &str) -> Result<String, Failure> {
        let topic = self.name(purpose);
        let create = ["topics", "create", &topic, "--partitions", partitions];
        client::run(&mut self.ekafka(&create), "")?;
        Ok(topic)
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.built {
        process::run(&mut process::cargo([
            "build",
            "--release",
            "-p",
            "ekafka-cli",
            "-p",
            "ekafka-tests",
            "--bins",
        ]))?;
    }
    let ekafka = process::built("release/ekafka");
    let embedded = match arguments.brokers {
        Some(_) => None,
        None => Some(Broker::start(&ekafka)?),
    };
    let brokers = match (&embedded, &arguments.brokers) {
        (Some(broker), _) => broker.addresses().to_owned(),
        (None, brokers) => brokers.clone().unwrap_or_default(),
    };
    let site = Site {
        brokers,
        ekafka,
        mark: std::process::id().to_string(),
    };
    println!("brokers {}", site.brokers);
    let mut report = Report::default();
    if arguments.sharing {
        only_sharing(&site, arguments, &mut report);
    } else {
        steps(&site, arguments, &mut report);
    }
    if embedded.is_none() {
        report.step("what this run created is deleted", || clean(&site));
    }
    report.conclude()
}

fn steps(site: &Site, arguments: &Arguments, report: &mut Report) {
    let tools = match Tools::find() {
        Ok(tools) => {
            distribution::steps(site, &tools, report);
            Some(tools)
        }
        Err(failure) => {
            report.skip("Kafka's own tools", &failure.to_string());
            None
        }
    };
    let has_kcat = process::succeeds(Command::new("kcat").arg("-V"));
    if has_kcat {
        kcat::steps(site, report);
    } else {
        report.skip("kcat", "not on the PATH");
    }
    let has_confluent = confluent::steps(site, &arguments.python, report);
    if tools.is_some() || has_kcat {
        exchange::steps(site, tools.as_ref(), has_kcat, report);
    }
    let python = has_confluent.then_some(arguments.python.as_path());
    sharing::steps(site, tools.as_ref(), python, report);
    match arguments.brokers {
        None => {
            let python = has_confluent.then_some(arguments.python.as_path());
            secured::steps(site, tools.as_ref(), has_kcat, python, report);
        }
        Some(_) => report.skip("SASL and TLS", "--brokers names no such listeners"),
    }
}

fn only_sharing(site: &Site, arguments: &Arguments, report: &mut Report) {
    let tools = Tools::find().ok();
    let python = arguments.python.as_path();
    let has_confluent =
        process::succeeds(Command::new(python).args(["-c", "import confluent_kafka"]));
    sharing::steps(
        site,
        tools.as_ref(),
        has_confluent.then_some(python),
        report,
    );
}

/// Deletes the topics of this run.
fn clean(site: &Site) -> Result<String, Failure> {
    let prefix = site.name("");
    let listed = client::run(&mut site.ekafka(&["topics", "list"]), "")?.out;
    let topics: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|topic| topic.starts_with(&prefix))
        .collect();
    let mut arguments = vec!["topics", "delete"];
    arguments.extend(&topics);
    client::run(&mut site.ekafka(&arguments), "")?;
    Ok(format!("{} topics", topics.len()))
}
