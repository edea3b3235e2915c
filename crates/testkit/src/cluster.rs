//! The state of the whole embedded cluster: nodes, topics, groups, producers. Pure: `now` is passed in.

use std::collections::{BTreeMap, HashMap};

use ekafka_protocol::ErrorCode;
use tokio::time::Instant;
use uuid::Uuid;

use crate::group::Groups;
use crate::log::{AppendTerms, Batch, PartitionLog};
use crate::sessions::FetchSessions;
use crate::settings::Settings;
use crate::topic::{Partition, Topic, TopicConfig, check_topic_name};
use crate::transactions::Transactions;

/// Everything the nodes of one embedded cluster share.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) settings: Settings,
    pub(crate) cluster_id: String,
    /// By node id.
    pub(crate) nodes: BTreeMap<i32, Node>,
    pub(crate) controller: i32,
    /// By topic name.
    pub(crate) topics: BTreeMap<String, Topic>,
    /// Topic names by id; a deleted topic's id goes away with it.
    names: HashMap<Uuid, String>,
    pub(crate) groups: Groups,
    pub(crate) transactions: Transactions,
    /// By node id: fetch sessions live on one broker (KIP-227).
    pub(crate) fetch_sessions: BTreeMap<i32, FetchSessions>,
    /// Configurations set on brokers, by node id (or -1 for all) and name.
    pub(crate) broker_configs: BTreeMap<(i32, String), String>,
    /// Quotas by whom they are about, then by name.
    pub(crate) quotas: BTreeMap<QuotaEntity, BTreeMap<String, f64>>,
    pub(crate) random: fastrand::Rng,
    /// What the request being handled should not have said; taken by its connection.
    pub(crate) illegal: Vec<String>,
    clock: WallClock,
}

/// Whom a quota is about: names by kind, no name for the default of the kind.
pub(crate) type QuotaEntity = BTreeMap<String, Option<String>>;

/// One broker of the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Stopped nodes refuse connections and lead nothing.
    pub(crate) is_up: bool,
    /// Where it stands (`broker.rack`).
    pub(crate) rack: Option<String>,
}

/// The broker's wall clock, driven by tokio's clock so that a paused runtime pauses it as well.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock {
    pub(crate) started: Instant,
    /// Milliseconds since 1970 at `started`.
    pub(crate) started_ms: i64,
}

impl WallClock {
    fn milliseconds(self, now: Instant) -> i64 {
        let elapsed = now.saturating_duration_since(self.started).as_millis();
        self.started_ms
            .saturating_add(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }
}

impl Cluster {
    pub(crate) fn new(
        settings: Settings,
        nodes: BTreeMap<i32, Node>,
        mut random: fastrand::Rng,
        clock: WallClock,
    ) -> Self {
        let cluster_id = base62(&mut random, 22);
        let fetch_sessions = nodes
            .keys()
            .map(|&id| (id, FetchSessions::default()))
            .collect();
        Self {
            controller: nodes.keys().next().copied().unwrap_or(-1),
            cluster_id,
            nodes,
            topics: BTreeMap::new(),
            names: HashMap::new(),
            groups: Groups::default(),
            transactions: Transactions::default(),
            fetch_sessions,
            broker_configs: BTreeMap::new(),
            quotas: BTreeMap::new(),
            random,
            illegal: Vec::new(),
            clock,
            settings,
        }
    }

    /// The broker's time at `now`, in ms since 1970.
    pub(crate) fn wall_ms(&self, now: Instant) -> i64 {
        self.clock.milliseconds(now)
    }

    pub(crate) fn topic_name(&self, id: Uuid) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    pub(crate) fn topic_by_id(&self, id: Uuid) -> Option<&Topic> {
        self.topics.get(self.names.get(&id)?)
    }

    pub(crate) fn partition(&self, topic: &str, partition: i32) -> Option<&Partition> {
        self.topics
            .get(topic)?
            .partitions
            .get(usize::try_from(partition).ok()?)
    }

    pub(crate) fn partition_mut(&mut self, topic: &str, partition: i32) -> Option<&mut Partition> {
        self.topics
            .get_mut(topic)?
            .partitions
            .get_mut(usize::try_from(partition).ok()?)
    }

