//! What is known of a cluster: an immutable value, replaced whole. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ekafka_protocol::messages::{MetadataPartition, MetadataResponse, MetadataTopic};
use ekafka_protocol::{ErrorCode, Uuid};

use crate::address::{HostPort, MAX_HOST};
use crate::ids::{BrokerId, LeaderEpoch};

/// What is known of a cluster at one moment.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let kafka = ekafka_testkit::EmbeddedKafka::builder().start().await?;
/// # kafka.create_topic("orders", 3)?;
/// # let address = kafka.addresses().remove(0);
/// use std::time::Duration;
///
/// use ekafka_conn::{Cluster, ConnConfig};
/// use tokio::time::Instant;
///
/// let cluster = Cluster::new([address], ConnConfig::default())?;
/// let view = cluster.topic("orders", Instant::now() + Duration::from_secs(10)).await?;
/// println!("cluster {:?}, controller {:?}", view.cluster_id(), view.controller());
/// for topic in view.topics() {
///     println!("{} has {} partitions", topic.name, topic.partitions.len());
/// }
/// let orders = view.topic("orders").ok_or("not there")?;
/// assert!(view.topic_by_id(orders.id).is_some());
/// assert!(orders.has_leader() && orders.partition(2).is_some());
/// let (leader, _) = view.leader("orders", 2).ok_or("no leader yet")?;
/// println!("{:?} of {} brokers", view.broker(leader), view.brokers().len());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct ClusterView {
    /// Grows with each change of the view; 0 before anything is known.
    pub generation: u64,
    cluster_id: Option<Arc<str>>,
    brokers: BTreeMap<BrokerId, BrokerView>,
    controller: Option<BrokerId>,
    topics: HashMap<Arc<str>, Arc<TopicView>>,
    /// Names by topic id.
    names: HashMap<Uuid, Arc<str>>,
}

/// A broker of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerView {
    /// Its id.
    pub id: BrokerId,
    /// The address it advertises to us.
    pub address: HostPort,
    /// Its rack, if it has one.
    pub rack: Option<Arc<str>>,
}

/// A topic of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicView {
    /// Its name.
    pub name: Arc<str>,
    /// Its id (KIP-516); nil when the cluster gives none.
    pub id: Uuid,
    /// Why nothing newer is known about it, or [`ErrorCode::NONE`].
    pub error: ErrorCode,
    /// Whether it is Kafka's own.
    pub is_internal: bool,
    /// Its partitions; the index is the partition's number.
    pub partitions: Vec<PartitionView>,
}

/// A partition of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionView {
    /// The leading broker; `None` while there is none.
    pub leader: Option<BrokerId>,
    /// The leader's epoch.
    pub leader_epoch: LeaderEpoch,
    /// What the cluster says about the partition.
    pub error: ErrorCode,
}

/// A leader learnt outside metadata, for example from a produce or fetch answer (KIP-951).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderHint {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// The new leader.
    pub leader: BrokerId,
    /// Its epoch; a hint that is not newer than what is known is ignored.
    pub leader_epoch: LeaderEpoch,
    /// The leader's address, if the answer gave it.
    pub address: Option<HostPort>,
}

/// What a metadata request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Some topics: all others stay as they were.
    Some,
    /// All topics that matter: others are forgotten.
    Everything,
}

/// Why an answer was not taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It lists no usable broker.
    NoBrokers,
    /// It is that of another cluster.
    OtherCluster,
    /// The broker reports a fault of its own.
    Code(ErrorCode),
}

impl ClusterView {
    /// The cluster's id, where it has one.
    pub fn cluster_id(&self) -> Option<&str> {
        self.cluster_id.as_deref()
    }

    /// The brokers, by ascending id.
    pub fn brokers(&self) -> impl ExactSizeIterator<Item = &BrokerView> {
        self.brokers.values()
    }

    /// The broker of that id.
    pub fn broker(&self, id: BrokerId) -> Option<&BrokerView> {
        self.brokers.get(&id)
    }

