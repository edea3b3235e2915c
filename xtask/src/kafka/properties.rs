//! The configuration files of brokers and of ZooKeeper, and who may log in.

use std::time::Duration;

use super::cluster::{Cluster, Listener};

/// A user of the SASL listener. The conformance tests know the same three.
pub(super) struct User {
    pub(super) mechanism: &'static str,
    pub(super) name: &'static str,
    pub(super) password: &'static str,
}

/// Users with SCRAM; the one with PLAIN is part of the listener's own configuration.
pub(super) const SCRAM_USERS: [User; 2] = [
    User {
        mechanism: "SCRAM-SHA-256",
        name: "bob",
        password: "bob-secret",
    },
    User {
        mechanism: "SCRAM-SHA-512",
        name: "carol",
        password: "carol-secret",
    },
];

/// KRaft's cluster id, sixteen bytes in base64; `docker/compose.yml` has the same.
pub(super) const CLUSTER_ID: &str = "ZWthZmthLWNsdXN0ZXItMA";

/// After how long ZooKeeper forgets a broker that is gone.
pub(super) const ZOOKEEPER_SESSION: Duration = Duration::from_secs(4);

/// One broker's `server.properties`.
pub(super) fn broker(cluster: &Cluster, node: u16) -> String {
    let served = served(cluster, node);
    let identity = if cluster.version().needs_zookeeper() {
        format!(
            "broker.id={node}\nzookeeper.connect=127.0.0.1:{}\nzookeeper.session.timeout.ms={}\n\
             listeners={served}\n",
            cluster.zookeeper_port(),
            ZOOKEEPER_SESSION.as_millis()
        )
    } else {
        let controller = cluster.port(node, Listener::Controller);
        format!(
            "process.roles=broker,controller\nnode.id={node}\ncontroller.quorum.voters={}\n\
             controller.listener.names=CONTROLLER\n\
             listeners={served},CONTROLLER://127.0.0.1:{controller}\n",
            voters(cluster)
        )
    };
    let copies = cluster.nodes();
    let in_sync = if copies < 3 { 1 } else { 2 };
    let data = cluster.data(node).display().to_string();
    let tls = tls(cluster);
    format!(
        "{identity}advertised.listeners={served}\n\
         listener.security.protocol.map=\
         PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SSL\n\
         inter.broker.listener.name=PLAINTEXT\n\
         log.dirs={data}\n\
         {SASL}\
         {tls}\
         default.replication.factor={copies}\n\
         offsets.topic.replication.factor={copies}\n\
         transaction.state.log.replication.factor={copies}\n\
         share.coordinator.state.topic.replication.factor={copies}\n\
         min.insync.replicas={in_sync}\n\
         transaction.state.log.min.isr={in_sync}\n\
         share.coordinator.state.topic.min.isr={in_sync}\n\
         {QUICK}"
    )
}

/// The listeners that clients see.
fn served(cluster: &Cluster, node: u16) -> String {
    let port = |listener| cluster.port(node, listener);
    let (plain, sasl) = (port(Listener::Plain), port(Listener::Sasl));
    let mut served = format!("PLAINTEXT://127.0.0.1:{plain},SASL://127.0.0.1:{sasl}");
    if cluster.has_tls() {
        served.push_str(&format!(",TLS://127.0.0.1:{}", port(Listener::Tls)));
    }
    served
}

fn tls(cluster: &Cluster) -> String {
    if !cluster.has_tls() {
        return String::new();
    }
    let store = cluster.key_store().display().to_string();
    format!(
        "listener.name.tls.ssl.keystore.type=PEM\n\
         listener.name.tls.ssl.keystore.location={store}\n"
    )
}

/// ZooKeeper's `zk.properties`.
pub(super) fn zookeeper(cluster: &Cluster) -> String {
    format!(
        "tickTime=1000\ndataDir={}\nclientPort={}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\n\
         admin.enableServer=false\n",
        cluster.folder().join("zookeeper").display(),
        cluster.zookeeper_port()
    )
}

fn voters(cluster: &Cluster) -> String {
    let all: Vec<String> = cluster
        .ids()
        .map(|node| {
            format!(
                "{node}@127.0.0.1:{}",
                cluster.port(node, Listener::Controller)
            )
        })
        .collect();
    all.join(",")
}

/// PLAIN users are named in the listener's configuration; SCRAM users live in the cluster's metadata.
const SASL: &str = "\
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_alice=\"alice-secret\";
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
";

/// Groups that form at once, short internal topics, and session floors that tests can wait for.
const QUICK: &str = "\
num.partitions=3
offsets.topic.num.partitions=8
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.consumer.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=500
broker.session.timeout.ms=6000
";
