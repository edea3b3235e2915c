//! How often and how long: metrics of each call, by the `metrics` facade.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use metrics::{Counter, Histogram, Label};

use super::call::{Call, Command};
use super::chain::Identity;
use crate::error::ComponentError;

/// Histogram `ego_client_handle_seconds` with the labels `type` (`kafka`), `name` (component and topic, with a point
/// between), `method` and `peer` (the brokers, with commas between); counter `ego_client_handle_total` with the same and
/// `code` (`OK` or `Error`).
#[derive(Default)]
pub(crate) struct Metric {
    /// Looked up once for each command and topic, so that a call costs no allocation.
    found: RwLock<HashMap<Command, HashMap<String, Arc<Instruments>>>>,
}

struct Instruments {
    seconds: Histogram,
    ok: Counter,
    error: Counter,
}

impl Metric {
    pub(super) fn after(&self, call: &Call<'_>, result: &Result<(), ComponentError>) {
        let instruments = self.instruments(call);
        instruments.seconds.record(call.elapsed().as_secs_f64());
        match result {
            Ok(()) => instruments.ok.increment(1),
            Err(_) => instruments.error.increment(1),
        }
    }

    fn instruments(&self, call: &Call<'_>) -> Arc<Instruments> {
        let found = self.found.read().unwrap_or_else(PoisonError::into_inner);
        let known = found
            .get(&call.command())
            .and_then(|topics| topics.get(call.topic()));
        if let Some(known) = known {
            return Arc::clone(known);
        }
        drop(found);
        let new = Arc::new(Instruments::new(
            call.identity,
            call.command(),
            call.topic(),
        ));
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        let topics = found.entry(call.command()).or_default();
        Arc::clone(topics.entry(call.topic().to_owned()).or_insert(new))
    }
}

impl Instruments {
    fn new(identity: &Identity, command: Command, topic: &str) -> Self {
        let labels = vec![
            Label::new("type", "kafka"),
            Label::new("name", format!("{}.{topic}", identity.name)),
            Label::new("method", command.name()),
            Label::new("peer", identity.brokers.join(",")),
        ];
        let with_code = |code| [labels.as_slice(), &[Label::new("code", code)]].concat();
        Self {
            ok: metrics::counter!("ego_client_handle_total", with_code("OK")),
            error: metrics::counter!("ego_client_handle_total", with_code("Error")),
            seconds: metrics::histogram!("ego_client_handle_seconds", labels),
        }
    }
}

impl fmt::Debug for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metric")
    }
}
