//! What an error of a group call means for the member.

use ekafka_conn::ConnError;
use ekafka_protocol::{DecodeError, ErrorCode};

/// Why a group call did not succeed.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// The coordinator answered with this code.
    Code(ErrorCode),
    /// The coordinator was not reached, or the connection broke.
    Connection(ConnError),
    /// A blob of another member cannot be read.
    Malformed(&'static str, DecodeError),
}

/// What to do about a [`Failure`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Ask the same coordinator again after the retry backoff.
    Retry,
    /// Look for the coordinator again after the retry backoff.
    FindCoordinator,
    /// The group is rebalancing: give up the partitions in order, then join.
    Rejoin,
    /// The coordinator no longer knows this generation: the partitions are lost, the member id stays.
    LoseGeneration,
    /// The coordinator no longer knows this member: the partitions and the id are lost.
    LoseMember,
    /// Tell the application and join again after the join backoff.
    Report,
    /// Another process took this static member's place; joining again would throw it out in turn.
    Stop,
}

impl Failure {
    /// Whether the member goes on by itself without telling anybody.
    pub(crate) fn heals_silently(&self) -> bool {
        matches!(self.verdict(), Verdict::Retry | Verdict::FindCoordinator)
    }

    /// The one table of group errors, for join, sync, heartbeat and commit alike.
    pub(crate) fn verdict(&self) -> Verdict {
        let code = match self {
            Self::Code(code) => *code,
            Self::Connection(error) if error.is_fatal() => return Verdict::Report,
            Self::Connection(_) => return Verdict::FindCoordinator,
            Self::Malformed(..) => return Verdict::Report,
        };
        match code {
            ErrorCode::COORDINATOR_LOAD_IN_PROGRESS | ErrorCode::REQUEST_TIMED_OUT => {
                Verdict::Retry
            }
            ErrorCode::COORDINATOR_NOT_AVAILABLE | ErrorCode::NOT_COORDINATOR => {
                Verdict::FindCoordinator
            }
            ErrorCode::REBALANCE_IN_PROGRESS => Verdict::Rejoin,
            ErrorCode::ILLEGAL_GENERATION => Verdict::LoseGeneration,
            ErrorCode::UNKNOWN_MEMBER_ID => Verdict::LoseMember,
            ErrorCode::FENCED_INSTANCE_ID => Verdict::Stop,
            _ => Verdict::Report,
        }
    }
}
