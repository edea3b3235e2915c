//! The access log: one event of `tracing` for each call, and a warning for slow ones.

use std::fmt::Write;
use std::time::Duration;

use super::call::Call;
use super::show;
use crate::error::ComponentError;

/// Target `ekafka::access`; fields `comp`, `compName`, `addr`, `method`, `cost` (milliseconds with microseconds), `tid`,
/// `keys` (custom keys in lower case, `key=value` with spaces between), `req`, `res` and `error`.
#[derive(Debug)]
pub(crate) struct Access {
    /// Whether each call is logged, not only slow ones.
    pub(crate) logs_all: bool,
    pub(crate) with_request: bool,
    pub(crate) with_response: bool,
    pub(crate) with_trace: bool,
    /// Zero for none.
    pub(crate) slow: Duration,
}

impl Access {
    pub(super) fn after(
        &self,
        call: &Call<'_>,
        keys: &[String],
        result: &Result<(), ComponentError>,
    ) {
        let elapsed = call.elapsed();
        let is_slow =
            !self.slow.is_zero() && elapsed > self.slow && !call.command().waits_for_messages();
        if !self.logs_all && !is_slow {
            return;
        }
        let fields = Fields {
            cost: elapsed.as_micros() as f64 / 1e3,
            addr: call.brokers().join(","),
            tid: self.with_trace.then(|| trace_id(call)).flatten(),
            keys: values(call, keys),
            req: self.with_request.then(|| show::request(call)),
            res: self.with_response.then(|| show::response(call, result)),
            error: result.as_ref().err().map(ToString::to_string),
        };
        if self.logs_all {
            tracing::info!(
                target: TARGET, comp = PACKAGE, compName = call.component(), addr = %fields.addr,
                method = call.command().name(), cost = fields.cost, tid = fields.tid, keys = fields.keys,
                req = fields.req, res = fields.res, error = fields.error, "access"
            );
        }
        if is_slow {
            tracing::warn!(
                target: TARGET, comp = PACKAGE, compName = call.component(), addr = %fields.addr,
                method = call.command().name(), cost = fields.cost, tid = fields.tid, keys = fields.keys,
                req = fields.req, res = fields.res, error = fields.error, "slow"
            );
        }
    }
}

/// What is said about a call; what is `None` is left out.
struct Fields {
    cost: f64,
    addr: String,
    tid: Option<String>,
    keys: Option<String>,
    req: Option<String>,
    res: Option<String>,
    error: Option<String>,
}

fn values(call: &Call<'_>, keys: &[String]) -> Option<String> {
    let mut text = String::new();
    for key in keys {
        if let Some(value) = call.context().value(key) {
            let space = if text.is_empty() { "" } else { " " };
            let _ = write!(text, "{space}{}={value}", key.to_ascii_lowercase());
        }
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(feature = "otel")]
fn trace_id(call: &Call<'_>) -> Option<String> {
    super::trace::trace_id(call.context())
}

#[cfg(not(feature = "otel"))]
fn trace_id(_call: &Call<'_>) -> Option<String> {
    None
}

const TARGET: &str = "ekafka::access";
const PACKAGE: &str = crate::PACKAGE_NAME;
