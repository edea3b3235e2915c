//! Traces across messages: a producer's span is passed on in message headers (W3C trace context), and the span of whoever
//! handles the message continues it.

use std::fmt;
use std::sync::Arc;

use ekafka_conn::Message;
use opentelemetry::global::BoxedTracer;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry::{KeyValue, global};

use super::call::{Call, Command};
use crate::context::Context;
use crate::error::ComponentError;

/// Opens spans: of kind producer around writing, consumer around handling, client around the client's calls.
/// Attributes: `messaging.system`, `messaging.destination`, `messaging.destination_kind`. Taking and committing messages
/// opens none: what a message costs is seen where it is handled.
#[derive(Clone)]
pub(crate) struct Trace {
    /// The spans' names: of those around writing, around handling, and of all others.
    pub(crate) names: [&'static str; 3],
    pub(crate) tracer: Tracers,
    /// What writes contexts into headers and reads them; `None` for W3C trace context alone.
    pub(crate) propagator: Option<Arc<dyn Propagates>>,
}

/// Where spans are opened.
#[derive(Clone)]
pub(crate) enum Tracers {
    /// With the process's provider, as whom.
    Global(&'static str),
    Given(Arc<BoxedTracer>),
}

/// Writes the context of a trace into message headers and reads it from them.
pub(crate) trait Propagates: Send + Sync {
    fn write(&self, context: &opentelemetry::Context, into: &mut dyn Injector);
    fn read(
        &self,
        context: &opentelemetry::Context,
        from: &dyn Extractor,
    ) -> opentelemetry::Context;
}

impl Default for Trace {
    /// As components have it: spans named `kafka`.
    fn default() -> Self {
        Self {
            names: ["kafka"; 3],
            tracer: Tracers::Global("ego"),
            propagator: None,
        }
    }
}

/// A span that is open; dropping it ends it.
pub(crate) struct OpenSpan(opentelemetry::Context);

impl Trace {
    pub(super) fn begin(&self, call: &mut Call<'_>) -> Option<OpenSpan> {
        let [writing, handling, other] = self.names;
        let (kind, name, parent) = match call.command {
            Command::WriteMessages => (SpanKind::Producer, writing, call.context.trace()),
            Command::Handler => (SpanKind::Consumer, handling, self.handled(call)),
            Command::CreateTopics
            | Command::DeleteTopics
            | Command::ListOffsets
            | Command::OffsetFetch
            | Command::Metadata => (SpanKind::Client, other, call.context.trace()),
            _ => return None,
        };
        let global;
        let tracer = match &self.tracer {
            Tracers::Global(name) => {
                global = global::tracer(*name);
                &global
            }
            Tracers::Given(tracer) => tracer,
        };
        let span = tracer
            .span_builder(name)
            .with_kind(kind)
            .with_attributes([
                KeyValue::new("messaging.system", "kafka"),
                KeyValue::new("messaging.destination", call.topic().to_owned()),
                KeyValue::new("messaging.destination_kind", "topic"),
            ])
            .start_with_context(tracer, &parent);
        let context = parent.with_span(span);
        if call.command == Command::WriteMessages {
            match &self.propagator {
                Some(propagator) => propagator.write(&context, &mut Added(call)),
                None => inject(context.span().span_context(), call),
            }
        }
        call.context = call.context.clone().with_trace(context.clone());
        Some(OpenSpan(context))
    }

    /// The trace that the handled message belongs to.
    fn handled(&self, call: &Call<'_>) -> opentelemetry::Context {
        let here = call.context.trace();
        let Some(message) = call.messages.first() else {
            return here;
        };
        match &self.propagator {
            Some(propagator) => propagator.read(&here, &HeaderReader(message)),
            None => match remote_parent(message) {
                Some(remote) => here.with_remote_span_context(remote),
                None => here,
            },
        }
    }
}

/// Adds headers to the records of a call.
struct Added<'c, 'a>(&'c mut Call<'a>);

impl Injector for Added<'_, '_> {
    fn set(&mut self, key: &str, value: String) {
        self.0.add_header(key, value);
    }
}

/// Finds texts in the headers of a message; of several with one key the last counts.
struct HeaderReader<'m>(&'m Message);

impl Extractor for HeaderReader<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let headers = self.0.headers().flatten();
        let found = headers.filter(|header| header.key == key.as_bytes()).last();
        std::str::from_utf8(found?.value?).ok()
    }

    fn keys(&self) -> Vec<&str> {
        let headers = self.0.headers().flatten();
        headers
            .filter_map(|header| std::str::from_utf8(header.key).ok())
            .collect()
    }
}

impl OpenSpan {
    pub(super) fn end(self, result: &Result<(), ComponentError>) {
        let span = self.0.span();
        if let Err(error) = result {
            span.set_status(Status::error(error.to_string()));
        }
        span.end();
    }
}

/// The context of a trace that a message carries in its headers.
pub(crate) fn remote_parent(message: &Message) -> Option<SpanContext> {
    let (mut parent, mut state) = (None, TraceState::NONE);
    // A message that was passed on may carry several: the last was added last.
    for header in message.headers().flatten() {
        let Some(Ok(value)) = header.value.map(std::str::from_utf8) else {
            continue;
        };
        match header.key {
            b"traceparent" => parent = parse(value),
            b"tracestate" => state = value.parse().unwrap_or(TraceState::NONE),
            _ => {}
        }
    }
    let (trace, span, flags) = parent?;
    Some(SpanContext::new(trace, span, flags, true, state)).filter(SpanContext::is_valid)
}

/// The id of the trace that a context belongs to, in hexadecimal digits.
pub(super) fn trace_id(context: &Context) -> Option<String> {
    let trace = context.trace();
    let span = trace.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}

fn inject(span: &SpanContext, call: &mut Call<'_>) {
    if !span.is_valid() {
        return;
    }
    let parent = format!(
        "00-{}-{}-{:02x}",
        span.trace_id(),
        span.span_id(),
        span.trace_flags() & TraceFlags::SAMPLED
    );
    call.add_header("traceparent", parent);
    let state = span.trace_state().header();
    if !state.is_empty() {
        call.add_header("tracestate", state);
    }
}

/// `00-<32 digits>-<16 digits>-<2 digits>`; later versions may have more behind.
fn parse(text: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_whole = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    if !is_whole || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    Some((
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        flags,
    ))
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