    /// The broker for administrative requests, if there is one.
    pub fn controller(&self) -> Option<BrokerId> {
        self.controller
    }

    /// The topics known so far, in no particular order.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &TopicView> {
        self.topics.values().map(|topic| &**topic)
    }

    /// The topic of that name.
    pub fn topic(&self, name: &str) -> Option<&TopicView> {
        self.topics.get(name).map(|topic| &**topic)
    }

    /// The topic of that id.
    pub fn topic_by_id(&self, id: Uuid) -> Option<&TopicView> {
        self.topic(self.names.get(&id)?)
    }

    /// The leader of a partition and its epoch; `None` while none is known.
    pub fn leader(&self, topic: &str, partition: i32) -> Option<(BrokerId, LeaderEpoch)> {
        let partition = self.topic(topic)?.partition(partition)?;
        Some((partition.leader?, partition.leader_epoch))
    }

    /// This view with `answer` taken over: leader epochs never go back, and what the answer does not know stays.
    pub(crate) fn merge(&self, answer: &MetadataResponse, asked: Asked) -> Result<Self, Refused> {
        if answer.error_code != ErrorCode::NONE {
            return Err(Refused::Code(answer.error_code));
        }
        let brokers = usable_brokers(answer);
        if brokers.is_empty() {
            return Err(Refused::NoBrokers);
        }
        let cluster_id = answer.cluster_id.as_deref();
        if let (Some(known), Some(told)) = (self.cluster_id(), cluster_id)
            && known != told
        {
            return Err(Refused::OtherCluster);
        }
        let mut next = Self {
            generation: self.generation + 1,
            cluster_id: cluster_id
                .map(Arc::from)
                .or_else(|| self.cluster_id.clone()),
            controller: Some(BrokerId(answer.controller_id)).filter(|id| brokers.contains_key(id)),
            brokers,
            topics: match asked {
                Asked::Some => self.topics.clone(),
                Asked::Everything => HashMap::with_capacity(answer.topics.len()),
            },
            names: HashMap::new(),
        };
        for told in &answer.topics {
            let Some(name) = told.name.as_deref() else {
                continue;
            };
            let known = self.topics.get(name);
            let mut topic = merge_topic(known.map(|topic| &**topic), name, told);
            for partition in &mut topic.partitions {
                // A leader that is no broker cannot be asked for anything.
                partition.leader = partition.leader.filter(|id| next.brokers.contains_key(id));
            }
            next.topics.insert(topic.name.clone(), Arc::new(topic));
        }
        next.index_names();
        Ok(next)
    }

    /// This view with the hint taken over; `None` when it says nothing new.
    pub(crate) fn with_hint(&self, hint: &LeaderHint) -> Option<Self> {
        let known = self.topics.get(&hint.topic)?;
        let at = usize::try_from(hint.partition).ok()?;
        let partition = known.partitions.get(at)?;
        let is_known = self.brokers.contains_key(&hint.leader);
        if hint.leader_epoch <= partition.leader_epoch || !(is_known || hint.address.is_some()) {
            return None;
        }
        let mut topic = TopicView::clone(known);
        if let Some(partition) = topic.partitions.get_mut(at) {
            partition.leader = Some(hint.leader);
            partition.leader_epoch = hint.leader_epoch;
            partition.error = ErrorCode::NONE;
        }
        let mut next = self.clone();
        next.generation += 1;
        next.topics.insert(topic.name.clone(), Arc::new(topic));
        if let Some(address) = &hint.address {
            next.note_broker(hint.leader, address);
        }
        Some(next)
    }

    /// This view with a broker that an answer named; `None` when it is known.
    pub(crate) fn with_broker(&self, id: BrokerId, address: &HostPort) -> Option<Self> {
        if self
            .brokers
            .get(&id)
            .is_some_and(|known| known.address == *address)
        {
            return None;
        }
        let mut next = self.clone();
        next.generation += 1;
        next.note_broker(id, address);
        Some(next)
    }

    fn note_broker(&mut self, id: BrokerId, address: &HostPort) {
        let rack = self.brokers.get(&id).and_then(|known| known.rack.clone());
        let address = address.clone();
        self.brokers.insert(id, BrokerView { id, address, rack });
    }

    fn index_names(&mut self) {
        self.names = self
            .topics
            .values()
            .filter(|topic| !topic.id.is_nil())
            .map(|topic| (topic.id, topic.name.clone()))
            .collect();
    }
}