    /// Checks that `node` leads the partition.
    pub(crate) fn led_by(
        &mut self,
        node: i32,
        topic: &str,
        partition: i32,
    ) -> Result<&mut Partition, ErrorCode> {
        let found = self
            .partition_mut(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        if found.leader == node {
            Ok(found)
        } else {
            Err(ErrorCode::NOT_LEADER_OR_FOLLOWER)
        }
    }

    /// Checks that consumers may read the partition on `node`: on its leader and, in a cluster with racks, on every
    /// replica in sync (KIP-392). Says where the replica's log ends.
    pub(crate) fn read_on(
        &mut self,
        node: i32,
        topic: &str,
        partition: i32,
        may_follow: bool,
    ) -> Result<(&mut Partition, i64), ErrorCode> {
        let has_racks = self.nodes.values().any(|node| node.rack.is_some());
        let found = self
            .partition_mut(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let follows = has_racks && may_follow && found.in_sync.contains(&node);
        if found.leader == node || follows {
            let end = found.end_on(node);
            Ok((found, end))
        } else {
            Err(ErrorCode::NOT_LEADER_OR_FOLLOWER)
        }
    }

    /// The replica in the client's rack that a leader sends it to; none when the leader itself stands there.
    pub(crate) fn preferred_replica(
        &self,
        topic: &str,
        partition: i32,
        rack: &str,
        offset: i64,
    ) -> Option<i32> {
        let found = self.partition(topic, partition)?;
        let is_near = |id: &i32| {
            let node = self.nodes.get(id).filter(|node| node.is_up);
            node.is_some_and(|node| node.rack.as_deref() == Some(rack))
        };
        if rack.is_empty() || is_near(&found.leader) {
            return None;
        }
        let mut near = found.in_sync.iter().copied().filter(is_near);
        near.find(|id| found.end_on(*id) >= offset)
    }

    /// What answers say about throttling, in ms.
    pub(crate) fn throttle_ms(&self) -> i32 {
        i32::try_from(self.settings.throttle.as_millis()).unwrap_or(i32::MAX)
    }

    /// Refuses administrative requests on other nodes than the controller, when the cluster insists on it. Brokers since
    /// KRaft forward them, so by default any node takes them.
    pub(crate) fn check_controller(&self, node: i32) -> Result<(), ErrorCode> {
        let is_wrong = self.settings.insists_on_controller && node != self.controller;
        if is_wrong {
            Err(ErrorCode::NOT_CONTROLLER)
        } else {
            Ok(())
        }
    }

    /// Checks that `node` coordinates this group or transactional id.
    pub(crate) fn check_coordinator(&self, node: i32, key: &str) -> Result<(), ErrorCode> {
        match self.coordinator(key) {
            Some(id) if id == node => Ok(()),
            Some(_) => Err(ErrorCode::NOT_COORDINATOR),
            None => Err(ErrorCode::COORDINATOR_NOT_AVAILABLE),
        }
    }

    /// As [`Self::check_coordinator`], for a group, whose id must not be empty.
    pub(crate) fn check_group(&self, node: i32, id: &str) -> Result<(), ErrorCode> {
        if id.is_empty() {
            return Err(ErrorCode::INVALID_GROUP_ID);
        }
        self.check_coordinator(node, id)
    }

    /// Ends the open transaction of a transactional id: markers go into its partitions, its offsets into their groups.
    pub(crate) fn end_transaction(
        &mut self,
        transactional_id: &str,
        committed: bool,
        now: Instant,
    ) {
        let stamp = self.wall_ms(now);
        let Some(producer) = self.transactions.by_id.get_mut(transactional_id) else {
            return;
        };
        let (producer_id, epoch) = (producer.producer_id, producer.epoch);
        let (partitions, offsets) = producer.end(committed);
        for (topic, number) in partitions {
            if let Some(partition) = self.partition_mut(&topic, number) {
                let terms = AppendTerms {
                    leader_epoch: partition.leader_epoch,
                    append_time: None,
                    compaction: None,
                };
                let marker = Batch::marker(producer_id, epoch, committed, stamp);
                partition.log.end_transaction(&marker, committed, terms);
                partition.wake();
            }
        }
        for (group, topic, number, position) in offsets.into_iter().filter(|_| committed) {
            self.groups
                .at_or_new(&group, now)
                .offsets
                .insert((topic, number), position);
        }
    }

    /// Makes a topic; `replicas` names the replicas of each partition when the caller assigns them by hand.
    pub(crate) fn create_topic(
        &mut self,
        name: &str,
        wanted: &NewTopic<'_>,
    ) -> Result<Uuid, ErrorCode> {
        let replicas = self.plan_topic(name, wanted)?;
        let id = uuid::Builder::from_random_bytes(self.random.u128(..).to_be_bytes()).into_uuid();
        let config = wanted.config.clone();
        let partitions = replicas
            .into_iter()
            .map(|replicas| self.place(replicas))
            .collect();
        self.names.insert(id, name.to_owned());
        self.topics.insert(
            name.to_owned(),
            Topic {
                id,
                partitions,
                config,
            },
        );
        Ok(id)
    }

    /// Checks what [`Self::create_topic`] is asked for and gives the replicas of each partition.
    pub(crate) fn plan_topic(
        &mut self,
        name: &str,
        wanted: &NewTopic<'_>,
    ) -> Result<Vec<Vec<i32>>, ErrorCode> {
        check_topic_name(name)?;
        if self.topics.contains_key(name) {
            return Err(ErrorCode::TOPIC_ALREADY_EXISTS);
        }
        if let Some(by_hand) = wanted.replicas {
            self.check_assignment(by_hand)?;
            return Ok(by_hand.to_vec());
        }
        let factor = match wanted.replication_factor {
            -1 => self.default_replication(),
            factor => usize::try_from(factor).unwrap_or(0),
        };
        let partitions = if wanted.partitions == -1 {
            self.settings.default_partitions
        } else {
            wanted.partitions
        };
        if partitions < 1 {
            return Err(ErrorCode::INVALID_PARTITIONS);
        }
        if factor < 1 || factor > self.nodes.len() {
            return Err(ErrorCode::INVALID_REPLICATION_FACTOR);
        }
        let first = self.random.usize(..self.nodes.len().max(1));
        Ok((0..usize::try_from(partitions).unwrap_or(1))
            .map(|at| self.spread(first + at, factor))
            .collect())
    }

    fn default_replication(&self) -> usize {
        usize::try_from(self.settings.default_replication)
            .unwrap_or(1)
            .min(self.nodes.len())
    }

    fn check_assignment(&self, by_hand: &[Vec<i32>]) -> Result<(), ErrorCode> {
        let factor = by_hand.first().map_or(0, Vec::len);
        let is_sound = |replicas: &Vec<i32>| {
            let known = replicas.iter().all(|id| self.nodes.contains_key(id));
            let distinct = replicas
                .iter()
                .enumerate()
                .all(|(at, id)| !replicas.iter().take(at).any(|seen| seen == id));
            known && distinct && replicas.len() == factor
        };
        if factor > 0 && by_hand.iter().all(is_sound) {
            Ok(())
        } else {
            Err(ErrorCode::INVALID_REPLICA_ASSIGNMENT)
        }
    }

    /// `factor` node ids in ring order from position `first`.
    fn spread(&self, first: usize, factor: usize) -> Vec<i32> {
        let count = self.nodes.len().max(1);
        self.nodes
            .keys()
            .copied()
            .cycle()
            .skip(first % count)
            .take(factor)
            .collect()
    }

    fn place(&self, replicas: Vec<i32>) -> Partition {
        let leader = replicas
            .iter()
            .copied()
            .find(|id| self.is_up(*id))
            .unwrap_or(-1);
        Partition::new(replicas, leader, PartitionLog::new())
    }

    /// Adds partitions up to `count`; a hand-made assignment names the replicas of the new ones.
    pub(crate) fn add_partitions(
        &mut self,
        name: &str,
        count: i32,
        by_hand: Option<&[Vec<i32>]>,
        dry: bool,
    ) -> Result<(), ErrorCode> {
        let topic = self
            .topics
            .get(name)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        let have = topic.partitions.len();
        let factor = topic
            .partitions
            .first()
            .map_or(1, |partition| partition.replicas.len());
        let wanted = usize::try_from(count).unwrap_or(0);
        if wanted <= have {
            return Err(ErrorCode::INVALID_PARTITIONS);
        }
        let replicas = match by_hand {
            Some(by_hand) if by_hand.len() != wanted - have => {
                return Err(ErrorCode::INVALID_REPLICA_ASSIGNMENT);
            }
            Some(by_hand) => {
                self.check_assignment(by_hand)?;
                by_hand.to_vec()
            }
            None => (have..wanted).map(|at| self.spread(at, factor)).collect(),
        };
        if !dry {
            let added: Vec<_> = replicas
                .into_iter()
                .map(|replicas| self.place(replicas))
                .collect();
            if let Some(topic) = self.topics.get_mut(name) {
                topic.partitions.extend(added);
            }
        }
        Ok(())
    }

    /// Deletes a topic and wakes whoever waits for its records.
    pub(crate) fn delete_topic(&mut self, name: &str) -> Result<Uuid, ErrorCode> {
        let mut topic = self
            .topics
            .remove(name)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        self.names.remove(&topic.id);
        topic.partitions.iter_mut().for_each(Partition::wake);
        self.groups.forget_topic(name);
        Ok(topic.id)
    }

    pub(crate) fn is_up(&self, node: i32) -> bool {
        self.nodes.get(&node).is_some_and(|node| node.is_up)
    }

    /// Gives the partition to another of its replicas (or any node); the leader epoch grows by one.
    pub(crate) fn move_leader(
        &mut self,
        topic: &str,
        partition: i32,
        to: i32,
    ) -> Result<(), ErrorCode> {
        if to != -1 && !self.nodes.contains_key(&to) {
            return Err(ErrorCode::BROKER_NOT_AVAILABLE);
        }
        let partition = self
            .partition_mut(topic, partition)
            .ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
        if to != -1 && !partition.replicas.contains(&to) {
            partition.replicas.push(to);
            partition.in_sync.push(to);
        }
        partition.leader = to;
        partition.leader_epoch += 1;
        partition.wake();
        Ok(())
    }

    /// Takes a node down: its partitions go to replicas that are up, the controller moves.
    pub(crate) fn node_down(&mut self, id: i32) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.is_up = false;
        }
        self.fetch_sessions.insert(id, FetchSessions::default());
        if self.controller == id {
            let next = self.up_nodes().next();
            self.controller = next.unwrap_or(-1);
        }
        self.elect_leaders();
    }

