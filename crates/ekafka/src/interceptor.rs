//! What stands between a component's callers and Kafka: layers that see each call before and after it is made.
//!
//! A component has two chains. The *client* chain sees what producers and the client do, the *server* chain what consumers,
//! groups and consumer servers do. From outside to inside a call passes: the time taken, the application's interceptors in
//! the order given, custom keys, trace, debug output, access log, metrics, then the operation. With no interceptor and all
//! built-in layers switched off, calls go straight to the writer or the reader.

pub(crate) mod access;
mod call;
mod chain;
mod debug;
mod keys;
pub(crate) mod metric;
mod show;
#[cfg(feature = "otel")]
mod trace;

use std::pin::Pin;

use crate::error::ComponentError;

pub use call::{Call, Command, Response};
pub use chain::Next;
pub(crate) use chain::{Chain, Clock, Identity, Layers, Operation};
pub(crate) use debug::{Debug, Terminal};
pub(crate) use keys::{extra_keys_of_environment, extract};
#[cfg(feature = "otel")]
pub(crate) use trace::{Propagates, Trace, Tracers, remote_parent};

/// A layer around calls. One sees every call of its chain, and may change the request, wait, refuse the call, or look at
/// what came of it.
///
/// ```
/// use ekafka::interceptor::{Call, CallFuture, Interceptor, Next};
///
/// struct Slow;
///
/// impl Interceptor for Slow {
///     fn call<'a>(&'a self, call: &'a mut Call<'_>, next: Next<'a>) -> CallFuture<'a> {
///         Box::pin(async move {
///             let result = next.run(call).await;
///             if call.elapsed().as_secs() > 0 {
///                 eprintln!("{} on {} is slow", call.command(), call.topic());
///             }
///             result
///         })
///     }
/// }
/// ```
pub trait Interceptor: Send + Sync {
    /// Makes the call by `next.run(call)`, or returns without making it.
    ///
    /// Dropping the future must be safe at any time: callers may give up; a message they had taken by then comes again.
    /// An error in place of a message that was taken passes that message over.
    fn call<'a>(&'a self, call: &'a mut Call<'_>, next: Next<'a>) -> CallFuture<'a>;
}

/// A call under way.
pub type CallFuture<'a> = Pin<Box<dyn Future<Output = Result<(), ComponentError>> + Send + 'a>>;
