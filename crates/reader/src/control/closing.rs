//! The end of a reader: the last commit, leaving the group, then silence.

use std::time::Instant;

use tokio::sync::oneshot;

use super::group::Waiter;
use super::{Control, calls::Done, group::GroupDone, requests};
use crate::error::ReaderError;

/// A reader that is told to end.
pub(super) struct Closing {
    /// Whoever waits for the end.
    waiting: Vec<oneshot::Sender<Result<(), ReaderError>>>,
    /// The end comes then, in order or not.
    by: Instant,
    /// What the last commit came to.
    result: Result<(), ReaderError>,
}

impl Control {
    /// Hands nothing out any more, commits what is marked, leaves the group, and tells `reply`.
    pub(super) fn begin_close(
        &mut self,
        now: Instant,
        reply: oneshot::Sender<Result<(), ReaderError>>,
    ) {
        if let Some(closing) = &mut self.closing {
            closing.waiting.push(reply);
            return;
        }
        self.ledger.revoke_all();
        self.inbox.discard_frozen();
        self.closing = Some(Closing {
            waiting: vec![reply],
            by: now + self.settings.close_timeout,
            result: Ok(()),
        });
        match &mut self.group {
            Some(group) => group.commits.request(Waiter::Close),
            None => self.finish_close(),
        }
    }

    /// Ends when `close_timeout` is over.
    pub(super) fn check_close(&mut self, now: Instant) {
        if let Some(closing) = &mut self.closing
            && now >= closing.by
        {
            tracing::warn!("the reader could not end in order within close_timeout");
            let after = self.settings.close_timeout;
            let step = "closing the reader";
            closing.result = Err(ReaderError::Timeout { step, after });
            self.finish_close();
        }
    }

    /// When [`check_close`](Self::check_close) has something to do.
    pub(super) fn close_deadline(&self) -> Option<Instant> {
        self.closing.as_ref().map(|closing| closing.by)
    }

    /// Tells the coordinator, so that others need not wait for the session to end. A static member
    /// stays: it is expected back (KIP-345). `committed` is what the last commit came to.
    pub(super) fn leave(&mut self, committed: Result<(), ReaderError>) {
        // Whoever could not be reached in three attempts is not there to be told.
        let is_unreachable = matches!(committed, Err(ReaderError::Connection { .. }));
        if let Some(closing) = &mut self.closing {
            closing.result = committed;
        }
        if is_unreachable {
            return self.finish_close();
        }
        let left = self.group.as_mut().and_then(|group| {
            let member_id = group.member.leave()?;
            let is_static = group.settings.instance_id.is_some();
            (!is_static).then_some(member_id)
        });
        let (Some(group), Some(member_id)) = (&self.group, left) else {
            return self.finish_close();
        };
        let desk = self.desk(group, super::now());
        let call = requests::leave(desk, member_id, "the reader closed");
        self.call(async move {
            call.await;
            Done::Group(GroupDone::Left)
        });
    }

    pub(super) fn finish_close(&mut self) {
        self.is_done = true;
        self.inbox.close();
        let Some(closing) = self.closing.take() else {
            return;
        };
        for reply in closing.waiting {
            // A caller that is gone does not mind.
            let _ = reply.send(closing.result.clone());
        }
    }
}
