//! Waiting for a view that has what a caller needs.

use std::sync::Arc;

use ekafka_protocol::{ApiKey, ErrorCode};
use tokio::time::{Instant, timeout_at};

use super::Cluster;
use crate::error::ConnError;
use crate::view::ClusterView;

impl Cluster {
    pub(super) async fn wait_for_topic(
        &self,
        name: &str,
        deadline: Instant,
        mut ask: impl FnMut(Arc<str>),
    ) -> Result<Arc<ClusterView>, ConnError> {
        let first = self.view().generation;
        let mut last_code = None;
        let mut asked_in = None;
        let waiting = self.wait_for(deadline, |view| {
            let code = match view.topic(name) {
                Some(topic) if topic.error == ErrorCode::NONE && topic.has_leader() => {
                    return Some(Ok(()));
                }
                Some(topic) if topic.error != ErrorCode::NONE => topic.error,
                Some(_) => ErrorCode::LEADER_NOT_AVAILABLE,
                None => ErrorCode::UNKNOWN_TOPIC_OR_PARTITION,
            };
            // What was known before the call may be out of date.
            if view.generation > first {
                last_code = Some(code);
                if !code.is_retriable() {
                    return Some(Err(topic_error(name, code)));
                }
            }
            if asked_in != Some(view.generation) {
                asked_in = Some(view.generation);
                ask(name.into());
                self.shared().wake();
            }
            None
        });
        match waiting.await {
            Err(ConnError::Timeout { .. }) if last_code.is_some() => {
                Err(topic_error(name, last_code.unwrap_or(ErrorCode::NONE)))
            }
            outcome => outcome,
        }
    }

    /// Waits until `check` is content with a view.
    pub(super) async fn wait_for(
        &self,
        deadline: Instant,
        mut check: impl FnMut(&ClusterView) -> Option<Result<(), ConnError>>,
    ) -> Result<Arc<ClusterView>, ConnError> {
        let shared = self.shared();
        shared.ensure_running();
        let mut progress = shared.progress.subscribe();
        let rounds = progress.borrow_and_update().rounds;
        loop {
            // Progress before the view: an answer that comes between the two would otherwise count as seen, although
            // the view that is looked at is the one before it.
            // The last round's failure counts once a round has ended since this call began.
            let failure = {
                let now = progress.borrow_and_update();
                now.failure
                    .clone()
                    .filter(|failure| now.rounds > rounds || failure.is_fatal())
            };
            let view = shared.view();
            if let Some(outcome) = check(&view) {
                return outcome.map(|()| view);
            }
            if let Some(failure) = &failure
                && failure.is_fatal()
            {
                return Err(failure.clone());
            }
            match timeout_at(deadline, progress.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(ConnError::Closed),
                Err(_) => {
                    return Err(failure.unwrap_or_else(|| shared.unanswered(ApiKey::METADATA)));
                }
            }
        }
    }
}

fn topic_error(name: &str, code: ErrorCode) -> ConnError {
    ConnError::Topic {
        topic: name.into(),
        code,
    }
}
