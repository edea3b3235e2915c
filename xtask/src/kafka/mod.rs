//! `cargo xtask kafka`: a real Apache Kafka on loopback, and the conformance tests on it.
//!
//! Brokers run in containers when a Docker engine answers, else as Java processes from the artifacts on Maven
//! Central. Both read the same configuration files.

mod cluster;
mod containers;
mod java;
mod keys;
mod probe;
mod processes;
mod properties;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::process;

pub(crate) use self::containers::engine_answers;

use self::cluster::{Cluster, Runner, Version};

/// How long a cluster may take until every node answers: three nodes on two busy cores need half a minute.
const START_LIMIT: Duration = Duration::from_secs(180);

/// How often in a row a node must be missing before it counts as dead.
const DEATH_LOOKS: u32 = 4;

/// The release that is meant when none is named.
const CURRENT: &str = "4.1.0";

#[derive(Args)]
pub(crate) struct Arguments {
    /// First of the ports on 127.0.0.1; a cluster takes 30 from here on
    #[arg(long, global = true, default_value_t = 29092)]
    port: u16,
    #[command(subcommand)]
    action: Action,
}

#[derive(Args)]
struct Shape {
    /// How many brokers
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=3))]
    nodes: u16,
    /// Which release of Apache Kafka; before 3.3 it runs with ZooKeeper
    #[arg(long, default_value = CURRENT)]
    version: Version,
    /// Java processes even when a Docker engine answers
    #[arg(long)]
    java: bool,
}

