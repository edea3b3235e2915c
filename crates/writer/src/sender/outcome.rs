//! What a broker's answer for one batch means: the writer's policy for every error code, as a table without state.

use ekafka_protocol::ErrorCode;

#[cfg(test)]
mod tests;

/// What to do with a batch after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The broker has it.
    Written,
    /// The broker had it already, from an attempt whose answer was lost.
    Duplicate,
    /// Send it again after the backoff.
    Retry {
        /// Whether this attempt may have been stored.
        stored: Stored,
        /// Whether the metadata that chose the broker is out of date.
        stale: bool,
    },
    /// Definitely refused for its size: two smaller ones may pass.
    Split,
    /// The broker's idea of the producer's sequence differs from ours; definitely not stored by this attempt.
    OutOfSequence,
    /// Definitely refused, for good.
    Reject,
    /// Given up, and nobody knows whether it was stored.
    GiveUp,
    /// The producer's identity or rights are gone: nothing can be written any more.
    Fatal,
}

/// Whether an attempt may have put the batch into the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    No,
    Maybe,
}

/// The verdict on a code in a produce answer. Codes that no broker should send there count as unknown failures.
///
/// `NOT_LEADER_OR_FOLLOWER` is not proof that nothing was stored: a broker that loses leadership while it waits for its
/// followers answers so too, after its own append.
pub(crate) fn verdict(code: ErrorCode) -> Verdict {
    use Stored::{Maybe, No};
    match code {
        ErrorCode::NONE => Verdict::Written,
        ErrorCode::DUPLICATE_SEQUENCE_NUMBER => Verdict::Duplicate,

        ErrorCode::NOT_LEADER_OR_FOLLOWER => Verdict::Retry {
            stored: Maybe,
            stale: true,
        },
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
        | ErrorCode::LEADER_NOT_AVAILABLE
        | ErrorCode::REPLICA_NOT_AVAILABLE
        | ErrorCode::FENCED_LEADER_EPOCH
        | ErrorCode::UNKNOWN_LEADER_EPOCH
        | ErrorCode::UNKNOWN_TOPIC_ID
        | ErrorCode::INCONSISTENT_TOPIC_ID
        | ErrorCode::BROKER_NOT_AVAILABLE => Verdict::Retry {
            stored: No,
            stale: true,
        },
        ErrorCode::REQUEST_TIMED_OUT | ErrorCode::NOT_ENOUGH_REPLICAS_AFTER_APPEND => {
            Verdict::Retry {
                stored: Maybe,
                stale: false,
            }
        }
        ErrorCode::KAFKA_STORAGE_ERROR | ErrorCode::NETWORK_EXCEPTION => Verdict::Retry {
            stored: Maybe,
            stale: true,
        },
        ErrorCode::NOT_ENOUGH_REPLICAS
        | ErrorCode::CORRUPT_MESSAGE
        | ErrorCode::THROTTLING_QUOTA_EXCEEDED
        | ErrorCode::CONCURRENT_TRANSACTIONS
        | ErrorCode::COORDINATOR_LOAD_IN_PROGRESS
        | ErrorCode::COORDINATOR_NOT_AVAILABLE
        | ErrorCode::NOT_COORDINATOR => Verdict::Retry {
            stored: No,
            stale: false,
        },

        ErrorCode::MESSAGE_TOO_LARGE | ErrorCode::RECORD_LIST_TOO_LARGE => Verdict::Split,

        ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER
        | ErrorCode::UNKNOWN_PRODUCER_ID
        | ErrorCode::INVALID_PRODUCER_EPOCH => Verdict::OutOfSequence,

        ErrorCode::TOPIC_AUTHORIZATION_FAILED
        | ErrorCode::INVALID_TOPIC_EXCEPTION
        | ErrorCode::INVALID_REQUIRED_ACKS
        | ErrorCode::INVALID_TIMESTAMP
        | ErrorCode::INVALID_RECORD
        | ErrorCode::UNSUPPORTED_FOR_MESSAGE_FORMAT
        | ErrorCode::UNSUPPORTED_COMPRESSION_TYPE
        | ErrorCode::POLICY_VIOLATION
        | ErrorCode::INVALID_REQUEST
        | ErrorCode::UNSUPPORTED_VERSION => Verdict::Reject,

        ErrorCode::PRODUCER_FENCED
        | ErrorCode::CLUSTER_AUTHORIZATION_FAILED
        | ErrorCode::TRANSACTIONAL_ID_AUTHORIZATION_FAILED
        | ErrorCode::SASL_AUTHENTICATION_FAILED
        | ErrorCode::INVALID_PRODUCER_ID_MAPPING
        | ErrorCode::INVALID_TXN_STATE => Verdict::Fatal,

        _ => Verdict::GiveUp,
    }
}
