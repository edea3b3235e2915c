//! A member's request that waits for its group: joining for the other members, syncing for the leader.

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Answer, Call, Refusal, Waiting};
use crate::server::Shared;

/// What becomes of the group's answer.
type Respond<A> = fn(&Shared, &Call, A) -> Result<Answer, Refusal>;

pub(super) struct WaitingMember<A> {
    group: String,
    receiver: oneshot::Receiver<A>,
    /// When to look at the group again.
    until: Instant,
    /// The answer when the group has forgotten its members.
    forgotten: fn() -> A,
    respond: Respond<A>,
}

impl<A: Send + 'static> WaitingMember<A> {
    /// Nothing of the group's answer is known at `call`'s time.
    pub(super) fn new(
        call: &Call,
        group: &str,
        receiver: oneshot::Receiver<A>,
        forgotten: fn() -> A,
        respond: Respond<A>,
    ) -> Self {
        Self {
            group: group.to_owned(),
            receiver,
            until: call.now,
            forgotten,
            respond,
        }
    }

    /// Answers at once where the group has, else waits.
    pub(super) fn begin(mut self, shared: &Shared, call: &Call) -> Result<Answer, Refusal> {
        let answer = self.resume(shared, call)?;
        Ok(answer.unwrap_or_else(|| Answer::Wait(Box::new(self))))
    }
}

impl<A: Send + 'static> Waiting for WaitingMember<A> {
    fn until(&self) -> Instant {
        self.until
    }

    fn resume(&mut self, shared: &Shared, call: &Call) -> Result<Option<Answer>, Refusal> {
        let deadline = shared
            .cluster()
            .groups
            .at(&self.group, call.now)
            .and_then(|group| group.next_deadline());
        self.until = deadline.unwrap_or(call.now + super::GROUP_CHECK);
        let answer = match self.receiver.try_recv() {
            Ok(answer) => answer,
            Err(oneshot::error::TryRecvError::Empty) => return Ok(None),
            Err(oneshot::error::TryRecvError::Closed) => (self.forgotten)(),
        };
        (self.respond)(shared, call, answer).map(Some)
    }
}