    /// Brings a node back: partitions without a leader get one.
    pub(crate) fn node_up(&mut self, id: i32) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.is_up = true;
        }
        if self.controller == -1 {
            self.controller = id;
        }
        self.elect_leaders();
    }

    pub(crate) fn up_nodes(&self) -> impl Iterator<Item = i32> {
        self.nodes
            .iter()
            .filter(|(_, node)| node.is_up)
            .map(|(&id, _)| id)
    }

    fn elect_leaders(&mut self) {
        let up: Vec<i32> = self.up_nodes().collect();
        for partition in self
            .topics
            .values_mut()
            .flat_map(|topic| &mut topic.partitions)
        {
            partition.in_sync = partition
                .replicas
                .iter()
                .copied()
                .filter(|id| up.contains(id))
                .collect();
            if !up.contains(&partition.leader) {
                let leader = partition.in_sync.first().copied().unwrap_or(-1);
                if leader != partition.leader {
                    partition.leader = leader;
                    partition.leader_epoch += 1;
                }
                partition.wake();
            }
        }
    }

    /// The node that coordinates a group or transactional id, when one is up.
    pub(crate) fn coordinator(&self, key: &str) -> Option<i32> {
        if let Some(&forced) = self.settings.coordinators.get(key) {
            return self.is_up(forced).then_some(forced);
        }
        let up: Vec<i32> = self.up_nodes().collect();
        let hash = key.bytes().fold(0u32, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        up.get(usize::try_from(hash).unwrap_or(0) % up.len().max(1))
            .copied()
    }
}

/// What a topic is made with.
#[derive(Debug, Default)]
pub(crate) struct NewTopic<'a> {
    /// -1 takes the broker's default.
    pub(crate) partitions: i32,
    /// -1 takes the broker's default.
    pub(crate) replication_factor: i16,
    pub(crate) replicas: Option<&'a [Vec<i32>]>,
    pub(crate) config: TopicConfig,
}

fn base62(random: &mut fastrand::Rng, len: usize) -> String {
    (0..len).map(|_| random.alphanumeric()).collect()
}
