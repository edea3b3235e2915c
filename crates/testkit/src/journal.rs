//! What was asked of the broker, and what a correct client must never ask.

use std::collections::VecDeque;

use bytes::Bytes;
use ekafka_protocol::{ApiKey, BrokerRequest, StrBytes};
use tokio::time::Instant;

#[cfg(test)]
mod tests;

/// One request as it arrived.
///
/// ```
/// use ekafka_protocol::ApiKey;
/// use ekafka_protocol::messages::FetchRequest;
/// use ekafka_testkit::EmbeddedKafka;
///
/// /// How long the last fetch was willing to wait; the broker was started with `keep_bodies`.
/// fn patience(kafka: &EmbeddedKafka) -> Option<i32> {
///     let request = kafka.requests_of(ApiKey::FETCH).pop()?;
///     Some(request.decode::<FetchRequest>()?.max_wait_ms)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct LoggedRequest {
    /// The node it was sent to.
    pub node: i32,
    /// Which connection it came over; counted from 1 over all nodes.
    pub connection: u64,
    /// The API asked for.
    pub api: ApiKey,
    /// The version of the request.
    pub version: i16,
    /// The client's number for it.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<StrBytes>,
    /// When it was read.
    pub at: Instant,
    /// Bytes of the body.
    pub size: usize,
    /// The body; in the log only when bodies are kept.
    body: Option<Bytes>,
}

impl LoggedRequest {
    pub(crate) fn new(
        node: i32,
        connection: u64,
        header: ekafka_protocol::RequestHeader,
        at: Instant,
        body: Bytes,
    ) -> Self {
        let ekafka_protocol::RequestHeader {
            api,
            version,
            correlation_id,
            client_id,
        } = header;
        Self {
            node,
            connection,
            api,
            version,
            correlation_id,
            // A copy: as a part of the request it would keep all of it in memory.
            client_id: client_id.map(|id| StrBytes::from_string(id.to_string())),
            at,
            size: body.len(),
            body: Some(body),
        }
    }

    /// The request itself; `None` when it is of another kind, malformed, or its body was not kept.
    #[must_use]
    pub fn decode<R: BrokerRequest>(&self) -> Option<R> {
        let body = self.body.clone().filter(|_| R::API == self.api)?;
        R::decode(self.version, body).ok()
    }
}

/// The requests of all nodes in the order they were read, the newest [`KEPT`] of them.
#[derive(Debug)]
pub(crate) struct Journal {
    requests: VecDeque<LoggedRequest>,
    keeps_bodies: bool,
    /// What a correct client would not have sent, in words.
    violations: Vec<String>,
}

/// Requests kept in the log.
const KEPT: usize = 65_536;
/// Violations kept; one is enough to fail a test.
const VIOLATIONS: usize = 1_000;

impl Journal {
    pub(crate) fn new(keeps_bodies: bool) -> Self {
        Self {
            requests: VecDeque::new(),
            keeps_bodies,
            violations: Vec::new(),
        }
    }

    pub(crate) fn note(&mut self, mut request: LoggedRequest) {
        if !self.keeps_bodies {
            request.body = None;
        }
        if self.requests.len() == KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    pub(crate) fn violation(&mut self, what: String) {
        tracing::warn!(%what, "a correct client would not send this");
        if self.violations.len() < VIOLATIONS {
            self.violations.push(what);
        }
    }

    pub(crate) fn requests(&self) -> Vec<LoggedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.requests.clear();
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.violations.clone()
    }
}
