//! The layers of a component and how a call passes through them.

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;

use super::access::Access;
use super::call::{Call, Command, Response};
use super::debug::Debug;
use super::keys;
use super::metric::Metric;
use super::{CallFuture, Interceptor};
use crate::context::Context;
use crate::error::ComponentError;

/// Who makes the calls, for logs and labels.
#[derive(Debug)]
pub(crate) struct Identity {
    /// Where the component's table stands in the configuration.
    pub(crate) name: String,
    pub(crate) brokers: Vec<String>,
}

/// Tells the time that durations are measured by.
#[derive(Clone)]
pub(crate) struct Clock(pub(crate) Option<Arc<dyn Fn() -> Instant + Send + Sync>>);

/// What a chain is wrapped around. Its parts may be changed by layers on the way; what it brings goes into the call.
pub(crate) trait Operation: Send {
    /// Runs at most once.
    fn run(
        &mut self,
        call: &mut Call<'_>,
    ) -> impl Future<Output = Result<(), ComponentError>> + Send;
}

/// The application's interceptors and the built-in layers.
pub(crate) struct Chain {
    pub(crate) identity: Arc<Identity>,
    pub(crate) clock: Clock,
    /// Outermost first.
    pub(crate) interceptors: Vec<Arc<dyn Interceptor>>,
    pub(crate) layers: Layers,
}

/// The built-in layers that are switched on.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// Custom keys, as headers and contexts have them.
    pub(crate) keys: Arc<[String]>,
    #[cfg(feature = "otel")]
    pub(crate) trace: Option<super::trace::Trace>,
    pub(crate) debug: Option<Debug>,
    pub(crate) access: Option<Access>,
    pub(crate) metric: Option<Metric>,
}

/// The layers that are further inside, and the operation.
///
/// ```
/// use ekafka::ComponentError;
/// use ekafka::interceptor::{Call, CallFuture, Command, Interceptor, Next};
///
/// /// Lets nobody delete topics.
/// struct Careful;
///
/// impl Interceptor for Careful {
///     fn call<'a>(&'a self, call: &'a mut Call<'_>, next: Next<'a>) -> CallFuture<'a> {
///         if call.command() == Command::DeleteTopics {
///             return Box::pin(async { Err(ComponentError::refused("not today")) });
///         }
///         next.run(call)
///     }
/// }
/// ```
pub struct Next<'a> {
    rest: &'a [Arc<dyn Interceptor>],
    innermost: &'a mut dyn Innermost,
}

impl<'a> Next<'a> {
    /// Makes the call.
    ///
    /// # Errors
    /// Whatever comes from further inside.
    pub fn run<'b>(self, call: &'b mut Call<'_>) -> CallFuture<'b>
    where
        'a: 'b,
    {
        match self.rest.split_first() {
            Some((next, rest)) => next.call(
                call,
                Next {
                    rest,
                    innermost: self.innermost,
                },
            ),
            None => self.innermost.run_boxed(call),
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next")
            .field("layers", &self.rest.len())
            .finish_non_exhaustive()
    }
}

impl Chain {
    /// Whether calls may go straight to the operation.
    pub(crate) fn is_empty(&self) -> bool {
        self.interceptors.is_empty() && self.layers.is_empty()
    }

    /// A call to be passed through.
    pub(crate) fn call<'a>(
        &'a self,
        command: Command,
        topic: &'a str,
        context: &Context,
    ) -> Call<'a> {
        Call {
            command,
            identity: &self.identity,
            topic,
            records: &[],
            messages: &[],
            request: None,
            added_headers: Vec::new(),
            response: Response::Nothing,
            context: context.clone(),
            started: self.clock.now(),
            clock: &self.clock,
        }
    }

    /// Passes a call through all layers to the operation.
    pub(crate) async fn run(
        &self,
        call: &mut Call<'_>,
        operation: &mut impl Operation,
    ) -> Result<(), ComponentError> {
        let layers = &self.layers;
        if self.interceptors.is_empty() {
            return layers.run(call, operation).await;
        }
        let next = Next {
            rest: &self.interceptors,
            innermost: &mut Core { layers, operation },
        };
        next.run(call).await
    }
}

impl Layers {
    fn is_empty(&self) -> bool {
        #[cfg(feature = "otel")]
        if self.trace.is_some() {
            return false;
        }
        self.keys.is_empty()
            && self.debug.is_none()
            && self.access.is_none()
            && self.metric.is_none()
    }

    async fn run(
        &self,
        call: &mut Call<'_>,
        operation: &mut impl Operation,
    ) -> Result<(), ComponentError> {
        keys::before(&self.keys, call);
        #[cfg(feature = "otel")]
        let span = self.trace.as_ref().and_then(|trace| trace.begin(call));
        let result = operation.run(call).await;
        #[cfg(feature = "otel")]
        if let Some(span) = span {
            span.end(&result);
        }
        if let Some(metric) = &self.metric {
            metric.after(call, &result);
        }
        if let Some(access) = &self.access {
            access.after(call, &self.keys, &result);
        }
        if let Some(debug) = &self.debug {
            debug.after(call, &result);
        }
        result
    }
}

/// The built-in layers and the operation, for layers that do not know its type.
trait Innermost: Send {
    fn run_boxed<'b>(&'b mut self, call: &'b mut Call<'_>) -> CallFuture<'b>;
}

struct Core<'c, O> {
    layers: &'c Layers,
    operation: &'c mut O,
}

impl<O: Operation> Innermost for Core<'_, O> {
    fn run_boxed<'b>(&'b mut self, call: &'b mut Call<'_>) -> CallFuture<'b> {
        Box::pin(self.layers.run(call, self.operation))
    }
}

impl Clock {
    pub(crate) fn now(&self) -> Instant {
        self.0.as_ref().map_or_else(Instant::now, |now| now())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("identity", &self.identity)
            .field("interceptors", &self.interceptors.len())
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}
