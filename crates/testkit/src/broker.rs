//! The handle on a running embedded cluster.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use ekafka_protocol::{ApiKey, ErrorCode};
use tokio::io::DuplexStream;
use uuid::Uuid;

use crate::builder::Builder;
use crate::cluster::NewTopic;
use crate::faults::{ConnectFaultBuilder, FaultBuilder};
use crate::journal::LoggedRequest;
use crate::server::Shared;
use crate::server::listener::{Front, bind};
use crate::tls::TlsFiles;
use crate::topic::TopicConfig;

/// A Kafka cluster inside the process. It ends, ports and connections included, when this is dropped.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(1).start().await?;
/// kafka.create_topic("greetings", 3)?;
/// let address = kafka.bootstrap(); // for any Kafka client
/// # assert!(address.starts_with("127.0.0.1:"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(3).start().await?;
/// # kafka.create_topic("orders", 3)?;
///
/// assert_eq!((kafka.addresses().len(), kafka.node_ids().len()), (3, 3));
///
/// // Topics.
/// kafka.create_topic_with("compacted", 1, &[("cleanup.policy", "compact")])?;
/// kafka.create_topic_on("pinned", &[vec![2, 3]])?;
/// kafka.add_partitions("orders", 6)?;
/// kafka.delete_topic("compacted")?;
///
/// // Who leads and coordinates what.
/// assert_eq!(kafka.leader("pinned", 0)?, 2);
/// kafka.move_leader("pinned", 0, 3)?;
/// println!("epoch {}, controller {}", kafka.leader_epoch("pinned", 0)?, kafka.controller());
/// kafka.set_coordinator("shop", Some(2), false);
///
/// // What is stored.
/// assert_eq!(kafka.offsets("orders", 0)?, (0, 0));
/// assert!(kafka.log("orders", 0)?.is_empty());
/// kafka.plant("orders", 0, b"not a record batch".to_vec().into(), 1, -1)?;
/// kafka.hold_back("orders", 0, 2, Some(0))?;
/// assert_eq!(kafka.committed("shop", "orders", 0), None);
/// kafka.delete_records("orders", 0, 0)?;
/// kafka.truncate("orders", 0, 0)?;
/// kafka.forget_producers("orders", 0)?;
///
/// // Nodes and connections that go and come.
/// kafka.stop_node(3).await;
/// kafka.start_node(3).await?;
/// kafka.drop_connections().await?;
/// println!("{} open of {}", kafka.open_connections(), kafka.accepted_connections());
///
/// // What clients asked for, and what no correct one would.
/// assert!(kafka.requests().is_empty() && kafka.violations().is_empty());
/// kafka.clear_requests();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct EmbeddedKafka {
    shared: Arc<Shared>,
    fronts: Arc<Mutex<Fronts>>,
    is_strict: bool,
}

/// The nodes' front doors.
#[derive(Debug, Default)]
pub(crate) struct Fronts {
    /// By node id; nodes that are down are missing.
    pub(crate) open: BTreeMap<i32, Front>,
    /// The TCP address of each node, kept while it is down.
    pub(crate) addresses: BTreeMap<i32, SocketAddr>,
    /// Room of each direction of an in-memory connection; none on TCP.
    pub(crate) pipe: Option<usize>,
    /// The certificates of the listeners, with TLS.
    pub(crate) tls: Option<TlsFiles>,
}