impl TopicView {
    /// The partition of that number.
    pub fn partition(&self, number: i32) -> Option<&PartitionView> {
        self.partitions.get(usize::try_from(number).ok()?)
    }

    /// Whether the topic can be used: at least one partition has a leader.
    pub fn has_leader(&self) -> bool {
        self.partitions
            .iter()
            .any(|partition| partition.leader.is_some())
    }
}

/// A broker's advertised address, if it can be dialled at all.
pub(crate) fn usable_address(host: &str, port: i32) -> Option<HostPort> {
    let port = u16::try_from(port).ok().filter(|port| *port > 0)?;
    let fits = !host.is_empty() && host.len() <= MAX_HOST && !host.chars().any(char::is_control);
    fits.then(|| HostPort::new(host, port))
}

fn usable_brokers(answer: &MetadataResponse) -> BTreeMap<BrokerId, BrokerView> {
    let mut brokers = BTreeMap::new();
    for told in &answer.brokers {
        let (Some(address), 0..) = (usable_address(&told.host, told.port), told.node_id) else {
            continue;
        };
        let id = BrokerId(told.node_id);
        let rack = told.rack.as_deref().map(Arc::from);
        // The first of two brokers with one id counts.
        brokers
            .entry(id)
            .or_insert(BrokerView { id, address, rack });
    }
    brokers
}

fn merge_topic(known: Option<&TopicView>, name: &str, told: &MetadataTopic) -> TopicView {
    // A topic that was deleted and made anew shares nothing with the old one, least of all epochs.
    let known = known
        .filter(|known| known.id.is_nil() || told.topic_id.is_nil() || known.id == told.topic_id);
    let name = known.map_or_else(|| Arc::from(name), |known| known.name.clone());
    let is_passing =
        told.error_code.is_retriable() && told.error_code != ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
    let partitions = match known {
        Some(known) if is_passing && told.partitions.is_empty() => known.partitions.clone(),
        _ => merge_partitions(known, &told.partitions),
    };
    let id = match known {
        // Who has trouble naming the leaders says no id either: that is no other topic, and the next answer may name one.
        Some(known) if is_passing && told.topic_id.is_nil() => known.id,
        _ => told.topic_id,
    };
    TopicView {
        name,
        id,
        error: told.error_code,
        is_internal: told.is_internal,
        partitions,
    }
}

fn merge_partitions(known: Option<&TopicView>, told: &[MetadataPartition]) -> Vec<PartitionView> {
    // Kafka numbers partitions without gaps, so what lies beyond the count is no partition.
    let mut partitions = vec![PartitionView::UNKNOWN; told.len()];
    for partition in told {
        let Some(slot) = usize::try_from(partition.partition_index)
            .ok()
            .and_then(|at| partitions.get_mut(at))
        else {
            continue;
        };
        let fresh = PartitionView {
            leader: Some(BrokerId(partition.leader_id)).filter(|id| id.0 >= 0),
            leader_epoch: LeaderEpoch(partition.leader_epoch),
            error: partition.error_code,
        };
        let older = known.and_then(|known| known.partition(partition.partition_index));
        *slot = match older {
            // An answer from a broker that is behind: what is known is newer.
            Some(older) if fresh.leader_epoch.0 >= 0 && fresh.leader_epoch < older.leader_epoch => {
                *older
            }
            _ => fresh,
        };
    }
    partitions
}

impl PartitionView {
    /// A partition the cluster has not told anything about.
    const UNKNOWN: Self = Self {
        leader: None,
        leader_epoch: LeaderEpoch::UNKNOWN,
        error: ErrorCode::LEADER_NOT_AVAILABLE,
    };
}

#[cfg(test)]
mod tests;
