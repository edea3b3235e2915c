//! Which APIs exist, under which numbers, in which versions.
//!
//! Source: the request schemas of Kafka 4.1 (`apiKey`, `validVersions`, `latestVersionUnstable`,
//! `flexibleVersions`).

use std::fmt;

#[cfg(test)]
mod tests;

/// The number that says which API a request belongs to.
///
/// Any number can be held, because brokers announce APIs that this crate does not know.
/// `Display` and `Debug` print Kafka's name, or the number where there is none.
///
/// ```
/// use ekafka_protocol::ApiKey;
///
/// let newest = ApiKey::FETCH.stable_versions().max;
/// assert_eq!((ApiKey(1), ApiKey(1).name()), (ApiKey::FETCH, Some("Fetch")));
/// assert!(ApiKey::FETCH.is_flexible(newest) && !ApiKey::FETCH.is_flexible(4));
/// for api in ApiKey::all() {
///     println!("{api}: versions {}", api.stable_versions());
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApiKey(pub i16);

impl ApiKey {
    /// Kafka's name in CamelCase, such as `"Fetch"`; `None` for a number without meaning in Kafka 4.1.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        match self.entry() {
            Some(entry) => Some(entry.name),
            None => None,
        }
    }

    /// Every API that Kafka 4.1 has a number for, in ascending order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|entry| entry.key)
    }

    /// The versions that Kafka 4.1 calls stable; empty for APIs it has removed or does not know.
    #[must_use]
    pub const fn stable_versions(self) -> VersionRange {
        match self.entry() {
            Some(entry) => entry.stable,
            None => VersionRange::EMPTY,
        }
    }

    /// Whether this version uses compact lengths and tagged fields (KIP-482).
    #[must_use]
    pub const fn is_flexible(self, version: i16) -> bool {
        match self.entry() {
            Some(entry) => version >= entry.first_flexible,
            None => false,
        }
    }

    const fn entry(self) -> Option<&'static Entry> {
        // The table is dense and sorted, so the key is the index (asserted by a test).
        if self.0 >= 0 && (self.0 as usize) < TABLE.len() {
            Some(&TABLE[self.0 as usize])
        } else {
            None
        }
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "ApiKey({})", self.0),
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A range of versions, both ends included. Empty when `min > max`.
///
/// ```
/// use ekafka_protocol::VersionRange;
///
/// let (ours, theirs) = (VersionRange::new(4, 17), VersionRange::new(0, 11));
/// assert_eq!(ours.latest_common(theirs), Some(11));
/// assert_eq!(ours.intersect(theirs).iter().count(), 8);
/// assert!(ours.contains(4) && !ours.contains(3));
/// assert!(ours.intersect(VersionRange::new(0, 3)).is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VersionRange {
    /// The lowest version.
    pub min: i16,
    /// The highest version.
    pub max: i16,
}

impl VersionRange {
    /// The range that holds nothing.
    pub const EMPTY: Self = Self { min: 0, max: -1 };

    /// The range from `min` to `max`, both included.
    #[must_use]
    pub const fn new(min: i16, max: i16) -> Self {
        Self { min, max }
    }

    /// Whether no version is in the range.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.min > self.max
    }

    /// Whether `version` is in the range.
    #[must_use]
    pub const fn contains(self, version: i16) -> bool {
        self.min <= version && version <= self.max
    }

    /// The versions in both ranges; empty when they do not meet.
    #[must_use]
    pub const fn intersect(self, other: Self) -> Self {
        let min = if self.min > other.min {
            self.min
        } else {
            other.min
        };
        let max = if self.max < other.max {
            self.max
        } else {
            other.max
        };
        if min > max {
            Self::EMPTY
        } else {
            Self { min, max }
        }
    }

    /// The highest version in both ranges: what two peers speak with each other.
    #[must_use]
    pub const fn latest_common(self, other: Self) -> Option<i16> {
        let both = self.intersect(other);
        if both.is_empty() {
            None
        } else {
            Some(both.max)
        }
    }

    /// Every version in the range, ascending.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = i16> {
        self.min..=self.max
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            f.write_str("none")
        } else {
            write!(f, "{}-{}", self.min, self.max)
        }
    }
}

/// The version of the header in front of a request: 1, or 2 (tagged fields) for flexible versions.
#[must_use]
pub const fn request_header_version(api: ApiKey, version: i16) -> i16 {
    if api.is_flexible(version) { 2 } else { 1 }
}

/// The version of the header in front of a response: 0, or 1 (tagged fields) for flexible versions.
///
/// ApiVersions always answers with header 0, so that a client that asked in a version the broker
/// does not know can read the refusal (KIP-511).
#[must_use]
pub const fn response_header_version(api: ApiKey, version: i16) -> i16 {
    if api.is_flexible(version) && api.0 != ApiKey::API_VERSIONS.0 {
        1
    } else {
        0
    }
}