impl EmbeddedKafka {
    /// Three nodes on free ports of 127.0.0.1 unless told otherwise.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(shared: Arc<Shared>, fronts: Arc<Mutex<Fronts>>, is_strict: bool) -> Self {
        Self {
            shared,
            fronts,
            is_strict,
        }
    }

    /// The addresses of all nodes, `host:port` with commas between.
    pub fn bootstrap(&self) -> String {
        self.addresses().join(",")
    }

    /// The address of each node, `host:port`.
    pub fn addresses(&self) -> Vec<String> {
        self.shared
            .cluster()
            .nodes
            .values()
            .map(|node| format!("{}:{}", node.host, node.port))
            .collect()
    }

    /// The certificates of the listeners, with TLS.
    pub fn tls_files(&self) -> Option<TlsFiles> {
        self.fronts().tls.clone()
    }

    /// The ids of all nodes.
    pub fn node_ids(&self) -> Vec<i32> {
        self.shared.cluster().nodes.keys().copied().collect()
    }

    /// The controller's node id, -1 while no node is up.
    pub fn controller(&self) -> i32 {
        self.shared.cluster().controller
    }

    /// A new connection inside the process to the node of that name. See [`Self::connector`] for a handle to give away.
    ///
    /// # Errors
    ///
    /// As for a socket: `NotFound` for a name no node has, `ConnectionRefused` for a wrong port, a node that is down, or a
    /// cluster that listens on TCP instead.
    pub fn connect(&self, host: &str, port: u16) -> io::Result<DuplexStream> {
        self.connector().connect(host, port)
    }

    /// What connects inside the process: for a client's custom dial function. It does not keep the cluster alive.
    pub fn connector(&self) -> Connector {
        Connector {
            shared: Arc::clone(&self.shared),
            fronts: Arc::clone(&self.fronts),
        }
    }

    /// Makes a topic with as many replicas as the cluster's default.
    ///
    /// # Errors
    ///
    /// As CreateTopics answers: the name is illegal or taken, or the count is not positive.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<Uuid, ErrorCode> {
        self.create_topic_with(name, partitions, &[])
    }

    /// Makes a topic with configurations, by Kafka's names.
    ///
    /// `max.message.bytes`, `message.timestamp.type`, `min.insync.replicas`, `retention.bytes` and `cleanup.policy` have
    /// an effect; where that is `compact`, `segment.ms`, `segment.bytes` and `min.cleanable.dirty.ratio` have one too, and
    /// what lies before the last segment is compacted as soon as that begins. The others are kept and described.
    ///
    /// # Errors
    ///
    /// As [`Self::create_topic`], and INVALID_CONFIG.
    pub fn create_topic_with(
        &self,
        name: &str,
        partitions: i32,
        configs: &[(&str, &str)],
    ) -> Result<Uuid, ErrorCode> {
        let mut config = TopicConfig::default();
        for (key, value) in configs {
            config.set(key, value)?;
        }
        let wanted = NewTopic {
            partitions,
            replication_factor: -1,
            replicas: None,
            config,
        };
        self.shared.cluster().create_topic(name, &wanted)
    }

    /// Makes a topic whose partitions lie on these nodes; the first of each list leads.
    ///
    /// # Errors
    ///
    /// As [`Self::create_topic`], and INVALID_REPLICA_ASSIGNMENT.
    pub fn create_topic_on(&self, name: &str, replicas: &[Vec<i32>]) -> Result<Uuid, ErrorCode> {
        let wanted = NewTopic {
            partitions: -1,
            replication_factor: -1,
            replicas: Some(replicas),
            ..NewTopic::default()
        };
        self.shared.cluster().create_topic(name, &wanted)
    }

    /// Deletes a topic.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION when there is none.
    pub fn delete_topic(&self, name: &str) -> Result<(), ErrorCode> {
        self.shared.cluster().delete_topic(name).map(drop)
    }

    /// Adds partitions to a topic, up to `count`.
    ///
    /// # Errors
    ///
    /// As CreatePartitions answers.
    pub fn add_partitions(&self, name: &str, count: i32) -> Result<(), ErrorCode> {
        self.shared
            .cluster()
            .add_partitions(name, count, None, false)
    }

    /// The node that leads a partition, -1 when none does.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION.
    pub fn leader(&self, topic: &str, partition: i32) -> Result<i32, ErrorCode> {
        let cluster = self.shared.cluster();
        let found = cluster
            .partition(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        Ok(found.leader)
    }

    /// How often a partition has changed its leader, as its batches and requests carry it.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION.
    pub fn leader_epoch(&self, topic: &str, partition: i32) -> Result<i32, ErrorCode> {
        let cluster = self.shared.cluster();
        let found = cluster
            .partition(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        Ok(found.leader_epoch)
    }

    /// Gives a partition to another node (-1: to none); its leader epoch grows by one.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION, or BROKER_NOT_AVAILABLE for a node that does not exist.
    pub fn move_leader(&self, topic: &str, partition: i32, to: i32) -> Result<(), ErrorCode> {
        self.shared.cluster().move_leader(topic, partition, to)
    }

    /// Makes a node the coordinator of a group or transactional id; `None` goes back to the usual choice. With `forget`
    /// the new coordinator knows no members, as after a crash.
    pub fn set_coordinator(&self, key: &str, node: Option<i32>, forget: bool) {
        let mut cluster = self.shared.cluster();
        match node {
            Some(node) => cluster.settings.coordinators.insert(key.to_owned(), node),
            None => cluster.settings.coordinators.remove(key),
        };
        if forget {
            cluster.groups.forget_members();
        }
    }

    /// What a group has committed for a partition: the next offset to read. `None` when nothing is.
    pub fn committed(&self, group: &str, topic: &str, partition: i32) -> Option<i64> {
        let mut cluster = self.shared.cluster();
        let group = cluster.groups.at(group, tokio::time::Instant::now())?;
        let found = group.offsets.get(&(topic.to_owned(), partition))?;
        Some(found.offset)
    }

    /// Start and end offset of a partition: its first record, and what the next one gets.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION.
    pub fn offsets(&self, topic: &str, partition: i32) -> Result<(i64, i64), ErrorCode> {
        let cluster = self.shared.cluster();
        let found = cluster
            .partition(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        Ok((found.log.start_offset(), found.log.end_offset()))
    }

    /// Everything a partition holds, as record batches one after the other.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION.
    pub fn log(&self, topic: &str, partition: i32) -> Result<Bytes, ErrorCode> {
        let cluster = self.shared.cluster();
        let found = cluster
            .partition(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let log = &found.log;
        let parts = log
            .read_from(log.start_offset(), log.end_offset())
            .flat_map(|batch| [&batch.head, &batch.tail]);
        Ok(parts.flat_map(|part| part.iter().copied()).collect())
    }

    /// Puts bytes into a partition as they are, as `count` records, and gives their first offset: for formats and defects
    /// that Produce does not take. Offsets inside the bytes are the caller's business.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION.
    pub fn plant(
        &self,
        topic: &str,
        partition: i32,
        bytes: Bytes,
        count: i64,
        max_timestamp: i64,
    ) -> Result<i64, ErrorCode> {
        let mut cluster = self.shared.cluster();
        let found = cluster
            .partition_mut(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let offset = found
            .log
            .plant(bytes, count, max_timestamp, found.leader_epoch);
        found.wake();
        Ok(offset)
    }

    /// Ends the log of a partition's follower on `node` at `end`: what is written from there on does not reach it. `None`
    /// lets it catch up. Effective in a cluster with racks, where consumers may read on followers.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION.
    pub fn hold_back(
        &self,
        topic: &str,
        partition: i32,
        node: i32,
        end: Option<i64>,
    ) -> Result<(), ErrorCode> {
        let mut cluster = self.shared.cluster();
        let found = cluster
            .partition_mut(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        match end {
            Some(end) => found.held_back.insert(node, end),
            None => found.held_back.remove(&node),
        };
        found.wake();
        Ok(())
    }

    /// Deletes the records below `offset`.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION.
    pub fn delete_records(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), ErrorCode> {
        let mut cluster = self.shared.cluster();
        let found = cluster
            .partition_mut(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        found.log.delete_before(offset);
        Ok(())
    }

    /// Loses the records from `offset` on, as an unclean leader election does; the leader epoch grows by one.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION.
    pub fn truncate(&self, topic: &str, partition: i32, offset: i64) -> Result<(), ErrorCode> {
        let mut cluster = self.shared.cluster();
        let found = cluster
            .partition_mut(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        found.log.truncate(offset);
        found.leader_epoch += 1;
        found.wake();
        Ok(())
    }

    /// Forgets the sequences of idempotent producers in a partition, as a broker does whose producer state has expired.
    ///
    /// # Errors
    ///
    /// UNKNOWN_TOPIC_OR_PARTITION.
    pub fn forget_producers(&self, topic: &str, partition: i32) -> Result<(), ErrorCode> {
        let mut cluster = self.shared.cluster();
        let found = cluster
            .partition_mut(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        found.log.forget_producers();
        Ok(())
    }

    /// Stops a node: its port and connections close, its partitions go to replicas that are up. Its data stays.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the node stopped; its port may close a moment later.
    pub async fn stop_node(&self, id: i32) {
        self.shared.cluster().node_down(id);
        let front = self.fronts().open.remove(&id);
        if let Some(front) = front {
            front.close().await;
        }
    }

    /// Starts a stopped node at the address it had.
    ///
    /// # Errors
    ///
    /// `NotFound` for a node that does not exist, or why its port cannot be opened.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the node stopped.
    pub async fn start_node(&self, id: i32) -> io::Result<()> {
        if !self.shared.cluster().nodes.contains_key(&id) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let address = self.fronts().addresses.get(&id).copied();
        let front = match address {
            Some(address) => Front::tcp(Arc::clone(&self.shared), id, bind(address).await?),
            None => Front::in_memory(id),
        };
        self.fronts().open.insert(id, front);
        self.shared.cluster().node_up(id);
        Ok(())
    }

    /// Closes every connection; ports stay open.
    ///
    /// # Errors
    ///
    /// When a port cannot be opened again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave some nodes without a port until [`Self::start_node`].
    pub async fn drop_connections(&self) -> io::Result<()> {
        let open: Vec<(i32, Front)> = std::mem::take(&mut self.fronts().open)
            .into_iter()
            .collect();
        for (id, front) in open {
            front.close().await;
            let address = self.fronts().addresses.get(&id).copied();
            let front = match address {
                Some(address) => Front::tcp(Arc::clone(&self.shared), id, bind(address).await?),
                None => Front::in_memory(id),
            };
            self.fronts().open.insert(id, front);
        }
        Ok(())
    }

    /// Writes down a fault for the next requests of an API.
    ///
    /// ```
    /// # use ekafka_protocol::{ApiKey, ErrorCode};
    /// # fn script(kafka: &ekafka_testkit::EmbeddedKafka) {
    /// kafka.on_next(ApiKey::PRODUCE).error(ErrorCode::NOT_LEADER_OR_FOLLOWER).times(2);
    /// kafka.on_next(ApiKey::FETCH).drop_after().node(1);
    /// # }
    /// ```
    pub fn on_next(&self, api: ApiKey) -> FaultBuilder {
        FaultBuilder::new(Some(api), Arc::clone(&self.shared))
    }

    /// Writes down a fault for the next requests of any API.
    pub fn on_any(&self) -> FaultBuilder {
        FaultBuilder::new(None, Arc::clone(&self.shared))
    }

    /// Writes down what happens to the next new connections.
    pub fn on_connect(&self) -> ConnectFaultBuilder {
        ConnectFaultBuilder::new(Arc::clone(&self.shared))
    }

    /// Forgets the faults that have not happened.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Faults that are written down and have not happened yet, those for ever aside.
    pub fn pending_faults(&self) -> usize {
        self.shared.faults().pending()
    }

    /// The requests of all nodes in the order they were read; the newest 65,536.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.shared.journal().requests()
    }

    /// The requests of one API.
    pub fn requests_of(&self, api: ApiKey) -> Vec<LoggedRequest> {
        let mut requests = self.requests();
        requests.retain(|request| request.api == api);
        requests
    }

    /// Empties the request log.
    pub fn clear_requests(&self) {
        self.shared.journal().clear();
    }

    /// What a correct client would not have sent, in words.
    pub fn violations(&self) -> Vec<String> {
        self.shared.journal().violations()
    }

    /// Connections open now.
    pub fn open_connections(&self) -> usize {
        self.shared.open()
    }

    /// Connections accepted since the start.
    pub fn accepted_connections(&self) -> u64 {
        self.shared.accepted()
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn fronts(&self) -> MutexGuard<'_, Fronts> {
        self.fronts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EmbeddedKafka {
    fn drop(&mut self) {
        self.fronts().open.clear();
        let violations = self.violations();
        let is_broken = self.is_strict && !violations.is_empty() && !std::thread::panicking();
        assert!(
            !is_broken,
            "a correct client would not send: {violations:#?}"
        );
    }
}

/// Connects inside the process to an in-memory cluster; see [`EmbeddedKafka::connector`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let kafka = ekafka_testkit::EmbeddedKafka::builder().nodes(1).in_memory().start().await?;
/// let connector = kafka.connector();
/// let address = kafka.bootstrap();
/// let (host, port) = address.rsplit_once(':').ok_or("no port")?;
/// // For a client's function that opens connections.
/// let stream = connector.connect(host, port.parse()?)?;
/// let same = kafka.connect(host, port.parse()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Connector {
    shared: Arc<Shared>,
    fronts: Arc<Mutex<Fronts>>,
}

impl Connector {
    /// As [`EmbeddedKafka::connect`].
    ///
    /// # Errors
    ///
    /// As there, and `ConnectionRefused` once the cluster is gone.
    pub fn connect(&self, host: &str, port: u16) -> io::Result<DuplexStream> {
        let node = self
            .shared
            .cluster()
            .nodes
            .iter()
            .find(|(_, node)| node.host == host)
            .map(|(id, node)| (*id, node.port));
        let (id, expected) = node.ok_or(io::ErrorKind::NotFound)?;
        let fronts = self.fronts.lock().unwrap_or_else(PoisonError::into_inner);
        let front = fronts.open.get(&id).filter(|_| port == expected);
        match (front, fronts.pipe) {
            (Some(front), Some(pipe)) => Ok(front.connect(&self.shared, pipe)),
            _ => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}
