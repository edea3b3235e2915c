//! Traces of publications and of handled messages.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry::global::{self, BoxedTracer, ObjectSafeTracerProvider};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use super::options::{BrokerOption, BrokerOptions};
use crate::interceptor::{Propagates, Trace, Tracers};

/// How traces go on across messages; there are none until one of the options says so.
#[derive(Clone)]
pub(super) struct Tracing(Trace);

impl Tracing {
    pub(super) fn trace(&self) -> Trace {
        self.0.clone()
    }
}

impl Default for Tracing {
    /// With the process's provider; W3C trace context in the headers.
    fn default() -> Self {
        Self(Trace {
            names: ["kafka-producer", "kafka-consumer", "kafka"],
            tracer: Tracers::Global(TRACER),
            propagator: None,
        })
    }
}

impl BrokerOptions {
    /// Opens spans with this provider: `kafka-producer` around each publication, `kafka-consumer` around each handler, which
    /// continues the trace of the message. The process's own provider stays as it is. Default: no spans.
    #[must_use]
    pub fn tracer_provider(mut self, provider: &impl ObjectSafeTracerProvider) -> Self {
        let scope = InstrumentationScope::builder(TRACER).build();
        let tracer = BoxedTracer::new(provider.boxed_tracer(scope));
        let tracing = self.tracing.get_or_insert_default();
        tracing.0.tracer = Tracers::Given(Arc::new(tracer));
        self
    }

    /// Opens spans with the process's provider. Default: no spans.
    #[must_use]
    pub fn global_tracer_provider(mut self) -> Self {
        self.tracing.get_or_insert_default().0.tracer = Tracers::Global(TRACER);
        self
    }

    /// Writes traces into message headers, and reads them, in this way. Default: W3C trace context.
    #[must_use]
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        let tracing = self.tracing.get_or_insert_default();
        tracing.0.propagator = Some(Arc::new(Own(propagator)));
        self
    }

    /// Writes traces into message headers, and reads them, as the process does. Default: W3C trace context.
    #[must_use]
    pub fn global_propagator(mut self) -> Self {
        let tracing = self.tracing.get_or_insert_default();
        tracing.0.propagator = Some(Arc::new(OfProcess));
        self
    }
}

/// Spans by this provider: [`BrokerOptions::tracer_provider`].
///
/// ```
/// use ekafka::pubsub::{BrokerOptions, new_broker, with_propagator, with_tracer_provider};
/// use opentelemetry_sdk::propagation::TraceContextPropagator;
/// use opentelemetry_sdk::trace::SdkTracerProvider;
///
/// let provider = SdkTracerProvider::default();
/// let broker = new_broker([with_tracer_provider(&provider), with_propagator(TraceContextPropagator::new())]);
/// let same = BrokerOptions::default().tracer_provider(&provider).propagator(TraceContextPropagator::new()).broker();
/// ```
pub fn with_tracer_provider(provider: &impl ObjectSafeTracerProvider) -> BrokerOption {
    let given = BrokerOptions::default().tracer_provider(provider).tracing;
    BrokerOption::new(move |mut options| {
        if let Some(given) = given {
            options.tracing.get_or_insert_default().0.tracer = given.0.tracer;
        }
        options
    })
}

/// Spans by the process's provider: [`BrokerOptions::global_tracer_provider`].
pub fn with_global_tracer_provider() -> BrokerOption {
    BrokerOption::new(BrokerOptions::global_tracer_provider)
}

/// Headers by this propagator: [`BrokerOptions::propagator`].
pub fn with_propagator(propagator: impl TextMapPropagator + Send + Sync + 'static) -> BrokerOption {
    BrokerOption::new(move |options| options.propagator(propagator))
}

/// Headers by the process's propagator: [`BrokerOptions::global_propagator`].
pub fn with_global_propagator() -> BrokerOption {
    BrokerOption::new(BrokerOptions::global_propagator)
}

struct Own<P>(P);

impl<P: TextMapPropagator + Send + Sync> Propagates for Own<P> {
    fn write(&self, context: &opentelemetry::Context, into: &mut dyn Injector) {
        self.0.inject_context(context, into);
    }

    fn read(
        &self,
        context: &opentelemetry::Context,
        from: &dyn Extractor,
    ) -> opentelemetry::Context {
        self.0.extract_with_context(context, from)
    }
}

struct OfProcess;

impl Propagates for OfProcess {
    fn write(&self, context: &opentelemetry::Context, into: &mut dyn Injector) {
        global::get_text_map_propagator(|propagator| propagator.inject_context(context, into));
    }

    fn read(
        &self,
        context: &opentelemetry::Context,
        from: &dyn Extractor,
    ) -> opentelemetry::Context {
        global::get_text_map_propagator(|propagator| propagator.extract_with_context(context, from))
    }
}

const TRACER: &str = "kratos-transport";