struct Entry {
    key: ApiKey,
    name: &'static str,
    /// The first version with compact lengths and tagged fields; `i16::MAX` for none.
    first_flexible: i16,
    stable: VersionRange,
}

macro_rules! apis {
    ($($key:literal $constant:ident $name:literal $flexible:expr, $min:literal ..= $max:literal;)*) => {
        impl ApiKey {
            $(
                #[doc = concat!("The API `", $name, "`.")]
                pub const $constant: Self = Self($key);
            )*
        }

        static TABLE: &[Entry] = &[$(Entry {
            key: ApiKey($key),
            name: $name,
            first_flexible: $flexible,
            stable: VersionRange::new($min, $max),
        }),*];
    };
}

// Number, constant, name, first flexible version, stable versions in Kafka 4.1 (0..=-1: none).
apis! {
    0 PRODUCE "Produce" 9, 3..=13;
    1 FETCH "Fetch" 12, 4..=18;
    2 LIST_OFFSETS "ListOffsets" 6, 1..=10;
    3 METADATA "Metadata" 9, 0..=13;
    4 LEADER_AND_ISR "LeaderAndIsr" i16::MAX, 0..=-1;
    5 STOP_REPLICA "StopReplica" i16::MAX, 0..=-1;
    6 UPDATE_METADATA "UpdateMetadata" i16::MAX, 0..=-1;
    7 CONTROLLED_SHUTDOWN "ControlledShutdown" i16::MAX, 0..=-1;
    8 OFFSET_COMMIT "OffsetCommit" 8, 2..=9;
    9 OFFSET_FETCH "OffsetFetch" 6, 1..=9;
    10 FIND_COORDINATOR "FindCoordinator" 3, 0..=6;
    11 JOIN_GROUP "JoinGroup" 6, 0..=9;
    12 HEARTBEAT "Heartbeat" 4, 0..=4;
    13 LEAVE_GROUP "LeaveGroup" 4, 0..=5;
    14 SYNC_GROUP "SyncGroup" 4, 0..=5;
    15 DESCRIBE_GROUPS "DescribeGroups" 5, 0..=6;
    16 LIST_GROUPS "ListGroups" 3, 0..=5;
    17 SASL_HANDSHAKE "SaslHandshake" i16::MAX, 0..=1;
    18 API_VERSIONS "ApiVersions" 3, 0..=4;
    19 CREATE_TOPICS "CreateTopics" 5, 2..=7;
    20 DELETE_TOPICS "DeleteTopics" 4, 1..=6;
    21 DELETE_RECORDS "DeleteRecords" 2, 0..=2;
    22 INIT_PRODUCER_ID "InitProducerId" 2, 0..=5;
    23 OFFSET_FOR_LEADER_EPOCH "OffsetForLeaderEpoch" 4, 2..=4;
    24 ADD_PARTITIONS_TO_TXN "AddPartitionsToTxn" 3, 0..=5;
    25 ADD_OFFSETS_TO_TXN "AddOffsetsToTxn" 3, 0..=4;
    26 END_TXN "EndTxn" 3, 0..=5;
    27 WRITE_TXN_MARKERS "WriteTxnMarkers" 1, 1..=1;
    28 TXN_OFFSET_COMMIT "TxnOffsetCommit" 3, 0..=5;
    29 DESCRIBE_ACLS "DescribeAcls" 2, 1..=3;
    30 CREATE_ACLS "CreateAcls" 2, 1..=3;
    31 DELETE_ACLS "DeleteAcls" 2, 1..=3;
    32 DESCRIBE_CONFIGS "DescribeConfigs" 4, 1..=4;
    33 ALTER_CONFIGS "AlterConfigs" 2, 0..=2;
    34 ALTER_REPLICA_LOG_DIRS "AlterReplicaLogDirs" 2, 1..=2;
    35 DESCRIBE_LOG_DIRS "DescribeLogDirs" 2, 1..=4;
    36 SASL_AUTHENTICATE "SaslAuthenticate" 2, 0..=2;
    37 CREATE_PARTITIONS "CreatePartitions" 2, 0..=3;
    38 CREATE_DELEGATION_TOKEN "CreateDelegationToken" 2, 1..=3;
    39 RENEW_DELEGATION_TOKEN "RenewDelegationToken" 2, 1..=2;
    40 EXPIRE_DELEGATION_TOKEN "ExpireDelegationToken" 2, 1..=2;
    41 DESCRIBE_DELEGATION_TOKEN "DescribeDelegationToken" 2, 1..=3;
    42 DELETE_GROUPS "DeleteGroups" 2, 0..=2;
    43 ELECT_LEADERS "ElectLeaders" 2, 0..=2;
    44 INCREMENTAL_ALTER_CONFIGS "IncrementalAlterConfigs" 1, 0..=1;
    45 ALTER_PARTITION_REASSIGNMENTS "AlterPartitionReassignments" 0, 0..=1;
    46 LIST_PARTITION_REASSIGNMENTS "ListPartitionReassignments" 0, 0..=0;
    47 OFFSET_DELETE "OffsetDelete" i16::MAX, 0..=0;
    48 DESCRIBE_CLIENT_QUOTAS "DescribeClientQuotas" 1, 0..=1;
    49 ALTER_CLIENT_QUOTAS "AlterClientQuotas" 1, 0..=1;
    50 DESCRIBE_USER_SCRAM_CREDENTIALS "DescribeUserScramCredentials" 0, 0..=0;
    51 ALTER_USER_SCRAM_CREDENTIALS "AlterUserScramCredentials" 0, 0..=0;
    52 VOTE "Vote" 0, 0..=2;
    53 BEGIN_QUORUM_EPOCH "BeginQuorumEpoch" 1, 0..=1;
    54 END_QUORUM_EPOCH "EndQuorumEpoch" 1, 0..=1;
    55 DESCRIBE_QUORUM "DescribeQuorum" 0, 0..=2;
    56 ALTER_PARTITION "AlterPartition" 0, 2..=3;
    57 UPDATE_FEATURES "UpdateFeatures" 0, 0..=2;
    58 ENVELOPE "Envelope" 0, 0..=0;
    59 FETCH_SNAPSHOT "FetchSnapshot" 0, 0..=1;
    60 DESCRIBE_CLUSTER "DescribeCluster" 0, 0..=2;
    61 DESCRIBE_PRODUCERS "DescribeProducers" 0, 0..=0;
    62 BROKER_REGISTRATION "BrokerRegistration" 0, 0..=4;
    63 BROKER_HEARTBEAT "BrokerHeartbeat" 0, 0..=1;
    64 UNREGISTER_BROKER "UnregisterBroker" 0, 0..=0;
    65 DESCRIBE_TRANSACTIONS "DescribeTransactions" 0, 0..=0;
    66 LIST_TRANSACTIONS "ListTransactions" 0, 0..=2;
    67 ALLOCATE_PRODUCER_IDS "AllocateProducerIds" 0, 0..=0;
    68 CONSUMER_GROUP_HEARTBEAT "ConsumerGroupHeartbeat" 0, 0..=1;
    69 CONSUMER_GROUP_DESCRIBE "ConsumerGroupDescribe" 0, 0..=1;
    70 CONTROLLER_REGISTRATION "ControllerRegistration" 0, 0..=0;
    71 GET_TELEMETRY_SUBSCRIPTIONS "GetTelemetrySubscriptions" 0, 0..=0;
    72 PUSH_TELEMETRY "PushTelemetry" 0, 0..=0;
    73 ASSIGN_REPLICAS_TO_DIRS "AssignReplicasToDirs" 0, 0..=0;
    74 LIST_CONFIG_RESOURCES "ListConfigResources" 0, 0..=1;
    75 DESCRIBE_TOPIC_PARTITIONS "DescribeTopicPartitions" 0, 0..=0;
    76 SHARE_GROUP_HEARTBEAT "ShareGroupHeartbeat" 0, 1..=1;
    77 SHARE_GROUP_DESCRIBE "ShareGroupDescribe" 0, 1..=1;
    78 SHARE_FETCH "ShareFetch" 0, 1..=1;
    79 SHARE_ACKNOWLEDGE "ShareAcknowledge" 0, 1..=1;
    80 ADD_RAFT_VOTER "AddRaftVoter" 0, 0..=0;
    81 REMOVE_RAFT_VOTER "RemoveRaftVoter" 0, 0..=0;
    82 UPDATE_RAFT_VOTER "UpdateRaftVoter" 0, 0..=0;
    83 INITIALIZE_SHARE_GROUP_STATE "InitializeShareGroupState" 0, 0..=0;
    84 READ_SHARE_GROUP_STATE "ReadShareGroupState" 0, 0..=0;
    85 WRITE_SHARE_GROUP_STATE "WriteShareGroupState" 0, 0..=0;
    86 DELETE_SHARE_GROUP_STATE "DeleteShareGroupState" 0, 0..=0;
    87 READ_SHARE_GROUP_STATE_SUMMARY "ReadShareGroupStateSummary" 0, 0..=0;
    88 STREAMS_GROUP_HEARTBEAT "StreamsGroupHeartbeat" 0, 0..=-1;
    89 STREAMS_GROUP_DESCRIBE "StreamsGroupDescribe" 0, 0..=-1;
    90 DESCRIBE_SHARE_GROUP_OFFSETS "DescribeShareGroupOffsets" 0, 0..=0;
    91 ALTER_SHARE_GROUP_OFFSETS "AlterShareGroupOffsets" 0, 0..=0;
    92 DELETE_SHARE_GROUP_OFFSETS "DeleteShareGroupOffsets" 0, 0..=0;
}
