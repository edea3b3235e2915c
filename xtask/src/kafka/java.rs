//! Brokers as Java processes, from the artifacts that Apache publishes on Maven Central.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::cluster::{Cluster, Version, cache};
use super::properties::{self, CLUSTER_ID, SCRAM_USERS};
use super::{keys, processes};
use crate::failure::Failure;
use crate::process;

/// Formats and starts every node; does not wait until they answer.
pub(super) fn start(cluster: &Cluster) -> Result<(), Failure> {
    check_java()?;
    jars(cluster.version())?;
    keys::make(cluster)?;
    if cluster.version().needs_zookeeper() {
        start_zookeeper(cluster)?;
        add_users(cluster)?;
    }
    for node in cluster.ids() {
        fs::write(cluster.properties(node), properties::broker(cluster, node))?;
    }
    if !cluster.version().needs_zookeeper() {
        format(cluster)?;
    }
    for node in cluster.ids() {
        start_node(cluster, node)?;
    }
    Ok(())
}

/// Starts one node on the data it has.
pub(super) fn start_node(cluster: &Cluster, node: u16) -> Result<(), Failure> {
    let mut command = java(cluster.version())?;
    command.args(["-Xms512m", "-Xmx512m", "-XX:+UseG1GC"]);
    command.arg("kafka.Kafka").arg(cluster.properties(node));
    detach(&mut command, &cluster.log(&node.to_string())).map(drop)
}

/// Whether fewer processes run than the cluster has nodes.
pub(super) fn a_node_died(cluster: &Cluster) -> Result<bool, Failure> {
    for node in cluster.ids() {
        if processes::find(&cluster.mark(node))?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Runs a class of the distribution with this process's terminal.
pub(super) fn tool(cluster: &Cluster, command: &[String]) -> Result<(), Failure> {
    let status = java(cluster.version())?.args(command).status()?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("the tool ended with {status}")))
}

