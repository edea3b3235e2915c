//! Every error code a broker can answer with.
//!
//! Source: the enum `Errors` of Kafka 4.1; a code is retriable when its exception there is a
//! `RetriableException`.

use std::fmt;

#[cfg(test)]
mod tests;

/// What a broker says about a request, or about one part of it.
///
/// Any number can be held, because newer brokers have codes this crate does not know.
/// `Display` prints name, number and meaning; `Debug` prints name and number.
///
/// ```
/// use ekafka_protocol::ErrorCode;
///
/// let code = ErrorCode(6);
/// assert_eq!(code.name(), Some("NOT_LEADER_OR_FOLLOWER"));
/// assert!(code.is_error() && code.is_retriable());
/// assert_eq!(code.ok(), Err(ErrorCode::NOT_LEADER_OR_FOLLOWER));
/// let hopeless = ErrorCode::all().filter(|code| code.is_error() && !code.is_retriable());
/// for code in hopeless {
///     println!("{code}: {}", code.message());
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ErrorCode(pub i16);

impl ErrorCode {
    /// Kafka's name for it, such as `"NOT_LEADER_OR_FOLLOWER"`; `None` for a code unknown to Kafka 4.1.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        self.entry().map(|entry| entry.name)
    }

    /// What it means, in a few words.
    #[must_use]
    pub fn message(self) -> &'static str {
        self.entry()
            .map_or("a code this client does not know", |entry| entry.message)
    }

    /// Whether Kafka calls it retriable: the same request may succeed later, perhaps on another broker.
    ///
    /// A code unknown to Kafka 4.1 is not.
    #[must_use]
    pub fn is_retriable(self) -> bool {
        self.entry().is_some_and(|entry| entry.retriable)
    }

    /// Whether the code says that something failed.
    #[must_use]
    pub fn is_error(self) -> bool {
        self != Self::NONE
    }

    /// `Ok` for [`Self::NONE`], else the code as error.
    ///
    /// # Errors
    ///
    /// The code itself.
    pub fn ok(self) -> Result<(), Self> {
        if self.is_error() { Err(self) } else { Ok(()) }
    }

    /// Every code of Kafka 4.1, ascending.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|entry| entry.code)
    }

    fn entry(self) -> Option<&'static Entry> {
        // The table is dense from -1 on (asserted by a test).
        let index = usize::try_from(i32::from(self.0) + 1).ok()?;
        TABLE.get(index)
    }
}

impl std::error::Error for ErrorCode {}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}: {}", self.message())
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name().unwrap_or("UNKNOWN"), self.0)
    }
}

struct Entry {
    code: ErrorCode,
    name: &'static str,
    retriable: bool,
    message: &'static str,
}

macro_rules! error_codes {
    ($($code:literal $name:ident $retriable:literal $message:literal;)*) => {
        impl ErrorCode {
            $(
                #[doc = concat!($message, ".")]
                pub const $name: Self = Self($code);
            )*
        }

        static TABLE: &[Entry] = &[$(Entry {
            code: ErrorCode($code),
            name: stringify!($name),
            retriable: $retriable,
            message: $message,
        }),*];
    };
}