#[derive(Subcommand)]
enum Action {
    /// Start a fresh cluster, wait until every node answers, print its brokers
    Up(Shape),
    /// Stop the cluster and delete its data, also what a crash left behind
    Down,
    /// Start a cluster unless one runs, run the conformance tests on it, stop it again
    Test {
        #[command(flatten)]
        shape: Shape,
        /// Leave the cluster running
        #[arg(long)]
        keep: bool,
        /// Passed on to the test binary, such as a filter
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Stop one node in order (if it runs), start it again, wait until it answers
    Restart {
        /// 1, 2 or 3
        node: u16,
    },
    /// End one node at once, as a power cut would
    Kill {
        /// 1, 2 or 3
        node: u16,
    },
    /// Run a class of the Kafka distribution, such as org.apache.kafka.tools.TopicCommand
    Tool {
        /// The class, then its arguments; `{}` in an argument stands for the brokers
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let port = arguments.port;
    match &arguments.action {
        Action::Up(shape) => up(port, shape).map(|cluster| println!("{}", cluster.brokers())),
        Action::Down => down(port),
        Action::Test { shape, keep, rest } => test(port, shape, *keep, rest),
        Action::Restart { node } => restart(&Cluster::load(port)?, *node),
        Action::Kill { node } => kill(&Cluster::load(port)?, *node),
        Action::Tool { command } => tool(&Cluster::load(port)?, command),
    }
}

/// The command-line tools of the distribution, to be run on any cluster.
pub(crate) struct Tools(Vec<OsString>);

impl Tools {
    /// Needs Java, and Maven once, to fetch them.
    pub(crate) fn find() -> Result<Self, Failure> {
        let version: Version = CURRENT.parse().map_err(|why: String| Failure::new(why))?;
        java::tools(&version).map(Self)
    }

    /// A command that runs this class.
    pub(crate) fn class(&self, name: &str) -> Command {
        let mut command = Command::new("java");
        command.args(&self.0).arg(name);
        command
    }
}

/// A cluster of three nodes of the current release, for jobs that break it.
pub(crate) struct Trio {
    cluster: Cluster,
    /// Whether it ran before, and is left running.
    keep: bool,
}

impl Trio {
    /// The cluster that runs on `port`, or a fresh one, which is stopped when this value is dropped.
    pub(crate) fn start(port: u16) -> Result<Self, Failure> {
        let version: Version = CURRENT.parse().map_err(|why: String| Failure::new(why))?;
        let shape = Shape {
            nodes: 3,
            version,
            java: false,
        };
        let running = Cluster::load(port).ok().filter(probe::is_ready);
        let running = running.filter(|cluster| cluster.has_shape(&shape));
        let keep = running.is_some();
        let cluster = match running {
            Some(cluster) => cluster,
            None => up(port, &shape)?,
        };
        Ok(Self { cluster, keep })
    }

    /// The bootstrap list.
    pub(crate) fn brokers(&self) -> String {
        self.cluster.brokers()
    }

    /// Ends one node at once.
    pub(crate) fn kill(&self, node: u16) -> Result<(), Failure> {
        kill(&self.cluster, node)
    }

    /// Starts a node that was ended, and waits until it answers.
    pub(crate) fn restart(&self, node: u16) -> Result<(), Failure> {
        restart(&self.cluster, node)
    }
}

impl Drop for Trio {
    fn drop(&mut self) {
        if !self.keep
            && let Err(failure) = down(self.cluster.first_port())
        {
            eprintln!("the cluster was not stopped: {failure}");
        }
    }
}

/// A node that was stopped where it is; it goes on when this value is dropped.
pub(crate) struct Silent(String);

/// Stops a node of the cluster that has these brokers.
pub(crate) fn stop_for_now(brokers: &str, node: u16) -> Result<Silent, Failure> {
    let first = brokers.split(',').next().unwrap_or_default();
    let port = first.rsplit(':').next().and_then(|port| port.parse().ok());
    let port = port.ok_or_else(|| Failure::new(format!("{first} names no port")))?;
    let cluster = Cluster::load(port)?;
    cluster.check_node(node)?;
    if cluster.runner() == Runner::Docker {
        return Err(Failure::new("its nodes run in containers"));
    }
    let mark = cluster.mark(node);
    processes::hold(&mark, true)?;
    Ok(Silent(mark))
}

impl Drop for Silent {
    fn drop(&mut self) {
        if let Err(failure) = processes::hold(&self.0, false) {
            eprintln!("a node does not go on: {failure}");
        }
    }
}

fn up(port: u16, shape: &Shape) -> Result<Cluster, Failure> {
    down(port)?;
    let runner = if !shape.java && !shape.version.needs_zookeeper() && engine_answers() {
        Runner::Docker
    } else {
        Runner::Java
    };
    let cluster = Cluster::create(port, shape.nodes, shape.version.clone(), runner)?;
    eprintln!(
        "starting Apache Kafka {} with {} node(s)",
        cluster.version(),
        cluster.nodes()
    );
    let started = match runner {
        Runner::Docker => containers::start(&cluster),
        Runner::Java => java::start(&cluster),
    };
    // A cluster that came up halfway serves nobody; its logs stay until the next start.
    match started.and_then(|()| wait_until_ready(&cluster)) {
        Ok(()) => Ok(cluster),
        Err(failure) => {
            stop(&cluster)?;
            Err(failure)
        }
    }
}

/// Stops what runs on `port` and deletes its files; no cluster there is no failure.
fn down(port: u16) -> Result<(), Failure> {
    match Cluster::load(port) {
        Ok(cluster) => stop(&cluster)?,
        // The description may be missing or damaged after a crash; the processes are found without it.
        Err(_) => processes::end_all(&Cluster::folder_of(port)?)?,
    }
    cluster::remove(port)
}

fn stop(cluster: &Cluster) -> Result<(), Failure> {
    match cluster.runner() {
        Runner::Docker => containers::stop(cluster),
        Runner::Java => processes::end_all(cluster.folder()),
    }
}

fn test(port: u16, shape: &Shape, keep: bool, rest: &[String]) -> Result<(), Failure> {
    // Compiling first keeps the brokers from waiting, and from competing with the compiler for cores.
    process::run(&mut process::cargo([
        "test",
        "-p",
        "ekafka-tests",
        "--test",
        "it",
        "--no-run",
    ]))?;
    let running = Cluster::load(port).ok().filter(probe::is_ready);
    if let Some(other) = running.as_ref().filter(|cluster| !cluster.has_shape(shape)) {
        return Err(Failure::new(format!(
            "Apache Kafka {} with {} node(s) runs on port {port}; stop it by `cargo xtask kafka down`, or use another --port",
            other.version(),
            other.nodes()
        )));
    }
    let was_running = running.is_some();
    let cluster = match running {
        Some(cluster) => cluster,
        None => up(port, shape)?,
    };
    let mut command = process::cargo(["test", "-p", "ekafka-tests", "--test", "it", "--"]);
    command.envs(cluster.environment());
    if !cluster.version().is_current() {
        command.arg("compat::");
    }
    let outcome = process::run(command.args(rest));
    if !keep && !was_running {
        down(port)?;
    }
    outcome
}

fn restart(cluster: &Cluster, node: u16) -> Result<(), Failure> {
    cluster.check_node(node)?;
    match cluster.runner() {
        Runner::Docker => containers::restart(cluster, node)?,
        Runner::Java => {
            processes::terminate(&cluster.mark(node))?;
            if cluster.version().needs_zookeeper() {
                // A killed broker's registration stands until its session ends; starting earlier is refused.
                sleep(properties::ZOOKEEPER_SESSION + Duration::from_secs(1));
            }
            java::start_node(cluster, node)?;
        }
    }
    wait_until_ready(cluster)
}

fn kill(cluster: &Cluster, node: u16) -> Result<(), Failure> {
    cluster.check_node(node)?;
    match cluster.runner() {
        Runner::Docker => containers::kill(cluster, node),
        Runner::Java => processes::kill(&cluster.mark(node)),
    }
}

fn tool(cluster: &Cluster, command: &[String]) -> Result<(), Failure> {
    let command: Vec<String> = command
        .iter()
        .map(|word| word.replace("{}", &cluster.brokers()))
        .collect();
    match cluster.runner() {
        Runner::Docker => containers::tool(cluster, &command),
        Runner::Java => java::tool(cluster, &command),
    }
}

/// Waits until every node answers, or one has died, or the limit passed.
fn wait_until_ready(cluster: &Cluster) -> Result<(), Failure> {
    let give_up = Instant::now() + START_LIMIT;
    let mut missing = 0;
    while !probe::is_ready(cluster) {
        let died = cluster.runner() == Runner::Java && java::a_node_died(cluster)?;
        // A process that is just being started has no arguments to be found by, so one look is not enough.
        missing = if died { missing + 1 } else { 0 };
        if missing == DEATH_LOOKS || Instant::now() > give_up {
            return Err(Failure::new(format!(
                "the cluster did not start; its logs are in {}\n{}",
                cluster.folder().display(),
                cluster.last_words()
            )));
        }
        sleep(Duration::from_millis(200));
    }
    Ok(())
}
