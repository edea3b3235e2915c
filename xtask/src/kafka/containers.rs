//! Brokers in containers, by `docker/compose.yml`.

use std::fs;
use std::process::Command;

use super::cluster::Cluster;
use super::{keys, properties};
use crate::failure::Failure;
use crate::process;

/// Whether an engine with the compose plugin answers.
pub(crate) fn engine_answers() -> bool {
    process::succeeds(Command::new("docker").arg("info"))
        && process::succeeds(Command::new("docker").args(["compose", "version"]))
}

pub(super) fn start(cluster: &Cluster) -> Result<(), Failure> {
    keys::make(cluster)?;
    for node in cluster.ids() {
        fs::write(cluster.properties(node), properties::broker(cluster, node))?;
    }
    let services: Vec<String> = cluster.ids().map(service).collect();
    process::run(compose(cluster).args(["up", "--detach"]).args(services))
}

pub(super) fn stop(cluster: &Cluster) -> Result<(), Failure> {
    process::run(compose(cluster).args(["down", "--volumes", "--timeout", "0"]))
}

pub(super) fn restart(cluster: &Cluster, node: u16) -> Result<(), Failure> {
    process::run(compose(cluster).args(["restart", &service(node)]))
}

pub(super) fn kill(cluster: &Cluster, node: u16) -> Result<(), Failure> {
    process::run(compose(cluster).args(["kill", &service(node)]))
}

pub(super) fn tool(cluster: &Cluster, command: &[String]) -> Result<(), Failure> {
    let runner = "/opt/kafka/bin/kafka-run-class.sh";
    process::run(
        compose(cluster)
            .args(["exec", "-T", &service(1), runner])
            .args(command),
    )
}

/// `docker compose` on this cluster's project; the file finds release and folder in the environment.
fn compose(cluster: &Cluster) -> Command {
    let file = process::root().join("docker").join("compose.yml");
    let mut command = Command::new("docker");
    command
        .args(["compose", "--project-name", &project(cluster), "--file"])
        .arg(file);
    command.env("KAFKA_VERSION", cluster.version().to_string());
    command.env("EKAFKA_CLUSTER", cluster.folder());
    command
}

/// One project per cluster, so that two of them do not stop each other.
fn project(cluster: &Cluster) -> String {
    let folder = cluster.folder().file_name().unwrap_or_default();
    format!("ekafka-{}", folder.to_string_lossy())
}

fn service(node: u16) -> String {
    format!("kafka-{node}")
}
