//! Fetch sessions: after the first full request only changes travel, in both directions (KIP-227).

use ekafka_protocol::ErrorCode;

#[cfg(test)]
mod tests;

/// The session with one broker over one connection.
#[derive(Debug, Default)]
pub(crate) struct Session {
    /// The broker's number for it, 0 while there is none.
    id: i32,
    /// The number of the request being sent, 0 in the one that opens the session.
    epoch: i32,
    /// Whether the session names topics by id: the two ways must not be mixed.
    has_ids: bool,
    /// Whether the request under way was a full one.
    is_full: bool,
}

/// What an answer means for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionVerdict {
    /// The answer counts.
    Good,
    /// The broker has lost the session: send everything again.
    Restart,
    /// The broker refuses even a full request.
    Refused(ErrorCode),
}

impl Session {
    /// Prepares a request; true when it has to name every partition. What is mixed cannot be told as changes.
    pub(crate) fn begin(&mut self, has_ids: bool, is_mixed: bool) -> bool {
        if self.id != 0 && (self.has_ids != has_ids || is_mixed) {
            self.reset();
        }
        self.has_ids = has_ids;
        self.is_full = self.id == 0;
        self.is_full
    }

    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    pub(crate) fn epoch(&self) -> i32 {
        self.epoch
    }

    /// What the broker answered. An answer with session 0 closes or never opened one.
    pub(crate) fn handle(&mut self, id: i32, code: ErrorCode) -> SessionVerdict {
        if code != ErrorCode::NONE {
            let was_full = self.is_full;
            self.reset();
            return if was_full {
                SessionVerdict::Refused(code)
            } else {
                SessionVerdict::Restart
            };
        }
        if id == 0 {
            self.reset();
        } else {
            self.id = id;
            // The number after the largest is 1: 0 would open another session.
            self.epoch = self.epoch.checked_add(1).unwrap_or(1);
        }
        SessionVerdict::Good
    }

    /// The request under way will not be heard of: the broker has counted it, so the session goes on behind
    /// it. Should the broker see the next one first, it says that the session is lost.
    pub(crate) fn skip(&mut self) {
        if self.id != 0 {
            self.epoch = self.epoch.checked_add(1).unwrap_or(1);
        }
    }

    fn reset(&mut self) {
        self.id = 0;
        self.epoch = 0;
    }
}
