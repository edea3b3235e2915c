//! What a cluster is: its release, its nodes, its ports, its folder.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde_json::json;

use crate::failure::Failure;

/// A release of Apache Kafka.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u16, u16, u16);

impl Version {
    /// Releases before 3.3 are run with ZooKeeper: KRaft was not ready for use.
    pub(super) fn needs_zookeeper(&self) -> bool {
        (self.0, self.1) < (3, 3)
    }

    /// Whether the whole suite is meant for it; older releases get the compatibility tests.
    pub(super) fn is_current(&self) -> bool {
        self.0 >= 4
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<u16> = text
            .split('.')
            .map_while(|part| part.parse().ok())
            .collect();
        match numbers[..] {
            [major, minor, patch] if text.split('.').count() == 3 => Ok(Self(major, minor, patch)),
            _ => Err("a release has three numbers, such as 4.1.0".to_owned()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What runs the brokers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    Docker,
    Java,
}

/// One cluster; its ports follow from the first one, its folder too.
pub(super) struct Cluster {
    port: u16,
    nodes: u16,
    version: Version,
    runner: Runner,
    folder: PathBuf,
}

impl Cluster {
    /// A new cluster with an empty folder, described on disk so that later commands find it.
    pub(super) fn create(
        port: u16,
        nodes: u16,
        version: Version,
        runner: Runner,
    ) -> Result<Self, Failure> {
        let folder = Self::folder_of(port)?;
        fs::create_dir_all(&folder)?;
        let docker = runner == Runner::Docker;
        let text = json!({ "nodes": nodes, "version": version.to_string(), "docker": docker });
        fs::write(folder.join(DESCRIPTION), text.to_string())?;
        Ok(Self::describe(port, nodes, version, runner, folder))
    }

    /// A cluster with its files in `folder`, which is not looked at.
    pub(super) fn describe(
        port: u16,
        nodes: u16,
        version: Version,
        runner: Runner,
        folder: PathBuf,
    ) -> Self {
        Self {
            port,
            nodes,
            version,
            runner,
            folder,
        }
    }

    /// The cluster that an earlier command started on `port`.
    pub(super) fn load(port: u16) -> Result<Self, Failure> {
        let folder = Self::folder_of(port)?;
        let missing = || {
            Failure::new(format!(
                "no cluster on port {port}; `cargo xtask kafka up` starts one"
            ))
        };
        let text = fs::read_to_string(folder.join(DESCRIPTION)).map_err(|_| missing())?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|_| missing())?;
        let nodes = value["nodes"]
            .as_u64()
            .and_then(|nodes| u16::try_from(nodes).ok());
        let version = value["version"].as_str().and_then(|text| text.parse().ok());
        let docker = value["docker"].as_bool();
        let (Some(nodes), Some(version), Some(docker)) = (nodes, version, docker) else {
            return Err(missing());
        };
        let runner = if docker { Runner::Docker } else { Runner::Java };
        Ok(Self {
            port,
            nodes,
            version,
            runner,
            folder,
        })
    }

    /// Where the cluster on `port` keeps its files.
    pub(super) fn folder_of(port: u16) -> Result<PathBuf, Failure> {
        Ok(cache()?.join(format!("kafka-{port}")))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn version(&self) -> &Version {
        &self.version
    }

    /// Whether it is of that release and has so many nodes.
    pub(super) fn has_shape(&self, shape: &super::Shape) -> bool {
        self.version == shape.version && self.nodes == shape.nodes
    }

    pub(super) fn runner(&self) -> Runner {
        self.runner
    }

    pub(super) fn nodes(&self) -> u16 {
        self.nodes
    }

    /// The nodes' ids: 1, 2, 3.
    pub(super) fn ids(&self) -> std::ops::RangeInclusive<u16> {
        1..=self.nodes
    }

    pub(super) fn check_node(&self, node: u16) -> Result<(), Failure> {
        if self.ids().contains(&node) {
            return Ok(());
        }
        Err(Failure::new(format!(
            "no node {node}; this cluster has {}",
            self.nodes
        )))
    }

    /// The first of its ports, which names it.
    pub(super) fn first_port(&self) -> u16 {
        self.port
    }

    /// The port of one of a node's listeners.
    pub(super) fn port(&self, node: u16, listener: Listener) -> u16 {
        self.port + (node - 1) * 10 + listener as u16
    }

    pub(super) fn zookeeper_port(&self) -> u16 {
        self.port + 9
    }

    /// The bootstrap list of the listener without security.
    pub(super) fn brokers(&self) -> String {
        self.list(Listener::Plain)
    }

    /// `host:port,…` of one listener.
    fn list(&self, listener: Listener) -> String {
        let all: Vec<String> = self
            .ids()
            .map(|node| format!("127.0.0.1:{}", self.port(node, listener)))
            .collect();
        all.join(",")
    }

    /// What the conformance tests read to find this cluster.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("EKAFKA_TEST_BROKERS", self.list(Listener::Plain)),
            ("EKAFKA_TEST_SASL_BROKERS", self.list(Listener::Sasl)),
            ("EKAFKA_TEST_KAFKA_VERSION", self.version.to_string()),
        ];
        if self.has_tls() {
            variables.push(("EKAFKA_TEST_TLS_BROKERS", self.list(Listener::Tls)));
            variables.push((
                "EKAFKA_TEST_TLS_CA",
                self.certificate().display().to_string(),
            ));
        }
        variables
    }

    /// Whether there is a TLS listener: releases before 3 read no key without a password from a PEM file.
    pub(super) fn has_tls(&self) -> bool {
        !self.version.needs_zookeeper()
    }

    /// The certificate of the TLS listeners, PEM.
    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// The TLS listeners' private key and certificate, PEM.
    pub(super) fn key_store(&self) -> PathBuf {
        self.folder.join("keys.pem")
    }

    pub(super) fn properties(&self, node: u16) -> PathBuf {
        self.folder.join(format!("{node}.properties"))
    }

    /// Where a node keeps its log: in the cluster's folder, or inside its container.
    pub(super) fn data(&self, node: u16) -> PathBuf {
        match self.runner {
            Runner::Java => self.folder.join(format!("data-{node}")),
            Runner::Docker => PathBuf::from("/tmp/kafka-data"),
        }
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// An argument that only this node's process carries, by which it is found again.
    pub(super) fn mark(&self, node: u16) -> String {
        self.properties(node).display().to_string()
    }

    /// The end of each node's log.
    pub(super) fn last_words(&self) -> String {
        let mut words = String::new();
        for node in self.ids() {
            let log = fs::read_to_string(self.log(&node.to_string())).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines.len().saturating_sub(8);
            words.push_str(&format!("--- node {node}\n{}\n", lines[tail..].join("\n")));
        }
        words
    }
}

/// A node's listeners; the number is the distance from the node's first port.
#[derive(Clone, Copy)]
pub(super) enum Listener {
    Plain = 0,
    Controller = 1,
    Sasl = 2,
    Tls = 3,
}

/// Deletes the files of the cluster on `port`.
pub(super) fn remove(port: u16) -> Result<(), Failure> {
    let folder = Cluster::folder_of(port)?;
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

/// `$XDG_CACHE_HOME/ekafka`, or `~/.cache/ekafka`: outside the build output, so that cleaning keeps the jars.
pub(super) fn cache() -> Result<PathBuf, Failure> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("ekafka"))
        .ok_or_else(|| Failure::new("neither XDG_CACHE_HOME nor HOME says where to keep data"))
}

const DESCRIPTION: &str = "cluster.json";