/// The arguments with which `java` runs a class of the distribution, fetched if need be. Short-lived tools start
/// quicker with the first compiler alone.
pub(super) fn tools(version: &Version) -> Result<Vec<OsString>, Failure> {
    check_java()?;
    jars(version)?;
    let mut arguments: Vec<OsString> = java(version)?.get_args().map(OsString::from).collect();
    arguments.extend(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"].map(OsString::from));
    Ok(arguments)
}

/// KRaft: writes the cluster's id and the SCRAM users into every node's log directory.
fn format(cluster: &Cluster) -> Result<(), Failure> {
    let mut running = Vec::new();
    for node in cluster.ids() {
        let mut command = java(cluster.version())?;
        command.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c"]);
        command.arg(cluster.properties(node));
        for user in &SCRAM_USERS {
            let (mechanism, name, password) = (user.mechanism, user.name, user.password);
            command.arg("--add-scram");
            command.arg(format!("{mechanism}=[name={name},password={password}]"));
        }
        running.push((
            node,
            detach(&mut command, &cluster.log(&format!("format-{node}")))?,
        ));
    }
    for (node, mut child) in running {
        if !child.wait()?.success() {
            let said = fs::read_to_string(cluster.log(&format!("format-{node}")))?;
            return Err(Failure::new(format!(
                "node {node}'s storage was not formatted: {said}"
            )));
        }
    }
    Ok(())
}

fn start_zookeeper(cluster: &Cluster) -> Result<(), Failure> {
    let file = cluster.folder().join("zookeeper.properties");
    fs::write(&file, properties::zookeeper(cluster))?;
    let mut command = java(cluster.version())?;
    command
        .args([
            "-Xmx256m",
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        ])
        .arg(file);
    detach(&mut command, &cluster.log("zookeeper"))?;
    let give_up = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(("127.0.0.1", cluster.zookeeper_port())).is_err() {
        if Instant::now() > give_up {
            let said = fs::read_to_string(cluster.log("zookeeper"))?;
            return Err(Failure::new(format!("ZooKeeper did not start: {said}")));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// ZooKeeper: SCRAM users are written there before the first broker starts.
fn add_users(cluster: &Cluster) -> Result<(), Failure> {
    let zookeeper = format!("127.0.0.1:{}", cluster.zookeeper_port());
    for user in &SCRAM_USERS {
        let mut command = java(cluster.version())?;
        command.args([
            "kafka.admin.ConfigCommand",
            "--zookeeper",
            &zookeeper,
            "--alter",
        ]);
        command.args([
            "--entity-type",
            "users",
            "--entity-name",
            user.name,
            "--add-config",
        ]);
        command.arg(format!("{}=[password={}]", user.mechanism, user.password));
        process::capture(&mut command)?;
    }
    Ok(())
}

/// `java` with the release's jars on its class path.
fn java(version: &Version) -> Result<Command, Failure> {
    let mut command = Command::new("java");
    command.arg("-cp").arg(library(version)?.join("*"));
    // The broker's own warnings go to its log; everything else would fill it.
    command.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    command.arg(format!(
        "-Dlog4j.configuration=file:{}",
        cache()?.join(LOG4J).display()
    ));
    Ok(command)
}

/// Starts a process that outlives this one, with its output in `log`.
fn detach(command: &mut Command, log: &Path) -> Result<Child, Failure> {
    let log = File::options().create(true).append(true).open(log)?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    // Its own process group, so that an interrupt typed at a test run does not reach the brokers.
    command
        .process_group(0)
        .spawn()
        .map_err(|error| Failure::new(format!("java: {error}")))
}

fn library(version: &Version) -> Result<PathBuf, Failure> {
    Ok(cache()?.join(format!("lib-{version}")))
}

/// Brings the release's jars from Maven Central, once.
fn jars(version: &Version) -> Result<(), Failure> {
    let library = library(version)?;
    let cache = cache()?;
    fs::create_dir_all(&cache)?;
    fs::write(cache.join(LOG4J), LOG4J_SETTINGS)?;
    if library.exists() {
        return Ok(());
    }
    eprintln!("fetching the jars of Apache Kafka {version}");
    let project = cache.join("pom.xml");
    fs::write(&project, PROJECT)?;
    // Into a second folder first: an interrupted download must not look complete.
    let unfinished = cache.join(format!("lib-{version}.part"));
    let mut command = Command::new("mvn");
    command.args(["-q", "-B", "-f"]).arg(&project);
    command
        .arg(format!("-Dkafka.version={version}"))
        .arg(format!("-Dslf4j.version={SLF4J}"));
    command.arg("dependency:copy-dependencies");
    command.arg(format!("-DoutputDirectory={}", unfinished.display()));
    process::capture(&mut command).map_err(|failure| {
        Failure::new(format!(
            "{failure}\nApache Maven is needed where no Docker engine answers"
        ))
    })?;
    if !version.is_current() {
        // Releases before 4 bring log4j, and a second binding makes every tool complain.
        fs::remove_file(unfinished.join(format!("slf4j-simple-{SLF4J}.jar")))?;
    }
    fs::rename(unfinished, library)?;
    Ok(())
}

fn check_java() -> Result<(), Failure> {
    let needed = "Java 17 or newer is needed where no Docker engine answers";
    let output = Command::new("java")
        .arg("-version")
        .output()
        .map_err(|error| Failure::new(format!("java: {error}; {needed}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    match release(&said) {
        Some(number) if number >= 17 => Ok(()),
        _ => Err(Failure::new(format!(
            "{needed}; this is {}",
            said.lines().next().unwrap_or("?")
        ))),
    }
}

/// The first number of `openjdk version "17.0.15" …`.
pub(super) fn release(said: &str) -> Option<u16> {
    said.split('"')
        .nth(1)?
        .split(['.', '-', '+'])
        .next()?
        .parse()
        .ok()
}

/// The binding that Kafka 4 lacks.
const SLF4J: &str = "1.7.36";

const LOG4J: &str = "log4j.properties";

const LOG4J_SETTINGS: &str = "\
log4j.rootLogger=WARN, stderr
log4j.appender.stderr=org.apache.log4j.ConsoleAppender
log4j.appender.stderr.target=System.err
log4j.appender.stderr.layout=org.apache.log4j.PatternLayout
log4j.appender.stderr.layout.ConversionPattern=[%t] %p %c - %m%n
";

/// Only Maven's dependency plugin reads it; nothing is built.
const PROJECT: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ekafka</groupId>
  <artifactId>brokers</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${kafka.version}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka-tools</artifactId>
      <version>${kafka.version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>${slf4j.version}</version>
    </dependency>
  </dependencies>
</project>
"#;
