//! The pure parts: releases, ports, configuration texts, what `java -version` says.

use super::cluster::{Cluster, Listener, Runner, Version};
use super::{java, properties};

fn cluster(nodes: u16, version: &str) -> Cluster {
    Cluster::describe(
        29092,
        nodes,
        version.parse().expect("a release"),
        Runner::Java,
        "/c".into(),
    )
}

#[test]
fn releases_are_three_numbers() {
    for text in ["4.1", "4.1.0.1", "4.x.0", "", "4.1.-1"] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
    let version: Version = "2.8.2".parse().expect("a release");
    assert_eq!(version.to_string(), "2.8.2");
    assert!(version.needs_zookeeper() && !version.is_current());
}

#[test]
fn nodes_share_no_port() {
    let cluster = cluster(3, "4.1.0");
    let mut ports = vec![cluster.zookeeper_port()];
    for node in cluster.ids() {
        for listener in [
            Listener::Plain,
            Listener::Controller,
            Listener::Sasl,
            Listener::Tls,
        ] {
            ports.push(cluster.port(node, listener));
        }
    }
    let count = ports.len();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), count);
    assert_eq!(
        cluster.brokers(),
        "127.0.0.1:29092,127.0.0.1:29102,127.0.0.1:29112"
    );
}

#[test]
fn one_node_copies_to_itself_only() {
    let text = properties::broker(&cluster(1, "4.1.0"), 1);
    assert!(text.contains("\ndefault.replication.factor=1\n"), "{text}");
    assert!(text.contains("\nmin.insync.replicas=1\n"), "{text}");
    assert!(
        text.contains("controller.quorum.voters=1@127.0.0.1:29093\n"),
        "{text}"
    );
}

#[test]
fn zookeeper_releases_have_neither_controllers_nor_tls() {
    let cluster = cluster(3, "2.8.2");
    let text = properties::broker(&cluster, 2);
    assert!(
        text.starts_with("broker.id=2\nzookeeper.connect=127.0.0.1:29101\n"),
        "{text}"
    );
    assert!(
        !text.contains("controller.quorum") && !text.contains("TLS://"),
        "{text}"
    );
    assert!(
        !cluster
            .environment()
            .iter()
            .any(|(name, _)| name.contains("TLS"))
    );
}

#[test]
fn java_says_its_release_in_several_ways() {
    assert_eq!(
        java::release("openjdk version \"17.0.15\" 2025-04-15"),
        Some(17)
    );
    assert_eq!(java::release("openjdk version \"21\" 2023-09-19"), Some(21));
    assert_eq!(java::release("java version \"1.8.0_392\""), Some(1));
    assert_eq!(java::release("openjdk version \"25-ea\""), Some(25));
    assert_eq!(java::release("command not found"), None);
}