// Number, name, retriable, meaning.
error_codes! {
    -1 UNKNOWN_SERVER_ERROR false "the broker failed unexpectedly";
    0 NONE false "no error";
    1 OFFSET_OUT_OF_RANGE false "the offset is outside the log of the partition";
    2 CORRUPT_MESSAGE true "the record batch is damaged, too large, or lacks a key on a compacted topic";
    3 UNKNOWN_TOPIC_OR_PARTITION true "the broker does not host this topic or partition";
    4 INVALID_FETCH_SIZE false "the fetch size is not valid";
    5 LEADER_NOT_AVAILABLE true "the partition has no leader at the moment";
    6 NOT_LEADER_OR_FOLLOWER true "the broker is not the leader, or not a replica, of the partition";
    7 REQUEST_TIMED_OUT true "the broker did not finish within the request's timeout";
    8 BROKER_NOT_AVAILABLE false "the broker is not available";
    9 REPLICA_NOT_AVAILABLE true "the replica is not available on this broker";
    10 MESSAGE_TOO_LARGE false "a record batch is larger than the topic accepts";
    11 STALE_CONTROLLER_EPOCH false "the controller has moved to another broker";
    12 OFFSET_METADATA_TOO_LARGE false "the metadata text of a committed offset is too long";
    13 NETWORK_EXCEPTION true "the connection to the broker ended before the answer";
    14 COORDINATOR_LOAD_IN_PROGRESS true "the coordinator is still loading its state";
    15 COORDINATOR_NOT_AVAILABLE true "the coordinator is not available";
    16 NOT_COORDINATOR true "the broker is not the coordinator asked for";
    17 INVALID_TOPIC_EXCEPTION false "the topic name is not valid or the topic may not be used so";
    18 RECORD_LIST_TOO_LARGE false "the record batch is larger than a log segment";
    19 NOT_ENOUGH_REPLICAS true "fewer replicas are in sync than the topic requires; nothing was written";
    20 NOT_ENOUGH_REPLICAS_AFTER_APPEND true "the records were written, but to fewer in-sync replicas than required";
    21 INVALID_REQUIRED_ACKS false "the number of required acknowledgements is not valid";
    22 ILLEGAL_GENERATION false "the group's generation is another by now";
    23 INCONSISTENT_GROUP_PROTOCOL false "the member shares no assignment protocol with the group";
    24 INVALID_GROUP_ID false "the group id is not valid";
    25 UNKNOWN_MEMBER_ID false "the coordinator does not know this member";
    26 INVALID_SESSION_TIMEOUT false "the session timeout is outside the limits of the broker";
    27 REBALANCE_IN_PROGRESS false "the group is rebalancing; the member has to rejoin";
    28 INVALID_COMMIT_OFFSET_SIZE false "the committed offset data is too large";
    29 TOPIC_AUTHORIZATION_FAILED false "access to the topic is denied";
    30 GROUP_AUTHORIZATION_FAILED false "access to the group is denied";
    31 CLUSTER_AUTHORIZATION_FAILED false "the operation on the cluster is denied";
    32 INVALID_TIMESTAMP false "a record's timestamp is outside the accepted range";
    33 UNSUPPORTED_SASL_MECHANISM false "the broker does not offer this SASL mechanism";
    34 ILLEGAL_SASL_STATE false "the request does not fit the state of the SASL exchange";
    35 UNSUPPORTED_VERSION false "the broker does not support this version of the request";
    36 TOPIC_ALREADY_EXISTS false "a topic of this name exists already";
    37 INVALID_PARTITIONS false "the number of partitions is not valid";
    38 INVALID_REPLICATION_FACTOR false "the replication factor is below 1 or above the number of brokers";
    39 INVALID_REPLICA_ASSIGNMENT false "the assignment of replicas is not valid";
    40 INVALID_CONFIG false "a configuration value is not valid";
    41 NOT_CONTROLLER true "the broker is not the controller";
    42 INVALID_REQUEST false "the request is malformed or contradicts itself";
    43 UNSUPPORTED_FOR_MESSAGE_FORMAT false "the topic's message format does not support the request";
    44 POLICY_VIOLATION false "a policy of the cluster forbids the request";
    45 OUT_OF_ORDER_SEQUENCE_NUMBER false "the sequence number does not follow the last one the broker has";
    46 DUPLICATE_SEQUENCE_NUMBER false "the broker has this sequence number already";
    47 INVALID_PRODUCER_EPOCH false "the producer's epoch is older than the one the broker knows";
    48 INVALID_TXN_STATE false "the transaction is not in a state that allows this";
    49 INVALID_PRODUCER_ID_MAPPING false "the producer id does not belong to this transactional id";
    50 INVALID_TRANSACTION_TIMEOUT false "the transaction timeout is above the limit of the broker";
    51 CONCURRENT_TRANSACTIONS true "another operation on the same transaction is still under way";
    52 TRANSACTION_COORDINATOR_FENCED false "the transaction coordinator is no longer responsible for this producer";
    53 TRANSACTIONAL_ID_AUTHORIZATION_FAILED false "use of the transactional id is denied";
    54 SECURITY_DISABLED false "the broker has no authorizer configured";
    55 OPERATION_NOT_ATTEMPTED false "the broker did not get to this part of the request";
    56 KAFKA_STORAGE_ERROR true "the broker could not read or write its disk";
    57 LOG_DIR_NOT_FOUND false "the broker has no such log directory";
    58 SASL_AUTHENTICATION_FAILED false "the credentials were not accepted";
    59 UNKNOWN_PRODUCER_ID false "the broker has no state for this producer id; its records may have expired";
    60 REASSIGNMENT_IN_PROGRESS false "the partition is already being reassigned";
    61 DELEGATION_TOKEN_AUTH_DISABLED false "delegation tokens are switched off";
    62 DELEGATION_TOKEN_NOT_FOUND false "the broker does not know this delegation token";
    63 DELEGATION_TOKEN_OWNER_MISMATCH false "the principal is neither owner nor renewer of the token";
    64 DELEGATION_TOKEN_REQUEST_NOT_ALLOWED false "delegation tokens need a TLS or SASL connection that was not itself made by token";
    65 DELEGATION_TOKEN_AUTHORIZATION_FAILED false "the operation on delegation tokens is denied";
    66 DELEGATION_TOKEN_EXPIRED false "the delegation token has expired";
    67 INVALID_PRINCIPAL_TYPE false "the type of principal is not supported";
    68 NON_EMPTY_GROUP false "the group still has members";
    69 GROUP_ID_NOT_FOUND false "there is no such group";
    70 FETCH_SESSION_ID_NOT_FOUND true "the broker does not know this fetch session";
    71 INVALID_FETCH_SESSION_EPOCH true "the epoch of the fetch session is not the expected one";
    72 LISTENER_NOT_FOUND true "the leader has no listener of the kind the metadata was asked on";
    73 TOPIC_DELETION_DISABLED false "the cluster does not allow topics to be deleted";
    74 FENCED_LEADER_EPOCH true "the leader epoch is older than the broker's";
    75 UNKNOWN_LEADER_EPOCH true "the leader epoch is newer than the broker's";
    76 UNSUPPORTED_COMPRESSION_TYPE false "this version of the request cannot carry the codec of the batch";
    77 STALE_BROKER_EPOCH false "the broker's own epoch is outdated";
    78 OFFSET_NOT_AVAILABLE true "the new leader cannot answer for offsets yet";
    79 MEMBER_ID_REQUIRED false "the member has to join again with the id it was given";
    80 PREFERRED_LEADER_NOT_AVAILABLE true "the preferred leader is not available";
    81 GROUP_MAX_SIZE_REACHED false "the group is full";
    82 FENCED_INSTANCE_ID false "another member has taken over this group instance id";
    83 ELIGIBLE_LEADERS_NOT_AVAILABLE true "no replica is eligible as leader";
    84 ELECTION_NOT_NEEDED true "the partition has the wanted leader already";
    85 NO_REASSIGNMENT_IN_PROGRESS false "the partition is not being reassigned";
    86 GROUP_SUBSCRIBED_TO_TOPIC false "the group is subscribed to the topic";
    87 INVALID_RECORD false "the broker refuses a record of the batch";
    88 UNSTABLE_OFFSET_COMMIT true "offsets of an open transaction are pending";
    89 THROTTLING_QUOTA_EXCEEDED true "a quota is used up; the broker asks to slow down";
    90 PRODUCER_FENCED false "a newer producer uses the same transactional id";
    91 RESOURCE_NOT_FOUND false "the request names something that does not exist";
    92 DUPLICATE_RESOURCE false "the request names the same thing twice";
    93 UNACCEPTABLE_CREDENTIAL false "the credential does not meet the requirements";
    94 INCONSISTENT_VOTER_SET false "sender or receiver is not one of the voters";
    95 INVALID_UPDATE_VERSION false "the requested feature version is not valid";
    96 FEATURE_UPDATE_FAILED false "the feature could not be updated";
    97 PRINCIPAL_DESERIALIZATION_FAILURE false "the broker could not read the principal of a forwarded request";
    98 SNAPSHOT_NOT_FOUND false "there is no such snapshot";
    99 POSITION_OUT_OF_RANGE false "the position is outside the snapshot";
    100 UNKNOWN_TOPIC_ID true "the broker does not know this topic id";
    101 DUPLICATE_BROKER_REGISTRATION false "the broker id is in use already";
    102 BROKER_ID_NOT_REGISTERED false "the broker id is not registered";
    103 INCONSISTENT_TOPIC_ID true "the topic id is not the one of the log";
    104 INCONSISTENT_CLUSTER_ID false "the cluster id is not the one of this cluster";
    105 TRANSACTIONAL_ID_NOT_FOUND false "there is no such transactional id";
    106 FETCH_SESSION_TOPIC_ID_ERROR true "the fetch session mixes topic names and topic ids";
    107 INELIGIBLE_REPLICA false "a replica of the new in-sync set is not eligible";
    108 NEW_LEADER_ELECTED false "the partition has been changed and has a new leader";
    109 OFFSET_MOVED_TO_TIERED_STORAGE false "the offset has moved to tiered storage";
    110 FENCED_MEMBER_EPOCH false "the member epoch is fenced; the member must give up its partitions and rejoin";
    111 UNRELEASED_INSTANCE_ID false "another member still holds this group instance id";
    112 UNSUPPORTED_ASSIGNOR false "the coordinator does not offer this assignor";
    113 STALE_MEMBER_EPOCH false "the member epoch is outdated; the next heartbeat brings the current one";
    114 MISMATCHED_ENDPOINT_TYPE false "the request was sent to the wrong kind of listener";
    115 UNSUPPORTED_ENDPOINT_TYPE false "the kind of endpoint asked for is not supported";
    116 UNKNOWN_CONTROLLER_ID false "there is no controller with this id";
    117 UNKNOWN_SUBSCRIPTION_ID false "the telemetry subscription is unknown or outdated";
    118 TELEMETRY_TOO_LARGE false "the telemetry is larger than the broker accepts";
    119 INVALID_REGISTRATION false "the controller finds the broker's registration not valid";
    120 TRANSACTION_ABORTABLE false "the transaction cannot be committed, only aborted";
    121 INVALID_RECORD_STATE false "the record is not in a state that can be acknowledged";
    122 SHARE_SESSION_NOT_FOUND true "the broker does not know this share session";
    123 INVALID_SHARE_SESSION_EPOCH true "the epoch of the share session is not the expected one";
    124 FENCED_STATE_EPOCH false "the state epoch of the share group is outdated";
    125 INVALID_VOTER_KEY false "the voter's key does not match";
    126 DUPLICATE_VOTER false "the voter is in the set already";
    127 VOTER_NOT_FOUND false "the voter is not in the set";
    128 INVALID_REGULAR_EXPRESSION false "the regular expression is not valid";
    129 REBOOTSTRAP_REQUIRED false "the client's view of the cluster is outdated; it must start from its bootstrap addresses";
    130 STREAMS_INVALID_TOPOLOGY false "the topology is not valid";
    131 STREAMS_INVALID_TOPOLOGY_EPOCH false "the epoch of the topology is not valid";
    132 STREAMS_TOPOLOGY_FENCED false "the epoch of the topology is outdated";
    133 SHARE_SESSION_LIMIT_REACHED true "the broker has no room for another share session";
}
