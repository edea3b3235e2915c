//! The end of a reader: the last commit, leaving the group, then silence.

use tokio::sync::oneshot;

use super::group::Waiter;
use super::{Control, calls::Done, group::GroupDone, requests};

impl Control {
    /// Hands nothing out any more, commits what is marked, leaves the group, and tells `reply`.
    pub(super) fn begin_close(&mut self, reply: oneshot::Sender<()>) {
        self.ledger.revoke_all();
        self.inbox.discard_frozen();
        self.closing.push(reply);
        match &mut self.group {
            Some(group) => group.commits.request(Waiter::Close),
            None => self.finish_close(),
        }
    }

    /// Tells the coordinator, so that others need not wait for the session to end. A static member
    /// stays: it is expected back (KIP-345).
    pub(super) fn leave(&mut self) {
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
        for reply in self.closing.drain(..) {
            // A caller that is gone does not mind.
            let _ = reply.send(());
        }
    }
}
